//! Looks after what was connected: hooks and the schedule of reading. One replica at a time, under a lease;
//! what a killed one had in hand is due again at its next time. Begun again anywhere.

use crate::Workers;
use crate::defect::{PANICKED, unless_it_panics};
use handoff_domain::port::{SingletonLease, StoreError};
use handoff_domain::service::watch::LONGEST_LOOK;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How often to ask whether anything is due.
const PERIOD: Duration = Duration::from_secs(10);

pub(crate) async fn run(workers: &Workers, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = pass(workers, stop).await {
            tracing::warn!(%error, "looking after hooks waits: the store failed, or another replica took over");
        }
        tokio::select! {
            () = workers.clock.sleep(PERIOD) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Does what is due now; says how many chores that was.
pub(crate) async fn pass(workers: &Workers, stop: &CancellationToken) -> Result<usize, StoreError> {
    let Some(lease) = workers.watch.begin().await? else { return Ok(0) };
    let done = under(workers, &lease, stop).await;
    if done != Err(StoreError::LeaseLost) {
        workers.watch.end(&lease).await?;
    }
    done
}

async fn under(workers: &Workers, lease: &SingletonLease, stop: &CancellationToken) -> Result<usize, StoreError> {
    let watch = &workers.watch;
    let mut done = 0;
    loop {
        let armed = watch.arm_reconciles(lease).await?;
        done += armed;
        if armed == 0 || stop.is_cancelled() {
            break;
        }
    }
    while !stop.is_cancelled() {
        let Some(due) = watch.next_hooks(lease).await? else { break };
        let look = timeout(LONGEST_LOOK, unless_it_panics(watch.look_at_hooks(lease, &due)));
        let (organization, installation) = (due.project.organization, due.project.installation);
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            looked = look => match looked {
                Ok(Some(looked)) => looked?,
                Ok(None) => tracing::error!(%organization, %installation, reason = PANICKED, "looking at hooks failed"),
                Err(_) => tracing::warn!(%organization, %installation, "looking at hooks took too long and was cut"),
            },
        }
        done += 1;
    }
    metrics::counter!("handoff_watch_chores_total").increment(done as u64);
    Ok(done)
}
