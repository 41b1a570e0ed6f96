//! Hidden projects, and taking them apart.

use super::fixtures::*;
use super::{Shared, on_every_backend};
use handoff_domain::outbox::{OutboxState, OutboxTask};
use handoff_domain::page::PageRequest;
use handoff_domain::port::StoreError;
use handoff_domain::project::NotificationSetting;
use std::collections::HashSet;

on_every_backend![
    a_hidden_project_is_absent_for_everyone_but_the_worker,
    the_slug_of_a_hidden_project_is_free,
    a_project_is_deleted_with_all_that_hangs_on_it_once_its_groups_are,
    what_closes_cards_and_deletes_hooks_outlives_its_project,
];

async fn hide(store: &Shared) {
    let mut uow = begin(store).await;
    let doomed = uow.hide_project(ADAS, PROJECT, NOW).await.unwrap().unwrap();
    assert_eq!((doomed.slug, doomed.hidden_at), (slug("mill"), NOW));
    uow.commit().await.unwrap();
}

async fn a_hidden_project_is_absent_for_everyone_but_the_worker(store: Shared) {
    world(&store).await;
    hide(&store).await;
    assert_eq!(store.project(ADAS, PROJECT).await.unwrap(), None);
    assert_eq!(store.project_by_slug(ADAS, &slug("mill")).await.unwrap(), None);
    assert!(store.projects(ADAS, PageRequest::first()).await.unwrap().items.is_empty());
    assert!(store.groups(ADAS, PROJECT, PageRequest::first()).await.unwrap().items.is_empty());
    assert_eq!(store.group(ADAS, GROUP).await.unwrap(), None);
    assert!(store.activities(ADAS, GROUP, PageRequest::first()).await.unwrap().items.is_empty());
    assert!(store.links(ADAS, GROUP).await.unwrap().is_empty());
    assert_eq!(store.link(ADAS, LINK).await.unwrap(), None);
    assert!(store.linked_work_items(ADAS, INTEGRATION, &azure_project(), None, 9).await.unwrap().is_empty());
    assert!(store.unresolved_links(ADAS, PageRequest::first()).await.unwrap().items.is_empty());
    assert!(store.routes(ADAS, PROJECT, PageRequest::first()).await.unwrap().items.is_empty());
    assert_eq!(store.route(ADAS, ROUTE).await.unwrap(), None);
    assert!(store.project_teams(ADAS, PROJECT).await.unwrap().is_empty());
    assert_eq!(store.doomed_projects(10).await.unwrap()[0].id, PROJECT);
    let mut uow = begin(&store).await;
    assert_eq!(uow.hold_project(ADAS, PROJECT).await.unwrap(), None);
    assert_eq!(uow.hide_project(ADAS, PROJECT, NOW).await.unwrap(), None);
    assert_eq!(uow.next_group_number(PROJECT).await.unwrap(), None);
    assert!(uow.lock_groups(&[GROUP]).await.unwrap().is_empty());
    assert!(uow.links_of(&[ISSUE]).await.unwrap().is_empty());
    uow.insert_mapping(&mapping(9, Some("g1"), Some("eve@example.org"), ADA)).await.unwrap();
    assert!(uow.items_waiting_for(ADAS, &[ADA]).await.unwrap().is_empty());
    uow.set_problems(&[(LINK, Some("nobody".to_owned()))]).await.unwrap();
    assert!(uow.troubled_items(ADAS, &[ADA]).await.unwrap().is_empty());
    assert_eq!(uow.card_source(GROUP, ROUTE).await.unwrap(), None);
    assert_eq!(uow.groups_seen_since(PROJECT, NOW, None, 10).await.unwrap(), [GROUP]);
}

