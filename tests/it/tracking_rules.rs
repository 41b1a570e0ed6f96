//! Tracking rules: work items that match get a group and a link by themselves, once, whatever tells of them.

#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

use handoff_sandbox::azure::{NewWorkItem, WorkItemKey};
use handoff_tests::instance::Setup;
use handoff_tests::scene::Scene;
use reqwest::Method;
use serde_json::{Value, json};

/// Makes a rule for the scene's board and project.
async fn rule(scene: &Scene, filter: Value) -> Value {
    let mut rule = json!({
        "installation": scene.tenant.installation,
        "azure_project": scene.board.project.to_string(),
        "project": scene.tenant.project,
    });
    for (field, value) in filter.as_object().unwrap() {
        rule[field] = value.clone();
    }
    scene.api.post(&format!("{}/tracking-rules", scene.tenant.at), rule).await
}

async fn groups(scene: &Scene) -> Vec<Value> {
    scene.api.list(&format!("{}/projects/{}/groups", scene.tenant.at, scene.tenant.project)).await
}

/// The titles of all groups, in order.
async fn titles(scene: &Scene) -> Vec<String> {
    let mut titles: Vec<String> =
        groups(scene).await.iter().map(|group| group["title"].as_str().unwrap().to_owned()).collect();
    titles.sort();
    titles
}

fn add(scene: &Scene, item: &NewWorkItem) -> WorkItemKey {
    scene.azure.add_work_item(scene.board.project, item).unwrap()
}

fn subscriptions(scene: &Scene, event_type: &str) -> usize {
    scene.azure.subscriptions().iter().filter(|hook| hook.event_type == event_type).count()
}

#[tokio::test]
async fn a_work_item_that_is_made_and_matches_gets_one_group_with_its_assignee_and_nobody_is_mentioned() {
    let scene = Scene::new().await;
    rule(&scene, json!({"work_item_type": "bug"})).await;
    scene.settle().await;
    assert_eq!(subscriptions(&scene, "workitem.created"), 1);
    let item = add(&scene, &NewWorkItem::new("Bug", "The mill stops").assigned_to(scene.ada.identity));
    add(&scene, &NewWorkItem::new("Task", "Sweep"));
    scene.settle().await;
    let found = groups(&scene).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0]["title"], "The mill stops");
    assert_eq!(found[0]["assignee"]["id"], scene.member(&scene.ada).user, "{found:#?}");
    let id = found[0]["id"].as_str().unwrap();
    let links = scene.api.list(&format!("{}/groups/{id}/links", scene.tenant.at)).await;
    assert_eq!((links.len(), links[0]["work_item"]["number"].as_i64()), (1, Some(item.number)));
    assert_eq!(links[0]["state"], "good");
    let messages = scene.discord.messages(scene.tenant.channel);
    assert_eq!(messages.len(), 1, "a card and no mention: {messages:#?}");
    assert_eq!(scene.azure.request_count("patch_work_item"), 0, "nothing is written outward");

    scene.assign_in_azure(item, &scene.bob);
    scene.settle().await;
    assert_eq!(groups(&scene).await[0]["assignee"]["id"], scene.member(&scene.bob).user, "it is followed");
    scene.finish().await;
}

#[tokio::test]
async fn a_rule_finds_what_is_there_already_by_type_area_and_tag() {
    let scene = Scene::new().await;
    for (kind, title, area, tags) in [
        ("Bug", "here", "Payments\\Mill", "urgent; it's loud"),
        ("Bug", "deeper", "Payments\\Mill\\Wheel", "it's loud"),
        ("Bug", "elsewhere", "Payments\\Millstone", "it's loud"),
        ("Bug", "quiet", "Payments\\Mill", "urgent"),
        ("Task", "no bug", "Payments\\Mill", "it's loud"),
    ] {
        let item = NewWorkItem::new(kind, title).with("System.AreaPath", area).with("System.Tags", tags);
        add(&scene, &item);
    }
    let filter = json!({"work_item_type": "Bug", "area_path": "Payments\\Mill", "tag": "IT'S loud"});
    rule(&scene, filter).await;
    scene.settle().await;
    assert_eq!(titles(&scene).await, ["deeper", "here"]);
    scene.finish().await;
}

