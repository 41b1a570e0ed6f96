//! Deliveries: appended in batches, finished in a unit of work, and leased as a queue.

use crate::Database;
use crate::error::Stored;
use crate::lease::{self, Queue};
use crate::outbox;
use crate::row;
use crate::sql::{CHUNK, Sql, locking};
use crate::table::deliveries;
use async_trait::async_trait;
use handoff_domain::delivery::{ClaimedDelivery, DeliveryState, FinishedDelivery, NewDelivery};
use handoff_domain::id::DeliveryId;
use handoff_domain::outbox::OutboxArm;
use handoff_domain::port::store::StoreResult;
use handoff_domain::port::{Appended, Inbox, InboxError, StoreError};
use handoff_domain::time::Timestamp;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, EntityTrait, IntoActiveModel};
use std::collections::{BTreeMap, HashSet};
use uuid::Uuid;

/// Stores deliveries and arms what the new ones bring; says of each whether it is new. The same event
/// twice among them is one delivery, as it is when it comes later.
pub(crate) async fn append(on: &impl ConnectionTrait, batch: &[NewDelivery]) -> StoreResult<Vec<Appended>> {
    let mut rows: Vec<deliveries::Model> = Vec::with_capacity(batch.len());
    let mut keys: HashSet<&str> = HashSet::new();
    for new in batch {
        if new.idempotency_key.as_deref().is_none_or(|key| keys.insert(key)) {
            rows.push(new_row(new));
        }
    }
    // In the order of their keys, so that two replicas that were told the same never wait for each other.
    rows.sort_by(|one, other| one.idempotency_key.cmp(&other.idempotency_key));
    let known = known_keys(on, &rows).await?;
    rows.retain(|row| row.idempotency_key.as_ref().is_none_or(|key| !known.contains(key)));
    let stored = insert(on, rows).await?;
    let is_new = |new: &NewDelivery| stored.contains(&new.id.get());
    let arms: Vec<OutboxArm> = batch.iter().filter(|new| is_new(new)).filter_map(|new| new.arm.clone()).collect();
    outbox::arm(on, &arms).await?;
    let mut repeated: BTreeMap<&str, i32> = BTreeMap::new();
    for key in batch.iter().filter(|new| !is_new(new)).filter_map(|new| new.idempotency_key.as_deref()) {
        *repeated.entry(key).or_default() += 1;
    }
    count_duplicates(on, repeated).await?;
    let said = |new| if is_new(new) { Appended::New } else { Appended::Duplicate };
    Ok(batch.iter().map(said).collect())
}

/// The keys of these that are stored already, where inserting them again would wait for whoever is about to
/// end the delivery: on PostgreSQL. What is stored after this look is left to the insert.
async fn known_keys(on: &impl ConnectionTrait, rows: &[deliveries::Model]) -> StoreResult<HashSet<String>> {
    let mut known = HashSet::new();
    if on.get_database_backend() != DbBackend::Postgres {
        return Ok(known);
    }
    let keys: Vec<&str> = rows.iter().filter_map(|row| row.idempotency_key.as_deref()).collect();
    for chunk in keys.chunks(CHUNK) {
        let look = Sql::new("SELECT idempotency_key FROM deliveries WHERE idempotency_key IN ");
        for found in look.list(chunk.iter().copied()).all(on).await? {
            known.insert(found.try_get("", "idempotency_key").stored()?);
        }
    }
    Ok(known)
}

/// Inserts those that are not there yet; says which were not.
async fn insert(on: &impl ConnectionTrait, rows: Vec<deliveries::Model>) -> StoreResult<HashSet<Uuid>> {
    let known = OnConflict::column(deliveries::Column::IdempotencyKey).do_nothing().to_owned();
    let mut stored = HashSet::new();
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let chunk = rows.by_ref().take(CHUNK).map(IntoActiveModel::into_active_model);
        let insert = deliveries::Entity::insert_many(chunk).on_conflict(known.clone());
        match insert.exec_with_returning_keys(on).await {
            Ok(inserted) => stored.extend(inserted),
            Err(DbErr::RecordNotInserted) => {}
            Err(error) => return Err(error).stored(),
        }
    }
    Ok(stored)
}

