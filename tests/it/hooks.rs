//! Hooks that heal by themselves: what is told apart, what is put right on a schedule and what is only shown,
//! crashes on the way, new secrets, and replicas that keep out of each other's way.
#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

use handoff_domain::port::{Clock, StoreError};
use handoff_domain::service::watch::{LEASE, LEASE_NAME};
use handoff_sandbox::azure::{NewIdentity, PatRights, ReleaseOrder, SubscriptionId, SubscriptionStatus};
use handoff_sandbox::fault::Fault;
use handoff_tests::crash::dying_after;
use handoff_tests::instance::Setup;
use handoff_tests::leftovers::Expected;
use handoff_tests::scene::{PAT, Scene};
use handoff_tests::sight::Change;
use handoff_tests::webhook::Caller;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const UPDATED: &str = "workitem.updated";
const MINUTE: Duration = Duration::from_secs(60);
/// How often hooks are looked at.
const PERIOD: Duration = Duration::from_secs(600);
const HOUR: Duration = Duration::from_secs(3600);
/// What a test with a broken hook leaves behind.
const BROKEN: Expected = Expected { dead_rows: 0, refused_deliveries: false, hooks_in_trouble: true };

fn installation(scene: &Scene) -> String {
    format!("{}/installations/{}", scene.tenant.at, scene.tenant.installation)
}

fn project(scene: &Scene) -> String {
    format!("{}/projects/{}", installation(scene), scene.board.project)
}

/// What the API shows of the hook for changes.
async fn shown(scene: &Scene) -> Value {
    let mut found = scene.api.list(&format!("{}/hooks", installation(scene))).await;
    found.retain(|hook| hook["event_type"] == UPDATED);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

/// Lets the time go by and looks at what was connected.
async fn later(scene: &Scene, after: Duration) -> usize {
    scene.advance(after).await;
    scene.watch().await
}

/// How many subscriptions were asked for so far.
fn asked_for(scene: &Scene) -> usize {
    scene.azure.request_count("create_subscription")
}

fn ids(scene: &Scene) -> BTreeSet<SubscriptionId> {
    scene.azure.subscriptions().into_iter().map(|hook| hook.id).collect()
}

/// Something that may befall a subscription.
fn befall(scene: &Scene, hook: SubscriptionId, status: Option<SubscriptionStatus>) {
    match status {
        Some(status) => scene.azure.set_subscription_status(hook, status).unwrap(),
        None => scene.azure.delete_subscription(hook).unwrap(),
    }
}

#[tokio::test]
async fn what_no_person_meant_is_healed_by_itself_and_what_was_missed_is_read() {
    for status in [Some(SubscriptionStatus::OnProbation), Some(SubscriptionStatus::DisabledBySystem), None] {
        let scene = Scene::new().await;
        let (item, group) = scene.linked("The mill stops").await;
        later(&scene, HOUR).await;
        let (old, known) = (scene.hook(UPDATED), shown(&scene).await);
        let late = Caller::of(&scene, old);
        befall(&scene, old, status);
        scene.assign_in_azure(item, &scene.ada);
        scene.settle().await;
        assert_eq!(scene.assignee(&group).await, None, "the event is lost: {status:?}");

        assert!(later(&scene, PERIOD).await > 0);
        assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user), "{status:?}");
        assert_ne!(scene.hook(UPDATED), old);
        let hook = shown(&scene).await;
        assert_ne!(hook["id"], known["id"]);
        assert_eq!((hook["status"].as_str(), &hook["problem"]), (Some("enabled"), &Value::Null));
        assert_eq!(late.post("{}").await.status, 410, "the old one");

        scene.assign_in_azure(item, &scene.bob);
        scene.settle().await;
        assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.bob).user), "the new one delivers");
        scene.into_instance().finish_expecting(&BROKEN).await;
    }
}

#[tokio::test]
async fn what_a_person_did_or_must_do_is_shown_with_what_to_do_and_left_alone() {
    for (status, word, advice) in [
        (SubscriptionStatus::DisabledByUser, "disabled_by_user", "connect the project again"),
        (SubscriptionStatus::DisabledByInactiveIdentity, "disabled_by_inactive_identity", "Save a credential"),
    ] {
        let scene = Scene::new().await;
        scene.linked("The mill stops").await;
        later(&scene, HOUR).await;
        let (old, asked) = (scene.hook(UPDATED), asked_for(&scene));
        befall(&scene, old, Some(status));
        for _ in 0..3 {
            later(&scene, HOUR).await;
        }
        assert_eq!((scene.hook(UPDATED), asked_for(&scene)), (old, asked));
        let hook = shown(&scene).await;
        assert_eq!(hook["status"], word);
        assert!(hook["problem"].is_string() && hook["what_to_do"].as_str().unwrap().contains(advice), "{hook}");
        let looked_at = scene.clock.now().since(at(&hook["checked_at"]));
        assert!(looked_at < MINUTE, "{looked_at:?}");
        scene.into_instance().finish_expecting(&BROKEN).await;
    }
}

