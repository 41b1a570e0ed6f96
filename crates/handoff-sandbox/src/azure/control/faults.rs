//! Control of what goes wrong: faults, throttling, held and hand-made deliveries.

use std::time::Duration;

use axum::extract::{Path, State as Extracted};
use axum::routing::{post, put};
use axum::{Json, Router};
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::DONE;
use crate::azure::handle::AzureHandle;
use crate::azure::ids::SubscriptionId;
use crate::azure::queue::ReleaseOrder;
use crate::azure::refusal::Refusal;
use crate::azure::throttle::Throttle;
use crate::fault::Fault;

pub(super) fn router() -> Router<AzureHandle> {
    Router::new()
        .route("/_sim/faults", post(add_fault).delete(clear_faults))
        .route("/_sim/throttle", put(set_throttle))
        .route("/_sim/deliveries/hold", post(hold))
        .route("/_sim/deliveries/release", post(release))
        .route("/_sim/deliveries/raw/{subscription}", post(deliver_raw))
}

/// A fault on the wire, such as `{"kind": "fail_after", "status": 502}`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum WireFault {
    Drop,
    RefuseBefore { status: u16 },
    FailAfter { status: u16 },
    Delay { ms: u64 },
    Duplicate { times: u8 },
    Stall,
    Html,
}

impl From<WireFault> for Fault {
    fn from(fault: WireFault) -> Self {
        match fault {
            WireFault::Drop => Self::Drop,
            WireFault::RefuseBefore { status } => Self::RefuseBefore { status },
            WireFault::FailAfter { status } => Self::FailAfter { status },
            WireFault::Delay { ms } => Self::Delay(Duration::from_millis(ms)),
            WireFault::Duplicate { times } => Self::Duplicate(times),
            WireFault::Stall => Self::Stall,
            WireFault::Html => Self::Html,
        }
    }
}

#[derive(Debug, Deserialize)]
struct NewFault {
    operation: String,
    fault: WireFault,
    /// Until cleared, not once.
    #[serde(default)]
    always: bool,
}

async fn add_fault(Extracted(handle): Extracted<AzureHandle>, Json(new): Json<NewFault>) -> StatusCode {
    if new.always {
        handle.faults().always(&new.operation, new.fault.into());
    } else {
        handle.faults().push_next(&new.operation, new.fault.into());
    }
    DONE
}

async fn clear_faults(Extracted(handle): Extracted<AzureHandle>) -> StatusCode {
    handle.faults().clear();
    DONE
}

async fn set_throttle(Extracted(handle): Extracted<AzureHandle>, Json(throttle): Json<Throttle>) -> StatusCode {
    handle.set_throttle(throttle);
    DONE
}

async fn hold(Extracted(handle): Extracted<AzureHandle>) -> StatusCode {
    handle.hold_deliveries();
    DONE
}

#[derive(Debug, Deserialize)]
struct Release {
    order: ReleaseOrder,
}

async fn release(Extracted(handle): Extracted<AzureHandle>, Json(release): Json<Release>) -> Json<Value> {
    Json(json!({"released": handle.release_deliveries(&release.order)}))
}

async fn deliver_raw(
    Extracted(handle): Extracted<AzureHandle>,
    Path(subscription): Path<Uuid>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let notification = handle.deliver_raw(SubscriptionId(subscription), body)?;
    Ok(Json(json!({"notification": notification})))
}
