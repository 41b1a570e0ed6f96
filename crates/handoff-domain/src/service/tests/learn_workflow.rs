//! Learn Workflow: what is learned and the reading that waits for it are one unit of work.

use super::fixtures::{
    ORGANIZATION, assignments, azure_project, commits, disk_full, installation, integration, reader, secrets, store,
    unless, untold,
};
use crate::outbox::OutboxTask;
use crate::port::TrackerError;
use crate::service::UseCaseError;
use crate::service::refresh_work_item::RefreshWorkItem;
use crate::testing::{MockUnitOfWork, MockWorkItemTracker};
use crate::workflow::Workflow;
use std::sync::Arc;

async fn learned(uows: Vec<MockUnitOfWork>, answer: Result<(), TrackerError>, wakes: bool) -> Result<(), UseCaseError> {
    let mut tracker = MockWorkItemTracker::new();
    tracker.expect_workflow().times(1).return_once(|_, _, _| answer.map(|()| Some(Workflow::default())));
    let service = RefreshWorkItem {
        assignments: assignments(store(uows), untold(), wakes),
        reader: Arc::new(reader()),
        secrets: Arc::new(secrets()),
        tracker: Arc::new(tracker),
    };
    service.learn_workflow_and_reconcile(ORGANIZATION, installation(), &azure_project(), "Bug").await
}

/// Keeps the workflow and has the project read, whatever was known before.
fn keeping(fails: &'static str) -> MockUnitOfWork {
    let mut uow = MockUnitOfWork::new();
    uow.expect_workflows().never();
    uow.expect_put_workflow()
        .withf(|key, _, _| *key == (integration(), azure_project(), "Bug".to_owned()))
        .times(1)
        .returning(move |_, _, _| unless(fails, "workflow"));
    let reading = OutboxTask::ReconcileProject { installation: installation(), azure_project: azure_project() };
    uow.expect_arm()
        .withf(move |rows| matches!(rows, [row] if row.task == reading && row.organization == ORGANIZATION))
        .times(usize::from(fails != "workflow"))
        .returning(move |_| unless(fails, "arm"));
    commits(&mut uow, fails);
    uow
}

#[tokio::test]
async fn the_project_is_read_again_whoever_learned_the_states_first() {
    assert_eq!(learned(vec![keeping("")], Ok(()), true).await, Ok(()));
}

#[tokio::test]
async fn the_states_are_not_kept_where_the_reading_cannot_be_armed() {
    for fails in ["workflow", "arm", "commit"] {
        let done = learned(vec![keeping(fails)], Ok(()), false).await;
        assert_eq!(done, Err(UseCaseError::Store(disk_full())), "{fails}");
    }
}

#[tokio::test]
async fn a_failed_look_up_opens_no_unit_of_work() {
    let down = || TrackerError::Unavailable { reason: "time-out".to_owned() };
    assert_eq!(learned(Vec::new(), Err(down()), false).await, Err(UseCaseError::Tracker(down())));
}
