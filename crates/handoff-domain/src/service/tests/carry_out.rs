//! Carry Out: an ending is recorded only under the lease, and an outage of ours is no attempt.

use super::fixtures::{
    NOW, ORGANIZATION, assignments, azure_project, commits, disk_full, group, installation, reader, secrets, store,
    unless, untold,
};
use crate::id::{OutboxId, RouteId};
use crate::organization::{ChannelId, MessageId};
use crate::outbox::{ClaimedTask, OutboxState, OutboxTask};
use crate::port::{ChatError, SecretBoxError, StoreError};
use crate::service::carry_out::{CarryOut, MAX_ATTEMPTS, PATIENCE};
use crate::service::create_subscription::Subscriptions;
use crate::service::link_work_item::LinkWorkItem;
use crate::service::refresh_work_item::RefreshWorkItem;
use crate::service::send_message::SendMessage;
use crate::service::track_work_item::TrackWorkItem;
use crate::testing::{
    FixedClock, KeptLog, MockChatMessenger, MockOutbox, MockSecretBox, MockStore, MockUnitOfWork, MockWorkItemTracker,
    SequentialEntropy,
};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

fn service(messages: MockStore, endings: Vec<MockUnitOfWork>, chat: MockChatMessenger, outbox: MockOutbox) -> CarryOut {
    let (clock, entropy) = (Arc::new(FixedClock::at(NOW)), Arc::new(SequentialEntropy::default()));
    let tracker = Arc::new(MockWorkItemTracker::new());
    CarryOut {
        messages: SendMessage {
            store: Arc::new(messages),
            reader: Arc::new(reader()),
            chat: Arc::new(chat),
            clock: clock.clone(),
            entropy: entropy.clone(),
        },
        refresh: RefreshWorkItem {
            assignments: assignments(store(Vec::new()), untold(), false),
            reader: Arc::new(reader()),
            secrets: Arc::new(secrets()),
            tracker: tracker.clone(),
        },
        tracking: TrackWorkItem {
            links: LinkWorkItem {
                assignments: assignments(store(Vec::new()), untold(), false),
                reader: Arc::new(reader()),
                secrets: Arc::new(secrets()),
                tracker: tracker.clone(),
            },
        },
        subscriptions: Subscriptions {
            store: Arc::new(store(Vec::new())),
            reader: Arc::new(reader()),
            tracker,
            secrets: Arc::new(secrets()),
            clock: clock.clone(),
            entropy: entropy.clone(),
            public_url: Some(String::new()),
        },
        store: Arc::new(store(endings)),
        outbox: Arc::new(outbox),
        clock,
        entropy,
    }
}

fn claimed(task: OutboxTask, attempts: u32) -> ClaimedTask {
    let id = OutboxId::from_uuid(Uuid::from_u128(41));
    ClaimedTask { id, token: 2, generation: 3, organization: ORGANIZATION, task, attempts }
}

fn card() -> OutboxTask {
    OutboxTask::Card { group: group(), route: RouteId::from_uuid(Uuid::from_u128(42)) }
}

fn close() -> OutboxTask {
    let (channel, message) = (ChannelId::new(5).unwrap(), MessageId::new(7).unwrap());
    OutboxTask::CloseCard { channel, message, short_id: "SHOP-1".to_owned(), title: String::new() }
}

/// Discord answers every edit so.
fn answering(answer: Result<(), ChatError>) -> MockChatMessenger {
    let mut chat = MockChatMessenger::new();
    chat.expect_edit().returning(move |_, _, _| answer.clone());
    chat
}

/// A unit of work that ends the row in this state, under its lease and generation.
fn ending(state: OutboxState, fails: &'static str) -> MockUnitOfWork {
    let mut uow = MockUnitOfWork::new();
    uow.expect_finish_outbox()
        .withf(move |_, token, generation, ended, _, at| (*token, *generation, *ended, *at) == (2, 3, state, NOW))
        .times(1)
        .returning(move |_, _, _, _, _, _| unless(fails, "finish"));
    commits(&mut uow, fails);
    uow
}

fn silent() -> MockOutbox {
    let mut outbox = MockOutbox::new();
    outbox.expect_fail().never();
    outbox
}

