//! The control API under `/_sim/`: what tests in other processes use in place of the handle. JSON in,
//! JSON out; a refusal is answered as Azure DevOps words it.

mod faults;
mod scene;
mod work_items;

use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Path, State as Extracted};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::handle::AzureHandle;
use super::ids::SubscriptionId;
use super::refusal::Refusal;
use super::subscription::SubscriptionStatus;

/// The largest body that is read, in bytes: tests post more than any receiver accepts.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// The routes.
pub(crate) fn router() -> Router<AzureHandle> {
    Router::new()
        .route("/_sim/clock", get(clock))
        .route("/_sim/clock/advance", post(advance))
        .route("/_sim/settle", post(settle))
        .route("/_sim/requests", get(requests))
        .route("/_sim/violations", get(violations))
        .route("/_sim/subscriptions", get(subscriptions))
        .route("/_sim/subscriptions/{id}", delete(delete_subscription))
        .route("/_sim/subscriptions/{id}/status", put(set_status))
        .route("/_sim/subscriptions/{id}/notifications", get(notifications))
        .route("/_sim/dropped", get(dropped))
        .merge(scene::router())
        .merge(work_items::router())
        .merge(faults::router())
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.body())).into_response()
    }
}

/// What was done has nothing to say.
const DONE: StatusCode = StatusCode::NO_CONTENT;

async fn clock(Extracted(handle): Extracted<AzureHandle>) -> Json<Value> {
    Json(json!({"now_us": handle.clock().now_us(), "manual": handle.clock().is_manual()}))
}

#[derive(Debug, Deserialize)]
struct Advance {
    seconds: f64,
}

/// Stops at every delivery on the way, see [`AzureHandle::advance`].
async fn advance(
    Extracted(handle): Extracted<AzureHandle>,
    Json(advance): Json<Advance>,
) -> Result<Json<Value>, Refusal> {
    let by = Duration::try_from_secs_f64(advance.seconds)
        .map_err(|_| Refusal::invalid_argument("seconds must be a positive number."))?;
    handle.advance(by).await;
    Ok(clock(Extracted(handle)).await)
}

async fn settle(Extracted(handle): Extracted<AzureHandle>) -> StatusCode {
    handle.settle().await;
    DONE
}

async fn requests(Extracted(handle): Extracted<AzureHandle>) -> Json<Value> {
    Json(json!({
        "requests": handle.requests(),
        "during_cooldown": handle.requests_during_cooldown(),
    }))
}

async fn violations(Extracted(handle): Extracted<AzureHandle>) -> Json<Vec<String>> {
    Json(handle.spec_violations())
}

async fn subscriptions(Extracted(handle): Extracted<AzureHandle>) -> Json<Value> {
    Json(json!(handle.subscriptions()))
}

async fn delete_subscription(
    Extracted(handle): Extracted<AzureHandle>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Refusal> {
    handle.delete_subscription(SubscriptionId(id)).map(|()| DONE)
}

#[derive(Debug, Deserialize)]
struct NewStatus {
    status: SubscriptionStatus,
}

async fn set_status(
    Extracted(handle): Extracted<AzureHandle>,
    Path(id): Path<Uuid>,
    Json(new): Json<NewStatus>,
) -> Result<StatusCode, Refusal> {
    handle.set_subscription_status(SubscriptionId(id), new.status).map(|()| DONE)
}

async fn notifications(Extracted(handle): Extracted<AzureHandle>, Path(id): Path<Uuid>) -> Json<Value> {
    Json(json!(handle.notifications(SubscriptionId(id))))
}

async fn dropped(Extracted(handle): Extracted<AzureHandle>) -> Json<Value> {
    Json(json!(handle.dropped_events()))
}
