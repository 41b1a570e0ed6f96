//! Leasing on PostgreSQL while others end the same deliveries: it neither waits for them nor takes what ended.

use super::{delivery, number, raw, until_waiting};
use handoff_database::Database;
use handoff_domain::delivery::{ClaimedDelivery, DeliveryState, FinishedDelivery};
use handoff_domain::id::DeliveryId;
use handoff_domain::port::{Inbox, Store, StoreError, UnitOfWork};
use handoff_domain::time::Timestamp;
use handoff_tests::database::TestDatabase;
use sea_orm::ConnectionTrait;
use std::time::Duration;
use tokio::task::JoinSet;

handoff_tests::on_postgres![
    a_delivery_that_somebody_is_about_to_end_is_left_out_and_not_waited_for,
    a_delivery_that_ended_after_it_was_chosen_is_not_leased,
    nothing_that_has_ended_is_leased_however_many_lease_and_end_at_once,
];

/// This many seconds after every delivery arrived, when every lease of the second before has run out.
fn at(seconds: i64) -> Timestamp {
    super::NOW.offset_micros(seconds * 1_000_000)
}

async fn leased(database: &Database, second: i64) -> Vec<ClaimedDelivery> {
    database.claim(at(second), at(second + 1), 50).await.unwrap()
}

fn ids(claimed: &[ClaimedDelivery]) -> Vec<DeliveryId> {
    claimed.iter().map(|one| one.id).collect()
}

async fn end(uow: &mut dyn UnitOfWork, claimed: &[ClaimedDelivery]) -> Result<(), StoreError> {
    let ended = |one: &ClaimedDelivery| {
        let (id, token) = (one.id, one.token);
        FinishedDelivery { id, token, state: DeliveryState::Applied, reason: None, at: at(9) }
    };
    uow.finish_deliveries(&claimed.iter().map(ended).collect::<Vec<_>>()).await
}

async fn a_delivery_that_somebody_is_about_to_end_is_left_out_and_not_waited_for(place: TestDatabase) {
    let database = place.open().await.unwrap();
    for n in 1..=3 {
        database.append(delivery(n)).await.unwrap();
    }
    let slow = leased(&database, 1).await;
    let mut ending = database.begin().await.unwrap();
    end(ending.as_mut(), &slow[..1]).await.unwrap();
    // Nobody ends the first while this waits for it.
    let next = tokio::time::timeout(Duration::from_secs(1), leased(&database, 2)).await.unwrap();
    assert_eq!(ids(&next), ids(&slow[1..]));
    ending.commit().await.unwrap();
    assert_eq!(ids(&leased(&database, 3).await), ids(&slow[1..]));
}

async fn a_delivery_that_ended_after_it_was_chosen_is_not_leased(place: TestDatabase) {
    let database = place.open().await.unwrap();
    for n in 1..=2 {
        database.append(delivery(n)).await.unwrap();
    }
    // What chooses reads past this lock, and what leases waits for it.
    let (other, watch) = (raw(&place).await, raw(&place).await);
    other.execute_unprepared("BEGIN; LOCK TABLE deliveries IN EXCLUSIVE MODE").await.unwrap();
    let leasing = tokio::spawn({
        let database = database.clone();
        async move { leased(&database, 1).await }
    });
    until_waiting(&watch, 1).await;
    let ended = "UPDATE deliveries SET state = 'applied', finished_at = 0 WHERE idempotency_key = 'update 1'; COMMIT";
    other.execute_unprepared(ended).await.unwrap();
    assert_eq!(ids(&leasing.await.unwrap()), [delivery(2).id]);
}

async fn nothing_that_has_ended_is_leased_however_many_lease_and_end_at_once(place: TestDatabase) {
    const DELIVERIES: u32 = 120;
    let (database, watch) = (place.open().await.unwrap(), raw(&place).await);
    let append = |n| {
        let database = database.clone();
        async move { database.append(delivery(n)).await.unwrap() }
    };
    (0..DELIVERIES).map(append).collect::<JoinSet<_>>().join_all().await;
    // Each lease has run out when the next worker comes: many end what others lease.
    let work = |worker: i64| {
        let database = database.clone();
        async move {
            let mut ended = 0;
            for round in 0..12 {
                for claimed in leased(&database, 1 + worker + 4 * round).await.chunks(5) {
                    let mut uow = database.begin().await.unwrap();
                    match end(uow.as_mut(), claimed).await {
                        Ok(()) => {
                            uow.commit().await.unwrap();
                            ended += claimed.len();
                        }
                        Err(error) => assert_eq!(error, StoreError::LeaseLost),
                    }
                }
            }
            ended
        }
    };
    let ended: usize = (0..4).map(work).collect::<JoinSet<_>>().join_all().await.into_iter().sum();
    let twice = "SELECT count(*) AS n FROM deliveries WHERE state <> 'pending' AND lease_token IS NOT NULL";
    assert_eq!(number(&watch, twice).await, 0);
    let applied = number(&watch, "SELECT count(*) AS n FROM deliveries WHERE state = 'applied'").await;
    assert_eq!(i64::try_from(ended).unwrap(), applied);
}
