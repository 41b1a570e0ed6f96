//! Deaths of a worker: at any point of its work, or with leases in its hand.

use crate::instance::Instance;
use handoff_domain::outbox::Lane;
use handoff_domain::port::Clock;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// How long the inbox's lease of the worker is, and the outbox's.
const INBOX_LEASE: Duration = Duration::from_secs(30);
const OUTBOX_LEASE: Duration = Duration::from_secs(120);

/// Does `work` until it has waited so many times, then drops it where it stands: what it had open is
/// closed or rolled back, what it sent is sent. `None` when it died so.
pub async fn dying_after<F: Future>(waits: usize, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    let mut left = waits;
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

impl Instance {
    /// A worker that dies while it works, after so many waits.
    ///
    /// # Panics
    /// When the store fails.
    pub async fn work_and_die(&self, waits: usize) {
        let worker = self.another_replica();
        let died = dying_after(waits, self.clock.moving(worker.run_until_idle())).await;
        if let Some(done) = died {
            done.unwrap();
        }
    }

    /// A worker that leases every delivery that is due, and dies. Says how many it had.
    ///
    /// # Panics
    /// When the store fails.
    pub async fn die_with_deliveries(&self) -> usize {
        let now = self.clock.now();
        self.ports.inbox.claim(now, now.plus(INBOX_LEASE), 64).await.unwrap().len()
    }

    /// A worker that leases every task that is due, and dies. Says how many it had.
    ///
    /// # Panics
    /// When the store fails.
    pub async fn die_with_tasks(&self) -> usize {
        let now = self.clock.now();
        let mut held = 0;
        for lane in Lane::ALL {
            held += self.ports.outbox.claim(lane, now, now.plus(OUTBOX_LEASE), 32).await.unwrap().len();
        }
        held
    }
}
