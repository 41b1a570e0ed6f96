//! The inbox and the outbox: what the unit of work writes of them, and both as queues.

use super::state::{DeliveryRow, Lease, OutboxRow, Progress, State, unless};
use super::{MemoryStore, Transaction};
use crate::delivery::{ClaimedDelivery, DeliveryState, FinishedDelivery, NewDelivery};
use crate::hook::EventType;
use crate::id::{DeliveryId, IntegrationId, OrganizationId, OutboxId, WorkItemNumber};
use crate::outbox::{ClaimedTask, LAST_OF_LANE, Lane, OutboxArm, OutboxState, Released};
use crate::port::store::{QueueTx, StoreResult};
use crate::port::{Appended, Inbox, InboxError, Outbox, StoreError};
use crate::time::Timestamp;
use async_trait::async_trait;
use std::collections::{BTreeMap, HashSet};

/// What a pending delivery is about.
type WorkItem = (IntegrationId, WorkItemNumber);

impl DeliveryRow {
    fn is_pending(&self) -> bool {
        self.new.state == DeliveryState::Pending
    }

    /// What happened to which work item; `None` when it was not understood.
    fn understood(&self) -> Option<(EventType, WorkItem)> {
        self.new.idempotency_key.as_ref()?;
        Some((self.new.event_type?, (self.new.integration, self.new.work_item?)))
    }
}

impl OutboxRow {
    fn is_held_by(&self, token: i64) -> bool {
        self.state == OutboxState::Pending && self.progress.is_held_by(token)
    }
}

impl State {
    fn arm(&mut self, row: &OutboxArm) -> StoreResult<()> {
        let target = row.task.target();
        let same = |known: &&mut OutboxRow| known.state == OutboxState::Pending && known.arm.task.target() == target;
        if target.is_some()
            && let Some(known) = self.outbox.values_mut().find(same)
        {
            known.generation += 1;
            return Ok(());
        }
        unless(self.outbox.contains_key(&row.id), "outbox_pkey")?;
        let progress = Progress::pending(row.due_at);
        let new = OutboxRow { arm: row.clone(), state: OutboxState::Pending, generation: 1, progress };
        self.outbox.insert(row.id, new);
        Ok(())
    }

    fn append(&mut self, mut new: NewDelivery) -> StoreResult<Appended> {
        let same = |row: &&mut DeliveryRow| row.new.idempotency_key == new.idempotency_key;
        if new.idempotency_key.is_some()
            && let Some(known) = self.deliveries.values_mut().find(same)
        {
            known.duplicates = known.duplicates.saturating_add(1);
            return Ok(Appended::Duplicate);
        }
        unless(self.deliveries.contains_key(&new.id), "delivery_pkey")?;
        if let Some(row) = new.arm.take() {
            self.arm(&row)?;
        }
        let mut progress = Progress::pending(new.received_at);
        progress.reason = new.reason.take();
        progress.finished_at = (new.state != DeliveryState::Pending).then_some(new.received_at);
        let payload = std::mem::take(&mut new.payload).into();
        self.deliveries.insert(new.id, DeliveryRow { new, payload, duplicates: 0, progress });
        Ok(Appended::New)
    }

    /// The deliveries that may be leased, oldest first, one for each work item.
    fn claimable(&self, now: Timestamp, limit: u16) -> Vec<DeliveryId> {
        let pending = || self.deliveries.values().filter(|row| row.is_pending());
        let leased = pending().filter(|row| row.progress.is_leased(now)).filter_map(DeliveryRow::understood);
        let mut busy: HashSet<WorkItem> = leased.map(|(_, item)| item).collect();
        let mut free: Vec<_> = pending().filter(|row| row.progress.is_free(now)).collect();
        free.sort_by_key(|row| (row.new.received_at, row.new.id));
        let fresh = free.into_iter().filter(|row| row.understood().is_some_and(|(_, item)| busy.insert(item)));
        fresh.map(|row| row.new.id).take(usize::from(limit)).collect()
    }

    /// The rows of a lane that may be leased, those due first first, but for those that go last.
    fn claimable_tasks(&self, lane: Lane, now: Timestamp, limit: u16) -> Vec<OutboxId> {
        let pending = self.outbox.values().filter(|row| row.state == OutboxState::Pending);
        let free = pending.filter(|row| row.arm.task.lane() == lane && row.progress.is_free(now));
        let is_last = |row: &OutboxRow| row.arm.task.kind() == LAST_OF_LANE;
        let mut due: Vec<_> = free.map(|row| (is_last(row), row.progress.due_at, row.arm.id)).collect();
        due.sort_unstable();
        due.into_iter().map(|(_, _, id)| id).take(usize::from(limit)).collect()
    }

