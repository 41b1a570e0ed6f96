//! Subscriptions over the API.

use crate::azure::{SubscriptionId, SubscriptionStatus};
use serde_json::json;

use super::scene::{PASSWORD, Scene};

#[tokio::test]
async fn a_subscription_reads_back_with_the_password_masked_and_two_inputs_more() {
    let scene = Scene::new().await;
    let id = scene.subscribe("workitem.updated").await;
    let answer = scene.call("GET", &format!("_apis/hooks/subscriptions/{id}"), None).await;
    assert_eq!((answer.status, &answer.body["status"]), (200, &json!("enabled")));
    assert_eq!(answer.body["consumerInputs"]["basicAuthPassword"], "********");
    assert_eq!(answer.body["publisherInputs"]["hostId"], scene.collection.to_string());
    assert_eq!(answer.body["publisherInputs"]["tfsSubscriptionId"], id.to_string());
    assert_eq!(answer.body["probationRetries"], 0);
    let kept = scene.azure.subscription(id).unwrap();
    assert_eq!(kept.consumer_inputs["basicAuthPassword"], PASSWORD);
}

#[tokio::test]
async fn a_list_is_filtered_and_counted() {
    let scene = Scene::new().await;
    scene.subscribe("workitem.updated").await;
    scene.subscribe("workitem.deleted").await;
    let all = scene.call("GET", "_apis/hooks/subscriptions", None).await.body;
    assert_eq!((&all["count"], all["value"].as_array().map(Vec::len)), (&json!(2), Some(2)));
    let path = "_apis/hooks/subscriptions?eventType=workitem.deleted&publisherId=tfs";
    assert_eq!(scene.call("GET", path, None).await.body["count"], 1);
}

#[tokio::test]
async fn a_query_finds_a_subscription_by_its_url() {
    let scene = Scene::new().await;
    let id = scene.subscribe("workitem.updated").await;
    let query = |url: String| {
        json!({
            "publisherId": "tfs",
            "consumerInputFilters": [{"conditions": [{"inputId": "url", "operator": "equals", "inputValue": url}]}],
        })
    };
    let path = "_apis/hooks/subscriptionsquery";
    let found = scene.call("POST", path, Some(query(scene.receiver.url()))).await.body;
    assert_eq!(found["results"][0]["id"], id.to_string());
    let none = scene.call("POST", path, Some(query("https://elsewhere.example".into()))).await.body;
    assert_eq!(none["results"], json!([]));
}

#[tokio::test]
async fn a_deleted_subscription_is_gone_and_gets_nothing() {
    let scene = Scene::new().await;
    let id = scene.subscribe("workitem.updated").await;
    let path = format!("_apis/hooks/subscriptions/{id}");
    assert_eq!(scene.call("DELETE", &path, None).await.status, 204);
    assert_eq!(scene.call("GET", &path, None).await.status, 404);
    assert_eq!(scene.call("DELETE", &path, None).await.status, 404);
    scene.azure.assign_work_item(scene.bug(), scene.ada).unwrap();
    scene.azure.settle().await;
    assert_eq!(scene.receiver.count(), 0);
}

#[tokio::test]
async fn replacing_takes_the_mask_literally_and_does_not_revive() {
    let scene = Scene::new().await;
    let id = scene.subscribe("workitem.updated").await;
    scene.azure.set_subscription_status(id, SubscriptionStatus::DisabledBySystem).unwrap();
    let path = format!("_apis/hooks/subscriptions/{id}");
    let read = scene.call("GET", &path, None).await.body;
    let mut body = scene.subscription_body("workitem.updated");
    body["consumerInputs"] = read["consumerInputs"].clone();
    body["status"] = "enabled".into();
    let answer = scene.call("PUT", &path, Some(body)).await;
    assert_eq!((answer.status, &answer.body["status"]), (200, &json!("disabledBySystem")));
    let kept = scene.azure.subscription(id).unwrap();
    assert_eq!(kept.consumer_inputs["basicAuthPassword"], "********");
}

#[tokio::test]
async fn bad_inputs_are_refused() {
    let scene = Scene::new().await;
    let cases = [
        ("eventType", json!("workitem.vanished")),
        ("publisherId", json!("rm")),
        ("consumerId", json!("slack")),
        ("publisherInputs", json!({"projectId": "c12d0eb8-e382-443b-9f9c-c52cba5014c2"})),
        ("consumerInputs", json!({"url": "not a url"})),
        ("consumerInputs", json!({"url": "https://x.example", "basicAuthPassword": "with space"})),
    ];
    for (field, value) in cases {
        let mut body = scene.subscription_body("workitem.updated");
        body[field] = value;
        let answer = scene.call("POST", "_apis/hooks/subscriptions", Some(body)).await;
        assert_eq!(answer.status, 400, "{field}");
        assert!(answer.body["message"].is_string());
    }
    assert!(scene.azure.subscriptions().is_empty());
}

#[tokio::test]
async fn a_test_notification_posts_the_fabrikam_sample_and_says_how_it_went() {
    let scene = Scene::new().await;
    let details = scene.subscription_body("workitem.updated");
    let path = "_apis/hooks/testnotifications";
    let answer = scene.call("POST", path, Some(json!({"details": details}))).await;
    assert_eq!((answer.status, &answer.body["result"]), (200, &json!("succeeded")));
    let sample = scene.receiver.last();
    assert_eq!(sample["id"], "27646e0e-b520-4d2b-9411-bba7524947cd");
    assert_eq!(sample["resource"]["workItemId"], 0);
    assert_eq!(sample["resource"]["revision"]["id"], 5);

    let id = scene.subscribe("workitem.updated").await;
    scene.receiver.answer(&[500]);
    let answer = scene.call("POST", path, Some(json!({"subscriptionId": id.to_string()}))).await;
    assert_eq!(answer.body["result"], "failed");
    let status = scene.azure.subscription(id).unwrap().status;
    assert_eq!(status, SubscriptionStatus::Enabled);
}

#[tokio::test]
async fn the_history_shows_what_was_sent_and_answered() {
    let scene = Scene::new().await;
    let id = scene.subscribe("workitem.updated").await;
    let bug = scene.bug();
    scene.azure.assign_work_item(bug, scene.ada).unwrap();
    scene.azure.settle().await;
    scene.receiver.answer(&[400]);
    scene.azure.assign_work_item(bug, scene.grace).unwrap();
    scene.azure.settle().await;
    let path = format!("_apis/hooks/subscriptions/{id}/notifications");
    let list = scene.call("GET", &path, None).await.body;
    assert_eq!(list["count"], 2);
    assert_eq!((&list["value"][0]["id"], &list["value"][0]["status"]), (&json!(2), &json!("queued")));
    assert_eq!(list["value"][1]["result"], "succeeded");
    let done = scene.call("GET", &format!("{path}?status=completed"), None).await.body;
    assert_eq!(done["count"], 1);
    let one = scene.call("GET", &format!("{path}/1"), None).await.body;
    assert_eq!(one["details"]["event"]["resource"]["workItemId"], bug.number);
}

#[tokio::test]
async fn a_subscription_of_another_collection_is_not_found() {
    let scene = Scene::new().await;
    let _ = scene.azure.add_collection("contoso", crate::azure::Hosting::Cloud);
    let id: SubscriptionId = scene.subscribe("workitem.updated").await;
    let url = format!("{}/contoso/_apis/hooks/subscriptions/{id}", scene.azure.base_url());
    let answer = scene.client.get(url).basic_auth("", Some(super::scene::TOKEN)).send().await.unwrap();
    assert_eq!(answer.status(), 404);
}
