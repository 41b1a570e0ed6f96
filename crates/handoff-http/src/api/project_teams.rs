//! The teams of a project, and who wants to be mentioned in its channels.

use super::teams::View;
use crate::auth::InProject;
use crate::extract::{At, Sent, nothing, shown};
use crate::page::all;
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, put};
use handoff_domain::id::{ProjectId, TeamId, UserId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<ApiState>> {
    Router::new()
        .route("/organizations/{organization}/projects/{project}/teams", get(list))
        .route("/organizations/{organization}/projects/{project}/teams/{team}", put(add).delete(remove))
        .route("/organizations/{organization}/projects/{project}/notification-settings/{user}", put(set_mention))
}

async fn list(State(state): State<Arc<ApiState>>, within: InProject) -> Result<Response, Problem> {
    Ok(all(state.reader.project_teams(within.scope.id(), within.id()).await?, View::from))
}

async fn add(
    State(state): State<Arc<ApiState>>,
    within: InProject,
    At((_, _, team)): At<(String, String, TeamId)>,
) -> Result<Response, Problem> {
    state.projects.add_team(within.scope.id(), within.id(), team).await?;
    Ok(nothing())
}

async fn remove(
    State(state): State<Arc<ApiState>>,
    within: InProject,
    At((_, _, team)): At<(String, String, TeamId)>,
) -> Result<Response, Problem> {
    state.projects.remove_team(within.scope.id(), within.id(), team).await?;
    Ok(nothing())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetMention {
    /// `false`: cards still show them, nothing mentions them.
    mention: bool,
}

#[derive(Serialize)]
struct Setting {
    project: ProjectId,
    user: UserId,
    mention: bool,
}

async fn set_mention(
    State(state): State<Arc<ApiState>>,
    within: InProject,
    At((_, _, user)): At<(String, String, UserId)>,
    Sent(sent): Sent<SetMention>,
) -> Result<Response, Problem> {
    let set = state.projects.set_mention(within.scope.id(), within.id(), user, sent.mention).await?;
    Ok(shown(Setting { project: set.project, user: set.user, mention: set.mention }))
}
