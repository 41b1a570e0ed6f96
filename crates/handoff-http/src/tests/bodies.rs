//! Requests that cannot be read: each is a problem that says what is wrong, and changes nothing.

use super::world::World;
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

#[tokio::test]
async fn a_body_that_cannot_be_read_says_where_it_is_wrong() {
    let world = World::new().await;
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    for (body, kind, status, code, said) in [
        ("{\"name\": \"x\"", "application/json", 400, "malformed_json", "line 1 column 12"),
        ("\u{0}", "application/json", 400, "malformed_json", "line 1"),
        ("{\"name\": \"\\ud800\"}", "application/json", 400, "malformed_json", "line 1"),
        (deep.as_str(), "application/json", 422, "invalid_body", "line 1"),
        ("{\"name\": 7}", "application/json", 422, "invalid_body", "name: "),
        ("{\"name\": \"\"}", "application/json", 422, "invalid_body", "name: must not be empty"),
        ("{\"name\": \"a\\u0000b\"}", "application/json", 422, "invalid_body", "control characters"),
        ("{\"name\": \"x\", \"slug\": \"12\"}", "application/json", 422, "invalid_body", "only digits"),
        ("{\"name\": \"x\", \"colour\": 1}", "application/json", 422, "invalid_body", "unknown field `colour`"),
        ("{}", "application/json", 422, "invalid_body", "missing field `name`"),
        ("name=x", "application/x-www-form-urlencoded", 415, "unsupported_media_type", "application/json"),
    ] {
        let request = Request::post("/api/v1/organizations")
            .header("authorization", format!("Bearer {}", world.token))
            .header("content-type", kind)
            .body(Body::from(body.to_owned()))
            .unwrap();
        let answer = world.send(request).await;
        assert_eq!((answer.status.as_u16(), answer.json["code"].as_str()), (status, Some(code)), "{}", answer.json);
        assert!(answer.json["detail"].as_str().unwrap().contains(said), "{body}: {}", answer.json);
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    assert_eq!(world.get("/organizations").await["items"], json!([]));
}

#[tokio::test]
async fn a_body_past_a_mebibyte_is_413() {
    let world = World::new().await;
    let name = "x".repeat(1024 * 1024);
    let answer = world.call("POST", "/organizations", json!({"name": name})).await;
    assert_eq!((answer.status.as_u16(), answer.json["code"].as_str()), (413, Some("too_large")));
}

#[tokio::test]
async fn a_query_that_cannot_be_read_is_400() {
    let world = World::new().await;
    let ours = world.furnished("ours").await;
    let lists = ["/organizations".to_owned(), format!("{}/groups/{}/activity", ours.at, ours.group)];
    for list in lists {
        for query in ["limit=0", "limit=101", "limit=x", "cursor=%00", "cursor=nope", "page=2", "state=dead"] {
            let answer = world.call("GET", &format!("{list}?{query}"), Value::Null).await;
            assert_eq!((answer.status.as_u16(), answer.json["code"].as_str()), (400, Some("invalid_query")), "{query}");
        }
    }
    let answer = world.call("GET", &format!("{}/deliveries?state=lost", ours.at), Value::Null).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn an_id_that_is_none_a_path_that_is_none_and_a_method_that_is_none() {
    let world = World::new().await;
    let ours = world.furnished("ours").await;
    for path in ["/organizations/0", "/organizations/-1", "/organizations/%FF", "/organizations/SETTINGS", "/nothing"] {
        assert_eq!(world.call("GET", path, Value::Null).await.status, 404, "{path}");
    }
    for path in ["users/x", "users/9007199254740993", "groups/7", "projects/nope", "links/x"] {
        let path = format!("{}/{path}", ours.at);
        assert_eq!(world.call("GET", &path, Value::Null).await.status, 404, "{path}");
    }
    let answer = world.call("DELETE", "/organizations", Value::Null).await;
    assert_eq!((answer.status.as_u16(), answer.json["code"].as_str()), (405, Some("method_not_allowed")));
    assert!(answer.header("allow").contains("POST"), "{}", answer.header("allow"));
}

#[tokio::test]
async fn every_answer_has_an_id_and_is_not_to_be_kept() {
    let world = World::new().await;
    let request = |id: &str| Request::get("/healthz").header("x-request-id", id).body(Body::empty()).unwrap();
    assert_eq!(world.send(request("from-outside.7")).await.header("x-request-id"), "from-outside.7");
    let answer = world.send(request("forged in the log")).await;
    assert_eq!(answer.header("x-request-id").len(), 36);
    assert_eq!(answer.header("cache-control"), "no-store");
}
