//! Create Subscription: one of each hook, whoever asks how often, and none that nobody knows of.

use super::fixtures::{
    NOW, ORGANIZATION, azure_project, commits, disk_full, hook, installation, reader, secrets, store, unless,
};
use crate::hook::{EventType, Hook, HookStatus};
use crate::port::store::StoreResult;
use crate::port::tracker::RemoteProject;
use crate::port::{RemoteSubscription, StoreError, TrackerError};
use crate::service::UseCaseError;
use crate::service::create_subscription::Subscriptions;
use crate::testing::{FixedClock, MockUnitOfWork, MockWorkItemTracker, SequentialEntropy};
use crate::text::Name;
use std::sync::{Arc, Mutex};

fn subscriptions(uows: Vec<MockUnitOfWork>, tracker: MockWorkItemTracker) -> Subscriptions {
    Subscriptions {
        store: Arc::new(store(uows)),
        reader: Arc::new(reader()),
        tracker: Arc::new(tracker),
        secrets: Arc::new(secrets()),
        clock: Arc::new(FixedClock::at(NOW)),
        entropy: Arc::new(SequentialEntropy::default()),
        public_url: Some("https://handoff.example.org".to_owned()),
    }
}

async fn created(uows: Vec<MockUnitOfWork>, tracker: MockWorkItemTracker) -> Result<Vec<Hook>, UseCaseError> {
    subscriptions(uows, tracker).create_subscription(ORGANIZATION, installation(), &azure_project()).await
}

fn remote(id: &str) -> RemoteSubscription {
    RemoteSubscription { id: id.to_owned(), status: HookStatus::Enabled, url: None }
}

/// A tracker that lists the project and holds these subscriptions by id.
fn tracker(held: &'static [&'static str]) -> MockWorkItemTracker {
    let mut tracker = MockWorkItemTracker::new();
    tracker
        .expect_projects()
        .returning(|_| Ok(vec![RemoteProject { id: azure_project(), name: Name::parse("Shop").unwrap() }]));
    tracker.expect_subscription().returning(|_, id| Ok(held.contains(&id).then(|| remote(id))));
    tracker
}

/// The same, where nothing else has the address of any hook.
fn without_doubles(held: &'static [&'static str]) -> MockWorkItemTracker {
    let mut tracker = tracker(held);
    tracker.expect_find_subscriptions().returning(|_, _| Ok(Vec::new()));
    tracker
}

/// The three hooks of the project: the first as given, the others healthy.
fn hooks(first: (HookStatus, Option<&str>)) -> Vec<Hook> {
    vec![
        hook(EventType::WorkItemUpdated, first.0, first.1),
        hook(EventType::WorkItemDeleted, HookStatus::Enabled, Some("b")),
        hook(EventType::WorkItemRestored, HookStatus::Enabled, Some("c")),
    ]
}

/// The first unit of work: connects the project and finds these hooks.
fn connecting(found: Vec<Hook>, fails: &'static str) -> MockUnitOfWork {
    let mut uow = MockUnitOfWork::new();
    uow.expect_tracking_rules_of().returning(|_, _| Ok(Vec::new()));
    uow.expect_put_connected_project().returning(move |_| unless(fails, "connection"));
    uow.expect_lock_hooks().returning(move |_, _| Ok(found.clone()));
    uow.expect_schedule().returning(|_, _, _, _| Ok(()));
    uow.expect_put_hook().returning(move |_| unless(fails, "hook"));
    commits(&mut uow, fails);
    uow
}

/// A later one: finds these hooks and writes `id`, or writes nothing.
fn recording(found: Vec<Hook>, id: Option<&'static str>) -> MockUnitOfWork {
    let mut uow = MockUnitOfWork::new();
    uow.expect_lock_hooks().times(1).returning(move |_, _| Ok(found.clone()));
    match id {
        Some(id) => {
            uow.expect_put_hook()
                .withf(move |hook| hook.subscription_id.as_deref() == Some(id))
                .times(1)
                .returning(|_| Ok(()));
            commits(&mut uow, "");
        }
        None => {
            uow.expect_put_hook().never();
            uow.expect_commit().never();
        }
    }
    uow
}

