//! The Azure DevOps projects that an installation sees and connects, and their hooks.

use super::installations::existing;
use crate::auth::Scope;
use crate::extract::{At, Sent, created, nothing, shown};
use crate::page::{Items, all};
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use handoff_domain::hook::{EventType, Hook, HookStatus};
use handoff_domain::id::{HookId, InstallationId};
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
        .route("/organizations/{organization}/installations/{installation}/hooks", get(hooks))
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

#[derive(Serialize)]
struct HookView {
    id: HookId,
    azure_project: AzureProjectId,
    event_type: EventType,
    subscription_id: Option<String>,
    status: HookStatus,
    /// The status for people, with what to do.
    meaning: String,
    created_at: Timestamp,
    /// When the status was last looked at, or changed here.
    updated_at: Timestamp,
}

impl From<Hook> for HookView {
    fn from(one: Hook) -> Self {
        Self {
            meaning: meaning(&one),
            id: one.id,
            azure_project: one.azure_project,
            event_type: one.event_type,
            subscription_id: one.subscription_id,
            status: one.status,
            created_at: one.created_at,
            updated_at: one.updated_at,
        }
    }
}

/// Says only what was so when it was last looked at, and when that was.
fn meaning(hook: &Hook) -> String {
    let said = match hook.status {
        HookStatus::Creating => {
            "Azure DevOps has not confirmed it. If it stays so, connect the project again to see why"
        }
        HookStatus::Enabled => "It was switched on. To look again, connect the project again",
        HookStatus::OnProbation => {
            "Azure DevOps could not deliver, tries one event again, and drops new ones meanwhile. Check that our \
             address can be reached from there, then connect the project again: once it delivers, what was dropped is \
             read"
        }
        HookStatus::DisabledByUser => {
            "A person switched it off in Azure DevOps. Switch it on there, under Project settings, Service hooks, then \
             connect the project again: what was missed is read"
        }
        HookStatus::DisabledBySystem => {
            "Azure DevOps gave up on it after too many failures. Connect the project again once our address can be \
             reached: it is replaced, and what was missed is read"
        }
        HookStatus::DisabledByInactiveIdentity => {
            "The account that made it lost its access. Save a credential of an active account in the installation, \
             then connect the project again: it is replaced, and what was missed is read"
        }
        HookStatus::Deleting => return "It is being deleted in Azure DevOps.".to_owned(),
        HookStatus::Deleted => return "It is deleted.".to_owned(),
    };
    format!("{said}. (Last looked at: {}.)", hook.updated_at)
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
    existing(&state, &scope, id).await?;
    let connected = state.reader.connected_projects(scope.id(), id).await?;
    let asked = AzureProjectId::parse(&azure_project);
    let found = connected.into_iter().find(|one| Some(&one.azure_project) == asked.as_ref());
    Ok(shown(View::from(found.ok_or_else(|| Problem::not_found("connected project"))?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Connect {
    /// The project's GUID.
    azure_project: String,
}

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
    Ok(created(location, Items { items: hooks.into_iter().map(HookView::from).collect() }))
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

async fn hooks(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id)): At<(String, InstallationId)>,
) -> Result<Response, Problem> {
    existing(&state, &scope, id).await?;
    Ok(all(state.reader.hooks(scope.id(), id).await?, HookView::from))
}
