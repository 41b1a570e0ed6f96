//! Teams and who is in them.

use crate::auth::Scope;
use crate::extract::{At, Sent, created, nothing, shown};
use crate::page::Listing;
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, put};
use handoff_domain::id::{TeamId, UserId};
use handoff_domain::organization::{Team, User};
use handoff_domain::service::teams::NewTeam;
use handoff_domain::slug::Slug;
use handoff_domain::text::Name;
use handoff_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<ApiState>> {
    Router::new()
        .route("/organizations/{organization}/teams", get(list).post(create))
        .route("/organizations/{organization}/teams/{team}", get(show))
        .route("/organizations/{organization}/teams/{team}/members", get(members))
        .route("/organizations/{organization}/teams/{team}/members/{user}", put(add).delete(remove))
}

/// A team as it is shown, here and with a project.
#[derive(Serialize)]
pub(super) struct View {
    id: TeamId,
    slug: Slug,
    name: Name,
    created_at: Timestamp,
}

impl From<Team> for View {
    fn from(one: Team) -> Self {
        Self { id: one.id, slug: one.slug, name: one.name, created_at: one.created_at }
    }
}

#[derive(Serialize)]
struct TeamMember {
    id: UserId,
    name: Name,
    active: bool,
}

impl From<User> for TeamMember {
    fn from(one: User) -> Self {
        Self { id: one.id, name: one.name, active: one.active }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    name: Name,
    slug: Option<Slug>,
}

async fn create(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    Sent(sent): Sent<Create>,
) -> Result<Response, Problem> {
    let made = state.teams.create(scope.id(), &NewTeam { name: sent.name, slug: sent.slug }).await?;
    Ok(created(scope.path(&format!("teams/{}", made.id)), View::from(made)))
}

async fn list(State(state): State<Arc<ApiState>>, scope: Scope, listing: Listing) -> Result<Response, Problem> {
    let found = state.reader.teams(scope.id(), listing.page()?).await?;
    Ok(listing.show(found, |one| one.id, View::from))
}

async fn show(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, team)): At<(String, TeamId)>,
) -> Result<Response, Problem> {
    Ok(shown(View::from(existing(&state, &scope, team).await?)))
}

async fn existing(state: &ApiState, scope: &Scope, team: TeamId) -> Result<Team, Problem> {
    state.reader.team(scope.id(), team).await?.ok_or_else(|| Problem::not_found("team"))
}

async fn members(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, team)): At<(String, TeamId)>,
    listing: Listing,
) -> Result<Response, Problem> {
    existing(&state, &scope, team).await?;
    let found = state.reader.team_users(scope.id(), team, listing.page()?).await?;
    Ok(listing.show(found, |one| one.id, TeamMember::from))
}

async fn add(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, team, user)): At<(String, TeamId, UserId)>,
) -> Result<Response, Problem> {
    state.teams.add_member(scope.id(), team, user).await?;
    Ok(nothing())
}

async fn remove(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, team, user)): At<(String, TeamId, UserId)>,
) -> Result<Response, Problem> {
    state.teams.remove_member(scope.id(), team, user).await?;
    Ok(nothing())
}