/// Units of work that record the look at these healthy hooks, from this one on.
fn looks(found: &[Hook], from: usize) -> Vec<MockUnitOfWork> {
    let of = |id: &'static str| recording(found.to_vec(), Some(id));
    ["a", "b", "c"].into_iter().skip(from).map(of).collect()
}

#[tokio::test]
async fn what_azure_devops_holds_already_is_not_asked_for_again_and_the_look_is_recorded() {
    let mut tracker = tracker(&["a", "b", "c"]);
    tracker.expect_create_subscription().never();
    tracker.expect_find_subscriptions().times(3).returning(|_, _| Ok(Vec::new()));
    let found = hooks((HookStatus::Enabled, Some("a")));
    assert_eq!(
        created(vec![connecting(found.clone(), "")].into_iter().chain(looks(&found, 0)).collect(), tracker).await,
        Ok(found)
    );
}

#[tokio::test]
async fn the_row_is_committed_before_the_subscription_is_asked_for_and_each_hook_has_a_secret_of_its_own() {
    let mut tracker = tracker(&[]);
    tracker.expect_find_subscriptions().times(3).returning(|_, _| Ok(Vec::new()));
    let mut secrets = Vec::new();
    tracker.expect_create_subscription().times(3).returning(move |_, new| {
        assert!(new.url.starts_with("https://handoff.example.org/webhooks/vsts/"), "{}", new.url);
        assert!(!secrets.contains(&new.secret));
        secrets.push(new.secret.clone());
        Ok(remote(new.event_type.as_str()))
    });
    let made = Arc::new(Mutex::new(Vec::<Hook>::new()));
    let kept = made.clone();
    let mut first = MockUnitOfWork::new();
    first.expect_tracking_rules_of().returning(|_, _| Ok(Vec::new()));
    first.expect_put_connected_project().returning(|_| Ok(()));
    first.expect_lock_hooks().returning(|_, _| Ok(Vec::new()));
    first.expect_schedule().returning(|_, _, _, _| Ok(()));
    first.expect_put_hook().times(3).returning(move |hook| {
        kept.lock().unwrap().push(hook.clone());
        Ok(())
    });
    commits(&mut first, "");
    let mut written = vec![first];
    for _ in 0..3 {
        let mut uow = MockUnitOfWork::new();
        let made = made.clone();
        uow.expect_lock_hooks().returning(move |_, _| Ok(made.lock().unwrap().clone()));
        uow.expect_put_hook().times(1).returning(|_| Ok(()));
        commits(&mut uow, "");
        written.push(uow);
    }
    let hooks = created(written, tracker).await.unwrap();
    assert!(hooks.iter().all(|hook| hook.status == HookStatus::Enabled && hook.subscription_id.is_some()));
}

#[tokio::test]
async fn a_subscription_that_a_crash_left_is_adopted_and_its_double_deleted() {
    for known in [None, Some("gone")] {
        let mut tracker = tracker(&["b", "c"]);
        tracker.expect_find_subscriptions().times(1).returning(|_, _| {
            let broken = RemoteSubscription { status: HookStatus::DisabledBySystem, ..remote("broken") };
            Ok(vec![broken, remote("left")])
        });
        tracker.expect_find_subscriptions().times(2).returning(|_, _| Ok(Vec::new()));
        tracker.expect_delete_subscription().withf(|_, id| id == "broken").times(1).returning(|_, _| Ok(()));
        tracker.expect_create_subscription().never();
        let found = hooks((HookStatus::Creating, known));
        let mut uows = vec![connecting(found.clone(), ""), recording(found.clone(), Some("left"))];
        uows.extend(looks(&found, 1));
        if known.is_some() {
            uows.push(retiring(found, &[]));
        }
        let done = created(uows, tracker).await.unwrap();
        assert_eq!(done[0].subscription_id.as_deref(), Some("left"), "known: {known:?}");
    }
}

