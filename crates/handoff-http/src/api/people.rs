//! The people of a connected project's teams: looked at, and imported on confirmation.

use crate::auth::Scope;
use crate::extract::{At, Params, Sent, shown};
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use handoff_domain::id::{InstallationId, ProjectId, TeamId, UserId};
use handoff_domain::port::store::MatchedBy;
use handoff_domain::service::import_people::{Becomes, ImportDone, ImportFrom, ImportPreview, ImportedPerson, LeftOut};
use handoff_domain::text::Name;
use handoff_domain::work_item::AzureProjectId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<ApiState>> {
    let people = "/organizations/{organization}/installations/{installation}/projects/{azure_project}/people";
    Router::new().route(people, get(preview)).route(&format!("{people}/import"), post(import))
}

#[derive(Serialize)]
struct Preview {
    teams: Vec<Team>,
    /// The team of ours, where an import made one already.
    team: Option<TeamId>,
    people: Vec<Person>,
}

#[derive(Serialize)]
struct Team {
    id: String,
    name: Name,
}

#[derive(Serialize)]
struct Person {
    identity_id: Option<String>,
    unique_name: Option<String>,
    display_name: String,
    /// `new_user`, `known`, or `left_out`.
    becomes: &'static str,
    /// Who they are, where they are known.
    user: Option<UserId>,
    /// What says so, or why they are left out.
    because: Option<&'static str>,
}

impl From<ImportPreview> for Preview {
    fn from(one: ImportPreview) -> Self {
        Self {
            teams: one.teams.into_iter().map(|team| Team { id: team.id, name: team.name }).collect(),
            team: one.team,
            people: one.people.into_iter().map(Person::from).collect(),
        }
    }
}

impl From<ImportedPerson> for Person {
    fn from(one: ImportedPerson) -> Self {
        let (becomes, user, because) = match one.becomes {
            Becomes::NewUser => ("new_user", None, None),
            Becomes::Known { user, by } => ("known", Some(user), Some(matched_by(by))),
            Becomes::LeftOut(why) => ("left_out", None, Some(left_out(why))),
        };
        Self {
            identity_id: one.person.identity_id,
            unique_name: one.person.unique_name,
            display_name: one.person.display_name,
            becomes,
            user,
            because,
        }
    }
}

const fn matched_by(by: MatchedBy) -> &'static str {
    match by {
        MatchedBy::IdentityId => "mapped by identity id",
        MatchedBy::UniqueName => "mapped by sign-in name",
        MatchedBy::Address => "has this verified address",
    }
}

const fn left_out(why: LeftOut) -> &'static str {
    match why {
        LeftOut::Ambiguous => "may be more than one user, or shares the sign-in name with another identity",
        LeftOut::Container => "a group of people",
        LeftOut::NoIdentity => "Azure DevOps tells no identity id",
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Ids of teams in Azure DevOps, separated by commas; all where none is named.
    teams: Option<String>,
}

fn project(text: &str) -> Result<AzureProjectId, Problem> {
    AzureProjectId::parse(text).ok_or_else(|| Problem::not_found("connected project"))
}

/// What an import would make.
async fn preview(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, installation, azure_project)): At<(String, InstallationId, String)>,
    Params(asked): Params<Asked>,
) -> Result<Response, Problem> {
    let teams = asked.teams.unwrap_or_default();
    let teams = teams.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect();
    let from = ImportFrom { installation, azure_project: project(&azure_project)?, teams };
    Ok(shown(Preview::from(state.import_people.preview(scope.id(), &from).await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Import {
    /// Ids of teams in Azure DevOps; all where none is named.
    #[serde(default)]
    teams: Vec<String>,
    /// A project of ours that the team is given.
    project: Option<ProjectId>,
}

#[derive(Serialize)]
struct Done {
    team: Option<TeamId>,
    users: usize,
    mappings: usize,
    members: usize,
    left_out: usize,
}

impl From<ImportDone> for Done {
    fn from(one: ImportDone) -> Self {
        let ImportDone { team, users, mappings, members, left_out } = one;
        Self { team, users, mappings, members, left_out }
    }
}

/// Imports them. Doing it again makes nothing twice.
async fn import(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, installation, azure_project)): At<(String, InstallationId, String)>,
    Sent(sent): Sent<Import>,
) -> Result<Response, Problem> {
    let from = ImportFrom { installation, azure_project: project(&azure_project)?, teams: sent.teams };
    Ok(shown(Done::from(state.import_people.import(scope.id(), &from, sent.project).await?)))
}
