//! The same event again: counted where it can be, and never a reason for others to wait.

use super::{NOW, delivery, number, raw};
use handoff_database::Database;
use handoff_domain::delivery::{DeliveryState, FinishedDelivery, NewDelivery};
use handoff_domain::id::WorkItemNumber;
use handoff_domain::port::{Appended, Inbox, InboxError, Store};
use handoff_domain::time::Timestamp;
use handoff_tests::database::TestDatabase;
use std::time::Duration;
use tokio::task::JoinSet;

handoff_tests::on_sqlite![an_event_that_comes_again_and_again_is_counted_each_time];

handoff_tests::on_postgres![
    a_repeat_of_a_delivery_that_somebody_is_about_to_end_holds_up_no_other,
    replicas_that_are_told_the_same_in_opposite_order_never_wait_for_each_other,
];

/// How long nobody waits for anybody.
const SOON: Duration = Duration::from_secs(2);
const LATER: Timestamp = NOW.offset_micros(60 * 1_000_000);

async fn append_all(
    database: &Database,
    deliveries: impl IntoIterator<Item = NewDelivery>,
) -> Vec<Result<Appended, InboxError>> {
    let append = |new| {
        let database = database.clone();
        async move { database.append(new).await }
    };
    deliveries.into_iter().map(append).collect::<JoinSet<_>>().join_all().await
}

/// How often an event came again.
async fn repeats(place: &TestDatabase, of: u32) -> i64 {
    let table = raw(place).await;
    let query = format!("SELECT CAST(duplicates AS bigint) AS n FROM deliveries WHERE idempotency_key = 'update {of}'");
    let count = number(&table, &query).await;
    table.close().await.unwrap();
    count
}

/// The same event as another delivery.
fn again(n: u32, as_delivery: u32) -> NewDelivery {
    NewDelivery { id: delivery(as_delivery).id, ..delivery(n) }
}

async fn an_event_that_comes_again_and_again_is_counted_each_time(place: TestDatabase) {
    let database = place.open().await.unwrap();
    let told = (0..300).map(|n| again(n % 2, n));
    let said = append_all(&database, told).await;
    assert_eq!(said.iter().filter(|said| **said == Ok(Appended::New)).count(), 2);
    assert_eq!((repeats(&place, 0).await, repeats(&place, 1).await), (149, 149));
    // On a delivery that somebody works on, too.
    let claimed = database.claim(NOW, LATER, 1).await.unwrap();
    assert_eq!(database.append(again(0, 500)).await, Ok(Appended::Duplicate));
    assert_eq!((claimed.len(), repeats(&place, 0).await), (1, 150));
}

async fn a_repeat_of_a_delivery_that_somebody_is_about_to_end_holds_up_no_other(place: TestDatabase) {
    let database = place.open().await.unwrap();
    database.append(delivery(0)).await.unwrap();
    let claimed = database.claim(NOW, LATER, 1).await.unwrap().remove(0);
    let mut ending = database.begin().await.unwrap();
    let (id, token) = (claimed.id, claimed.token);
    let ended = FinishedDelivery { id, token, state: DeliveryState::Applied, reason: None, at: LATER };
    ending.finish_deliveries(&[ended]).await.unwrap();
    let told = (1..=127).map(delivery).chain([again(0, 500)]);
    let said = tokio::time::timeout(SOON, append_all(&database, told)).await.unwrap();
    let count = |answer: &Result<_, _>| said.iter().filter(|said| *said == answer).count();
    assert_eq!((count(&Ok(Appended::New)), count(&Ok(Appended::Duplicate))), (127, 1), "{said:?}");
    ending.commit().await.unwrap();
    assert_eq!(database.append(again(0, 501)).await, Ok(Appended::Duplicate));
    assert_eq!(repeats(&place, 0).await, 1, "of the two, the one that nobody was waited for");
}

async fn replicas_that_are_told_the_same_in_opposite_order_never_wait_for_each_other(place: TestDatabase) {
    const ROUNDS: u32 = 30;
    const EVENTS: u32 = 100;
    let replicas = [place.open().await.unwrap(), place.open().await.unwrap()];
    for round in 0..ROUNDS {
        let small = |n: u32| NewDelivery {
            work_item: Some(WorkItemNumber::new(1)),
            payload: vec![0; 16],
            ..again(round * EVENTS + n, 2 * (round * EVENTS + n))
        };
        let other = |n: u32| NewDelivery { id: delivery(2 * (round * EVENTS + n) + 1).id, ..small(n) };
        let forwards = append_all(&replicas[0], (0..EVENTS).map(small));
        let backwards = append_all(&replicas[1], (0..EVENTS).rev().map(other));
        let (one, two) = tokio::join!(forwards, backwards);
        let said: Vec<Appended> = one.into_iter().chain(two).collect::<Result<_, _>>().unwrap();
        assert_eq!(said.iter().filter(|said| **said == Appended::New).count(), usize::try_from(EVENTS).unwrap());
    }
    for replica in replicas {
        replica.close().await.unwrap();
    }
    // Counted when the connections that met have ended.
    let deadlocks = "SELECT deadlocks AS n FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(number(&raw(&place).await, deadlocks).await, 0);
}