async fn the_slug_of_a_hidden_project_is_free(store: Shared) {
    world(&store).await;
    let taken = || HashSet::from([slug("mill")]);
    let mut uow = begin(&store).await;
    assert_eq!(uow.taken_slugs(ADAS, &[slug("mill"), slug("loom")]).await.unwrap(), taken());
    assert!(uow.taken_slugs(BOBS, &[slug("mill")]).await.unwrap().is_empty());
    uow.hide_project(ADAS, PROJECT, NOW).await.unwrap();
    assert!(uow.taken_slugs(ADAS, &[slug("mill")]).await.unwrap().is_empty());
    uow.insert_project(&project(0, "mill")).await.unwrap();
}

async fn a_project_is_deleted_with_all_that_hangs_on_it_once_its_groups_are(store: Shared) {
    world(&store).await;
    let setting = NotificationSetting { project: PROJECT, user: ADA, mention: false };
    let mut uow = begin(&store).await;
    uow.put_notification_setting(&setting).await.unwrap();
    assert_eq!(uow.muted(&[(ADA, PROJECT), (BOB, PROJECT)]).await.unwrap(), HashSet::from([(ADA, PROJECT)]));
    uow.delete_project(PROJECT).await.unwrap();
    assert!(uow.doomed_groups(PROJECT, 10).await.unwrap().is_empty());
    uow.commit().await.unwrap();
    hide(&store).await;
    let mut uow = begin(&store).await;
    assert!(matches!(uow.delete_project(PROJECT).await, Err(StoreError::Conflict { .. })));
    drop(uow);
    let mut uow = begin(&store).await;
    let doomed = uow.doomed_groups(PROJECT, 10).await.unwrap().remove(0);
    assert_eq!((doomed.group.id, doomed.cards.len(), doomed.links.len()), (GROUP, 1, 1));
    uow.delete_unlinked_external_issues(&[ISSUE]).await.unwrap();
    assert_eq!(uow.lock_external_issues(&[(INTEGRATION, ITEM)]).await.unwrap().len(), 1);
    assert!(uow.unneeded_connections(ADAS, &[ISSUE]).await.unwrap().is_empty());
    uow.delete_groups(&[GROUP]).await.unwrap();
    assert_eq!(uow.unneeded_connections(ADAS, &[ISSUE]).await.unwrap(), [connected()]);
    uow.delete_unlinked_external_issues(&[ISSUE]).await.unwrap();
    assert!(uow.lock_external_issues(&[(INTEGRATION, ITEM)]).await.unwrap().is_empty());
    uow.delete_project(PROJECT).await.unwrap();
    assert!(uow.routes_of(&[PROJECT]).await.unwrap().is_empty());
    assert!(uow.muted(&[(ADA, PROJECT)]).await.unwrap().is_empty());
    assert!(uow.project_members(&[(ADA, PROJECT)]).await.unwrap().is_empty());
    assert_eq!(uow.delete_link(ADAS, LINK).await.unwrap(), None);
    uow.commit().await.unwrap();
    assert!(store.doomed_projects(10).await.unwrap().is_empty());
    let row = store.outbox(ADAS, None, PageRequest::first()).await.unwrap().items.remove(0);
    assert_eq!((row.state, row.reason.as_deref()), (OutboxState::Obsolete, Some("its group was deleted")));
}

async fn what_closes_cards_and_deletes_hooks_outlives_its_project(store: Shared) {
    people(&store).await;
    hide(&store).await;
    let refresh = OutboxTask::RefreshWorkItem { integration: INTEGRATION, installation: INSTALLATION, work_item: ITEM };
    let mut uow = begin(&store).await;
    uow.arm(&[arm(1, refresh), arm(2, OutboxTask::DeleteSubscription { hook: HOOK })]).await.unwrap();
    uow.delete_project(PROJECT).await.unwrap();
    uow.commit().await.unwrap();
    let rows = store.outbox(ADAS, None, PageRequest::first()).await.unwrap().items;
    let states: Vec<_> = rows.iter().map(|row| (row.task.kind(), row.state)).collect();
    let expected = [("delete_subscription", OutboxState::Pending), ("refresh_work_item", OutboxState::Obsolete)];
    assert_eq!(states, expected);
}
