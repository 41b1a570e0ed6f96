//! Tell Later: what is not told one by one is gathered, and told in one message that mentions nobody.
//!
//! Gathered is what happens in a route's quiet hours, what a reconcile finds, and whatever goes beyond
//! [`TOLD_A_MINUTE`] on a route. Before a summary is sent it takes its entries, so that a retry tells the
//! same; they are removed under the lease once it is there.

use super::error::UseCaseError;
use super::send_message::{SendMessage, Sent};
use crate::chat::{BacklogEntry, CardSource, Message, MessageKind, MessageRecord, Route, Summary, SummarySource};
use crate::id::{ActivityId, GroupId, MessageRecordId, OutboxId, RouteId};
use crate::outbox::{ClaimedTask, OutboxArm, OutboxTask};
use crate::port::{StoreError, UnitOfWork};
use crate::project::Project;
use crate::route::RouteEvent;
use crate::time::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;

/// How many changes of a minute a route tells one by one.
pub const TOLD_A_MINUTE: u64 = 10;
/// How long changes are gathered before a summary tells them, outside quiet hours.
pub const GATHERED_FOR: Duration = Duration::from_secs(60);
/// The most changes that one summary tells; the next one tells the rest.
const CHANGES_AT_ONCE: u16 = 1000;
const MINUTE: Duration = Duration::from_secs(60);

/// Whether the route tells of this change of the group.
pub(super) fn tells(source: &CardSource, event: RouteEvent) -> bool {
    let filter = &source.route.filter;
    filter.tells_of(event) && filter.is_about(source.work_items.iter().map(|(issue, _)| issue))
}

impl SendMessage {
    /// When the quiet hours end that the route has now, if it has any.
    pub(super) fn quiet_until(&self, route: &Route) -> Option<Timestamp> {
        route.quiet_hours.as_ref()?.until(self.clock.now())
    }

    /// Until when a change is to be gathered; `None` where it is told by itself.
    pub(super) async fn later(&self, route: &Route) -> Result<Option<Timestamp>, StoreError> {
        if let Some(end) = self.quiet_until(route) {
            return Ok(Some(end));
        }
        let now = self.clock.now();
        let mut uow = self.store.begin().await?;
        let told = uow.told_since(route.id, now.minus(MINUTE)).await?;
        Ok((told >= TOLD_A_MINUTE).then(|| now.plus(GATHERED_FOR)))
    }

