//! Reading what is linked on a schedule: what heals after an outage, and instead of hooks where none can reach
//! us.
#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

use handoff_sandbox::azure::SubscriptionStatus;
use handoff_sandbox::fault::Fault;
use handoff_tests::instance::Setup;
use handoff_tests::leftovers::Expected;
use handoff_tests::scene::{Group, Scene};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn project(scene: &Scene) -> String {
    format!("{}/installations/{}/projects/{}", scene.tenant.at, scene.tenant.installation, scene.board.project)
}

async fn later(scene: &Scene, after: Duration) -> usize {
    scene.advance(after).await;
    scene.watch().await
}

async fn unreachable() -> Scene {
    Scene::with(Setup { is_reachable: false, ..Setup::default() }, |_| {}).await
}

/// Whether the group's link is broken: its work item is deleted in Azure DevOps.
async fn is_broken(scene: &Scene, group: &Group) -> bool {
    let links = scene.api.list(&format!("{}/links", group.at)).await;
    links[0]["work_item"]["deleted"].as_bool().unwrap()
}

#[tokio::test]
async fn without_a_public_url_there_are_no_hooks_and_an_assignment_arrives_by_reading_every_minute() {
    let scene = unreachable().await;
    let (item, group) = scene.linked("The mill stops").await;
    let again = json!({"azure_project": scene.board.project.to_string()});
    let projects = format!("{}/installations/{}/projects", scene.tenant.at, scene.tenant.installation);
    let connected = scene.api.post(&projects, again).await;
    assert_eq!(connected["items"], json!([]));
    assert!(connected["note"].as_str().unwrap().contains("every minute"), "{connected}");
    assert!(scene.azure.subscriptions().is_empty());
    scene.watch().await;
    for who in [&scene.ada, &scene.bob] {
        scene.assign_in_azure(item, who);
        scene.settle().await;
        assert_ne!(scene.assignee(&group).await, Some(scene.member(who).user), "nothing tells us");
        assert_eq!(later(&scene, MINUTE).await, 1);
        assert_eq!(scene.assignee(&group).await, Some(scene.member(who).user));
    }
    assert_eq!(scene.azure.request_count("create_subscription"), 0);
    scene.finish().await;
}

#[tokio::test]
async fn a_work_item_that_is_deleted_breaks_its_link_and_one_that_is_restored_mends_it() {
    let scene = unreachable().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.watch().await;
    scene.azure.delete_work_item(item).unwrap();
    later(&scene, MINUTE).await;
    assert!(is_broken(&scene, &group).await);
    scene.azure.restore_work_item(item).unwrap();
    scene.assign_in_azure(item, &scene.ada);
    later(&scene, MINUTE).await;
    assert!(!is_broken(&scene, &group).await);
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user));
    scene.finish().await;
}

#[tokio::test]
async fn hooks_break_and_mend_links_as_well() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.azure.delete_work_item(item).unwrap();
    scene.settle().await;
    assert!(is_broken(&scene, &group).await);
    scene.azure.restore_work_item(item).unwrap();
    scene.settle().await;
    assert!(!is_broken(&scene, &group).await);
    scene.finish().await;
}

#[tokio::test]
async fn an_outage_that_outlives_every_retry_is_healed_by_the_next_reading_on_the_schedule() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.watch().await;
    // A hook that nobody heals, so that only reading helps.
    let hook = scene.hook("workitem.updated");
    scene.azure.set_subscription_status(hook, SubscriptionStatus::DisabledByUser).unwrap();
    scene.assign_in_azure(item, &scene.ada);
    for asked in ["get_work_item", "work_items_batch"] {
        scene.azure.faults().always(asked, Fault::RefuseBefore { status: 503 });
    }
    scene.api.call(Method::POST, &format!("{}/reconcile", project(&scene)), &Value::Null).await;
    scene.settle().await;
    let dead = scene.api.list(&format!("{}/outbox?state=dead", scene.tenant.at)).await;
    assert_eq!(dead.len(), 1, "{dead:#?}");
    scene.azure.faults().clear();
    assert_eq!(scene.assignee(&group).await, None);

    later(&scene, HOUR).await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user));
    let expected = Expected { dead_rows: 1, hooks_in_trouble: true, ..Expected::default() };
    scene.into_instance().finish_expecting(&expected).await;
}

#[tokio::test]
async fn asked_for_by_hand_a_reading_is_done_at_once() {
    let scene = unreachable().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.assign_in_azure(item, &scene.ada);
    let asked = scene.api.call(Method::POST, &format!("{}/reconcile", project(&scene)), &Value::Null).await;
    assert_eq!(asked.status, 202);
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user));
    scene.finish().await;
}