fn at(time: &Value) -> handoff_domain::time::Timestamp {
    handoff_domain::time::Timestamp::parse_rfc3339(time.as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_hook_that_a_person_switched_on_again_has_what_it_missed_read() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    let hook = scene.hook(UPDATED);
    befall(&scene, hook, Some(SubscriptionStatus::DisabledByUser));
    scene.assign_in_azure(item, &scene.ada);
    later(&scene, PERIOD).await;
    assert_eq!(shown(&scene).await["status"], "disabled_by_user");
    befall(&scene, hook, Some(SubscriptionStatus::Enabled));
    later(&scene, PERIOD).await;
    assert_eq!((scene.hook(UPDATED), shown(&scene).await["status"].as_str()), (hook, Some("enabled")));
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user));
    scene.into_instance().finish_expecting(&BROKEN).await;
}

#[tokio::test]
async fn a_hook_whose_account_lost_its_access_is_healed_once_the_credential_is_another() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    later(&scene, HOUR).await;
    let old = scene.hook(UPDATED);
    befall(&scene, old, Some(SubscriptionStatus::DisabledByInactiveIdentity));
    later(&scene, PERIOD).await;
    assert_eq!(scene.hook(UPDATED), old);
    scene.assign_in_azure(item, &scene.ada);
    let robot = scene.azure.add_identity(NewIdentity::person("Handoff again", "again@fabrikam.example"));
    scene.azure.set_pat("a-new-token", robot, PatRights::full());
    scene.api.change(Method::PATCH, &installation(&scene), json!({"credential": "a-new-token"})).await;
    later(&scene, MINUTE).await;
    assert_ne!(scene.hook(UPDATED), old);
    assert_eq!(shown(&scene).await["status"], "enabled");
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user));
    // Once: the next hook of the same account that ends so is left alone again.
    let next = scene.hook(UPDATED);
    later(&scene, HOUR).await;
    befall(&scene, next, Some(SubscriptionStatus::DisabledByInactiveIdentity));
    later(&scene, HOUR).await;
    assert_eq!(scene.hook(UPDATED), next);
    scene.into_instance().finish_expecting(&BROKEN).await;
}

#[tokio::test]
async fn a_look_that_fails_tells_nothing_and_heals_nothing() {
    let scene = Scene::new().await;
    scene.linked("The mill stops").await;
    later(&scene, HOUR).await;
    let (old, before, asked) = (scene.hook(UPDATED), shown(&scene).await, asked_for(&scene));
    // Whatever happened to it meanwhile: nobody can know.
    befall(&scene, old, Some(SubscriptionStatus::DisabledBySystem));
    for status in [500, 503, 429, 403, 401] {
        scene.azure.faults().always("get_subscription", Fault::RefuseBefore { status });
        later(&scene, PERIOD).await;
        let hook = shown(&scene).await;
        for same in ["id", "status", "subscription_id", "checked_at"] {
            assert_eq!(hook[same], before[same], "{status}: {same}");
        }
        assert!(!hook["unseen"].as_str().unwrap().is_empty(), "{status}");
        assert_eq!((scene.hook(UPDATED), asked_for(&scene)), (old, asked), "{status}");
        scene.azure.faults().clear();
    }
    later(&scene, PERIOD).await;
    let hook = shown(&scene).await;
    assert_eq!((hook["status"].as_str(), &hook["unseen"]), (Some("enabled"), &Value::Null));
    assert_ne!(scene.hook(UPDATED), old);
    scene.into_instance().finish_expecting(&BROKEN).await;
}

#[tokio::test]
async fn an_address_that_cannot_be_reached_makes_one_new_hook_an_hour_and_not_thousands() {
    let scene = Scene::new().await;
    later(&scene, HOUR).await;
    let asked = asked_for(&scene);
    for _ in 0..18 {
        befall(&scene, scene.hook(UPDATED), Some(SubscriptionStatus::DisabledBySystem));
        later(&scene, PERIOD).await;
    }
    let made = asked_for(&scene) - asked;
    assert!((2..=3).contains(&made), "{made} in three hours");
    scene.into_instance().finish_expecting(&BROKEN).await;
}

