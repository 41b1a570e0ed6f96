//! The organization's outbox: what is to be told or asked outside, and what failed.

use crate::auth::Scope;
use crate::extract::{At, accepted};
use crate::page::FilteredListing;
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use handoff_domain::id::OutboxId;
use handoff_domain::outbox::{OutboxRecord, OutboxState, OutboxTask};
use handoff_domain::time::Timestamp;
use serde::Serialize;
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<ApiState>> {
    Router::new()
        .route("/organizations/{organization}/outbox", get(list))
        .route("/organizations/{organization}/outbox/{row}/replay", post(replay))
}

#[derive(Serialize)]
struct View {
    id: OutboxId,
    #[serde(flatten)]
    task: OutboxTask,
    state: OutboxState,
    attempts: u32,
    due_at: Timestamp,
    reason: Option<String>,
}

impl From<OutboxRecord> for View {
    fn from(one: OutboxRecord) -> Self {
        Self {
            id: one.id,
            task: one.task,
            state: one.state,
            attempts: one.attempts,
            due_at: one.due_at,
            reason: one.reason,
        }
    }
}

async fn list(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    filtered: FilteredListing,
) -> Result<Response, Problem> {
    let of = filtered.state(OutboxState::from_stored)?;
    let found = state.reader.outbox(scope.id(), of, filtered.listing.page()?).await?;
    Ok(filtered.listing.show(found, |one| one.id, View::from))
}

/// Makes a dead row pending again.
async fn replay(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id)): At<(String, OutboxId)>,
) -> Result<Response, Problem> {
    state.replay.outbox_row(scope.id(), id).await?;
    Ok(accepted())
}
