//! The endpoints of projects, their teams, members and work item types.

use serde_json::{Value, json};

use super::super::dates;
use super::super::handle::AzureHandle;
use super::super::projects::{Project, WorkItemState};
use super::super::refusal::Refusal;
use super::super::state::State;
use super::call::{Answer, Call};

/// How many projects, teams or members one answer holds unless the caller says.
const DEFAULT_PAGE: usize = 100;

pub(super) fn list(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    handle.with(|state, _| {
        let base_url = base_url(state, call)?;
        let mut projects: Vec<&Project> =
            state.projects.values().filter(|project| project.collection == call.collection).collect();
        projects.sort_by_key(|project| project.name.to_lowercase());
        let values = projects.into_iter().map(|project| project_json(project, &base_url)).collect();
        Ok(Answer::list(call.query.page(values, DEFAULT_PAGE)))
    })
}

pub(super) fn get(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    handle.with(|state, _| {
        let project = named_project(state, call)?;
        Ok(Answer::ok(project_json(project, &base_url(state, call)?)))
    })
}

pub(super) fn teams(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    handle.with(|state, _| {
        let project = named_project(state, call)?;
        let base_url = base_url(state, call)?;
        let values = state
            .teams
            .values()
            .filter(|team| team.project == project.id)
            .map(|team| {
                json!({
                    "id": team.id,
                    "name": team.name,
                    "url": format!("{base_url}_apis/projects/{}/teams/{}", project.id, team.id),
                    "description": "",
                    "identityUrl": format!("{base_url}_apis/Identities/{}", team.id),
                    "projectName": project.name,
                    "projectId": project.id,
                })
            })
            .collect();
        Ok(Answer::list(call.query.page(values, DEFAULT_PAGE)))
    })
}

pub(super) fn members(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    handle.with(|state, _| {
        let project = named_project(state, call)?;
        let team = state.find_team(project.id, call.argument(1))?;
        let base_url = base_url(state, call)?;
        let values = team
            .members
            .iter()
            .filter_map(|member| state.people.get(*member))
            .map(|member| json!({"identity": member.reference(&base_url)}))
            .collect();
        Ok(Answer::list(call.query.page(values, DEFAULT_PAGE)))
    })
}

pub(super) fn work_item_types(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    handle.with(|state, _| {
        let project = state.project(call.needed_project()?)?;
        let base_url = base_url(state, call)?;
        let values =
            project.process.types().iter().map(|(name, states)| type_json(project, &base_url, name, states)).collect();
        Ok(Answer::list(values))
    })
}

pub(super) fn work_item_type(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    handle.with(|state, _| {
        let project = state.project(call.needed_project()?)?;
        let (name, states) = named_type(project, call)?;
        Ok(Answer::ok(type_json(project, &base_url(state, call)?, name, states)))
    })
}

pub(super) fn states(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    handle.with(|state, _| {
        let project = state.project(call.needed_project()?)?;
        let (_, states) = named_type(project, call)?;
        Ok(Answer::list(states.iter().map(state_json).collect()))
    })
}

fn base_url(state: &State, call: &Call) -> Result<String, Refusal> {
    Ok(state.base_url(state.collection(call.collection)?))
}

fn named_project<'a>(state: &'a State, call: &Call) -> Result<&'a Project, Refusal> {
    state.project(state.find_project(call.collection, call.argument(0))?)
}

fn named_type(project: &Project, call: &Call) -> Result<(&'static str, &'static [WorkItemState]), Refusal> {
    let name = call.argument(0);
    project.process.work_item_type(name).ok_or_else(|| {
        Refusal::new(
            http::StatusCode::NOT_FOUND,
            "WorkItemTypeNotFoundException",
            format!("VS402323: Work item type {name} does not exist in project {}.", project.name),
        )
    })
}

fn project_json(project: &Project, base_url: &str) -> Value {
    json!({
        "id": project.id,
        "name": project.name,
        "url": format!("{base_url}_apis/projects/{}", project.id),
        "state": "wellFormed",
        "revision": 1,
        "visibility": "private",
        "lastUpdateTime": dates::short(project.created_us),
    })
}

fn state_json(state: &WorkItemState) -> Value {
    json!({"name": state.name, "color": state.color, "category": state.category.to_string()})
}

fn type_json(project: &Project, base_url: &str, name: &str, states: &[WorkItemState]) -> Value {
    json!({
        "name": name,
        "referenceName": format!("Microsoft.VSTS.WorkItemTypes.{}", name.replace(' ', "")),
        "description": "",
        "color": "009ccc",
        "icon": {"id": "icon_list", "url": format!("{base_url}_apis/wit/workItemIcons/icon_list")},
        "isDisabled": false,
        "states": states.iter().map(state_json).collect::<Vec<_>>(),
        "url": format!("{base_url}{}/_apis/wit/workItemTypes/{}", project.id, name.replace(' ', "%20")),
    })
}
