//! Who may do what, and the log of who asked.

use crate::azure::{PatRights, UnauthorizedForm};
use serde_json::json;

use super::scene::{Scene, TOKEN};

#[tokio::test]
async fn bad_credentials_are_answered_in_each_of_the_three_forms() {
    let scene = Scene::new().await;
    for (form, status) in
        [(UnauthorizedForm::Unauthorized, 401), (UnauthorizedForm::Redirect, 302), (UnauthorizedForm::SignInPage, 203)]
    {
        scene.azure.set_unauthorized_form(form);
        let answer = scene.call_with("wrong", "GET", "_apis/projects", None).await.unwrap();
        assert_eq!(answer.status, status);
        assert_eq!(answer.headers.contains_key("location"), status == 302);
    }
}

#[tokio::test]
async fn a_revoked_token_stops_working() {
    let scene = Scene::new().await;
    assert_eq!(scene.call("GET", "_apis/connectionData", None).await.status, 200);
    scene.azure.revoke_pat(TOKEN);
    assert_eq!(scene.call("GET", "_apis/connectionData", None).await.status, 401);
}

#[tokio::test]
async fn a_token_without_the_right_gets_403_in_words() {
    let scene = Scene::new().await;
    scene.azure.set_pat("no-hooks", scene.grace, PatRights::without_hooks());
    scene.azure.set_pat("reader", scene.grace, PatRights::read_only());
    let body = || Some(scene.subscription_body("workitem.updated"));
    let path = "_apis/hooks/subscriptions";
    for token in ["no-hooks", "reader"] {
        let answer = scene.call_with(token, "POST", path, body()).await.unwrap();
        assert_eq!(answer.status, 403, "{token}");
        let message = answer.body["message"].as_str().unwrap();
        assert!(message.contains("Grace Hopper") && message.contains("Edit subscription"));
    }
    let seen = scene.call_with("reader", "GET", path, None).await.unwrap();
    assert_eq!(seen.status, 200);
    let unseen = scene.call_with("no-hooks", "GET", path, None).await.unwrap();
    assert_eq!(unseen.status, 403);
    let patch = json!([{"op": "add", "path": "/fields/System.Title", "value": "x"}]);
    let item = format!("_apis/wit/workitems/{}", scene.bug().number);
    let answer = scene.call_with("reader", "PATCH", &item, Some(patch)).await.unwrap();
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn every_request_is_logged_with_its_operation_status_and_caller() {
    let scene = Scene::new().await;
    scene.call("GET", "_apis/projects", None).await;
    scene.call("GET", "_apis/wit/workitems/4711", None).await;
    scene.call_with("wrong", "GET", "_apis/nothing", None).await.unwrap();
    let log: Vec<_> = scene
        .azure
        .requests()
        .into_iter()
        .map(|request| (request.operation, request.status, request.identity))
        .collect();
    let ada = Some("Ada Lovelace".to_owned());
    assert_eq!(
        log,
        [("list_projects", Some(200), ada.clone()), ("get_work_item", Some(404), ada), ("unknown", Some(401), None),]
    );
    assert_eq!(scene.azure.request_count("list_projects"), 1);
    assert_eq!(scene.azure.request_count("create_subscription"), 0);
}

#[tokio::test]
async fn an_unknown_collection_or_project_is_404() {
    let scene = Scene::new().await;
    assert_eq!(scene.call("GET", "Nothing/_apis/wit/workitems/1", None).await.status, 404);
    let url = format!("{}/nowhere/_apis/projects", scene.azure.base_url());
    let answer = scene.client.get(url).basic_auth("", Some(TOKEN)).send().await.unwrap();
    assert_eq!(answer.status(), 404);
}
