//! The assignee-exists cache and the ownership debounce, in process.
//!
//! Lifetimes are those of the reference, counted by the Clock port, and at most
//! [`InProcessCache::new`]'s own bound, which is 60 s where several replicas cannot tell each other.
//! A fill that was read before an invalidation or a write is dropped: every group falls into one of
//! [`STRIPES`] counters, which such a change advances under the stripe's lock.

use async_trait::async_trait;
use handoff_domain::id::GroupId;
use handoff_domain::port::cache::{ASSIGNED_LIFETIME, OWNERSHIP_LIFETIME, UNASSIGNED_LIFETIME};
use handoff_domain::port::{AssigneeExistsCache, Clock, FillTicket, OwnershipDebounce};
use handoff_domain::time::Timestamp;
use moka::sync::Cache;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many counters groups share. A shared one only drops a fill too many.
const STRIPES: usize = 1024;

/// Remembers, for a bounded number of groups, whether they are assigned and when their ownership was
/// evaluated.
pub struct InProcessCache {
    clock: Arc<dyn Clock>,
    longest: Duration,
    exists: Cache<GroupId, (bool, Timestamp)>,
    evaluated: Cache<GroupId, Timestamp>,
    epochs: Vec<Mutex<u64>>,
}

impl InProcessCache {
    /// At most `capacity` groups, none remembered for longer than `longest`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, capacity: u64, longest: Duration) -> Self {
        Self {
            clock,
            longest,
            exists: Cache::new(capacity),
            evaluated: Cache::new(capacity),
            epochs: (0..STRIPES).map(|_| Mutex::new(0)).collect(),
        }
    }

    fn stripe(&self, group: GroupId) -> MutexGuard<'_, u64> {
        // The last bytes of a UUIDv7 are random.
        let spread = usize::try_from(group.get().as_u128() % STRIPES as u128).unwrap_or(0);
        self.epochs[spread].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, group: GroupId, exists: bool) {
        let lifetime = if exists { ASSIGNED_LIFETIME } else { UNASSIGNED_LIFETIME };
        let until = self.clock.now().plus(lifetime.min(self.longest));
        self.exists.insert(group, (exists, until));
    }
}

#[async_trait]
impl AssigneeExistsCache for InProcessCache {
    async fn get(&self, group: GroupId) -> Option<bool> {
        let (exists, until) = self.exists.get(&group)?;
        (until > self.clock.now()).then_some(exists)
    }

    async fn begin_fill(&self, group: GroupId) -> FillTicket {
        FillTicket { group, epoch: *self.stripe(group) }
    }

    async fn fill(&self, ticket: FillTicket, exists: bool) {
        let epoch = self.stripe(ticket.group);
        if *epoch == ticket.epoch {
            self.remember(ticket.group, exists);
        }
    }

    async fn put(&self, group: GroupId, exists: bool) {
        let mut epoch = self.stripe(group);
        *epoch += 1;
        self.remember(group, exists);
    }

    async fn invalidate(&self, groups: &[GroupId]) {
        for group in groups {
            let mut epoch = self.stripe(*group);
            *epoch += 1;
            self.exists.invalidate(group);
        }
    }
}

#[async_trait]
impl OwnershipDebounce for InProcessCache {
    async fn was_evaluated(&self, group: GroupId) -> bool {
        self.evaluated.get(&group).is_some_and(|until| until > self.clock.now())
    }

    async fn mark_evaluated(&self, group: GroupId) {
        self.evaluated.insert(group, self.clock.now().plus(OWNERSHIP_LIFETIME.min(self.longest)));
    }

    async fn forget(&self, groups: &[GroupId]) {
        for group in groups {
            self.evaluated.invalidate(group);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use handoff_domain::testing::FixedClock;
    use uuid::Uuid;

    const DAY: Duration = Duration::from_secs(86_400);

    fn group(n: u128) -> GroupId {
        GroupId::from_uuid(Uuid::from_u128(n))
    }

    fn cache(longest: Duration) -> (Arc<FixedClock>, InProcessCache) {
        let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(1_800_000_000)));
        (clock.clone(), InProcessCache::new(clock, 100, longest))
    }

    #[tokio::test]
    async fn an_assigned_group_is_believed_for_a_day_and_an_unassigned_one_for_a_minute() {
        let (clock, cache) = cache(DAY);
        cache.put(group(1), true).await;
        cache.put(group(2), false).await;
        clock.advance(Duration::from_secs(59));
        assert_eq!((cache.get(group(1)).await, cache.get(group(2)).await), (Some(true), Some(false)));
        clock.advance(Duration::from_secs(1));
        assert_eq!((cache.get(group(1)).await, cache.get(group(2)).await), (Some(true), None));
        clock.advance(DAY);
        assert_eq!(cache.get(group(1)).await, None);
    }

    #[tokio::test]
    async fn with_several_replicas_nothing_is_believed_for_longer_than_a_minute() {
        let (clock, cache) = cache(Duration::from_secs(60));
        cache.put(group(1), true).await;
        cache.mark_evaluated(group(1)).await;
        clock.advance(Duration::from_secs(60));
        assert_eq!((cache.get(group(1)).await, cache.was_evaluated(group(1)).await), (None, false));
    }

    #[tokio::test]
    async fn a_fill_that_was_read_before_an_invalidation_is_dropped() {
        let (_, cache) = cache(DAY);
        let ticket = cache.begin_fill(group(1)).await;
        cache.invalidate(&[group(1), group(2)]).await;
        cache.fill(ticket, true).await;
        assert_eq!(cache.get(group(1)).await, None);
        let ticket = cache.begin_fill(group(1)).await;
        cache.fill(ticket, true).await;
        assert_eq!(cache.get(group(1)).await, Some(true));
    }

    #[tokio::test]
    async fn a_fill_does_not_undo_what_was_written_through() {
        let (_, cache) = cache(DAY);
        let ticket = cache.begin_fill(group(1)).await;
        cache.put(group(1), true).await;
        cache.fill(ticket, false).await;
        assert_eq!(cache.get(group(1)).await, Some(true));
    }

    #[tokio::test]
    async fn forgetting_lets_ownership_be_evaluated_again() {
        let (clock, cache) = cache(DAY);
        cache.mark_evaluated(group(1)).await;
        assert!(cache.was_evaluated(group(1)).await);
        cache.forget(&[group(1)]).await;
        assert!(!cache.was_evaluated(group(1)).await);
        cache.mark_evaluated(group(1)).await;
        clock.advance(DAY);
        assert!(!cache.was_evaluated(group(1)).await);
    }
}
