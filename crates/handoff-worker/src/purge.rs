//! Takes deleted projects apart and forgets what is past its retention. Begun again anywhere.

use crate::{Workers, rest};
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

/// A project of thousands of groups is many transactions; stopping drops the one that is open.
async fn projects(workers: &Workers, stop: &CancellationToken) -> Result<(), StoreError> {
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            gone = workers.delete_project.purge_projects() => if gone? == 0 { return Ok(()) },
        }
    }
}

async fn queues(workers: &Workers, stop: &CancellationToken) -> Result<(), StoreError> {
    let before = workers.clock.now().minus(workers.retention);
    while !stop.is_cancelled() && workers.inbox.purge(before, BATCH).await? > 0 {}
    while !stop.is_cancelled() && workers.outbox.purge(before, BATCH).await? > 0 {}
    while !stop.is_cancelled() && workers.interactions.forget(BATCH).await? > 0 {}
    Ok(())
}
