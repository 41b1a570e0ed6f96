//! Leases by name, and the schedule of the connected projects.

use super::fixtures::*;
use super::{Shared, on_every_backend};
use handoff_domain::id::{InstallationId, WorkItemNumber};
use handoff_domain::integration::Chore;
use handoff_domain::port::StoreError;
use handoff_domain::time::Timestamp;
use uuid::Uuid;

on_every_backend![
    a_lease_is_one_holders_until_it_runs_out_and_each_has_a_larger_token,
    who_lost_a_lease_writes_nothing_under_it_keeps_it_no_longer_and_frees_it_not,
    of_many_who_take_a_lease_at_once_one_has_it,
    chores_are_due_since_a_project_was_connected_and_then_when_they_were_put_off_to,
    a_new_credential_has_the_hooks_of_its_own_projects_looked_at,
    the_linked_work_items_of_a_project_come_in_pages,
];

const WATCH: &str = "watch";

async fn a_lease_is_one_holders_until_it_runs_out_and_each_has_a_larger_token(store: Shared) {
    let first = store.take(WATCH, NOW, seconds(60)).await.unwrap().unwrap();
    assert_eq!(first.name, WATCH);
    assert_eq!(store.take(WATCH, seconds(59), seconds(99)).await, Ok(None));
    let other = store.take("another", NOW, seconds(60)).await.unwrap();
    assert!(other.is_some(), "each name is a lease of its own");
    assert_eq!(store.extend(&first, seconds(120)).await, Ok(true));
    assert_eq!(store.take(WATCH, seconds(119), seconds(200)).await, Ok(None));
    let second = store.take(WATCH, seconds(120), seconds(200)).await.unwrap().unwrap();
    assert!(second.token > first.token);
    store.give_back(&second).await.unwrap();
    let third = store.take(WATCH, seconds(121), seconds(200)).await.unwrap().unwrap();
    assert!(third.token > second.token);
}

async fn who_lost_a_lease_writes_nothing_under_it_keeps_it_no_longer_and_frees_it_not(store: Shared) {
    let lost = store.take(WATCH, NOW, seconds(60)).await.unwrap().unwrap();
    let mut uow = begin(&store).await;
    assert_eq!(uow.hold_singleton(&lost).await, Ok(()));
    drop(uow);
    let held = store.take(WATCH, seconds(60), seconds(120)).await.unwrap().unwrap();
    let mut uow = begin(&store).await;
    assert_eq!(uow.hold_singleton(&lost).await, Err(StoreError::LeaseLost));
    drop(uow);
    let mut uow = begin(&store).await;
    assert_eq!(uow.hold_singleton(&held).await, Ok(()));
    drop(uow);
    assert_eq!(store.extend(&lost, seconds(999)).await, Ok(false));
    store.give_back(&lost).await.unwrap();
    assert_eq!(store.take(WATCH, seconds(119), seconds(200)).await, Ok(None));
}

async fn of_many_who_take_a_lease_at_once_one_has_it(store: Shared) {
    let take = || {
        let store = store.clone();
        tokio::spawn(async move { store.take(WATCH, NOW, seconds(60)).await.unwrap() })
    };
    let all: Vec<_> = (0..8).map(|_| take()).collect();
    let mut taken = 0;
    for one in all {
        taken += usize::from(one.await.unwrap().is_some());
    }
    assert_eq!(taken, 1);
}

async fn due(store: &Shared, chore: Chore, at: Timestamp) -> usize {
    store.due_projects(chore, at, 9).await.unwrap().len()
}

async fn chores_are_due_since_a_project_was_connected_and_then_when_they_were_put_off_to(store: Shared) {
    world(&store).await;
    for chore in [Chore::LookAtHooks, Chore::Reconcile] {
        assert_eq!(store.due_projects(chore, NOW, 9).await.unwrap()[0].project, connected());
        assert_eq!(due(&store, chore, seconds(-1)).await, 0);
    }
    let mut uow = begin(&store).await;
    uow.schedule(INSTALLATION, &azure_project(), Chore::LookAtHooks, seconds(60)).await.unwrap();
    uow.commit().await.unwrap();
    assert_eq!(due(&store, Chore::LookAtHooks, seconds(59)).await, 0);
    assert_eq!(due(&store, Chore::LookAtHooks, seconds(60)).await, 1);
    assert_eq!(due(&store, Chore::Reconcile, NOW).await, 1, "each has its own time");
    assert!(store.due_projects(Chore::Reconcile, NOW, 0).await.unwrap().is_empty());
    let mut uow = begin(&store).await;
    // Connecting again puts nothing off.
    uow.put_connected_project(&connected()).await.unwrap();
    uow.commit().await.unwrap();
    assert_eq!(due(&store, Chore::LookAtHooks, seconds(59)).await, 0);
    let mut uow = begin(&store).await;
    assert!(uow.delete_connected_project(INSTALLATION, &azure_project()).await.unwrap());
    uow.schedule(INSTALLATION, &azure_project(), Chore::Reconcile, NOW).await.unwrap();
    uow.commit().await.unwrap();
    assert_eq!(due(&store, Chore::Reconcile, seconds(99)).await, 0);
}

async fn a_new_credential_has_the_hooks_of_its_own_projects_looked_at(store: Shared) {
    world(&store).await;
    let is_new = async || store.due_projects(Chore::LookAtHooks, seconds(99), 9).await.unwrap()[0].new_credential;
    assert!(!is_new().await);
    let mut uow = begin(&store).await;
    uow.schedule(INSTALLATION, &azure_project(), Chore::LookAtHooks, seconds(60)).await.unwrap();
    uow.look_with_new_credential(InstallationId::from_uuid(Uuid::from_u128(99)), NOW).await.unwrap();
    uow.commit().await.unwrap();
    assert!(!is_new().await, "somebody else's");
    let mut uow = begin(&store).await;
    uow.look_with_new_credential(INSTALLATION, seconds(5)).await.unwrap();
    uow.commit().await.unwrap();
    assert!(is_new().await);
    assert_eq!(
        (due(&store, Chore::LookAtHooks, seconds(4)).await, due(&store, Chore::LookAtHooks, seconds(5)).await),
        (0, 1)
    );
    let mut uow = begin(&store).await;
    uow.looked_with_credential(INSTALLATION, &azure_project()).await.unwrap();
    uow.commit().await.unwrap();
    assert!(!is_new().await);
}

async fn the_linked_work_items_of_a_project_come_in_pages(store: Shared) {
    world(&store).await;
    let mut uow = begin(&store).await;
    for number in [7, 50, 51] {
        let id = 100 + u128::try_from(number).unwrap();
        uow.put_external_issues(&[issue(id, number)]).await.unwrap();
        uow.insert_link(&link(id, GROUP, issue(id, number).id)).await.unwrap();
    }
    uow.commit().await.unwrap();
    let page = async |after: Option<i64>, limit| {
        let after = after.map(WorkItemNumber::new);
        let found = store.linked_work_items(ADAS, INTEGRATION, &azure_project(), after, limit).await.unwrap();
        found.into_iter().map(WorkItemNumber::get).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 2).await, [7, 42]);
    assert_eq!(page(Some(42), 2).await, [50, 51]);
    assert!(page(Some(51), 2).await.is_empty());
}