    fn claim_delivery(&mut self, id: DeliveryId, until: Timestamp) -> Option<ClaimedDelivery> {
        let token = self.next_token();
        let row = self.deliveries.get_mut(&id)?;
        let (event_type, (integration, work_item)) = row.understood()?;
        row.progress.lease = Some(Lease { token, until });
        Some(ClaimedDelivery {
            id,
            token,
            hook: row.new.hook,
            integration,
            azure_project: row.new.azure_project.clone(),
            event_type,
            work_item,
            payload: row.payload.to_vec(),
            attempts: row.progress.attempts,
            received_at: row.new.received_at,
        })
    }

    fn claim_task(&mut self, id: OutboxId, until: Timestamp) -> Option<ClaimedTask> {
        let token = self.next_token();
        let row = self.outbox.get_mut(&id)?;
        row.progress.lease = Some(Lease { token, until });
        Some(ClaimedTask {
            id,
            token,
            generation: row.generation,
            organization: row.arm.organization,
            task: row.arm.task.clone(),
            attempts: row.progress.attempts,
        })
    }

    /// A pending delivery that is leased under this token.
    fn held_delivery(&mut self, id: DeliveryId, token: i64) -> Option<&mut DeliveryRow> {
        self.deliveries.get_mut(&id).filter(|row| row.is_pending() && row.progress.is_held_by(token))
    }

    /// A pending row that is leased under this token.
    fn held_task(&mut self, id: OutboxId, token: i64) -> Option<&mut OutboxRow> {
        self.outbox.get_mut(&id).filter(|row| row.is_held_by(token))
    }

    fn replay_task(&mut self, organization: OrganizationId, id: OutboxId, now: Timestamp) -> bool {
        let dead = |row: &&OutboxRow| row.arm.organization == organization && row.state == OutboxState::Dead;
        let Some(target) = self.outbox.get(&id).filter(dead).map(|row| row.arm.task.target()) else { return false };
        let same = |row: &OutboxRow| row.state == OutboxState::Pending && row.arm.task.target() == target;
        if target.is_some() && self.outbox.values().any(same) {
            return false;
        }
        if let Some(row) = self.outbox.get_mut(&id) {
            row.state = OutboxState::Pending;
            row.progress = Progress::pending(now);
        }
        true
    }
}

/// Removes up to `limit` rows that ended before `before`, those that ended first first.
fn purge<K: Ord + Copy, R>(
    rows: &mut BTreeMap<K, R>,
    finished_at: impl Fn(&R) -> Option<Timestamp>,
    before: Timestamp,
    limit: u16,
) -> u64 {
    let mut ended: Vec<(Timestamp, K)> =
        rows.iter().filter_map(|(id, row)| Some((finished_at(row)?, *id))).filter(|(at, _)| *at < before).collect();
    ended.sort_unstable();
    ended.truncate(usize::from(limit));
    for (_, id) in &ended {
        rows.remove(id);
    }
    u64::try_from(ended.len()).unwrap_or(u64::MAX)
}

#[async_trait]
impl QueueTx for Transaction {
    async fn arm(&mut self, rows: &[OutboxArm]) -> StoreResult<()> {
        let state = self.write();
        rows.iter().try_for_each(|row| state.arm(row))
    }

    async fn release(&mut self, organization: OrganizationId, rows: Released, now: Timestamp) -> StoreResult<()> {
        let waits = |row: &&mut OutboxRow| {
            let is_own = row.arm.organization == organization && rows.is_about(&row.arm.task);
            let free = !row.progress.is_leased(now);
            is_own && free && row.state == OutboxState::Pending && row.progress.due_at > now
        };
        for row in self.write().outbox.values_mut().filter(waits) {
            row.progress.due_at = now;
            row.progress.attempts = 0;
        }
        Ok(())
    }

    async fn finish_deliveries(&mut self, rows: &[FinishedDelivery]) -> StoreResult<()> {
        let state = self.write();
        for end in rows {
            let row = state.held_delivery(end.id, end.token).ok_or(StoreError::LeaseLost)?;
            row.new.state = end.state;
            row.progress.finish(end.reason.clone(), end.at);
        }
        Ok(())
    }

