//! Assign and Deassign: all or nothing, and the caches hear only of what was committed.

use crate::assignee::{Assignee, ChangeSource};
use crate::group::{Group, GroupStatus, Level};
use crate::id::{GroupId, OrganizationId, ProjectId, UserId};
use crate::organization::User;
use crate::port::store::GroupState;
use crate::port::{FillTicket, StoreError};
use crate::service::assign::Assigned;
use crate::service::{Assignments, UseCaseError};
use crate::testing::{
    FixedClock, MockAssigneeExistsCache, MockOwnershipDebounce, MockStore, MockUnitOfWork, MockWake, SequentialEntropy,
};
use crate::text::Name;
use crate::time::Timestamp;
use std::sync::Arc;
use uuid::Uuid;

const ORGANIZATION: OrganizationId = OrganizationId::new(1);
const PROJECT: ProjectId = ProjectId::new(2);
const ADA: UserId = UserId::new(3);
const BOB: UserId = UserId::new(4);
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const TICKET: FillTicket = FillTicket { epoch: 7 };
const API: ChangeSource = ChangeSource::Api { by: None };

fn group() -> GroupId {
    GroupId::from_uuid(Uuid::from_u128(1))
}

fn state(assignee: Option<UserId>) -> GroupState {
    GroupState {
        group: Group {
            id: group(),
            organization: ORGANIZATION,
            project: PROJECT,
            number: 1,
            title: Name::parse("It breaks").unwrap(),
            level: Level::Error,
            status: GroupStatus::Unresolved,
            last_event_at: NOW,
            created_at: NOW,
        },
        assignee: assignee.map(Assignee::User),
        decision: None,
        issue_sync: false,
    }
}

/// A unit of work in which Bob has the group and Ada may have it. `fails` names the write that fails.
fn unit_of_work(assignee: Option<UserId>, fails: &'static str) -> MockUnitOfWork {
    let mut uow = MockUnitOfWork::new();
    let answer = move |write: &str| {
        if write == fails { Err(StoreError::Unavailable("the disk is full".to_owned())) } else { Ok(()) }
    };
    let user = |id: &UserId| User {
        id: *id,
        name: Name::parse("Somebody").unwrap(),
        active: true,
        discord: None,
        created_at: NOW,
    };
    uow.expect_lock_groups().returning(move |_| Ok(vec![state(assignee)]));
    uow.expect_users().returning(move |ids| Ok(ids.iter().map(user).collect()));
    uow.expect_project_members().returning(|pairs| Ok(pairs.iter().copied().collect()));
    uow.expect_routes_of().returning(|_| Ok(Vec::new()));
    uow.expect_muted().returning(|_| Ok(Default::default()));
    uow.expect_put_assignments().returning(move |_| answer("assignment"));
    uow.expect_delete_assignments().returning(move |_| answer("deletion"));
    uow.expect_put_decisions().returning(move |_| answer("decision"));
    uow.expect_insert_activities().returning(move |_| answer("activity"));
    uow.expect_remove_followers().returning(move |_, _| answer("old follower"));
    uow.expect_add_followers().returning(move |_| answer("new follower"));
    uow.expect_touch_groups().returning(move |_, _| answer("touch"));
    if fails == "commit" {
        uow.expect_commit().returning(move || answer("commit"));
    } else if fails.is_empty() {
        uow.expect_commit().times(1).returning(|| Ok(()));
    } else {
        uow.expect_commit().never();
    }
    uow
}

fn assignments(uow: MockUnitOfWork, cache: MockAssigneeExistsCache, debounce: MockOwnershipDebounce) -> Assignments {
    let mut store = MockStore::new();
    store.expect_begin().return_once(move || Ok(Box::new(uow)));
    Assignments {
        store: Arc::new(store),
        cache: Arc::new(cache),
        debounce: Arc::new(debounce),
        wake: Arc::new(MockWake::new()),
        clock: Arc::new(FixedClock::at(NOW)),
        entropy: Arc::new(SequentialEntropy::default()),
    }
}

/// Caches that must not be told anything.
fn untold() -> (MockAssigneeExistsCache, MockOwnershipDebounce) {
    let (mut cache, mut debounce) = (MockAssigneeExistsCache::new(), MockOwnershipDebounce::new());
    cache.expect_begin_fill().returning(|| TICKET);
    cache.expect_fill().never();
    cache.expect_invalidate().never();
    debounce.expect_forget().never();
    (cache, debounce)
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
        uow.expect_users().returning(move |ids| {
            let name = Name::parse("Somebody").unwrap();
            Ok(vec![User { id: ids[0], name, active, discord: None, created_at: NOW }])
        });
        uow.expect_project_members().returning(move |pairs| Ok(pairs.iter().copied().filter(|_| member).collect()));
        let (cache, debounce) = untold();
        let done = assignments(uow, cache, debounce).assign(ORGANIZATION, group(), Assignee::User(ADA), API).await;
        assert!(matches!(done, Err(UseCaseError::Refused(_))), "{done:?}");
    }
}
