//! Tracking rules: which work items get a group and a link by themselves.

use crate::auth::Scope;
use crate::extract::{At, Sent, created, nothing, shown};
use crate::page::Listing;
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use handoff_domain::id::{InstallationId, IntegrationId, ProjectId, TrackingRuleId};
use handoff_domain::service::UseCaseError;
use handoff_domain::service::tracking_rules::NewRule;
use handoff_domain::time::Timestamp;
use handoff_domain::tracking::{TrackingFilter, TrackingRule};
use handoff_domain::work_item::AzureProjectId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<ApiState>> {
    Router::new()
        .route("/organizations/{organization}/tracking-rules", get(list).post(create))
        .route("/organizations/{organization}/tracking-rules/{rule}", get(show).put(replace).delete(delete))
}

#[derive(Serialize)]
struct View {
    id: TrackingRuleId,
    installation: InstallationId,
    integration: IntegrationId,
    azure_project: AzureProjectId,
    project: ProjectId,
    #[serde(flatten)]
    filter: TrackingFilter,
    created_at: Timestamp,
}

impl From<TrackingRule> for View {
    fn from(one: TrackingRule) -> Self {
        Self {
            id: one.id,
            installation: one.installation,
            integration: one.integration,
            azure_project: one.azure_project,
            project: one.project,
            filter: one.filter,
            created_at: one.created_at,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    installation: InstallationId,
    /// The GUID of a connected project.
    azure_project: String,
    /// The project of ours that gets the groups.
    project: ProjectId,
    work_item_type: Option<String>,
    area_path: Option<String>,
    tag: Option<String>,
}

/// The conditions alone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Replace {
    work_item_type: Option<String>,
    area_path: Option<String>,
    tag: Option<String>,
}

fn filter(
    work_item_type: Option<&str>,
    area_path: Option<&str>,
    tag: Option<&str>,
) -> Result<TrackingFilter, UseCaseError> {
    let parsed = TrackingFilter::parse(work_item_type, area_path, tag);
    parsed.map_err(|(field, error)| UseCaseError::Refused(format!("{field}: {error}")))
}

/// Makes a rule; the work items that it is about are looked for.
async fn create(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    Sent(sent): Sent<Create>,
) -> Result<Response, Problem> {
    let azure_project = AzureProjectId::parse(&sent.azure_project)
        .ok_or_else(|| UseCaseError::Refused("azure_project: not the GUID of a project".to_owned()))?;
    let filter = filter(sent.work_item_type.as_deref(), sent.area_path.as_deref(), sent.tag.as_deref())?;
    let new = NewRule { installation: sent.installation, azure_project, project: sent.project, filter };
    let made = state.tracking_rules.create(scope.id(), &new).await?;
    Ok(created(scope.path(&format!("tracking-rules/{}", made.id)), View::from(made)))
}

async fn list(State(state): State<Arc<ApiState>>, scope: Scope, listing: Listing) -> Result<Response, Problem> {
    let found = state.reader.tracking_rules(scope.id(), listing.page()?).await?;
    Ok(listing.show(found, |one| one.id, View::from))
}

async fn show(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id)): At<(String, TrackingRuleId)>,
) -> Result<Response, Problem> {
    let found = state.reader.tracking_rule(scope.id(), id).await?;
    found.map(|one| shown(View::from(one))).ok_or_else(|| Problem::not_found("tracking rule"))
}

/// Replaces the conditions; groups that the rule gave stay.
async fn replace(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id)): At<(String, TrackingRuleId)>,
    Sent(sent): Sent<Replace>,
) -> Result<Response, Problem> {
    let filter = filter(sent.work_item_type.as_deref(), sent.area_path.as_deref(), sent.tag.as_deref())?;
    Ok(shown(View::from(state.tracking_rules.change(scope.id(), id, &filter).await?)))
}

/// Removes a rule; groups that it gave stay.
async fn delete(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id)): At<(String, TrackingRuleId)>,
) -> Result<Response, Problem> {
    state.tracking_rules.delete(scope.id(), id).await?;
    Ok(nothing())
}
