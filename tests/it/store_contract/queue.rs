//! The inbox and the outbox.

use super::fixtures::*;
use super::{Shared, on_every_backend};
use handoff_domain::delivery::{ClaimedDelivery, DeliveryState, FinishedDelivery, NewDelivery};
use handoff_domain::id::{DeliveryId, InstallationId, OrganizationId, OutboxId, RouteId, WorkItemNumber};
use handoff_domain::organization::{ChannelId, MessageId};
use handoff_domain::outbox::{ClaimedTask, Lane, OutboxArm, OutboxRecord, OutboxState, OutboxTask, Released};
use handoff_domain::page::PageRequest;
use handoff_domain::port::store::StoreResult;
use handoff_domain::port::{Appended, Inbox, Outbox, StoreError};
use handoff_domain::time::Timestamp;
use uuid::Uuid;

on_every_backend![
    a_target_that_is_armed_again_while_pending_stays_one_row_and_an_event_does_not,
    a_row_that_was_armed_while_it_was_worked_on_is_worked_on_again,
    a_leased_row_is_nobody_elses_until_the_lease_runs_out_and_then_not_its_first_holders,
    a_row_that_failed_waits_and_an_outage_of_ours_is_no_attempt,
    a_row_that_waits_is_released_by_what_it_waits_for_alone_and_not_by_being_armed_again,
    rows_are_leased_in_the_order_in_which_they_are_due,
    a_lane_is_leased_apart_from_the_other,
    a_card_goes_before_hundreds_of_closed_cards_that_were_armed_earlier,
    a_dead_row_is_replayed_by_its_own_organization_unless_its_target_is_pending_again,
    the_same_event_again_is_counted_and_arms_nothing,
    what_was_not_understood_has_no_key_and_is_kept_each_time,
    at_most_one_delivery_of_a_work_item_is_in_flight_and_the_oldest_goes_first,
    a_batch_with_one_lost_lease_ends_nothing,
    a_delivery_is_replayed_when_it_has_ended_and_was_understood,
    purging_deletes_what_ended_long_ago_and_never_more_than_asked,
];

const ROW: OutboxId = OutboxId::from_uuid(Uuid::from_u128(1));
const MINUTE: i64 = 60;

async fn armed(store: &Shared, rows: &[OutboxArm]) {
    let mut uow = begin(store).await;
    uow.arm(rows).await.unwrap();
    uow.commit().await.unwrap();
}

async fn rows(store: &Shared) -> Vec<OutboxRecord> {
    store.outbox(ADAS, None, PageRequest::first()).await.unwrap().items
}

/// Leases all rows that are due, for a minute.
async fn tasks(store: &Shared, at: Timestamp) -> Vec<ClaimedTask> {
    let until = at.offset_micros(MINUTE * 1_000_000);
    let mut claimed = Outbox::claim(&**store, Lane::Messages, at, until, 10).await.unwrap();
    claimed.extend(Outbox::claim(&**store, Lane::Tracker, at, until, 10).await.unwrap());
    claimed.extend(Outbox::claim(&**store, Lane::Reconcile, at, until, 10).await.unwrap());
    claimed
}

/// Leases all deliveries that may be, for a minute.
async fn deliveries(store: &Shared, at: Timestamp) -> Vec<ClaimedDelivery> {
    Inbox::claim(&**store, at, at.offset_micros(MINUTE * 1_000_000), 10).await.unwrap()
}

async fn finish(store: &Shared, task: &ClaimedTask, state: OutboxState) -> StoreResult<()> {
    let mut uow = begin(store).await;
    uow.finish_outbox(task.id, task.token, task.generation, state, None, seconds(1)).await?;
    uow.commit().await
}

async fn end(store: &Shared, claimed: &[ClaimedDelivery], state: DeliveryState) -> StoreResult<()> {
    let ended = |one: &ClaimedDelivery| {
        let (id, token, at) = (one.id, one.token, seconds(MINUTE));
        FinishedDelivery { id, token, state, reason: Some("so".to_owned()), at }
    };
    let mut uow = begin(store).await;
    uow.finish_deliveries(&claimed.iter().map(ended).collect::<Vec<_>>()).await?;
    uow.commit().await
}

