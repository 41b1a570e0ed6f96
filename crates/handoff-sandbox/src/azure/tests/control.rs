//! The control API and the board, as another process and a person use them.

use std::path::PathBuf;

use crate::azure::Hosting;
use serde_json::{Value, json};

use super::scene::{Scene, TOKEN};

async fn control(scene: &Scene, method: &str, path: &str, body: Value) -> Value {
    let url = format!("{}/_sim/{path}", scene.azure.base_url());
    let request = scene.client.request(method.parse().unwrap(), url).json(&body);
    let answer = request.send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default()
}

#[tokio::test]
async fn a_whole_scene_can_be_set_and_played_over_http() {
    let scene = Scene::new().await;
    let collection = control(&scene, "POST", "collections", json!({"name": "contoso", "hosting": "cloud"})).await;
    let project = json!({"collection": collection["id"], "name": "Shop", "process": "basic"});
    let project = control(&scene, "POST", "projects", project).await;
    let person = json!({"display_name": "Eve", "unique_name": "eve@example.org", "mail_address": "eve@example.org"});
    let eve = control(&scene, "POST", "identities", person).await;
    let team = json!({"project": project["id"], "name": "Shop Team", "members": [eve["id"]]});
    control(&scene, "POST", "teams", team).await;
    control(&scene, "POST", "pats", json!({"token": "t", "identity": eve["id"], "rights": {"edit_hooks": false}}))
        .await;
    let item =
        json!({"project": project["id"], "work_item_type": "Issue", "title": "Broken", "assigned_to": eve["id"]});
    let item = control(&scene, "POST", "work_items", item).await;
    assert_eq!((&item["state"], &item["assigned_to"]), (&json!("To Do"), &eve["id"]));

    let path = format!("work_items/{}/1", collection["id"].as_str().unwrap());
    let change = json!({"assigned_to": null, "fields": {"System.State": "Doing"}});
    let item = control(&scene, "PATCH", &path, change).await;
    assert_eq!((&item["state"], &item["assigned_to"]), (&json!("Doing"), &Value::Null));
    let rewound = format!("{path}/rewind");
    control(&scene, "POST", &rewound, json!({"rev": 1})).await;
    assert_eq!(control(&scene, "GET", &path, json!({})).await["rev"], 1);
    control(&scene, "DELETE", &path, json!({})).await;
    assert_eq!(control(&scene, "GET", &path, json!({})).await["deleted"], true);
    control(&scene, "POST", &format!("{path}/restore"), json!({})).await;
}

#[tokio::test]
async fn hooks_faults_and_the_clock_can_be_driven_over_http() {
    let scene = Scene::new().await;
    let id = scene.subscribe("workitem.updated").await;
    let fault = json!({"operation": "deliver", "fault": {"kind": "refuse_before", "status": 500}});
    control(&scene, "POST", "faults", fault).await;
    scene.azure.assign_work_item(scene.bug(), scene.ada).unwrap();
    control(&scene, "POST", "settle", json!({})).await;
    let read = async || control(&scene, "GET", "subscriptions", json!({})).await[0]["status"].clone();
    assert_eq!(read().await, "onProbation");
    let clock = control(&scene, "POST", "clock/advance", json!({"seconds": 1200})).await;
    assert_eq!(clock["now_us"], super::scene::START_US + 1_200_000_000);
    assert_eq!(read().await, "enabled");
    let history = control(&scene, "GET", &format!("subscriptions/{id}/notifications"), json!({})).await;
    assert_eq!(history[0]["attempts"].as_array().map(Vec::len), Some(2));
    control(&scene, "POST", "deliveries/hold", json!({})).await;
    control(&scene, "POST", &format!("deliveries/raw/{id}"), json!({"any": "thing"})).await;
    let released = control(&scene, "POST", "deliveries/release", json!({"order": "reversed"})).await;
    assert_eq!(released["released"], 1);
    control(&scene, "POST", "settle", json!({})).await;
    assert_eq!(scene.receiver.last(), json!({"any": "thing"}));
    let long = json!("x".repeat(16 * 1024 * 1024));
    control(&scene, "POST", &format!("deliveries/raw/{id}"), long.clone()).await;
    control(&scene, "POST", "settle", json!({})).await;
    assert_eq!(scene.receiver.last(), long);
    let path = format!("subscriptions/{id}/status");
    control(&scene, "PUT", &path, json!({"status": "disabledByUser"})).await;
    assert_eq!(read().await, "disabledByUser");
    control(&scene, "DELETE", &format!("subscriptions/{id}"), json!({})).await;
    let requests = control(&scene, "GET", "requests", json!({})).await;
    assert_eq!(requests["requests"][0]["operation"], "create_subscription");
}

