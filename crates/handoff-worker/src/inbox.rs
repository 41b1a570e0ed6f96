//! Applies deliveries: each is applied at least once, and, since revisions order them, has its effect
//! exactly once. One at a time for each work item, many work items in one transaction.

use crate::defect::{PANICKED, delivery_failed, unless_it_panics};
use crate::{AFTER_FAILURE, POLL, Workers, rest};
use handoff_domain::delivery::ClaimedDelivery;
use handoff_domain::port::StoreError;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Deliveries applied in one transaction.
const BATCH: u16 = 64;
/// How long a delivery may take before another worker does it. It ends under its lease or not at all.
const LEASE: Duration = Duration::from_secs(30);

/// Does rounds while they find work, then rests; until stopped.
pub(crate) async fn run(workers: &Workers, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        let period = match round(workers).await {
            Ok(0) => POLL,
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!(%error, queue = "inbox", "a queue waits: the store failed");
                AFTER_FAILURE
            }
        };
        rest(workers.clock.as_ref(), workers.wake.inbox.notified(), period, stop).await;
    }
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
    apply(workers, &batch).await?;
    metrics::counter!("handoff_deliveries_worked_total").increment(batch.len() as u64);
    Ok(batch.len())
}

/// Applies a batch; where that panics, one by one, so that one bad delivery holds none.
async fn apply(workers: &Workers, batch: &[ClaimedDelivery]) -> Result<(), StoreError> {
    if let Some(applied) = unless_it_panics(workers.apply.handle_updated_workitem(batch)).await {
        return applied;
    }
    if let [alone] = batch {
        return delivery_failed(workers, alone, PANICKED).await;
    }
    for one in batch {
        match unless_it_panics(workers.apply.handle_updated_workitem(std::slice::from_ref(one))).await {
            Some(applied) => applied?,
            None => delivery_failed(workers, one, PANICKED).await?,
        }
    }
    Ok(())
}