async fn replayed(store: &Shared, id: DeliveryId) -> bool {
    let mut uow = begin(store).await;
    let done = uow.replay_delivery(id, seconds(MINUTE)).await.unwrap();
    uow.commit().await.unwrap();
    done
}

async fn a_target_that_is_armed_again_while_pending_stays_one_row_and_an_event_does_not(store: Shared) {
    people(&store).await;
    let close = || OutboxTask::CloseCard {
        channel: ChannelId::new(1).unwrap(),
        message: MessageId::new(1).unwrap(),
        short_id: "MILL-1".to_owned(),
        title: "It breaks".to_owned(),
    };
    armed(&store, &[arm(1, card_task()), arm(2, card_task()), arm(3, close()), arm(4, close())]).await;
    let kinds: Vec<_> = rows(&store).await.iter().map(|row| row.task.kind()).collect();
    assert_eq!(kinds, ["close_card", "close_card", "card"]);
    assert_eq!(tasks(&store, NOW).await[0].generation, 2);
}

async fn a_row_that_was_armed_while_it_was_worked_on_is_worked_on_again(store: Shared) {
    people(&store).await;
    armed(&store, &[arm(1, card_task())]).await;
    let first = tasks(&store, NOW).await.remove(0);
    armed(&store, &[arm(2, card_task())]).await;
    finish(&store, &first, OutboxState::Done).await.unwrap();
    let second = tasks(&store, NOW).await.remove(0);
    assert_eq!((second.id, second.generation), (first.id, first.generation + 1));
    finish(&store, &second, OutboxState::Done).await.unwrap();
    assert_eq!(rows(&store).await[0].state, OutboxState::Done);
    armed(&store, &[arm(2, card_task())]).await;
    assert_eq!(tasks(&store, NOW).await[0].id, arm(2, card_task()).id);
}

async fn a_leased_row_is_nobody_elses_until_the_lease_runs_out_and_then_not_its_first_holders(store: Shared) {
    people(&store).await;
    armed(&store, &[arm(1, card_task())]).await;
    let first = tasks(&store, NOW).await.remove(0);
    assert!(tasks(&store, seconds(MINUTE - 1)).await.is_empty());
    let second = tasks(&store, seconds(MINUTE)).await.remove(0);
    assert!(second.token > first.token);
    assert_eq!(finish(&store, &first, OutboxState::Done).await, Err(StoreError::LeaseLost));
    let mut uow = begin(&store).await;
    assert_eq!(uow.hold_outbox(first.id, first.token).await, Err(StoreError::LeaseLost));
    assert_eq!(uow.hold_outbox(second.id, second.token).await, Ok(()));
    drop(uow);
    Outbox::fail(&*store, first.id, first.token, NOW, "too late", true).await.unwrap();
    assert_eq!((rows(&store).await[0].attempts, &rows(&store).await[0].reason), (0, &None));
    finish(&store, &second, OutboxState::Done).await.unwrap();
    assert_eq!(finish(&store, &second, OutboxState::Done).await, Err(StoreError::LeaseLost));
}

async fn a_row_that_failed_waits_and_an_outage_of_ours_is_no_attempt(store: Shared) {
    people(&store).await;
    armed(&store, &[arm(1, card_task())]).await;
    for (counts, attempts) in [(false, 0), (true, 1), (true, 2)] {
        let claimed = tasks(&store, seconds(100)).await.remove(0);
        Outbox::fail(&*store, claimed.id, claimed.token, seconds(100), "busy", counts).await.unwrap();
        assert!(tasks(&store, seconds(99)).await.is_empty());
        let row = rows(&store).await.remove(0);
        assert_eq!((row.attempts, row.reason.as_deref(), row.due_at), (attempts, Some("busy"), seconds(100)));
    }
}

async fn released(store: &Shared, organization: OrganizationId, rows: Released, at: Timestamp) {
    let mut uow = begin(store).await;
    uow.release(organization, rows, at).await.unwrap();
    uow.commit().await.unwrap();
}

