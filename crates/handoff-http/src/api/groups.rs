//! Groups: what people work on, who has them, and what happened to them.

use crate::auth::{InProject, Scope};
use crate::extract::{At, Params, Sent, created, shown};
use crate::page::Listing;
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use handoff_domain::assignee::{Activity, ActivityKind, Assignee, ChangeSource};
use handoff_domain::group::{GroupStatus, Level};
use handoff_domain::id::{ActivityId, GroupId, ProjectId, TeamId, UserId};
use handoff_domain::port::read::GroupView;
use handoff_domain::project::Project;
use handoff_domain::service::assignee_exists::{AssigneeExists, assignee_exists};
use handoff_domain::service::groups::NewGroup;
use handoff_domain::text::Name;
use handoff_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<ApiState>> {
    Router::new()
        .route("/organizations/{organization}/projects/{project}/groups", get(list).post(create))
        .route("/organizations/{organization}/groups/{group}", get(show).patch(change))
        .route("/organizations/{organization}/groups/{group}/assignee", get(assignee).put(assign).delete(deassign))
        .route("/organizations/{organization}/groups/{group}/activity", get(activity))
}

#[derive(Serialize)]
struct View {
    id: GroupId,
    short_id: String,
    project: ProjectId,
    title: Name,
    level: Level,
    status: GroupStatus,
    assignee: Option<Assignee>,
    last_event_at: Timestamp,
    created_at: Timestamp,
}

impl From<GroupView> for View {
    fn from(one: GroupView) -> Self {
        Self {
            id: one.group.id,
            short_id: Project::short_id(&one.project_slug, one.group.number),
            project: one.group.project,
            title: one.group.title,
            level: one.group.level,
            status: one.group.status,
            assignee: one.assignee,
            last_event_at: one.group.last_event_at,
            created_at: one.group.created_at,
        }
    }
}

#[derive(Serialize)]
struct Entry {
    id: ActivityId,
    at: Timestamp,
    #[serde(flatten)]
    kind: ActivityKind,
    source: Option<ChangeSource>,
}

impl From<Activity> for Entry {
    fn from(one: Activity) -> Self {
        Self { id: one.id, at: one.at, kind: one.kind, source: one.source }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    title: Name,
    #[serde(default = "error")]
    level: Level,
}

const fn error() -> Level {
    Level::Error
}

async fn create(
    State(state): State<Arc<ApiState>>,
    within: InProject,
    Sent(sent): Sent<Create>,
) -> Result<Response, Problem> {
    let new = NewGroup { title: sent.title, level: sent.level };
    let by = ChangeSource::Api { by: None };
    let made = state.groups.create(within.scope.id(), within.id(), &new, by).await?;
    Ok(created(within.scope.path(&format!("groups/{}", made.group.id)), View::from(made)))
}

async fn list(State(state): State<Arc<ApiState>>, within: InProject, listing: Listing) -> Result<Response, Problem> {
    let found = state.reader.groups(within.scope.id(), within.id(), listing.page()?).await?;
    Ok(listing.show(found, |one| one.group.id, View::from))
}

async fn show(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, group)): At<(String, GroupId)>,
) -> Result<Response, Problem> {
    Ok(shown(View::from(existing(&state, &scope, group).await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    status: GroupStatus,
    /// Who does it.
    by: Option<UserId>,
}

/// Opens, resolves or archives a group. The same status again changes nothing.
async fn change(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, group)): At<(String, GroupId)>,
    Sent(sent): Sent<Change>,
) -> Result<Response, Problem> {
    let by = scope.source(&state, sent.by).await?;
    state.groups.set_status(scope.id(), group, sent.status, by).await?;
    Ok(shown(View::from(existing(&state, &scope, group).await?)))
}

/// The group, where the organization has it.
///
/// # Errors
/// 404 otherwise.
pub(super) async fn existing(state: &ApiState, scope: &Scope, group: GroupId) -> Result<GroupView, Problem> {
    state.reader.group(scope.id(), group).await?.ok_or_else(|| Problem::not_found("group"))
}

#[derive(Serialize)]
struct AssigneeView {
    /// Whether there is one: what the cache remembers, or else what the store says.
    assigned: bool,
    /// Whether the cache remembered it. Asking again finds it there.
    remembered: bool,
    assignee: Option<Assignee>,
}

impl From<AssigneeExists> for AssigneeView {
    fn from(one: AssigneeExists) -> Self {
        Self { assigned: one.assigned, remembered: one.remembered, assignee: one.assignee }
    }
}

async fn assignee(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, group)): At<(String, GroupId)>,
) -> Result<Response, Problem> {
    let cache = state.groups.assignments.cache.as_ref();
    let found = assignee_exists(scope.id(), group, state.reader.as_ref(), cache).await?;
    Ok(shown(AssigneeView::from(found)))
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    User,
    Team,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Assign {
    #[serde(rename = "type")]
    kind: Kind,
    id: i64,
    /// Who does it, so that nobody is mentioned for their own action.
    by: Option<UserId>,
}

/// Assigns. The same assignee again changes nothing.
async fn assign(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, group)): At<(String, GroupId)>,
    Sent(sent): Sent<Assign>,
) -> Result<Response, Problem> {
    let to = match sent.kind {
        Kind::User => Assignee::User(UserId::new(sent.id)),
        Kind::Team => Assignee::Team(TeamId::new(sent.id)),
    };
    let by = scope.source(&state, sent.by).await?;
    state.groups.assignments.assign(scope.id(), group, to, by).await?;
    Ok(shown(View::from(existing(&state, &scope, group).await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deassign {
    /// Who does it.
    by: Option<UserId>,
}

/// Takes a group from its assignee; nobody's already is no error.
async fn deassign(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, group)): At<(String, GroupId)>,
    Params(asked): Params<Deassign>,
) -> Result<Response, Problem> {
    let by = scope.source(&state, asked.by).await?;
    state.groups.assignments.deassign(scope.id(), group, by).await?;
    Ok(shown(View::from(existing(&state, &scope, group).await?)))
}

async fn activity(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, group)): At<(String, GroupId)>,
    listing: Listing,
) -> Result<Response, Problem> {
    existing(&state, &scope, group).await?;
    let found = state.reader.activities(scope.id(), group, listing.page()?).await?;
    Ok(listing.show(found, |one| one.id, Entry::from))
}
