//! Send Message: the nonce is on disk before Discord is asked, a repeated attempt makes no second message,
//! and a card never stays in the past.

use super::fixtures::{ADA, NOW, ORGANIZATION, PROJECT, commits, disk_full, group, state, store};
use crate::assignee::{Activity, ActivityKind, Assignee};
use crate::chat::{CardSource, MessageKind, MessageRecord, Route, RouteMode};
use crate::id::{ActivityId, MessageRecordId, OutboxId, RouteId};
use crate::organization::{ChannelId, DiscordUserId, GuildId, MessageId};
use crate::outbox::{ClaimedTask, OutboxTask};
use crate::page::Page;
use crate::port::{ChatError, StoreError};
use crate::route::RouteFilter;
use crate::service::UseCaseError;
use crate::service::send_message::{SendMessage, Sent};
use crate::slug::Slug;
use crate::testing::{FixedClock, KeptLog, MockChatMessenger, MockReader, MockUnitOfWork, SequentialEntropy};
use crate::time::Timestamp;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

fn route() -> RouteId {
    RouteId::from_uuid(Uuid::from_u128(31))
}

fn record(kind: MessageKind, message: Option<u64>, nonce: &str, nonce_at: Timestamp) -> MessageRecord {
    MessageRecord {
        id: MessageRecordId::from_uuid(Uuid::from_u128(32)),
        organization: ORGANIZATION,
        group: group(),
        route: route(),
        kind,
        subject: String::new(),
        channel: ChannelId::new(5).unwrap(),
        message: message.and_then(MessageId::new),
        nonce: nonce.to_owned(),
        nonce_at,
        digest: message.map(|_| "of then".to_owned()),
        reposted_at: None,
        given_up: false,
    }
}

fn source(record: Option<MessageRecord>) -> CardSource {
    CardSource {
        group: state(None).group,
        project_slug: Slug::parse("shop").unwrap(),
        route: Route {
            id: route(),
            organization: ORGANIZATION,
            project: PROJECT,
            guild: GuildId::new(6).unwrap(),
            channel: ChannelId::new(5).unwrap(),
            mode: RouteMode::CardAndPing,
            ids_only: false,
            filter: RouteFilter::default(),
            quiet_hours: None,
            disabled: None,
            created_at: NOW,
        },
        assignee: Some(Assignee::User(ADA)),
        assignee_name: Some("Ada".to_owned()),
        assignee_discord: DiscordUserId::new(99),
        work_items: Vec::new(),
        record,
    }
}

fn lease() -> ClaimedTask {
    ClaimedTask {
        id: OutboxId::from_uuid(Uuid::from_u128(33)),
        token: 1,
        generation: 1,
        organization: ORGANIZATION,
        task: OutboxTask::Card { group: group(), route: route() },
        attempts: 0,
    }
}

/// Reads the card's source.
fn reading(found: Option<CardSource>) -> MockUnitOfWork {
    let mut uow = MockUnitOfWork::new();
    uow.expect_card_source().returning(move |_, _| Ok(found.clone()));
    uow.expect_commit().never();
    uow
}

/// Records a message, and keeps what it recorded.
fn writing(kept: &Arc<Mutex<Vec<MessageRecord>>>, fails: &'static str) -> MockUnitOfWork {
    let mut uow = MockUnitOfWork::new();
    let held = if fails == "lease" { Err(StoreError::LeaseLost) } else { Ok(()) };
    uow.expect_hold_outbox().returning(move |_, _| held.clone());
    let kept = kept.clone();
    uow.expect_put_message_record().returning(move |record| {
        kept.lock().unwrap().push(record.clone());
        super::fixtures::unless(fails, "record")
    });
    commits(&mut uow, fails);
    uow
}

fn sender(uows: Vec<MockUnitOfWork>, chat: MockChatMessenger) -> SendMessage {
    sender_reading(uows, chat, MockReader::new())
}

