//! JSON patch documents (RFC 6902, the part that the work item API takes).

use serde::Deserialize;
use serde_json::Value;

use super::changes::Changes;
use super::people::Directory;
use super::refusal::Refusal;
use super::work_item::{FieldValue, Revision};

/// Fields whose value names a person.
const IDENTITY_FIELDS: &[&str] = &[
    "System.AssignedTo",
    "Microsoft.VSTS.Common.ActivatedBy",
    "Microsoft.VSTS.Common.ResolvedBy",
    "Microsoft.VSTS.Common.ClosedBy",
];

/// One operation of a patch document.
#[derive(Debug, Deserialize)]
struct Operation {
    op: String,
    path: String,
    /// The outer `None` is an absent value, the inner a null.
    #[serde(default, deserialize_with = "present")]
    value: Option<Value>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Reads a patch against the present revision (none when a work item is created): tests are checked,
/// people are resolved. Nothing is changed yet.
pub(crate) fn read(body: &[u8], present: Option<&Revision>, people: &Directory) -> Result<Changes, Refusal> {
    let operations: Vec<Operation> = serde_json::from_slice(body).map_err(|_| {
        Refusal::bad_request(
            "VssPropertyValidationException",
            "You must pass a valid patch document in the body of the request.",
        )
    })?;
    if operations.is_empty() {
        return Err(Refusal::invalid_argument("The patch document is empty."));
    }
    let mut changes = Changes::default();
    for operation in &operations {
        read_operation(operation, present, people, &mut changes)?;
    }
    changes.check_writable()?;
    Ok(changes)
}

fn read_operation(
    operation: &Operation,
    present: Option<&Revision>,
    people: &Directory,
    changes: &mut Changes,
) -> Result<(), Refusal> {
    let unsupported = || {
        Refusal::bad_request(
            "WorkItemPatchException",
            format!("The operation '{}' on '{}' is not supported.", operation.op, operation.path),
        )
    };
    let path = operation.path.trim_start_matches('/');
    let value = operation.value.as_ref();
    match (operation.op.as_str(), path.split_once('/')) {
        ("test", None) if path.eq_ignore_ascii_case("rev") => {
            let expected = value.and_then(as_integer).ok_or_else(unsupported)?;
            match present {
                Some(revision) if revision.rev == expected => Ok(()),
                _ => Err(Refusal::stale_revision()),
            }
        }
        ("test", Some(("fields", field))) => test_field(field, value, present),
        ("add" | "replace", Some(("fields", field))) => {
            let value = value.filter(|value| !value.is_null()).ok_or_else(|| {
                Refusal::bad_request("WorkItemPatchException", format!("A value is needed for the field '{field}'."))
            })?;
            changes.put(field, Some(field_value(field, value, people)?));
            Ok(())
        }
        ("remove", Some(("fields", field))) => {
            changes.clear(field);
            Ok(())
        }
        ("add", Some(("relations", "-"))) => {
            let relation = value
                .filter(|relation| relation["rel"].is_string() && relation["url"].is_string())
                .ok_or_else(unsupported)?;
            changes.links_added.push(relation.clone());
            Ok(())
        }
        ("remove", Some(("relations", position))) => {
            changes.links_removed.push(position.parse().map_err(|_| unsupported())?);
            Ok(())
        }
        _ => Err(unsupported()),
    }
}

fn field_value(field: &str, value: &Value, people: &Directory) -> Result<FieldValue, Refusal> {
    if !IDENTITY_FIELDS.contains(&field) {
        return Ok(FieldValue::Json(value.clone()));
    }
    // A person may be given as text or as an IdentityRef.
    let text =
        value.as_str().or_else(|| value["id"].as_str()).or_else(|| value["uniqueName"].as_str()).unwrap_or_default();
    if text.is_empty() && value.is_string() {
        return Ok(FieldValue::Json("".into()));
    }
    people.resolve(field, text).map(FieldValue::Person)
}

fn test_field(field: &str, expected: Option<&Value>, present: Option<&Revision>) -> Result<(), Refusal> {
    let actual = present.and_then(|revision| revision.fields.get(field));
    let agrees = match (actual, expected) {
        (None, None | Some(Value::Null)) => true,
        (Some(FieldValue::Json(actual)), Some(expected)) => actual == expected,
        (Some(FieldValue::Person(id)), Some(expected)) => {
            let id = id.to_string();
            expected.as_str() == Some(&id) || expected["id"].as_str() == Some(&id)
        }
        _ => false,
    };
    if agrees {
        return Ok(());
    }
    Err(Refusal::bad_request("TestPatchOperationFailedException", format!("The test of the field '{field}' failed.")))
}

/// Numbers of a patch arrive as numbers or as text.
fn as_integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}
