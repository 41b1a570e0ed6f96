//! What Discord signs and we do not know: an answer or a plain 400, and never a failure.

use handoff_sandbox::discord::RawAnswer;
use handoff_tests::scene::Scene;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

async fn send(scene: &Scene, body: &[u8]) -> RawAnswer {
    let answer = scene.discord.send_raw(&scene.discord.signed(body)).await.unwrap();
    assert!(matches!(answer.status, 200 | 400), "{}: {}", String::from_utf8_lossy(body), answer.status);
    answer
}

/// An interaction as Discord sends it, of nobody we know.
async fn template(scene: &Scene) -> Value {
    let stranger = scene.stranger(scene.tenant.guild, scene.tenant.readers, "mallory");
    let help = scene.discord.command(stranger, scene.tenant.channel, "help", &[]).await.unwrap();
    serde_json::from_str(&help.request).unwrap()
}

fn with(template: &Value, changes: &[(&str, Value)]) -> Value {
    let mut body = template.clone();
    for (pointer, value) in changes {
        body[*pointer] = value.clone();
    }
    body
}

#[tokio::test]
async fn what_is_new_or_foreign_is_answered_in_words_for_one_person() {
    let scene = Scene::interactive().await;
    let known = template(&scene).await;
    let (_, group) = scene.linked("The mill stops").await;
    let data = |data: Value| ("data", data);
    let kind = |kind: i64| ("type", json!(kind));
    let option = |name: &str, value: Value| json!([{"name": name, "type": 3, "value": value}]);
    for body in [
        with(&known, &[kind(99)]),
        with(&known, &[kind(2), data(json!({"name": "dance"}))]),
        with(&known, &[kind(2), data(json!({}))]),
        with(&known, &[kind(2), data(Value::Null)]),
        with(&known, &[kind(2), data(json!("x"))]),
        with(&known, &[kind(2), data(json!({"name": "issue"}))]),
        with(&known, &[kind(2), data(json!({"name": "issue", "options": []}))]),
        with(&known, &[kind(2), data(json!({"name": "issue", "options": option("issue", json!(7))}))]),
        with(&known, &[kind(2), data(json!({"name": "link", "options": option("cod", json!("x"))}))]),
        with(&known, &[kind(2), data(json!({"name": "link", "options": {"code": "x"}}))]),
        with(&known, &[kind(3), data(json!({}))]),
        with(&known, &[kind(3), data(json!({"custom_id": ""}))]),
        with(&known, &[kind(3), data(json!({"custom_id": "someone-elses"}))]),
        with(&known, &[kind(3), data(json!({"custom_id": "take:"}))]),
        with(&known, &[kind(3), data(json!({"custom_id": "take:'; DROP TABLE users"}))]),
        with(&known, &[kind(3), data(json!({"custom_id": format!("dance:{}", group.id)}))]),
        with(&known, &[kind(3), data(json!({"custom_id": format!("pick:{}", group.id)}))]),
        with(&known, &[kind(3), data(json!({"custom_id": format!("pick:{}", group.id), "values": []}))]),
        with(&known, &[kind(3), data(json!({"custom_id": format!("pick:{}", group.id), "values": ["role:1"]}))]),
        with(&known, &[kind(3), data(json!({"custom_id": format!("find:{}", group.id)}))]),
        with(&known, &[kind(5), data(json!({"custom_id": format!("find:{}", group.id)}))]),
        with(&known, &[kind(5), data(json!({"custom_id": format!("find:{}", group.id), "components": [1, null]}))]),
        with(&known, &[kind(5), data(json!({"custom_id": "survey"}))]),
        with(&known, &[("guild_id", Value::Null), kind(2), data(json!({"name": "mine"}))]),
        with(&known, &[("member", json!({"user": known["member"]["user"], "permissions": "x"})), kind(2)]),
    ] {
        let answer = send(&scene, body.to_string().as_bytes()).await;
        assert_eq!((answer.status, &answer.json["type"]), (200, &json!(4)), "{body}");
        assert_eq!(answer.json["data"]["flags"], 64, "{body}");
        assert!(!answer.json["data"]["content"].as_str().unwrap().contains("went wrong"), "{body}: {}", answer.json);
    }
    for body in [
        with(&known, &[kind(4), data(json!({}))]),
        with(&known, &[kind(4), data(Value::Null)]),
        with(&known, &[kind(4), data(json!({"name": "dance", "options": [{"name": "x", "focused": true}]}))]),
        with(&known, &[kind(4), data(json!({"name": "issue", "options": option("issue", json!("x"))}))]),
    ] {
        let answer = send(&scene, body.to_string().as_bytes()).await;
        assert_eq!(answer.json, json!({"type": 8, "data": {"choices": []}}), "{body}");
    }
    assert_eq!(scene.assignee(&group).await, None);
    scene.finish().await;
}

