//! The ownership caches. Best effort: a lifetime repairs whatever a lost call leaves behind.

use crate::id::GroupId;
use async_trait::async_trait;
use std::time::Duration;

/// How long "this group has an assignee" may be believed.
pub const ASSIGNED_LIFETIME: Duration = Duration::from_secs(86_400);
/// How long "this group has no assignee" may be believed.
pub const UNASSIGNED_LIFETIME: Duration = Duration::from_secs(60);
/// How long an ownership evaluation of a group is not repeated.
pub const OWNERSHIP_LIFETIME: Duration = Duration::from_secs(86_400);

/// Permission to fill an entry from a read that began when the ticket was taken. An invalidation or a
/// write of the entry after that makes it void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FillTicket {
    /// The group.
    pub group: GroupId,
    /// The cache's own count of invalidations when the ticket was taken.
    pub epoch: u64,
}

/// Remembers whether a group has an assignee.
#[async_trait]
pub trait AssigneeExistsCache: Send + Sync {
    /// What is remembered and still believed.
    async fn get(&self, group: GroupId) -> Option<bool>;
    /// To be taken *before* the store is read for a fill.
    async fn begin_fill(&self, group: GroupId) -> FillTicket;
    /// Remembers what was read, unless something happened to the entry since the ticket was taken.
    async fn fill(&self, ticket: FillTicket, exists: bool);
    /// Writes through what a committed change made true.
    async fn put(&self, group: GroupId, exists: bool);
    /// Forgets these groups.
    async fn invalidate(&self, groups: &[GroupId]);
}

/// Remembers that ownership of a group was evaluated lately, so that it is not at every event.
#[async_trait]
pub trait OwnershipDebounce: Send + Sync {
    /// Whether it was evaluated within [`OWNERSHIP_LIFETIME`].
    async fn was_evaluated(&self, group: GroupId) -> bool;
    /// Remembers that it was evaluated now.
    async fn mark_evaluated(&self, group: GroupId);
    /// Forgets these groups, so that the next event evaluates again.
    async fn forget(&self, groups: &[GroupId]);
}
