//! Outbox rows: armed and finished in a unit of work, and leased as a queue.

use crate::Database;
use crate::error::Stored;
use crate::lease::{self, Queue};
use crate::row;
use crate::sql::{CHUNK, Sql, locking};
use crate::table::outbox;
use async_trait::async_trait;
use handoff_domain::id::{OrganizationId, OutboxId};
use handoff_domain::outbox::{ClaimedTask, Concern, Lane, OutboxArm, OutboxState, Released};
use handoff_domain::port::store::StoreResult;
use handoff_domain::port::{Outbox, StoreError};
use handoff_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel};
use std::collections::BTreeMap;

/// The table, where the lane is of no account.
const OUTBOX: Queue = Queue::Outbox(Lane::Messages);

/// Inserts rows, or bumps the generation of the pending row of the same target. Rows of one target count
/// as one, and targets are taken in order, so that two transactions never wait for each other.
pub(crate) async fn arm(on: &impl ConnectionTrait, arms: &[OutboxArm]) -> StoreResult<()> {
    use outbox::Column;
    let mut events = Vec::new();
    let mut targets: BTreeMap<String, outbox::Model> = BTreeMap::new();
    for arm in arms {
        match arm.task.target() {
            None => events.push(pending_row(arm, None)?),
            Some(target) => match targets.get_mut(&target) {
                Some(known) => known.generation += 1,
                None => {
                    targets.insert(target.clone(), pending_row(arm, Some(target))?);
                }
            },
        }
    }
    events.extend(targets.into_values());
    let bump = Expr::col((outbox::Entity, Column::Generation)).add(Expr::cust("excluded.generation"));
    let coalesce = OnConflict::column(Column::Target)
        .target_and_where(Expr::col(Column::State).eq(Expr::cust("'pending'")))
        .value(Column::Generation, bump)
        .to_owned();
    for chunk in events.chunks(CHUNK) {
        let rows = chunk.iter().cloned().map(IntoActiveModel::into_active_model);
        let insert = outbox::Entity::insert_many(rows).on_conflict(coalesce.clone());
        insert.exec_without_returning(on).await.stored()?;
    }
    Ok(())
}

/// Makes waiting rows due at once. They are locked in the order in which rows are armed.
pub(crate) async fn release(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    rows: Released,
    now: Timestamp,
) -> StoreResult<()> {
    let now = now.as_micros();
    let kinds = rows.lanes.iter().flat_map(|lane| lane.kinds().iter().copied());
    let release = Sql::new("UPDATE outbox SET attempts = 0, due_at = ").bind(now);
    let release = release.text(" WHERE id IN (SELECT id FROM outbox WHERE state = 'pending' AND organization_id = ");
    let release = release.bind(organization.get()).text(" AND due_at > ").bind(now);
    let release = release.text(" AND (lease_until IS NULL OR lease_until <= ").bind(now);
    let release = release.text(") AND (concern_id = ").bind(rows.concern.id()).text(" AND kind IN ").list(kinds);
    let release = release.text(" OR concern_id IS NULL AND kind IN ").list(rows.unnamed_kinds().iter().copied());
    let release = release.text(") ORDER BY target, id").text(locking(on, " FOR NO KEY UPDATE")).text(")");
    release.count(on).await.map(|_| ())
}

fn pending_row(arm: &OutboxArm, target: Option<String>) -> StoreResult<outbox::Model> {
    Ok(outbox::Model {
        id: arm.id.get(),
        organization_id: arm.organization.get(),
        project_id: arm.project.map(|id| id.get()),
        group_id: arm.task.group().map(|id| id.get()),
        concern_id: arm.task.concern().map(Concern::id),
        kind: arm.task.kind().to_owned(),
        target,
        task: row::json(&arm.task)?,
        state: OutboxState::Pending.as_str().to_owned(),
        generation: 1,
        attempts: 0,
        due_at: arm.due_at.as_micros(),
        reason: None,
        lease_token: None,
        lease_until: None,
        finished_at: None,
    })
}