/// The last unit of work: marks these hooks as going, arms their deletion and a reading of the project.
fn retiring(found: Vec<Hook>, going: &'static [EventType]) -> MockUnitOfWork {
    let mut uow = MockUnitOfWork::new();
    uow.expect_lock_hooks().times(1).returning(move |_, _| Ok(found.clone()));
    uow.expect_put_hook()
        .withf(move |hook| going.contains(&hook.event_type) && hook.status == HookStatus::Deleting)
        .times(going.len())
        .returning(|_| Ok(()));
    uow.expect_arm()
        .withf(move |rows| {
            let mut kinds: Vec<&str> = rows.iter().map(|row| row.task.kind()).collect();
            kinds.pop() == Some("reconcile_project") && kinds == vec!["delete_subscription"; going.len()]
        })
        .times(1)
        .returning(|_| Ok(()));
    commits(&mut uow, "");
    uow
}

/// Connects again where Azure DevOps holds `first` for the first hook.
async fn connected_again(first: RemoteSubscription, is_replaced: bool) -> Hook {
    let mut tracker = MockWorkItemTracker::new();
    tracker
        .expect_projects()
        .returning(|_| Ok(vec![RemoteProject { id: azure_project(), name: Name::parse("Shop").unwrap() }]));
    tracker.expect_subscription().returning(move |_, id| Ok(Some(if id == "a" { first.clone() } else { remote(id) })));
    tracker.expect_find_subscriptions().times(3).returning(|_, _| Ok(Vec::new()));
    let found = hooks((HookStatus::Enabled, Some("a")));
    let old = found[0].clone();
    let mut uows = vec![connecting(found.clone(), "")];
    if is_replaced {
        // Neither is anything deleted before the other is there, nor here at all: a worker does it.
        tracker.expect_delete_subscription().never();
        let secret = old.secret.clone();
        tracker
            .expect_create_subscription()
            .withf(move |_, new| !new.url.ends_with(&old.id.to_string()) && new.secret.expose().as_bytes() != secret.0)
            .times(1)
            .returning(|_, _| Ok(remote("new")));
        let made = Arc::new(Mutex::new(None::<Hook>));
        let (mut making, mut recorded, kept) = (MockUnitOfWork::new(), MockUnitOfWork::new(), made.clone());
        let stored = found.clone();
        making.expect_lock_hooks().returning(move |_, _| Ok(stored.clone()));
        making.expect_put_hook().times(1).returning(move |hook| {
            *kept.lock().unwrap() = Some(hook.clone());
            Ok(())
        });
        commits(&mut making, "");
        recorded.expect_lock_hooks().returning(move |_, _| Ok(made.lock().unwrap().clone().into_iter().collect()));
        recorded.expect_put_hook().times(1).returning(|_| Ok(()));
        commits(&mut recorded, "");
        uows.extend([making, recorded]);
        uows.extend(looks(&found, 1));
        uows.push(retiring(found, &[EventType::WorkItemUpdated]));
    } else {
        tracker.expect_create_subscription().never();
        uows.extend(looks(&found, 0));
    }
    created(uows, tracker).await.unwrap().remove(0)
}

#[tokio::test]
async fn whatever_does_not_deliver_to_us_is_replaced_when_somebody_asks_and_what_it_missed_is_read() {
    let with = |status| RemoteSubscription { status, ..remote("a") };
    let moved = RemoteSubscription { url: Some("https://old.example.org/webhooks/vsts/x".to_owned()), ..remote("a") };
    for broken in [
        with(HookStatus::DisabledBySystem),
        with(HookStatus::DisabledByInactiveIdentity),
        with(HookStatus::DisabledByUser),
        with(HookStatus::OnProbation),
        moved,
    ] {
        let hook = connected_again(broken, true).await;
        assert_eq!((hook.status, hook.subscription_id.as_deref()), (HookStatus::Enabled, Some("new")));
    }
}

#[tokio::test]
async fn a_default_port_that_is_written_makes_no_other_address() {
    let id = hooks((HookStatus::Enabled, Some("a")))[0].id;
    let url = format!("https://Handoff.example.org:443/webhooks/vsts/{id}");
    connected_again(RemoteSubscription { url: Some(url), ..remote("a") }, false).await;
}

#[tokio::test]
async fn a_hook_that_delivers_again_has_what_it_missed_read() {
    let found = hooks((HookStatus::DisabledByUser, Some("a")));
    let mut uows = vec![connecting(found.clone(), "")];
    uows.extend(looks(&found, 0));
    uows.push(retiring(found, &[]));
    let done = created(uows, without_doubles(&["a", "b", "c"])).await.unwrap();
    assert_eq!(done[0].status, HookStatus::Enabled);
}

