//! Links of groups with work items, and those on which somebody is unresolved.

use super::groups::existing;
use crate::auth::Scope;
use crate::extract::{At, Sent, created, nothing, shown};
use crate::page::{Listing, all};
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use handoff_domain::assignee::ChangeSource;
use handoff_domain::id::{GroupId, InstallationId, IntegrationId, LinkId, Revision, WorkItemNumber};
use handoff_domain::person::{Person, Unresolved};
use handoff_domain::service::UseCaseError;
use handoff_domain::time::Timestamp;
use handoff_domain::work_item::{AzureProjectId, ExternalIssue, GroupLink};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<ApiState>> {
    Router::new()
        .route("/organizations/{organization}/groups/{group}/links", get(list).post(create))
        .route("/organizations/{organization}/links/{link}", get(show).delete(delete))
        .route("/organizations/{organization}/unresolved", get(unresolved))
}

#[derive(Serialize)]
struct View {
    id: LinkId,
    group: GroupId,
    installation: InstallationId,
    work_item: WorkItem,
    /// Who the tracker says has it, while that is nobody we know.
    unresolved: Option<Unresolved>,
    /// Why what was decided here is not in the tracker, and what to do about it.
    problem: Option<String>,
    created_at: Timestamp,
}

#[derive(Serialize)]
struct WorkItem {
    integration: IntegrationId,
    azure_project: AzureProjectId,
    number: WorkItemNumber,
    revision: Revision,
    title: String,
    #[serde(rename = "type")]
    work_item_type: String,
    state: String,
    assignee: Option<Person>,
    url: Option<String>,
    deleted: bool,
    changed_at: Timestamp,
    observed_at: Timestamp,
}

impl From<ExternalIssue> for WorkItem {
    fn from(one: ExternalIssue) -> Self {
        Self {
            integration: one.integration,
            azure_project: one.azure_project,
            number: one.number,
            revision: one.revision,
            title: one.title,
            work_item_type: one.work_item_type,
            state: one.state,
            assignee: one.assignee,
            url: one.url,
            deleted: one.deleted,
            changed_at: one.changed_at,
            observed_at: one.observed_at,
        }
    }
}

impl From<(GroupLink, ExternalIssue)> for View {
    fn from((link, issue): (GroupLink, ExternalIssue)) -> Self {
        Self {
            id: link.id,
            group: link.group,
            installation: link.installation,
            work_item: issue.into(),
            unresolved: link.unresolved,
            problem: link.problem,
            created_at: link.created_at,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    /// Through which installation; or else:
    installation: Option<InstallationId>,
    /// through the organization's installation of this integration.
    integration: Option<IntegrationId>,
    /// The work item's number.
    work_item: i64,
}

async fn create(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, group)): At<(String, GroupId)>,
    Sent(sent): Sent<Create>,
) -> Result<Response, Problem> {
    let installation = match (sent.installation, sent.integration) {
        (Some(installation), None) => installation,
        (None, Some(integration)) => state.installations.of_integration(scope.id(), integration).await?,
        _ => return Err(UseCaseError::Refused("either an installation or an integration must be given".into()).into()),
    };
    let number = WorkItemNumber::from_wire(sent.work_item)
        .ok_or_else(|| UseCaseError::Refused("work_item: not the number of a work item".to_owned()))?;
    let by = ChangeSource::Api { by: None };
    let link = state.links.link_work_item(scope.id(), group, installation, number, by).await?;
    let view = view(&state, &scope, link.id).await?;
    Ok(created(scope.path(&format!("links/{}", link.id)), view))
}

async fn view(state: &ApiState, scope: &Scope, link: LinkId) -> Result<View, Problem> {
    let found = state.reader.link(scope.id(), link).await?;
    found.map(View::from).ok_or_else(|| Problem::not_found("link"))
}

async fn list(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, group)): At<(String, GroupId)>,
) -> Result<Response, Problem> {
    existing(&state, &scope, group).await?;
    Ok(all(state.reader.links(scope.id(), group).await?, View::from))
}

async fn show(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, link)): At<(String, LinkId)>,
) -> Result<Response, Problem> {
    Ok(shown(view(&state, &scope, link).await?))
}

async fn delete(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, link)): At<(String, LinkId)>,
) -> Result<Response, Problem> {
    state.links.unlink_work_item(scope.id(), link, ChangeSource::Api { by: None }).await?;
    Ok(nothing())
}

/// The links that wait for somebody to be made known.
async fn unresolved(State(state): State<Arc<ApiState>>, scope: Scope, listing: Listing) -> Result<Response, Problem> {
    let found = state.reader.unresolved_links(scope.id(), listing.page()?).await?;
    Ok(listing.show(found, |(link, _)| link.id, View::from))
}
