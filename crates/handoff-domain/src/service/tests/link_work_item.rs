//! Link and unlink: the first word is the tracker's, the work item is locked once, and all or nothing.

use super::fixtures::{
    ADA, BOB, ITEM, NOW, ORGANIZATION, TICKET, assignments, azure_project, commits, disk_full, group, installation,
    integration, mirror, reader, secrets, snapshot, state, store, unless, untold, user, writes,
};
use crate::assignee::ChangeSource;
use crate::integration::ConnectedProject;
use crate::port::StoreError;
use crate::port::store::{MatchedBy, PersonMatch};
use crate::service::link_work_item::LinkWorkItem;
use crate::service::{Assignments, UseCaseError};
use crate::testing::{MockAssigneeExistsCache, MockOwnershipDebounce, MockUnitOfWork, MockWorkItemTracker};
use crate::text::Name;
use crate::work_item::{AzureProjectId, GroupLink, Snapshot};
use crate::workflow::StateMap;
use std::sync::Arc;

const API: ChangeSource = ChangeSource::Api { by: None };

fn shown(azure_project: Option<AzureProjectId>) -> Snapshot {
    Snapshot { azure_project, ..snapshot(5, Some("Ada <ada@x.org>")) }
}

async fn linked(assignments: Assignments, shown: Option<Snapshot>) -> Result<GroupLink, UseCaseError> {
    let mut tracker = MockWorkItemTracker::new();
    tracker.expect_work_item().times(1).returning(move |_, _| Ok(shown.clone()));
    tracker.expect_clock_offset_micros().returning(|_| None);
    let mut reader = reader();
    reader.expect_connected_projects().returning(|organization, installation| {
        let name = Name::parse("Shop").unwrap();
        let (integration, azure_project) = (integration(), azure_project());
        let state_map = StateMap::default();
        let created_at = NOW;
        Ok(vec![ConnectedProject {
            organization,
            installation,
            integration,
            azure_project,
            name,
            state_map,
            created_at,
        }])
    });
    let (reader, secrets, tracker) = (Arc::new(reader), Arc::new(secrets()), Arc::new(tracker));
    let service = LinkWorkItem { assignments, reader, secrets, tracker };
    service.link_work_item(ORGANIZATION, group(), installation(), ITEM, API).await
}

/// A unit of work in which the group is Bob's and the work item known or not; it may be locked once only.
fn unit_of_work(known: bool, fails: &'static str) -> MockUnitOfWork {
    let mut uow = MockUnitOfWork::new();
    uow.expect_hold_connected_project().times(1).returning(|_, _| Ok(true));
    uow.expect_lock_external_issues()
        .times(1)
        .returning(move |_| Ok(known.then(|| mirror(5, None)).into_iter().collect()));
    uow.expect_links_of().returning(|_| Ok(Vec::new()));
    uow.expect_lock_groups().returning(|_| Ok(vec![state(Some(BOB))]));
    uow.expect_routes_of().returning(|_| Ok(Vec::new()));
    uow.expect_outward_links().returning(|_| Ok(Vec::new()));
    uow.expect_muted().returning(|_| Ok(Default::default()));
    uow.expect_users().returning(|ids| Ok(ids.iter().map(|id| user(*id)).collect()));
    uow.expect_project_members().returning(|pairs| Ok(pairs.iter().copied().collect()));
    uow.expect_match_people().returning(|_| Ok(vec![PersonMatch { question: 0, user: ADA, by: MatchedBy::Address }]));
    uow.expect_insert_link().returning(move |_| unless(fails, "link"));
    writes(&mut uow, fails);
    commits(&mut uow, fails);
    uow
}

#[tokio::test]
async fn the_first_link_takes_over_the_trackers_assignee_and_locks_the_work_item_once() {
    for known in [false, true] {
        let mut cache = MockAssigneeExistsCache::new();
        cache.expect_begin_fill().returning(|| TICKET);
        cache.expect_fill().withf(|_, rows| rows == [(group(), true)]).times(1).return_const(());
        let told = (cache, MockOwnershipDebounce::new());
        let assignments = assignments(store(vec![unit_of_work(known, "")]), told, false);
        let link = linked(assignments, Some(shown(Some(azure_project())))).await.unwrap();
        assert_eq!((link.group, link.installation), (group(), installation()), "known: {known}");
    }
}

#[tokio::test]
async fn what_is_not_there_or_not_of_a_connected_project_opens_no_unit_of_work() {
    let nothing = || assignments(store(Vec::new()), untold(), false);
    assert_eq!(linked(nothing(), None).await, Err(UseCaseError::NotFound { what: "work item" }));
    let elsewhere = AzureProjectId::parse("99999999-9999-9999-9999-999999999999");
    for project in [None, elsewhere] {
        let done = linked(nothing(), Some(shown(project))).await;
        assert!(matches!(done, Err(UseCaseError::Refused(_))), "{done:?}");
    }
}

#[tokio::test]
async fn a_project_that_was_disconnected_in_this_very_moment_is_not_linked() {
    let mut uow = MockUnitOfWork::new();
    uow.expect_hold_connected_project().returning(|_, _| Ok(false));
    uow.expect_insert_link().never();
    uow.expect_commit().never();
    let done = linked(assignments(store(vec![uow]), untold(), false), Some(shown(Some(azure_project())))).await;
    assert!(matches!(done, Err(UseCaseError::Refused(_))), "{done:?}");
}

#[tokio::test]
async fn whichever_write_fails_nothing_is_committed_and_nobody_told() {
    for fails in ["mirror", "link", "assignment", "decision", "activity", "old follower", "new follower", "commit"] {
        let assignments = assignments(store(vec![unit_of_work(false, fails)]), untold(), false);
        let done = linked(assignments, Some(shown(Some(azure_project())))).await;
        assert_eq!(done, Err(UseCaseError::Store(disk_full())), "{fails}");
    }
}

#[tokio::test]
async fn linking_twice_is_a_conflict() {
    let mut uow = MockUnitOfWork::new();
    uow.expect_hold_connected_project().returning(|_, _| Ok(true));
    uow.expect_lock_external_issues().returning(|_| Ok(Vec::new()));
    uow.expect_lock_groups().returning(|_| Ok(vec![state(None)]));
    writes(&mut uow, "");
    uow.expect_insert_link().returning(|_| Err(StoreError::Conflict { constraint: "group_link_pair".to_owned() }));
    uow.expect_commit().never();
    let assignments = assignments(store(vec![uow]), untold(), false);
    let done = linked(assignments, Some(shown(Some(azure_project())))).await;
    assert!(matches!(done, Err(UseCaseError::Conflict(_))), "{done:?}");
}