async fn a_row_that_waits_is_released_by_what_it_waits_for_alone_and_not_by_being_armed_again(store: Shared) {
    people(&store).await;
    let refresh = |work_item| OutboxTask::RefreshWorkItem {
        integration: INTEGRATION,
        installation: INSTALLATION,
        work_item: WorkItemNumber::new(work_item),
    };
    let reconcile = OutboxTask::ReconcileProject { installation: INSTALLATION, azure_project: azure_project() };
    let unhook = OutboxTask::DeleteSubscription { hook: HOOK };
    let set = [
        arm(1, refresh(1)),
        arm(2, refresh(2)),
        arm(3, reconcile),
        arm(4, unhook),
        arm(5, card_task()),
        arm(6, OutboxTask::Summary { route: ROUTE }),
    ];
    armed(&store, &set).await;
    let failed = tasks(&store, NOW).await;
    for task in failed.iter().filter(|task| task.id != arm(2, refresh(2)).id) {
        Outbox::fail(&*store, task.id, task.token, seconds(3600), "refused", true).await.unwrap();
    }
    armed(&store, &set).await;
    let kinds = async |at| {
        let mut kinds: Vec<_> = tasks(&store, at).await.iter().map(|task| task.task.kind()).collect();
        kinds.sort_unstable();
        kinds
    };
    assert!(kinds(seconds(1)).await.is_empty(), "armed again, it waits as before");
    let others = InstallationId::from_uuid(Uuid::from_u128(9));
    for (organization, rows) in [
        (BOBS, Released::by_credential(INSTALLATION)),
        (ADAS, Released::reading(others)),
        (ADAS, Released::telling(RouteId::from_uuid(Uuid::from_u128(9)))),
    ] {
        released(&store, organization, rows, seconds(1)).await;
        assert!(kinds(seconds(1)).await.is_empty(), "{organization:?} {rows:?}");
    }
    released(&store, ADAS, Released::reading(INSTALLATION), seconds(1)).await;
    let read = tasks(&store, seconds(1)).await;
    assert_eq!(
        read.iter().map(|task| (task.task.kind(), task.attempts)).collect::<Vec<_>>(),
        [("reconcile_project", 0)]
    );
    released(&store, ADAS, Released::by_credential(INSTALLATION), seconds(2)).await;
    assert_eq!(kinds(seconds(2)).await, ["delete_subscription", "refresh_work_item"], "none that somebody has leased");
    released(&store, ADAS, Released::telling(ROUTE), seconds(3)).await;
    assert_eq!(kinds(seconds(3)).await, ["card", "summary"]);
}

async fn rows_are_leased_in_the_order_in_which_they_are_due(store: Shared) {
    people(&store).await;
    let refresh = |work_item| OutboxTask::RefreshWorkItem {
        integration: INTEGRATION,
        installation: INSTALLATION,
        work_item: WorkItemNumber::new(work_item),
    };
    let due = |id: u8, later| OutboxArm { due_at: seconds(later), ..arm(u128::from(id), refresh(i64::from(id))) };
    armed(&store, &[due(1, 3), due(2, 1), due(3, 2), due(4, 4)]).await;
    let claimed = Outbox::claim(&*store, Lane::Tracker, seconds(3), seconds(60), 2).await.unwrap();
    let ids: Vec<_> = claimed.iter().map(|task| task.id).collect();
    assert_eq!(ids, [due(2, 1).id, due(3, 2).id]);
    assert_eq!(tasks(&store, seconds(3)).await.len(), 1);
}

async fn a_lane_is_leased_apart_from_the_other(store: Shared) {
    people(&store).await;
    let reconcile = OutboxTask::ReconcileProject { installation: INSTALLATION, azure_project: azure_project() };
    armed(&store, &[arm(1, reconcile), arm(2, card_task())]).await;
    let claim = |lane| Outbox::claim(&*store, lane, NOW, seconds(MINUTE), 10);
    let kinds = |claimed: Vec<ClaimedTask>| claimed.iter().map(|one| one.task.kind()).collect::<Vec<_>>();
    assert_eq!(kinds(claim(Lane::Messages).await.unwrap()), ["card"]);
    assert_eq!(kinds(claim(Lane::Reconcile).await.unwrap()), ["reconcile_project"]);
    assert!(claim(Lane::Tracker).await.unwrap().is_empty());
}

