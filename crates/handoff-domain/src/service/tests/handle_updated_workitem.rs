//! Handle Updated Workitem: a batch is one unit of work; what fails is given back alone, and counted only
//! where it is its own fault.

use super::fixtures::{
    ITEM, NOW, PROJECT, assignments, azure_project, commits, hook, installation, integration, mirror, snapshot, store,
    unless, untold, writes,
};
use crate::delivery::{ClaimedDelivery, DeliveryState};
use crate::hook::{EventType, HookStatus};
use crate::id::{
    DeliveryId, GroupId, InstallationId, IntegrationId, LinkId, OrganizationId, TrackingRuleId, WorkItemNumber,
};
use crate::integration::Toggles;
use crate::outbox::{Concern, OutboxArm};
use crate::port::StoreError;
use crate::port::tracker::{DecodeError, TrackerEvent};
use crate::service::handle_updated_workitem::{HandleUpdatedWorkitem, MAX_ATTEMPTS};
use crate::testing::{KeptLog, MockInbox, MockReader, MockTrackerInbound, MockUnitOfWork, MockWorkItemTracker};
use crate::tracking::{TrackingFilter, TrackingRule};
use crate::work_item::{GroupLink, LinkedGroup};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

fn delivery(n: u32, payload: &str, attempts: u32) -> ClaimedDelivery {
    let hook = hook(EventType::WorkItemUpdated, HookStatus::Enabled, None);
    ClaimedDelivery {
        id: DeliveryId::from_uuid(Uuid::from_u128(u128::from(n))),
        token: i64::from(n),
        hook: hook.id,
        integration: integration(),
        azure_project: azure_project(),
        event_type: EventType::WorkItemUpdated,
        work_item: WorkItemNumber::new(42 + i64::from(n)),
        payload: payload.as_bytes().to_vec(),
        attempts,
        received_at: NOW,
    }
}

/// Decodes `news`, `read` and, as nothing, anything else.
fn handler(uows: Vec<MockUnitOfWork>, inbox: MockInbox, wakes: bool) -> HandleUpdatedWorkitem {
    let mut inbound = MockTrackerInbound::new();
    inbound.expect_decode().returning(|_, body| match body {
        b"news" => Ok(TrackerEvent::Updated { snapshot: Some(Box::new(snapshot(6, None))) }),
        b"read" => Ok(TrackerEvent::Settle),
        _ => Err(DecodeError("fields is a number".to_owned())),
    });
    let mut tracker = MockWorkItemTracker::new();
    tracker.expect_clock_offset_micros().returning(|_| None);
    let mut reader = MockReader::new();
    let known = hook(EventType::WorkItemUpdated, HookStatus::Enabled, None);
    reader.expect_hook().returning(move |_| Ok(Some((known.clone(), String::new()))));
    HandleUpdatedWorkitem {
        assignments: assignments(store(uows), untold(), wakes),
        inbox: Arc::new(inbox),
        inbound: Arc::new(inbound),
        tracker: Arc::new(tracker),
        reader: Arc::new(reader),
    }
}

/// A unit of work that knows the work item, linked with nothing, and ends deliveries in these states.
fn applying(states: &'static [DeliveryState], fails: &'static str) -> MockUnitOfWork {
    let mut uow = MockUnitOfWork::new();
    uow.expect_tracking_rules_about().returning(|_| Ok(Vec::new()));
    uow.expect_lock_external_issues().returning(|_| Ok(vec![mirror(5, None)]));
    uow.expect_links_of().returning(|_| Ok(Vec::new()));
    uow.expect_routes_of().returning(|_| Ok(Vec::new()));
    uow.expect_outward_links().returning(|_| Ok(Vec::new()));
    writes(&mut uow, fails);
    uow.expect_finish_deliveries()
        .withf(move |rows| rows.iter().map(|row| row.state).eq(states.iter().copied()))
        .returning(move |_| unless(fails, "finish"));
    commits(&mut uow, fails);
    uow
}

