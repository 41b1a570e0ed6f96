//! The hooks of an installation: where each stands, what is wrong with it, what to do, and new secrets.

use super::installations::existing;
use crate::auth::Scope;
use crate::extract::At;
use crate::page::all;
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use handoff_domain::hook::{EventType, Hook, HookStatus};
use handoff_domain::id::{HookId, InstallationId};
use handoff_domain::time::Timestamp;
use handoff_domain::work_item::AzureProjectId;
use serde::Serialize;
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<ApiState>> {
    Router::new().route("/organizations/{organization}/installations/{installation}/hooks", get(hooks)).route(
        "/organizations/{organization}/installations/{installation}/projects/{azure_project}/rotate",
        post(rotate),
    )
}

/// A hook as shown to people.
#[derive(Serialize)]
pub(super) struct HookView {
    id: HookId,
    azure_project: AzureProjectId,
    event_type: EventType,
    subscription_id: Option<String>,
    status: HookStatus,
    /// What is wrong with it, as of `checked_at`; null where nothing is.
    problem: Option<&'static str>,
    /// What a person can do about that, or what is done without one.
    what_to_do: Option<&'static str>,
    /// When Azure DevOps last told where it stands.
    checked_at: Option<Timestamp>,
    /// Why a look since then told nothing; null where none failed.
    unseen: Option<String>,
    created_at: Timestamp,
    /// When it was last looked at, or changed here.
    updated_at: Timestamp,
}

impl From<Hook> for HookView {
    fn from(one: Hook) -> Self {
        let (problem, what_to_do) = advice(one.status).unzip();
        Self {
            id: one.id,
            azure_project: one.azure_project,
            event_type: one.event_type,
            subscription_id: one.subscription_id,
            status: one.status,
            problem,
            what_to_do,
            checked_at: one.checked_at,
            unseen: one.unseen,
            created_at: one.created_at,
            updated_at: one.updated_at,
        }
    }
}

/// What is wrong with a hook that stands so, and what to do.
const fn advice(status: HookStatus) -> Option<(&'static str, &'static str)> {
    match status {
        HookStatus::Enabled => None,
        HookStatus::Creating => Some((
            "Azure DevOps has not confirmed it.",
            "It is asked for again at the next look. If it stays so, connect the project again to see why.",
        )),
        HookStatus::OnProbation => Some((
            "Azure DevOps could not deliver: it tries one event again and drops new ones meanwhile.",
            "Check that our address can be reached from there. Another hook takes its place by itself, at most one an \
             hour, and what was dropped is read; connect the project again to have that at once.",
        )),
        HookStatus::DisabledByUser => Some((
            "A person switched it off in Azure DevOps.",
            "It stays off until a person wants it: switch it on there, under Project settings, Service hooks, or \
             connect the project again here, which makes another. What was missed is read then.",
        )),
        HookStatus::DisabledBySystem => Some((
            "Azure DevOps gave up on it after too many failures.",
            "Check that our address can be reached from there. Another hook takes its place by itself, at most one an \
             hour, and what was missed is read; connect the project again to have that at once.",
        )),
        HookStatus::DisabledByInactiveIdentity => Some((
            "The account that made it lost its access.",
            "Save a credential of an active account in the installation: another hook takes its place then, and what \
             was missed is read.",
        )),
        HookStatus::Gone => Some((
            "Azure DevOps does not know it any more: somebody deleted it there.",
            "Another hook takes its place by itself, at most one an hour, and what was missed is read; connect the \
             project again to have that at once.",
        )),
        HookStatus::Deleting => Some(("It is being deleted in Azure DevOps.", "Nothing; that is done by itself.")),
        HookStatus::Deleted => Some(("It is deleted.", "Nothing.")),
    }
}

async fn hooks(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id)): At<(String, InstallationId)>,
) -> Result<Response, Problem> {
    existing(&state, &scope, id).await?;
    Ok(all(state.reader.hooks(scope.id(), id).await?, HookView::from))
}

/// Makes hooks with new secrets beside the old ones, which are then deleted; the new ones are the answer.
async fn rotate(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id, azure_project)): At<(String, InstallationId, String)>,
) -> Result<Response, Problem> {
    let azure_project = AzureProjectId::parse(&azure_project).ok_or_else(|| Problem::not_found("connected project"))?;
    Ok(all(state.installations.rotate(scope.id(), id, &azure_project).await?, HookView::from))
}
