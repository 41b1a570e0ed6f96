//! Carries out the outbox: every task at least once, under a lease with a fencing token; claimed in one
//! short transaction, done without one, recorded in another.

use crate::{Workers, repeat};
use futures::stream::{self, StreamExt};
use handoff_domain::outbox::Lane;
use handoff_domain::port::StoreError;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Tasks claimed at a time.
const BATCH: u16 = 32;
/// Tasks in hand at a time.
const IN_HAND: usize = 8;
/// How long a task may take before another worker does it: longer than every time-out of a call.
const LEASE: Duration = Duration::from_secs(120);

pub(crate) async fn run(workers: &Workers, stop: &CancellationToken) {
    repeat(workers, "outbox", || round(workers), &workers.wake.outbox, stop).await;
}

pub(crate) async fn round(workers: &Workers) -> Result<usize, StoreError> {
    let now = workers.clock.now();
    let mut batch = Vec::new();
    for lane in Lane::ALL {
        batch.extend(workers.outbox.claim(lane, now, now.plus(LEASE), BATCH).await?);
    }
    let claimed = batch.len();
    let endings = stream::iter(batch).map(|task| async move {
        metrics::counter!("handoff_outbox_attempts_total", "task" => task.task.kind()).increment(1);
        let ended = workers.carry_out.carry_out(&task).await;
        if let Err(error) = &ended {
            tracing::warn!(%error, row = %task.id, task = task.task.kind(), "how a task ended was not recorded");
        }
        ended
    });
    let endings: Vec<Result<(), StoreError>> = endings.buffer_unordered(IN_HAND).collect().await;
    endings.into_iter().collect::<Result<Vec<()>, StoreError>>()?;
    Ok(claimed)
}
