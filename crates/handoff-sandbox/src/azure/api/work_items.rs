//! The endpoints that read work items.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::dates;
use super::super::handle::AzureHandle;
use super::super::ids::WorkItemKey;
use super::super::refusal::Refusal;
use super::super::render::{PersonForm, Renderer, Selection};
use super::super::state::State;
use super::super::work_item::{Revision, WorkItem};
use super::call::{Answer, Call, selection};

/// The most work items that one request may ask for (Azure DevOps docs, Work Items, Get Work Items
/// Batch).
const MAX_BATCH: usize = 200;
/// How many revisions or updates one answer holds at most.
const MAX_HISTORY: usize = 200;

pub(super) fn get(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    let selection = selection(call.query.list("fields"), call.query.get("$expand"))?;
    handle.with(|state, _| {
        let item = present(state, call, call.work_item()?)?;
        let revision = as_of(item, call.query.get("asof"))?;
        let value = with_renderer(state, item, |renderer| renderer.work_item(item, revision, &selection))?;
        Ok(Answer::ok(value))
    })
}

/// `workitems?ids=`, the older form of the batch.
pub(super) fn list(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    let ids = call.query.list("ids").unwrap_or_default().iter().filter_map(|id| id.parse().ok()).collect();
    read_many(
        handle,
        call,
        Batch {
            ids,
            fields: call.query.list("fields"),
            expand: call.query.get("$expand").map(ToOwned::to_owned),
            as_of: call.query.get("asof").map(ToOwned::to_owned),
            error_policy: call.query.get("errorpolicy").map(ToOwned::to_owned),
        },
    )
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    ids: Vec<i64>,
    #[serde(default)]
    fields: Option<Vec<String>>,
    #[serde(default, rename = "$expand")]
    expand: Option<String>,
    #[serde(default)]
    as_of: Option<String>,
    #[serde(default)]
    error_policy: Option<String>,
}

pub(super) fn batch(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    read_many(handle, call, call.json()?)
}

/// With `omit`, a missing work item is a null in its place.
fn read_many(handle: &AzureHandle, call: &Call, batch: Batch) -> Result<Answer, Refusal> {
    if batch.ids.is_empty() || batch.ids.len() > MAX_BATCH {
        return Err(Refusal::bad_request(
            "VssPropertyValidationException",
            format!("VS403474: You are limited to {MAX_BATCH} work items at a time, and must ask for at least one."),
        ));
    }
    let omit = batch.error_policy.as_deref().is_some_and(|policy| policy.eq_ignore_ascii_case("omit"));
    let selection: Selection = selection(batch.fields, batch.expand.as_deref())?;
    handle.with(|state, _| {
        let read = |number: &i64| {
            let key = WorkItemKey { collection: call.collection, number: *number };
            let item = present(state, call, key)?;
            let revision = as_of(item, batch.as_of.as_deref())?;
            with_renderer(state, item, |renderer| renderer.work_item(item, revision, &selection))
        };
        let values = batch
            .ids
            .iter()
            .map(|number| match read(number) {
                Err(_) if omit => Ok(Value::Null),
                read => read,
            })
            .collect::<Result<_, _>>()?;
        Ok(Answer::list(values))
    })
}

pub(super) fn revisions(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    handle.with(|state, _| {
        let item = present(state, call, call.work_item()?)?;
        let revisions = call.query.page(item.revisions().collect(), MAX_HISTORY);
        let values = with_renderer(state, item, |renderer| {
            revisions.iter().map(|revision| renderer.revision(item, revision)).collect()
        })?;
        Ok(Answer::list(values))
    })
}

pub(super) fn revision(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    let number = call.number(1)?;
    handle.with(|state, _| {
        let item = present(state, call, call.work_item()?)?;
        let revision = item
            .revisions()
            .find(|revision| revision.rev == number)
            .ok_or_else(|| Refusal::unknown_work_item(item.key.number))?;
        let value = with_renderer(state, item, |renderer| renderer.revision(item, revision))?;
        Ok(Answer::ok(value))
    })
}