fn sender_reading(uows: Vec<MockUnitOfWork>, chat: MockChatMessenger, reader: MockReader) -> SendMessage {
    SendMessage {
        store: Arc::new(store(uows)),
        reader: Arc::new(reader),
        chat: Arc::new(chat),
        clock: Arc::new(FixedClock::at(NOW)),
        entropy: Arc::new(SequentialEntropy::default()),
    }
}

/// Sends the card whose record is this, with as many writes; answers what came of it and what was recorded.
async fn card(
    known: Option<MessageRecord>,
    writes: usize,
    chat: MockChatMessenger,
) -> (Result<Sent, UseCaseError>, Vec<MessageRecord>) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let mut uows = vec![reading(Some(source(known)))];
    uows.extend((0..writes).map(|_| writing(&kept, "")));
    let done = sender(uows, chat).send_card(&lease(), group(), route()).await;
    let kept = kept.lock().unwrap().clone();
    (done, kept)
}

#[tokio::test]
async fn a_new_card_has_its_nonce_recorded_first_and_its_digest_last() {
    let mut chat = MockChatMessenger::new();
    chat.expect_create().times(1).returning(|_, _, _| Ok(MessageId::new(7).unwrap()));
    let (done, kept) = card(None, 2, chat).await;
    assert_eq!(done, Ok(Sent::Created));
    assert_eq!((kept[0].message, kept[0].nonce.len()), (None, 24));
    assert_eq!((kept[1].message, kept[1].digest.is_some()), (MessageId::new(7), true));
    assert_eq!(kept[0].nonce, kept[1].nonce);
}

#[tokio::test]
async fn what_cannot_be_recorded_first_is_not_sent() {
    for fails in ["lease", "record", "commit"] {
        let mut chat = MockChatMessenger::new();
        chat.expect_create().never();
        let kept = Arc::default();
        let uows = vec![reading(Some(source(None))), writing(&kept, fails)];
        let done = sender(uows, chat).send_card(&lease(), group(), route()).await;
        let expected = if fails == "lease" { StoreError::LeaseLost } else { disk_full() };
        assert_eq!(done, Err(UseCaseError::Store(expected)), "{fails}");
    }
}

#[tokio::test]
async fn a_card_sent_under_a_nonce_of_before_is_shown_anew_at_once() {
    let mut chat = MockChatMessenger::new();
    chat.expect_create().withf(|_, _, nonce| nonce == "n").times(1).returning(|_, _, _| Ok(MessageId::new(7).unwrap()));
    chat.expect_find_by_nonce().never();
    let tried = record(MessageKind::Card, None, "n", NOW.minus(Duration::from_secs(59)));
    let (done, kept) = card(Some(tried), 1, chat).await;
    assert_eq!(done, Ok(Sent::Stale));
    assert_eq!((kept[0].message, &kept[0].digest), (MessageId::new(7), &None));
}

#[tokio::test]
async fn an_old_attempt_is_looked_for_in_the_channel_before_another_is_made() {
    let tried = || Some(record(MessageKind::Card, None, "n", NOW.minus(Duration::from_secs(60))));
    let mut chat = MockChatMessenger::new();
    chat.expect_find_by_nonce().times(1).returning(|_, _, _| Ok(MessageId::new(7)));
    chat.expect_create().never();
    let (done, kept) = card(tried(), 1, chat).await;
    assert_eq!((done, kept[0].message), (Ok(Sent::Stale), MessageId::new(7)));

    let mut chat = MockChatMessenger::new();
    chat.expect_find_by_nonce().times(1).returning(|_, _, _| Ok(None));
    chat.expect_create().withf(|_, _, nonce| nonce != "n").times(1).returning(|_, _, _| Ok(MessageId::new(8).unwrap()));
    let (done, _) = card(tried(), 2, chat).await;
    assert_eq!(done, Ok(Sent::Created));
}

