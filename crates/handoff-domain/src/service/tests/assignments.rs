//! Assign and Deassign: all or nothing, and the caches hear only of what was committed.

use super::fixtures::{self, ADA, BOB, ORGANIZATION, TICKET, commits, group, state, store, untold, user, writes};
use crate::assignee::{Assignee, ChangeSource};
use crate::id::{GroupId, OrganizationId, UserId};
use crate::organization::User;
use crate::port::{FillTicket, StoreError};
use crate::service::assign::Assigned;
use crate::service::{Assignments, UseCaseError};
use crate::testing::{MockAssigneeExistsCache, MockOwnershipDebounce, MockUnitOfWork};

const API: ChangeSource = ChangeSource::Api { by: None };

/// A unit of work in which Bob has the group and Ada may have it. `fails` names the write that fails.
fn unit_of_work(assignee: Option<UserId>, fails: &'static str) -> MockUnitOfWork {
    let mut uow = MockUnitOfWork::new();
    uow.expect_lock_groups().returning(move |_| Ok(vec![state(assignee)]));
    uow.expect_users().returning(move |ids| Ok(ids.iter().map(|id| user(*id)).collect()));
    uow.expect_project_members().returning(|pairs| Ok(pairs.iter().copied().collect()));
    uow.expect_routes_of().returning(|_| Ok(Vec::new()));
    uow.expect_outward_links().returning(|_| Ok(Vec::new()));
    uow.expect_muted().returning(|_| Ok(Default::default()));
    writes(&mut uow, fails);
    commits(&mut uow, fails);
    uow
}

/// The service over one unit of work.
fn assignments(uow: MockUnitOfWork, cache: MockAssigneeExistsCache, debounce: MockOwnershipDebounce) -> Assignments {
    fixtures::assignments(store(vec![uow]), (cache, debounce), false)
}

#[tokio::test]
async fn assign_commits_once_and_writes_the_cache_through() {
    let mut cache = MockAssigneeExistsCache::new();
    cache.expect_begin_fill().returning(|| TICKET);
    let written = |ticket: &FillTicket, rows: &[(GroupId, bool)]| *ticket == TICKET && rows == [(group(), true)];
    cache.expect_fill().withf(written).times(1).return_const(());
    let service = assignments(unit_of_work(Some(BOB), ""), cache, MockOwnershipDebounce::new());
    let done = service.assign(ORGANIZATION, group(), Assignee::User(ADA), API).await;
    assert_eq!(done, Ok(Assigned::Reassigned));
}

#[tokio::test]
async fn deassign_commits_once_and_clears_both_ownership_caches() {
    let (mut cache, mut debounce) = (MockAssigneeExistsCache::new(), MockOwnershipDebounce::new());
    cache.expect_begin_fill().returning(|| TICKET);
    cache.expect_invalidate().withf(|groups| groups == [group()]).times(1).return_const(());
    debounce.expect_forget().withf(|groups| groups == [group()]).times(1).return_const(());
    let service = assignments(unit_of_work(Some(BOB), ""), cache, debounce);
    assert_eq!(service.deassign(ORGANIZATION, group(), API).await, Ok(true));
}

#[tokio::test]
async fn whichever_write_of_assign_fails_nothing_is_committed_and_no_cache_is_told() {
    for write in ["assignment", "decision", "activity", "old follower", "new follower", "touch", "commit"] {
        let (cache, debounce) = untold();
        let service = assignments(unit_of_work(Some(BOB), write), cache, debounce);
        let done = service.assign(ORGANIZATION, group(), Assignee::User(ADA), API).await;
        assert!(matches!(done, Err(UseCaseError::Store(StoreError::Unavailable(_)))), "{write}: {done:?}");
    }
}

#[tokio::test]
async fn whichever_write_of_deassign_fails_nothing_is_committed_and_no_cache_is_told() {
    for write in ["deletion", "decision", "activity", "old follower", "touch", "commit"] {
        let (cache, debounce) = untold();
        let service = assignments(unit_of_work(Some(BOB), write), cache, debounce);
        let done = service.deassign(ORGANIZATION, group(), API).await;
        assert!(matches!(done, Err(UseCaseError::Store(StoreError::Unavailable(_)))), "{write}: {done:?}");
    }
}

/// A unit of work in which nothing may be written, nor looked at beyond the group.
fn read_only(assignee: Option<UserId>) -> MockUnitOfWork {
    let mut uow = MockUnitOfWork::new();
    uow.expect_lock_groups().returning(move |_| Ok(vec![state(assignee)]));
    uow.expect_commit().never();
    uow
}

#[tokio::test]
async fn the_same_assignee_again_and_deassigning_nobodys_write_nothing() {
    let (cache, debounce) = untold();
    let service = assignments(read_only(Some(ADA)), cache, debounce);
    let done = service.assign(ORGANIZATION, group(), Assignee::User(ADA), API).await;
    assert_eq!(done, Ok(Assigned::Unchanged));
    let (cache, debounce) = untold();
    let service = assignments(read_only(None), cache, debounce);
    assert_eq!(service.deassign(ORGANIZATION, group(), API).await, Ok(false));
}

#[tokio::test]
async fn a_group_of_another_organization_is_not_found_and_not_touched() {
    let (cache, debounce) = untold();
    let service = assignments(read_only(Some(BOB)), cache, debounce);
    let done = service.assign(OrganizationId::new(99), group(), Assignee::User(ADA), API).await;
    assert_eq!(done, Err(UseCaseError::NotFound { what: "group" }));
}

#[tokio::test]
async fn who_is_inactive_or_outside_the_project_is_refused_before_anything_is_written() {
    for (active, member) in [(false, true), (true, false)] {
        let mut uow = read_only(None);
        uow.expect_users().returning(move |ids| Ok(vec![User { active, ..user(ids[0]) }]));
        uow.expect_project_members().returning(move |pairs| Ok(pairs.iter().copied().filter(|_| member).collect()));
        let (cache, debounce) = untold();
        let done = assignments(uow, cache, debounce).assign(ORGANIZATION, group(), Assignee::User(ADA), API).await;
        assert!(matches!(done, Err(UseCaseError::Refused(_))), "{done:?}");
    }
}
