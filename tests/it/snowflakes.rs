//! Snowflake ids as they are wired: the generator over the sequence that counts in process.
#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

use handoff_cache::InProcessSequence;
use handoff_domain::id::MAX_SAFE_INTEGER;
use handoff_domain::port::SequenceError;
use handoff_domain::service::generate_snowflake_id::SnowflakeIds;
use handoff_domain::snowflake::{EPOCH_SECONDS, LOOK_BACK_SECONDS, Region, SEQUENCES_PER_SECOND};
use handoff_domain::testing::FixedClock;
use handoff_domain::time::Timestamp;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// When the generators start, in seconds of the snowflakes' own epoch.
const START: i64 = 1_000_000;

fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock::at(Timestamp::from_seconds(EPOCH_SECONDS + START)))
}

fn ids(clock: &Arc<FixedClock>, region: u16) -> SnowflakeIds {
    let sequence = Arc::new(InProcessSequence::new(clock.as_ref()));
    SnowflakeIds::new(Region::new(region).unwrap(), sequence, clock.clone())
}

#[tokio::test]
async fn ten_thousand_over_a_simulated_clock_are_unique_and_fit_53_bits() {
    let clock = clock();
    let ids = ids(&clock, 4095);
    let mut seen = HashSet::new();
    for n in 0_u64..10_000 {
        let id = ids.generate_snowflake_id("project").await.unwrap().get();
        assert!(id > 0 && id <= MAX_SAFE_INTEGER, "{id}");
        assert!(seen.insert(id), "{id} twice");
        // Sixteen a second are all there are.
        clock.advance(Duration::from_micros(62_500 + n % 7));
    }
    assert_eq!(seen.len(), 10_000);
}

#[tokio::test]
async fn two_regions_never_collide_even_in_the_same_seconds() {
    let clock = clock();
    let regions = [ids(&clock, 0), ids(&clock, 1)];
    let mut seen = HashSet::new();
    for _ in 0..300 {
        for region in &regions {
            for _ in 0..SEQUENCES_PER_SECOND {
                assert!(seen.insert(region.generate_snowflake_id("project").await.unwrap()));
            }
        }
        clock.advance(Duration::from_secs(1));
    }
    assert_eq!(seen.len(), 2 * 300 * usize::from(SEQUENCES_PER_SECOND));
}

#[tokio::test]
async fn a_full_window_is_a_typed_error_and_the_next_second_has_ids_again() {
    let clock = clock();
    let ids = ids(&clock, 0);
    clock.advance(Duration::from_secs(2 * LOOK_BACK_SECONDS));
    let window = LOOK_BACK_SECONDS * u64::from(SEQUENCES_PER_SECOND);
    let mut seen = HashSet::new();
    for _ in 0..window {
        assert!(seen.insert(ids.generate_snowflake_id("project").await.unwrap()));
    }
    let exhausted = Err(SequenceError::Exhausted { window_seconds: LOOK_BACK_SECONDS });
    assert_eq!(ids.generate_snowflake_id("project").await, exhausted);
    clock.advance(Duration::from_secs(1));
    for _ in 0..SEQUENCES_PER_SECOND {
        assert!(seen.insert(ids.generate_snowflake_id("project").await.unwrap()));
    }
    assert_eq!(ids.generate_snowflake_id("project").await, exhausted);
}

#[tokio::test]
async fn the_first_of_a_second_in_region_zero_is_the_version_and_the_seconds() {
    let clock = clock();
    let ids = ids(&clock, 0);
    for seconds in START..START + 3 {
        assert_eq!(ids.generate_snowflake_id("project").await.unwrap().get(), 16 * (1 << 48) + seconds * (1 << 16));
        clock.advance(Duration::from_secs(1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_that_ask_at_once_get_an_id_each() {
    let clock = clock();
    let ids = ids(&clock, 0);
    clock.advance(Duration::from_secs(LOOK_BACK_SECONDS));
    let one = |ids: SnowflakeIds| async move { ids.generate_snowflake_id("project").await.unwrap() };
    let given = (0..1000).map(|_| one(ids.clone())).collect::<JoinSet<_>>().join_all().await;
    assert_eq!(given.into_iter().collect::<HashSet<_>>().len(), 1000);
}
