//! Takes deleted projects apart and forgets what is past its retention. Begun again anywhere.

use crate::{RETENTION, Workers, rest};
use handoff_domain::port::StoreError;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often to look without a nudge.
const PERIOD: Duration = Duration::from_secs(60);
/// Rows forgotten in one transaction.
const BATCH: u16 = 500;

pub(crate) async fn run(workers: &Workers, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        for done in [projects(workers, stop).await, queues(workers, stop).await] {
            if let Err(error) = done {
                tracing::warn!(%error, "purging waits: the store failed");
            }
        }
        rest(workers.clock.as_ref(), workers.wake.purge.notified(), PERIOD, stop).await;
    }
}

async fn projects(workers: &Workers, stop: &CancellationToken) -> Result<(), StoreError> {
    while workers.delete_project.purge_projects().await? > 0 && !stop.is_cancelled() {}
    Ok(())
}

async fn queues(workers: &Workers, stop: &CancellationToken) -> Result<(), StoreError> {
    let before = workers.clock.now().minus(RETENTION);
    while workers.inbox.purge(before, BATCH).await? > 0 && !stop.is_cancelled() {}
    while workers.outbox.purge(before, BATCH).await? > 0 && !stop.is_cancelled() {}
    Ok(())
}
