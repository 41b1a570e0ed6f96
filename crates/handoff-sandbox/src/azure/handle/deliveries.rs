//! Deliveries: held back, let go, posted by hand, and waited for.

use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use super::AzureHandle;
use crate::azure::ids::SubscriptionId;
use crate::azure::queue::ReleaseOrder;
use crate::azure::refusal::Refusal;
use crate::clock::micros;

impl AzureHandle {
    /// Keeps new deliveries back until they are released. Retries go on.
    pub fn hold_deliveries(&self) {
        self.with(|state, _| state.queue.hold());
    }

    /// How many deliveries are held back.
    #[must_use]
    pub fn held_deliveries(&self) -> usize {
        self.with(|state, _| state.queue.held())
    }

    /// How many deliveries are still to be made: due now or later, under way, or held back.
    #[must_use]
    pub fn pending_deliveries(&self) -> usize {
        self.with(|state, _| state.queue.pending())
    }

    /// Lets the held deliveries go in this order, and new ones pass again. Returns how many went.
    /// The order is kept on the way when a subscription has one delivery at a time, the default.
    pub fn release_deliveries(&self, order: &ReleaseOrder) -> usize {
        let released = self.with(|state, now_us| state.queue.release(now_us, order));
        self.nudge();
        released
    }

    /// Posts any bytes to a subscription's receiver, rightly authenticated, as a notification like any
    /// other: it is retried and counts for probation. Returns its number.
    ///
    /// # Errors
    /// When there is no such subscription.
    pub fn deliver_raw(&self, subscription: SubscriptionId, body: impl Into<Bytes>) -> Result<i64, Refusal> {
        let body = body.into();
        self.act(|state, now_us| {
            let event_type = state.subscription(subscription)?.request.event_type.clone();
            let event_id: Uuid = state.ids.next();
            state.notify(subscription, event_id, &event_type, body, now_us)
        })
    }

    /// Waits until no delivery is due at the present time and none is under way.
    pub async fn settle(&self) {
        let mut nudges = self.nudges();
        loop {
            nudges.mark_unchanged();
            if self.with(|state, now_us| state.queue.is_settled(now_us)) {
                return;
            }
            // The handle itself keeps the sender alive.
            let _ = nudges.changed().await;
        }
    }

    /// Moves the clock forward, stopping at every delivery that comes due on the way until it is
    /// settled, so that whatever else lives on this clock sees each at its own time.
    pub async fn advance(&self, by: Duration) {
        let target_us = self.clock().now_us().saturating_add(micros(by));
        loop {
            self.settle().await;
            let next_us = self.with(|state, _| state.queue.next_due_us());
            match next_us {
                Some(next_us) if next_us <= target_us => self.clock().advance_to(next_us),
                _ => break,
            }
        }
        self.clock().advance_to(target_us);
        self.settle().await;
    }
}