#[tokio::test]
async fn what_is_done_ends_done_and_what_is_refused_for_good_ends_dead() {
    let rejected = Err(ChatError::Rejected { reason: "50035".to_owned() });
    for (answer, state) in [(Ok(()), OutboxState::Done), (rejected, OutboxState::Dead)] {
        let service = service(store(Vec::new()), vec![ending(state, "")], answering(answer), silent());
        assert_eq!(service.carry_out(&claimed(close(), 0)).await, Ok(()));
    }
}

/// An outbox to which one row is given back between these waits in seconds, as an attempt or not.
fn given_back(from: u64, to: u64, counts: bool) -> MockOutbox {
    let mut outbox = MockOutbox::new();
    let seconds = |wait| NOW.plus(Duration::from_secs(wait));
    outbox
        .expect_fail()
        .withf(move |_, token, at, _, counted| {
            *token == 2 && (seconds(from)..=seconds(to)).contains(at) && *counted == counts
        })
        .times(1)
        .returning(|_, _, _, _, _| Ok(()));
    outbox
}

fn busy(after: Option<u64>) -> ChatError {
    ChatError::Retry { reason: "busy".to_owned(), after: after.map(Duration::from_secs) }
}

/// The same row, made so many seconds ago.
fn aged(seconds: u64, attempts: u32) -> ClaimedTask {
    let id = OutboxId::generate(NOW.minus(Duration::from_secs(seconds)), &SequentialEntropy::default());
    ClaimedTask { id, ..claimed(close(), attempts) }
}

#[tokio::test]
async fn a_failure_is_given_back_for_later_counted_or_not_and_the_last_attempt_is_dead() {
    for (answer, counts, from, to) in [(busy(None), true, 1, 2), (ChatError::Unauthorized, false, 300, 300)] {
        let outbox = given_back(from, to, counts);
        let service = service(store(Vec::new()), Vec::new(), answering(Err(answer)), outbox);
        assert_eq!(service.carry_out(&claimed(close(), 0)).await, Ok(()));
    }
    let service = service(store(Vec::new()), vec![ending(OutboxState::Dead, "")], answering(Err(busy(None))), silent());
    assert_eq!(service.carry_out(&claimed(close(), MAX_ATTEMPTS - 1)).await, Ok(()));
}

#[tokio::test]
async fn a_wait_that_was_asked_for_is_no_attempt_and_lasts_as_long_as_was_asked_and_a_little_more() {
    for (asked, from, to) in [(0, 0, 2), (50, 50, 55), (3600, 3600, 3660)] {
        for attempts in [0, MAX_ATTEMPTS - 1] {
            let outbox = given_back(from, to, false);
            let service = service(store(Vec::new()), Vec::new(), answering(Err(busy(Some(asked)))), outbox);
            assert_eq!(service.carry_out(&aged(86_400, attempts)).await, Ok(()), "{asked}");
        }
    }
}

#[tokio::test]
async fn a_row_that_was_asked_to_wait_for_days_has_as_many_attempts_left_as_any_other() {
    let days = PATIENCE.as_secs();
    let again = service(store(Vec::new()), Vec::new(), answering(Err(busy(Some(50)))), given_back(50, 55, true));
    assert_eq!(again.carry_out(&aged(days, 3)).await, Ok(()));
    let endings = vec![ending(OutboxState::Dead, "")];
    let last = service(store(Vec::new()), endings, answering(Err(busy(Some(50)))), silent());
    assert_eq!(last.carry_out(&aged(days, MAX_ATTEMPTS - 1)).await, Ok(()));
}

#[tokio::test]
async fn an_outage_of_the_store_is_no_attempt_however_often_it_happens() {
    let mut broken = MockUnitOfWork::new();
    broken.expect_card_source().returning(|_, _| Err(disk_full()));
    let mut outbox = MockOutbox::new();
    outbox.expect_fail().withf(|_, _, _, _, counts| !counts).times(1).returning(|_, _, _, _, _| Ok(()));
    let service = service(store(vec![broken]), Vec::new(), MockChatMessenger::new(), outbox);
    assert_eq!(service.carry_out(&claimed(card(), MAX_ATTEMPTS)).await, Ok(()));
}

