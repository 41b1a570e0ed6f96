//! The background loops: applying deliveries, carrying out the outbox, taking deleted projects apart.
//!
//! Each loop takes no input, may be stopped anywhere and begun again, and runs on a nudge and on a
//! period. Stopping lets what is in hand finish; what a killed process had in hand is done again when
//! its lease runs out.

mod inbox;
mod outbox;
mod purge;
mod wake;

use futures::future::join_all;
use handoff_domain::port::{Clock, Inbox, Outbox, StoreError};
use handoff_domain::service::carry_out::CarryOut;
use handoff_domain::service::delete_project::DeleteProject;
use handoff_domain::service::handle_updated_workitem::HandleUpdatedWorkitem;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
pub use wake::WakeSignals;

/// How long deliveries and ended outbox rows are kept.
pub const RETENTION: Duration = Duration::from_secs(30 * 86_400);
/// How long a loop rests without a nudge. Nudges come from this process only; a poll finds the rest.
pub const POLL: Duration = Duration::from_secs(1);

/// How long a loop rests after the store failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Everything that the loops work with.
#[derive(Clone)]
pub struct Workers {
    /// Where deliveries wait.
    pub inbox: Arc<dyn Inbox>,
    /// Applies them.
    pub apply: HandleUpdatedWorkitem,
    /// Where tasks wait.
    pub outbox: Arc<dyn Outbox>,
    /// Does them.
    pub carry_out: CarryOut,
    /// Takes projects apart.
    pub delete_project: DeleteProject,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Nudges.
    pub wake: Arc<WakeSignals>,
}

impl Workers {
    /// Runs every loop until `stop`, then lets what is in hand finish.
    pub async fn run(&self, stop: CancellationToken) {
        let loops: [Pin<Box<dyn Future<Output = ()> + Send + '_>>; 3] =
            [Box::pin(inbox::run(self, &stop)), Box::pin(outbox::run(self, &stop)), Box::pin(purge::run(self, &stop))];
        join_all(loops).await;
    }

    /// Applies and carries out everything that is due now, and what follows from it; for tests and
    /// one-shot commands. Says how much was done.
    ///
    /// # Errors
    /// What the store says.
    pub async fn run_until_idle(&self) -> Result<usize, StoreError> {
        let mut done = 0;
        loop {
            let round = inbox::round(self).await? + outbox::round(self).await?;
            if round == 0 {
                return Ok(done);
            }
            done += round;
        }
    }
}

/// Does rounds while they find work, then rests; until stopped.
async fn repeat<F, Fut>(workers: &Workers, queue: &str, mut round: F, nudge: &Notify, stop: &CancellationToken)
where
    F: FnMut() -> Fut + Send,
    Fut: Future<Output = Result<usize, StoreError>> + Send,
{
    while !stop.is_cancelled() {
        let period = match round().await {
            Ok(0) => POLL,
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!(%error, queue, "a queue waits: the store failed");
                AFTER_FAILURE
            }
        };
        rest(workers.clock.as_ref(), nudge.notified(), period, stop).await;
    }
}

/// Rests until nudged, until the poll is due, or until stopped.
async fn rest(clock: &dyn Clock, nudged: impl Future<Output = ()> + Send, period: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = nudged => {}
        () = clock.sleep(period) => {}
        () = stop.cancelled() => {}
    }
}