/// ` WHERE` the row is leased under this token.
fn held(sql: Sql, id: OutboxId, token: i64) -> Sql {
    sql.text(" WHERE state = 'pending' AND id = ").bind(id.get()).text(" AND lease_token = ").bind(token)
}

/// How a row ended, or that it is to be done again where its generation moved.
pub(crate) async fn finish(
    on: &impl ConnectionTrait,
    id: OutboxId,
    token: i64,
    generation: i64,
    ended: (OutboxState, Option<String>, Timestamp),
) -> StoreResult<()> {
    let (state, reason, at) = ended;
    let end = Sql::new("UPDATE outbox SET state = ").bind(state.as_str()).text(", reason = ").bind(reason);
    let end = end.text(", lease_token = NULL, lease_until = NULL, finished_at = ").bind(at.as_micros());
    if held(end, id, token).text(" AND generation = ").bind(generation).count(on).await? > 0 {
        return Ok(());
    }
    let again = Sql::new("UPDATE outbox SET attempts = 0, reason = NULL, lease_token = NULL, lease_until = NULL");
    if held(again, id, token).count(on).await? > 0 { Ok(()) } else { Err(StoreError::LeaseLost) }
}

/// Checks that the lease is still this one, until the end of the transaction.
pub(crate) async fn hold(on: &impl ConnectionTrait, id: OutboxId, token: i64) -> StoreResult<()> {
    let found = held(Sql::new("SELECT id FROM outbox"), id, token).text(locking(on, " FOR UPDATE"));
    found.one(on).await?.map(drop).ok_or(StoreError::LeaseLost)
}

/// A row that was given up on becomes pending, unless one of its target is.
async fn revive(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    id: OutboxId,
    now: Timestamp,
) -> StoreResult<bool> {
    let update = Sql::new(
        "UPDATE outbox SET state = 'pending', attempts = 0, reason = NULL, lease_token = NULL, lease_until = NULL, \
         finished_at = NULL, due_at = ",
    );
    let update = update.bind(now.as_micros()).text(" WHERE state = 'dead' AND id = ").bind(id.get());
    let update = update.text(" AND organization_id = ").bind(organization.get()).text(
        " AND NOT EXISTS (SELECT 1 FROM outbox other WHERE other.state = 'pending' AND other.target = outbox.target)",
    );
    update.count(on).await.map(|changed| changed > 0)
}

#[async_trait]
impl Outbox for Database {
    async fn claim(
        &self,
        lane: Lane,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u16,
    ) -> Result<Vec<ClaimedTask>, StoreError> {
        let queue = Queue::Outbox(lane);
        let rows = lease::claim::<outbox::Model>(self, queue, now, lease_until, limit).await?;
        let mut claimed = Vec::with_capacity(rows.len());
        for row in &rows {
            match row::claimed_task(row) {
                Ok(task) => claimed.push(task),
                Err(error) => lease::bury(&self.writer, queue, row.id, row.lease_token, now, &error).await?,
            }
        }
        Ok(claimed)
    }

    async fn fail(
        &self,
        id: OutboxId,
        token: i64,
        retry_at: Timestamp,
        reason: &str,
        counts: bool,
    ) -> Result<(), StoreError> {
        lease::give_back(&self.writer, OUTBOX, id.get(), token, retry_at, reason, counts).await
    }

    async fn replay(&self, organization: OrganizationId, id: OutboxId, now: Timestamp) -> Result<bool, StoreError> {
        match revive(&self.writer, organization, id, now).await {
            // Another row of its target was armed in this very moment.
            Err(StoreError::Conflict { .. }) => Ok(false),
            done => done,
        }
    }

    async fn purge(&self, before: Timestamp, limit: u16) -> Result<u64, StoreError> {
        lease::purge(&self.writer, OUTBOX, before, limit).await
    }
}
