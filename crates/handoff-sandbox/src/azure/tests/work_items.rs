//! Work items over the API.

use crate::azure::{NewIdentity, NewWorkItem};
use serde_json::{Value, json};

use super::scene::Scene;

fn assign(to: &str) -> Value {
    json!([{"op": "add", "path": "/fields/System.AssignedTo", "value": to}])
}

#[tokio::test]
async fn a_direct_read_gives_people_as_objects_and_no_assignee_when_there_is_none() {
    let scene = Scene::new().await;
    let bug = scene.bug();
    let path = format!("Payments/_apis/wit/workitems/{}", bug.number);
    let answer = scene.call("GET", &path, None).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["fields"]["System.AssignedTo"], Value::Null);
    assert_eq!(answer.body["fields"]["System.State"], "New");
    assert_eq!(answer.headers["date"], "Sun, 01 Mar 2026 08:00:00 GMT");

    scene.azure.assign_work_item(bug, scene.grace).unwrap();
    let answer = scene.call("GET", &path, None).await;
    let person = &answer.body["fields"]["System.AssignedTo"];
    assert_eq!(answer.body["rev"], 2);
    assert_eq!(person["uniqueName"], "grace@example.org");
    assert_eq!(person["id"], scene.grace.to_string());
    assert!(person["descriptor"].as_str().unwrap().starts_with("aad."));
}

#[tokio::test]
async fn a_patch_with_the_present_revision_applies_and_with_a_stale_one_answers_412() {
    let scene = Scene::new().await;
    let bug = scene.bug();
    let path = format!("_apis/wit/workitems/{}", bug.number);
    let patch = json!([
        {"op": "test", "path": "/rev", "value": 1},
        {"op": "add", "path": "/fields/System.AssignedTo", "value": "grace@example.org"},
        {"op": "add", "path": "/fields/System.History", "value": "Yours."},
    ]);
    let answer = scene.call("PATCH", &path, Some(patch.clone())).await;
    assert_eq!((answer.status, &answer.body["rev"]), (200, &json!(2)));
    let answer = scene.call("PATCH", &path, Some(patch)).await;
    assert_eq!(answer.status, 412);
    assert_eq!(answer.body["typeKey"], "WorkItemRevisionMismatchException");
    assert!(answer.body["message"].as_str().unwrap().starts_with("TF26071"));
    let item = scene.azure.work_item(bug).unwrap();
    assert_eq!((item.rev, item.assigned_to), (2, Some(scene.grace)));
    assert_eq!(item.comments, ["Yours."]);
}

