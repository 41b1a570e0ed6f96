//! The simulators' clock behind the domain's port: whoever sleeps waits until a test moves the time.

use async_trait::async_trait;
use handoff_domain::port::Clock;
use handoff_domain::time::Timestamp;
use handoff_sandbox::clock::{SimClock, micros};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// 2026-03-02T09:00:00Z, a Monday morning: when every instance of a test begins.
pub const START_US: i64 = 1_772_442_000_000_000;

/// How long it takes us to look at the clock.
const TICK: Duration = Duration::from_micros(1);

/// A clock that stands still between two moves, but for a microsecond each time that we look at it: what
/// follows something else happens after it. Clones show the same time.
#[derive(Debug, Clone)]
pub struct TestClock {
    sim: SimClock,
    /// How many sleep until when.
    sleepers: Arc<watch::Sender<BTreeMap<i64, usize>>>,
}

/// Somebody asleep; counted until they wake or are dropped.
struct Sleeper<'a> {
    clock: &'a TestClock,
    until_us: i64,
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.clock.sleepers.send_modify(|sleepers| {
            if let Some(count) = sleepers.get_mut(&self.until_us) {
                *count -= 1;
                if *count == 0 {
                    sleepers.remove(&self.until_us);
                }
            }
        });
    }
}

impl TestClock {
    /// Shows the time of `sim`.
    #[must_use]
    pub fn new(sim: SimClock) -> Self {
        Self { sim, sleepers: Arc::new(watch::Sender::new(BTreeMap::new())) }
    }

    /// The simulators' side of it.
    #[must_use]
    pub const fn sim(&self) -> &SimClock {
        &self.sim
    }

    /// Does `work`; while it waits for the clock, the time goes on to the first moment that is waited for.
    /// Only for an instance whose loops do not run: a loop at rest waits for the clock without end.
    pub async fn moving<F: Future>(&self, work: F) -> F::Output {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                until_us = self.somebody_sleeps() => self.sim.advance_to(until_us),
            }
        }
    }

    /// Until when the one sleeps who wakes first; waits for one.
    async fn somebody_sleeps(&self) -> i64 {
        let mut sleepers = self.sleepers.subscribe();
        loop {
            let now_us = self.sim.now_us();
            let first = sleepers.borrow_and_update().range(now_us + 1..).next().map(|(until_us, _)| *until_us);
            if let Some(until_us) = first {
                return until_us;
            }
            // The sender lives as long as `self`.
            let _ = sleepers.changed().await;
        }
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.sim.advance(TICK);
        Timestamp::from_micros(self.sim.now_us())
    }

    async fn sleep(&self, duration: Duration) {
        let until_us = self.sim.now_us().saturating_add(micros(duration));
        self.sleepers.send_modify(|sleepers| *sleepers.entry(until_us).or_default() += 1);
        let _asleep = Sleeper { clock: self, until_us };
        self.sim.sleep_until(until_us).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleeping_moves_nobodys_time_and_work_that_sleeps_moves_it_just_far_enough() {
        let clock = TestClock::new(SimClock::manual(START_US));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(Duration::from_secs(5)).await }
        });
        tokio::task::yield_now().await;
        assert_eq!(clock.sim().now_us(), START_US);
        clock.moving(clock.sleep(Duration::from_secs(2))).await;
        assert_eq!(clock.sim().now_us(), START_US + 2_000_000);
        assert!(!sleeper.is_finished());
        clock.moving(sleeper).await.unwrap();
        assert_eq!(clock.sim().now_us(), START_US + 5_000_000);
    }
}
