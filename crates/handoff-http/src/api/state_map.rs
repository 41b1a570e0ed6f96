//! How the states of a connected project's work items and the statuses of groups translate.

use super::installations::existing;
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

fn not_connected() -> Problem {
    Problem::not_found("connected project")
}

async fn show(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id, azure_project)): At<(String, InstallationId, String)>,
) -> Result<Response, Problem> {
    existing(&state, &scope, id).await?;
    let connected = state.reader.connected_projects(scope.id(), id).await?;
    let asked = AzureProjectId::parse(&azure_project);
    let found = connected.into_iter().find(|one| Some(&one.azure_project) == asked.as_ref());
    Ok(shown(found.ok_or_else(not_connected)?.state_map))
}

/// Replaces the map. The project's work items are read again with it.
async fn replace(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id, azure_project)): At<(String, InstallationId, String)>,
    Sent(map): Sent<StateMap>,
) -> Result<Response, Problem> {
    let azure_project = AzureProjectId::parse(&azure_project).ok_or_else(not_connected)?;
    state.installations.set_state_map(scope.id(), id, &azure_project, &map).await?;
    Ok(shown(map))
}
