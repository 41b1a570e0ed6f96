//! Statuses of groups and states of work items, both ways.

use handoff_sandbox::fault::Fault;
use handoff_tests::scene::{Group, Scene};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

async fn both_ways() -> Scene {
    Scene::letting_through(&["inbound_status", "outbound_status"]).await
}

async fn status_changes(scene: &Scene, group: &Group) -> usize {
    scene.activities(group).await.iter().filter(|entry| entry["kind"] == "status_changed").count()
}

#[tokio::test]
async fn a_state_means_what_its_category_says_in_both_directions_and_nothing_bounces() {
    let scene = both_ways().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.set_there(item, "System.State", "Closed");
    scene.settle().await;
    assert_eq!(scene.status_here(&group).await, "resolved");
    assert_eq!(scene.card(&group).status, "Resolved");
    let before = scene.item(item).rev;

    scene.advance(Duration::from_secs(10)).await;
    scene.set_status_here(&group, "unresolved").await;
    scene.settle().await;
    assert_eq!(scene.item(item).state, "Active");
    scene.set_status_here(&group, "resolved").await;
    scene.settle().await;
    assert_eq!(scene.item(item).state, "Closed");
    // One write for each change, one entry for each change.
    assert_eq!(scene.item(item).rev, before + 2);
    assert_eq!(status_changes(&scene, &group).await, 3);
    scene.finish().await;
}

#[tokio::test]
async fn what_agrees_by_category_is_not_written_whatever_it_is_called() {
    let scene = both_ways().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.set_there(item, "System.State", "Resolved");
    scene.settle().await;
    assert_eq!(scene.status_here(&group).await, "resolved");
    scene.set_there(item, "System.State", "Closed");
    scene.settle().await;
    assert_eq!(status_changes(&scene, &group).await, 1);
    assert_eq!(scene.item(item).state, "Closed");
    scene.finish().await;
}

#[tokio::test]
async fn a_failed_look_up_of_states_changes_nothing_and_is_made_good() {
    let scene = both_ways().await;
    let item = scene.work_item("The mill stops");
    let group = scene.tenant.group(&scene, "The mill stops").await;
    scene.azure.faults().always("list_states", Fault::RefuseBefore { status: 500 });
    scene.tenant.link(&scene, &group, item).await;
    scene.set_there(item, "System.State", "Closed");
    scene.azure.settle().await;
    scene.work().await;
    assert_eq!(scene.status_here(&group).await, "unresolved");
    scene.azure.faults().clear();
    scene.settle().await;
    assert_eq!(scene.status_here(&group).await, "resolved");
    scene.finish().await;
}

#[tokio::test]
async fn what_an_admin_maps_comes_first_and_what_cannot_be_a_map_is_refused() {
    let scene = both_ways().await;
    let (item, group) = scene.linked("The mill stops").await;
    let installation = &scene.tenant.installation;
    let map = format!("{}/installations/{installation}/projects/{}/state-map", scene.tenant.at, scene.board.project);
    for bad in [
        json!({"outbound": {"done": "Closed"}}),
        json!({"inbound": {"": "resolved"}}),
        json!({"inbound": {"Closed": "gone"}}),
        json!({"unknown": {}}),
    ] {
        let refused = scene.api.call(Method::PUT, &map, &bad).await;
        assert!([400, 422].contains(&refused.status), "{bad}: {}", refused.json);
    }
    let said = json!({"inbound": {"resolved": "unresolved"}, "outbound": {"archived": "Resolved"}});
    assert_eq!(scene.api.change(Method::PUT, &map, said.clone()).await, said);
    scene.settle().await;
    assert_eq!(scene.api.get(&map).await, said);

    scene.set_there(item, "System.State", "Resolved");
    scene.settle().await;
    assert_eq!((scene.status_here(&group).await.as_str(), status_changes(&scene, &group).await), ("unresolved", 0));
    scene.advance(Duration::from_secs(10)).await;
    scene.set_there(item, "System.State", "Active");
    scene.settle().await;
    scene.set_status_here(&group, "archived").await;
    scene.settle().await;
    assert_eq!(scene.item(item).state, "Resolved");
    scene.finish().await;
}

#[tokio::test]
async fn a_status_that_no_state_says_is_reported_on_the_link() {
    let scene = both_ways().await;
    let (item, group) = scene.linked("The mill stops").await;
    let before = (scene.item(item).state, scene.item(item).rev);
    scene.set_status_here(&group, "archived").await;
    scene.settle().await;
    let problem = scene.problem_of(&group).await.unwrap();
    assert!(problem.contains("no state of \"Bug\" says archived"), "{problem}");
    assert_eq!((scene.item(item).state, scene.item(item).rev), before);
    scene.set_status_here(&group, "resolved").await;
    scene.settle().await;
    assert_eq!(scene.problem_of(&group).await, None);
    assert_eq!(scene.item(item).state, "Closed");
    scene.finish().await;
}
