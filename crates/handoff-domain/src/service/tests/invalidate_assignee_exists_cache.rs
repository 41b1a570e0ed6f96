//! Invalidate Assignee-Exists Cache: one group, or a project's in batches, and no more than may be there.

use super::fixtures::{NOW, PROJECT, disk_full, group, store};
use crate::id::GroupId;
use crate::port::cache::ASSIGNED_LIFETIME;
use crate::service::invalidate_assignee_exists_cache::{BATCH, Forget, invalidate_assignee_exists_cache};
use crate::testing::{FixedClock, MockAssigneeExistsCache, MockUnitOfWork};
use uuid::Uuid;

fn groups(from: u128, count: u16) -> Vec<GroupId> {
    (0..u128::from(count)).map(|n| GroupId::from_uuid(Uuid::from_u128(from + n))).collect()
}

#[tokio::test]
async fn one_group_is_forgotten_without_asking_the_store() {
    let mut cache = MockAssigneeExistsCache::new();
    cache.expect_invalidate().withf(|groups| groups == [group()]).times(1).return_const(());
    let (store, clock) = (store(Vec::new()), FixedClock::at(NOW));
    let done = invalidate_assignee_exists_cache(Forget::Group(group()), &store, &cache, &clock).await;
    assert_eq!(done, Ok(1));
}

#[tokio::test]
async fn a_projects_groups_are_forgotten_in_batches_from_the_lifetime_on() {
    let mut first = MockUnitOfWork::new();
    first
        .expect_groups_seen_since()
        .withf(|project, since, after, limit| {
            (*project, *since, *after, *limit) == (PROJECT, NOW.minus(ASSIGNED_LIFETIME), None, BATCH)
        })
        .returning(|_, _, _, _| Ok(groups(1, BATCH)));
    let mut second = MockUnitOfWork::new();
    second
        .expect_groups_seen_since()
        .withf(|_, _, after, _| *after == groups(1, BATCH).last().copied())
        .returning(|_, _, _, _| Ok(groups(9999, 3)));
    let mut cache = MockAssigneeExistsCache::new();
    cache.expect_invalidate().times(2).return_const(());
    let (store, clock) = (store(vec![first, second]), FixedClock::at(NOW));
    let done = invalidate_assignee_exists_cache(Forget::Project(PROJECT), &store, &cache, &clock).await;
    assert_eq!(done, Ok(u64::from(BATCH) + 3));
}

#[tokio::test]
async fn a_store_that_fails_is_told_and_nothing_is_forgotten() {
    let mut uow = MockUnitOfWork::new();
    uow.expect_groups_seen_since().returning(|_, _, _, _| Err(disk_full()));
    let mut cache = MockAssigneeExistsCache::new();
    cache.expect_invalidate().never();
    let (store, clock) = (store(vec![uow]), FixedClock::at(NOW));
    let done = invalidate_assignee_exists_cache(Forget::Project(PROJECT), &store, &cache, &clock).await;
    assert_eq!(done, Err(disk_full()));
}
