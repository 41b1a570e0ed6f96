//! The snowflake sequence in process: for one replica, or for replicas that each have a region.
//!
//! It forgets on restart, so it never looks further back than its own start: a number of an earlier
//! second may have been given out before.

use async_trait::async_trait;
use handoff_domain::port::{Clock, ReservedSequence, SequenceError, SequenceStore};
use handoff_domain::snowflake::{LOOK_BACK_SECONDS, Region, SEQUENCES_PER_SECOND, SnowflakeSecond};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

/// How many numbers of each second of the window are taken.
#[derive(Default)]
struct Window {
    taken: BTreeMap<u32, u8>,
    /// Seconds before this one are forgotten, and never given out again: the clock may step back.
    floor: u32,
}

/// Counts in memory.
pub struct InProcessSequence {
    started: Option<u32>,
    windows: Mutex<HashMap<(&'static str, Region), Window>>,
}

impl InProcessSequence {
    /// Starts now. A process that stopped within this very second may have given out some of its numbers:
    /// saving then meets a taken id and takes the next.
    #[must_use]
    pub fn new(clock: &dyn Clock) -> Self {
        let started = SnowflakeSecond::of(clock.now()).map(SnowflakeSecond::get);
        Self { started, windows: Mutex::default() }
    }
}

#[async_trait]
impl SequenceStore for InProcessSequence {
    async fn reserve(
        &self,
        model: &'static str,
        region: Region,
        second: SnowflakeSecond,
    ) -> Result<ReservedSequence, SequenceError> {
        let newest = second.get();
        let window_start = newest.saturating_sub(u32::try_from(LOOK_BACK_SECONDS).unwrap_or(u32::MAX) - 1);
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry((model, region)).or_default();
        if window_start > window.floor {
            window.floor = window_start;
            window.taken = window.taken.split_off(&window_start);
        }
        let oldest = self.started.map_or(newest, |started| started.max(window_start)).max(window.floor);
        for at in (oldest..=newest).rev() {
            let used = window.taken.entry(at).or_insert(0);
            if *used < SEQUENCES_PER_SECOND {
                let sequence = *used;
                *used += 1;
                return Ok(ReservedSequence { second: SnowflakeSecond::new(at), sequence });
            }
        }
        Err(SequenceError::Exhausted { window_seconds: LOOK_BACK_SECONDS })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use handoff_domain::id::MAX_SAFE_INTEGER;
    use handoff_domain::service::generate_snowflake_id::SnowflakeIds;
    use handoff_domain::snowflake::EPOCH_SECONDS;
    use handoff_domain::testing::FixedClock;
    use handoff_domain::time::Timestamp;
    use std::collections::HashSet;
    use std::sync::Arc;
    use std::time::Duration;

    const START: i64 = 1_000_000;

    fn clock() -> Arc<FixedClock> {
        Arc::new(FixedClock::at(Timestamp::from_seconds(EPOCH_SECONDS + START)))
    }

    fn ids(clock: &Arc<FixedClock>, region: u16) -> SnowflakeIds {
        let sequence = Arc::new(InProcessSequence::new(clock.as_ref()));
        SnowflakeIds::new(Region::new(region).unwrap(), sequence, clock.clone())
    }

    #[tokio::test]
    async fn ten_thousand_ids_over_a_simulated_clock_are_unique_and_fit_53_bits_and_two_regions_never_collide() {
        let clock = clock();
        let (here, there) = (ids(&clock, 0), ids(&clock, 1));
        let mut seen = HashSet::new();
        for n in 0..10_000 {
            for ids in [&here, &there] {
                let id = ids.generate_snowflake_id("project").await.unwrap().get();
                assert!(id > 0 && id <= MAX_SAFE_INTEGER);
                assert!(seen.insert(id), "{id} twice");
            }
            if n % 16 == 15 {
                clock.advance(Duration::from_secs(1));
            }
        }
        assert_eq!(seen.len(), 20_000);
    }

    #[tokio::test]
    async fn the_first_id_of_a_second_is_the_version_and_the_seconds() {
        let id = ids(&clock(), 0).generate_snowflake_id("project").await.unwrap().get();
        assert_eq!(id, 16 * (1 << 48) + START * (1 << 16));
    }

    #[tokio::test]
    async fn a_burst_uses_the_seconds_before_but_never_those_before_the_start() {
        let clock = clock();
        let ids = ids(&clock, 0);
        clock.advance(Duration::from_secs(1));
        for _ in 0..32 {
            ids.generate_snowflake_id("project").await.unwrap();
        }
        let full = ids.generate_snowflake_id("project").await;
        assert_eq!(full, Err(SequenceError::Exhausted { window_seconds: 300 }));
        assert!(ids.generate_snowflake_id("team").await.is_ok(), "another model has numbers of its own");
        clock.advance(Duration::from_secs(1));
        assert!(ids.generate_snowflake_id("project").await.is_ok());
    }

    #[tokio::test]
    async fn a_full_window_of_five_minutes_is_a_typed_error() {
        let clock = clock();
        let ids = ids(&clock, 0);
        clock.advance(Duration::from_secs(1000));
        for n in 0..4_800 {
            assert!(ids.generate_snowflake_id("project").await.is_ok(), "{n}");
        }
        let full = ids.generate_snowflake_id("project").await;
        assert_eq!(full, Err(SequenceError::Exhausted { window_seconds: 300 }));
    }

    #[tokio::test]
    async fn what_is_outside_the_window_is_forgotten() {
        let clock = clock();
        let sequence = InProcessSequence::new(clock.as_ref());
        let region = Region::new(0).unwrap();
        for second in 0..5_000 {
            let at = SnowflakeSecond::new(u32::try_from(START).unwrap() + second);
            sequence.reserve("project", region, at).await.unwrap();
        }
        let windows = sequence.windows.lock().unwrap();
        assert!(windows[&("project", region)].taken.len() <= 300);
    }

    #[tokio::test]
    async fn a_clock_that_leaps_forward_and_comes_back_repeats_no_number() {
        let sequence = InProcessSequence::new(clock().as_ref());
        let region = Region::new(0).unwrap();
        let start = u32::try_from(START).unwrap();
        sequence.reserve("project", region, SnowflakeSecond::new(start)).await.unwrap();
        sequence.reserve("project", region, SnowflakeSecond::new(start + 1_000)).await.unwrap();
        let back = sequence.reserve("project", region, SnowflakeSecond::new(start)).await;
        assert_eq!(back, Err(SequenceError::Exhausted { window_seconds: 300 }));
    }
}