#[tokio::test]
async fn the_board_shows_cards_escaped_and_its_form_changes_them() {
    let scene = Scene::new().await;
    scene.subscribe("workitem.updated").await;
    let bug = scene.bug();
    scene
        .azure
        .update_work_item(bug, |changes| {
            changes.title("<script>alert(1)</script>");
        })
        .unwrap();
    let url = format!("{}/_sim/board", scene.azure.base_url());
    let page = scene.client.get(&url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("&lt;script&gt;alert(1)"));
    assert!(!page.contains("<script>alert(1)"));
    let form = format!(
        "collection={}&number={}&title=Better&state=Active&assignee={}",
        scene.collection, bug.number, scene.grace
    );
    let answer = scene
        .client
        .post(format!("{url}/change"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 303);
    let item = scene.azure.work_item(bug).unwrap();
    assert_eq!((item.title.as_str(), item.state.as_str(), item.assigned_to), ("Better", "Active", Some(scene.grace)));
    scene.azure.settle().await;
    assert_eq!(scene.receiver.last()["resource"]["rev"], 3);
}

fn specs_folder() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the folder of the official descriptions is given to the tests")]
    let folder = std::env::var_os("HANDOFF_API_SPECS");
    folder.map(PathBuf::from)
}

/// The official descriptions are not part of this project: their folder is named by the caller.
#[tokio::test]
async fn right_requests_agree_with_the_official_description_and_wrong_ones_are_recorded() {
    let Some(folder) = specs_folder() else {
        eprintln!("skipped: HANDOFF_API_SPECS names no folder with the official descriptions");
        return;
    };
    let scene = Scene::with(Hosting::Cloud, |options| options.specs = Some(folder)).await;
    let id = scene.subscribe("workitem.updated").await;
    let item = format!("_apis/wit/workitems/{}", scene.bug().number);
    let patch = json!([
        {"op": "test", "path": "/rev", "value": 1},
        {"op": "add", "path": "/fields/System.AssignedTo", "value": "grace@example.org"},
    ]);
    for (method, path, body) in [
        ("GET", format!("_apis/hooks/subscriptions/{id}"), None),
        ("GET", "_apis/hooks/subscriptions?publisherId=tfs".into(), None),
        ("PATCH", item.clone(), Some(patch)),
        ("GET", format!("Payments/{item}?$expand=relations"), None),
        ("POST", "_apis/wit/workitemsbatch".into(), Some(json!({"ids": [1], "errorPolicy": "omit"}))),
        ("GET", "_apis/graph/users?subjectTypes=aad".into(), None),
        ("GET", "_apis/identities?searchFilter=General&filterValue=x".into(), None),
        ("DELETE", format!("_apis/hooks/subscriptions/{id}"), None),
    ] {
        let answer = scene.call_with(TOKEN, method, &path, body).await.unwrap();
        assert!(answer.status < 300, "{path}: {}", answer.body);
    }
    assert_eq!(scene.azure.spec_violations(), Vec::<String>::new());
    let wrong = json!({"ids": "one"});
    scene.call("POST", "_apis/wit/workitemsbatch", Some(wrong)).await;
    assert_eq!(scene.azure.spec_violations().len(), 1);
}
