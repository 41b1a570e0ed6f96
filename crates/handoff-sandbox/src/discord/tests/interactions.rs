//! Commands, and the interactions that are sent.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::response::IntoResponse;
use axum::routing::post;
use ed25519_dalek::{Signature, VerifyingKey};
use http::{HeaderMap, StatusCode};

use super::*;
use crate::server::SimServer;

fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let pairs = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok());
    pairs.collect::<Option<Vec<u8>>>()?.try_into().ok()
}

/// An endpoint that verifies signatures where it is told to, answers pings, and anything else with what is
/// next in line.
struct Endpoint {
    server: SimServer,
    next: Arc<Mutex<Vec<Value>>>,
}

impl Endpoint {
    async fn start(key: &str, careful: bool) -> Self {
        let key = VerifyingKey::from_bytes(&bytes::<32>(key).unwrap()).unwrap();
        let next: Arc<Mutex<Vec<Value>>> = Arc::default();
        let inside = next.clone();
        let handle = move |headers: HeaderMap, body: Bytes| async move {
            let header = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
            let signature = header("x-signature-ed25519").and_then(bytes::<64>).map(|of| Signature::from_bytes(&of));
            let signed = [header("x-signature-timestamp").unwrap_or("").as_bytes(), &body].concat();
            let right = signature.is_some_and(|signature| key.verify_strict(&signed, &signature).is_ok());
            if careful && !right {
                return StatusCode::UNAUTHORIZED.into_response();
            }
            let sent: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
            if sent["type"] == 1 {
                return axum::Json(json!({"type": 1})).into_response();
            }
            axum::Json(inside.lock().unwrap().remove(0)).into_response()
        };
        let server = SimServer::start(0, Router::new().route("/", post(handle))).await.unwrap();
        Self { server, next }
    }

    fn url(&self) -> String {
        format!("{}/", self.server.base_url())
    }

    fn answers(&self, answer: Value) {
        self.next.lock().unwrap().push(answer);
    }
}

fn button(custom_id: &str) -> Value {
    let button = json!({"type": 2, "style": 1, "label": "Go", "custom_id": custom_id});
    json!({"content": "x", "components": [{"type": 1, "components": [button]}]})
}

async fn put_commands(bench: &Bench, commands: &Value) -> Answer {
    bench.call(Method::PUT, &format!("/applications/{}/commands", bench.bot), Some(commands)).await
}

#[tokio::test]
async fn an_endpoint_that_takes_wrong_signatures_is_not_registered() {
    let bench = Bench::new().await;
    let careless = Endpoint::start(&bench.sim.public_key(), false).await;
    assert!(bench.sim.set_interactions_endpoint(&careless.url()).await.is_err());
    assert_eq!(bench.sim.interactions_endpoint(), None);
    let careful = Endpoint::start(&bench.sim.public_key(), true).await;
    bench.sim.set_interactions_endpoint(&careful.url()).await.unwrap();
    bench.sim.probe_interactions_endpoint().await.unwrap();
    let application = bench.get("/applications/@me").await;
    assert_eq!(application.body["interactions_endpoint_url"], careful.url());
    assert_eq!(application.body["verify_key"], bench.sim.public_key());
    // One that knows another key refuses everything.
    let other = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let deaf = Endpoint::start(other, true).await;
    assert!(bench.sim.set_interactions_endpoint(&deaf.url()).await.is_err());
}

#[tokio::test]
async fn only_what_is_there_and_seen_can_be_clicked() {
    let bench = Bench::new().await;
    let endpoint = Endpoint::start(&bench.sim.public_key(), true).await;
    let message = bench.create(button("go")).await.id();
    let ada = bench.person("ada");
    assert_eq!(bench.sim.click(ada, message, "go").await, Err(InteractionError::NoEndpoint));
    bench.sim.set_interactions_endpoint(&endpoint.url()).await.unwrap();
    let nothing = bench.sim.click(ada, message, "stop").await;
    assert!(matches!(nothing, Err(InteractionError::NothingToClick(_))));
    assert!(bench.sim.choose(ada, message, "go", "x").await.is_err(), "a button is no select");
    let outside = bench.sim.add_user("eve");
    assert_eq!(bench.sim.click(outside, message, "go").await, Err(InteractionError::NotVisible));

    endpoint.answers(json!({"type": 6}));
    assert_eq!(bench.sim.click(ada, message, "go").await.unwrap().kind, 6);
    endpoint.answers(json!({"type": 4, "data": {"content": "psst", "flags": 64}}));
    let answered = bench.sim.click(ada, message, "go").await.unwrap();
    assert_eq!(bench.sim.private_messages(ada)[0].content, "psst");
    assert_eq!(bench.sim.private_messages(ada)[0].id, answered.message.unwrap());
    assert!(bench.sim.private_messages(outside).is_empty());
    endpoint.answers(json!({"type": 7, "data": {"content": "changed"}}));
    bench.sim.click(ada, message, "go").await.unwrap();
    assert_eq!((bench.last().content.as_str(), bench.last().edits), ("changed", 1));
}

