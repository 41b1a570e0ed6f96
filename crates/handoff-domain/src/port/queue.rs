//! The inbox and the outbox as queues: appending, claiming by lease, failing.

use super::store::StoreError;
use crate::delivery::{ClaimedDelivery, NewDelivery};
use crate::id::{DeliveryId, OrganizationId, OutboxId};
use crate::outbox::{ClaimedTask, Lane};
use crate::time::Timestamp;
use async_trait::async_trait;

/// What became of an appended delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// Stored.
    New,
    /// The same event was stored before; counted there.
    Duplicate,
}

/// Why a delivery could not be stored. The sender is asked to come again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InboxError {
    /// More waits to be stored than the limit allows.
    #[error("the inbox is over its limit")]
    Overloaded,
    /// The store is out of reach.
    #[error("the inbox cannot be written: {0}")]
    Unavailable(StoreError),
}

/// The inbox: deliveries are on disk when `append` returns.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Stores a delivery, and arms what it brings, in one commit that concurrent callers share.
    ///
    /// # Errors
    /// [`InboxError`]; then nothing was promised, though it may have been stored.
    async fn append(&self, delivery: NewDelivery) -> Result<Appended, InboxError>;

    /// Leases up to `limit` pending deliveries that are due, oldest first, at most one for each work
    /// item, none of a work item that is leased already. Each lease has a larger token than any before.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn claim(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u16,
    ) -> Result<Vec<ClaimedDelivery>, StoreError>;

    /// Gives a leased delivery back, to be tried again at `retry_at`; `counts` says whether that was an
    /// attempt, which an outage of ours is not. Does nothing if the lease was lost.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn fail(
        &self,
        id: DeliveryId,
        token: i64,
        retry_at: Timestamp,
        reason: &str,
        counts: bool,
    ) -> Result<(), StoreError>;

    /// Deletes up to `limit` deliveries that ended before `before`; says how many.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn purge(&self, before: Timestamp, limit: u16) -> Result<u64, StoreError>;
}

/// The outbox as a queue. Rows are armed and finished through the unit of work.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Leases up to `limit` pending rows of the lane that are due, oldest due first and those of
    /// [`LAST_OF_LANE`](crate::outbox::LAST_OF_LANE) after the rest, none that is leased already.
    /// Each lease has a larger token than any before.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn claim(
        &self,
        lane: Lane,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u16,
    ) -> Result<Vec<ClaimedTask>, StoreError>;

    /// Gives a leased row back, to be tried again at `retry_at`; `counts` says whether that was an
    /// attempt, which an outage of ours is not. Does nothing if the lease was lost.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn fail(
        &self,
        id: OutboxId,
        token: i64,
        retry_at: Timestamp,
        reason: &str,
        counts: bool,
    ) -> Result<(), StoreError>;

    /// Makes a dead row pending again, due at `now`; `false` when there is none such, or when a row
    /// with its target is pending already.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn replay(&self, organization: OrganizationId, id: OutboxId, now: Timestamp) -> Result<bool, StoreError>;

    /// Deletes up to `limit` rows that ended before `before`; says how many.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn purge(&self, before: Timestamp, limit: u16) -> Result<u64, StoreError>;
}
