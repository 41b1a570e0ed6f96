//! The ownership caches. Best effort: a lifetime repairs whatever a lost call leaves behind.
//!
//! What is remembered was read, or committed, some time before it is written here, and somebody else's
//! change may have come in between. So whoever means to remember something takes a [`FillTicket`] before
//! reading or changing; where the entry was touched after that, it is forgotten instead, which is always
//! right.

use crate::id::GroupId;
use async_trait::async_trait;
use std::time::Duration;

/// How long "this group has an assignee" may be believed.
pub const ASSIGNED_LIFETIME: Duration = Duration::from_secs(86_400);
/// How long "this group has no assignee" may be believed.
pub const UNASSIGNED_LIFETIME: Duration = Duration::from_secs(60);
/// How long an ownership evaluation of a group is not repeated.
pub const OWNERSHIP_LIFETIME: Duration = Duration::from_secs(86_400);

/// A point in a cache's history. What was read or changed after it may be remembered, group by group,
/// unless that group was forgotten or remembered anew since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FillTicket {
    /// The cache's own count of changes when the ticket was taken.
    pub epoch: u64,
}

/// Remembers whether a group has an assignee.
#[async_trait]
pub trait AssigneeExistsCache: Send + Sync {
    /// What is remembered and still believed.
    async fn get(&self, group: GroupId) -> Option<bool>;
    /// To be taken *before* the store is read, or a unit of work begins, that [`fill`](Self::fill) will
    /// tell of. Good for any groups.
    async fn begin_fill(&self) -> FillTicket;
    /// Remembers what was read, or what a committed change made true. A group that was invalidated or
    /// filled since the ticket was taken is forgotten instead.
    async fn fill(&self, ticket: FillTicket, rows: &[(GroupId, bool)]);
    /// Forgets these groups.
    async fn invalidate(&self, groups: &[GroupId]);
}

/// Remembers that ownership of a group was evaluated lately, so that it is not at every event.
#[async_trait]
pub trait OwnershipDebounce: Send + Sync {
    /// Whether it was evaluated within [`OWNERSHIP_LIFETIME`].
    async fn was_evaluated(&self, group: GroupId) -> bool;
    /// To be taken *before* the evaluation reads anything.
    async fn begin_evaluation(&self) -> FillTicket;
    /// Remembers that it was evaluated now, unless the group was forgotten since the ticket was taken.
    async fn mark_evaluated(&self, ticket: FillTicket, group: GroupId);
    /// Forgets these groups, so that the next event evaluates again.
    async fn forget(&self, groups: &[GroupId]);
}
