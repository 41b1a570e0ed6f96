//! The simulators' clock: follows the system clock, or stands still until a test moves it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// A clock in microseconds since the Unix epoch. Cheap to clone; clones show the same time.
///
/// A *real* clock follows the system clock; a *manual* one stands still. Both can be moved forward
/// with [`SimClock::advance`], which wakes the sleepers whose time has come.
#[derive(Clone, Debug)]
pub struct SimClock {
    /// Added to the base: the whole time of a manual clock, the lead of a real one.
    offset_us: Arc<watch::Sender<i64>>,
    base: Base,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    System,
    Zero,
}

impl SimClock {
    /// A clock that follows the system clock.
    #[must_use]
    pub fn real() -> Self {
        Self { offset_us: Arc::new(watch::Sender::new(0)), base: Base::System }
    }

    /// A clock that shows `start_us` and stands still until it is advanced.
    #[must_use]
    pub fn manual(start_us: i64) -> Self {
        Self { offset_us: Arc::new(watch::Sender::new(start_us)), base: Base::Zero }
    }

    /// Whether the clock stands still until it is advanced.
    #[must_use]
    pub fn is_manual(&self) -> bool {
        self.base == Base::Zero
    }

    /// The present, in microseconds since the Unix epoch.
    #[must_use]
    pub fn now_us(&self) -> i64 {
        self.base_us().saturating_add(*self.offset_us.borrow())
    }

    /// Moves the clock forward and wakes the sleepers whose time has come.
    pub fn advance(&self, by: Duration) {
        self.offset_us.send_modify(|offset| *offset = offset.saturating_add(micros(by)));
    }

    /// Moves the clock forward to `at_us`; a time already past changes nothing.
    pub fn advance_to(&self, at_us: i64) {
        let base_us = self.base_us();
        self.offset_us.send_modify(|offset| *offset = (*offset).max(at_us.saturating_sub(base_us)));
    }

    /// Returns once the clock shows `at_us` or later.
    pub async fn sleep_until(&self, at_us: i64) {
        let mut offset = self.offset_us.subscribe();
        loop {
            let left_us = at_us.saturating_sub(self.base_us().saturating_add(*offset.borrow_and_update()));
            let Ok(left_us) = u64::try_from(left_us) else {
                return;
            };
            if left_us == 0 {
                return;
            }
            // The sender lives as long as `self`, so `changed` cannot fail while we borrow it.
            match self.base {
                Base::Zero => {
                    let _ = offset.changed().await;
                }
                Base::System => {
                    // Either the time passes or somebody advances the clock; both are looked at again.
                    let _ = tokio::time::timeout(Duration::from_micros(left_us), offset.changed()).await;
                }
            }
        }
    }

    /// Returns once `duration` has passed on this clock.
    pub async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.now_us().saturating_add(micros(duration))).await;
    }

    fn base_us(&self) -> i64 {
        match self.base {
            Base::Zero => 0,
            Base::System => system_now_us(),
        }
    }
}

/// A duration in whole microseconds, saturating.
#[must_use]
pub fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the simulators read the system clock; everything else takes a SimClock"
)]
fn system_now_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_stands_still_until_it_is_advanced() {
        let clock = SimClock::manual(1_000);
        assert_eq!(clock.now_us(), 1_000);
        clock.advance(Duration::from_micros(5));
        assert_eq!(clock.now_us(), 1_005);
    }

    #[tokio::test]
    async fn a_sleeper_wakes_only_when_its_time_has_come() {
        let clock = SimClock::manual(0);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(10_000_000).await }
        });
        clock.advance(Duration::from_secs(9));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance_to(10_000_000);
        sleeper.await.unwrap();
    }

    #[tokio::test]
    async fn a_real_clock_can_be_moved_ahead() {
        let clock = SimClock::real();
        let before = clock.now_us();
        clock.advance(Duration::from_secs(3_600));
        assert!(clock.now_us() - before >= 3_600_000_000);
        clock.sleep_until(before).await;
    }
}
