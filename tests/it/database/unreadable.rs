//! Rows that are too large together, or not readable by this version: the rest goes on.

use super::{NOW, ORGANIZATION, delivery, organization};
use handoff_domain::delivery::NewDelivery;
use handoff_domain::hook::EventType;
use handoff_domain::id::{HookId, OutboxId};
use handoff_domain::outbox::{Lane, OutboxArm, OutboxState, OutboxTask};
use handoff_domain::page::PageRequest;
use handoff_domain::port::{Inbox, Outbox, Reader, Store};
use handoff_tests::database::TestDatabase;
use sea_orm::ConnectionTrait;
use std::time::Duration;
use uuid::Uuid;

handoff_tests::on_each_database![
    a_claim_takes_no_more_payload_than_fits_in_memory_and_leaves_the_rest_for_the_next,
    a_task_of_a_newer_version_is_given_up_on_and_holds_up_no_other,
    a_delivery_of_a_newer_version_is_given_up_on_and_holds_up_no_other,
];

const MINUTE: Duration = Duration::from_secs(60);

async fn a_claim_takes_no_more_payload_than_fits_in_memory_and_leaves_the_rest_for_the_next(place: TestDatabase) {
    let database = place.open().await.unwrap();
    for n in 1..=10 {
        database.append(NewDelivery { payload: vec![0; 10 << 20], ..delivery(n) }).await.unwrap();
    }
    let mut claims = Vec::new();
    while claims.iter().sum::<usize>() < 10 {
        claims.push(Inbox::claim(&database, NOW, NOW.plus(MINUTE), 64).await.unwrap().len());
    }
    assert_eq!(claims, [3, 3, 3, 1]);
    database.close().await.unwrap();
}

async fn a_task_of_a_newer_version_is_given_up_on_and_holds_up_no_other(place: TestDatabase) {
    let database = place.open().await.unwrap();
    let task = |n: u128| OutboxTask::DeleteSubscription { hook: HookId::from_uuid(Uuid::from_u128(n)) };
    let arm = |n: u128| OutboxArm {
        id: OutboxId::from_uuid(Uuid::from_u128(n)),
        organization: ORGANIZATION,
        project: None,
        task: task(n),
        due_at: NOW,
    };
    let mut uow = database.begin().await.unwrap();
    uow.insert_organization(&organization()).await.unwrap();
    uow.arm(&[arm(1), arm(2), arm(3)]).await.unwrap();
    uow.commit().await.unwrap();
    change(&place, "UPDATE outbox SET task = '{\"task\": \"from_the_future\"}' WHERE target LIKE '%0002'").await;
    let claimed = Outbox::claim(&database, Lane::Tracker, NOW, NOW.plus(MINUTE), 64).await.unwrap();
    assert_eq!(claimed.iter().map(|one| one.task.clone()).collect::<Vec<_>>(), [task(1), task(3)]);
    let shown = database.outbox(ORGANIZATION, None, PageRequest::first()).await.unwrap().items;
    assert_eq!(shown.len(), 2);
    assert_eq!(database.outbox(ORGANIZATION, Some(OutboxState::Dead), PageRequest::first()).await.unwrap().items, []);
    assert!(
        Outbox::claim(&database, Lane::Tracker, NOW.plus(MINUTE), NOW, 64).await.unwrap().len() == 2,
        "it is not leased again"
    );
    database.close().await.unwrap();
}

async fn a_delivery_of_a_newer_version_is_given_up_on_and_holds_up_no_other(place: TestDatabase) {
    let database = place.open().await.unwrap();
    for n in 1..=3 {
        database.append(delivery(n)).await.unwrap();
    }
    change(&place, "UPDATE deliveries SET event_type = 'workitem.exploded' WHERE work_item = 2").await;
    let claimed = Inbox::claim(&database, NOW, NOW.plus(MINUTE), 64).await.unwrap();
    assert_eq!(claimed.iter().map(|one| one.work_item.get()).collect::<Vec<_>>(), [1, 3]);
    assert!(claimed.iter().all(|one| one.event_type == EventType::WorkItemUpdated));
    assert_eq!(Inbox::claim(&database, NOW.plus(MINUTE), NOW, 64).await.unwrap().len(), 2);
    database.close().await.unwrap();
}

async fn change(place: &TestDatabase, sql: &str) {
    let connection = sea_orm::Database::connect(place.url()).await.unwrap();
    assert_eq!(connection.execute_unprepared(sql).await.unwrap().rows_affected(), 1);
    connection.close().await.unwrap();
}
