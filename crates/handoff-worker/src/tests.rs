//! The loops keep going: panics are failures of their row, what stops is given back, nothing waits for what
//! is slow.

use crate::outbox::{self, carry_out_within};
use crate::turn::{self, Turn};
use crate::{LOOPS, Loop, RETENTION, WakeSignals, Workers, inbox, supervise};
use async_trait::async_trait;
use handoff_domain::chat::{Message, ThreadPost};
use handoff_domain::delivery::{ClaimedDelivery, DeliveryState, NewDelivery};
use handoff_domain::hook::EventType;
use handoff_domain::id::{DeliveryId, HookId, IntegrationId, OrganizationId, OutboxId, WorkItemNumber};
use handoff_domain::organization::{ChannelId, GuildId, MessageId};
use handoff_domain::outbox::{ClaimedTask, Lane, OutboxArm, OutboxTask};
use handoff_domain::port::tracker::{Classified, DecodeError, TrackerEvent};
use handoff_domain::port::{
    ChannelDescription, ChatError, ChatMessenger, Clock, InboundHeaders, Inbox, Outbox, SingletonLease, Store,
    TrackerInbound,
};
use handoff_domain::secret::Secret;
use handoff_domain::service::Assignments;
use handoff_domain::service::carry_out::{CarryOut, MAX_ATTEMPTS};
use handoff_domain::service::create_subscription::Subscriptions;
use handoff_domain::service::delete_project::DeleteProject;
use handoff_domain::service::handle_updated_workitem::{self, HandleUpdatedWorkitem};
use handoff_domain::service::interactions::Interactions;
use handoff_domain::service::link_work_item::LinkWorkItem;
use handoff_domain::service::refresh_work_item::RefreshWorkItem;
use handoff_domain::service::send_message::SendMessage;
use handoff_domain::service::track_work_item::TrackWorkItem;
use handoff_domain::service::watch::{Periods, Watch};
use handoff_domain::testing::{
    ContextBox, FixedClock, MemoryCache, MemoryStore, MockOutbox, MockSingletons, MockWorkItemTracker,
    SequentialEntropy,
};
use handoff_domain::text::Name;
use handoff_domain::time::Timestamp;
use handoff_domain::work_item::AzureProjectId;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const HOUR: Duration = Duration::from_secs(3600);
/// The message whose edit panics, and the one whose edit is never answered.
const PANICS: u64 = 1;
const SILENT: u64 = 2;

/// Discord, whose edits are counted.
#[derive(Default)]
struct Chat {
    edits: AtomicUsize,
}

#[async_trait]
impl ChatMessenger for Chat {
    async fn create(&self, _: ChannelId, _: &Message, _: &str) -> Result<MessageId, ChatError> {
        Err(ChatError::Unauthorized)
    }

    async fn create_silently(&self, _: ChannelId, _: &Message, _: &str) -> Result<MessageId, ChatError> {
        Err(ChatError::Unauthorized)
    }

    async fn create_in_thread(&self, _: ChannelId, _: &ThreadPost, _: &str) -> Result<MessageId, ChatError> {
        Err(ChatError::Unauthorized)
    }

    async fn find_in_thread(
        &self,
        _: ChannelId,
        _: MessageId,
        _: &str,
        _: Timestamp,
    ) -> Result<Option<MessageId>, ChatError> {
        Ok(None)
    }

    async fn edit(&self, _: ChannelId, id: MessageId, _: &Message) -> Result<(), ChatError> {
        match id.get() {
            PANICS => panic!("a defect of the adapter"),
            SILENT => pending().await,
            _ => drop(self.edits.fetch_add(1, Ordering::SeqCst)),
        }
        Ok(())
    }

    async fn find_by_nonce(&self, _: ChannelId, _: &str, _: Timestamp) -> Result<Option<MessageId>, ChatError> {
        Ok(None)
    }

    async fn describe_channel(&self, _: ChannelId) -> Result<Option<ChannelDescription>, ChatError> {
        Ok(None)
    }

    async fn guild_name(&self, _: GuildId) -> Result<Option<Name>, ChatError> {
        Ok(None)
    }
}

struct World {
    store: Arc<MemoryStore>,
    clock: Arc<FixedClock>,
    chat: Arc<Chat>,
    workers: Workers,
}

/// A decoder with a defect. No mock: one that panicked once does so for ever.
struct Decoder;

