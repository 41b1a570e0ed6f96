//! Nudges inside one process. A lost one costs at most a poll.

use handoff_domain::port::Wake;
use tokio::sync::Notify;

/// One signal for each loop; a nudge given while the loop works is kept for when it rests.
#[derive(Debug, Default)]
pub struct WakeSignals {
    pub(crate) inbox: Notify,
    pub(crate) outbox: Notify,
    pub(crate) purge: Notify,
}

impl Wake for WakeSignals {
    fn inbox(&self) {
        self.inbox.notify_one();
    }

    fn outbox(&self) {
        self.outbox.notify_one();
    }

    fn purge(&self) {
        self.purge.notify_one();
    }
}
