//! The Azure DevOps projects that an installation sees and connects, and their hooks.

use super::hooks::HookView;
use super::installations::existing;
use crate::auth::Scope;
use crate::extract::{At, Sent, accepted, created, nothing, shown};
use crate::page::all;
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use handoff_domain::id::InstallationId;
use handoff_domain::integration::ConnectedProject;
use handoff_domain::port::tracker::RemoteProject;
use handoff_domain::service::UseCaseError;
use handoff_domain::text::Name;
use handoff_domain::time::Timestamp;
use handoff_domain::work_item::AzureProjectId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<ApiState>> {
    Router::new()
        .route("/organizations/{organization}/installations/{installation}/available-projects", get(available))
        .route("/organizations/{organization}/installations/{installation}/projects", get(list).post(connect))
        .route(
            "/organizations/{organization}/installations/{installation}/projects/{azure_project}",
            get(show).delete(disconnect),
        )
        .route(
            "/organizations/{organization}/installations/{installation}/projects/{azure_project}/reconcile",
            post(reconcile),
        )
}

#[derive(Serialize)]
struct Available {
    id: AzureProjectId,
    name: Name,
}

impl From<RemoteProject> for Available {
    fn from(one: RemoteProject) -> Self {
        Self { id: one.id, name: one.name }
    }
}

#[derive(Serialize)]
struct View {
    azure_project: AzureProjectId,
    name: Name,
    created_at: Timestamp,
}

impl From<ConnectedProject> for View {
    fn from(one: ConnectedProject) -> Self {
        Self { azure_project: one.azure_project, name: one.name, created_at: one.created_at }
    }
}

/// The projects that the credential sees in Azure DevOps.
async fn available(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id)): At<(String, InstallationId)>,
) -> Result<Response, Problem> {
    Ok(all(state.installations.remote_projects(scope.id(), id).await?, Available::from))
}

async fn list(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id)): At<(String, InstallationId)>,
) -> Result<Response, Problem> {
    existing(&state, &scope, id).await?;
    Ok(all(state.reader.connected_projects(scope.id(), id).await?, View::from))
}

async fn show(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id, azure_project)): At<(String, InstallationId, String)>,
) -> Result<Response, Problem> {
    Ok(shown(View::from(connected(&state, &scope, id, &azure_project).await?)))
}

/// The project of this GUID, where the installation of the organization connected it.
///
/// # Errors
/// 404 otherwise.
pub(super) async fn connected(
    state: &ApiState,
    scope: &Scope,
    id: InstallationId,
    azure_project: &str,
) -> Result<ConnectedProject, Problem> {
    existing(state, scope, id).await?;
    let connected = state.reader.connected_projects(scope.id(), id).await?;
    let asked = AzureProjectId::parse(azure_project);
    let found = connected.into_iter().find(|one| Some(&one.azure_project) == asked.as_ref());
    found.ok_or_else(|| Problem::not_found("connected project"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Connect {
    /// The project's GUID.
    azure_project: String,
}

/// What connecting made.
#[derive(Serialize)]
struct Made {
    /// The hooks.
    items: Vec<HookView>,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

const NO_HOOKS: &str = "There is no public_url under which Azure DevOps could reach us, and so there are no hooks: the \
                        linked work items are read every minute instead.";

/// Connects a project and makes its hooks, which are the answer. Asking again mends what is missing or broken.
async fn connect(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id)): At<(String, InstallationId)>,
    Sent(sent): Sent<Connect>,
) -> Result<Response, Problem> {
    let azure_project = AzureProjectId::parse(&sent.azure_project)
        .ok_or_else(|| UseCaseError::Refused("azure_project: not the GUID of a project".to_owned()))?;
    let hooks = state.installations.connect(scope.id(), id, &azure_project).await?;
    let location = scope.path(&format!("installations/{id}/projects/{}", azure_project.as_str()));
    let items: Vec<HookView> = hooks.into_iter().map(HookView::from).collect();
    let note = items.is_empty().then_some(NO_HOOKS);
    Ok(created(location, Made { items, note }))
}

async fn disconnect(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id, azure_project)): At<(String, InstallationId, String)>,
) -> Result<Response, Problem> {
    let azure_project = AzureProjectId::parse(&azure_project).ok_or_else(|| Problem::not_found("connected project"))?;
    state.installations.disconnect(scope.id(), id, &azure_project).await?;
    Ok(nothing())
}

/// Has every linked work item of the project read; a worker does it.
async fn reconcile(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id, azure_project)): At<(String, InstallationId, String)>,
) -> Result<Response, Problem> {
    let azure_project = AzureProjectId::parse(&azure_project).ok_or_else(|| Problem::not_found("connected project"))?;
    state.installations.reconcile(scope.id(), id, &azure_project).await?;
    Ok(accepted())
}