async fn a_card_goes_before_hundreds_of_closed_cards_that_were_armed_earlier(store: Shared) {
    people(&store).await;
    let close = |id: u128| {
        let (channel, message) = (ChannelId::new(1).unwrap(), MessageId::new(1).unwrap());
        let (short_id, title) = ("MILL-1".to_owned(), "It breaks".to_owned());
        arm(id, OutboxTask::CloseCard { channel, message, short_id, title })
    };
    armed(&store, &(1..=300).map(close).collect::<Vec<_>>()).await;
    armed(&store, &[OutboxArm { due_at: seconds(5), ..arm(301, card_task()) }]).await;
    let claimed = Outbox::claim(&*store, Lane::Messages, seconds(9), seconds(MINUTE), 8).await.unwrap();
    let kinds: Vec<_> = claimed.iter().map(|task| task.task.kind()).collect();
    assert_eq!((kinds.len(), kinds[0], kinds[1]), (8, "card", "close_card"));
}

async fn a_dead_row_is_replayed_by_its_own_organization_unless_its_target_is_pending_again(store: Shared) {
    people(&store).await;
    armed(&store, &[arm(1, card_task())]).await;
    assert_eq!(store.replay(ADAS, ROW, NOW).await, Ok(false));
    let claimed = tasks(&store, NOW).await.remove(0);
    Outbox::fail(&*store, ROW, claimed.token, NOW, "busy", true).await.unwrap();
    let claimed = tasks(&store, NOW).await.remove(0);
    finish(&store, &claimed, OutboxState::Dead).await.unwrap();
    assert_eq!(store.replay(BOBS, ROW, NOW).await, Ok(false));
    armed(&store, &[arm(2, card_task())]).await;
    assert_eq!(store.replay(ADAS, ROW, NOW).await, Ok(false));
    let other = tasks(&store, NOW).await.remove(0);
    finish(&store, &other, OutboxState::Done).await.unwrap();
    assert_eq!(store.replay(ADAS, ROW, seconds(9)).await, Ok(true));
    let row = rows(&store).await.pop().unwrap();
    assert_eq!((row.state, row.attempts, row.due_at), (OutboxState::Pending, 0, seconds(9)));
}

async fn the_same_event_again_is_counted_and_arms_nothing(store: Shared) {
    tracker(&store).await;
    let reconcile = |id| {
        let task = OutboxTask::ReconcileProject { installation: INSTALLATION, azure_project: azure_project() };
        Some(arm(id, task))
    };
    let first = NewDelivery { arm: reconcile(1), ..delivery(1, 42) };
    let again = NewDelivery { idempotency_key: first.idempotency_key.clone(), arm: reconcile(2), ..delivery(2, 42) };
    assert_eq!(store.append(first).await, Ok(Appended::New));
    assert_eq!(store.append(again).await, Ok(Appended::Duplicate));
    assert_eq!(tasks(&store, seconds(9)).await[0].generation, 1);
    let kept = store.deliveries(ADAS, None, PageRequest::first()).await.unwrap().items;
    assert_eq!((kept.len(), kept[0].duplicates), (1, 1));
}

async fn what_was_not_understood_has_no_key_and_is_kept_each_time(store: Shared) {
    world(&store).await;
    for id in [2, 3] {
        let state = DeliveryState::Quarantined;
        let new = NewDelivery { idempotency_key: None, state, reason: Some("odd".to_owned()), ..delivery(id, 42) };
        assert_eq!(store.append(new).await, Ok(Appended::New));
    }
    let kept = store.deliveries(ADAS, Some(DeliveryState::Quarantined), PageRequest::first()).await.unwrap().items;
    assert_eq!(kept.iter().map(|row| row.reason.as_deref()).collect::<Vec<_>>(), [Some("odd"); 2]);
    assert_eq!(kept[0].finished_at, Some(seconds(3)));
}

