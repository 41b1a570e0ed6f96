//! What was promised is there after the database was closed and opened again.

use super::{ORGANIZATION, delivery, organization};
use handoff_domain::delivery::NewDelivery;
use handoff_domain::id::OrganizationId;
use handoff_domain::organization::Organization;
use handoff_domain::port::{Appended, Inbox, Reader, Store};
use handoff_domain::slug::Slug;
use handoff_tests::database::{Kind, TestDatabase};
use sea_orm::{ConnectionTrait, Statement};
use tokio::task::JoinSet;

handoff_tests::on_each_database![
    deliveries_that_share_a_commit_are_all_there_after_reopening_and_their_repeats_counted,
    a_caller_that_hangs_up_takes_nobodys_delivery_along,
    what_was_committed_is_there_after_reopening_and_what_was_not_is_not,
    a_bad_delivery_keeps_no_other_of_its_commit_out,
];

async fn deliveries_that_share_a_commit_are_all_there_after_reopening_and_their_repeats_counted(place: TestDatabase) {
    let database = place.open().await.unwrap();
    let repeat = |n: u32| NewDelivery { idempotency_key: delivery(n % 150).idempotency_key, ..delivery(n) };
    let append = |new: NewDelivery| {
        let database = database.clone();
        async move { database.append(new).await.unwrap() }
    };
    let said = (0..200).map(|n| append(repeat(n))).collect::<JoinSet<_>>().join_all().await;
    assert_eq!(said.iter().filter(|said| **said == Appended::New).count(), 150);
    database.close().await.unwrap();
    assert_eq!(kept(&place).await, (150, 50));
}

async fn a_caller_that_hangs_up_takes_nobodys_delivery_along(place: TestDatabase) {
    let database = place.open().await.unwrap();
    let mut tasks = JoinSet::new();
    for n in 0..60 {
        let database = database.clone();
        let gone = tasks.spawn(async move { database.append(delivery(n)).await.unwrap() });
        if n % 3 == 0 {
            gone.abort();
        }
    }
    let mut answered = 0;
    while let Some(done) = tasks.join_next().await {
        answered += i64::from(done.is_ok());
    }
    assert!(answered >= 40);
    database.close().await.unwrap();
    assert!(kept(&place).await.0 >= answered);
}

async fn what_was_committed_is_there_after_reopening_and_what_was_not_is_not(place: TestDatabase) {
    let database = place.open().await.unwrap();
    let fabrikam =
        Organization { id: OrganizationId::new(2), slug: Slug::parse("fabrikam").unwrap(), ..organization() };
    let mut uow = database.begin().await.unwrap();
    uow.insert_organization(&organization()).await.unwrap();
    uow.commit().await.unwrap();
    let mut uow = database.begin().await.unwrap();
    uow.insert_organization(&fabrikam).await.unwrap();
    drop(uow);
    database.close().await.unwrap();
    let database = place.open().await.unwrap();
    assert_eq!(database.organization(ORGANIZATION).await.unwrap(), Some(organization()));
    assert_eq!(database.organization(fabrikam.id).await.unwrap(), None);
    database.close().await.unwrap();
}

async fn a_bad_delivery_keeps_no_other_of_its_commit_out(place: TestDatabase) {
    let database = place.open().await.unwrap();
    database.append(delivery(0)).await.unwrap();
    // The same id under another key: no repeat, and no new row.
    let bad = || NewDelivery { idempotency_key: Some("another".to_owned()), ..delivery(0) };
    let append = |n: u32| {
        let (database, new) = (database.clone(), if n.is_multiple_of(10) { bad() } else { delivery(n) });
        async move { database.append(new).await.is_ok() }
    };
    let stored = (1..=50).map(append).collect::<JoinSet<_>>().join_all().await;
    assert_eq!(stored.iter().filter(|stored| **stored).count(), 45);
    database.close().await.unwrap();
    assert_eq!(kept(&place).await, (46, 0));
}

/// How many deliveries are on disk, and how many repeats of them were counted.
async fn kept(place: &TestDatabase) -> (i64, i64) {
    let connection = sea_orm::Database::connect(place.url()).await.unwrap();
    let query = match place.kind() {
        Kind::Sqlite => "SELECT count(*) AS rows, coalesce(sum(duplicates), 0) AS repeats FROM deliveries",
        Kind::Postgres => "SELECT count(*) AS rows, coalesce(sum(duplicates), 0)::bigint AS repeats FROM deliveries",
    };
    let query = Statement::from_string(connection.get_database_backend(), query);
    let row = connection.query_one_raw(query).await.unwrap().unwrap();
    let found = (row.try_get("", "rows").unwrap(), row.try_get("", "repeats").unwrap());
    connection.close().await.unwrap();
    found
}