#[tokio::test]
async fn an_answer_that_discord_would_not_take_fails() {
    let bench = Bench::new().await;
    let endpoint = Endpoint::start(&bench.sim.public_key(), true).await;
    bench.sim.set_interactions_endpoint(&endpoint.url()).await.unwrap();
    let message = bench.create(button("go")).await.id();
    let ada = bench.person("ada");
    let input = json!({"type": 4, "custom_id": "n", "style": 1});
    for wrong in [
        json!({"type": 8, "data": {"choices": []}}),
        json!({"type": 99}),
        json!({}),
        json!({"type": 4, "data": {"flags": 64}}),
        json!({"type": 4, "data": {"content": "x".repeat(2001), "flags": 64}}),
        json!({"type": 9, "data": {"custom_id": "f", "title": "x".repeat(46), "components": []}}),
        json!({"type": 9, "data": {"custom_id": "f", "title": "x", "components": [{"type": 1, "components": [input]}]}}),
    ] {
        endpoint.answers(wrong.clone());
        let answered = bench.sim.click(ada, message, "go").await;
        assert!(matches!(answered, Err(InteractionError::Failed(_))), "{wrong}: {answered:?}");
    }
}

#[tokio::test]
async fn commands_are_checked_and_typed_as_they_were_registered() {
    let bench = Bench::new().await;
    let endpoint = Endpoint::start(&bench.sim.public_key(), true).await;
    bench.sim.set_interactions_endpoint(&endpoint.url()).await.unwrap();
    let option = |name: &str, required: bool| json!({"name": name, "description": "d", "type": 3, "required": required, "autocomplete": required});
    for wrong in [
        json!([{"name": "Loud", "description": "d"}]),
        json!([{"name": "", "description": "d"}]),
        json!([{"name": "go", "description": ""}]),
        json!([{"name": "go", "description": "d"}, {"name": "go", "description": "d"}]),
        json!([{"name": "go", "description": "d", "options": [option("a", false), option("b", true)]}]),
    ] {
        assert_eq!(put_commands(&bench, &wrong).await.error(), (400, 50035), "{wrong}");
    }
    let right = json!([
        {"name": "go", "description": "d", "options": [option("to", true)]},
        {"name": "rule", "description": "d", "default_member_permissions": 32},
    ]);
    assert_eq!(put_commands(&bench, &right).await.body.as_array().map(Vec::len), Some(2));
    let ada = bench.person("ada");
    let typed = |name: &'static str, options: Vec<(&'static str, &'static str)>| {
        let (sim, channel) = (&bench.sim, bench.channel);
        async move { sim.command(ada, channel, name, &options).await }
    };
    for (name, options) in [("stop", vec![]), ("go", vec![]), ("go", vec![("from", "x")])] {
        let refused = typed(name, options).await;
        assert!(matches!(refused, Err(InteractionError::Command(_))), "{name}: {refused:?}");
    }
    assert_eq!(typed("rule", vec![]).await, Err(InteractionError::NotAllowed));
    endpoint.answers(json!({"type": 4, "data": {"content": "gone", "flags": 64}}));
    assert_eq!(typed("go", vec![("to", "x")]).await.unwrap().content(), "gone");
    let many: Vec<Value> = (0..26).map(|n| json!({"name": n.to_string(), "value": "x"})).collect();
    endpoint.answers(json!({"type": 8, "data": {"choices": many}}));
    let channel = bench.channel;
    assert!(bench.sim.autocomplete(ada, channel, "go", &[("to", "x")], "to").await.is_err());
    endpoint.answers(json!({"type": 8, "data": {"choices": many[..25]}}));
    let suggested = bench.sim.autocomplete(ada, channel, "go", &[("to", "x")], "to").await.unwrap();
    assert_eq!(suggested.suggestions().len(), 25);
}

#[tokio::test]
async fn people_act_over_http_too() {
    let bench = Bench::new().await;
    let endpoint = Endpoint::start(&bench.sim.public_key(), true).await;
    bench.sim.set_interactions_endpoint(&endpoint.url()).await.unwrap();
    let message = bench.create(button("go")).await.id();
    let ada = bench.person("ada");
    let url = format!("{}/_sim/interactions", bench.sim.base_url());
    let deed = |custom_id: &str| json!({"do": "click", "user": ada, "message": message, "custom_id": custom_id});
    endpoint.answers(json!({"type": 6}));
    let done = Answer::read(bench.http.post(&url).json(&deed("go")).send().await.unwrap()).await;
    assert_eq!((done.status, &done.body["kind"]), (200, &json!(6)));
    let refused = Answer::read(bench.http.post(&url).json(&deed("stop")).send().await.unwrap()).await;
    assert_eq!(refused.status, 409);
}
