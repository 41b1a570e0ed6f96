//! Health: `/healthz` says that the process is alive, `/readyz` that it may be given work.

use crate::problem::Problem;
use crate::state::ApiState;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// How long the store may take to answer.
const STORE_LIMIT: Duration = Duration::from_secs(1);

/// `/healthz` and `/readyz`, for anybody.
pub(crate) fn routes() -> Router<Arc<ApiState>> {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(ready))
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

async fn alive() -> Json<Health> {
    Json(Health { status: "alive" })
}

async fn ready(State(state): State<Arc<ApiState>>) -> Result<Json<Health>, Problem> {
    if state.lifecycle.is_draining() {
        return Err(Problem::unavailable("shutting down"));
    }
    if !state.lifecycle.is_started() {
        return Err(Problem::unavailable("starting: migrations are not done"));
    }
    if state.lifecycle.is_broken() {
        return Err(Problem::unavailable("the background work has ended; start this instance again"));
    }
    match tokio::time::timeout(STORE_LIMIT, state.reader.ping()).await {
        Ok(Ok(())) => Ok(Json(Health { status: "ready" })),
        Ok(Err(_)) => Err(Problem::unavailable("the store does not answer")),
        Err(_) => Err(Problem::unavailable("the store does not answer in time")),
    }
}
