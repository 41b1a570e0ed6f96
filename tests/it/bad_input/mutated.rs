//! Every field that we read, with every type of value in it: each delivery is answered, kept and settled,
//! and none keeps a good one from being applied.

use handoff_sandbox::azure::WorkItemKey;
use handoff_tests::scene::Scene;
use handoff_tests::webhook::Caller;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What we read of a delivery, as paths into it.
const READ: [&[&str]; 32] = [
    &["id"],
    &["eventType"],
    &["resource"],
    &["resource", "id"],
    &["resource", "workItemId"],
    &["resource", "rev"],
    &["resource", "url"],
    &["resource", "revisedBy"],
    &["resource", "revisedBy", "id"],
    &["resource", "revisedBy", "name"],
    &["resource", "revisedBy", "displayName"],
    &["resource", "revisedBy", "uniqueName"],
    &["resource", "_links"],
    &["resource", "_links", "html"],
    &["resource", "_links", "html", "href"],
    &["resource", "revision"],
    &["resource", "revision", "id"],
    &["resource", "revision", "rev"],
    &["resource", "revision", "url"],
    &["resource", "revision", "fields"],
    &["resource", "revision", "fields", "System.Title"],
    &["resource", "revision", "fields", "System.WorkItemType"],
    &["resource", "revision", "fields", "System.State"],
    &["resource", "revision", "fields", "System.AssignedTo"],
    &["resource", "revision", "fields", "System.ChangedBy"],
    &["resource", "revision", "fields", "System.ChangedDate"],
    &["resourceContainers"],
    &["resourceContainers", "collection"],
    &["resourceContainers", "collection", "id"],
    &["resourceContainers", "collection", "baseUrl"],
    &["resourceContainers", "project"],
    &["resourceContainers", "project", "id"],
];

/// Values as they stand in JSON; some of them no Rust value can hold.
const VALUES: [&str; 12] = [
    "null",
    "0",
    "-1",
    "9007199254740993",
    "1e400",
    "\"\"",
    "\"text\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"< <@&1> @everyone >\"",
    "[]",
    "{\"id\":[],\"uniqueName\":{},\"displayName\":7,\"href\":false,\"rev\":\"x\",\"fields\":0}",
];

/// Numbers of updates and revisions that the work items never reach.
const FAR: usize = 1_000;

/// The text of `body` with `value` at `path`.
fn with(body: &Value, path: &[&str], value: &str) -> String {
    const HERE: &str = "the value goes here";
    let mut body = body.clone();
    let mut at = &mut body;
    for step in path {
        at = &mut at[*step];
    }
    *at = json!(HERE);
    body.to_string().replace(&format!("\"{HERE}\""), value)
}

async fn update_of(scene: &Scene, item: WorkItemKey) -> Value {
    scene.azure.hold_deliveries();
    scene.assign_in_azure(item, &scene.ada);
    scene.azure.release_deliveries(&handoff_sandbox::azure::ReleaseOrder::Permutation(Vec::new()));
    let last = scene.azure.last_notification(scene.hook("workitem.updated")).unwrap();
    serde_json::from_slice(&last.body).unwrap()
}

async fn delivery_ids(scene: &Scene) -> BTreeSet<String> {
    let all = scene.api.list(&format!("{}/deliveries", scene.tenant.at)).await;
    all.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn no_value_in_any_field_makes_us_fail_or_lose_a_delivery() {
    let scene = Scene::new().await;
    let caller = Caller::of(&scene, scene.hook("workitem.updated"));
    let (item, group) = scene.linked("The victim").await;
    let (healthy, beside) = scene.linked("The neighbour").await;
    let body = update_of(&scene, item).await;
    let mut stored = 0;
    for (n, (path, value)) in READ.iter().flat_map(|path| VALUES.map(|value| (path, value))).enumerate() {
        // Each is an update of its own and newer than all before, so that it gets as far as it can.
        let mut body = body.clone();
        body["resource"]["id"] = json!(n + FAR);
        body["resource"]["revision"]["rev"] = json!(n + FAR);
        let answer = caller.post(with(&body, path, value)).await;
        assert_eq!(answer.status, 200, "{path:?} {value}");
        if answer.json["outcome"] != "duplicate" {
            stored += 1;
        }
    }
    assert_eq!(delivery_ids(&scene).await.len(), stored);
    // All but the few whose event cannot be told from another one's.
    assert!(stored > READ.len() * VALUES.len() * 9 / 10, "{stored}");
    scene.settle().await;
    assert!(scene.tenant.delivery_states(&scene).await["applied"] > 100);
    assert_eq!(caller.post("garbled").await.status, 200);
    stored += 1;
    scene.settle().await;
    let states = scene.tenant.delivery_states(&scene).await;
    assert_eq!(states.values().sum::<usize>(), stored, "{states:?}");
    assert!(!states.contains_key("dead") && !states.contains_key("pending"), "{states:?}");

    // The read that each quarantine asks for shows what the work item really is.
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user));
    assert!(scene.card(&group).work_items.ends_with(") The victim · New"), "{:?}", scene.card(&group));
    for (key, linked) in [(item, &group), (healthy, &beside)] {
        scene.assign_in_azure(key, &scene.cleo);
        scene.settle().await;
        assert_eq!(scene.assignee(linked).await, Some(scene.member(&scene.cleo).user));
    }
    scene.finish().await;
}

#[tokio::test]
async fn a_mirror_that_was_told_a_revision_of_fantasy_comes_back_with_the_next_read() {
    let scene = Scene::new().await;
    let caller = Caller::of(&scene, scene.hook("workitem.updated"));
    let (item, group) = scene.linked("The victim").await;
    let body = update_of(&scene, item).await;
    let far = with(&body, &["resource", "revision", "rev"], "9007199254740991");
    assert_eq!(caller.post(far).await.status, 200);
    scene.settle().await;
    scene.assign_in_azure(item, &scene.bob);
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user), "Bob's is older than that");

    assert_eq!(caller.post("garbled").await.status, 200);
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.bob).user));
    let rewound = |entry: &Value| entry["kind"] == "mirror_rewound";
    assert_eq!(scene.activities(&group).await.iter().filter(|entry| rewound(entry)).count(), 1);
    scene.finish().await;
}