#[tokio::test]
async fn an_unknown_or_ambiguous_assignee_is_refused_and_nothing_changes() {
    let scene = Scene::new().await;
    let _ = scene.azure.add_identity(NewIdentity::person("Sam", "sam1@example.org"));
    let _ = scene.azure.add_identity(NewIdentity::person("Sam", "sam2@example.org"));
    let bug = scene.bug();
    let path = format!("_apis/wit/workitems/{}", bug.number);
    for name in ["nobody@example.org", "Sam"] {
        let answer = scene.call("PATCH", &path, Some(assign(name))).await;
        assert_eq!((answer.status, &answer.body["errorCode"]), (400, &json!(600_171)));
        assert_eq!(answer.body["typeKey"], "WorkItemFieldInvalidException");
    }
    assert_eq!(scene.azure.work_item(bug).unwrap().rev, 1);
    for name in ["Grace Hopper", "Ada Lovelace <ada@example.org>", &scene.grace.to_string()] {
        assert_eq!(scene.call("PATCH", &path, Some(assign(name))).await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn a_change_that_changes_nothing_makes_no_revision() {
    let scene = Scene::new().await;
    let bug = scene.bug();
    let path = format!("_apis/wit/workitems/{}", bug.number);
    let remove = json!([{"op": "remove", "path": "/fields/System.AssignedTo"}]);
    let answer = scene.call("PATCH", &path, Some(remove)).await;
    assert_eq!((answer.status, &answer.body["rev"]), (200, &json!(1)));
}

#[tokio::test]
async fn both_ways_to_unassign_take_the_field_away() {
    let scene = Scene::new().await;
    let bug = scene.bug();
    let path = format!("_apis/wit/workitems/{}", bug.number);
    for unassign in [json!([{"op": "remove", "path": "/fields/System.AssignedTo"}]), assign("")] {
        scene.azure.assign_work_item(bug, scene.ada).unwrap();
        let answer = scene.call("PATCH", &path, Some(unassign)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(scene.azure.work_item(bug).unwrap().assigned_to, None);
    }
}

#[tokio::test]
async fn a_state_that_the_type_lacks_is_refused() {
    let scene = Scene::new().await;
    let bug = scene.bug();
    let patch = json!([{"op": "add", "path": "/fields/System.State", "value": "Removed"}]);
    let answer = scene.call("PATCH", &format!("_apis/wit/workitems/{}", bug.number), Some(patch)).await;
    assert_eq!((answer.status, &answer.body["typeKey"]), (400, &json!("RuleValidationException")));
}

#[tokio::test]
async fn a_validate_only_patch_changes_nothing() {
    let scene = Scene::new().await;
    let bug = scene.bug();
    let path = format!("_apis/wit/workitems/{}?validateOnly=true", bug.number);
    let answer = scene.call("PATCH", &path, Some(assign("grace@example.org"))).await;
    assert_eq!((answer.status, &answer.body["rev"]), (200, &json!(1)));
    assert_eq!(scene.azure.work_item(bug).unwrap().rev, 1);
}

#[tokio::test]
async fn a_batch_omits_what_is_missing_as_null_or_fails_and_takes_200_at_most() {
    let scene = Scene::new().await;
    let bug = scene.bug();
    let ids = json!([bug.number, 4711]);
    let path = "_apis/wit/workitemsbatch";
    let answer =
        scene.call("POST", path, Some(json!({"ids": ids, "errorPolicy": "omit", "fields": ["System.Title"]}))).await;
    assert_eq!(answer.body["count"], 2);
    assert_eq!(answer.body["value"][0]["fields"], json!({"System.Title": "It hurts"}));
    assert_eq!(answer.body["value"][1], Value::Null);
    assert_eq!(scene.call("POST", path, Some(json!({"ids": ids}))).await.status, 404);
    let many: Vec<i64> = (1..=201).collect();
    assert_eq!(scene.call("POST", path, Some(json!({"ids": many}))).await.status, 400);
}

#[tokio::test]
async fn creating_needs_a_title_and_a_type_of_the_process() {
    let scene = Scene::new().await;
    let title = json!([{"op": "add", "path": "/fields/System.Title", "value": "New one"}]);
    let answer = scene.call("POST", "Payments/_apis/wit/workitems/$User%20Story", Some(title.clone())).await;
    assert_eq!((answer.status, &answer.body["rev"]), (200, &json!(1)));
    assert_eq!(answer.body["fields"]["System.WorkItemType"], "User Story");
    let answer = scene.call("POST", "Payments/_apis/wit/workitems/$Issue", Some(title)).await;
    assert_eq!(answer.status, 404);
    let nothing = json!([{"op": "add", "path": "/fields/System.Tags", "value": "x"}]);
    let answer = scene.call("POST", "Payments/_apis/wit/workitems/$Bug", Some(nothing)).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn history_has_every_revision_and_update_and_a_link_makes_an_update_without_a_revision() {
    let scene = Scene::new().await;
    let bug = scene.bug();
    scene.azure.assign_work_item(bug, scene.ada).unwrap();
    let link = json!([{
        "op": "add", "path": "/relations/-",
        "value": {"rel": "Hyperlink", "url": "https://example.org", "attributes": {"comment": "see"}},
    }]);
    let path = format!("Payments/_apis/wit/workItems/{}", bug.number);
    let answer = scene.call("PATCH", &path, Some(link)).await;
    assert_eq!((answer.status, &answer.body["rev"]), (200, &json!(2)));
    let updates = scene.call("GET", &format!("{path}/updates"), None).await.body;
    assert_eq!(updates["count"], 3);
    assert_eq!(updates["value"][2]["id"], 3);
    assert_eq!(updates["value"][2]["rev"], 2);
    assert_eq!(updates["value"][2].get("fields"), None);
    let revisions = scene.call("GET", &format!("{path}/revisions"), None).await.body;
    assert_eq!(revisions["count"], 2);
    let item = scene.call("GET", &format!("{path}?$expand=relations"), None).await.body;
    assert_eq!(item["relations"][0]["url"], "https://example.org");
}

#[tokio::test]
async fn a_comment_makes_a_revision_and_can_be_listed() {
    let scene = Scene::new().await;
    let bug = scene.bug();
    let path = format!("Payments/_apis/wit/workItems/{}/comments", bug.number);
    let answer = scene.call("POST", &path, Some(json!({"text": "Hello"}))).await;
    assert_eq!((answer.status, &answer.body["text"]), (200, &json!("Hello")));
    assert_eq!(scene.azure.work_item(bug).unwrap().rev, 2);
    let list = scene.call("GET", &path, None).await.body;
    assert_eq!((&list["totalCount"], &list["comments"][0]["text"]), (&json!(1), &json!("Hello")));
}

#[tokio::test]
async fn a_deleted_work_item_is_gone_until_it_is_restored() {
    let scene = Scene::new().await;
    let bug = scene.bug();
    let path = format!("Payments/_apis/wit/workitems/{}", bug.number);
    assert_eq!(scene.call("DELETE", &path, None).await.status, 200);
    let answer = scene.call("GET", &path, None).await;
    assert_eq!((answer.status, &answer.body["typeKey"]), (404, &json!("WorkItemUnauthorizedAccessException")));
    let bin = format!("Payments/_apis/wit/recyclebin/{}", bug.number);
    assert_eq!(scene.call("GET", &bin, None).await.body["name"], "It hurts");
    let restore = json!({"IsDeleted": false});
    assert_eq!(scene.call("PATCH", &bin, Some(restore)).await.status, 200);
    assert_eq!(scene.call("GET", &path, None).await.body["rev"], 3);
}

#[tokio::test]
async fn a_server_restored_from_a_backup_shows_an_older_revision() {
    let scene = Scene::new().await;
    let bug = scene.bug();
    scene.azure.assign_work_item(bug, scene.ada).unwrap();
    scene.azure.assign_work_item(bug, scene.grace).unwrap();
    scene.azure.restore_work_item_to_older_revision(bug, 2).unwrap();
    let item = scene.azure.work_item(bug).unwrap();
    assert_eq!((item.rev, item.update_id, item.assigned_to), (2, 2, Some(scene.ada)));
}

#[tokio::test]
async fn a_description_of_four_mebibytes_comes_back_whole() {
    let scene = Scene::new().await;
    let html = "<p>x</p>".repeat(512 * 1024);
    let new = NewWorkItem::new("Bug", "Long").with("System.Description", html.clone());
    let bug = scene.azure.add_work_item(scene.project, &new).unwrap();
    let answer = scene.call("GET", &format!("_apis/wit/workitems/{}", bug.number), None).await;
    assert_eq!(answer.body["fields"]["System.Description"].as_str().map(str::len), Some(html.len()));
}

#[tokio::test]
async fn a_change_without_an_api_version_or_with_the_wrong_content_type_is_refused() {
    let scene = Scene::new().await;
    let bug = scene.bug();
    let url = format!("{}/fabrikam/_apis/wit/workitems/{}", scene.azure.base_url(), bug.number);
    let patch = assign("grace@example.org").to_string();
    let send = async |url: String, kind: &str| {
        let request = scene.client.patch(url).basic_auth("", Some(super::scene::TOKEN));
        let answer = request.header("content-type", kind).body(patch.clone()).send().await;
        answer.unwrap().status().as_u16()
    };
    assert_eq!(send(url.clone(), "application/json-patch+json").await, 400);
    assert_eq!(send(format!("{url}?api-version=7.1"), "application/json").await, 415);
}

#[tokio::test]
async fn a_work_item_of_ten_thousand_revisions_cannot_be_patched_any_more() {
    let scene = Scene::new().await;
    let bug = scene.bug();
    for priority in 3..=10_001 {
        scene
            .azure
            .update_work_item(bug, |changes| {
                changes.set("Microsoft.VSTS.Common.Priority", priority);
            })
            .unwrap();
    }
    let path = format!("_apis/wit/workitems/{}", bug.number);
    assert_eq!(scene.call("PATCH", &path, Some(assign("grace@example.org"))).await.status, 500);
}
