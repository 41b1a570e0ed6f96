//! Rate limits, their headers, and the ban.

use super::*;

async fn hello(bench: &Bench) -> Answer {
    bench.create(json!({"content": "hello"})).await
}

#[tokio::test]
async fn every_answer_tells_the_state_of_its_bucket() {
    let bench = Bench::new().await;
    let first = hello(&bench).await;
    assert_eq!(first.header("x-ratelimit-limit"), Some("5"));
    assert_eq!(first.header("x-ratelimit-remaining"), Some("4"));
    assert_eq!(first.header("x-ratelimit-reset-after"), Some("5.000"));
    assert_eq!(first.header("x-ratelimit-reset"), Some("1767323050.000"));
    assert_eq!(first.header("x-ratelimit-scope"), None);
    assert_eq!(first.header("x-ratelimit-global"), None);
    let refused = bench.create(json!({})).await;
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("3"));
    assert_eq!(refused.header("x-ratelimit-bucket"), first.header("x-ratelimit-bucket"));
    let other = bench.sim.add_channel(bench.guild, ChannelKind::Text, "other").unwrap();
    let elsewhere = bench.create_in(other, json!({"content": "hello"})).await;
    assert_eq!(elsewhere.header("x-ratelimit-remaining"), Some("4"));
    assert_eq!(elsewhere.header("x-ratelimit-bucket"), first.header("x-ratelimit-bucket"));
}

#[tokio::test]
async fn the_sixth_message_in_five_seconds_is_429_until_the_window_ends() {
    let bench = Bench::new().await;
    for _ in 0..5 {
        assert_eq!(hello(&bench).await.status, 200);
    }
    bench.sim.clock().advance(Duration::from_millis(1500));
    let limited = hello(&bench).await;
    assert_eq!(limited.status, 429);
    assert_eq!(limited.header("retry-after"), Some("4"));
    assert_eq!(limited.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(limited.header("x-ratelimit-scope"), Some("user"));
    assert_eq!(limited.header("x-ratelimit-global"), None);
    let body = json!({"message": "You are being rate limited.", "retry_after": 3.5, "global": false});
    assert_eq!(limited.body, body);
    assert_eq!(bench.sim.messages(bench.channel).len(), 5);
    assert_eq!(bench.sim.requests_during_cooldown(), 1);
    bench.sim.clock().advance(Duration::from_millis(3500));
    assert_eq!(hello(&bench).await.status, 200);
    assert_eq!(bench.sim.requests_during_cooldown(), 1);
}

#[tokio::test]
async fn edits_have_a_bucket_of_their_own_or_share_that_of_new_messages() {
    for shared in [false, true] {
        let bench = Bench::with(|options| options.limits.edits_share_create_bucket = shared).await;
        let created = hello(&bench).await;
        let edited = bench.edit(created.id(), json!({"content": "b"})).await;
        let remaining = if shared { "3" } else { "4" };
        assert_eq!(edited.header("x-ratelimit-remaining"), Some(remaining));
        let bucket = |answer: &Answer| answer.header("x-ratelimit-bucket").map(str::to_owned);
        assert_eq!(bucket(&edited) == bucket(&created), shared);
    }
}

#[tokio::test]
async fn the_fifty_first_request_in_a_second_meets_the_global_limit() {
    let bench = Bench::with(|options| options.limits.other = Limit::new(1000, Duration::from_secs(1))).await;
    for _ in 0..50 {
        assert_eq!(bench.get("/users/@me").await.status, 200);
    }
    let limited = bench.get("/users/@me").await;
    assert_eq!(limited.status, 429);
    assert_eq!(limited.header("x-ratelimit-global"), Some("true"));
    assert_eq!(limited.header("x-ratelimit-scope"), Some("global"));
    assert_eq!(limited.header("x-ratelimit-bucket"), None);
    assert_eq!(limited.body["global"], true);
    assert_eq!(bench.sim.requests_during_cooldown(), 0);
    assert_eq!(hello(&bench).await.status, 429);
    assert_eq!(bench.sim.requests_during_cooldown(), 1);
    bench.advance(1);
    assert_eq!(hello(&bench).await.status, 200);
}

#[tokio::test]
async fn the_fourth_edit_of_old_messages_in_six_seconds_is_30046() {
    let bench = Bench::unlimited().await;
    let id = hello(&bench).await.id();
    for _ in 0..5 {
        assert_eq!(bench.edit(id, json!({"content": "young"})).await.status, 200);
    }
    bench.advance(3601);
    for _ in 0..3 {
        assert_eq!(bench.edit(id, json!({"content": "old"})).await.status, 200);
    }
    let limited = bench.edit(id, json!({"content": "too many"})).await;
    assert_eq!(limited.error(), (429, 30046));
    assert_eq!(limited.body["retry_after"], 6.0);
    assert_eq!(bench.last().content, "old");
    assert_eq!(bench.sim.requests_during_cooldown(), 0);
    bench.edit(id, json!({"content": "still too many"})).await;
    assert_eq!(bench.sim.requests_during_cooldown(), 1);
    bench.advance(6);
    assert_eq!(bench.edit(id, json!({"content": "older"})).await.status, 200);
}

#[tokio::test]
async fn limits_can_be_used_up_on_demand() {
    let bench = Bench::new().await;
    bench.sim.exhaust_global(bench.bot, Duration::from_secs(30));
    let limited = hello(&bench).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, Some("30")));
    bench.advance(30);
    bench.sim.exhaust_shared(bench.channel, Duration::from_secs(10));
    let shared = hello(&bench).await;
    assert_eq!((shared.status, shared.header("x-ratelimit-scope")), (429, Some("shared")));
    assert_eq!(shared.body["retry_after"], 10.0);
    assert_eq!(bench.sim.stats().invalid_requests, 1);
}

#[tokio::test]
async fn too_many_invalid_requests_end_in_a_ban_without_json() {
    let limit = Limit::new(3, Duration::from_secs(600));
    let mut bench = Bench::with(|options| options.limits.invalid_requests = limit).await;
    bench.token = "wrong".to_owned();
    for _ in 0..3 {
        assert_eq!(bench.get("/users/@me").await.status, 401);
    }
    assert_eq!(bench.sim.stats().invalid_requests, 3);
    bench.advance(601);
    assert_eq!(bench.sim.stats().invalid_requests, 0);
    for _ in 0..4 {
        assert_eq!(bench.get("/users/@me").await.status, 401);
    }
    assert!(bench.sim.stats().is_banned);
    bench.token = TOKEN.to_owned();
    let banned = hello(&bench).await;
    assert_eq!((banned.status, banned.header("retry-after")), (429, Some("3600")));
    assert!(banned.body.as_str().unwrap().starts_with("<!DOCTYPE html>"));
    assert_eq!(banned.header("x-ratelimit-scope"), None);
    bench.advance(3600);
    assert_eq!(hello(&bench).await.status, 200);
}
