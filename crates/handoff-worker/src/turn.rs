//! Whose turn it is to send for the bot's token: one replica's at a time, since Discord's limits are the
//! token's, and each replica knows of what it sent itself only. The other lanes are everybody's.
//!
//! The turn is a lease. It is kept while its holder runs, given back when that is stopped, and runs out soon
//! after a holder that died; who finds that another one took it over ends at once what it has in hand.

use crate::Workers;
use handoff_domain::outbox::Lane;
use handoff_domain::port::{SingletonLease, StoreError};
use handoff_domain::time::Timestamp;
use std::time::Duration;

/// The name of the lease.
pub(crate) const LEASE_NAME: &str = "messages";
/// How long a turn is kept without a sign of life.
pub(crate) const LEASE: Duration = Duration::from_secs(30);
/// How old a sign of life is before another is given.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// The turn of one loop of one replica.
#[derive(Debug)]
pub(crate) struct Turn {
    is_needed: bool,
    /// The lease, and until when it is ours for certain.
    held: Option<(SingletonLease, Timestamp)>,
}

impl Turn {
    /// Of a lane; nothing is taken yet.
    pub(crate) const fn of(lane: Lane) -> Self {
        Self { is_needed: matches!(lane, Lane::Messages), held: None }
    }

    /// Whether it is our turn; takes it where it is nobody's, and keeps it.
    ///
    /// # Errors
    /// [`StoreError`]; what [`is_certain`](Self::is_certain) says is true all the same.
    pub(crate) async fn is_ours(&mut self, workers: &Workers) -> Result<bool, StoreError> {
        if !self.is_needed {
            return Ok(true);
        }
        let now = workers.clock.now();
        let until = now.plus(LEASE);
        if let Some((lease, kept_until)) = self.held {
            if (LEASE - SIGN_OF_LIFE..=LEASE).contains(&kept_until.since(now)) {
                return Ok(true);
            }
            let is_ours = workers.singletons.extend(&lease, until).await?;
            self.held = is_ours.then_some((lease, until));
            if !is_ours {
                tracing::warn!("another replica sends messages by now: what was in hand here is given up");
            }
            return Ok(is_ours);
        }
        let taken = workers.singletons.take(LEASE_NAME, now, until).await?;
        self.held = taken.map(|lease| (lease, until));
        Ok(self.held.is_some())
    }

    /// Whether nobody else can have taken it, whatever the store says.
    pub(crate) fn is_certain(&self, now: Timestamp) -> bool {
        !self.is_needed || self.held.is_some_and(|(_, until)| now < until)
    }

    /// Lets another replica have it at once.
    pub(crate) async fn end(self, workers: &Workers) {
        let Some((lease, _)) = self.held else { return };
        if let Err(error) = workers.singletons.give_back(&lease).await {
            tracing::warn!(%error, "the turn to send messages was not given back: it runs out by itself");
        }
    }
}