#[tokio::test]
async fn a_backfill_is_read_page_after_page() {
    let scene = Scene::new().await;
    for number in 0..205 {
        add(&scene, &NewWorkItem::new("Task", &format!("task {number}")));
    }
    rule(&scene, json!({"work_item_type": "Task"})).await;
    // Once more while the first is under way, and again when it is over.
    let rules = scene.api.list(&format!("{}/tracking-rules", scene.tenant.at)).await;
    let path = format!("{}/tracking-rules/{}", scene.tenant.at, rules[0]["id"].as_str().unwrap());
    scene.settle().await;
    scene.api.change(Method::PUT, &path, json!({"work_item_type": "Task"})).await;
    scene.settle().await;
    assert_eq!(groups(&scene).await.len(), 205);
    assert_eq!(scene.azure.request_count("query_by_wiql"), 4, "two pages, twice");
    scene.finish().await;
}

#[tokio::test]
async fn duplicates_and_several_workers_leave_one_group() {
    let Some(setup) = Setup::on_postgres().await else { return };
    let scene = Scene::with(Setup { concurrent_deliveries: 4, ..setup }, |_| {}).await;
    rule(&scene, json!({})).await;
    scene.settle().await;
    for number in 0..6 {
        let item = add(&scene, &NewWorkItem::new("Bug", &format!("bug {number}")));
        for round in 0..3 {
            let title = format!("bug {number}.{round}");
            scene
                .azure
                .update_work_item(item, |changes| {
                    let _ = changes.title(&title);
                })
                .unwrap();
        }
    }
    scene.azure.settle().await;
    let another = scene.another_replica();
    let (ours, theirs) = tokio::join!(
        scene.clock.moving(scene.running().workers().run_until_idle()),
        scene.clock.moving(another.run_until_idle())
    );
    ours.unwrap();
    theirs.unwrap();
    scene.settle().await;
    assert_eq!(groups(&scene).await.len(), 6);
    scene.finish().await;
}

#[tokio::test]
async fn what_is_linked_by_hand_gets_no_second_group_and_what_was_unlinked_does_not_come_back() {
    let scene = Scene::new().await;
    let (by_hand, _) = scene.linked("By hand").await;
    rule(&scene, json!({})).await;
    scene.settle().await;
    let item = add(&scene, &NewWorkItem::new("Bug", "By rule"));
    scene.settle().await;
    assert_eq!(titles(&scene).await, ["By hand", "By rule"]);

    let group = groups(&scene).await.into_iter().find(|group| group["title"] == "By rule").unwrap();
    let path = format!("{}/groups/{}/links", scene.tenant.at, group["id"].as_str().unwrap());
    let link = scene.api.list(&path).await[0]["id"].as_str().unwrap().to_owned();
    scene.api.change(Method::DELETE, &format!("{}/links/{link}", scene.tenant.at), Value::Null).await;
    for item in [item, by_hand] {
        scene
            .azure
            .update_work_item(item, |changes| {
                let _ = changes.title("Renamed");
            })
            .unwrap();
    }
    scene.settle().await;
    assert_eq!(groups(&scene).await.len(), 2);
    scene.finish().await;
}

#[tokio::test]
async fn the_hook_for_new_work_items_comes_with_the_first_rule_and_goes_with_the_last() {
    let scene = Scene::new().await;
    assert_eq!(subscriptions(&scene, "workitem.created"), 0);
    let first = rule(&scene, json!({"work_item_type": "Bug"})).await;
    let second = rule(&scene, json!({"work_item_type": "Task"})).await;
    scene.settle().await;
    for (rule, left) in [(first, 1), (second, 0)] {
        assert_eq!(subscriptions(&scene, "workitem.created"), 1);
        let path = format!("{}/tracking-rules/{}", scene.tenant.at, rule["id"].as_str().unwrap());
        scene.api.change(Method::DELETE, &path, Value::Null).await;
        scene.settle().await;
        assert_eq!(subscriptions(&scene, "workitem.created"), left);
        assert_eq!(scene.api.call(Method::GET, &path, &Value::Null).await.status, 404);
    }
    assert_eq!(subscriptions(&scene, "workitem.updated"), 1);
    scene.finish().await;
}

