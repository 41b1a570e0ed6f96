//! Control of the scene: collections, projects, people, teams and tokens.

use axum::extract::{Path, State as Extracted};
use axum::routing::{post, put};
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::DONE;
use crate::azure::auth::{PatRights, UnauthorizedForm};
use crate::azure::handle::AzureHandle;
use crate::azure::ids::{CollectionId, IdentityId, ProjectId};
use crate::azure::people::NewIdentity;
use crate::azure::projects::{Hosting, Process};
use crate::azure::refusal::Refusal;

pub(super) fn router() -> Router<AzureHandle> {
    Router::new()
        .route("/_sim/collections", post(add_collection))
        .route("/_sim/projects", post(add_project))
        .route("/_sim/identities", post(add_identity))
        .route("/_sim/identities/{id}", put(replace_identity))
        .route("/_sim/teams", post(add_team))
        .route("/_sim/pats", post(set_pat).delete(revoke_pat))
        .route("/_sim/unauthorized", put(set_unauthorized_form))
}

#[derive(Debug, Deserialize)]
struct NewCollection {
    name: String,
    hosting: Hosting,
}

async fn add_collection(
    Extracted(handle): Extracted<AzureHandle>,
    Json(new): Json<NewCollection>,
) -> Result<Json<Value>, Refusal> {
    let id = handle.add_collection(&new.name, new.hosting);
    Ok(Json(json!({"id": id, "url": handle.collection_url(id)?})))
}

#[derive(Debug, Deserialize)]
struct NewProject {
    collection: CollectionId,
    name: String,
    process: Process,
}

async fn add_project(
    Extracted(handle): Extracted<AzureHandle>,
    Json(new): Json<NewProject>,
) -> Result<Json<Value>, Refusal> {
    let id = handle.add_project(new.collection, &new.name, new.process)?;
    Ok(Json(json!({"id": id})))
}

async fn add_identity(
    Extracted(handle): Extracted<AzureHandle>,
    Json(new): Json<NewIdentity>,
) -> Result<Json<Value>, Refusal> {
    let id = handle.add_identity(new);
    Ok(Json(json!(handle.identity(id)?)))
}

async fn replace_identity(
    Extracted(handle): Extracted<AzureHandle>,
    Path(id): Path<Uuid>,
    Json(new): Json<NewIdentity>,
) -> Result<StatusCode, Refusal> {
    handle.update_identity(IdentityId(id), |details| *details = new).map(|()| DONE)
}

#[derive(Debug, Deserialize)]
struct NewTeam {
    project: ProjectId,
    name: String,
    members: Vec<IdentityId>,
}

async fn add_team(Extracted(handle): Extracted<AzureHandle>, Json(new): Json<NewTeam>) -> Result<Json<Value>, Refusal> {
    let id = handle.add_team(new.project, &new.name, &new.members)?;
    Ok(Json(json!({"id": id})))
}

#[derive(Debug, Deserialize)]
struct NewPat {
    token: String,
    identity: IdentityId,
    #[serde(default)]
    rights: PatRights,
}

async fn set_pat(Extracted(handle): Extracted<AzureHandle>, Json(new): Json<NewPat>) -> Result<StatusCode, Refusal> {
    handle.identity(new.identity)?;
    handle.set_pat(&new.token, new.identity, new.rights);
    Ok(DONE)
}

#[derive(Debug, Deserialize)]
struct OldPat {
    token: String,
}

async fn revoke_pat(Extracted(handle): Extracted<AzureHandle>, Json(old): Json<OldPat>) -> StatusCode {
    handle.revoke_pat(&old.token);
    DONE
}

#[derive(Debug, Deserialize)]
struct Form {
    form: UnauthorizedForm,
}

async fn set_unauthorized_form(Extracted(handle): Extracted<AzureHandle>, Json(new): Json<Form>) -> StatusCode {
    handle.set_unauthorized_form(new.form);
    DONE
}
