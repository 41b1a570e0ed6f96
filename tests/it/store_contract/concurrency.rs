//! Many at once: nobody gets what somebody else has, and nothing is lost.

use super::fixtures::*;
use super::{Shared, on_every_backend};
use handoff_domain::delivery::NewDelivery;
use handoff_domain::id::WorkItemNumber;
use handoff_domain::outbox::{Lane, OutboxArm, OutboxTask};
use handoff_domain::port::{Appended, Inbox, Outbox};
use std::collections::BTreeSet;
use std::future::Future;
use tokio::task::JoinSet;

on_every_backend![
    numbers_taken_by_many_at_once_are_given_to_each_and_twice_to_nobody,
    ids_of_zero_that_are_asked_for_at_once_after_an_import_are_all_different,
    workers_that_lease_tasks_at_once_never_get_the_same_one,
    workers_that_lease_deliveries_at_once_get_each_work_item_once,
    deliveries_that_arrive_at_once_are_all_stored_and_their_repeats_counted,
    a_target_that_many_arm_at_once_is_one_row_whose_generation_counted_them,
];

/// Runs as many tasks at once, and collects what they say.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    tasks: impl IntoIterator<Item = F>,
) -> Vec<T> {
    tasks.into_iter().collect::<JoinSet<T>>().join_all().await
}

async fn numbers_taken_by_many_at_once_are_given_to_each_and_twice_to_nobody(store: Shared) {
    people(&store).await;
    let take = |store: Shared| async move {
        let mut uow = begin(&store).await;
        let seen = uow.users(&[ADA]).await.unwrap();
        let number = uow.next_group_number(PROJECT).await.unwrap();
        uow.commit().await.unwrap();
        number.filter(|_| seen.len() == 1)
    };
    let mut numbers = at_once((0..32).map(|_| take(store.clone()))).await;
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=32).map(Some).collect::<Vec<_>>());
}

async fn ids_of_zero_that_are_asked_for_at_once_after_an_import_are_all_different(store: Shared) {
    people(&store).await;
    let ask = |store: Shared| async move {
        let mut uow = begin(&store).await;
        let given = uow.insert_user(&user(0, "Eve")).await.unwrap();
        uow.commit().await.unwrap();
        given
    };
    for import in [20, 60, 100] {
        let mut uow = begin(&store).await;
        uow.insert_user(&user(import, "Imported")).await.unwrap();
        uow.commit().await.unwrap();
        let given = at_once((0..24).map(|_| ask(store.clone()))).await;
        assert_eq!(given.iter().collect::<BTreeSet<_>>().len(), 24);
        assert!(given.iter().all(|id| id.get() > import));
    }
}

async fn workers_that_lease_tasks_at_once_never_get_the_same_one(store: Shared) {
    people(&store).await;
    let row = |n: i64| {
        let task = OutboxTask::RefreshWorkItem {
            integration: INTEGRATION,
            installation: INSTALLATION,
            work_item: WorkItemNumber::new(n),
        };
        OutboxArm { due_at: seconds(-n), ..arm(u128::try_from(n).unwrap(), task) }
    };
    let mut uow = begin(&store).await;
    uow.arm(&(1..=90).map(row).collect::<Vec<_>>()).await.unwrap();
    uow.commit().await.unwrap();
    let work = |store: Shared| async move {
        let mut leased = Vec::new();
        loop {
            let claimed = Outbox::claim(&*store, Lane::Tracker, NOW, seconds(60), 7).await.unwrap();
            if claimed.is_empty() {
                return leased;
            }
            leased.extend(claimed.into_iter().map(|task| (task.id, task.token)));
        }
    };
    let leased: Vec<_> = at_once((0..8).map(|_| work(store.clone()))).await.concat();
    assert_eq!(leased.len(), 90);
    assert_eq!(leased.iter().map(|(id, _)| id).collect::<BTreeSet<_>>().len(), 90, "each row once");
    assert_eq!(leased.iter().map(|(_, token)| token).collect::<BTreeSet<_>>().len(), 90, "each lease its token");
}

async fn workers_that_lease_deliveries_at_once_get_each_work_item_once(store: Shared) {
    people(&store).await;
    for id in 1..=60 {
        store.append(delivery(id, i64::from(id % 20))).await.unwrap();
    }
    let work = |store: Shared| async move {
        let mut leased = Vec::new();
        loop {
            let claimed = Inbox::claim(&*store, seconds(100), seconds(160), 3).await.unwrap();
            if claimed.is_empty() {
                return leased;
            }
            leased.extend(claimed.into_iter().map(|one| (one.work_item, one.token)));
        }
    };
    let leased: Vec<_> = at_once((0..8).map(|_| work(store.clone()))).await.concat();
    assert_eq!(leased.len(), 20);
    assert_eq!(leased.iter().map(|(item, _)| item).collect::<BTreeSet<_>>().len(), 20, "each work item once");
    assert_eq!(leased.iter().map(|(_, token)| token).collect::<BTreeSet<_>>().len(), 20, "each lease its token");
}

async fn deliveries_that_arrive_at_once_are_all_stored_and_their_repeats_counted(store: Shared) {
    tracker(&store).await;
    let new = |n: u16| {
        let key = Some(format!("event {}", n % 40));
        NewDelivery { idempotency_key: key, arm: Some(arm(1000 + u128::from(n), card_task())), ..delivery(n, 42) }
    };
    let append = |store: Shared, new: NewDelivery| async move { store.append(new).await.unwrap() };
    let said = at_once((1..=120).map(|n| append(store.clone(), new(n)))).await;
    assert_eq!(said.iter().filter(|said| **said == Appended::New).count(), 40);
    let kept = all_deliveries(&store).await;
    assert_eq!(kept.iter().map(|one| one.duplicates).collect::<Vec<_>>(), [2; 40]);
    let claimed = Outbox::claim(&*store, Lane::Messages, NOW, seconds(60), 10).await.unwrap();
    assert_eq!(claimed.iter().map(|task| task.generation).collect::<Vec<_>>(), [40], "what repeats bring is not armed");
}

async fn a_target_that_many_arm_at_once_is_one_row_whose_generation_counted_them(store: Shared) {
    people(&store).await;
    let one = |store: Shared, id| async move {
        let mut uow = begin(&store).await;
        uow.arm(&[arm(id, card_task())]).await.unwrap();
        uow.commit().await.unwrap();
    };
    at_once((1..=16).map(|id| one(store.clone(), id))).await;
    let claimed = Outbox::claim(&*store, Lane::Messages, NOW, seconds(60), 10).await.unwrap();
    assert_eq!(claimed.iter().map(|task| task.generation).collect::<Vec<_>>(), [16]);
}
