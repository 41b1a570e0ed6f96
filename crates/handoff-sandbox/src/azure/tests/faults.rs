//! Faults on demand: deliveries lost, doubled, late and out of order; API answers that go wrong.

use std::time::Duration;

use crate::azure::{ReleaseOrder, SubscriptionStatus, Throttle, Usage};
use crate::fault::Fault;
use serde_json::json;

use super::scene::{Scene, TOKEN};

fn revisions(scene: &Scene) -> Vec<i64> {
    scene.receiver.bodies().iter().filter_map(|body| body["resource"]["rev"].as_i64()).collect()
}

fn rename(scene: &Scene, item: crate::azure::WorkItemKey, title: &str) {
    scene
        .azure
        .update_work_item(item, |changes| {
            changes.title(title);
        })
        .unwrap();
}

#[tokio::test]
async fn a_delivery_can_be_lost_doubled_and_late() {
    let scene = Scene::new().await;
    scene.subscribe("workitem.updated").await;
    let bug = scene.bug();
    let faults = scene.azure.faults();
    faults.push_next("deliver", Fault::Drop);
    faults.push_next("deliver", Fault::Duplicate(3));
    faults.push_next("deliver", Fault::Delay(Duration::from_secs(5)));
    for title in ["lost", "thrice", "late", "in time"] {
        rename(&scene, bug, title);
    }
    scene.azure.settle().await;
    assert_eq!(revisions(&scene), [3, 3, 3, 5]);
    scene.wait(5).await;
    assert_eq!(revisions(&scene), [3, 3, 3, 5, 4]);
}

#[tokio::test]
async fn a_received_delivery_whose_answer_is_lost_comes_again() {
    let scene = Scene::new().await;
    scene.subscribe("workitem.updated").await;
    scene.azure.faults().push_next("deliver", Fault::FailAfter { status: 502 });
    rename(&scene, scene.bug(), "again");
    scene.wait(1).await;
    assert_eq!(revisions(&scene), [2, 2]);
}

#[tokio::test]
async fn held_deliveries_go_in_the_order_that_a_test_chooses() {
    let cases = [
        (ReleaseOrder::InOrder, vec![2, 3, 4]),
        (ReleaseOrder::Reversed, vec![4, 3, 2]),
        (ReleaseOrder::Permutation(vec![1, 1, 0]), vec![3, 3, 2]),
    ];
    for (order, expected) in cases {
        let scene = Scene::new().await;
        scene.subscribe("workitem.updated").await;
        let bug = scene.bug();
        scene.azure.hold_deliveries();
        for title in ["one", "two", "three"] {
            rename(&scene, bug, title);
        }
        scene.azure.settle().await;
        assert_eq!((scene.receiver.count(), scene.azure.held_deliveries()), (0, 3));
        assert_eq!(scene.azure.release_deliveries(&order), 3);
        scene.azure.settle().await;
        assert_eq!(revisions(&scene), expected);
    }
}

#[tokio::test]
async fn raw_bytes_are_delivered_rightly_authenticated_and_count_for_probation() {
    let scene = Scene::new().await;
    let id = scene.subscribe("workitem.updated").await;
    scene.azure.deliver_raw(id, &b"not json"[..]).unwrap();
    scene.azure.settle().await;
    assert_eq!(scene.receiver.last(), "not json");
    assert!(scene.receiver.authorization()[0].starts_with("Basic "));
    scene.receiver.answer(&[400]);
    scene.azure.deliver_raw(id, &b"{}"[..]).unwrap();
    scene.azure.settle().await;
    assert_eq!(scene.azure.subscription(id).unwrap().status, SubscriptionStatus::OnProbation);
}

#[tokio::test]
async fn a_creation_whose_answer_is_lost_has_taken_effect() {
    let scene = Scene::new().await;
    let path = "_apis/hooks/subscriptions";
    let body = || Some(scene.subscription_body("workitem.updated"));
    scene.azure.faults().push_next("create_subscription", Fault::Drop);
    let answer = scene.call_with(TOKEN, "POST", path, body()).await;
    assert!(answer.is_err_and(|error| error.is_request()));
    assert_eq!(scene.azure.subscriptions().len(), 1);
    scene.azure.faults().push_next("create_subscription", Fault::FailAfter { status: 500 });
    assert_eq!(scene.call("POST", path, body()).await.status, 500);
    assert_eq!(scene.azure.subscriptions().len(), 2);
    scene.azure.faults().push_next("create_subscription", Fault::RefuseBefore { status: 503 });
    assert_eq!(scene.call("POST", path, body()).await.status, 503);
    assert_eq!(scene.azure.subscriptions().len(), 2);
}

#[tokio::test]
async fn an_answer_can_be_a_sign_in_page_or_never_end() {
    let scene = Scene::new().await;
    let path = format!("_apis/wit/workitems/{}", scene.bug().number);
    scene.azure.faults().push_next("get_work_item", Fault::Html);
    let answer = scene.call("GET", &path, None).await;
    assert_eq!(answer.status, 203);
    assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    scene.azure.faults().push_next("get_work_item", Fault::Stall);
    let stalled = tokio::time::timeout(Duration::from_millis(50), scene.call("GET", &path, None)).await;
    assert!(stalled.is_err());
    assert_eq!(scene.azure.request_count("get_work_item"), 2);
}

#[tokio::test]
async fn throttling_shows_on_good_answers_and_refuses_on_demand() {
    let scene = Scene::new().await;
    let path = format!("_apis/wit/workitems/{}", scene.bug().number);
    scene.azure.set_throttle(Throttle {
        usage: Some(Usage { resource: "Core".into(), delay_s: 1.5, limit: 200, remaining: 0, reset_in_s: 60 }),
        retry_after_s: Some(30),
        refuse_next: 1,
    });
    let refused = scene.call("GET", &path, None).await;
    assert_eq!((refused.status, &refused.headers["retry-after"]), (429, &"30".parse().unwrap()));
    assert!(refused.body["message"].as_str().unwrap().starts_with("TF400733"));
    assert_eq!(scene.azure.requests_during_cooldown(), 0);
    let good = scene.call("GET", &path, None).await;
    assert_eq!((good.status, &good.headers["x-ratelimit-delay"]), (200, &"1.5".parse().unwrap()));
    assert_eq!(good.headers["x-ratelimit-reset"], "1772352060");
    assert_eq!(scene.azure.requests_during_cooldown(), 1);
    scene.wait(30).await;
    scene.call("GET", &path, None).await;
    assert_eq!(scene.azure.requests_during_cooldown(), 1);
}

#[tokio::test]
async fn the_date_header_can_run_ahead_of_the_clock() {
    let scene = Scene::new().await;
    scene.azure.set_date_skew(Duration::from_secs(90));
    let answer = scene.call("GET", "_apis/projects", None).await;
    assert_eq!(answer.headers["date"], "Sun, 01 Mar 2026 08:01:30 GMT");
    assert_eq!(answer.body["value"][0]["lastUpdateTime"], json!("2026-03-01T08:00:00Z"));
}
