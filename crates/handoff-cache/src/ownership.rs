//! The assignee-exists cache and the ownership debounce, in process.
//!
//! Lifetimes are those of the reference, counted by the Clock port, and at most
//! [`InProcessCache::new`]'s own bound, which is 60 s where several replicas cannot tell each other.
//!
//! Every change counts [`Epochs`] up. An entry keeps the count of its own writing; what was forgotten
//! leaves its count in one of [`STRIPES`] counters that groups share. A ticket older than either voids
//! a fill.

use async_trait::async_trait;
use handoff_domain::id::GroupId;
use handoff_domain::port::cache::{ASSIGNED_LIFETIME, OWNERSHIP_LIFETIME, UNASSIGNED_LIFETIME};
use handoff_domain::port::{AssigneeExistsCache, Clock, FillTicket, OwnershipDebounce};
use handoff_domain::time::Timestamp;
use moka::sync::Cache;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many counters groups share. A shared one only drops a fill too many.
const STRIPES: usize = 1024;

/// Counts the changes of a cache.
struct Epochs {
    latest: AtomicU64,
    forgotten: Vec<Mutex<u64>>,
}

impl Epochs {
    fn new() -> Self {
        Self { latest: AtomicU64::new(0), forgotten: (0..STRIPES).map(|_| Mutex::new(0)).collect() }
    }

    fn ticket(&self) -> FillTicket {
        FillTicket { epoch: self.latest.load(Ordering::SeqCst) }
    }

    fn next(&self) -> u64 {
        self.latest.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// The count at which a group of the stripe was last forgotten; held while an entry is changed.
    fn stripe(&self, group: GroupId) -> MutexGuard<'_, u64> {
        // The last bytes of a UUIDv7 are random.
        let spread = usize::try_from(group.get().as_u128() % STRIPES as u128).unwrap_or(0);
        self.forgotten[spread].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something remembered.
#[derive(Clone, Copy)]
struct Entry {
    exists: bool,
    until: Timestamp,
    epoch: u64,
}

/// Remembers, for a bounded number of groups, whether they are assigned and when their ownership was
/// evaluated.
pub struct InProcessCache {
    clock: Arc<dyn Clock>,
    longest: Duration,
    exists: Cache<GroupId, Entry>,
    exists_epochs: Epochs,
    evaluated: Cache<GroupId, Timestamp>,
    evaluated_epochs: Epochs,
}

impl InProcessCache {
    /// At most `capacity` groups, none remembered for longer than `longest`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, capacity: u64, longest: Duration) -> Self {
        Self {
            clock,
            longest,
            exists: Cache::new(capacity),
            exists_epochs: Epochs::new(),
            evaluated: Cache::new(capacity),
            evaluated_epochs: Epochs::new(),
        }
    }

    fn until(&self, lifetime: Duration) -> Timestamp {
        self.clock.now().plus(lifetime.min(self.longest))
    }
}

#[async_trait]
impl AssigneeExistsCache for InProcessCache {
    async fn get(&self, group: GroupId) -> Option<bool> {
        let entry = self.exists.get(&group)?;
        (entry.until > self.clock.now()).then_some(entry.exists)
    }

    async fn begin_fill(&self) -> FillTicket {
        self.exists_epochs.ticket()
    }

    async fn fill(&self, ticket: FillTicket, rows: &[(GroupId, bool)]) {
        for (group, exists) in rows {
            let forgotten = self.exists_epochs.stripe(*group);
            let written = self.exists.get(group).map_or(0, |entry| entry.epoch);
            if ticket.epoch < written.max(*forgotten) {
                self.exists.invalidate(group);
                continue;
            }
            let until = self.until(if *exists { ASSIGNED_LIFETIME } else { UNASSIGNED_LIFETIME });
            self.exists.insert(*group, Entry { exists: *exists, until, epoch: self.exists_epochs.next() });
        }
    }

