//! The snowflake sequence: in process, and in Redis.

use super::{PATIENCE, on_a_line};
use handoff_cache::{InProcessSequence, Redis, RedisSequence};
use handoff_domain::port::{SequenceError, SequenceStore};
use handoff_domain::snowflake::{EPOCH_SECONDS, LOOK_BACK_SECONDS, Region, SEQUENCES_PER_SECOND, SnowflakeSecond};
use handoff_domain::testing::FixedClock;
use handoff_domain::time::Timestamp;
use handoff_tests::proxy::Line;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

const START: u32 = 1_000_000;

fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock::at(Timestamp::from_seconds(EPOCH_SECONDS + i64::from(START))))
}

fn region(n: u16) -> Region {
    Region::new(n).unwrap()
}

/// The second and the number that are reserved, seconds counted from the start.
async fn reserved(sequence: &impl SequenceStore, of: u16, second: u32) -> Result<(u32, u8), SequenceError> {
    let got = sequence.reserve("project", region(of), SnowflakeSecond::new(START + second)).await?;
    Ok((got.second.get() - START, got.sequence))
}

async fn keeps_the_rules(sequence: &impl SequenceStore) {
    let all = u32::from(SEQUENCES_PER_SECOND);
    for n in 0..SEQUENCES_PER_SECOND {
        assert_eq!(reserved(sequence, 0, 0).await, Ok((0, n)));
    }
    assert_eq!(reserved(sequence, 1, 0).await, Ok((0, 0)), "regions have numbers of their own");
    let other = sequence.reserve("user", region(0), SnowflakeSecond::new(START)).await.unwrap();
    assert_eq!(other.sequence, 0, "and so have models");

    let exhausted = SequenceError::Exhausted { window_seconds: LOOK_BACK_SECONDS };
    assert_eq!(reserved(sequence, 0, 0).await, Err(exhausted.clone()), "never from before its start");
    let mut seen = HashSet::new();
    // A minute later there are all the seconds since.
    for _ in 0..60 * all {
        let (second, number) = reserved(sequence, 0, 60).await.unwrap();
        assert!((1..=60).contains(&second) && seen.insert((second, number)), "{second}, {number}");
    }
    assert_eq!(reserved(sequence, 0, 60).await, Err(exhausted));
    assert_eq!(reserved(sequence, 0, 61).await, Ok((61, 0)));
}

#[tokio::test]
async fn the_sequence_in_process_keeps_the_rules() {
    keeps_the_rules(&InProcessSequence::new(clock().as_ref())).await;
}

#[tokio::test]
async fn the_sequence_in_redis_keeps_the_rules() {
    if let Some((redis, _line)) = on_a_line(PATIENCE).await {
        keeps_the_rules(&RedisSequence::new(redis, clock())).await;
    }
}

#[tokio::test]
async fn a_number_costs_one_round_trip_wherever_the_look_back_ends() {
    let Some((redis, line)) = on_a_line(PATIENCE).await else { return };
    let sequence = RedisSequence::new(redis, clock());
    reserved(&sequence, 0, 0).await.unwrap();
    let newest = u32::try_from(LOOK_BACK_SECONDS).unwrap() - 1;
    // Every second but the first one is full.
    let most = newest * u32::from(SEQUENCES_PER_SECOND);
    let before = line.round_trips();
    for n in 0..most {
        let (second, _) = reserved(&sequence, 0, newest).await.unwrap();
        assert_eq!(second, newest - n / u32::from(SEQUENCES_PER_SECOND));
    }
    assert_eq!(reserved(&sequence, 0, newest).await, Ok((0, 1)));
    assert_eq!(line.round_trips() - before, usize::try_from(most).unwrap() + 1);
}

#[tokio::test]
async fn replicas_of_one_region_never_get_the_same_number() {
    let Some((redis, _line)) = on_a_line(PATIENCE).await else { return };
    let mut replicas = JoinSet::new();
    for _ in 0..4 {
        let sequence = RedisSequence::new(redis.clone(), clock());
        replicas.spawn(async move {
            let mut got = Vec::new();
            for n in 0..100 {
                got.push(reserved(&sequence, 0, n / 4).await.unwrap());
            }
            got
        });
    }
    let all: Vec<(u32, u8)> = replicas.join_all().await.into_iter().flatten().collect();
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 400);
}

#[tokio::test]
async fn without_redis_a_replica_counts_for_itself_from_then_on() {
    let Some((redis, line)) = on_a_line(Redis::PATIENCE).await else { return };
    let clock = clock();
    let sequence = RedisSequence::new(redis, clock.clone());
    assert_eq!(reserved(&sequence, 0, 0).await, Ok((0, 0)));
    line.set(Line::Cut);
    clock.advance(Duration::from_secs(10));
    for n in 0..SEQUENCES_PER_SECOND {
        assert_eq!(reserved(&sequence, 0, 10).await, Ok((10, n)));
    }
    let exhausted = SequenceError::Exhausted { window_seconds: LOOK_BACK_SECONDS };
    assert_eq!(reserved(&sequence, 0, 10).await, Err(exhausted), "what Redis gave out before is unknown");
    line.set(Line::Up);
}
