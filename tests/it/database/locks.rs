//! Locks of PostgreSQL, row by row: who must wait for whom, who must not, and what two that meet make of it.
//! SQLite has one writer, and none of these meetings.

use super::{raw, until_waiting};
use crate::store_contract::fixtures::*;
use handoff_database::Database;
use handoff_domain::assignee::{Assignee, ChangeSource};
use handoff_domain::group::Level;
use handoff_domain::hook::{Hook, HookStatus};
use handoff_domain::id::{GroupId, HookId};
use handoff_domain::integration::ConnectedProject;
use handoff_domain::port::{Reader, Store, StoreError, UnitOfWork};
use handoff_domain::service::assignments::Assignments;
use handoff_domain::service::groups::{Groups, NewGroup};
use handoff_domain::testing::{FixedClock, MemoryCache, SequentialEntropy, SilentWake};
use handoff_tests::database::TestDatabase;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use uuid::Uuid;

handoff_tests::on_postgres![
    of_two_that_wait_for_each_others_groups_one_is_told_to_run_again,
    groups_that_many_make_at_once_in_one_project_are_all_made,
    a_connection_is_needed_by_the_link_that_is_being_made,
    a_connection_that_is_found_unneeded_gets_no_link_any_more,
    a_project_that_is_connected_while_it_is_disconnected_is_connected_with_its_hooks,
    a_project_that_is_disconnected_while_it_is_connected_loses_the_new_hooks_too,
    choosing_a_slug_in_an_organization_holds_up_nothing_that_happens_to_its_groups,
];

/// What comes of it within two seconds.
async fn soon<T>(waiting: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(2), waiting).await.unwrap()
}

/// The world of the contract in a database.
async fn filled(place: &TestDatabase) -> Database {
    let database = place.open().await.unwrap();
    let shared: crate::store_contract::Shared = Arc::new(database.clone());
    world(&shared).await;
    database
}

async fn of_two_that_wait_for_each_others_groups_one_is_told_to_run_again(place: TestDatabase) {
    let (database, other) = (filled(&place).await, place.open().await.unwrap());
    let groups = [GROUP, group(2, 2).id];
    let mut uow = database.begin().await.unwrap();
    uow.insert_group(&group(2, 2)).await.unwrap();
    uow.commit().await.unwrap();
    let lock = async |mut uow: Box<dyn UnitOfWork>, id: GroupId| {
        let found = uow.lock_groups(&[id]).await?;
        uow.commit().await.map(|()| found.len())
    };
    let (mut one, mut two) = (database.begin().await.unwrap(), other.begin().await.unwrap());
    one.lock_groups(&groups[..1]).await.unwrap();
    two.lock_groups(&groups[1..]).await.unwrap();
    let (one, two) = soon(async { tokio::join!(lock(one, groups[1]), lock(two, groups[0])) }).await;
    let mut said = [one, two];
    said.sort_by_key(Result::is_err);
    assert_eq!(said, [Ok(1), Err(StoreError::Retry)]);
}

async fn groups_that_many_make_at_once_in_one_project_are_all_made(place: TestDatabase) {
    let database = filled(&place).await;
    let clock = Arc::new(FixedClock::at(NOW));
    let cache = Arc::new(MemoryCache::new(clock.clone()));
    let groups = Groups {
        assignments: Assignments {
            store: Arc::new(database.clone()),
            cache: cache.clone(),
            debounce: cache,
            wake: Arc::new(SilentWake),
            clock,
            entropy: Arc::new(SequentialEntropy::default()),
        },
    };
    let make = |groups: Groups| async move {
        let new = NewGroup { title: name("It breaks"), level: Level::Error };
        groups.create(ADAS, PROJECT, &new, ChangeSource::Api { by: None }).await.map(|made| made.group.number)
    };
    let mut uow = database.begin().await.unwrap();
    assert_eq!(uow.next_group_number(PROJECT).await.unwrap(), Some(1));
    uow.commit().await.unwrap();
    let made = (0..16).map(|_| make(groups.clone())).collect::<JoinSet<_>>().join_all().await;
    let mut numbers = made.into_iter().collect::<Result<Vec<_>, _>>().unwrap();
    numbers.sort_unstable();
    assert_eq!(numbers, (2..18).collect::<Vec<_>>());
}

/// A database whose work item is linked with nothing.
async fn unlinked(place: &TestDatabase) -> Database {
    let database = filled(place).await;
    let mut uow = database.begin().await.unwrap();
    assert!(uow.delete_link(ADAS, LINK).await.unwrap().is_some());
    uow.commit().await.unwrap();
    database
}

