//! Post: who is let in, what is stored, and what is answered.

use crate::delivery::{DeliveryState, NewDelivery};
use crate::hook::{EventType, Hook, HookStatus};
use crate::id::{HookId, InstallationId, IntegrationId, OrganizationId, WorkItemNumber};
use crate::outbox::OutboxTask;
use crate::port::tracker::Classified;
use crate::port::{Appended, InboundHeaders, InboxError, SecretBoxError, StoreError};
use crate::secret::{Sealed, Secret};
use crate::service::post::{Answer, Body, Post};
use crate::testing::{
    FixedClock, KeptLog, MockInbox, MockReader, MockSecretBox, MockTrackerInbound, MockWake, SequentialEntropy,
};
use crate::time::Timestamp;
use crate::work_item::AzureProjectId;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

const PROJECT: &str = "11111111-1111-1111-1111-111111111111";
const COLLECTION: &str = "22222222-2222-2222-2222-222222222222";

fn id() -> HookId {
    HookId::from_uuid(Uuid::from_u128(5))
}

fn hook(status: HookStatus) -> Hook {
    Hook {
        id: id(),
        organization: OrganizationId::new(1),
        installation: InstallationId::from_uuid(Uuid::from_u128(6)),
        integration: IntegrationId::from_uuid(Uuid::from_u128(7)),
        azure_project: AzureProjectId::parse(PROJECT).unwrap(),
        event_type: EventType::WorkItemUpdated,
        secret: Sealed(b"right".to_vec()),
        subscription_id: None,
        status,
        created_at: Timestamp::from_seconds(0),
        updated_at: Timestamp::from_seconds(0),
        checked_at: None,
        unseen: None,
    }
}

fn event() -> Classified {
    Classified::Event {
        event_type: EventType::WorkItemUpdated,
        collection_id: Some(COLLECTION.to_owned()),
        azure_project: AzureProjectId::parse(PROJECT),
        work_item: WorkItemNumber::from_wire(42),
        update: Some(3),
        event_id: None,
    }
}

/// The password is sent as the header `secret`.
fn headers(secret: &str) -> InboundHeaders {
    InboundHeaders(vec![("secret".to_owned(), secret.as_bytes().to_vec())])
}

fn inbound(classified: Option<Classified>) -> MockTrackerInbound {
    let mut inbound = MockTrackerInbound::new();
    inbound
        .expect_authenticate()
        .returning(|headers, secret| headers.get("secret") == Some(secret.expose().as_bytes()));
    match classified {
        Some(classified) => inbound.expect_classify().returning(move |_| classified.clone()),
        None => inbound.expect_classify().never(),
    };
    inbound
}

fn reader(found: Option<Hook>) -> MockReader {
    let mut reader = MockReader::new();
    reader.expect_hook().returning(move |_| Ok(found.clone().map(|hook| (hook, COLLECTION.to_owned()))));
    reader
}

fn post(reader: MockReader, inbox: MockInbox, inbound: MockTrackerInbound, clock: Arc<FixedClock>) -> Post {
    let mut wake = MockWake::new();
    wake.expect_inbox().return_const(());
    wake.expect_outbox().return_const(());
    Post::new(
        Arc::new(reader),
        Arc::new(inbox),
        Arc::new(inbound),
        Arc::new(super::fixtures::secrets()),
        Arc::new(wake),
        clock,
        Arc::new(SequentialEntropy::default()),
    )
}

fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock::at(Timestamp::from_seconds(1_800_000_000)))
}

async fn refused(found: Option<Hook>, secret: &str) -> Option<Answer> {
    let mut inbox = MockInbox::new();
    inbox.expect_append().never();
    let post = post(reader(found), inbox, inbound(None), clock());
    post.authenticate(id(), &headers(secret)).await.err()
}

#[tokio::test]
async fn an_unknown_hook_and_a_wrong_secret_are_refused_alike_and_nothing_is_parsed_or_stored() {
    assert_eq!(refused(None, "right").await, Some(Answer::Unauthorized));
    assert_eq!(refused(Some(hook(HookStatus::Enabled)), "wrong").await, Some(Answer::Unauthorized));
    assert_eq!(refused(Some(hook(HookStatus::Deleted)), "wrong").await, Some(Answer::Unauthorized));
}