    async fn invalidate(&self, groups: &[GroupId]) {
        for group in groups {
            let mut forgotten = self.exists_epochs.stripe(*group);
            *forgotten = self.exists_epochs.next();
            self.exists.invalidate(group);
        }
    }
}

#[async_trait]
impl OwnershipDebounce for InProcessCache {
    async fn was_evaluated(&self, group: GroupId) -> bool {
        self.evaluated.get(&group).is_some_and(|until| until > self.clock.now())
    }

    async fn begin_evaluation(&self) -> FillTicket {
        self.evaluated_epochs.ticket()
    }

    async fn mark_evaluated(&self, ticket: FillTicket, group: GroupId) {
        let forgotten = self.evaluated_epochs.stripe(group);
        if ticket.epoch >= *forgotten {
            self.evaluated.insert(group, self.until(OWNERSHIP_LIFETIME));
        }
    }

    async fn forget(&self, groups: &[GroupId]) {
        for group in groups {
            let mut forgotten = self.evaluated_epochs.stripe(*group);
            *forgotten = self.evaluated_epochs.next();
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

    async fn filled(cache: &InProcessCache, rows: &[(GroupId, bool)]) {
        let ticket = cache.begin_fill().await;
        cache.fill(ticket, rows).await;
    }

    async fn evaluated(cache: &InProcessCache, group: GroupId) {
        let ticket = cache.begin_evaluation().await;
        cache.mark_evaluated(ticket, group).await;
    }

    #[tokio::test]
    async fn an_assigned_group_is_believed_for_a_day_and_an_unassigned_one_for_a_minute() {
        let (clock, cache) = cache(DAY);
        filled(&cache, &[(group(1), true), (group(2), false)]).await;
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
        filled(&cache, &[(group(1), true)]).await;
        evaluated(&cache, group(1)).await;
        clock.advance(Duration::from_secs(60));
        assert_eq!((cache.get(group(1)).await, cache.was_evaluated(group(1)).await), (None, false));
    }

    #[tokio::test]
    async fn what_was_read_or_assigned_before_an_invalidation_is_not_remembered_after_it() {
        let (_, cache) = cache(DAY);
        let ticket = cache.begin_fill().await;
        cache.invalidate(&[group(1), group(2)]).await;
        cache.fill(ticket, &[(group(1), true)]).await;
        assert_eq!(cache.get(group(1)).await, None);
        filled(&cache, &[(group(1), true)]).await;
        assert_eq!(cache.get(group(1)).await, Some(true));
    }

    #[tokio::test]
    async fn of_two_fills_under_tickets_of_one_time_neither_is_believed() {
        let (_, cache) = cache(DAY);
        let (assigning, reading) = (cache.begin_fill().await, cache.begin_fill().await);
        cache.fill(assigning, &[(group(1), true)]).await;
        cache.fill(reading, &[(group(1), false)]).await;
        assert_eq!(cache.get(group(1)).await, None, "which of them is the truth is unknown");
    }

    #[tokio::test]
    async fn groups_that_share_a_counter_are_filled_under_one_ticket() {
        let (_, cache) = cache(DAY);
        let rows = [(group(1), true), (group(1 + STRIPES as u128), true)];
        filled(&cache, &rows).await;
        assert_eq!((cache.get(rows[0].0).await, cache.get(rows[1].0).await), (Some(true), Some(true)));
    }

    #[tokio::test]
    async fn forgetting_lets_ownership_be_evaluated_again() {
        let (clock, cache) = cache(DAY);
        evaluated(&cache, group(1)).await;
        assert!(cache.was_evaluated(group(1)).await);
        cache.forget(&[group(1)]).await;
        assert!(!cache.was_evaluated(group(1)).await);
        evaluated(&cache, group(1)).await;
        clock.advance(DAY);
        assert!(!cache.was_evaluated(group(1)).await);
    }

    #[tokio::test]
    async fn an_evaluation_that_began_before_the_group_was_forgotten_does_not_count() {
        let (_, cache) = cache(DAY);
        let ticket = cache.begin_evaluation().await;
        cache.forget(&[group(1)]).await;
        cache.mark_evaluated(ticket, group(1)).await;
        assert!(!cache.was_evaluated(group(1)).await);
    }
}
