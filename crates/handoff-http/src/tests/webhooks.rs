//! The webhook: each line of the design's table, and bodies that are too large, too slow or broken off.

use super::world::{Answered, World};
use crate::WebhookLimits;
use async_trait::async_trait;
use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use futures::{StreamExt, stream};
use handoff_domain::delivery::{ClaimedDelivery, NewDelivery};
use handoff_domain::id::DeliveryId;
use handoff_domain::port::{Appended, Inbox, InboxError, StoreError};
use handoff_domain::service::post::{KEPT_OF_OVERSIZED, MAX_BODY};
use handoff_domain::testing::MockInbox;
use handoff_domain::time::Timestamp;
use serde_json::Value;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(60);

fn quick() -> WebhookLimits {
    WebhookLimits {
        authenticate: SHORT,
        stall: SHORT,
        body: 4 * SHORT,
        answer: SHORT,
        parting: SHORT,
        ..WebhookLimits::default()
    }
}

struct Hooked {
    world: World,
    at: String,
    path: String,
    secret: String,
}

impl Hooked {
    async fn new(inbox: Option<Arc<dyn Inbox>>, limits: WebhookLimits) -> Self {
        let world = World::with(inbox, limits).await;
        let ours = world.furnished("ours").await;
        world.connected(&ours.at).await;
        let (url, secret) = world.hooks.lock().unwrap()[0].clone();
        let path = url.strip_prefix("https://handoff.example.org").unwrap().to_owned();
        Self { world, at: ours.at, path, secret }
    }

    async fn post_as(&self, path: &str, secret: &str, body: Body) -> Answered {
        self.world.send(Request::post(path).header("secret", secret).body(body).unwrap()).await
    }

    async fn post(&self, body: impl Into<Body>) -> Answered {
        self.post_as(&self.path, &self.secret, body.into()).await
    }