#[tokio::test]
async fn what_is_no_interaction_is_400() {
    let scene = Scene::interactive().await;
    let known = template(&scene).await;
    let without = |key: &str| {
        let mut body = known.clone();
        body.as_object_mut().unwrap().remove(key);
        body.to_string()
    };
    for body in [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "7".to_owned(),
        "{".to_owned(),
        "{}".to_owned(),
        r#"{"type":"2"}"#.to_owned(),
        r#"{"type":-2}"#.to_owned(),
        r#"{"type":2}"#.to_owned(),
        without("type"),
        without("id"),
        without("member"),
        with(&known, &[("id", json!(7))]).to_string(),
        with(&known, &[("id", json!("0"))]).to_string(),
        with(&known, &[("id", json!("99999999999999999999999"))]).to_string(),
        with(&known, &[("member", json!("x"))]).to_string(),
        with(&known, &[("member", json!({}))]).to_string(),
        with(&known, &[("guild_id", json!("x"))]).to_string(),
        with(&known, &[("application_id", json!("1"))]).to_string(),
        "[".repeat(100_000),
    ] {
        let answer = send(&scene, body.as_bytes()).await;
        assert_eq!(answer.status, 400, "{}", &body[..body.len().min(200)]);
        assert_eq!(answer.json["code"], "malformed_interaction");
    }
    let huge = vec![b' '; 600 * 1024];
    assert_eq!(scene.discord.send_raw(&scene.discord.signed(&huge)).await.unwrap().status, 413);
    scene.finish().await;
}

/// Any JSON, of names that mean something among others.
fn nonsense() -> impl Strategy<Value = Value> {
    let words = prop_oneof![
        Just("take:00000000-0000-7000-8000-000000000000".to_owned()),
        Just("user:1".to_owned()),
        Just("issue".to_owned()),
        Just("175928847299117063".to_owned()),
        "\\PC{0,20}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        words.prop_map(Value::from)
    ];
    let key = prop_oneof![
        Just("id"),
        Just("type"),
        Just("data"),
        Just("member"),
        Just("user"),
        Just("custom_id"),
        Just("values"),
        Just("name"),
        Just("options"),
        Just("value"),
        Just("focused"),
        Just("components"),
        Just("component"),
        Just("permissions"),
        Just("guild_id"),
        Just("message"),
        Just("flags"),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        ]
    })
}

#[tokio::test]
async fn nonsense_is_answered_or_refused_and_never_a_failure_of_ours() {
    let scene = Scene::interactive().await;
    let known = template(&scene).await;
    let mut runner = TestRunner::deterministic();
    let (bytes, value) = (proptest::collection::vec(any::<u8>(), 0..200), nonsense());
    for round in 0..120 {
        let raw = bytes.new_tree(&mut runner).unwrap().current();
        send(&scene, &raw).await;
        let odd = value.new_tree(&mut runner).unwrap().current();
        send(&scene, odd.to_string().as_bytes()).await;
        // A part of a right one in the place of which is nonsense.
        let part = ["data", "member", "message", "guild_id", "type", "id"][round % 6];
        let mut body = with(&known, &[(part, odd)]);
        if part != "type" {
            body["type"] = json!(2 + round % 4);
        }
        send(&scene, body.to_string().as_bytes()).await;
    }
    assert!(scene.discord.interactions_endpoint().is_some());
    scene.finish().await;
}
