//! What is made in Azure DevOps of a group: work items, and comments.

use crate::auth::Scope;
use crate::extract::{At, Sent, started};
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use handoff_domain::id::{ActivityId, GroupId, InstallationId, OutboxId, UserId};
use handoff_domain::service::UseCaseError;
use handoff_domain::service::create_work_item::WantedWorkItem;
use handoff_domain::work_item::AzureProjectId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<ApiState>> {
    Router::new()
        .route("/organizations/{organization}/groups/{group}/work-items", post(create))
        .route("/organizations/{organization}/groups/{group}/comments", post(comment))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    installation: InstallationId,
    /// The project's GUID.
    azure_project: String,
    #[serde(rename = "type")]
    work_item_type: String,
    /// Who wants it.
    by: Option<UserId>,
}

#[derive(Serialize)]
struct Requested {
    /// The row of the outbox, where its fate shows.
    outbox: OutboxId,
}

/// Has a work item made of the group, and linked with it.
async fn create(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, group)): At<(String, GroupId)>,
    Sent(sent): Sent<Create>,
) -> Result<Response, Problem> {
    let azure_project = AzureProjectId::parse(&sent.azure_project)
        .ok_or_else(|| UseCaseError::Refused("azure_project: not the GUID of a project".to_owned()))?;
    let by = scope.source(&state, sent.by).await?;
    let wanted = WantedWorkItem { installation: sent.installation, azure_project, work_item_type: sent.work_item_type };
    let outbox = state.links.request_work_item(scope.id(), group, &wanted, by).await?;
    Ok(started(Requested { outbox }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Comment {
    text: String,
    /// Who says it.
    by: Option<UserId>,
}

#[derive(Serialize)]
struct Said {
    /// The entry of the history.
    activity: ActivityId,
    /// How many work items hear of it: those whose installation takes comments.
    work_items: usize,
}

/// Says something about the group, which its work items hear.
async fn comment(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, group)): At<(String, GroupId)>,
    Sent(sent): Sent<Comment>,
) -> Result<Response, Problem> {
    let by = scope.source(&state, sent.by).await?;
    let (activity, work_items) = state.links.comment(scope.id(), group, &sent.text, by).await?;
    Ok(started(Said { activity, work_items }))
}