async fn a_connection_is_needed_by_the_link_that_is_being_made(place: TestDatabase) {
    let (database, watch) = (unlinked(&place).await, raw(&place).await);
    let mut linking = database.begin().await.unwrap();
    assert!(linking.hold_connected_project(INSTALLATION, &azure_project()).await.unwrap());
    linking.insert_link(&link(2, GROUP, ISSUE)).await.unwrap();
    let mut unlinking = database.begin().await.unwrap();
    let asked = tokio::spawn(async move { unlinking.unneeded_connections(ADAS, &[ISSUE]).await });
    until_waiting(&watch, 1).await;
    linking.commit().await.unwrap();
    assert_eq!(asked.await.unwrap(), Ok(vec![]));
    assert_eq!(database.connected_projects(ADAS, INSTALLATION).await.unwrap().len(), 1);
}

async fn a_connection_that_is_found_unneeded_gets_no_link_any_more(place: TestDatabase) {
    let (database, watch) = (unlinked(&place).await, raw(&place).await);
    let mut unlinking = database.begin().await.unwrap();
    assert_eq!(unlinking.unneeded_connections(ADAS, &[ISSUE]).await, Ok(vec![connected()]));
    let mut linking = database.begin().await.unwrap();
    let held = tokio::spawn(async move { linking.hold_connected_project(INSTALLATION, &azure_project()).await });
    until_waiting(&watch, 1).await;
    assert!(unlinking.delete_connected_project(INSTALLATION, &azure_project()).await.unwrap());
    unlinking.commit().await.unwrap();
    assert_eq!(held.await.unwrap(), Ok(false));
}

/// Connects as the use case does: the connection, and a hook that it has not yet.
async fn connect(mut uow: Box<dyn UnitOfWork>) -> Result<Box<dyn UnitOfWork>, StoreError> {
    uow.put_connected_project(&ConnectedProject { created_at: seconds(1), ..connected() }).await?;
    uow.lock_hooks(INSTALLATION, &azure_project()).await?;
    let new = Hook { id: HookId::from_uuid(Uuid::from_u128(2)), ..hook(HookStatus::Creating) };
    uow.put_hook(&new).await?;
    Ok(uow)
}

/// Disconnects as the use case does: every hook, and the connection.
async fn disconnect(mut uow: Box<dyn UnitOfWork>) -> Result<Box<dyn UnitOfWork>, StoreError> {
    for hook in uow.lock_hooks(INSTALLATION, &azure_project()).await? {
        uow.put_hook(&Hook { status: HookStatus::Deleted, ..hook }).await?;
    }
    uow.delete_connected_project(INSTALLATION, &azure_project()).await?;
    Ok(uow)
}

/// How many connections there are, and how many hooks.
async fn connections_and_hooks(database: &Database) -> (usize, usize) {
    let connections = database.connected_projects(ADAS, INSTALLATION).await.unwrap();
    (connections.len(), database.hooks(ADAS, INSTALLATION).await.unwrap().len())
}

async fn a_project_that_is_connected_while_it_is_disconnected_is_connected_with_its_hooks(place: TestDatabase) {
    let (database, watch) = (filled(&place).await, raw(&place).await);
    let first = disconnect(database.begin().await.unwrap()).await.unwrap();
    let second = database.begin().await.unwrap();
    let second = tokio::spawn(async move { connect(second).await?.commit().await });
    until_waiting(&watch, 1).await;
    first.commit().await.unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(connections_and_hooks(&database).await, (1, 1));
}

async fn a_project_that_is_disconnected_while_it_is_connected_loses_the_new_hooks_too(place: TestDatabase) {
    let (database, watch) = (filled(&place).await, raw(&place).await);
    let mut first = database.begin().await.unwrap();
    // All of it that locks anything before the hooks are looked at.
    first.put_connected_project(&connected()).await.unwrap();
    let second = database.begin().await.unwrap();
    let second = tokio::spawn(async move { disconnect(second).await?.commit().await });
    until_waiting(&watch, 1).await;
    connect(first).await.unwrap().commit().await.unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(connections_and_hooks(&database).await, (0, 0));
}

async fn choosing_a_slug_in_an_organization_holds_up_nothing_that_happens_to_its_groups(place: TestDatabase) {
    let database = filled(&place).await;
    let mut choosing = database.begin().await.unwrap();
    assert!(choosing.lock_organization(ADAS).await.unwrap());
    let happening = async {
        let mut uow = database.begin().await?;
        uow.insert_activities(&[activity(2)]).await?;
        uow.put_assignments(&[assigned(GROUP, Assignee::Team(TEAM))]).await?;
        uow.insert_group(&group(2, 2)).await?;
        uow.commit().await
    };
    assert_eq!(soon(happening).await, Ok(()));
    choosing.commit().await.unwrap();
}
