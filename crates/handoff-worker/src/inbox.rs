//! Applies deliveries: each is applied at least once, and, since revisions order them, has its effect
//! exactly once. One at a time for each work item, many work items in one transaction.

use crate::{Workers, repeat};
use handoff_domain::port::StoreError;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Deliveries applied in one transaction.
const BATCH: u16 = 64;
/// How long a delivery may take before another worker does it.
const LEASE: Duration = Duration::from_secs(30);

pub(crate) async fn run(workers: &Workers, stop: &CancellationToken) {
    repeat(workers, "inbox", || round(workers), &workers.wake.inbox, stop).await;
}

pub(crate) async fn round(workers: &Workers) -> Result<usize, StoreError> {
    let now = workers.clock.now();
    let batch = workers.inbox.claim(now, now.plus(LEASE), BATCH).await?;
    if batch.is_empty() {
        return Ok(0);
    }
    for delivery in &batch {
        tracing::debug!(delivery = %delivery.id, work_item = %delivery.work_item, "applying a delivery");
    }
    workers.apply.handle_updated_workitem(&batch).await?;
    metrics::counter!("handoff_deliveries_worked_total").increment(batch.len() as u64);
    Ok(batch.len())
}
