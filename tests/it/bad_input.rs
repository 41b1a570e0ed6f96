//! Whatever the webhook is sent: a clear answer, nothing lost, and never one that makes Azure DevOps drop
//! events (DESIGN, section 4).
#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

mod day;
mod mutated;
mod nasty_text;
pub(crate) mod outage;

use bytes::Bytes;
use handoff_domain::service::post::MAX_BODY;
use handoff_tests::scene::Scene;
use handoff_tests::webhook::Caller;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A good delivery of this scene: Ada gets a work item that no group is linked with.
async fn good(scene: &Scene) -> Value {
    let item = scene.work_item("Unlinked");
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    let last = scene.azure.last_notification(scene.hook("workitem.updated")).unwrap();
    serde_json::from_slice(&last.body).unwrap()
}

/// Bodies that are no use, and the state that they end in.
fn useless(good: &Value) -> Vec<(&'static str, Bytes, &'static str)> {
    let changed = |change: fn(&mut Value)| {
        let mut body = good.clone();
        change(&mut body);
        Bytes::from(body.to_string())
    };
    let elsewhere = || json!(Uuid::from_u128(0xfeed).to_string());
    let mut other_collection = good.clone();
    other_collection["resourceContainers"]["collection"]["id"] = elsewhere();
    let mut other_project = good.clone();
    other_project["resourceContainers"]["project"]["id"] = elsewhere();
    let oversized = || Bytes::from(vec![b' '; MAX_BODY + 1]);
    vec![
        ("nothing", Bytes::new(), "quarantined"),
        ("not JSON", Bytes::from_static(b"<html>Bad Gateway</html>"), "quarantined"),
        ("JSON cut short", Bytes::from(good.to_string()[..200].to_owned()), "quarantined"),
        ("not an object", Bytes::from_static(b"[1, 2]"), "quarantined"),
        ("no eventType", changed(|body| drop(body.as_object_mut().unwrap().remove("eventType"))), "quarantined"),
        ("eventType null", changed(|body| body["eventType"] = Value::Null), "quarantined"),
        ("another collection", Bytes::from(other_collection.to_string()), "quarantined"),
        ("another project", Bytes::from(other_project.to_string()), "quarantined"),
        ("no collection", changed(|body| body["resourceContainers"] = json!({})), "quarantined"),
        ("workItemId null", changed(|body| body["resource"]["workItemId"] = Value::Null), "quarantined"),
        ("workItemId past 2^53", changed(|body| body["resource"]["workItemId"] = json!(1_u64 << 53)), "quarantined"),
        ("no resource", changed(|body| body["resource"] = Value::Null), "quarantined"),
        ("too large", oversized(), "quarantined"),
        ("workItemId 0, as tests have it", changed(|body| body["resource"]["workItemId"] = json!(0)), "ignored"),
        ("an unused event", changed(|body| body["eventType"] = json!("build.complete")), "ignored"),
    ]
}

#[tokio::test]
async fn every_useless_body_is_answered_kept_and_shown() {
    let scene = Scene::new().await;
    let body = good(&scene).await;
    let caller = Caller::of(&scene, scene.hook("workitem.updated"));
    let before = scene.tenant.delivery_states(&scene).await;
    let mut expected = before.clone();
    for (what, bytes, state) in useless(&body) {
        let answer = caller.post(bytes.to_vec()).await;
        assert_eq!(answer.status, 200, "{what}");
        let newest = scene.api.get(&format!("{}/deliveries?limit=1", scene.tenant.at)).await["items"][0].clone();
        assert_eq!(newest["state"], state, "{what}: {newest}");
        assert!(newest["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{what}: {newest}");
        let path = format!("{}/deliveries/{}", scene.tenant.at, newest["id"].as_str().unwrap());
        let kept = scene.api.get(&path).await["payload_bytes"].as_u64().unwrap();
        let whole = if what == "too large" { 64 * 1024 } else { bytes.len() };
        assert_eq!(kept, u64::try_from(whole).unwrap(), "{what}");
        *expected.entry(state.to_owned()).or_default() += 1;
    }
    scene.settle().await;
    assert_eq!(scene.tenant.delivery_states(&scene).await, expected);
    scene.finish().await;
}

#[tokio::test]
async fn what_was_lost_behind_a_delivery_that_cannot_be_read_is_read_from_the_project() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.azure.hold_deliveries();
    scene.assign_in_azure(item, &scene.ada);
    scene.azure.release_deliveries(&handoff_sandbox::azure::ReleaseOrder::Permutation(Vec::new()));
    scene.azure.deliver_raw(scene.hook("workitem.updated"), "garbled on the way").unwrap();
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user));
    assert!(scene.pings(&group).is_empty(), "what is read late is told in a summary");
    assert!(scene.is_summed_up(&group));
    scene.finish().await;
}

