//! The background loops: applying deliveries, carrying out the lanes of the outbox, taking deleted projects
//! apart, looking after what was connected.
//!
//! Each loop is a task of its own, takes no input, may be stopped anywhere and begun again, and runs on a
//! nudge and on a period. One that ends or panics is begun again. Stopping lets what is in hand finish;
//! what a killed process had in hand is done again when its lease runs out.

mod defect;
mod inbox;
mod outbox;
mod purge;
mod supervise;
#[cfg(test)]
mod tests;
mod turn;
mod wake;
mod watch;

use futures::future::BoxFuture;
use handoff_domain::outbox::Lane;
use handoff_domain::port::{Clock, Inbox, Outbox, Singletons, StoreError};
use handoff_domain::service::carry_out::CarryOut;
use handoff_domain::service::delete_project::DeleteProject;
use handoff_domain::service::handle_updated_workitem::HandleUpdatedWorkitem;
use handoff_domain::service::interactions::Interactions;
use handoff_domain::service::watch::Watch;
pub use outbox::longest_call;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
pub use wake::WakeSignals;

/// How long deliveries and ended outbox rows are kept where nothing else is said.
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
    /// Lets one replica at a time send messages.
    pub singletons: Arc<dyn Singletons>,
    /// Does them.
    pub carry_out: CarryOut,
    /// Forgets which interactions were acted on.
    pub interactions: Interactions,
    /// Takes projects apart.
    pub delete_project: DeleteProject,
    /// Looks after what was connected.
    pub watch: Watch,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Nudges.
    pub wake: Arc<WakeSignals>,
    /// How long deliveries and ended outbox rows are kept.
    pub retention: Duration,
}

/// A loop: works until it is told to stop.
type Loop = fn(Workers, CancellationToken) -> BoxFuture<'static, ()>;

/// The loops, by the names that logs and counters know.
const LOOPS: [(&str, Loop); 6] = [
    ("inbox", |workers, stop| Box::pin(async move { inbox::run(&workers, &stop).await })),
    ("messages", |workers, stop| Box::pin(async move { outbox::run(&workers, Lane::Messages, &stop).await })),
    ("tracker", |workers, stop| Box::pin(async move { outbox::run(&workers, Lane::Tracker, &stop).await })),
    ("reconcile", |workers, stop| Box::pin(async move { outbox::run(&workers, Lane::Reconcile, &stop).await })),
    ("watch", |workers, stop| Box::pin(async move { watch::run(&workers, &stop).await })),
    ("purge", |workers, stop| Box::pin(async move { purge::run(&workers, &stop).await })),
];

impl Workers {
    /// Runs every loop until `stop`, then lets what is in hand finish. Dropping it ends the loops where
    /// they stand.
    pub async fn run(&self, stop: CancellationToken) {
        supervise::all(self, &LOOPS, &stop).await;
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

impl Workers {
    /// Looks once after what was connected, as the schedule does; for tests and one-shot commands. Says how
    /// many chores that was: none where nothing is due, or where another replica is at it.
    ///
    /// # Errors
    /// What the store says.
    pub async fn watch_once(&self) -> Result<usize, StoreError> {
        watch::pass(self, &CancellationToken::new()).await
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
