//! What deliveries say.

use crate::azure::{Hosting, NewIdentity};
use serde_json::{Value, json};

use super::scene::Scene;

#[tokio::test]
async fn an_update_has_its_own_number_the_changed_fields_and_the_full_snapshot() {
    let scene = Scene::new().await;
    let id = scene.subscribe("workitem.updated").await;
    let bug = scene.bug();
    scene.azure.assign_work_item(bug, scene.ada).unwrap();
    scene
        .azure
        .update_work_item(bug, |changes| {
            changes.hyperlink("https://example.org").by(scene.ada);
        })
        .unwrap();
    scene
        .azure
        .update_work_item(bug, |changes| {
            changes.assign(scene.grace).state("Active").by(scene.ada);
        })
        .unwrap();
    scene.azure.settle().await;
    let event = scene.receiver.last();
    assert_eq!(event["subscriptionId"], id.to_string());
    assert_eq!(event["notificationId"], 3);
    assert_eq!(event["createdDate"], "2026-03-01T08:00:00.0000000Z");
    assert_eq!((&event["message"], &event["detailedMessage"]), (&Value::Null, &Value::Null));
    let resource = &event["resource"];
    assert_eq!(resource["id"], 4);
    assert_eq!(resource["rev"], 3);
    assert_eq!(resource["workItemId"], bug.number);
    assert_eq!(resource["revisedBy"]["id"], scene.ada.to_string());
    assert_eq!(resource["revisedBy"]["name"], "Ada Lovelace <ada@example.org>");
    assert_eq!(
        resource["fields"]["System.AssignedTo"],
        json!({"oldValue": "Ada Lovelace <ada@example.org>", "newValue": "Grace Hopper <grace@example.org>"})
    );
    assert_eq!(resource["fields"]["System.Rev"], json!({"oldValue": 2, "newValue": 3}));
    assert_eq!(resource["revision"]["rev"], 3);
    assert_eq!(resource["revision"]["fields"]["System.AssignedTo"], "Grace Hopper <grace@example.org>");
    assert_eq!(resource["revision"]["fields"]["System.Title"], "It hurts");
    assert_eq!(resource["revision"]["relations"][0]["rel"], "Hyperlink");
}

#[tokio::test]
async fn a_change_of_links_alone_has_no_fields_and_keeps_the_revision() {
    let scene = Scene::new().await;
    scene.subscribe("workitem.updated").await;
    let bug = scene.bug();
    scene
        .azure
        .update_work_item(bug, |changes| {
            changes.hyperlink("https://example.org");
        })
        .unwrap();
    scene.azure.settle().await;
    let resource = scene.receiver.last()["resource"].clone();
    assert_eq!((&resource["id"], &resource["rev"]), (&json!(2), &json!(1)));
    assert_eq!(resource.get("fields"), None);
    assert_eq!(resource["relations"]["added"][0]["url"], "https://example.org");
}

#[tokio::test]
async fn unassigning_leaves_the_new_value_and_the_snapshots_field_out() {
    let scene = Scene::new().await;
    scene.subscribe("workitem.updated").await;
    let bug = scene.bug();
    scene.azure.assign_work_item(bug, scene.ada).unwrap();
    scene.azure.unassign_work_item(bug).unwrap();
    scene.azure.settle().await;
    let bodies = scene.receiver.bodies();
    let change = |position: usize| bodies[position]["resource"]["fields"]["System.AssignedTo"].clone();
    assert_eq!(change(0), json!({"newValue": "Ada Lovelace <ada@example.org>"}));
    assert_eq!(change(1), json!({"oldValue": "Ada Lovelace <ada@example.org>"}));
    assert_eq!(bodies[1]["resource"]["revision"]["fields"].get("System.AssignedTo"), None);
}

#[tokio::test]
async fn version_5_1_writes_people_as_objects_and_no_links() {
    let scene = Scene::new().await;
    let mut body = scene.subscription_body("workitem.updated");
    body["resourceVersion"] = "5.1-preview.3".into();
    scene.subscribe_as(body).await;
    let bug = scene.bug();
    scene
        .azure
        .update_work_item(bug, |changes| {
            changes.assign(scene.ada).hyperlink("https://example.org");
        })
        .unwrap();
    scene.azure.settle().await;
    let event = scene.receiver.last();
    assert_eq!(event["resourceVersion"], "5.1-preview.3");
    let person = &event["resource"]["revision"]["fields"]["System.AssignedTo"];
    assert_eq!(person["id"], scene.ada.to_string());
    assert_eq!(person["uniqueName"], "ada@example.org");
    assert_eq!(event["resource"].get("relations"), None);
    assert_eq!(event["resource"]["revision"].get("relations"), None);
}

