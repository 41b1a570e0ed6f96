//! The rules of delivery: retries, probation, lost events, disablement.

use crate::azure::{NotificationResult, SubscriptionId, SubscriptionStatus};

use super::scene::{SILENCE, Scene};

fn status(scene: &Scene, id: SubscriptionId) -> SubscriptionStatus {
    scene.azure.subscription(id).unwrap().status
}

/// Assigns back and forth: one event.
fn change(scene: &Scene, item: crate::azure::WorkItemKey) {
    let to = match scene.azure.work_item(item).unwrap().assigned_to {
        Some(holder) if holder == scene.ada => scene.grace,
        _ => scene.ada,
    };
    scene.azure.assign_work_item(item, to).unwrap();
}

#[tokio::test]
async fn a_delivery_carries_the_basic_auth_of_its_subscription() {
    let scene = Scene::new().await;
    scene.subscribe("workitem.updated").await;
    change(&scene, scene.bug());
    scene.azure.settle().await;
    // handoff:the-password
    assert_eq!(scene.receiver.authorization(), ["Basic aGFuZG9mZjp0aGUtcGFzc3dvcmQ="]);
}

#[tokio::test]
async fn deliveries_arrive_in_the_order_of_their_events() {
    let scene = Scene::new().await;
    scene.subscribe("workitem.updated").await;
    let bug = scene.bug();
    for _ in 0..20 {
        change(&scene, bug);
    }
    scene.azure.settle().await;
    let revisions: Vec<i64> =
        scene.receiver.bodies().iter().filter_map(|body| body["resource"]["rev"].as_i64()).collect();
    assert_eq!(revisions, (2..=21).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_transient_failure_is_retried_after_one_two_and_four_seconds() {
    let scene = Scene::new().await;
    let id = scene.subscribe("workitem.updated").await;
    scene.receiver.answer(&[503, 408, 504]);
    change(&scene, scene.bug());
    scene.azure.settle().await;
    for (seconds, sent) in [(0, 1), (1, 2), (1, 2), (1, 3), (3, 3), (1, 4), (600, 4)] {
        scene.wait(seconds).await;
        assert_eq!(scene.receiver.count(), sent, "after {seconds} more");
    }
    assert_eq!(status(&scene, id), SubscriptionStatus::Enabled);
    assert_eq!(scene.azure.notifications(id)[0].result, NotificationResult::Succeeded);
}

#[tokio::test]
async fn no_answer_and_no_connection_are_transient() {
    let scene = Scene::new().await;
    let mut body = scene.subscription_body("workitem.updated");
    body["consumerInputs"]["url"] = "http://127.0.0.1:1/nobody".into();
    let refused = scene.subscribe_as(body).await;
    let silent = scene.subscribe("workitem.updated").await;
    scene.receiver.answer(&[SILENCE]);
    change(&scene, scene.bug());
    scene.wait(1).await;
    for id in [refused, silent] {
        assert_eq!(status(&scene, id), SubscriptionStatus::Enabled);
        assert_eq!(scene.azure.notifications(id)[0].attempts[0].status, None);
    }
    assert_eq!(scene.azure.notifications(silent)[0].result, NotificationResult::Succeeded);
}

#[tokio::test]
async fn after_eight_transient_retries_the_subscription_goes_on_probation() {
    let scene = Scene::new().await;
    let id = scene.subscribe("workitem.updated").await;
    scene.receiver.answer_always(503);
    change(&scene, scene.bug());
    scene.wait(182).await;
    assert_eq!((scene.receiver.count(), status(&scene, id)), (8, SubscriptionStatus::Enabled));
    scene.wait(1).await;
    assert_eq!((scene.receiver.count(), status(&scene, id)), (9, SubscriptionStatus::OnProbation));
}

#[tokio::test]
async fn any_other_failure_means_probation_at_once_and_new_events_are_lost() {
    for failure in [302, 400, 401, 404, 429, 500] {
        let scene = Scene::new().await;
        let id = scene.subscribe("workitem.updated").await;
        scene.receiver.answer(&[failure]);
        let bug = scene.bug();
        change(&scene, bug);
        scene.azure.settle().await;
        assert_eq!(status(&scene, id), SubscriptionStatus::OnProbation, "{failure}");
        change(&scene, bug);
        change(&scene, bug);
        scene.wait(20 * 60 - 1).await;
        assert_eq!(scene.receiver.count(), 1);
        let dropped = scene.azure.dropped_events();
        assert_eq!(dropped.len(), 2);
        assert_eq!(dropped[0].status, SubscriptionStatus::OnProbation);
        scene.wait(1).await;
        assert_eq!((scene.receiver.count(), status(&scene, id)), (2, SubscriptionStatus::Enabled));
        assert_eq!(scene.receiver.last()["resource"]["rev"], 2);
        change(&scene, bug);
        scene.azure.settle().await;
        assert_eq!(scene.receiver.last()["resource"]["rev"], 5);
    }
}

#[tokio::test]
async fn a_probation_that_never_ends_well_disables_the_subscription_after_36_hours() {
    let scene = Scene::new().await;
    let id = scene.subscribe("workitem.updated").await;
    scene.receiver.answer_always(500);
    change(&scene, scene.bug());
    scene.wait(36 * 3_600 - 1).await;
    assert_eq!((scene.receiver.count(), status(&scene, id)), (7, SubscriptionStatus::OnProbation));
    assert_eq!(scene.azure.subscription(id).unwrap().probation_retries, 6);
    scene.wait(1).await;
    assert_eq!((scene.receiver.count(), status(&scene, id)), (8, SubscriptionStatus::DisabledBySystem));
    change(&scene, scene.bug());
    scene.wait(36 * 3_600).await;
    assert_eq!(scene.receiver.count(), 8);
    assert_eq!(scene.azure.dropped_events().len(), 1);
}

#[tokio::test]
async fn a_leap_of_the_clock_plays_every_retry_in_its_turn() {
    let scene = Scene::new().await;
    let id = scene.subscribe("workitem.updated").await;
    scene.receiver.answer_always(500);
    change(&scene, scene.bug());
    scene.azure.settle().await;
    scene.azure.clock().advance(std::time::Duration::from_secs(48 * 3_600));
    scene.azure.settle().await;
    assert_eq!((scene.receiver.count(), status(&scene, id)), (8, SubscriptionStatus::DisabledBySystem));
}

#[tokio::test]
async fn an_answer_of_410_disables_at_once() {
    let scene = Scene::new().await;
    let id = scene.subscribe("workitem.updated").await;
    scene.receiver.answer(&[410]);
    let bug = scene.bug();
    change(&scene, bug);
    change(&scene, bug);
    scene.wait(86_400).await;
    assert_eq!((scene.receiver.count(), status(&scene, id)), (1, SubscriptionStatus::DisabledBySystem));
    let results: Vec<NotificationResult> =
        scene.azure.notifications(id).iter().map(|notification| notification.result).collect();
    assert_eq!(results, [NotificationResult::Failed; 2]);
}

#[tokio::test]
async fn another_notification_that_fails_on_probation_is_not_retried() {
    let scene = Scene::new().await;
    let id = scene.subscribe("workitem.updated").await;
    scene.receiver.answer(&[500, 500]);
    let bug = scene.bug();
    change(&scene, bug);
    change(&scene, bug);
    scene.azure.settle().await;
    scene.wait(20 * 60).await;
    let results: Vec<NotificationResult> =
        scene.azure.notifications(id).iter().map(|notification| notification.result).collect();
    assert_eq!(results, [NotificationResult::Succeeded, NotificationResult::Failed]);
    assert_eq!(status(&scene, id), SubscriptionStatus::Enabled);
}

#[tokio::test]
async fn one_subscription_in_trouble_does_not_hold_another() {
    let scene = Scene::new().await;
    let failing = scene.subscribe("workitem.updated").await;
    scene.receiver.answer(&[500]);
    let bug = scene.bug();
    change(&scene, bug);
    scene.azure.settle().await;
    let healthy = scene.subscribe("workitem.updated").await;
    change(&scene, bug);
    scene.azure.settle().await;
    assert_eq!(status(&scene, failing), SubscriptionStatus::OnProbation);
    assert_eq!(scene.azure.notifications(healthy).len(), 1);
    assert_eq!(scene.receiver.count(), 2);
}