#[tokio::test]
async fn a_hook_whose_making_was_not_recorded_ends_as_exactly_one() {
    let scene = Scene::new().await;
    later(&scene, HOUR).await;
    befall(&scene, scene.hook(UPDATED), None);
    scene.azure.faults().push_next("create_subscription", Fault::Drop);
    later(&scene, PERIOD).await;
    let made = scene.hook(UPDATED);
    let rows = scene.api.list(&format!("{}/hooks", installation(&scene))).await;
    assert!(rows.iter().any(|row| row["status"] == "creating"), "{rows:#?}");
    later(&scene, PERIOD).await;
    assert_eq!(scene.hook(UPDATED), made, "it is adopted");
    let hook = shown(&scene).await;
    assert_eq!(
        (hook["status"].as_str(), hook["subscription_id"].as_str()),
        (Some("enabled"), Some(&*made.to_string()))
    );
    scene.into_instance().finish_expecting(&BROKEN).await;
}

#[tokio::test]
async fn a_hook_whose_making_was_carried_out_late_once_more_ends_as_exactly_one() {
    let scene = Scene::new().await;
    let made = scene.hook(UPDATED);
    scene.azure.repeat_subscription(made).unwrap();
    assert_eq!(ids(&scene).len(), 4);
    later(&scene, PERIOD).await;
    assert_eq!((ids(&scene).len(), scene.hook(UPDATED)), (3, made));
    scene.finish().await;
}

#[tokio::test]
async fn wherever_the_one_who_heals_dies_the_next_look_leaves_exactly_one_of_each() {
    let scene = Scene::new().await;
    for waits in 0..24 {
        later(&scene, HOUR * 2).await;
        befall(&scene, scene.hook(UPDATED), None);
        scene.advance(PERIOD).await;
        let healer = scene.another_replica();
        let _ = dying_after(waits * 3, scene.clock.moving(healer.watch_once())).await;
        later(&scene, PERIOD).await;
        assert_eq!(ids(&scene).len(), 3, "after {waits}");
        let rows = scene.api.list(&format!("{}/hooks", installation(&scene))).await;
        assert!(rows.len() == 3 && rows.iter().all(|row| row["status"] == "enabled"), "after {waits}: {rows:#?}");
    }
    scene.into_instance().finish_expecting(&BROKEN).await;
}

#[tokio::test]
async fn new_secrets_while_deliveries_arrive_lose_none_and_each_is_applied_once() {
    let scene = Scene::with(Setup { concurrent_deliveries: 4, ..Setup::default() }, |_| {}).await;
    let mut linked = Vec::new();
    for n in 0..6 {
        linked.push(scene.linked(&format!("Symptom {n}")).await);
    }
    let (old, secrets) = (ids(&scene), secrets(&scene));
    let assign = |who| linked.iter().for_each(|(item, _)| scene.assign_in_azure(*item, who));
    // Some arrive late, when the old hooks are gone; some while the new ones are made; some later.
    scene.azure.hold_deliveries();
    assign(&scene.ada);
    scene.azure.settle().await;
    let rotate = format!("{}/rotate", project(&scene));
    let (rotated, ()) = tokio::join!(scene.api.call(Method::POST, &rotate, &Value::Null), async {
        assign(&scene.bob);
        scene.azure.settle().await;
    });
    assert_eq!((rotated.status, rotated.json["items"].as_array().unwrap().len()), (200, 3), "{}", rotated.json);
    assign(&scene.cleo);
    assert!(scene.azure.held_deliveries() >= 3 * linked.len(), "{}", scene.azure.held_deliveries());
    scene.azure.release_deliveries(&ReleaseOrder::Reversed);
    scene.settle().await;

    assert!(ids(&scene).is_disjoint(&old) && ids(&scene).len() == 3);
    assert!(self::secrets(&scene).is_disjoint(&secrets));
    let [ada, bob, cleo] = [&scene.ada, &scene.bob, &scene.cleo].map(|one| scene.member(one).user);
    for (_, group) in &linked {
        assert_eq!(scene.assignee(group).await, Some(cleo));
        let changes = scene.changes(group).await;
        for (who, from) in [(ada, None), (bob, Some(ada)), (cleo, Some(bob))] {
            let times = changes.iter().filter(|change| **change == Change::to(who, from)).count();
            assert!(times <= 1, "{changes:?}");
        }
        assert!(matches!(changes.last(), Some(Change::Assigned { to, .. }) if *to == cleo), "{changes:?}");
    }
    scene.into_instance().finish_expecting(&BROKEN).await;
}

/// The passwords that the hooks present.
fn secrets(scene: &Scene) -> BTreeSet<String> {
    let password =
        |id: &SubscriptionId| scene.azure.subscription(*id).unwrap().consumer_inputs["basicAuthPassword"].clone();
    ids(scene).iter().map(password).collect()
}

#[tokio::test]
async fn secrets_are_exchanged_only_where_there_are_hooks() {
    let scene = Scene::with(Setup { is_reachable: false, ..Setup::default() }, |_| {}).await;
    let refused = scene.api.call(Method::POST, &format!("{}/rotate", project(&scene)), &Value::Null).await;
    assert_eq!(refused.status, 422, "{}", refused.json);
    let nothing = format!("{}/projects/11111111-1111-1111-1111-111111111111", installation(&scene));
    for verb in ["rotate", "reconcile"] {
        let absent = scene.api.call(Method::POST, &format!("{nothing}/{verb}"), &Value::Null).await;
        assert_eq!(absent.status, 404, "{verb}");
    }
    scene.settle().await;
    scene.finish().await;
}

