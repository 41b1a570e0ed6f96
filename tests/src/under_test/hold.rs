//! Points at which the program under test stops: just after something was committed, before anybody hears of it.
//! Whoever gets there says so and goes no further; a test then kills the process.
//!
//! What was sent to a simulator and not recorded needs no point of its own: [`Fault::Stall`] keeps the answer.
//!
//! [`Fault::Stall`]: handoff_sandbox::fault::Fault::Stall

use async_trait::async_trait;
use handoff::wiring::Ports;
use handoff_domain::delivery::{ClaimedDelivery, NewDelivery};
use handoff_domain::id::{DeliveryId, GroupId};
use handoff_domain::port::{
    Appended, AssigneeExistsCache, FillTicket, Inbox, InboxError, OwnershipDebounce, StoreError,
};
use handoff_domain::time::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;

/// Where it may stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldPoint {
    /// A delivery is on disk, and not answered.
    DeliveryStored,
    /// A change of an assignee is committed, and nobody nudged.
    ChangeCommitted,
    /// A project is hidden, and its deletion not answered.
    ProjectHidden,
    /// A batch of a deleted project's groups is gone, and no next one begun.
    GroupsPurged,
}

impl HoldPoint {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::DeliveryStored, Self::ChangeCommitted, Self::ProjectHidden, Self::GroupsPurged];

    /// Its name in the environment.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DeliveryStored => "delivery-stored",
            Self::ChangeCommitted => "change-committed",
            Self::ProjectHidden => "project-hidden",
            Self::GroupsPurged => "groups-purged",
        }
    }
}

/// The point at which this process stops, and the file that says that it has.
#[derive(Debug, Clone)]
pub(super) struct Hold {
    pub(super) point: HoldPoint,
    pub(super) reached: PathBuf,
}

impl Hold {
    /// Puts itself around the ports that are called at a point.
    pub(super) fn around(self, ports: &mut Ports) {
        ports.inbox = Arc::new(HoldingInbox { inner: ports.inbox.clone(), hold: self.clone() });
        let caches =
            Arc::new(HoldingCaches { assigned: ports.cache.clone(), owned: ports.debounce.clone(), hold: self });
        ports.cache = caches.clone();
        ports.debounce = caches;
    }

    /// Returns, unless this is the point.
    async fn at(&self, point: HoldPoint) {
        if self.point == point {
            std::fs::write(&self.reached, point.name()).unwrap();
            std::future::pending::<()>().await;
        }
    }
}

struct HoldingInbox {
    inner: Arc<dyn Inbox>,
    hold: Hold,
}

#[async_trait]
impl Inbox for HoldingInbox {
    async fn append(&self, delivery: NewDelivery) -> Result<Appended, InboxError> {
        let appended = self.inner.append(delivery).await?;
        self.hold.at(HoldPoint::DeliveryStored).await;
        Ok(appended)
    }

    async fn claim(&self, now: Timestamp, until: Timestamp, limit: u16) -> Result<Vec<ClaimedDelivery>, StoreError> {
        self.inner.claim(now, until, limit).await
    }

    async fn fail(
        &self,
        id: DeliveryId,
        token: i64,
        retry_at: Timestamp,
        reason: &str,
        counts: bool,
    ) -> Result<(), StoreError> {
        self.inner.fail(id, token, retry_at, reason, counts).await
    }

    async fn purge(&self, before: Timestamp, limit: u16) -> Result<u64, StoreError> {
        self.inner.purge(before, limit).await
    }
}

/// The caches are the first to hear of what was committed.
struct HoldingCaches {
    assigned: Arc<dyn AssigneeExistsCache>,
    owned: Arc<dyn OwnershipDebounce>,
    hold: Hold,
}

#[async_trait]
impl AssigneeExistsCache for HoldingCaches {
    async fn get(&self, group: GroupId) -> Option<bool> {
        self.assigned.get(group).await
    }

    async fn begin_fill(&self) -> FillTicket {
        self.assigned.begin_fill().await
    }

    async fn fill(&self, ticket: FillTicket, rows: &[(GroupId, bool)]) {
        self.hold.at(HoldPoint::ChangeCommitted).await;
        self.assigned.fill(ticket, rows).await;
    }

    async fn invalidate(&self, groups: &[GroupId]) {
        self.hold.at(HoldPoint::ProjectHidden).await;
        self.assigned.invalidate(groups).await;
    }
}

#[async_trait]
impl OwnershipDebounce for HoldingCaches {
    async fn was_evaluated(&self, group: GroupId) -> bool {
        self.owned.was_evaluated(group).await
    }

    async fn begin_evaluation(&self) -> FillTicket {
        self.owned.begin_evaluation().await
    }

    async fn mark_evaluated(&self, ticket: FillTicket, group: GroupId) {
        self.owned.mark_evaluated(ticket, group).await;
    }

    async fn forget(&self, groups: &[GroupId]) {
        self.hold.at(HoldPoint::GroupsPurged).await;
        self.owned.forget(groups).await;
    }
}
