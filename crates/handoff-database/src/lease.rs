//! What the two queues share: rows are leased in short transactions, one leasing at a time, and every
//! lease has a larger token than any before it.

use crate::Database;
use crate::error::Stored;
use crate::sql::{self, CHUNK, Sql};
use handoff_domain::outbox::{LAST_OF_LANE, Lane};
use handoff_domain::port::StoreError;
use handoff_domain::port::store::StoreResult;
use handoff_domain::time::Timestamp;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// One of the two queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Queue {
    /// Deliveries.
    Inbox,
    /// Tasks of a lane.
    Outbox(Lane),
}

impl Queue {
    const fn table(self) -> &'static str {
        match self {
            Self::Inbox => "deliveries",
            Self::Outbox(_) => "outbox",
        }
    }

    /// Its row in `lease_counter`.
    const fn counter(self) -> i32 {
        match self {
            Self::Inbox => 1,
            Self::Outbox(_) => 2,
        }
    }

    /// Chooses up to `limit` ids that may be leased, in order.
    async fn due(self, on: &impl ConnectionTrait, now: i64, limit: u16) -> StoreResult<Vec<Uuid>> {
        match self {
            Self::Outbox(lane) => {
                let due = free(Sql::new("SELECT d.id FROM outbox d WHERE "), now).text(" AND d.kind IN ");
                let due = due.list(lane.kinds().iter().copied()).text(" ORDER BY d.kind = ").bind(LAST_OF_LANE);
                sql::ids(&due.text(", d.due_at, d.id LIMIT ").bind(i64::from(limit)).all(on).await?)
            }
            Self::Inbox => heads(on, now, limit).await,
        }
    }
}

/// How many of the oldest deliveries are looked at for those of different work items.
const WINDOW: i64 = 2048;
/// How often to look further, past the work items that fill the window alone.
const LOOKS: usize = 4;

/// Of each work item the oldest delivery that may be leased, where none of it is leased: the first of it in
/// a window on the oldest of all. A work item that fills the window is left out of the next look, so that it
/// holds up no other.
async fn heads(on: &impl ConnectionTrait, now: i64, limit: u16) -> StoreResult<Vec<Uuid>> {
    let mut found: Vec<Head> = Vec::new();
    for _ in 0..LOOKS {
        let more = usize::from(limit) - found.len();
        let look = Sql::new(
            "SELECT id, integration_id, work_item, seen FROM (SELECT id, integration_id, work_item, \
             row_number() OVER (PARTITION BY integration_id, work_item ORDER BY id) AS place, \
             count(*) OVER () AS seen FROM (SELECT d.id, d.integration_id, d.work_item FROM deliveries d WHERE ",
        );
        let mut look = free(look, now).text(
            " AND NOT EXISTS (SELECT 1 FROM deliveries b WHERE b.integration_id = d.integration_id \
             AND b.work_item = d.work_item AND b.state = 'pending' AND b.lease_until > ",
        );
        look = look.bind(now).text(")");
        if !found.is_empty() {
            look = look.text(" AND (d.integration_id, d.work_item) NOT IN (VALUES ");
            look = look.rows(&found, |sql, head| sql.bind(head.integration_id).text(", ").bind(head.work_item));
            look = look.text(")");
        }
        let look = look.text(" ORDER BY d.id LIMIT ").bind(WINDOW).text(") oldest) heads WHERE place = 1 ORDER BY id");
        let seen: Vec<Head> = look.text(" LIMIT ").bind(i64::try_from(more).unwrap_or(WINDOW)).models(on).await?;
        let was_all = seen.first().is_none_or(|head| head.seen < WINDOW);
        found.extend(seen);
        if was_all || found.len() >= usize::from(limit) {
            break;
        }
    }
    Ok(found.into_iter().map(|head| head.id).collect())
}

/// The oldest delivery of a work item, and how many deliveries were looked at.
#[derive(Debug, FromQueryResult)]
struct Head {
    id: Uuid,
    integration_id: Uuid,
    work_item: i64,
    seen: i64,
}