#[tokio::test]
async fn only_one_replica_looks_at_the_hooks_at_a_time() {
    one_at_a_time(Setup::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_one_replica_looks_at_the_hooks_at_a_time_on_postgresql() {
    if let Some(setup) = Setup::on_postgres().await {
        one_at_a_time(setup).await;
    }
}

async fn one_at_a_time(setup: Setup) {
    let scene = Scene::with(setup, |_| {}).await;
    later(&scene, HOUR).await;
    let (one, other) = (scene.another_replica(), scene.another_replica());
    for _ in 0..5 {
        scene.advance(HOUR).await;
        let before = scene.azure.request_count("get_subscription");
        let both = async { tokio::join!(one.watch_once(), other.watch_once(), one.watch_once(), other.watch_once()) };
        let (a, b, c, d) = scene.clock.moving(both).await;
        // The hooks once, the reading once.
        assert_eq!([a, b, c, d].into_iter().map(Result::unwrap).sum::<usize>(), 2);
        assert_eq!(scene.azure.request_count("get_subscription") - before, 3);
        scene.settle().await;
    }
    let now = scene.clock.now();
    let held = scene.ports.singletons.take(LEASE_NAME, now, now.plus(HOUR * 2)).await.unwrap().unwrap();
    assert_eq!(later(&scene, HOUR).await, 0, "somebody else has the lease");
    scene.ports.singletons.give_back(&held).await.unwrap();
    assert_eq!(scene.watch().await, 2);
    scene.finish().await;
}

#[tokio::test]
async fn who_lost_the_lease_writes_nothing_any_more() {
    let scene = Scene::new().await;
    later(&scene, HOUR).await;
    befall(&scene, scene.hook(UPDATED), Some(SubscriptionStatus::DisabledBySystem));
    scene.advance(PERIOD).await;
    let slow = scene.another_replica().watch;
    let lease = slow.begin().await.unwrap().unwrap();
    let due = slow.next_hooks(&lease).await.unwrap().unwrap();
    let (before, asked) = (shown(&scene).await, asked_for(&scene));
    scene.advance(LEASE * 2).await;
    let now = scene.clock.now();
    let newer = scene.ports.singletons.take(LEASE_NAME, now, now.plus(LEASE)).await.unwrap().unwrap();
    assert!(newer.token > lease.token);
    assert_eq!(slow.look_at_hooks(&lease, &due).await, Err(StoreError::LeaseLost));
    assert_eq!((shown(&scene).await, asked_for(&scene)), (before, asked));
    scene.advance(HOUR).await;
    assert_eq!(slow.next_hooks(&lease).await, Err(StoreError::LeaseLost));
    assert_eq!(slow.arm_reconciles(&lease).await, Err(StoreError::LeaseLost));
    scene.ports.singletons.give_back(&newer).await.unwrap();
    scene.watch().await;
    assert_eq!(shown(&scene).await["status"], "enabled");
    scene.into_instance().finish_expecting(&BROKEN).await;
}

#[tokio::test]
async fn a_hook_of_a_project_that_was_disconnected_is_made_by_no_look() {
    let scene = Scene::new().await;
    later(&scene, HOUR).await;
    scene.advance(HOUR).await;
    let slow = scene.another_replica().watch;
    let lease = slow.begin().await.unwrap().unwrap();
    let due = slow.next_hooks(&lease).await.unwrap().unwrap();
    scene.api.change(Method::DELETE, &project(&scene), Value::Null).await;
    scene.settle().await;
    assert_eq!(slow.look_at_hooks(&lease, &due).await, Ok(()));
    slow.end(&lease).await.unwrap();
    scene.settle().await;
    assert!(ids(&scene).is_empty());
    assert!(scene.api.list(&format!("{}/hooks", installation(&scene))).await.is_empty());
    assert_eq!(later(&scene, HOUR).await, 0);
    scene.finish().await;
}

#[tokio::test]
async fn a_revoked_credential_is_no_missing_hook() {
    let scene = Scene::new().await;
    later(&scene, HOUR).await;
    let (old, before) = (ids(&scene), shown(&scene).await);
    scene.azure.revoke_pat(PAT);
    later(&scene, PERIOD).await;
    let hook = shown(&scene).await;
    assert_eq!((ids(&scene), &hook["status"], &hook["id"]), (old, &before["status"], &before["id"]));
    assert!(hook["unseen"].as_str().unwrap().contains("credential"), "{hook}");
    scene.finish().await;
}
