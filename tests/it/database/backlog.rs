//! A work item with thousands of deliveries, and all the others behind it.

use super::{NOW, delivery, raw};
use handoff_database::Database;
use handoff_domain::delivery::{ClaimedDelivery, NewDelivery};
use handoff_domain::port::Inbox;
use handoff_domain::time::Timestamp;
use handoff_tests::database::{Kind, TestDatabase};
use sea_orm::ConnectionTrait;
use std::collections::BTreeSet;
use std::time::Duration;

handoff_tests::on_each_database![
    a_work_item_with_ten_thousand_deliveries_holds_up_no_other,
    deliveries_that_wait_hold_up_no_other,
];

/// How long leasing may take on a busy machine: comparing the deliveries of a work item with each other takes
/// several times as long.
const SOON: Duration = Duration::from_secs(2);
/// When everything has arrived.
const LATER: Timestamp = NOW.offset_micros(60 * 1_000_000);

/// Stores deliveries of these numbers as the first was, with their work item and when they are due in SQL.
async fn fill(place: &TestDatabase, numbers: std::ops::RangeInclusive<u32>, work_item: &str, due_at: &str) {
    let id = match place.kind() {
        Kind::Sqlite => "unhex(printf('%032x', i))",
        Kind::Postgres => "lpad(to_hex(i), 32, '0')::uuid",
    };
    let insert = format!(
        "INSERT INTO deliveries (id, hook_id, integration_id, azure_project, event_type, work_item, idempotency_key, \
         payload, state, attempts, duplicates, received_at, due_at) \
         WITH RECURSIVE n (i) AS (SELECT {} UNION ALL SELECT i + 1 FROM n WHERE i < {}) \
         SELECT {id}, hook_id, integration_id, azure_project, event_type, {work_item}, 'filled ' || i, \
         payload, state, attempts, duplicates, received_at, {due_at} \
         FROM n CROSS JOIN (SELECT * FROM deliveries WHERE idempotency_key = 'update 0') AS first",
        numbers.start(),
        numbers.end(),
    );
    let table = raw(place).await;
    table.execute_unprepared(&insert).await.unwrap();
    table.close().await.unwrap();
}

/// A database with one delivery, of work item 0, due when it arrived.
async fn begun(place: &TestDatabase) -> Database {
    let database = place.open().await.unwrap();
    database.append(NewDelivery { payload: vec![0; 16], ..delivery(0) }).await.unwrap();
    database
}

async fn leased(database: &Database, limit: u16) -> Vec<ClaimedDelivery> {
    let claim = database.claim(LATER, LATER.offset_micros(1), limit);
    tokio::time::timeout(SOON, claim).await.unwrap().unwrap()
}

fn items(claimed: &[ClaimedDelivery]) -> BTreeSet<i64> {
    claimed.iter().map(|one| one.work_item.get()).collect()
}

async fn a_work_item_with_ten_thousand_deliveries_holds_up_no_other(place: TestDatabase) {
    let database = begun(&place).await;
    fill(&place, 1..=10_000, "0", "due_at").await;
    fill(&place, 10_001..=10_200, "i", "due_at").await;
    let first = leased(&database, 150).await;
    assert_eq!((first.len(), first[0].id), (150, delivery(0).id), "the oldest of all, and others");
    assert_eq!(items(&first).len(), 150, "one of each");
    let rest = leased(&database, 150).await;
    assert_eq!(items(&rest), (10_150..=10_200).collect(), "none of what is leased");
    assert!(leased(&database, 150).await.is_empty());
}

async fn deliveries_that_wait_hold_up_no_other(place: TestDatabase) {
    let database = begun(&place).await;
    let later = LATER.offset_micros(1).as_micros().to_string();
    fill(&place, 1..=5_000, "1", &later).await;
    fill(&place, 5_001..=10_000, "1", "due_at").await;
    fill(&place, 10_001..=10_200, "i", "due_at").await;
    let claimed = leased(&database, 500).await;
    assert_eq!(items(&claimed), [0, 1].into_iter().chain(10_001..=10_200).collect());
    assert_eq!(claimed.len(), 202);
    assert_eq!(claimed[1].id, delivery(5_001).id, "the oldest that does not wait");
}
