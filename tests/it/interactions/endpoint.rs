//! The endpoint as Discord checks it: signatures, time, repeats.

use handoff_domain::port::store::{StoreResult, UnitOfWork};
use handoff_domain::port::{Store, StoreError};
use handoff_sandbox::discord::RawRequest;
use handoff_tests::instance::Setup;
use handoff_tests::scene::Scene;
use handoff_tests::sight::Change;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[tokio::test]
async fn discords_own_checks_pass_and_go_on_passing() {
    let scene = Scene::interactive().await;
    scene.discord.probe_interactions_endpoint().await.unwrap();
    let ping = scene.discord.signed(br#"{"type":1}"#);
    let answer = scene.discord.send_raw(&ping).await.unwrap();
    assert_eq!((answer.status, answer.is_json, answer.json), (200, true, json!({"type": 1})));
    // Whatever else is in it: what is new to us must not lose us the endpoint.
    let odd = scene.discord.signed(br#"{"type":1,"id":7,"member":"x","data":[],"application_id":null}"#);
    assert_eq!(scene.discord.send_raw(&odd).await.unwrap().json, json!({"type": 1}));
    assert!(scene.discord.interactions_endpoint().is_some());
    scene.finish().await;
}

#[tokio::test]
async fn what_is_not_rightly_signed_is_401_and_does_nothing() {
    let scene = Scene::interactive().await;
    let (_, group) = scene.linked("The mill stops").await;
    let pressed = scene.press(&scene.ada, &group, "take").await.unwrap();
    scene.press(&scene.ada, &group, "resolve").await.unwrap();
    let body = fresh(&pressed.request, 1).into_bytes();
    let right = scene.discord.signed(&body);
    let other = scene.discord.signed(b"{}");
    let signature = right.signature.clone().unwrap();
    let altered = String::from_utf8(body.clone()).unwrap().replace("take:", "archive:").into_bytes();
    for wrong in [
        RawRequest { signature: None, ..right.clone() },
        RawRequest { timestamp: None, ..right.clone() },
        RawRequest { signature: None, timestamp: None, ..right.clone() },
        RawRequest { signature: other.signature, ..right.clone() },
        RawRequest { signature: Some(signature[..126].to_owned()), ..right.clone() },
        RawRequest { signature: Some(format!("{signature}00")), ..right.clone() },
        RawRequest { signature: Some("zz".repeat(64)), ..right.clone() },
        RawRequest { signature: Some("00".repeat(64)), ..right.clone() },
        RawRequest { signature: Some(String::new()), ..right.clone() },
        RawRequest { timestamp: Some("1".to_owned()), ..right.clone() },
        RawRequest { timestamp: Some(String::new()), ..right.clone() },
        RawRequest { body: altered, ..right.clone() },
        RawRequest { body: Vec::new(), ..right.clone() },
        RawRequest { body: b"no json".to_vec(), ..right.clone() },
    ] {
        assert_eq!(scene.discord.send_raw(&wrong).await.unwrap().status, 401, "{wrong:?}");
    }
    assert_eq!(scene.discord.send_raw(&right).await.unwrap().status, 200);
    scene.settle().await;
    assert_eq!(scene.card(&group).status, "Resolved");
    scene.finish().await;
}

/// The same interaction as a new one: with another id.
fn fresh(request: &str, later: u64) -> String {
    let mut body: Value = serde_json::from_str(request).unwrap();
    let id: u64 = body["id"].as_str().unwrap().parse().unwrap();
    body["id"] = json!((id + later).to_string());
    body.to_string()
}

#[tokio::test]
async fn a_repeated_interaction_acts_once_and_is_answered_alike() {
    let scene = Scene::interactive().await;
    let (_, group) = scene.linked("The mill stops").await;
    let ada = scene.member(&scene.ada);
    let pressed = scene.press(&scene.ada, &group, "take").await.unwrap();
    let again = scene.discord.signed(pressed.request.as_bytes());
    assert_eq!(scene.discord.send_raw(&again).await.unwrap().json, json!({"type": 6}));
    scene.settle().await;
    assert_eq!(scene.changes(&group).await, [Change::to(ada.user, None)]);

    // Not even when it would change something by now, in this process or the next.
    scene.types(&scene.bob, "unassign", &[("issue", &group.short_id)]).await;
    scene.discord.send_raw(&again).await.unwrap();
    assert_eq!(scene.assignee(&group).await, None);
    scene.settle().await;
    assert_eq!(scene.changes(&group).await.len(), 2);
    scene.finish().await;
}

#[tokio::test]
async fn a_repeat_of_what_changed_nothing_changes_nothing_later_either() {
    let scene = Scene::interactive().await;
    let (_, group) = scene.linked("The mill stops").await;
    scene.press(&scene.ada, &group, "take").await.unwrap();
    let idle = scene.press(&scene.ada, &group, "take").await.unwrap();
    assert!(idle.content().contains("already"), "{idle:?}");
    scene.types(&scene.ada, "unassign", &[("issue", &group.short_id)]).await;
    scene.discord.send_raw(&scene.discord.signed(idle.request.as_bytes())).await.unwrap();
    assert_eq!(scene.assignee(&group).await, None);
    scene.settle().await;
    scene.finish().await;
}

#[tokio::test]
async fn an_interaction_of_yesterday_is_refused_and_those_remembered_are_forgotten_in_time() {
    let scene = Scene::interactive().await;
    let (_, group) = scene.linked("The mill stops").await;
    let pressed = scene.press(&scene.ada, &group, "take").await.unwrap();
    scene.types(&scene.ada, "unassign", &[("issue", &group.short_id)]).await;
    scene.settle().await;
    scene.advance(Duration::from_secs(86_400 + 60)).await;
    let old = scene.discord.send_raw(&scene.discord.signed(pressed.request.as_bytes())).await.unwrap();
    assert_eq!((old.status, &old.json["data"]["flags"]), (200, &json!(64)));
    assert!(old.json["data"]["content"].as_str().unwrap().contains("too old"), "{}", old.json);
    assert_eq!(scene.assignee(&group).await, None);

    let forgetful = &scene.running().workers().interactions;
    assert_eq!(forgetful.forget(100).await.unwrap(), 0, "kept for longer than it is good for");
    scene.advance(Duration::from_secs(86_400)).await;
    assert_eq!(forgetful.forget(1).await.unwrap(), 1);
    assert_eq!(forgetful.forget(100).await.unwrap(), 1);
    assert_eq!(forgetful.forget(100).await.unwrap(), 0);
    scene.settle().await;
    scene.finish().await;
}

/// A store that hangs, once it is told to.
struct Slow {
    store: Arc<dyn Store>,
    hangs: Arc<AtomicBool>,
}

#[async_trait::async_trait]
impl Store for Slow {
    async fn begin(&self) -> StoreResult<Box<dyn UnitOfWork>> {
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
            return Err(StoreError::Retry);
        }
        self.store.begin().await
    }
}

#[tokio::test]
async fn a_store_that_hangs_is_answered_for_in_time_and_nothing_is_done() {
    let hangs = Arc::new(AtomicBool::new(false));
    let inside = hangs.clone();
    let scene = Scene::interactive_with(Setup::default(), move |ports| {
        ports.store = Arc::new(Slow { store: ports.store.clone(), hangs: inside });
    })
    .await;
    let (_, group) = scene.linked("The mill stops").await;
    hangs.store(true, Ordering::SeqCst);
    let pressed = scene.press(&scene.ada, &group, "take").await.unwrap();
    assert_eq!(pressed.kind, 4);
    assert!(pressed.content().contains("Try again"), "{pressed:?}");
    hangs.store(false, Ordering::SeqCst);
    assert_eq!(scene.assignee(&group).await, None);
    assert_eq!(scene.press(&scene.ada, &group, "take").await.unwrap().kind, 6);
    scene.settle().await;
    scene.finish().await;
}