/// An inbox that is given deliveries back with these tokens, counted or not.
fn given_back(expected: &'static [(i64, bool)]) -> MockInbox {
    let mut inbox = MockInbox::new();
    inbox
        .expect_fail()
        .withf(move |_, token, at, _, counts| *at > NOW && expected.contains(&(*token, *counts)))
        .times(expected.len())
        .returning(|_, _, _, _, _| Ok(()));
    inbox
}

#[tokio::test]
async fn news_is_applied_and_ended_in_one_unit_of_work() {
    let handler = handler(vec![applying(&[DeliveryState::Applied], "")], given_back(&[]), false);
    assert_eq!(handler.handle_updated_workitem(&[delivery(1, "news", 0)]).await, Ok(()));
}

#[tokio::test]
async fn what_cannot_be_decoded_is_quarantined_and_it_and_what_must_be_read_arm_a_read() {
    for (payload, states) in [("?", &[DeliveryState::Quarantined]), ("read", &[DeliveryState::Applied])] {
        let handler = handler(vec![applying(states, "")], given_back(&[]), true);
        assert_eq!(handler.handle_updated_workitem(&[delivery(1, payload, 0)]).await, Ok(()), "{payload}");
    }
}

#[tokio::test]
async fn whichever_write_fails_nothing_is_committed_nobody_told_and_an_outage_is_no_attempt() {
    for fails in ["mirror", "finish", "commit"] {
        let uows = vec![applying(&[DeliveryState::Applied], fails)];
        let handler = handler(uows, given_back(&[(1, false)]), false);
        let many = delivery(1, "news", MAX_ATTEMPTS);
        assert_eq!(handler.handle_updated_workitem(&[many]).await, Ok(()), "{fails}");
    }
}

#[tokio::test]
async fn the_longer_an_outage_lasts_the_longer_a_delivery_waits() {
    let mut inbox = MockInbox::new();
    let due = NOW.plus(Duration::from_secs(50));
    inbox.expect_fail().withf(move |_, _, at, _, _| *at == due).times(1).returning(|_, _, _, _, _| Ok(()));
    let handler = handler(vec![applying(&[DeliveryState::Applied], "commit")], inbox, false);
    let early = ClaimedDelivery { received_at: NOW.minus(Duration::from_secs(100)), ..delivery(1, "news", 0) };
    assert_eq!(handler.handle_updated_workitem(&[early]).await, Ok(()));
}

/// A unit of work that fails for a reason of its own.
fn defective() -> MockUnitOfWork {
    let mut uow = MockUnitOfWork::new();
    uow.expect_tracking_rules_about().returning(|_| Ok(Vec::new()));
    uow.expect_lock_external_issues().returning(|_| Err(StoreError::Backend("a defect".to_owned())));
    uow.expect_commit().never();
    uow
}

#[tokio::test]
async fn one_bad_delivery_of_a_batch_is_given_back_alone() {
    let uows = vec![defective(), defective(), applying(&[DeliveryState::Applied], "")];
    let handler = handler(uows, given_back(&[(1, true)]), false);
    let batch = [delivery(1, "news", 0), delivery(2, "news", 0)];
    assert_eq!(handler.handle_updated_workitem(&batch).await, Ok(()));
}

#[tokio::test]
async fn a_delivery_that_failed_every_time_is_dead_with_the_reason() {
    let mut dead = MockUnitOfWork::new();
    dead.expect_finish_deliveries()
        .withf(|rows| rows[0].state == DeliveryState::Dead && rows[0].reason.is_some())
        .times(1)
        .returning(|_| Ok(()));
    commits(&mut dead, "");
    let handler = handler(vec![defective(), dead], given_back(&[]), false);
    let last = delivery(1, "news", MAX_ATTEMPTS - 1);
    let log = KeptLog::begin();
    assert_eq!(handler.handle_updated_workitem(&[last]).await, Ok(()));
    let lines = log.lines();
    assert!(lines.len() == 1 && lines[0].starts_with("WARN a delivery was given up on"), "{lines:?}");
    assert!(lines[0].contains("a defect") && lines[0].contains("attempts=8"), "{lines:?}");
}

