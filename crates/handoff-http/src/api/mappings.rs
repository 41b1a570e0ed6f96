//! Identity mappings: which of our users an identity of the tracker is.

use crate::auth::Scope;
use crate::extract::{At, Sent, created, nothing, shown};
use crate::page::Listing;
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use handoff_domain::id::{IntegrationId, MappingId, UserId};
use handoff_domain::person::IdentityMapping;
use handoff_domain::service::mappings::NewMapping;
use handoff_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<ApiState>> {
    Router::new()
        .route("/organizations/{organization}/identity-mappings", get(list).post(create))
        .route("/organizations/{organization}/identity-mappings/{mapping}", get(show).delete(delete))
}

#[derive(Serialize)]
struct View {
    id: MappingId,
    integration: IntegrationId,
    identity_id: Option<String>,
    unique_name: Option<String>,
    user: UserId,
    created_at: Timestamp,
}

impl From<IdentityMapping> for View {
    fn from(one: IdentityMapping) -> Self {
        Self {
            id: one.id,
            integration: one.integration,
            identity_id: one.identity_id,
            unique_name: one.unique_name,
            user: one.user,
            created_at: one.created_at,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    integration: IntegrationId,
    /// The tracker's own id of the identity. One of the two must be given.
    identity_id: Option<String>,
    /// The sign-in name there.
    unique_name: Option<String>,
    user: UserId,
}

/// Maps an identity; work items that wait for it are read again.
async fn create(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    Sent(sent): Sent<Create>,
) -> Result<Response, Problem> {
    let new = NewMapping {
        integration: sent.integration,
        identity_id: sent.identity_id,
        unique_name: sent.unique_name,
        user: sent.user,
    };
    let made = state.mappings.create(scope.id(), &new).await?;
    Ok(created(scope.path(&format!("identity-mappings/{}", made.id)), View::from(made)))
}

async fn list(State(state): State<Arc<ApiState>>, scope: Scope, listing: Listing) -> Result<Response, Problem> {
    let found = state.reader.mappings(scope.id(), listing.page()?).await?;
    Ok(listing.show(found, |one| one.id, View::from))
}

async fn show(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id)): At<(String, MappingId)>,
) -> Result<Response, Problem> {
    let found = state.reader.mapping(scope.id(), id).await?;
    found.map(|one| shown(View::from(one))).ok_or_else(|| Problem::not_found("identity mapping"))
}

async fn delete(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id)): At<(String, MappingId)>,
) -> Result<Response, Problem> {
    state.mappings.delete(scope.id(), id).await?;
    Ok(nothing())
}