#[tokio::test]
async fn the_longer_an_outage_lasts_the_longer_a_row_waits_up_to_a_minute() {
    for (waited, from, to) in [(0, 1, 2), (60, 15, 30), (86_400, 30, 60)] {
        let mut broken = MockUnitOfWork::new();
        broken.expect_card_source().returning(|_, _| Err(StoreError::Retry));
        let mut outbox = MockOutbox::new();
        let seconds = |wait| NOW.plus(Duration::from_secs(wait));
        outbox
            .expect_fail()
            .withf(move |_, _, at, _, counts| (seconds(from)..=seconds(to)).contains(at) && !counts)
            .times(1)
            .returning(|_, _, _, _, _| Ok(()));
        let service = service(store(vec![broken]), Vec::new(), MockChatMessenger::new(), outbox);
        let made = NOW.minus(Duration::from_secs(waited));
        let id = OutboxId::generate(made, &SequentialEntropy::default());
        assert_eq!(service.carry_out(&ClaimedTask { id, ..claimed(card(), 0) }).await, Ok(()), "{waited}");
    }
}

#[tokio::test]
async fn a_task_that_is_given_up_on_is_logged_with_its_kind_and_class_and_without_what_was_said() {
    let log = KeptLog::begin();
    let rejected = Err(ChatError::Rejected { reason: "there is no ada@example.org".to_owned() });
    for (fails, lines) in [("commit", 0), ("", 1)] {
        let endings = vec![ending(OutboxState::Dead, fails)];
        let service = service(store(Vec::new()), endings, answering(rejected.clone()), silent());
        assert_eq!(service.carry_out(&claimed(close(), 4)).await.is_ok(), fails.is_empty());
        assert_eq!(log.lines().len(), lines, "{fails}");
    }
    let line = log.lines().remove(0);
    assert!(line.starts_with("WARN a task was given up on"), "{line}");
    for told in ["row=00000000-0000-0000-0000-000000000029", "task=\"close_card\"", "attempts=5", "chat_rejected"] {
        assert!(line.contains(told), "{line}");
    }
    assert!(!line.contains("ada@"), "{line}");
}

#[tokio::test]
async fn a_secret_that_cannot_be_opened_is_given_up_on_in_words_that_say_what_to_do() {
    let mut dead = MockUnitOfWork::new();
    dead.expect_finish_outbox()
        .withf(|_, _, _, state, reason, _| {
            *state == OutboxState::Dead && reason.as_ref().is_some_and(|reason| reason.contains("restore the key file"))
        })
        .times(1)
        .returning(|_, _, _, _, _, _| Ok(()));
    commits(&mut dead, "");
    let mut service = service(store(Vec::new()), vec![dead], MockChatMessenger::new(), silent());
    let mut secrets = MockSecretBox::new();
    secrets.expect_open().returning(|_, _| Err(SecretBoxError::UnknownKey));
    service.refresh.secrets = Arc::new(secrets);
    let task = OutboxTask::ReconcileProject { installation: installation(), azure_project: azure_project() };
    assert_eq!(service.carry_out(&claimed(task, MAX_ATTEMPTS - 1)).await, Ok(()));
}

/// Reads that there is nothing to show.
fn nothing_to_show() -> MockStore {
    let mut gone = MockUnitOfWork::new();
    gone.expect_card_source().returning(|_, _| Ok(None));
    store(vec![gone])
}

#[tokio::test]
async fn a_sender_that_lost_its_lease_arms_a_converge_task_again_and_an_event_never() {
    let lost = || {
        let mut uow = MockUnitOfWork::new();
        uow.expect_finish_outbox().returning(|_, _, _, _, _, _| Err(StoreError::LeaseLost));
        uow.expect_commit().never();
        uow
    };
    let mut arming = MockUnitOfWork::new();
    arming.expect_arm().withf(|rows| rows.len() == 1 && rows[0].task == card()).times(1).returning(|_| Ok(()));
    commits(&mut arming, "");
    let converge = service(nothing_to_show(), vec![lost(), arming], MockChatMessenger::new(), silent());
    assert_eq!(converge.carry_out(&claimed(card(), 0)).await, Ok(()));
    let event = service(store(Vec::new()), vec![lost()], answering(Ok(())), silent());
    assert_eq!(event.carry_out(&claimed(close(), 0)).await, Ok(()));
}

#[tokio::test]
async fn an_ending_that_cannot_be_recorded_is_told_and_nothing_committed() {
    for fails in ["finish", "commit"] {
        let endings = vec![ending(OutboxState::Obsolete, fails)];
        let service = service(nothing_to_show(), endings, MockChatMessenger::new(), silent());
        assert_eq!(service.carry_out(&claimed(card(), 0)).await, Err(disk_full()), "{fails}");
    }
}