    /// Keeps a change for the route's next summary.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn gather(
        &self,
        lease: &ClaimedTask,
        group: GroupId,
        route: RouteId,
        activity: ActivityId,
        event: RouteEvent,
    ) -> Result<Sent, UseCaseError> {
        let Some(source) = self.source(group, route).await? else { return Ok(Sent::Obsolete) };
        if source.route.disabled.is_some() || !tells(&source, event) {
            return Ok(Sent::Obsolete);
        }
        let due_at = self.quiet_until(&source.route).unwrap_or_else(|| self.clock.now().plus(GATHERED_FOR));
        self.keep_for_summary(lease, &source, activity, due_at).await
    }

    pub(super) async fn keep_for_summary(
        &self,
        lease: &ClaimedTask,
        source: &CardSource,
        activity: ActivityId,
        due_at: Timestamp,
    ) -> Result<Sent, UseCaseError> {
        let route = &source.route;
        let (organization, group) = (route.organization, source.group.id);
        let entry = BacklogEntry { organization, route: route.id, group, activity };
        let mut uow = self.store.begin().await?;
        uow.hold_outbox(lease.id, lease.token).await?;
        uow.put_backlog(&[entry]).await?;
        self.arm_summary(uow.as_mut(), route, due_at).await?;
        uow.commit().await?;
        Ok(Sent::Gathered)
    }

    async fn arm_summary(&self, uow: &mut dyn UnitOfWork, route: &Route, due_at: Timestamp) -> Result<(), StoreError> {
        let row = OutboxArm {
            id: OutboxId::generate(self.clock.now(), self.entropy.as_ref()),
            organization: route.organization,
            project: Some(route.project),
            task: OutboxTask::Summary { route: route.id },
            due_at,
        };
        uow.arm(&[row]).await
    }

    /// Tells in one message what was gathered for the route, once its quiet hours are over.
    ///
    /// # Errors
    /// As [`SendMessage::send_card`].
    pub async fn send_summary(&self, lease: &ClaimedTask, route: RouteId) -> Result<Sent, UseCaseError> {
        let Some(source) = self.summary_source(route).await? else { return Ok(Sent::Obsolete) };
        if source.route.disabled.is_some() {
            return Ok(Sent::Obsolete);
        }
        if let Some(at) = self.quiet_until(&source.route) {
            return Ok(Sent::NotYet { at });
        }
        let source = if source.taken.is_some() { Some(source) } else { self.take(lease, route).await? };
        let Some(source) = source else { return Ok(Sent::Unchanged) };
        let Some((summary, changes)) = &source.taken else { return Ok(Sent::Unchanged) };
        let Some((anchor, _)) = changes.first().copied() else { return Ok(Sent::Unchanged) };
        let subject = summary.to_string();
        let mut uow = self.store.begin().await?;
        let known = uow.message_record(anchor, route, MessageKind::Summary, &subject).await?;
        drop(uow);
        let is_there = known.as_ref().is_some_and(|record| record.message.is_some());
        if !is_there {
            let record = known.unwrap_or_else(|| self.record_of(&source.route, anchor, subject));
            let message = Message::Summary(summary_of(&source, changes));
            let done = self.create(lease, record, &message, None, false).await;
            self.disable_unusable(&source.route, done).await?;
        }
        self.told(lease, &source.route, *summary, changes.len()).await?;
        Ok(Sent::Created)
    }

    async fn summary_source(&self, route: RouteId) -> Result<Option<SummarySource>, StoreError> {
        let mut uow = self.store.begin().await?;
        uow.summary_source(route).await
    }

    /// Takes what was gathered for a summary of its own; `None` where there is nothing.
    async fn take(&self, lease: &ClaimedTask, route: RouteId) -> Result<Option<SummarySource>, StoreError> {
        let summary = MessageRecordId::generate(self.clock.now(), self.entropy.as_ref());
        let mut uow = self.store.begin().await?;
        uow.hold_outbox(lease.id, lease.token).await?;
        if uow.take_backlog(route, summary, CHANGES_AT_ONCE).await? == 0 {
            return Ok(None);
        }
        uow.commit().await?;
        self.summary_source(route).await
    }

    fn record_of(&self, route: &Route, group: GroupId, subject: String) -> MessageRecord {
        let now = self.clock.now();
        MessageRecord {
            id: MessageRecordId::generate(now, self.entropy.as_ref()),
            organization: route.organization,
            group,
            route: route.id,
            kind: MessageKind::Summary,
            subject,
            channel: route.channel,
            message: None,
            nonce: String::new(),
            nonce_at: now,
            digest: None,
            reposted_at: None,
            given_up: false,
        }
    }

    /// What was taken is told. Where there may be more, another summary follows.
    async fn told(
        &self,
        lease: &ClaimedTask,
        route: &Route,
        summary: MessageRecordId,
        changes: usize,
    ) -> Result<(), StoreError> {
        let mut uow = self.store.begin().await?;
        uow.hold_outbox(lease.id, lease.token).await?;
        uow.drop_backlog(route.id, summary).await?;
        if changes >= usize::from(CHANGES_AT_ONCE) {
            self.arm_summary(uow.as_mut(), route, self.clock.now()).await?;
        }
        uow.commit().await
    }
}

/// What a summary says of these changes. Pure.
fn summary_of(source: &SummarySource, changes: &[(GroupId, i64)]) -> Summary {
    let numbers: BTreeSet<i64> = changes.iter().map(|(_, number)| *number).collect();
    let shown = numbers.iter().take(Summary::MAX_SHOWN);
    let short_ids = shown.map(|number| Project::short_id(&source.project_slug, *number)).collect();
    Summary { short_ids, groups: numbers.len() }
}
