//! The endpoints that change work items.

use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Deserialize;

use super::super::changes::Changes;
use super::super::handle::AzureHandle;
use super::super::ids::WorkItemKey;
use super::super::patch;
use super::super::refusal::Refusal;
use super::super::render::Selection;
use super::super::state::State;
use super::call::{Answer, Call};
use super::work_items::{deleted_item, in_reach, present, with_renderer};

/// A work item with more revisions cannot be changed over REST any more (Azure DevOps release notes,
/// work item revision limits).
const MAX_REVISIONS: i64 = 10_000;
const PATCH_TYPE: &str = "application/json-patch+json";

pub(super) fn create(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    check_patch_type(call)?;
    let project = call.needed_project()?;
    let type_name = call.argument(0).trim_start_matches('$');
    handle.act(|state, now_us| {
        let mut changes = patch::read(&call.body, None, &state.people)?;
        changes.by(call.caller.identity);
        let key = state.create_item(project, type_name, &changes, now_us)?;
        read_back(state, key)
    })
}

/// Atomic: a test that fails or one bad field changes nothing.
pub(super) fn patch(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    check_patch_type(call)?;
    let key = call.work_item()?;
    let rehearse = call.query.is_true("validateonly");
    handle.act(|state, now_us| {
        let item = present(state, call, key)?;
        if item.latest().rev >= MAX_REVISIONS {
            return Err(Refusal::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "WorkItemRevisionLimitExceededException",
                format!("Work item {} has reached the limit of {MAX_REVISIONS} revisions.", key.number),
            ));
        }
        let mut changes = patch::read(&call.body, Some(item.latest()), &state.people)?;
        changes.by(call.caller.identity);
        if rehearse {
            state.check_change(key, &changes, now_us)?;
        } else {
            state.change_item(key, &changes, now_us)?;
        }
        read_back(state, key)
    })
}

pub(super) fn delete(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    let key = call.work_item()?;
    handle.act(|state, now_us| {
        present(state, call, key)?;
        state.delete_item(key, Some(call.caller.identity), now_us)?;
        deleted_item(state, state.item(key)?).map(Answer::ok)
    })
}

#[derive(Debug, Deserialize)]
struct Restore {
    #[serde(alias = "IsDeleted", rename = "isDeleted")]
    is_deleted: bool,
}

pub(super) fn restore(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    let key = call.work_item()?;
    let restore: Restore = call.json()?;
    if restore.is_deleted {
        return Err(Refusal::invalid_argument("IsDeleted must be false."));
    }
    handle.act(|state, now_us| {
        let mut entry = deleted_item(state, in_reach(state, call, key)?)?;
        state.restore_item(key, Some(call.caller.identity), now_us)?;
        entry["resource"] = render(state, key)?;
        Ok(Answer::ok(entry))
    })
}

#[derive(Debug, Deserialize)]
struct NewComment {
    text: String,
}

pub(super) fn add_comment(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    let key = call.work_item()?;
    let new: NewComment = call.json()?;
    if new.text.is_empty() {
        return Err(Refusal::invalid_argument("The text of a comment cannot be empty."));
    }
    let mut changes = Changes::default();
    changes.comment(&new.text).by(call.caller.identity);
    handle.act(|state, now_us| {
        present(state, call, key)?;
        state.change_item(key, &changes, now_us)?;
        let item = state.item(key)?;
        let comment = item.comments.last().ok_or_else(|| Refusal::unknown_work_item(key.number))?;
        with_renderer(state, item, |renderer| renderer.comment(item, comment)).map(Answer::ok)
    })
}

fn check_patch_type(call: &Call) -> Result<(), Refusal> {
    let given = call.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if given.starts_with(PATCH_TYPE) {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "VssRequestContentTypeNotSupportedException",
        format!(
            "The request indicated a Content-Type of \"{given}\". Valid content types for this method are: {PATCH_TYPE}."
        ),
    ))
}

fn read_back(state: &State, key: WorkItemKey) -> Result<Answer, Refusal> {
    render(state, key).map(Answer::ok)
}

fn render(state: &State, key: WorkItemKey) -> Result<serde_json::Value, Refusal> {
    let item = state.item(key)?;
    let selection = Selection { fields: None, relations: true };
    with_renderer(state, item, |renderer| renderer.work_item(item, item.latest(), &selection))
}