/// Counts repeats on the deliveries that were there. One that somebody is about to end is not waited for,
/// and its repeat not counted: the number is for people.
async fn count_duplicates(on: &impl ConnectionTrait, repeated: BTreeMap<&str, i32>) -> StoreResult<()> {
    let repeated: Vec<(&str, i32)> = repeated.into_iter().collect();
    for chunk in repeated.chunks(CHUNK) {
        let count = Sql::new("WITH repeated (row_key, times) AS (VALUES ")
            .rows(chunk, |sql, (key, times)| sql.bind(*key).text(", ").bind(*times));
        let count = count.text(") UPDATE deliveries SET duplicates = duplicates + times FROM repeated ");
        let count = count.text("WHERE idempotency_key = row_key AND id IN (SELECT id FROM deliveries ");
        let count = count.text("WHERE idempotency_key IN ").list(chunk.iter().map(|(key, _)| *key));
        count.text(locking(on, " FOR NO KEY UPDATE SKIP LOCKED")).text(")").count(on).await?;
    }
    Ok(())
}

fn new_row(new: &NewDelivery) -> deliveries::Model {
    let received_at = new.received_at.as_micros();
    deliveries::Model {
        id: new.id.get(),
        hook_id: new.hook.get(),
        integration_id: new.integration.get(),
        azure_project: new.azure_project.as_str().to_owned(),
        event_type: new.event_type.map(|event_type| event_type.as_str().to_owned()),
        work_item: new.work_item.map(|number| number.get()),
        idempotency_key: new.idempotency_key.clone(),
        payload: new.payload.clone(),
        state: new.state.as_str().to_owned(),
        reason: new.reason.clone(),
        attempts: 0,
        duplicates: 0,
        received_at,
        due_at: received_at,
        lease_token: None,
        lease_until: None,
        finished_at: (new.state != DeliveryState::Pending).then_some(received_at),
    }
}

/// Ends deliveries. Where the lease of one was lost some of the others are ended: the caller rolls back.
pub(crate) async fn finish(on: &impl ConnectionTrait, ended: &[FinishedDelivery]) -> StoreResult<()> {
    for chunk in ended.chunks(CHUNK) {
        let update = Sql::new("WITH ended (row_id, row_token, new_state, new_reason, ended_at) AS (VALUES ");
        let update = update.rows(chunk, |sql, one| {
            let sql = sql.bind(one.id.get()).text(", ").bind(one.token).text(", ").bind(one.state.as_str());
            sql.text(", ").bind(one.reason.clone()).text(", ").bind(one.at.as_micros())
        });
        let update = update.text(
            ") UPDATE deliveries SET state = new_state, reason = new_reason, finished_at = ended_at, \
             lease_token = NULL, lease_until = NULL FROM ended \
             WHERE id = row_id AND lease_token = row_token AND state = 'pending'",
        );
        if update.count(on).await? != chunk.len() as u64 {
            return Err(StoreError::LeaseLost);
        }
    }
    Ok(())
}

/// A delivery that has ended and was understood becomes pending.
pub(crate) async fn replay(on: &impl ConnectionTrait, id: DeliveryId, at: Timestamp) -> StoreResult<bool> {
    let update = Sql::new(
        "UPDATE deliveries SET state = 'pending', attempts = 0, reason = NULL, lease_token = NULL, \
         lease_until = NULL, finished_at = NULL, due_at = ",
    );
    let update = update.bind(at.as_micros()).text(" WHERE id = ").bind(id.get()).text(
        " AND state <> 'pending' AND idempotency_key IS NOT NULL AND event_type IS NOT NULL AND work_item IS NOT NULL",
    );
    update.count(on).await.map(|changed| changed > 0)
}

#[async_trait]
impl Inbox for Database {
    async fn append(&self, delivery: NewDelivery) -> Result<Appended, InboxError> {
        self.commits.append(self, delivery).await
    }

    async fn claim(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u16,
    ) -> Result<Vec<ClaimedDelivery>, StoreError> {
        let rows = lease::claim::<deliveries::Model>(self, Queue::Inbox, now, lease_until, limit).await?;
        let mut claimed = Vec::with_capacity(rows.len());
        for row in rows {
            let (id, token) = (row.id, row.lease_token);
            match row::claimed_delivery(row) {
                Ok(delivery) => claimed.push(delivery),
                Err(error) => lease::bury(&self.writer, Queue::Inbox, id, token, now, &error).await?,
            }
        }
        Ok(claimed)
    }

    async fn fail(
        &self,
        id: DeliveryId,
        token: i64,
        retry_at: Timestamp,
        reason: &str,
        counts: bool,
    ) -> Result<(), StoreError> {
        lease::give_back(&self.writer, Queue::Inbox, id.get(), token, retry_at, reason, counts).await
    }

    async fn purge(&self, before: Timestamp, limit: u16) -> Result<u64, StoreError> {
        lease::purge(&self.writer, Queue::Inbox, before, limit).await
    }
}
