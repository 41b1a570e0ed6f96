//! Projects: making, showing and deleting them.

use crate::auth::{InProject, Scope};
use crate::extract::{Sent, accepted, created, shown};
use crate::page::Listing;
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use handoff_domain::id::{ProjectId, TeamId};
use handoff_domain::project::Project;
use handoff_domain::service::UseCaseError;
use handoff_domain::service::save_project::NewProject;
use handoff_domain::slug::Slug;
use handoff_domain::snowflake::Snowflake;
use handoff_domain::text::Name;
use handoff_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<ApiState>> {
    Router::new()
        .route("/organizations/{organization}/projects", get(list).post(create))
        .route("/organizations/{organization}/projects/{project}", get(show).delete(delete))
}

#[derive(Serialize)]
struct View {
    id: ProjectId,
    slug: Slug,
    name: Name,
    created_at: Timestamp,
}

impl From<Project> for View {
    fn from(one: Project) -> Self {
        Self { id: one.id, slug: one.slug, name: one.name, created_at: one.created_at }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    name: Name,
    /// Found from the name where absent.
    slug: Option<Slug>,
    /// A snowflake id of an import, kept as it is. Absent: a new one.
    id: Option<i64>,
    #[serde(default)]
    teams: Vec<TeamId>,
}

async fn create(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    Sent(sent): Sent<Create>,
) -> Result<Response, Problem> {
    let given = |id: i64| {
        Snowflake::parse(id).ok_or_else(|| UseCaseError::Refused("id: not a snowflake id; leave it out".to_owned()))
    };
    let id = sent.id.map(given).transpose()?;
    let new = NewProject { organization: scope.id(), name: sent.name, slug: sent.slug, id };
    let made = state.projects.create(&new, &sent.teams).await?;
    Ok(created(scope.path(&format!("projects/{}", made.id)), View::from(made)))
}

async fn list(State(state): State<Arc<ApiState>>, scope: Scope, listing: Listing) -> Result<Response, Problem> {
    let found = state.reader.projects(scope.id(), listing.page()?).await?;
    Ok(listing.show(found, |one| one.id, View::from))
}

async fn show(within: InProject) -> Response {
    shown(View::from(within.project))
}

/// Hides the project at once; a worker takes the rest apart.
async fn delete(State(state): State<Arc<ApiState>>, within: InProject) -> Result<Response, Problem> {
    state.delete_project.delete_project(within.scope.id(), within.id()).await?;
    Ok(accepted())
}
