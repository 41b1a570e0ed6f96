//! Refresh: what is missing is deleted only for who would see it, and a failed read changes nothing.

use super::fixtures::{
    ITEM, ORGANIZATION, assignments, azure_project, commits, disk_full, installation, mirror, reader, secrets,
    snapshot, store, unless, untold, writes,
};
use crate::id::WorkItemNumber;
use crate::port::TrackerError;
use crate::port::tracker::RemoteProject;
use crate::service::UseCaseError;
use crate::service::reconcile_report::ReconcileReport;
use crate::service::refresh_work_item::RefreshWorkItem;
use crate::testing::{MockUnitOfWork, MockWorkItemTracker};
use crate::text::Name;
use crate::work_item::{ExternalIssue, Snapshot};
use std::sync::{Arc, Mutex};

async fn refreshed(uows: Vec<MockUnitOfWork>, tracker: MockWorkItemTracker) -> Result<(), UseCaseError> {
    let service = RefreshWorkItem {
        assignments: assignments(store(uows), untold(), false),
        reader: Arc::new(reader()),
        secrets: Arc::new(secrets()),
        tracker: Arc::new(tracker),
    };
    service.refresh_work_item(ORGANIZATION, installation(), ITEM).await
}

/// A tracker that does not show the work item, and shows its project or not.
fn missing(project_visible: bool) -> MockWorkItemTracker {
    let mut tracker = MockWorkItemTracker::new();
    tracker.expect_work_item().times(1).returning(|_, _| Ok(None));
    let project = || RemoteProject { id: azure_project(), name: Name::parse("Shop").unwrap() };
    tracker.expect_projects().returning(move |_| Ok(project_visible.then(project).into_iter().collect()));
    tracker
}

/// A unit of work that finds this mirror, with no group linked.
fn finding(found: ExternalIssue, fails: &'static str) -> MockUnitOfWork {
    let mut uow = MockUnitOfWork::new();
    uow.expect_tracking_rules_about().returning(|_| Ok(Vec::new()));
    uow.expect_lock_external_issues().times(1).returning(move |_| Ok(vec![found.clone()]));
    uow.expect_links_of().returning(move |_| unless(fails, "links").map(|()| Vec::new()));
    uow.expect_routes_of().returning(|_| Ok(Vec::new()));
    uow.expect_outward_links().returning(|_| Ok(Vec::new()));
    uow
}

#[tokio::test]
async fn a_work_item_missing_from_a_project_that_is_in_sight_is_marked_deleted_in_one_unit_of_work() {
    let mut uow = finding(mirror(5, None), "");
    uow.expect_put_external_issues().withf(|rows| rows.len() == 1 && rows[0].deleted).times(1).returning(|_| Ok(()));
    commits(&mut uow, "");
    assert_eq!(refreshed(vec![uow], missing(true)).await, Ok(()));
}

#[tokio::test]
async fn a_credential_that_lost_the_project_or_an_item_marked_already_writes_nothing() {
    let deleted = ExternalIssue { deleted: true, ..mirror(5, None) };
    for (visible, found) in [(false, mirror(5, None)), (true, deleted)] {
        let mut uow = finding(found, "");
        uow.expect_put_external_issues().never();
        uow.expect_commit().never();
        assert_eq!(refreshed(vec![uow], missing(visible)).await, Ok(()));
    }
}

#[tokio::test]
async fn a_failed_read_of_the_item_or_of_the_projects_opens_no_unit_of_work() {
    let down = || TrackerError::Unavailable { reason: "time-out".to_owned() };
    let mut tracker = MockWorkItemTracker::new();
    tracker.expect_work_item().returning(move |_, _| Err(down()));
    assert_eq!(refreshed(Vec::new(), tracker).await, Err(UseCaseError::Tracker(down())));
    let mut tracker = MockWorkItemTracker::new();
    tracker.expect_work_item().returning(|_, _| Ok(None));
    tracker.expect_projects().returning(move |_| Err(down()));
    assert_eq!(refreshed(Vec::new(), tracker).await, Err(UseCaseError::Tracker(down())));
}

#[tokio::test]
async fn whatever_fails_half_way_nothing_is_committed_and_nobody_told() {
    for fails in ["links", "mirror", "commit"] {
        let mut uow = finding(mirror(5, None), fails);
        writes(&mut uow, fails);
        commits(&mut uow, fails);
        let done = refreshed(vec![uow], missing(true)).await;
        assert_eq!(done, Err(UseCaseError::Store(disk_full())), "{fails}");
    }
}

#[tokio::test]
async fn a_project_is_read_in_pages_of_two_hundred_and_no_more_than_that_is_held() {
    let mut reader = reader();
    reader.expect_linked_work_items().times(4).returning(|_, _, _, after, limit| {
        let first = after.map_or(1, |after| after.get() + 1);
        let last = 401.min(first + i64::from(limit) - 1);
        Ok((first..=last).map(WorkItemNumber::new).collect())
    });
    let mut tracker = MockWorkItemTracker::new();
    let seen = |number: WorkItemNumber| Snapshot { number, ..snapshot(5, None) };
    tracker
        .expect_work_items()
        .withf(|_, numbers| numbers.len() == 200)
        .times(2)
        .returning(move |_, numbers| Ok(numbers.iter().map(|number| seen(*number)).collect()));
    tracker.expect_work_item().times(1).returning(move |_, number| Ok(Some(seen(number))));
    tracker.expect_clock_offset_micros().returning(|_| None);
    let uow = || {
        let mut uow = MockUnitOfWork::new();
        uow.expect_lock_external_issues().times(1).returning(|_| Ok(Vec::new()));
        commits(&mut uow, "");
        uow
    };
    let service = RefreshWorkItem {
        assignments: assignments(store(vec![uow(), uow(), uow()]), untold(), false),
        reader: Arc::new(reader),
        secrets: Arc::new(secrets()),
        tracker: Arc::new(tracker),
    };
    let heard = Mutex::new(Vec::new());
    let told = |report: &ReconcileReport| heard.lock().unwrap().push(report.looked_at);
    let project = azure_project();
    let report = service.reconcile_project_telling(ORGANIZATION, installation(), &project, &told);
    let report = report.await.unwrap();
    assert_eq!((report.looked_at, report.differed), (401, Vec::new()));
    assert_eq!(*heard.lock().unwrap(), [200, 400, 401]);
}
