//! Whether a group is assigned, and whose ownership was evaluated: in process, and in Redis.

use super::{PATIENCE, a_group as group, on_a_line};
use handoff_cache::{InProcessCache, Redis, RedisCache};
use handoff_domain::id::GroupId;
use handoff_domain::port::{AssigneeExistsCache, FillTicket, OwnershipDebounce};
use handoff_domain::testing::FixedClock;
use handoff_domain::time::Timestamp;
use handoff_tests::proxy::Line;
use std::sync::Arc;
use std::time::Duration;

fn in_process() -> InProcessCache {
    let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(1_800_000_000)));
    InProcessCache::new(clock, 1_000, Duration::from_secs(86_400))
}

async fn fill(cache: &impl AssigneeExistsCache, rows: &[(GroupId, bool)]) {
    let ticket = cache.begin_fill().await;
    cache.fill(ticket, rows).await;
}

async fn keeps_the_rules(cache: &(impl AssigneeExistsCache + OwnershipDebounce)) {
    let [one, two, three, four] = [group(), group(), group(), group()];
    assert_eq!(cache.get(one).await, None);
    fill(cache, &[(one, true), (two, false)]).await;
    assert_eq!((cache.get(one).await, cache.get(two).await), (Some(true), Some(false)));
    fill(cache, &[(one, false)]).await;
    assert_eq!(cache.get(one).await, Some(false), "what is read later counts");

    // What was read before it was forgotten is not remembered after that.
    let ticket = cache.begin_fill().await;
    cache.invalidate(&[one, three]).await;
    cache.fill(ticket, &[(one, true), (three, true), (four, true)]).await;
    assert_eq!((cache.get(one).await, cache.get(three).await, cache.get(four).await), (None, None, Some(true)));

    // Of two that read at the same time nobody knows who is right.
    let (assigning, reading) = (cache.begin_fill().await, cache.begin_fill().await);
    cache.fill(assigning, &[(three, true)]).await;
    cache.fill(reading, &[(three, false)]).await;
    assert_eq!(cache.get(three).await, None);

    assert!(!cache.was_evaluated(one).await, "that it is assigned says nothing about its evaluation");
    let ticket = cache.begin_evaluation().await;
    cache.mark_evaluated(ticket, one).await;
    assert!(cache.was_evaluated(one).await && !cache.was_evaluated(two).await);
    let ticket = cache.begin_evaluation().await;
    cache.forget(&[one]).await;
    cache.mark_evaluated(ticket, one).await;
    assert!(!cache.was_evaluated(one).await);
}

#[tokio::test]
async fn the_cache_in_process_keeps_the_rules() {
    keeps_the_rules(&in_process()).await;
}

#[tokio::test]
async fn the_cache_in_redis_keeps_the_rules() {
    if let Some((redis, _line)) = on_a_line(PATIENCE).await {
        keeps_the_rules(&RedisCache::new(redis)).await;
    }
}

#[tokio::test]
async fn what_one_replica_forgets_the_others_do_not_remember() {
    let Some((redis, _line)) = on_a_line(PATIENCE).await else { return };
    let (here, there) = (RedisCache::new(redis.clone()), RedisCache::new(redis));
    let group = group();
    fill(&here, &[(group, true)]).await;
    assert_eq!(there.get(group).await, Some(true));
    let ticket = here.begin_fill().await;
    there.invalidate(&[group]).await;
    here.fill(ticket, &[(group, true)]).await;
    assert_eq!(here.get(group).await, None);
}

#[tokio::test]
async fn a_set_of_groups_is_filled_and_forgotten_in_one_round_trip_each() {
    let Some((redis, line)) = on_a_line(PATIENCE).await else { return };
    let cache = RedisCache::new(redis);
    fill(&cache, &[(group(), true)]).await;
    cache.invalidate(&[group()]).await;
    let rows: Vec<_> = (0..100).map(|n| (group(), n % 2 == 0)).collect();
    let groups: Vec<_> = rows.iter().map(|(group, _)| *group).collect();
    let before = line.round_trips();
    fill(&cache, &rows).await;
    assert_eq!(line.round_trips() - before, 2, "the ticket, and the fill");
    cache.invalidate(&groups).await;
    assert_eq!(line.round_trips() - before, 3);
    for group in groups {
        assert_eq!(cache.get(group).await, None);
    }
}

#[tokio::test]
async fn without_redis_nothing_is_remembered_and_nothing_waits_and_it_is_used_again_when_it_is_back() {
    let Some((redis, line)) = on_a_line(Redis::PATIENCE).await else { return };
    let cache = RedisCache::new(redis);
    let one = group();
    for state in [Line::Cut, Line::Dead] {
        fill(&cache, &[(one, true)]).await;
        line.set(state);
        let lost = async {
            for _ in 0..50 {
                assert_eq!(cache.get(one).await, None);
            }
            assert_eq!(cache.begin_fill().await, FillTicket { epoch: 0 });
            cache.fill(FillTicket { epoch: 0 }, &[(one, true)]).await;
            cache.invalidate(&[one]).await;
        };
        tokio::time::timeout(Duration::from_secs(2), lost).await.unwrap();
        line.set(Line::Up);
        let back = async {
            while cache.begin_fill().await.epoch == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), back).await.unwrap();
    }
    fill(&cache, &[(one, false)]).await;
    assert_eq!(cache.get(one).await, Some(false));
}
