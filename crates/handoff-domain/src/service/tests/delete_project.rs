//! Delete Project: hidden is hidden, and one project that fails holds up no other.

use super::fixtures::{NOW, ORGANIZATION, PROJECT, commits, disk_full, group, state, store, unless, untold};
use crate::id::ProjectId;
use crate::port::StoreError;
use crate::port::store::{DoomedGroup, DoomedProject};
use crate::service::UseCaseError;
use crate::service::delete_project::{BATCHES_PER_CALL, DeleteProject};
use crate::slug::Slug;
use crate::testing::{
    FixedClock, MockAssigneeExistsCache, MockOwnershipDebounce, MockReader, MockUnitOfWork, MockWake, SequentialEntropy,
};
use std::sync::Arc;

fn service(
    uows: Vec<MockUnitOfWork>,
    doomed: Vec<DoomedProject>,
    (cache, debounce): (MockAssigneeExistsCache, MockOwnershipDebounce),
    wake: MockWake,
) -> DeleteProject {
    let mut reader = MockReader::new();
    reader.expect_doomed_projects().returning(move |_| Ok(doomed.clone()));
    DeleteProject {
        store: Arc::new(store(uows)),
        reader: Arc::new(reader),
        cache: Arc::new(cache),
        debounce: Arc::new(debounce),
        wake: Arc::new(wake),
        clock: Arc::new(FixedClock::at(NOW)),
        entropy: Arc::new(SequentialEntropy::default()),
    }
}

fn doomed(id: i64) -> DoomedProject {
    DoomedProject {
        id: ProjectId::new(id),
        organization: ORGANIZATION,
        slug: Slug::parse("shop").unwrap(),
        hidden_at: NOW,
    }
}

fn hiding(found: bool, fails: &'static str) -> MockUnitOfWork {
    let mut uow = MockUnitOfWork::new();
    uow.expect_delete_tracking_rules_of().returning(|_| Ok(Vec::new()));
    uow.expect_hide_project()
        .returning(move |_, id, _| unless(fails, "hide").map(|()| found.then(|| doomed(id.get()))));
    commits(&mut uow, fails);
    uow
}

#[tokio::test]
async fn a_hidden_project_is_a_success_and_purged_even_if_its_cache_cannot_be_cleared() {
    let mut broken = MockUnitOfWork::new();
    broken.expect_groups_seen_since().returning(|_, _, _, _| Err(disk_full()));
    let mut wake = MockWake::new();
    wake.expect_purge().times(1).return_const(());
    let service = service(vec![hiding(true, ""), broken], Vec::new(), untold(), wake);
    assert_eq!(service.delete_project(ORGANIZATION, PROJECT).await, Ok(()));
}

#[tokio::test]
async fn what_could_not_be_hidden_wakes_nobody_and_leaves_the_caches() {
    for fails in ["hide", "commit"] {
        let service = service(vec![hiding(true, fails)], Vec::new(), untold(), MockWake::new());
        let done = service.delete_project(ORGANIZATION, PROJECT).await;
        assert_eq!(done, Err(UseCaseError::Store(disk_full())), "{fails}");
    }
    let service = service(vec![hiding(false, "")], Vec::new(), untold(), MockWake::new());
    let done = service.delete_project(ORGANIZATION, PROJECT).await;
    assert_eq!(done, Err(UseCaseError::NotFound { what: "project" }));
}

/// A unit of work that takes a project's last row.
fn last(answer: Result<(), StoreError>) -> MockUnitOfWork {
    let mut uow = MockUnitOfWork::new();
    uow.expect_doomed_groups().returning(|_, _| Ok(Vec::new()));
    commits(&mut uow, if answer.is_ok() { "" } else { "deletion" });
    uow.expect_delete_project().return_once(move |_| answer);
    uow
}

#[tokio::test]
async fn one_project_that_cannot_be_taken_apart_holds_up_no_other() {
    let uows = vec![last(Err(disk_full())), last(Ok(()))];
    let both = service(uows, vec![doomed(1), doomed(2)], untold(), MockWake::new());
    assert_eq!(both.purge_projects().await, Ok(1));
    let alone = service(vec![last(Err(disk_full()))], vec![doomed(1)], untold(), MockWake::new());
    assert_eq!(alone.purge_projects().await, Err(disk_full()), "nothing is gone");
}

#[tokio::test]
async fn groups_are_forgotten_by_the_caches_only_once_they_are_gone() {
    for fails in ["", "groups", "commit"] {
        let mut uow = MockUnitOfWork::new();
        uow.expect_doomed_groups()
            .returning(|_, _| Ok(vec![DoomedGroup { group: state(None).group, cards: Vec::new(), links: Vec::new() }]));
        uow.expect_delete_groups().returning(move |_| unless(fails, "groups"));
        commits(&mut uow, fails);
        let (mut caches, mut wake) = (untold(), MockWake::new());
        let mut uows = vec![uow];
        if fails.is_empty() {
            caches = (MockAssigneeExistsCache::new(), MockOwnershipDebounce::new());
            caches.0.expect_invalidate().withf(|groups| groups == [group()]).times(1).return_const(());
            caches.1.expect_forget().withf(|groups| groups == [group()]).times(1).return_const(());
            wake.expect_outbox().times(1).return_const(());
            uows.push(last(Ok(())));
        }
        let done = service(uows, vec![doomed(1)], caches, wake).purge_projects().await;
        assert_eq!(done, if fails.is_empty() { Ok(2) } else { Err(disk_full()) }, "{fails}");
    }
}

#[tokio::test]
async fn one_call_does_a_bounded_number_of_batches_of_each_project_in_turn() {
    let part = |number| {
        let mut uow = MockUnitOfWork::new();
        uow.expect_doomed_groups()
            .withf(move |project, _| *project == ProjectId::new(number))
            .times(1)
            .returning(|_, _| Ok(vec![DoomedGroup { group: state(None).group, cards: Vec::new(), links: Vec::new() }]));
        uow.expect_delete_groups().returning(|_| Ok(()));
        commits(&mut uow, "");
        uow
    };
    let uows = (0..BATCHES_PER_CALL).map(|n| part(if n % 2 == 0 { 1 } else { 2 })).collect();
    let (mut cache, mut debounce, mut wake) =
        (MockAssigneeExistsCache::new(), MockOwnershipDebounce::new(), MockWake::new());
    cache.expect_invalidate().return_const(());
    debounce.expect_forget().return_const(());
    wake.expect_outbox().return_const(());
    let endless = service(uows, vec![doomed(1), doomed(2)], (cache, debounce), wake);
    assert_eq!(endless.purge_projects().await, Ok(BATCHES_PER_CALL), "more is left");
    let nothing = service(Vec::new(), Vec::new(), untold(), MockWake::new());
    assert_eq!(nothing.purge_projects().await, Ok(0));
}