impl TrackerInbound for Decoder {
    fn authenticate(&self, _: &InboundHeaders, _: &Secret) -> bool {
        false
    }

    fn classify(&self, _: &[u8]) -> Classified {
        Classified::TestNotification
    }

    fn decode(&self, _: EventType, body: &[u8]) -> Result<TrackerEvent, DecodeError> {
        match body {
            b"panics" => panic!("a defect of the decoder"),
            _ => Err(DecodeError("it is nothing".to_owned())),
        }
    }
}

fn world() -> World {
    let store = Arc::new(MemoryStore::new());
    let clock = Arc::new(FixedClock::at(NOW));
    let entropy = Arc::new(SequentialEntropy::default());
    let wake = Arc::new(WakeSignals::default());
    let cache = Arc::new(MemoryCache::new(clock.clone()));
    let chat = Arc::new(Chat::default());
    let tracker = Arc::new(MockWorkItemTracker::new());
    let secrets = Arc::new(ContextBox);
    let inbound = Decoder;
    let assignments = Assignments {
        store: store.clone(),
        cache: cache.clone(),
        debounce: cache.clone(),
        wake: wake.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
    };
    let carry_out = CarryOut {
        messages: SendMessage {
            store: store.clone(),
            reader: store.clone(),
            chat: chat.clone(),
            clock: clock.clone(),
            entropy: entropy.clone(),
        },
        refresh: RefreshWorkItem {
            assignments: assignments.clone(),
            reader: store.clone(),
            secrets: secrets.clone(),
            tracker: tracker.clone(),
        },
        tracking: TrackWorkItem {
            links: LinkWorkItem {
                assignments: assignments.clone(),
                reader: store.clone(),
                secrets: secrets.clone(),
                tracker: tracker.clone(),
            },
        },
        subscriptions: Subscriptions {
            store: store.clone(),
            reader: store.clone(),
            tracker: tracker.clone(),
            secrets,
            clock: clock.clone(),
            entropy: entropy.clone(),
            public_url: None,
        },
        store: store.clone(),
        outbox: store.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
    };
    let watch = Watch {
        store: store.clone(),
        reader: store.clone(),
        singletons: store.clone(),
        subscriptions: carry_out.subscriptions.clone(),
        wake: wake.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        periods: Periods::default(),
    };
    let interactions = Interactions { assignments: assignments.clone(), reader: store.clone(), chat: chat.clone() };
    let workers = Workers {
        inbox: store.clone(),
        apply: HandleUpdatedWorkitem {
            assignments,
            inbox: store.clone(),
            inbound: Arc::new(inbound),
            tracker,
            reader: store.clone(),
        },
        outbox: store.clone(),
        singletons: store.clone(),
        carry_out,
        interactions,
        delete_project: DeleteProject {
            store: store.clone(),
            reader: store.clone(),
            cache: cache.clone(),
            debounce: cache,
            wake: wake.clone(),
            clock: clock.clone(),
            entropy,
        },
        watch,
        clock: clock.clone(),
        wake,
        retention: RETENTION,
    };
    World { store, clock, chat, workers }
}

impl World {
    async fn delivered(&self, n: u8, payload: &str) {
        let new = NewDelivery {
            id: DeliveryId::from_uuid(Uuid::from_u128(n.into())),
            hook: HookId::from_uuid(Uuid::from_u128(1)),
            integration: IntegrationId::from_uuid(Uuid::from_u128(1)),
            azure_project: AzureProjectId::parse("00000000-0000-0000-0000-000000000001").unwrap(),
            event_type: Some(EventType::WorkItemUpdated),
            work_item: Some(WorkItemNumber::new(n.into())),
            idempotency_key: Some(n.to_string()),
            payload: payload.as_bytes().to_vec(),
            state: DeliveryState::Pending,
            reason: None,
            received_at: NOW,
            arm: None,
        };
        self.store.append(new).await.unwrap();
    }

    /// Closes the cards of these messages.
    async fn closing(&self, messages: impl IntoIterator<Item = u64>) {
        let arm = |message| OutboxArm {
            id: OutboxId::from_uuid(Uuid::from_u128(u128::from(message))),
            organization: OrganizationId::new(1),
            project: None,
            task: close(message),
            due_at: NOW,
        };
        let mut uow = self.store.begin().await.unwrap();
        uow.arm(&messages.into_iter().map(arm).collect::<Vec<_>>()).await.unwrap();
        uow.commit().await.unwrap();
    }