#[tokio::test]
async fn an_unknown_hook_and_what_is_no_id_cost_the_same_look_up_opening_and_comparison_as_a_known_one() {
    for (name, found) in
        [(id().to_string(), Some(hook(HookStatus::Enabled))), (id().to_string(), None), ("../etc".to_owned(), None)]
    {
        let mut reader = MockReader::new();
        reader.expect_hook().times(1).returning(move |_| Ok(found.clone().map(|hook| (hook, COLLECTION.to_owned()))));
        let mut secrets = MockSecretBox::new();
        secrets.expect_seal().times(1).returning(|_, _| Ok(Sealed(b"decoy".to_vec())));
        secrets.expect_open().times(1).returning(|_, _| Ok(Secret::new("sealed")));
        let mut inbound = MockTrackerInbound::new();
        inbound.expect_authenticate().withf(|_, secret| secret.expose() == "sealed").times(1).return_const(false);
        let post = Post::new(
            Arc::new(reader),
            Arc::new(MockInbox::new()),
            Arc::new(inbound),
            Arc::new(secrets),
            Arc::new(MockWake::new()),
            clock(),
            Arc::new(SequentialEntropy::default()),
        );
        let answer = post.authenticate_named(&name, &headers("x")).await.err();
        assert_eq!(answer, Some(Answer::Unauthorized), "{name}");
    }
}

#[tokio::test]
async fn a_hook_that_we_deleted_is_gone_for_whoever_knows_its_secret() {
    for status in [HookStatus::Deleting, HookStatus::Deleted] {
        assert_eq!(refused(Some(hook(status)), "right").await, Some(Answer::Gone));
    }
}

#[tokio::test]
async fn an_unreachable_store_is_unavailable_and_not_unauthorized() {
    let mut reader = MockReader::new();
    reader.expect_hook().returning(|_| Err(StoreError::Unavailable(String::new())));
    let post = post(reader, MockInbox::new(), inbound(None), clock());
    assert_eq!(post.authenticate(id(), &headers("right")).await.err(), Some(Answer::Unavailable));
}

#[tokio::test]
async fn a_remembered_secret_spares_the_store_and_a_mismatch_asks_it_again() {
    let mut reader = MockReader::new();
    let secret = Arc::new(Mutex::new("right"));
    let stored = secret.clone();
    reader.expect_hook().times(3).returning(move |_| {
        let mut hook = hook(HookStatus::Enabled);
        hook.secret = Sealed(stored.lock().unwrap().as_bytes().to_vec());
        Ok(Some((hook, COLLECTION.to_owned())))
    });
    let clock = clock();
    let post = post(reader, MockInbox::new(), inbound(None), clock.clone());
    assert!(post.authenticate(id(), &headers("right")).await.is_ok());
    assert!(post.authenticate(id(), &headers("right")).await.is_ok(), "from memory");
    *secret.lock().unwrap() = "rotated";
    assert!(post.authenticate(id(), &headers("rotated")).await.is_ok(), "read again");
    clock.advance(Duration::from_secs(60));
    assert!(post.authenticate(id(), &headers("rotated")).await.is_ok(), "forgotten after a minute");
}

/// What is answered to a body that reads as `classified`, and what is stored of it.
async fn received(classified: Classified, body: Body) -> (Answer, NewDelivery) {
    let stored = Arc::new(Mutex::new(None));
    let mut inbox = MockInbox::new();
    let kept = stored.clone();
    inbox.expect_append().times(1).returning(move |delivery| {
        *kept.lock().unwrap() = Some(delivery);
        Ok(Appended::New)
    });
    let post = post(reader(Some(hook(HookStatus::Enabled))), inbox, inbound(Some(classified)), clock());
    let caller = post.authenticate(id(), &headers("right")).await.unwrap();
    let answer = post.receive(&caller, body).await;
    let delivery = stored.lock().unwrap().take().unwrap();
    (answer, delivery)
}

#[tokio::test]
async fn a_valid_event_is_stored_pending_under_its_idempotency_key() {
    let (answer, delivery) = received(event(), Body::Whole(b"{}".to_vec())).await;
    assert_eq!((answer, delivery.state), (Answer::Stored(Appended::New), DeliveryState::Pending));
    assert!(delivery.idempotency_key.is_some_and(|key| key.ends_with(":workitem.updated:42:u3")));
    assert_eq!((delivery.payload, delivery.arm), (b"{}".to_vec(), None));
}

#[test]
fn an_update_number_that_comes_again_with_another_event_is_another_delivery() {
    let integration = crate::id::IntegrationId::from_uuid(uuid::Uuid::from_u128(1));
    let key = |update, event: Option<&str>| {
        let item = WorkItemNumber::new(42);
        crate::delivery::idempotency_key(integration, EventType::WorkItemUpdated, item, update, event)
    };
    assert_eq!(key(Some(3), Some("a")), key(Some(3), Some("a")));
    let all = [
        key(Some(3), Some("a")),
        key(Some(3), Some("b")),
        key(Some(4), Some("a")),
        key(Some(3), None),
        key(None, Some("a")),
    ];
    let different: std::collections::HashSet<_> = all.iter().flatten().collect();
    assert_eq!(different.len(), all.len());
    assert_eq!(key(None, None), None);
}