#[tokio::test]
async fn a_nonce_whose_message_was_deleted_is_replaced_once() {
    for again in [Ok(MessageId::new(8).unwrap()), Err(ChatError::MessageGone)] {
        let mut chat = MockChatMessenger::new();
        let answer = again.clone();
        chat.expect_create()
            .times(2)
            .returning(move |_, _, nonce| if nonce == "n" { Err(ChatError::MessageGone) } else { answer.clone() });
        let tried = record(MessageKind::Card, None, "n", NOW);
        let writes = if again.is_ok() { 2 } else { 1 };
        let (done, _) = card(Some(tried), writes, chat).await;
        match again {
            Ok(_) => assert_eq!(done, Ok(Sent::Created)),
            Err(_) => assert!(matches!(done, Err(UseCaseError::Chat(ChatError::Retry { .. }))), "{done:?}"),
        }
    }
}

#[tokio::test]
async fn before_an_edit_the_digest_is_forgotten_since_its_outcome_may_stay_unknown() {
    let sent = || Some(record(MessageKind::Card, Some(7), "n", NOW));
    let lost = || ChatError::Retry { reason: "timed out".to_owned(), after: None };
    let mut chat = MockChatMessenger::new();
    chat.expect_edit().times(1).returning(move |_, _, _| Err(lost()));
    let (done, kept) = card(sent(), 1, chat).await;
    assert_eq!((done, kept[0].digest.clone()), (Err(UseCaseError::Chat(lost())), None));

    let mut chat = MockChatMessenger::new();
    chat.expect_edit().never();
    let uows = vec![reading(Some(source(sent()))), writing(&Arc::default(), "record")];
    let done = sender(uows, chat).send_card(&lease(), group(), route()).await;
    assert_eq!(done, Err(UseCaseError::Store(disk_full())));
}

#[tokio::test]
async fn a_card_that_says_it_already_is_not_sent_again() {
    let mut chat = MockChatMessenger::new();
    chat.expect_edit().times(1).returning(|_, _, _| Ok(()));
    let (done, kept) = card(Some(record(MessageKind::Card, Some(7), "n", NOW)), 2, chat).await;
    assert_eq!(done, Ok(Sent::Edited));
    let mut chat = MockChatMessenger::new();
    chat.expect_edit().never();
    let (done, _) = card(kept.last().cloned(), 0, chat).await;
    assert_eq!(done, Ok(Sent::Unchanged));
}

#[tokio::test]
async fn a_card_that_somebody_deleted_is_posted_once_more_under_a_new_nonce() {
    let mut chat = MockChatMessenger::new();
    chat.expect_edit().times(1).returning(|_, _, _| Err(ChatError::MessageGone));
    chat.expect_create().withf(|_, _, nonce| nonce != "n").times(1).returning(|_, _, _| Ok(MessageId::new(8).unwrap()));
    let (done, kept) = card(Some(record(MessageKind::Card, Some(7), "n", NOW)), 3, chat).await;
    assert_eq!((done, kept[2].message), (Ok(Sent::Created), MessageId::new(8)));
}

#[tokio::test]
async fn a_card_of_what_is_gone_and_a_route_that_is_disabled_say_nothing() {
    let mut disabled = source(None);
    disabled.route.disabled = Some("gone".to_owned());
    for found in [None, Some(disabled)] {
        let done = sender(vec![reading(found)], MockChatMessenger::new()).send_card(&lease(), group(), route()).await;
        assert_eq!(done, Ok(Sent::Obsolete));
    }
}

#[tokio::test]
async fn a_channel_that_cannot_be_used_disables_the_route_with_the_reason() {
    let unusable = || ChatError::ChannelUnusable { reason: "the bot may not post".to_owned() };
    let mut chat = MockChatMessenger::new();
    chat.expect_create().returning(move |_, _, _| Err(unusable()));
    let mut disabling = MockUnitOfWork::new();
    disabling
        .expect_set_route_disabled()
        .withf(|id, reason| *id == route() && reason.as_deref() == Some("the bot may not post"))
        .times(1)
        .returning(|_, _| Ok(()));
    commits(&mut disabling, "");
    let uows = vec![reading(Some(source(None))), writing(&Arc::default(), ""), disabling];
    let log = KeptLog::begin();
    let done = sender(uows, chat).send_card(&lease(), group(), route()).await;
    assert_eq!(done, Err(UseCaseError::Chat(unusable())));
    let lines = log.lines();
    assert!(lines.len() == 1 && lines[0].starts_with("WARN a route was switched off"), "{lines:?}");
    assert!(lines[0].contains(&route().to_string()) && lines[0].contains("the bot may not post"), "{lines:?}");
}