async fn at_most_one_delivery_of_a_work_item_is_in_flight_and_the_oldest_goes_first(store: Shared) {
    people(&store).await;
    for new in [delivery(3, 42), delivery(1, 42), delivery(2, 7)] {
        store.append(new).await.unwrap();
    }
    let claimed = deliveries(&store, seconds(10)).await;
    let ids: Vec<_> = claimed.iter().map(|one| one.id).collect();
    assert_eq!(ids, [delivery(1, 42).id, delivery(2, 7).id]);
    assert!(claimed[1].token > claimed[0].token);
    assert!(deliveries(&store, seconds(10)).await.is_empty());
    end(&store, &claimed[..1], DeliveryState::Applied).await.unwrap();
    assert_eq!(deliveries(&store, seconds(10)).await[0].id, delivery(3, 42).id);
}

async fn a_batch_with_one_lost_lease_ends_nothing(store: Shared) {
    people(&store).await;
    store.append(delivery(1, 42)).await.unwrap();
    store.append(delivery(2, 7)).await.unwrap();
    let first = deliveries(&store, seconds(10)).await;
    Inbox::fail(&*store, first[1].id, first[1].token, seconds(10), "busy", true).await.unwrap();
    let second = deliveries(&store, seconds(10)).await;
    assert_eq!((second.len(), second[0].attempts), (1, 1));
    assert_eq!(end(&store, &first, DeliveryState::Applied).await, Err(StoreError::LeaseLost));
    Inbox::fail(&*store, first[1].id, first[1].token, NOW, "too late", true).await.unwrap();
    end(&store, &[first[0].clone(), second[0].clone()], DeliveryState::Applied).await.unwrap();
}

async fn a_delivery_is_replayed_when_it_has_ended_and_was_understood(store: Shared) {
    world(&store).await;
    let id = delivery(1, 42).id;
    let odd = NewDelivery { idempotency_key: None, state: DeliveryState::Quarantined, ..delivery(2, 42) };
    store.append(odd).await.unwrap();
    assert!(!replayed(&store, id).await);
    assert!(!replayed(&store, delivery(2, 42).id).await);
    assert!(!replayed(&store, delivery(9, 42).id).await);
    let claimed = deliveries(&store, seconds(10)).await;
    end(&store, &claimed, DeliveryState::Dead).await.unwrap();
    assert!(replayed(&store, id).await);
    let (record, payload) = store.delivery(ADAS, id).await.unwrap().unwrap();
    assert_eq!((record.state, record.finished_at, payload), (DeliveryState::Pending, None, b"{}".to_vec()));
    assert!(deliveries(&store, seconds(MINUTE - 1)).await.is_empty());
    assert_eq!(deliveries(&store, seconds(MINUTE)).await.len(), 1);
}

async fn purging_deletes_what_ended_long_ago_and_never_more_than_asked(store: Shared) {
    people(&store).await;
    for id in 1..=3 {
        store.append(delivery(id, i64::from(id))).await.unwrap();
    }
    let claimed = deliveries(&store, seconds(10)).await;
    end(&store, &claimed[..2], DeliveryState::Applied).await.unwrap();
    assert_eq!(Inbox::purge(&*store, seconds(MINUTE), 10).await, Ok(0));
    assert_eq!(Inbox::purge(&*store, seconds(MINUTE + 1), 1).await, Ok(1));
    assert_eq!(Inbox::purge(&*store, seconds(MINUTE + 1), 10).await, Ok(1));
    assert_eq!(Inbox::purge(&*store, seconds(MINUTE + 1), 10).await, Ok(0));
    armed(&store, &[arm(1, card_task())]).await;
    let task = tasks(&store, NOW).await.remove(0);
    assert_eq!(Outbox::purge(&*store, seconds(9), 10).await, Ok(0));
    finish(&store, &task, OutboxState::Done).await.unwrap();
    assert_eq!(Outbox::purge(&*store, seconds(9), 10).await, Ok(1));
}
