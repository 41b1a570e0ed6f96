//! Organizations: the tenants.

use crate::auth::{Caller, Scope};
use crate::extract::{Sent, created, shown};
use crate::page::Listing;
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use handoff_domain::id::OrganizationId;
use handoff_domain::organization::Organization;
use handoff_domain::page::Page;
use handoff_domain::service::organizations::NewOrganization;
use handoff_domain::slug::Slug;
use handoff_domain::text::Name;
use handoff_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<ApiState>> {
    Router::new().route("/organizations", get(list).post(create)).route("/organizations/{organization}", get(show))
}

#[derive(Serialize)]
struct View {
    id: OrganizationId,
    slug: Slug,
    name: Name,
    issue_sync: bool,
    created_at: Timestamp,
}

impl From<Organization> for View {
    fn from(one: Organization) -> Self {
        Self { id: one.id, slug: one.slug, name: one.name, issue_sync: one.issue_sync, created_at: one.created_at }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    name: Name,
    slug: Option<Slug>,
    /// Whether changes made here are carried to the trackers.
    #[serde(default = "carried")]
    issue_sync: bool,
}

const fn carried() -> bool {
    true
}

/// Makes an organization; only with a token of the instance.
async fn create(
    State(state): State<Arc<ApiState>>,
    caller: Caller,
    Sent(sent): Sent<Create>,
) -> Result<Response, Problem> {
    caller.must_be_of_instance()?;
    let new = NewOrganization { name: sent.name, slug: sent.slug, issue_sync: sent.issue_sync };
    let made = state.organizations.create(&new).await?;
    Ok(created(format!("/api/v1/organizations/{}", made.id), View::from(made)))
}

/// The organizations that the token is good for.
async fn list(State(state): State<Arc<ApiState>>, caller: Caller, listing: Listing) -> Result<Response, Problem> {
    let page = listing.page()?;
    let found = match caller.bound_to() {
        None => state.reader.organizations(page).await?,
        Some(own) => {
            let own = state.reader.organization(own).await?;
            Page { items: own.into_iter().filter(|one| page.after.is_none_or(|id| one.id > id)).collect(), more: false }
        }
    };
    Ok(listing.show(found, |one| one.id, View::from))
}

async fn show(scope: Scope) -> Response {
    shown(View::from(scope.organization))
}
