//! How the states of a connected project's work items and the statuses of groups translate.

use super::connected_projects::connected;
use crate::auth::Scope;
use crate::extract::{At, Sent, shown};
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use handoff_domain::id::InstallationId;
use handoff_domain::work_item::AzureProjectId;
use handoff_domain::workflow::StateMap;
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<ApiState>> {
    Router::new().route(
        "/organizations/{organization}/installations/{installation}/projects/{azure_project}/state-map",
        get(show).put(replace),
    )
}

async fn show(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id, azure_project)): At<(String, InstallationId, String)>,
) -> Result<Response, Problem> {
    Ok(shown(connected(&state, &scope, id, &azure_project).await?.state_map))
}

/// Replaces the map. The project's work items are read again with it.
async fn replace(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id, azure_project)): At<(String, InstallationId, String)>,
    Sent(map): Sent<StateMap>,
) -> Result<Response, Problem> {
    let azure_project = AzureProjectId::parse(&azure_project).ok_or_else(|| Problem::not_found("connected project"))?;
    state.installations.set_state_map(scope.id(), id, &azure_project, &map).await?;
    Ok(shown(map))
}