#[tokio::test]
async fn clouds_name_the_account_and_servers_themselves() {
    for (hosting, host) in [(Hosting::Cloud, "account"), (Hosting::Server, "server")] {
        let scene = Scene::with(hosting, |_| {}).await;
        scene.subscribe("workitem.updated").await;
        scene.azure.assign_work_item(scene.bug(), scene.ada).unwrap();
        scene.azure.settle().await;
        let event = scene.receiver.last();
        let containers = &event["resourceContainers"];
        assert_eq!(containers.as_object().map(serde_json::Map::len), Some(3));
        assert_eq!(containers["collection"]["id"], scene.collection.to_string());
        let base_url = scene.azure.collection_url(scene.collection).unwrap();
        assert_eq!(containers["collection"]["baseUrl"], base_url);
        assert!(containers[host]["id"].is_string());
        assert_eq!(containers["project"]["id"], scene.project.to_string());
        if hosting == Hosting::Server {
            let assignee = &event["resource"]["revision"]["fields"]["System.AssignedTo"];
            assert_eq!(assignee, r"Ada Lovelace <FABRIKAM\ada>");
        }
    }
}

#[tokio::test]
async fn the_other_events_carry_the_flat_work_item() {
    let scene = Scene::new().await;
    for event_type in ["created", "deleted", "restored", "commented"] {
        scene.subscribe(&format!("workitem.{event_type}")).await;
    }
    let bug = scene.bug();
    scene
        .azure
        .update_work_item(bug, |changes| {
            changes.comment("Hello");
        })
        .unwrap();
    scene.azure.delete_work_item(bug).unwrap();
    scene.azure.restore_work_item(bug).unwrap();
    scene.azure.settle().await;
    let mut bodies = scene.receiver.bodies();
    bodies.sort_by_key(|body| body["resource"]["rev"].as_i64());
    let types: Vec<&str> = bodies.iter().filter_map(|body| body["eventType"].as_str()).collect();
    assert_eq!(types, ["workitem.created", "workitem.commented", "workitem.deleted", "workitem.restored"]);
    for body in &bodies {
        assert_eq!(body["resource"]["id"], bug.number);
        assert_eq!(body["resource"]["fields"]["System.Title"], "It hurts");
    }
    assert_eq!(bodies[1]["resource"]["fields"]["System.History"], "Hello");
    assert_eq!(bodies[1]["resource"]["commentVersionRef"]["commentId"], 1);
    assert!(bodies[2]["resource"]["url"].as_str().unwrap().contains("/recyclebin/"));
}

#[tokio::test]
async fn a_name_without_a_sign_in_name_stands_alone() {
    let scene = Scene::new().await;
    scene.subscribe("workitem.updated").await;
    let service = scene.azure.add_identity(NewIdentity::domain_account("Build Service", ""));
    scene.azure.assign_work_item(scene.bug(), service).unwrap();
    scene.azure.settle().await;
    let event = scene.receiver.last();
    assert_eq!(event["resource"]["revision"]["fields"]["System.AssignedTo"], "Build Service");
}

#[tokio::test]
async fn filters_let_through_only_what_they_name() {
    let scene = Scene::new().await;
    let other = scene.azure.add_project(scene.collection, "Other", crate::azure::Process::Agile).unwrap();
    let mut body = scene.subscription_body("workitem.updated");
    body["publisherInputs"]["changedFields"] = "System.AssignedTo".into();
    body["publisherInputs"]["workItemType"] = "Bug".into();
    scene.subscribe_as(body).await;
    let new = crate::azure::NewWorkItem::new("Bug", "Elsewhere");
    let elsewhere = scene.azure.add_work_item(other, &new).unwrap();
    let task = crate::azure::NewWorkItem::new("Task", "No bug");
    let task = scene.azure.add_work_item(scene.project, &task).unwrap();
    let bug = scene.bug();
    for item in [elsewhere, task, bug] {
        scene.azure.assign_work_item(item, scene.ada).unwrap();
        scene
            .azure
            .update_work_item(item, |changes| {
                changes.title("Renamed");
            })
            .unwrap();
    }
    scene.azure.settle().await;
    assert_eq!(scene.receiver.count(), 1);
    assert_eq!(scene.receiver.last()["resource"]["workItemId"], bug.number);
}
