//! The teams of a project, and who is in them.

use crate::client::{AzureDevOps, Question, whole};
use crate::inbound::guid;
use crate::json::Loose;
use crate::operation::Operation;
use crate::wire::{Identity, List, Project};
use handoff_domain::person::Person;
use handoff_domain::port::tracker::{RemoteTeam, TrackerConnection, TrackerError};
use handoff_domain::text::{Name, tamed};
use handoff_domain::work_item::AzureProjectId;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

/// Teams or members asked for at once.
const PAGE: usize = 100;
/// Pages read at most of one list.
const MAX_PAGES: usize = 100;

/// A member of a team: the identity, and whether they administer it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Member {
    identity: Loose<Identity>,
}

pub(crate) async fn teams(
    azure: &AzureDevOps,
    at: &TrackerConnection,
    azure_project: &AzureProjectId,
) -> Result<Vec<RemoteTeam>, TrackerError> {
    let path = format!("_apis/projects/{}/teams", azure_project.as_str());
    let listed: Vec<Loose<Project>> = pages(azure, at, Operation::Teams, &path).await?;
    let mut seen = BTreeSet::new();
    let teams = listed.iter().filter_map(Loose::object).filter_map(|team| {
        let id = team.id.text().and_then(guid)?;
        let name = Name::parse(&tamed(team.name.text()?, Name::MAX)).ok()?;
        seen.insert(id.clone()).then_some(RemoteTeam { id, name })
    });
    Ok(teams.collect())
}

pub(crate) async fn team_members(
    azure: &AzureDevOps,
    at: &TrackerConnection,
    azure_project: &AzureProjectId,
    team: &str,
) -> Result<Vec<Person>, TrackerError> {
    let team = guid(team).ok_or(TrackerError::NotFound { what: "team" })?;
    let path = format!("_apis/projects/{}/teams/{team}/members", azure_project.as_str());
    let listed: Vec<Loose<Member>> = pages(azure, at, Operation::TeamMembers, &path).await?;
    let person = |member: &Member| member.identity.person().ok().flatten();
    let mut people: Vec<Person> = Vec::new();
    for found in listed.iter().filter_map(Loose::object).filter_map(person) {
        if !people.contains(&found) {
            people.push(found);
        }
    }
    Ok(people)
}

/// All pages of a list.
async fn pages<T: DeserializeOwned>(
    azure: &AzureDevOps,
    at: &TrackerConnection,
    operation: Operation,
    path: &str,
) -> Result<Vec<Loose<T>>, TrackerError> {
    let mut rows = Vec::new();
    for page in 0..MAX_PAGES {
        let path = format!("{path}?$top={PAGE}&$skip={}", page * PAGE);
        let list: List<T> = whole(operation, azure.ask(at, Question::get(operation, path)).await?)?;
        let asked = list.value.len();
        rows.extend(list.value);
        if asked < PAGE {
            return Ok(rows);
        }
    }
    let most = PAGE * MAX_PAGES;
    Err(TrackerError::Rejected {
        reason: format!("it lists more than {most} teams or members, which is past our limit"),
    })
}
