//! What the two queues share: rows are leased in short transactions, one leasing at a time, and every
//! lease has a larger token than any before it.

use crate::Database;
use crate::error::Stored;
use crate::sql::{CHUNK, Sql};
use handoff_domain::port::StoreError;
use handoff_domain::port::store::StoreResult;
use handoff_domain::time::Timestamp;
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

/// One of the two queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Queue {
    /// Deliveries.
    Inbox,
    /// Tasks.
    Outbox,
}

impl Queue {
    const fn table(self) -> &'static str {
        match self {
            Self::Inbox => "deliveries",
            Self::Outbox => "outbox",
        }
    }

    /// Its row in `lease_counter`.
    const fn counter(self) -> i32 {
        match self {
            Self::Inbox => 1,
            Self::Outbox => 2,
        }
    }

    /// Chooses the ids that may be leased, in order.
    fn due(self, now: i64, limit: u16) -> Sql {
        match self {
            Self::Outbox => {
                let due = free(Sql::new("SELECT d.id FROM outbox d WHERE "), "d", now);
                due.text(" ORDER BY d.due_at, d.id LIMIT ").bind(i64::from(limit))
            }
            // Of each work item the oldest that may be leased, where none of it is leased.
            Self::Inbox => {
                let due = free(Sql::new("SELECT d.id FROM deliveries d WHERE "), "d", now);
                let due = due.text(" AND NOT EXISTS (SELECT 1 FROM deliveries b WHERE ").text(SAME_ITEM);
                let due = due.text(" AND b.lease_until > ").bind(now);
                let due = due.text(") AND NOT EXISTS (SELECT 1 FROM deliveries b WHERE ").text(SAME_ITEM);
                let due = free(due.text(" AND b.id < d.id AND "), "b", now);
                due.text(") ORDER BY d.id LIMIT ").bind(i64::from(limit))
            }
        }
    }
}

const SAME_ITEM: &str = "b.integration_id = d.integration_id AND b.work_item = d.work_item AND b.state = 'pending'";

/// Whether the row may be leased: pending, due, and leased by nobody.
fn free(sql: Sql, alias: &str, now: i64) -> Sql {
    let sql = sql.text(&format!("{alias}.state = 'pending' AND {alias}.due_at <= ")).bind(now);
    sql.text(&format!(" AND ({alias}.lease_until IS NULL OR {alias}.lease_until <= ")).bind(now).text(")")
}

/// Leases up to `limit` rows. Looking finds nothing most of the time, so it looks before it writes.
pub(crate) async fn claim<M: FromQueryResult + HasToken>(
    database: &Database,
    queue: Queue,
    now: Timestamp,
    until: Timestamp,
    limit: u16,
) -> Result<Vec<M>, StoreError> {
    let now = now.as_micros();
    if queue.due(now, 1).one(&database.reader).await?.is_none() {
        return Ok(Vec::new());
    }
    let tx = database.begin_writing().await?;
    // The counter's row is held to the end: whoever leases after us sees what we leased.
    let counted = Sql::new("UPDATE lease_counter SET token = token + ").bind(i64::from(limit));
    let counted = counted.text(" WHERE id = ").bind(queue.counter()).text(" RETURNING token").one(&tx).await?;
    let counted = counted.ok_or_else(|| StoreError::Backend("the lease counter is missing".to_owned()))?;
    let mut token: i64 = counted.try_get::<i64>("", "token").stored()? - i64::from(limit);
    let mut leases = Vec::new();
    for row in queue.due(now, limit).all(&tx).await? {
        token += 1;
        leases.push((row.try_get::<Uuid>("", "id").stored()?, token));
    }
    let mut claimed: Vec<M> = Vec::with_capacity(leases.len());
    for chunk in leases.chunks(CHUNK) {
        let update = Sql::new("WITH lease (row_id, row_token) AS (VALUES ")
            .rows(chunk, |sql, (id, token)| sql.bind(*id).text(", ").bind(*token));
        let update = update.text(&format!(") UPDATE {} SET lease_token = row_token, lease_until = ", queue.table()));
        let update = update.bind(until.as_micros()).text(" FROM lease WHERE id = row_id RETURNING *");
        claimed.extend(update.models::<M>(&tx).await?);
    }
    tx.commit().await.stored()?;
    claimed.sort_by_key(HasToken::token);
    Ok(claimed)
}

/// A row that shows the token of its lease.
pub(crate) trait HasToken {
    /// The token; nothing sorts first.
    fn token(&self) -> Option<i64>;
}

impl HasToken for crate::table::deliveries::Model {
    fn token(&self) -> Option<i64> {
        self.lease_token
    }
}

impl HasToken for crate::table::outbox::Model {
    fn token(&self) -> Option<i64> {
        self.lease_token
    }
}

/// Gives a leased row back, to be tried again; nothing happens where the lease was lost.
pub(crate) async fn give_back(
    on: &impl ConnectionTrait,
    queue: Queue,
    id: Uuid,
    token: i64,
    retry_at: Timestamp,
    reason: &str,
    counts: bool,
) -> StoreResult<()> {
    let update = Sql::new("UPDATE ").text(queue.table()).text(" SET lease_token = NULL, lease_until = NULL, due_at = ");
    let update = update.bind(retry_at.as_micros()).text(", reason = ").bind(reason);
    let update = update.text(", attempts = attempts + ").bind(i32::from(counts)).text(" WHERE state = 'pending'");
    let update = update.text(" AND id = ").bind(id).text(" AND lease_token = ").bind(token);
    update.count(on).await.map(|_| ())
}

/// Deletes up to `limit` rows that ended before `before`, those that ended first first.
pub(crate) async fn purge(on: &impl ConnectionTrait, queue: Queue, before: Timestamp, limit: u16) -> StoreResult<u64> {
    let delete = format!("DELETE FROM {0} WHERE id IN (SELECT id FROM {0} WHERE finished_at < ", queue.table());
    let delete = Sql::new(&delete).bind(before.as_micros()).text(" ORDER BY finished_at, id LIMIT ");
    delete.bind(i64::from(limit)).text(")").count(on).await
}
