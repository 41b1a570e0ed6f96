//! Nudges inside one process. A lost one costs at most a poll.

use handoff_domain::outbox::Lane;
use handoff_domain::port::Wake;
use tokio::sync::Notify;

/// One signal for each loop; a nudge given while the loop works is kept for when it rests.
#[derive(Debug, Default)]
pub struct WakeSignals {
    pub(crate) inbox: Notify,
    messages: Notify,
    tracker: Notify,
    reconcile: Notify,
    pub(crate) purge: Notify,
}

impl WakeSignals {
    /// That of the loop of a lane.
    pub(crate) const fn of(&self, lane: Lane) -> &Notify {
        match lane {
            Lane::Messages => &self.messages,
            Lane::Tracker => &self.tracker,
            Lane::Reconcile => &self.reconcile,
        }
    }
}

impl Wake for WakeSignals {
    fn inbox(&self) {
        self.inbox.notify_one();
    }

    fn outbox(&self) {
        self.messages.notify_one();
        self.tracker.notify_one();
        self.reconcile.notify_one();
    }

    fn purge(&self) {
        self.purge.notify_one();
    }
}
