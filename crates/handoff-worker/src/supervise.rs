//! Keeps the loops running: each is a task of its own, and one that ends or panics is begun again after a
//! rest. What it had in hand is done again when its lease runs out.

use crate::{Loop, Workers};
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long to rest before a loop is begun again.
const BEFORE_AGAIN: Duration = Duration::from_secs(5);

/// Runs all loops until `stop`, and returns when the last of them has finished what it had in hand.
pub(crate) async fn all(workers: &Workers, loops: &[(&'static str, Loop)], stop: &CancellationToken) {
    let mut tasks = JoinSet::new();
    for (name, one) in loops {
        tasks.spawn(supervised(workers.clone(), name, *one, stop.clone()));
    }
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a loop is gone for good");
        }
    }
}

async fn supervised(workers: Workers, name: &'static str, one: Loop, stop: CancellationToken) {
    loop {
        let ended = AssertUnwindSafe(one(workers.clone(), stop.clone())).catch_unwind().await;
        if stop.is_cancelled() {
            return;
        }
        let panicked = ended.is_err();
        tracing::error!(queue = name, panicked, "a loop ended by itself; it is begun again");
        metrics::counter!("handoff_loops_restarted_total", "queue" => name).increment(1);
        tokio::select! {
            () = workers.clock.sleep(BEFORE_AGAIN) => {}
            () = stop.cancelled() => return,
        }
    }
}
