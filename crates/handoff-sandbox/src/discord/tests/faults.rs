//! Answers that go wrong on demand.

use super::*;
use crate::fault::Fault;

#[tokio::test]
async fn a_dropped_answer_has_its_effect_and_the_same_nonce_finds_it() {
    let bench = Bench::new().await;
    let body = json!({"content": "once", "nonce": "n-1", "enforce_nonce": true});
    bench.sim.faults().push_next("create_message", Fault::Drop);
    let path = format!("/channels/{}/messages", bench.channel);
    assert!(bench.request(Method::POST, &path, Some(&body)).send().await.is_err());
    assert_eq!(bench.sim.messages(bench.channel).len(), 1);
    assert_eq!(bench.sim.requests()[0].status, None);
    assert_eq!(bench.create(body).await.id(), bench.last().id);
    assert_eq!(bench.sim.messages(bench.channel).len(), 1);
    assert_eq!(bench.sim.request_count("create_message"), 2);
}

#[tokio::test]
async fn a_failure_after_has_its_effect_and_a_refusal_before_has_none() {
    let bench = Bench::new().await;
    bench.sim.faults().push_next("create_message", Fault::FailAfter { status: 502 });
    bench.sim.faults().push_next("create_message", Fault::RefuseBefore { status: 503 });
    let failed = bench.create(json!({"content": "a"})).await;
    assert_eq!(failed.status, 502);
    assert!(failed.body.as_str().unwrap().contains("Bad Gateway"));
    assert_eq!(bench.sim.messages(bench.channel).len(), 1);
    assert_eq!(bench.create(json!({"content": "b"})).await.status, 503);
    assert_eq!(bench.sim.messages(bench.channel).len(), 1);
    let statuses: Vec<_> = bench.sim.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [Some(502), Some(503)]);
}

#[tokio::test]
async fn a_delayed_request_waits_for_the_clock() {
    let bench = Bench::new().await;
    let fault = Fault::Delay(Duration::from_secs(10));
    bench.sim.faults().push_next("*", fault);
    let path = format!("/channels/{}/messages", bench.channel);
    let request = bench.request(Method::POST, &path, Some(&json!({"content": "late"})));
    let sending = tokio::spawn(request.send());
    let early = tokio::time::timeout(Duration::from_millis(50), async {
        while bench.sim.messages(bench.channel).is_empty() {
            tokio::task::yield_now().await;
        }
    });
    assert!(early.await.is_err());
    bench.advance(10);
    assert_eq!(sending.await.unwrap().unwrap().status(), 200);
    assert_eq!(bench.last().created_us, START_US + 10_000_000);
}

#[tokio::test]
async fn a_stalled_answer_sends_its_headers_and_never_ends() {
    let bench = Bench::new().await;
    bench.sim.faults().push_next("get_channel", Fault::Stall);
    let path = format!("/channels/{}", bench.channel);
    let response = bench.request(Method::GET, &path, None).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    let body = tokio::time::timeout(Duration::from_millis(50), response.bytes());
    assert!(body.await.is_err());
}