#[tokio::test]
async fn what_azure_devops_sends_as_a_test_is_answered_and_ignored() {
    let scene = Scene::new().await;
    for hook in scene.azure.subscriptions() {
        let url = format!("{}_apis/hooks/testnotifications?api-version=7.1", scene.board.url);
        let client = handoff_sandbox::client::plain_client().unwrap();
        let test = json!({"subscriptionId": hook.id.to_string(), "details": {"eventType": hook.event_type}});
        let answer = client.post(url).basic_auth("", Some(handoff_tests::scene::PAT)).json(&test).send().await.unwrap();
        let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(answer["result"], "succeeded", "{answer}");
    }
    scene.settle().await;
    let hooks = scene.azure.subscriptions().len();
    assert_eq!(scene.tenant.delivery_states(&scene).await, BTreeMap::from([("ignored".to_owned(), hooks)]));
    assert!(scene.tenant.deliveries(&scene, "ignored").await.iter().all(|one| one["reason"] == "a test notification"));
    scene.finish().await;
}

#[tokio::test]
async fn strangers_are_refused_alike_whatever_they_lack_and_leave_nothing() {
    let scene = Scene::new().await;
    let hook = Caller::of(&scene, scene.hook("workitem.updated"));
    let body = good(&scene).await.to_string();
    let before = scene.tenant.delivery_states(&scene).await;
    let unknown = format!("/webhooks/vsts/{}", Uuid::from_u128(7));
    let mut answers = vec![
        hook.with_password("wrong").post(body.clone()).await,
        hook.with_password("").post(body.clone()).await,
        hook.post_as_nobody(body.clone()).await,
        hook.post_with(b"Bearer x", body.clone()).await,
        hook.post_with(b"Basic !!!not-base64", body.clone()).await,
        hook.post_with(b"Basic \xff\xfe", body.clone()).await,
        hook.post_with(&[b'A'; 8000], body.clone()).await,
        hook.at(&unknown).post(body.clone()).await,
        hook.at("/webhooks/vsts/not-an-id").post(body.clone()).await,
        hook.at("/webhooks/vsts/%00").post(body.clone()).await,
    ];
    let first = answers.remove(0);
    assert_eq!(first.status, 401);
    for answer in answers {
        assert_eq!(answer.status, 401);
        assert_eq!(answer.json, first.json);
        assert_eq!(answer.header("www-authenticate"), first.header("www-authenticate"));
    }
    assert_eq!(scene.tenant.delivery_states(&scene).await, before);
    scene.finish().await;
}

#[tokio::test]
async fn a_hook_that_we_deleted_is_told_so_and_only_with_its_secret() {
    let scene = Scene::new().await;
    let hook = Caller::of(&scene, scene.hook("workitem.updated"));
    let body = good(&scene).await.to_string();
    let project = &scene.board.project;
    let path = format!("{}/installations/{}/projects/{project}", scene.tenant.at, scene.tenant.installation);
    scene.api.change(Method::DELETE, &path, Value::Null).await;
    scene.settle().await;
    assert!(scene.azure.subscriptions().is_empty());
    // As long as an opened secret is remembered, a replica may still take in what the hook brings.
    scene.advance(handoff_domain::service::post::SECRET_LIFETIME).await;
    assert_eq!(hook.post(body.clone()).await.status, 410);
    assert_eq!(hook.with_password("wrong").post(body).await.status, 401);
    scene.finish().await;
}