    async fn replay_delivery(&mut self, id: DeliveryId, at: Timestamp) -> StoreResult<bool> {
        let may = |row: &DeliveryRow| !row.is_pending() && row.understood().is_some();
        if !self.state.deliveries.get(&id).is_some_and(may) {
            return Ok(false);
        }
        if let Some(row) = self.write().deliveries.get_mut(&id) {
            row.new.state = DeliveryState::Pending;
            row.progress = Progress::pending(at);
        }
        Ok(true)
    }

    async fn finish_outbox(
        &mut self,
        id: OutboxId,
        token: i64,
        generation: i64,
        state: OutboxState,
        reason: Option<String>,
        at: Timestamp,
    ) -> StoreResult<()> {
        let row = self.write().held_task(id, token).ok_or(StoreError::LeaseLost)?;
        if row.generation == generation {
            row.state = state;
            row.progress.finish(reason, at);
        } else {
            row.progress = Progress::pending(row.progress.due_at);
        }
        Ok(())
    }

    async fn hold_outbox(&mut self, id: OutboxId, token: i64) -> StoreResult<()> {
        let held = |row: &&OutboxRow| row.is_held_by(token);
        self.state.outbox.get(&id).filter(held).map(drop).ok_or(StoreError::LeaseLost)
    }
}

impl MemoryStore {
    /// Runs one change as a transaction of its own.
    async fn at_once<T>(&self, change: impl FnOnce(&mut State) -> T + Send) -> T {
        let mut transaction = self.transaction().await;
        let answer = change(transaction.write());
        transaction.publish();
        answer
    }

    /// Leases what is due; leaves the state alone when nothing is.
    async fn claim_all<I, T>(
        &self,
        due: impl Fn(&State) -> Vec<I> + Send,
        claim: impl Fn(&mut State, I) -> Option<T> + Send,
    ) -> StoreResult<Vec<T>> {
        let mut transaction = self.transaction().await;
        let due = due(&transaction.state);
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let state = transaction.write();
        let claimed = due.into_iter().filter_map(|id| claim(state, id)).collect();
        transaction.publish();
        Ok(claimed)
    }
}

#[async_trait]
impl Inbox for MemoryStore {
    async fn append(&self, delivery: NewDelivery) -> Result<Appended, InboxError> {
        let mut transaction = self.transaction().await;
        let appended = transaction.write().append(delivery).map_err(InboxError::Unavailable)?;
        transaction.publish();
        Ok(appended)
    }

    async fn claim(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u16,
    ) -> Result<Vec<ClaimedDelivery>, StoreError> {
        self.claim_all(|state| state.claimable(now, limit), |state, id| state.claim_delivery(id, lease_until)).await
    }

    async fn fail(
        &self,
        id: DeliveryId,
        token: i64,
        retry_at: Timestamp,
        reason: &str,
        counts: bool,
    ) -> Result<(), StoreError> {
        let fail = |state: &mut State| {
            if let Some(row) = state.held_delivery(id, token) {
                row.progress.fail(retry_at, reason, counts);
            }
        };
        self.at_once(fail).await;
        Ok(())
    }

    async fn purge(&self, before: Timestamp, limit: u16) -> Result<u64, StoreError> {
        let finished_at = |row: &DeliveryRow| row.progress.finished_at;
        Ok(self.at_once(|state| purge(&mut state.deliveries, finished_at, before, limit)).await)
    }
}

#[async_trait]
impl Outbox for MemoryStore {
    async fn claim(
        &self,
        lane: Lane,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u16,
    ) -> Result<Vec<ClaimedTask>, StoreError> {
        self.claim_all(|state| state.claimable_tasks(lane, now, limit), |state, id| state.claim_task(id, lease_until))
            .await
    }

    async fn fail(
        &self,
        id: OutboxId,
        token: i64,
        retry_at: Timestamp,
        reason: &str,
        counts: bool,
    ) -> Result<(), StoreError> {
        let fail = |state: &mut State| {
            if let Some(row) = state.held_task(id, token) {
                row.progress.fail(retry_at, reason, counts);
            }
        };
        self.at_once(fail).await;
        Ok(())
    }

    async fn replay(&self, organization: OrganizationId, id: OutboxId, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.at_once(|state| state.replay_task(organization, id, now)).await)
    }

    async fn purge(&self, before: Timestamp, limit: u16) -> Result<u64, StoreError> {
        let finished_at = |row: &OutboxRow| row.progress.finished_at;
        Ok(self.at_once(|state| purge(&mut state.outbox, finished_at, before, limit)).await)
    }
}