/// Whether the row `d` may be leased: pending, due, and leased by nobody.
fn free(sql: Sql, now: i64) -> Sql {
    let sql = sql.text("d.state = 'pending' AND d.due_at <= ").bind(now);
    sql.text(" AND (d.lease_until IS NULL OR d.lease_until <= ").bind(now).text(")")
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
    if queue.due(&database.reader, now, 1).await?.is_empty() {
        return Ok(Vec::new());
    }
    let tx = database.begin_writing().await?;
    // The counter's row is held to the end: whoever leases after us sees what we leased.
    let counted = Sql::new("UPDATE lease_counter SET token = token + ").bind(i64::from(limit));
    let counted = counted.text(" WHERE id = ").bind(queue.counter()).text(" RETURNING token").one(&tx).await?;
    let counted = counted.ok_or_else(|| StoreError::Backend("the lease counter is missing".to_owned()))?;
    let first = counted.try_get::<i64>("", "token").stored()? - i64::from(limit) + 1;
    let due = queue.due(&tx, now, limit).await?;
    let due = unlocked(&tx, queue, due).await?;
    let due = if queue == Queue::Inbox { within_bytes(&tx, due).await? } else { due };
    let leases: Vec<(Uuid, i64)> = due.into_iter().zip(first..).collect();
    let mut claimed: Vec<M> = Vec::with_capacity(leases.len());
    for chunk in leases.chunks(CHUNK) {
        let update = Sql::new("WITH lease (row_id, row_token) AS (VALUES ")
            .rows(chunk, |sql, (id, token)| sql.bind(*id).text(", ").bind(*token));
        let update =
            update.text(") UPDATE ").text(queue.table()).text(" AS d SET lease_token = row_token, lease_until = ");
        let update = update.bind(until.as_micros()).text(" FROM lease WHERE d.id = row_id AND ");
        claimed.extend(free(update, now).text(" RETURNING *").models::<M>(&tx).await?);
    }
    tx.commit().await.stored()?;
    claimed.sort_by_key(HasToken::token);
    Ok(claimed)
}

/// Leaves out the rows that somebody is about to end: waiting for them would hold up everybody who leases.
async fn unlocked(tx: &DatabaseTransaction, queue: Queue, due: Vec<Uuid>) -> StoreResult<Vec<Uuid>> {
    if tx.get_database_backend() != DbBackend::Postgres {
        return Ok(due);
    }
    let free = Sql::new("SELECT id FROM ").text(queue.table()).text(" WHERE id IN ").list(due.iter().copied());
    let free = free.text(" FOR NO KEY UPDATE SKIP LOCKED").all(tx).await?;
    let free: HashSet<Uuid> = sql::ids(&free)?.into_iter().collect();
    Ok(due.into_iter().filter(|id| free.contains(id)).collect())
}

/// The first of these deliveries whose payloads fit into one claim; at least one.
async fn within_bytes(tx: &DatabaseTransaction, due: Vec<Uuid>) -> StoreResult<Vec<Uuid>> {
    let sizes = Sql::new("SELECT id, length(payload) AS bytes FROM deliveries WHERE id IN ").list(due.iter().copied());
    let sizes = sizes.models::<Size>(tx).await?;
    let sizes: HashMap<Uuid, i64> = sizes.into_iter().map(|one| (one.id, i64::from(one.bytes))).collect();
    let mut total = 0;
    let fits = |id: &Uuid| {
        let first = total == 0;
        total += sizes.get(id).copied().unwrap_or(0).max(1);
        first || total <= CLAIM_BYTES
    };
    Ok(due.into_iter().take_while(fits).collect())
}

/// Bytes of payload in one claim at most, unless the first delivery is larger: they are in memory at once.
const CLAIM_BYTES: i64 = 32 * 1024 * 1024;

/// How large a payload is; one is at most 16 MiB.
#[derive(Debug, FromQueryResult)]
struct Size {
    id: Uuid,
    bytes: i32,
}

/// Ends a leased row that this version cannot read: a newer one wrote it, or it is damaged. It is dead, and
/// the rows beside it go on.
pub(crate) async fn bury(
    on: &impl ConnectionTrait,
    queue: Queue,
    id: Uuid,
    token: Option<i64>,
    at: Timestamp,
    error: &StoreError,
) -> StoreResult<()> {
    tracing::warn!(%id, queue = queue.table(), %error, "a row cannot be read by this version and is given up on");
    let end = Sql::new("UPDATE ").text(queue.table()).text(" SET state = 'dead', lease_until = NULL, finished_at = ");
    let end = end.bind(at.as_micros()).text(", lease_token = NULL, reason = ").bind("this version cannot read it");
    let end = end.text(" WHERE state = 'pending' AND id = ").bind(id).text(" AND lease_token = ").bind(token);
    end.count(on).await.map(|_| ())
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
    let delete = Sql::new("DELETE FROM ").text(queue.table()).text(" WHERE id IN (SELECT id FROM ").text(queue.table());
    let delete = delete.text(" WHERE finished_at < ").bind(before.as_micros());
    let delete = delete.text(" ORDER BY finished_at, id LIMIT ");
    delete.bind(i64::from(limit)).text(")").count(on).await
}