    /// What waits, an hour later.
    async fn deliveries(&self) -> Vec<ClaimedDelivery> {
        self.clock.advance(HOUR);
        let now = self.clock.now();
        Inbox::claim(&*self.store, now, now, 10).await.unwrap()
    }

    /// What waits, an hour later.
    async fn tasks(&self) -> Vec<ClaimedTask> {
        self.clock.advance(HOUR);
        let now = self.clock.now();
        Outbox::claim(&*self.store, Lane::Messages, now, now, 10).await.unwrap()
    }
}

fn close(message: u64) -> OutboxTask {
    OutboxTask::CloseCard {
        channel: ChannelId::new(1).unwrap(),
        message: MessageId::new(message).unwrap(),
        short_id: "MILL-1".to_owned(),
        title: "It breaks".to_owned(),
    }
}

#[tokio::test]
async fn a_delivery_that_panics_counts_as_tried_and_the_others_of_its_batch_are_applied() {
    let world = world();
    world.delivered(1, "nothing").await;
    world.delivered(2, "panics").await;
    world.delivered(3, "nothing").await;
    assert_eq!(inbox::round(&world.workers).await, Ok(3));
    let left = world.deliveries().await;
    assert_eq!(left.iter().map(|one| (one.work_item.get(), one.attempts)).collect::<Vec<_>>(), [(2, 1)]);
}

#[tokio::test]
async fn a_delivery_and_a_task_that_panic_every_time_are_given_up() {
    let world = world();
    world.delivered(1, "panics").await;
    world.closing([PANICS]).await;
    for _ in 1..handle_updated_workitem::MAX_ATTEMPTS {
        inbox::round(&world.workers).await.unwrap();
        assert_eq!(world.deliveries().await.len(), 1);
    }
    inbox::round(&world.workers).await.unwrap();
    assert!(world.deliveries().await.is_empty());
    for attempt in 1..MAX_ATTEMPTS {
        outbox::round(&world.workers).await.unwrap();
        assert_eq!(world.tasks().await[0].attempts, attempt);
    }
    outbox::round(&world.workers).await.unwrap();
    assert!(world.tasks().await.is_empty());
}

#[tokio::test]
async fn a_task_that_outlasts_its_limit_is_cut_and_counts_as_tried() {
    let world = world();
    world.closing([SILENT]).await;
    let task = world.tasks().await.remove(0);
    carry_out_within(&world.workers, &task, Duration::from_millis(10)).await.unwrap();
    assert_eq!(world.tasks().await[0].attempts, 1);
}