#[tokio::test]
async fn what_is_not_understood_is_kept_and_a_reconcile_of_the_project_is_due() {
    let of = |collection: Option<&str>, project: Option<&str>, item, update| Classified::Event {
        event_type: EventType::WorkItemUpdated,
        collection_id: collection.map(str::to_owned),
        azure_project: project.and_then(AzureProjectId::parse),
        work_item: item,
        update,
        event_id: None,
    };
    let item = WorkItemNumber::from_wire(42);
    for classified in [
        Classified::Malformed { reason: "not JSON".to_owned() },
        of(Some(PROJECT), Some(PROJECT), item, Some(1)),
        of(None, Some(PROJECT), item, Some(1)),
        of(Some(COLLECTION), Some(COLLECTION), item, Some(1)),
        of(Some(COLLECTION), Some(PROJECT), None, Some(1)),
        of(Some(COLLECTION), Some(PROJECT), item, None),
    ] {
        let (answer, delivery) = received(classified.clone(), Body::Whole(b"x".to_vec())).await;
        assert_eq!((answer, delivery.state), (Answer::Quarantined, DeliveryState::Quarantined), "{classified:?}");
        assert!(delivery.reason.is_some());
        assert!(matches!(delivery.arm.map(|row| row.task), Some(OutboxTask::ReconcileProject { .. })));
        assert_eq!((delivery.payload, delivery.idempotency_key), (b"x".to_vec(), None));
    }
}

#[tokio::test]
async fn an_oversized_body_is_quarantined_with_its_beginning_and_never_parsed() {
    let stored = Arc::new(Mutex::new(None));
    let kept = stored.clone();
    let mut inbox = MockInbox::new();
    inbox.expect_append().returning(move |delivery| {
        *kept.lock().unwrap() = Some(delivery);
        Ok(Appended::New)
    });
    let post = post(reader(Some(hook(HookStatus::Enabled))), inbox, inbound(None), clock());
    let caller = post.authenticate(id(), &headers("right")).await.unwrap();
    assert_eq!(post.receive(&caller, Body::Oversized(vec![b'x'; 9])).await, Answer::Quarantined);
    assert_eq!(stored.lock().unwrap().take().map(|delivery| delivery.payload), Some(vec![b'x'; 9]));
}

#[tokio::test]
async fn a_test_notification_and_an_unused_event_are_ignored() {
    for classified in [Classified::TestNotification, Classified::Unused { event_type: "build.complete".to_owned() }] {
        let (answer, delivery) = received(classified, Body::Whole(b"{}".to_vec())).await;
        assert_eq!((answer, delivery.state, delivery.arm), (Answer::Ignored, DeliveryState::Ignored, None));
    }
}

#[tokio::test]
async fn an_inbox_that_cannot_store_asks_to_come_again() {
    for error in [InboxError::Overloaded, InboxError::Unavailable(StoreError::Unavailable(String::new()))] {
        let mut inbox = MockInbox::new();
        inbox.expect_append().return_once(move |_| Err(error));
        let post = post(reader(Some(hook(HookStatus::Enabled))), inbox, inbound(Some(event())), clock());
        let caller = post.authenticate(id(), &headers("right")).await.unwrap();
        assert_eq!(post.receive(&caller, Body::Whole(b"{}".to_vec())).await, Answer::Unavailable);
    }
}

#[tokio::test]
async fn why_deliveries_are_answered_503_is_logged_once_a_minute_for_each_cause() {
    let log = KeptLog::begin();
    let mut reader = MockReader::new();
    reader.expect_hook().times(3).returning(|_| Err(StoreError::Unavailable("the disk is full".to_owned())));
    reader.expect_hook().returning(|_| Ok(Some((hook(HookStatus::Enabled), COLLECTION.to_owned()))));
    let mut secrets = MockSecretBox::new();
    secrets.expect_seal().returning(|_, _| Err(SecretBoxError::UnknownKey));
    secrets.expect_open().returning(|_, _| Err(SecretBoxError::UnknownKey));
    let clock = clock();
    let post = Post::new(
        Arc::new(reader),
        Arc::new(MockInbox::new()),
        Arc::new(inbound(None)),
        Arc::new(secrets),
        Arc::new(MockWake::new()),
        clock.clone(),
        Arc::new(SequentialEntropy::default()),
    );
    let delivered = || async {
        assert_eq!(post.authenticate(id(), &headers("right")).await.err(), Some(Answer::Unavailable));
    };
    delivered().await;
    delivered().await;
    clock.advance(Duration::from_secs(60));
    for _ in 0..3 {
        delivered().await;
    }
    let lines = log.lines();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    for (line, cause) in lines.iter().zip(["the disk is full", "the disk is full", "restore the key file"]) {
        assert!(line.starts_with("ERROR") && line.contains(cause), "{line}");
        assert!(line.contains(&format!("hook={}", id())) && !line.contains("right"), "{line}");
    }
}
