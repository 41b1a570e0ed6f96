//! Waiting for a lock or a connection ends after about a second, in words that say so; and writers that
//! only come at the same time do not fail at all.

use super::{NOW, ORGANIZATION, delivery, organization, raw, until_waiting};
use handoff_database::{Database, DatabaseOptions};
use handoff_domain::id::UserId;
use handoff_domain::organization::User;
use handoff_domain::port::{Appended, Inbox, InboxError, Store, StoreError, UnitOfWork};
use handoff_domain::text::Name;
use handoff_tests::database::{Kind, TestDatabase};
use sea_orm::ConnectionTrait;
use std::future::Future;
use std::time::Duration;
use tokio::task::JoinSet;

handoff_tests::on_each_database![
    handles_that_read_and_then_write_at_once_all_succeed,
    a_writer_that_waits_for_anothers_lock_is_told_so_within_two_seconds,
    a_writer_that_waits_for_another_process_is_told_so_within_two_seconds,
    whoever_gets_no_connection_is_told_so_within_two_seconds,
    a_delivery_that_cannot_be_stored_yet_is_refused_within_two_seconds_and_stored_later,
    a_runtime_that_stops_in_the_middle_of_a_commit_holds_up_no_later_delivery,
];

async fn filled(place: &TestDatabase) -> Database {
    let database = place.open().await.unwrap();
    let mut uow = database.begin().await.unwrap();
    uow.insert_organization(&organization()).await.unwrap();
    uow.commit().await.unwrap();
    database
}

/// What comes of it within two seconds.
async fn soon<T>(waiting: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(2), waiting).await.unwrap()
}

/// Locks the organization in a unit of work that stays open.
async fn hold(database: &Database) -> Result<Box<dyn UnitOfWork>, StoreError> {
    let mut uow = database.begin().await?;
    uow.lock_organization(ORGANIZATION).await?;
    Ok(uow)
}

fn is_unavailable<T>(done: Result<T, StoreError>) -> bool {
    matches!(done, Err(StoreError::Unavailable(_)))
}

async fn handles_that_read_and_then_write_at_once_all_succeed(place: TestDatabase) {
    let handles = [filled(&place).await, place.open().await.unwrap(), place.open().await.unwrap()];
    let write = |n: i64, database: Database| async move {
        let mut uow = database.begin().await?;
        // A read first: a deferred transaction of SQLite takes its snapshot here, and cannot write later.
        let nobody = uow.users(&[UserId::new(n)]).await?;
        assert!(uow.lock_organization(ORGANIZATION).await?);
        uow.insert_user(&User {
            id: UserId::new(n),
            name: Name::parse("Ada").unwrap(),
            active: nobody.is_empty(),
            discord: None,
            created_at: NOW,
        })
        .await?;
        uow.commit().await
    };
    let writes = (1..=30).zip(handles.iter().cycle()).map(|(n, database)| write(n, database.clone()));
    let done = writes.collect::<JoinSet<_>>().join_all().await;
    assert_eq!(done, vec![Ok(()); 30]);
}

async fn a_writer_that_waits_for_anothers_lock_is_told_so_within_two_seconds(place: TestDatabase) {
    let database = filled(&place).await;
    let first = hold(&database).await.unwrap();
    assert!(is_unavailable(soon(hold(&database)).await));
    first.commit().await.unwrap();
    assert!(soon(hold(&database)).await.is_ok());
}

async fn a_writer_that_waits_for_another_process_is_told_so_within_two_seconds(place: TestDatabase) {
    let (database, other) = (filled(&place).await, place.open().await.unwrap());
    let first = hold(&database).await.unwrap();
    assert!(is_unavailable(soon(hold(&other)).await));
    drop(first);
    assert!(soon(hold(&other)).await.is_ok());
}

async fn whoever_gets_no_connection_is_told_so_within_two_seconds(place: TestDatabase) {
    drop(filled(&place).await);
    let options = DatabaseOptions { max_connections: 1, ..DatabaseOptions::new(place.url()) };
    let database = Database::open(&options).await.unwrap();
    let first = database.begin().await.unwrap();
    assert!(is_unavailable(soon(database.begin()).await));
    drop(first);
    assert!(soon(database.begin()).await.is_ok());
}

async fn a_delivery_that_cannot_be_stored_yet_is_refused_within_two_seconds_and_stored_later(place: TestDatabase) {
    drop(filled(&place).await);
    let options = DatabaseOptions { max_connections: 1, ..DatabaseOptions::new(place.url()) };
    let database = Database::open(&options).await.unwrap();
    let first = database.begin().await.unwrap();
    // More than one commit holds.
    let refused = (0..300).map(|n| {
        let database = database.clone();
        async move { soon(database.append(delivery(n))).await }
    });
    for answer in refused.collect::<JoinSet<_>>().join_all().await {
        assert!(matches!(answer, Err(InboxError::Unavailable(StoreError::Unavailable(_)))), "{answer:?}");
    }
    drop(first);
    assert!(soon(database.append(delivery(0))).await.is_ok());
}

async fn a_runtime_that_stops_in_the_middle_of_a_commit_holds_up_no_later_delivery(place: TestDatabase) {
    let (database, other, watch) = (place.open().await.unwrap(), raw(&place).await, raw(&place).await);
    let hold = match place.kind() {
        Kind::Sqlite => "BEGIN IMMEDIATE",
        Kind::Postgres => "BEGIN; LOCK TABLE deliveries IN EXCLUSIVE MODE",
    };
    other.execute_unprepared(hold).await.unwrap();
    let append = |n: u32| {
        let database = database.clone();
        async move { database.append(delivery(n)).await }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let first = runtime.spawn(append(1));
    match place.kind() {
        Kind::Sqlite => a_moment().await,
        Kind::Postgres => until_waiting(&watch, 1).await,
    }
    // In line behind the first, which commits.
    let second = tokio::spawn(append(2));
    a_moment().await;
    assert!(!first.is_finished() && !second.is_finished());
    runtime.shutdown_background();
    let second = tokio::time::timeout(Duration::from_millis(500), second).await.unwrap().unwrap();
    assert!(matches!(second, Err(InboxError::Unavailable(_))), "{second:?}");
    assert!(first.await.is_err());
    other.execute_unprepared("ROLLBACK").await.unwrap();
    let third = tokio::time::timeout(Duration::from_secs(6), append(3)).await.unwrap();
    assert_eq!(third, Ok(Appended::New));
    assert_eq!(append(4).await, Ok(Appended::New));
}

/// Long enough for a task that does nothing but begin.
async fn a_moment() {
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    ticks.tick().await;
    ticks.tick().await;
}
