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
use handoff_domain::integration::ConnectedProject;
use handoff_domain::person::{Person, Unresolved};
use handoff_domain::service::UseCaseError;
use handoff_domain::time::Timestamp;
use handoff_domain::work_item::{AzureProjectId, ExternalIssue, GroupLink};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
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
    /// `good`, `deleted`, `not_connected`, `unresolved` or `not_written`: the first of them that is so.
    state: &'static str,
    /// The state for people, with what to do; nothing where it is good.
    meaning: Option<&'static str>,
    created_at: Timestamp,
}

/// Which Azure DevOps projects the installations of some links connected.
struct Connections(Vec<ConnectedProject>);

impl Connections {
    /// Those of these links.
    async fn of(state: &ApiState, scope: &Scope, links: &[(GroupLink, ExternalIssue)]) -> Result<Self, Problem> {
        let installations: BTreeSet<InstallationId> = links.iter().map(|(link, _)| link.installation).collect();
        let mut connected = Vec::new();
        for installation in installations {
            connected.extend(state.reader.connected_projects(scope.id(), installation).await?);
        }
        Ok(Self(connected))
    }

    fn has(&self, link: &GroupLink, issue: &ExternalIssue) -> bool {
        let is_its =
            |one: &ConnectedProject| one.installation == link.installation && one.azure_project == issue.azure_project;
        self.0.iter().any(is_its)
    }

    fn view(&self, (link, issue): (GroupLink, ExternalIssue)) -> View {
        let (state, meaning) = if issue.deleted {
            ("deleted", Some("The work item is deleted in Azure DevOps. The link is mended when it is restored"))
        } else if !self.has(&link, &issue) {
            let meaning = "The work item is in an Azure DevOps project that is not connected, so nothing is heard of \
                           it. Connect that project, or unlink the work item";
            ("not_connected", Some(meaning))
        } else if link.unresolved.is_some() {
            ("unresolved", Some("The assignee in Azure DevOps is nobody here. See unresolved-people"))
        } else if link.problem.is_some() {
            ("not_written", Some("What was decided here is not in Azure DevOps; the problem says why"))
        } else {
            ("good", None)
        };
        View {
            id: link.id,
            group: link.group,
            installation: link.installation,
            work_item: issue.into(),
            unresolved: link.unresolved,
            problem: link.problem,
            state,
            meaning,
            created_at: link.created_at,
        }
    }
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
    let found = state.reader.link(scope.id(), link).await?.ok_or_else(|| Problem::not_found("link"))?;
    let found = [found];
    let connections = Connections::of(state, scope, &found).await?;
    let [found] = found;
    Ok(connections.view(found))
}

async fn list(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, group)): At<(String, GroupId)>,
) -> Result<Response, Problem> {
    existing(&state, &scope, group).await?;
    let found = state.reader.links(scope.id(), group).await?;
    let connections = Connections::of(&state, &scope, &found).await?;
    Ok(all(found, |one| connections.view(one)))
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
    let connections = Connections::of(&state, &scope, &found.items).await?;
    Ok(listing.show(found, |(link, _)| link.id, |one| connections.view(one)))
}
