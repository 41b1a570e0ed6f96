//! Users of an organization, with their roles and addresses.

use crate::auth::Scope;
use crate::extract::{At, Sent, created, present, shown};
use crate::page::Listing;
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, put};
use handoff_domain::id::UserId;
use handoff_domain::organization::{DiscordUserId, Role};
use handoff_domain::port::read::Member;
use handoff_domain::service::UseCaseError;
use handoff_domain::service::users::{NewMember, UserChange};
use handoff_domain::text::{EmailAddress, Name};
use handoff_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<ApiState>> {
    Router::new()
        .route("/organizations/{organization}/users", get(list).post(create))
        .route("/organizations/{organization}/users/{user}", get(show).patch(change))
        .route("/organizations/{organization}/users/{user}/emails/{address}", put(put_email))
}

#[derive(Serialize)]
struct View {
    id: UserId,
    name: Name,
    role: Role,
    active: bool,
    /// Discord's ids pass 2^53, so they are texts.
    discord_id: Option<DiscordUserId>,
    emails: Vec<Email>,
    created_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Email {
    address: EmailAddress,
    #[serde(default)]
    verified: bool,
}

impl From<Member> for View {
    fn from(one: Member) -> Self {
        let emails = one.emails.into_iter();
        Self {
            id: one.user.id,
            name: one.user.name,
            role: one.role,
            active: one.user.active,
            discord_id: one.user.discord,
            emails: emails.map(|email| Email { address: email.address, verified: email.verified }).collect(),
            created_at: one.user.created_at,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    name: Name,
    #[serde(default = "member")]
    role: Role,
    #[serde(default)]
    emails: Vec<Email>,
    discord_id: Option<DiscordUserId>,
}

const fn member() -> Role {
    Role::Member
}

async fn create(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    Sent(sent): Sent<Create>,
) -> Result<Response, Problem> {
    let emails = sent.emails.into_iter().map(|email| (email.address, email.verified)).collect();
    let new = NewMember { name: sent.name, role: sent.role, emails, discord: sent.discord_id };
    let made = state.users.create(scope.id(), &new).await?;
    Ok(created(scope.path(&format!("users/{}", made.user.id)), View::from(made)))
}

async fn list(State(state): State<Arc<ApiState>>, scope: Scope, listing: Listing) -> Result<Response, Problem> {
    let found = state.reader.members(scope.id(), listing.page()?).await?;
    Ok(listing.show(found, |one| one.user.id, View::from))
}

async fn show(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, user)): At<(String, UserId)>,
) -> Result<Response, Problem> {
    Ok(shown(View::from(state.users.member(scope.id(), user).await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    active: Option<bool>,
    /// Absent: stays; null: unlinked.
    #[serde(default, deserialize_with = "present")]
    discord_id: Option<Option<DiscordUserId>>,
}

/// Activates, deactivates, links or unlinks a Discord account.
async fn change(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, user)): At<(String, UserId)>,
    Sent(sent): Sent<Change>,
) -> Result<Response, Problem> {
    let change = UserChange { active: sent.active, discord: sent.discord_id };
    Ok(shown(View::from(state.users.change(scope.id(), user, change).await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PutEmail {
    verified: bool,
}

/// Adds an address, or says whether it is known to be theirs.
async fn put_email(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, user, address)): At<(String, UserId, String)>,
    Sent(sent): Sent<PutEmail>,
) -> Result<Response, Problem> {
    let address =
        EmailAddress::parse(&address).map_err(|error| UseCaseError::Refused(format!("the address {error}")))?;
    let member = state.users.put_email(scope.id(), user, &address, sent.verified).await?;
    Ok(shown(View::from(member)))
}
