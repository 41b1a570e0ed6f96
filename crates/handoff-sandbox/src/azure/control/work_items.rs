//! Control of work items.

use std::collections::BTreeMap;

use axum::extract::{Path, State as Extracted};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use uuid::Uuid;

use super::DONE;
use crate::azure::handle::{AzureHandle, NewWorkItem};
use crate::azure::ids::{CollectionId, IdentityId, ProjectId, WorkItemKey};
use crate::azure::refusal::Refusal;

pub(super) fn router() -> Router<AzureHandle> {
    Router::new()
        .route("/_sim/work_items", get(list).post(add))
        .route("/_sim/work_items/{collection}/{number}", get(read).patch(change).delete(delete))
        .route("/_sim/work_items/{collection}/{number}/restore", post(restore))
        .route("/_sim/work_items/{collection}/{number}/rewind", post(rewind))
}

fn key((collection, number): (Uuid, i64)) -> WorkItemKey {
    WorkItemKey { collection: CollectionId(collection), number }
}

async fn list(Extracted(handle): Extracted<AzureHandle>) -> Json<Value> {
    Json(json!(handle.work_items()))
}

#[derive(Debug, Deserialize)]
struct New {
    project: ProjectId,
    work_item_type: String,
    title: String,
    #[serde(default)]
    assigned_to: Option<IdentityId>,
    #[serde(default)]
    fields: BTreeMap<String, Value>,
    #[serde(default)]
    by: Option<IdentityId>,
}

async fn add(Extracted(handle): Extracted<AzureHandle>, Json(new): Json<New>) -> Result<Json<Value>, Refusal> {
    let mut item = NewWorkItem::new(&new.work_item_type, &new.title);
    if let Some(assignee) = new.assigned_to {
        item = item.assigned_to(assignee);
    }
    if let Some(by) = new.by {
        item = item.by(by);
    }
    for (field, value) in new.fields {
        item = item.with(&field, value);
    }
    let key = handle.add_work_item(new.project, &item)?;
    Ok(Json(json!(handle.work_item(key)?)))
}

async fn read(
    Extracted(handle): Extracted<AzureHandle>,
    Path(path): Path<(Uuid, i64)>,
) -> Result<Json<Value>, Refusal> {
    Ok(Json(json!(handle.work_item(key(path))?)))
}

/// An absent assignee stays; a null one goes.
#[derive(Debug, Deserialize)]
struct Change {
    #[serde(default, deserialize_with = "given")]
    assigned_to: Option<Option<IdentityId>>,
    #[serde(default)]
    fields: BTreeMap<String, Value>,
    #[serde(default)]
    comment: Option<String>,
    #[serde(default)]
    by: Option<IdentityId>,
}

fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<IdentityId>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

async fn change(
    Extracted(handle): Extracted<AzureHandle>,
    Path(path): Path<(Uuid, i64)>,
    Json(change): Json<Change>,
) -> Result<Json<Value>, Refusal> {
    let key = key(path);
    handle.update_work_item(key, |changes| {
        match change.assigned_to {
            Some(Some(identity)) => drop(changes.assign(identity)),
            Some(None) => drop(changes.unassign()),
            None => {}
        }
        for (field, value) in change.fields {
            if value.is_null() {
                changes.clear(&field);
            } else {
                changes.set(&field, value);
            }
        }
        if let Some(comment) = change.comment {
            changes.comment(&comment);
        }
        if let Some(by) = change.by {
            changes.by(by);
        }
    })?;
    Ok(Json(json!(handle.work_item(key)?)))
}

async fn delete(
    Extracted(handle): Extracted<AzureHandle>,
    Path(path): Path<(Uuid, i64)>,
) -> Result<StatusCode, Refusal> {
    handle.delete_work_item(key(path)).map(|()| DONE)
}

async fn restore(
    Extracted(handle): Extracted<AzureHandle>,
    Path(path): Path<(Uuid, i64)>,
) -> Result<StatusCode, Refusal> {
    handle.restore_work_item(key(path)).map(|()| DONE)
}

#[derive(Debug, Deserialize)]
struct Rewind {
    rev: i64,
}

async fn rewind(
    Extracted(handle): Extracted<AzureHandle>,
    Path(path): Path<(Uuid, i64)>,
    Json(rewind): Json<Rewind>,
) -> Result<StatusCode, Refusal> {
    handle.restore_work_item_to_older_revision(key(path), rewind.rev).map(|()| DONE)
}
