//! Deliveries about projects that the organization connected.

use crate::auth::Scope;
use crate::extract::{At, accepted, shown};
use crate::page::FilteredListing;
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use handoff_domain::delivery::{DeliveryRecord, DeliveryState};
use handoff_domain::hook::EventType;
use handoff_domain::id::{DeliveryId, HookId, IntegrationId, WorkItemNumber};
use handoff_domain::time::Timestamp;
use handoff_domain::work_item::AzureProjectId;
use serde::Serialize;
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<ApiState>> {
    Router::new()
        .route("/organizations/{organization}/deliveries", get(list))
        .route("/organizations/{organization}/deliveries/{delivery}", get(show))
        .route("/organizations/{organization}/deliveries/{delivery}/replay", post(replay))
}

#[derive(Serialize)]
struct View {
    id: DeliveryId,
    hook: HookId,
    integration: IntegrationId,
    azure_project: AzureProjectId,
    event_type: Option<EventType>,
    work_item: Option<WorkItemNumber>,
    state: DeliveryState,
    reason: Option<String>,
    attempts: u32,
    duplicates: u32,
    received_at: Timestamp,
    finished_at: Option<Timestamp>,
}

impl From<DeliveryRecord> for View {
    fn from(one: DeliveryRecord) -> Self {
        Self {
            id: one.id,
            hook: one.hook,
            integration: one.integration,
            azure_project: one.azure_project,
            event_type: one.event_type,
            work_item: one.work_item,
            state: one.state,
            reason: one.reason,
            attempts: one.attempts,
            duplicates: one.duplicates,
            received_at: one.received_at,
            finished_at: one.finished_at,
        }
    }
}

#[derive(Serialize)]
struct WithPayload {
    #[serde(flatten)]
    delivery: View,
    /// The body as text; what is not UTF-8 is shown as U+FFFD.
    payload: String,
    /// The body's length in bytes.
    payload_bytes: usize,
}

async fn list(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    filtered: FilteredListing,
) -> Result<Response, Problem> {
    let of = filtered.state(DeliveryState::from_stored)?;
    let found = state.reader.deliveries(scope.id(), of, filtered.listing.page()?).await?;
    Ok(filtered.listing.show(found, |one| one.id, View::from))
}

async fn show(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id)): At<(String, DeliveryId)>,
) -> Result<Response, Problem> {
    let found = state.reader.delivery(scope.id(), id).await?;
    let (record, bytes) = found.ok_or_else(|| Problem::not_found("delivery"))?;
    let payload = String::from_utf8_lossy(&bytes).into_owned();
    Ok(shown(WithPayload { delivery: record.into(), payload, payload_bytes: bytes.len() }))
}

/// Does a delivery again, and has its work item read.
async fn replay(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id)): At<(String, DeliveryId)>,
) -> Result<Response, Problem> {
    state.replay.delivery(scope.id(), id).await?;
    Ok(accepted())
}