#[tokio::test]
async fn what_was_claimed_and_not_begun_when_the_loop_is_stopped_is_given_back_at_once() {
    let mut world = world();
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let mut outbox = MockOutbox::new();
    outbox.expect_claim().times(1).returning(move |_, _, _, _| {
        stopped.cancel();
        let claimed = |n: u64| ClaimedTask {
            id: OutboxId::from_uuid(Uuid::from_u128(u128::from(n))),
            token: 1,
            generation: 1,
            organization: OrganizationId::new(1),
            task: close(9 + n),
            attempts: 0,
        };
        Ok((1..=3).map(claimed).collect())
    });
    let at_once = |at: Timestamp, counts: bool| at == NOW && !counts;
    outbox
        .expect_fail()
        .times(3)
        .withf(move |_, _, at, _, counts| at_once(*at, *counts))
        .returning(|_, _, _, _, _| Ok(()));
    world.workers.outbox = Arc::new(outbox);
    outbox::run(&world.workers, Lane::Messages, &stop).await;
    assert_eq!(world.chat.edits.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_is_slow_holds_up_none_of_those_behind_it() {
    let world = world();
    world.closing((SILENT..=60).collect::<Vec<_>>()).await;
    let (workers, stop) = (world.workers.clone(), CancellationToken::new());
    let stopped = stop.clone();
    let running = tokio::spawn(async move { outbox::run(&workers, Lane::Messages, &stopped).await });
    let all = async {
        while world.chat.edits.load(Ordering::SeqCst) < 58 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), all).await.unwrap();
    stop.cancel();
    running.abort();
}

/// Another replica: the same store and clock, and a sender of its own.
fn another(world: &World) -> (Arc<Chat>, Workers) {
    let chat = Arc::new(Chat::default());
    let mut workers = world.workers.clone();
    workers.carry_out.messages.chat = chat.clone();
    (chat, workers)
}

#[tokio::test]
async fn messages_are_one_replicas_until_it_ends_or_dies_and_then_anothers() {
    let world = world();
    let (chat, other) = another(&world);
    let (mut first, mut second) = (Turn::of(Lane::Messages), Turn::of(Lane::Messages));
    assert!(first.is_ours(&world.workers).await.unwrap());
    world.closing([5, 6]).await;
    assert_eq!(outbox::round(&other).await, Ok(0));
    assert!(Turn::of(Lane::Tracker).is_ours(&other).await.unwrap(), "the other lanes are everybody's");

    // It gives signs of life, and is not overtaken however long it runs.
    for _ in 0..10 {
        world.clock.advance(turn::LEASE / 2);
        assert!(first.is_ours(&world.workers).await.unwrap() && !second.is_ours(&other).await.unwrap());
    }
    first.end(&world.workers).await;
    assert_eq!(outbox::round(&other).await, Ok(2));
    assert_eq!(chat.edits.load(Ordering::SeqCst), 2);

    // One that died is waited for as long as its lease lasts, and learns that it was overtaken.
    let mut dead = Turn::of(Lane::Messages);
    assert!(dead.is_ours(&world.workers).await.unwrap());
    world.clock.advance(turn::LEASE - Duration::from_secs(1));
    assert!(!second.is_ours(&other).await.unwrap() && dead.is_certain(world.clock.now()));
    world.clock.advance(Duration::from_secs(1));
    assert!(second.is_ours(&other).await.unwrap() && !dead.is_certain(world.clock.now()));
    assert!(!dead.is_ours(&world.workers).await.unwrap());
}

/// Runs the loop of messages until something is so, then stops it.
async fn sent_until(workers: &Workers, is_so: impl Fn() -> bool) {
    let (workers, stop) = (workers.clone(), CancellationToken::new());
    let stopped = stop.clone();
    let running = tokio::spawn(async move { outbox::run(&workers, Lane::Messages, &stopped).await });
    while !is_so() {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(10), running).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_that_is_stopped_lets_another_replica_send_at_once() {
    let world = world();
    world.closing([5]).await;
    sent_until(&world.workers, || world.chat.edits.load(Ordering::SeqCst) == 1).await;
    let (chat, other) = another(&world);
    world.clock.advance(HOUR);
    world.closing([6]).await;
    assert_eq!(outbox::round(&other).await, Ok(1));
    assert_eq!(chat.edits.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_was_overtaken_ends_what_it_has_in_hand() {
    let mut world = world();
    world.closing([SILENT]).await;
    let extended = Arc::new(AtomicUsize::new(0));
    let mut singletons = MockSingletons::new();
    singletons.expect_take().returning(|name, _, _| Ok(Some(SingletonLease { name, token: 1 })));
    let seen = extended.clone();
    singletons.expect_extend().returning(move |_, _| {
        seen.fetch_add(1, Ordering::SeqCst);
        Ok(false)
    });
    singletons.expect_give_back().returning(|_| Ok(()));
    world.workers.singletons = Arc::new(singletons);
    // Nothing else ends a task that is silent.
    sent_until(&world.workers, || extended.load(Ordering::SeqCst) > 0).await;
}

static BEGUN: AtomicUsize = AtomicUsize::new(0);

#[tokio::test]
async fn a_loop_that_panics_or_ends_is_begun_again_until_it_is_stopped() {
    let failing: Loop = |_, stop| {
        Box::pin(async move {
            match BEGUN.fetch_add(1, Ordering::SeqCst) {
                0 => panic!("a defect of the loop"),
                1 => {}
                _ => stop.cancel(),
            }
        })
    };
    let world = world();
    supervise::all(&world.workers, &[("failing", failing)], &CancellationToken::new()).await;
    assert_eq!((BEGUN.load(Ordering::SeqCst), world.clock.now()), (3, NOW.plus(Duration::from_secs(10))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_loop_ends_when_it_is_stopped() {
    let stop = CancellationToken::new();
    stop.cancel();
    let world = world();
    let ended = supervise::all(&world.workers, &LOOPS, &stop);
    tokio::time::timeout(Duration::from_secs(10), ended).await.unwrap();
}