#[tokio::test]
async fn a_lost_lease_is_left_to_its_new_holder() {
    let mut uow = MockUnitOfWork::new();
    uow.expect_tracking_rules_about().returning(|_| Ok(Vec::new()));
    uow.expect_lock_external_issues().returning(|_| Ok(Vec::new()));
    uow.expect_finish_deliveries().returning(|_| Err(StoreError::LeaseLost));
    uow.expect_commit().never();
    let handler = handler(vec![uow], given_back(&[]), false);
    assert_eq!(handler.handle_updated_workitem(&[delivery(1, "news", 0)]).await, Ok(()));
}

fn linked(n: u128, organization: i64, installation: u128) -> LinkedGroup {
    let link = GroupLink {
        id: LinkId::from_uuid(Uuid::from_u128(n)),
        organization: OrganizationId::new(organization),
        group: GroupId::from_uuid(Uuid::from_u128(n)),
        external_issue: mirror(5, None).id,
        installation: InstallationId::from_uuid(Uuid::from_u128(installation)),
        unresolved: None,
        problem: None,
        created_at: NOW,
    };
    LinkedGroup { link, toggles: Toggles::default() }
}

#[tokio::test]
async fn what_must_be_read_is_read_once_for_each_organization_that_linked_it() {
    let mut uow = MockUnitOfWork::new();
    uow.expect_lock_external_issues().times(1).returning(|_| Ok(vec![mirror(5, None)]));
    uow.expect_links_of().returning(|_| Ok(vec![linked(1, 8, 80), linked(2, 8, 80), linked(3, 9, 90)]));
    let reads = |rows: &[OutboxArm]| {
        let readers: Vec<_> = rows.iter().map(|row| (row.organization.get(), row.task.concern())).collect();
        let by = |n| Some(Concern::Installation(InstallationId::from_uuid(Uuid::from_u128(n))));
        rows.iter().all(|row| row.task.kind() == "refresh_work_item") && readers == [(8, by(80)), (9, by(90))]
    };
    uow.expect_arm().withf(reads).times(1).returning(|_| Ok(()));
    uow.expect_finish_deliveries().returning(|_| Ok(()));
    commits(&mut uow, "");
    let one = ClaimedDelivery { work_item: ITEM, ..delivery(1, "read", 0) };
    assert_eq!(handler(vec![uow], given_back(&[]), true).handle_updated_workitem(&[one]).await, Ok(()));
}

#[tokio::test]
async fn a_work_item_of_another_collection_is_not_taken_for_the_one_of_the_same_number_that_is_tracked() {
    let other = IntegrationId::from_uuid(Uuid::from_u128(77));
    let rule = TrackingRule {
        id: TrackingRuleId::from_uuid(Uuid::from_u128(5)),
        organization: OrganizationId::new(1),
        installation: installation(),
        integration: integration(),
        azure_project: azure_project(),
        project: PROJECT,
        filter: TrackingFilter::default(),
        created_at: NOW,
    };
    let mut uow = MockUnitOfWork::new();
    uow.expect_lock_external_issues().returning(|_| Ok(Vec::new()));
    uow.expect_tracking_rules_about().returning(move |_| Ok(vec![rule.clone()]));
    uow.expect_tracked().returning(|_, _| Ok(HashSet::new()));
    uow.expect_arm().withf(|rows| rows.len() == 1).times(1).returning(|_| Ok(()));
    uow.expect_finish_deliveries()
        .withf(|rows| rows.iter().map(|row| row.state).eq([DeliveryState::Ignored, DeliveryState::Applied]))
        .times(1)
        .returning(|_| Ok(()));
    commits(&mut uow, "");
    let elsewhere = ClaimedDelivery { integration: other, work_item: ITEM, ..delivery(1, "news", 0) };
    let here = ClaimedDelivery { work_item: ITEM, ..delivery(2, "news", 0) };
    let handler = handler(vec![uow], given_back(&[]), true);
    assert_eq!(handler.handle_updated_workitem(&[elsewhere, here]).await, Ok(()));
}