pub(super) fn updates(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    handle.with(|state, _| {
        let item = present(state, call, call.work_item()?)?;
        let updates = call.query.page(item.updates.iter().collect(), MAX_HISTORY);
        let values = with_renderer(state, item, |renderer| {
            updates.iter().map(|update| renderer.update(item, update)).collect()
        })?;
        Ok(Answer::list(values))
    })
}

pub(super) fn update(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    let number = call.number(1)?;
    handle.with(|state, _| {
        let item = present(state, call, call.work_item()?)?;
        let update = item
            .updates
            .iter()
            .find(|update| update.id == number)
            .ok_or_else(|| Refusal::unknown_work_item(item.key.number))?;
        let value = with_renderer(state, item, |renderer| renderer.update(item, update))?;
        Ok(Answer::ok(value))
    })
}

/// The newest first, as the service does unless told otherwise.
pub(super) fn comments(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    let ascending = call.query.get("order").is_some_and(|order| order.eq_ignore_ascii_case("asc"));
    handle.with(|state, _| {
        let item = present(state, call, call.work_item()?)?;
        let mut comments: Vec<Value> = with_renderer(state, item, |renderer| {
            item.comments.iter().map(|comment| renderer.comment(item, comment)).collect()
        })?;
        if !ascending {
            comments.reverse();
        }
        let total = comments.len();
        let page = call.query.page(comments, MAX_HISTORY);
        Ok(Answer::ok(json!({"totalCount": total, "count": page.len(), "comments": page})))
    })
}

pub(super) fn deleted(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    handle.with(|state, _| {
        let item = in_reach(state, call, call.work_item()?)?;
        deleted_item(state, item).map(Answer::ok)
    })
}

/// An entry of the recycle bin.
pub(super) fn deleted_item(state: &State, item: &WorkItem) -> Result<Value, Refusal> {
    let deletion = item.deleted.ok_or_else(|| Refusal::unknown_work_item(item.key.number))?;
    let project = state.project(item.project)?;
    let by = state.people.get(deletion.by).map(|identity| identity.text());
    with_renderer(state, item, |renderer| {
        let resource = renderer.work_item(item, item.latest(), &Selection::default());
        json!({
            "id": item.key.number,
            "code": 200,
            "type": item.text("System.WorkItemType"),
            "name": item.text("System.Title"),
            "project": project.name,
            "deletedDate": dates::short(deletion.at_us),
            "deletedBy": by,
            "url": format!("{}{}/_apis/wit/recyclebin/{}", renderer.base_url, project.id, item.key.number),
            "resource": resource,
        })
    })
}

/// A work item of the call's collection and, if it names one, project.
pub(super) fn in_reach<'a>(state: &'a State, call: &Call, key: WorkItemKey) -> Result<&'a WorkItem, Refusal> {
    let item = state.item(key)?;
    if call.project.is_none_or(|project| project == item.project) {
        Ok(item)
    } else {
        Err(Refusal::unknown_work_item(key.number))
    }
}

/// One that is not in the recycle bin either.
pub(super) fn present<'a>(state: &'a State, call: &Call, key: WorkItemKey) -> Result<&'a WorkItem, Refusal> {
    let item = in_reach(state, call, key)?;
    if item.deleted.is_none() { Ok(item) } else { Err(Refusal::unknown_work_item(key.number)) }
}

/// Writes with people as objects, as every direct read does.
pub(super) fn with_renderer<T>(
    state: &State,
    item: &WorkItem,
    write: impl FnOnce(&Renderer<'_>) -> T,
) -> Result<T, Refusal> {
    let project = state.project(item.project)?;
    let base_url = state.base_url(state.collection(item.key.collection)?);
    Ok(write(&state.renderer(project, &base_url, PersonForm::Object)))
}

/// The revision that was the latest at a time.
fn as_of<'a>(item: &'a WorkItem, date: Option<&str>) -> Result<&'a Revision, Refusal> {
    let Some(date) = date else {
        return Ok(item.latest());
    };
    let at_us =
        dates::parse(date).ok_or_else(|| Refusal::invalid_argument(format!("The value '{date}' is not a date.")))?;
    item.revisions()
        .filter(|revision| revision.at_us <= at_us)
        .last()
        .ok_or_else(|| Refusal::unknown_work_item(item.key.number))
}