/// The first hook is asked for, while the store shows `meanwhile` under the lock.
async fn raced(meanwhile: Vec<Hook>) -> Result<Vec<Hook>, UseCaseError> {
    let mut tracker = tracker(&["b", "c"]);
    tracker.expect_find_subscriptions().returning(|_, _| Ok(Vec::new()));
    tracker.expect_create_subscription().times(1).returning(|_, _| Ok(remote("mine")));
    tracker.expect_delete_subscription().withf(|_, id| id == "mine").times(1).returning(|_, _| Ok(()));
    let found = hooks((HookStatus::Creating, None));
    let others = if meanwhile.is_empty() { Vec::new() } else { looks(&found, 1) };
    let mut uows = vec![connecting(found, ""), recording(meanwhile, None)];
    uows.extend(others);
    created(uows, tracker).await
}

#[tokio::test]
async fn of_two_subscriptions_made_at_the_same_time_the_one_recorded_second_is_deleted() {
    let done = raced(hooks((HookStatus::Enabled, Some("theirs")))).await.unwrap();
    assert_eq!(done[0].subscription_id.as_deref(), Some("theirs"));
}

#[tokio::test]
async fn a_subscription_made_for_a_hook_that_was_deleted_meanwhile_is_deleted_too() {
    assert!(matches!(raced(Vec::new()).await, Err(UseCaseError::TryAgain(_))));
}

#[tokio::test]
async fn whichever_row_cannot_be_written_azure_devops_is_not_asked() {
    for write in ["connection", "hook", "commit"] {
        let mut tracker = tracker(&[]);
        tracker.expect_create_subscription().never();
        tracker.expect_find_subscriptions().never();
        let done = created(vec![connecting(Vec::new(), write)], tracker).await;
        assert_eq!(done, Err(UseCaseError::Store(disk_full())), "{write}");
    }
}

#[tokio::test]
async fn rows_that_lost_a_race_are_written_again() {
    let mut lost = MockUnitOfWork::new();
    lost.expect_tracking_rules_of().returning(|_, _| Ok(Vec::new()));
    lost.expect_put_connected_project().returning(|_| -> StoreResult<()> { Err(StoreError::Retry) });
    let found = hooks((HookStatus::Enabled, Some("a")));
    let mut uows = vec![lost, connecting(found.clone(), "")];
    uows.extend(looks(&found, 0));
    assert!(created(uows, without_doubles(&["a", "b", "c"])).await.is_ok());
}

#[tokio::test]
async fn a_missing_right_is_told_as_it_is_and_nothing_more_is_written() {
    let mut tracker = tracker(&["b", "c"]);
    let forbidden = || TrackerError::Forbidden { needed: "Edit subscriptions".to_owned() };
    tracker.expect_find_subscriptions().returning(|_, _| Ok(Vec::new()));
    tracker.expect_create_subscription().returning(move |_, _| Err(forbidden()));
    let done = created(vec![connecting(hooks((HookStatus::Creating, None)), "")], tracker).await;
    assert_eq!(done, Err(UseCaseError::Tracker(forbidden())));
}

#[tokio::test]
async fn a_hook_that_got_another_subscription_while_one_was_deleted_is_not_marked_deleted() {
    let mut uow = MockUnitOfWork::new();
    uow.expect_lock_hooks().returning(|_, _| Ok(hooks((HookStatus::Deleting, Some("newer")))));
    uow.expect_put_hook().never();
    uow.expect_commit().never();
    let mut tracker = tracker(&[]);
    tracker.expect_delete_subscription().withf(|_, id| id == "a").times(1).returning(|_, _| Ok(()));
    let mut service = subscriptions(vec![uow], tracker);
    let mut reader = reader();
    let known = hook(EventType::WorkItemUpdated, HookStatus::Deleting, Some("a"));
    let id = known.id;
    reader.expect_hook().returning(move |_| Ok(Some((known.clone(), String::new()))));
    service.reader = Arc::new(reader);
    assert!(matches!(service.delete_subscription(id).await, Err(UseCaseError::TryAgain(_))));
}