    async fn deliveries(&self) -> Vec<Value> {
        let listed = self.world.get(&format!("{}/deliveries", self.at)).await;
        listed["items"].as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn an_unknown_hook_a_wrong_secret_and_what_is_no_id_are_refused_alike_and_the_body_is_not_read() {
    let hooked = Hooked::new(None, WebhookLimits::default()).await;
    let unread = || Body::from_stream(stream::once(async { panic!("the body was read") as Result<Bytes, Infallible> }));
    let unknown = "/webhooks/vsts/00000000-0000-7000-8000-000000000009";
    let mut seen = Vec::new();
    for (path, secret) in [
        (hooked.path.as_str(), "wrong"),
        (unknown, hooked.secret.as_str()),
        ("/webhooks/vsts/7", hooked.secret.as_str()),
        ("/webhooks/vsts/%FF%00", ""),
    ] {
        let answer = hooked.post_as(path, secret, unread()).await;
        assert_eq!(answer.status, 401, "{path}");
        seen.push((answer.json.clone(), answer.header("www-authenticate").to_owned()));
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
    assert_eq!(seen[0].1, "Basic realm=\"handoff\"");
    assert!(hooked.deliveries().await.is_empty());
}

#[tokio::test]
async fn each_kind_of_body_is_answered_200_and_kept_in_its_state() {
    for (body, outcome, state) in [
        ("event", "stored", "pending"),
        ("event elsewhere", "quarantined", "quarantined"),
        ("test", "ignored", "ignored"),
        ("unused", "ignored", "ignored"),
        ("", "quarantined", "quarantined"),
        ("\u{0}<html>", "quarantined", "quarantined"),
    ] {
        let hooked = Hooked::new(None, WebhookLimits::default()).await;
        let answer = hooked.post(body).await;
        assert_eq!((answer.status.as_u16(), answer.json["outcome"].as_str()), (200, Some(outcome)), "{body}");
        let kept = hooked.deliveries().await;
        assert_eq!((kept.len(), kept[0]["state"].as_str()), (1, Some(state)), "{body}");
    }
}

#[tokio::test]
async fn the_same_event_twice_is_one_delivery_that_can_be_shown_and_replayed() {
    let hooked = Hooked::new(None, WebhookLimits::default()).await;
    assert_eq!(hooked.post("event").await.json["outcome"], "stored");
    assert_eq!(hooked.post("event").await.json["outcome"], "duplicate");
    let kept = hooked.deliveries().await;
    assert_eq!((kept.len(), kept[0]["duplicates"].as_i64()), (1, Some(1)));
    let one = format!("{}/deliveries/{}", hooked.at, kept[0]["id"].as_str().unwrap());
    assert_eq!(hooked.world.get(&one).await["payload"], "event");
    assert_eq!(hooked.world.call("POST", &format!("{one}/replay"), Value::Null).await.status, 202);
    let rows = hooked.world.get(&format!("{}/outbox?state=pending", hooked.at)).await;
    assert_eq!(rows["items"][0]["task"], "refresh_work_item", "{rows}");
    let row = format!("{}/outbox/{}/replay", hooked.at, rows["items"][0]["id"].as_str().unwrap());
    assert_eq!(hooked.world.call("POST", &row, Value::Null).await.status, 404, "it is not dead");
}

#[tokio::test]
async fn a_hook_that_we_deleted_is_410_for_whoever_knows_its_secret() {
    let hooked = Hooked::new(None, WebhookLimits::default()).await;
    let installations = hooked.world.get(&format!("{}/installations", hooked.at)).await;
    let id = installations["items"][0]["id"].as_str().unwrap();
    let project = format!("{}/installations/{id}/projects/{}", hooked.at, super::world::AZURE_PROJECT);
    assert_eq!(hooked.world.call("DELETE", &project, Value::Null).await.status, 204);
    assert_eq!(hooked.post("event").await.status, 410);
    assert_eq!(hooked.post_as(&hooked.path, "wrong", Body::from("event")).await.status, 401);
}

fn oversized(bytes: usize) -> Body {
    const CHUNK: usize = 1024 * 1024;
    let chunks = stream::iter(0..bytes.div_ceil(CHUNK)).map(|_| Ok::<_, Infallible>(Bytes::from(vec![b'x'; CHUNK])));
    Body::from_stream(chunks)
}

#[tokio::test]
async fn a_body_past_sixteen_mebibytes_is_200_and_its_beginning_is_kept() {
    let hooked = Hooked::new(None, WebhookLimits::default()).await;
    let answer = hooked.post(oversized(MAX_BODY + 1)).await;
    assert_eq!((answer.status.as_u16(), answer.json["outcome"].as_str()), (200, Some("oversized")));
    let kept = hooked.deliveries().await;
    let one = hooked.world.get(&format!("{}/deliveries/{}", hooked.at, kept[0]["id"].as_str().unwrap())).await;
    assert_eq!(
        (one["state"].as_str(), one["payload_bytes"].as_u64()),
        (Some("quarantined"), Some(KEPT_OF_OVERSIZED as u64))
    );
}

#[tokio::test]
async fn an_endless_body_is_answered_when_enough_of_it_was_read() {
    let hooked = Hooked::new(None, WebhookLimits { drained: 4 * 1024 * 1024, ..WebhookLimits::default() }).await;
    assert_eq!(hooked.post(oversized(usize::MAX / 2)).await.status, 200);
}

#[tokio::test]
async fn a_sender_that_stalls_or_breaks_off_is_cut_with_503_and_nothing_is_kept() {
    let hooked = Hooked::new(None, quick()).await;
    let first = || stream::once(async { Ok::<_, std::io::Error>(Bytes::from_static(b"eve")) });
    let stalled = Body::from_stream(first().chain(stream::pending()));
    let broken = Body::from_stream(first().chain(stream::once(async { Err(std::io::Error::other("reset")) })));
    for body in [stalled, broken] {
        let answer = hooked.post(body).await;
        assert_eq!((answer.status.as_u16(), answer.header("connection")), (503, "close"));
    }
    assert!(hooked.deliveries().await.is_empty());
}

/// An inbox that never answers.
struct Stuck;

#[async_trait]
impl Inbox for Stuck {
    async fn append(&self, _: NewDelivery) -> Result<Appended, InboxError> {
        std::future::pending().await
    }

    async fn claim(&self, _: Timestamp, _: Timestamp, _: u16) -> Result<Vec<ClaimedDelivery>, StoreError> {
        Ok(Vec::new())
    }

    async fn fail(&self, _: DeliveryId, _: i64, _: Timestamp, _: &str, _: bool) -> Result<(), StoreError> {
        Ok(())
    }

    async fn purge(&self, _: Timestamp, _: u16) -> Result<u64, StoreError> {
        Ok(0)
    }
}

#[tokio::test]
async fn an_inbox_that_is_slow_full_or_out_of_reach_and_a_process_that_drains_ask_to_come_again() {
    let mut full = MockInbox::new();
    full.expect_append().returning(|_| Err(InboxError::Overloaded));
    let mut gone = MockInbox::new();
    gone.expect_append().returning(|_| Err(InboxError::Unavailable(StoreError::Unavailable(String::new()))));
    let inboxes: [Arc<dyn Inbox>; 3] = [Arc::new(full), Arc::new(gone), Arc::new(Stuck)];
    for inbox in inboxes {
        let answer = Hooked::new(Some(inbox), quick()).await.post("event").await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "10"));
    }
    let hooked = Hooked::new(None, quick()).await;
    hooked.world.state.lifecycle.drain();
    assert_eq!(hooked.post("event").await.status, 503);
    assert!(hooked.deliveries().await.is_empty());
}

#[tokio::test]
async fn a_defect_of_ours_is_503_for_an_authenticated_hook() {
    let hooked = Hooked::new(None, WebhookLimits::default()).await;
    assert_eq!(hooked.post("panic").await.status, 503);
}

#[tokio::test]
async fn bodies_share_a_bounded_memory_and_what_does_not_fit_is_asked_to_come_again() {
    let hooked = Hooked::new(None, WebhookLimits { memory: 1024 * 1024, ..WebhookLimits::default() }).await;
    assert_eq!(hooked.post(vec![b'x'; 1024 * 1024]).await.status, 200);
    assert_eq!(hooked.post(vec![b'x'; 1024 * 1024 + 1]).await.status, 503);
    assert_eq!(hooked.post("event").await.status, 200, "what was held is free again");
}

#[tokio::test]
async fn another_method_is_405() {
    let hooked = Hooked::new(None, WebhookLimits::default()).await;
    let answer = hooked.world.call_as(None, "GET", &hooked.path, &Value::Null).await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "POST"));
}