#[tokio::test]
async fn a_deleted_project_takes_its_rules_and_the_hook_for_new_work_items_along() {
    let scene = Scene::new().await;
    let other = scene.api.post(&format!("{}/projects", scene.tenant.at), json!({"name": "Other"})).await;
    let other = other["id"].as_i64().unwrap();
    rule(&scene, json!({"project": other})).await;
    add(&scene, &NewWorkItem::new("Bug", "Theirs"));
    scene.settle().await;
    let path = format!("{}/projects/{other}", scene.tenant.at);
    assert_eq!(scene.api.list(&format!("{path}/groups")).await.len(), 1);
    scene.api.change(Method::DELETE, &path, Value::Null).await;
    scene.settle().await;
    assert_eq!(subscriptions(&scene, "workitem.created"), 0);
    assert!(scene.api.list(&format!("{}/tracking-rules", scene.tenant.at)).await.is_empty());
    add(&scene, &NewWorkItem::new("Bug", "Late"));
    scene.settle().await;
    assert!(groups(&scene).await.is_empty());
    scene.finish().await;
}

#[tokio::test]
async fn a_rule_that_cannot_be_is_refused_in_words() {
    let scene = Scene::new().await;
    let path = format!("{}/tracking-rules", scene.tenant.at);
    let good = || {
        json!({
            "installation": scene.tenant.installation,
            "azure_project": scene.board.project.to_string(),
            "project": scene.tenant.project,
        })
    };
    let with = |field: &str, value: Value| {
        let mut rule = good();
        rule[field] = value;
        rule
    };
    let nothing = "00000000-0000-4000-8000-000000000001";
    for (body, status, words) in [
        (with("azure_project", json!("x")), 422, "azure_project: not the GUID of a project"),
        (with("azure_project", json!(nothing)), 422, "not connected"),
        (with("installation", json!(nothing)), 422, "not connected"),
        (with("project", json!(4711)), 404, "project"),
        (with("tag", json!(" ")), 422, "tag: must not be empty"),
        (with("area_path", json!("a\nb")), 422, "area_path"),
        (with("colour", json!("red")), 422, "colour"),
    ] {
        let answer = scene.api.call(Method::POST, &path, &body).await;
        assert_eq!(answer.status, status, "{body} {}", answer.json);
        assert!(answer.json["detail"].as_str().unwrap().contains(words), "{}", answer.json);
    }
    scene.api.post(&path, good()).await;
    assert_eq!(scene.api.call(Method::POST, &path, &good()).await.status, 409, "the same again");
    scene.settle().await;
    scene.finish().await;
}

#[tokio::test]
async fn an_item_that_is_changed_in_type_keeps_its_group() {
    let scene = Scene::new().await;
    rule(&scene, json!({"work_item_type": "Bug"})).await;
    scene.settle().await;
    let item = add(&scene, &NewWorkItem::new("Bug", "It was a bug"));
    scene.settle().await;
    scene.azure.change_work_item_type(item, "Task").unwrap();
    scene.settle().await;
    let found = groups(&scene).await;
    assert_eq!(found.len(), 1);
    let path = format!("{}/groups/{}/links", scene.tenant.at, found[0]["id"].as_str().unwrap());
    assert_eq!(scene.api.list(&path).await[0]["work_item"]["type"], "Task");
    scene.azure.change_work_item_type(item, "Bug").unwrap();
    scene.settle().await;
    assert_eq!(groups(&scene).await.len(), 1, "and gets no second one");
    scene.finish().await;
}
