//! Queries in WIQL, as far as they are a list of conditions joined by `AND`: `=`, `<`, `UNDER` and `CONTAINS`.
//! What is not understood is refused, as a mistake in a query is.

use serde::Deserialize;
use serde_json::json;

use super::super::handle::AzureHandle;
use super::super::refusal::Refusal;
use super::super::work_item::WorkItem;
use super::call::{Answer, Call};

/// What precedes the conditions, and what follows them.
const BEFORE: &str = "SELECT [System.Id] FROM WorkItems WHERE ";
const AFTER: &str = " ORDER BY [System.Id] DESC";
/// Rows past which a query fails (VS402337).
const MAX_ROWS: usize = 20_000;

#[derive(Debug, Deserialize)]
struct Body {
    query: String,
}

/// One condition: a field, an operator and a value.
#[derive(Debug, PartialEq)]
struct Condition {
    field: String,
    operator: String,
    value: String,
}

pub(super) fn query(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    let body: Body = call.json()?;
    let conditions = read(&body.query).ok_or_else(|| {
        Refusal::bad_request("VssPropertyValidationException", "TF51006: The query statement is missing a clause.")
    })?;
    let top = call.query.count("$top", MAX_ROWS);
    handle.with(|state, _| {
        let project = state.project(call.needed_project()?)?;
        let base_url = state.base_url(state.collection(call.collection)?);
        let items = state.items.values().filter(|item| item.project == project.id && item.deleted.is_none());
        let mut found: Vec<i64> = items
            .filter(|item| conditions.iter().all(|condition| holds(condition, item, &project.name)))
            .map(|item| item.key.number)
            .collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        if found.len() > MAX_ROWS {
            let words = "VS402337: The number of work items returned exceeds the size limit of 20000.";
            return Err(Refusal::bad_request("WorkItemTrackingQueryResultSizeLimitExceededException", words));
        }
        found.truncate(top);
        let reference = |id: &i64| json!({"id": id, "url": format!("{base_url}_apis/wit/workItems/{id}")});
        Ok(Answer::ok(json!({
            "queryType": "flat",
            "queryResultType": "workItem",
            "columns": [{"referenceName": "System.Id", "name": "ID"}],
            "workItems": found.iter().map(reference).collect::<Vec<_>>(),
        })))
    })
}

fn holds(condition: &Condition, item: &WorkItem, project: &str) -> bool {
    let field = item.text(&condition.field).unwrap_or_default().to_lowercase();
    let value = condition.value.to_lowercase();
    match (condition.field.as_str(), condition.operator.as_str()) {
        ("System.TeamProject", "=") => value == "@project" || value == project.to_lowercase(),
        ("System.Id", "<") => value.parse().is_ok_and(|value: i64| item.key.number < value),
        ("System.Tags", "CONTAINS") => field.split(';').any(|tag| tag.trim() == value),
        (_, "UNDER") => field == value || field.starts_with(&format!("{value}\\")),
        (_, "=") => field == value,
        _ => false,
    }
}

/// The conditions of a query; nothing when it is not of the one form.
fn read(query: &str) -> Option<Vec<Condition>> {
    let mut rest = query.strip_prefix(BEFORE)?.strip_suffix(AFTER)?;
    let mut conditions = Vec::new();
    loop {
        let (field, after) = rest.strip_prefix('[')?.split_once("] ")?;
        let (operator, after) = after.split_once(' ')?;
        let (value, after) = value(after)?;
        conditions.push(Condition { field: field.to_owned(), operator: operator.to_owned(), value });
        match after.strip_prefix(" AND ") {
            Some(more) => rest = more,
            None => return after.is_empty().then_some(conditions),
        }
    }
}

/// A quoted text, in which a quote is written twice, or a word; and what comes after it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('\'') else {
        let end = text.find(' ').unwrap_or(text.len());
        return Some((text.get(..end)?.to_owned(), text.get(end..)?));
    };
    let mut value = String::new();
    let mut rest = quoted;
    loop {
        let (part, after) = rest.split_once('\'')?;
        value.push_str(part);
        match after.strip_prefix('\'') {
            Some(more) => {
                value.push('\'');
                rest = more;
            }
            None => return Some((value, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_and_anything_else_is_refused() {
        let query = format!("{BEFORE}[System.Tags] CONTAINS 'it''s AND x' AND [System.Id] < 7{AFTER}");
        let conditions = read(&query).unwrap();
        assert_eq!(conditions[0].value, "it's AND x");
        assert_eq!((conditions[1].operator.as_str(), conditions[1].value.as_str()), ("<", "7"));
        for bad in ["", "DROP TABLE", "SELECT [System.Id] FROM WorkItems WHERE [A = 'x' ORDER BY [System.Id] DESC"] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(read(&format!("{BEFORE}[A] = 'open{AFTER}")), None);
    }
}