/// The history entry that every mention here tells of.
fn told() -> ActivityId {
    ActivityId::from_uuid(Uuid::from_u128(34))
}

/// An entry of the group's history.
fn entry(id: ActivityId, kind: ActivityKind) -> Activity {
    let group = group();
    Activity { id, organization: ORGANIZATION, project: PROJECT, group, kind, source: None, at: NOW }
}

fn given_to_ada(id: ActivityId) -> Activity {
    entry(id, ActivityKind::Assigned { assignee: Assignee::User(ADA), previous: None })
}

/// Pings Ada, where this record of it is known and `change` was made to the source.
async fn ping(known: Option<MessageRecord>, change: fn(&mut CardSource), chat: MockChatMessenger) -> Sent {
    let linked = entry(ActivityId::from_uuid(Uuid::from_u128(35)), ActivityKind::Linked { work_item: 1 });
    ping_after(vec![linked, given_to_ada(told())], known, change, chat).await
}

/// The same, where the group's history is this, the newest entry first.
async fn ping_after(
    history: Vec<Activity>,
    known: Option<MessageRecord>,
    change: fn(&mut CardSource),
    chat: MockChatMessenger,
) -> Sent {
    let mut found = source(None);
    change(&mut found);
    let is_begun = known.is_some();
    let mut looking = MockUnitOfWork::new();
    looking.expect_message_record().returning(move |_, _, _, _| Ok(known.clone()));
    let mut uows = vec![reading(Some(found)), looking];
    if !is_begun {
        let mut counting = MockUnitOfWork::new();
        counting.expect_told_since().returning(|_, _| Ok(0));
        uows.push(counting);
    }
    uows.extend((0..2).map(|_| {
        let mut uow = MockUnitOfWork::new();
        uow.expect_hold_outbox().returning(|_, _| Ok(()));
        uow.expect_put_message_record().returning(|_| Ok(()));
        uow.expect_commit().returning(|| Ok(()));
        uow
    }));
    let mut reader = MockReader::new();
    let page = Page { items: history, more: false };
    reader.expect_activities().returning(move |_, _, _| Ok(page.clone()));
    sender_reading(uows, chat, reader).send_ping(&lease(), group(), route(), ADA, told()).await.unwrap()
}

#[tokio::test]
async fn a_mention_is_made_once_and_only_of_who_has_the_group_still() {
    let mut chat = MockChatMessenger::new();
    chat.expect_create().times(1).returning(|_, _, _| Ok(MessageId::new(7).unwrap()));
    assert_eq!(ping(None, |_| {}, chat).await, Sent::Created);
    let silent = || {
        let mut chat = MockChatMessenger::new();
        chat.expect_create().never();
        chat
    };
    let made = record(MessageKind::Ping, Some(7), "n", NOW);
    assert_eq!(ping(Some(made), |_| {}, silent()).await, Sent::Unchanged);
    assert_eq!(ping(None, |source| source.assignee = None, silent()).await, Sent::Obsolete);
    assert_eq!(ping(None, |source| source.assignee_discord = None, silent()).await, Sent::Obsolete);
    let again = ActivityId::from_uuid(Uuid::from_u128(36));
    let history = vec![given_to_ada(again), given_to_ada(told())];
    assert_eq!(ping_after(history, None, |_| {}, silent()).await, Sent::Obsolete);
}

#[tokio::test]
async fn a_mention_that_had_arrived_is_not_done_again() {
    let mut chat = MockChatMessenger::new();
    chat.expect_create().times(1).returning(|_, _, _| Ok(MessageId::new(7).unwrap()));
    assert_eq!(ping(Some(record(MessageKind::Ping, None, "n", NOW)), |_| {}, chat).await, Sent::Created);
}
