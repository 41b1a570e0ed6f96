//! What a rule of Azure DevOps refuses, and work items that are gone for a while.
#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

use super::outward;
use handoff_sandbox::azure::NewIdentity;
use handoff_tests::leftovers::Expected;
use handoff_tests::scene::{Person, Scene};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Somebody whose account Azure DevOps knows, and takes for nobody whom a work item may be assigned to.
async fn who_left(scene: &mut Scene) -> Person {
    let address = "lee@fabrikam.example";
    let identity = scene.azure.add_identity(NewIdentity::person("Lee Left", address));
    scene.azure.update_identity(identity, |one| one.active = false).unwrap();
    let lee = Person { name: "Lee Left".to_owned(), address: address.to_owned(), identity };
    let member = scene.add_member(&lee).await;
    scene.tenant.map(scene, "identity_id", &identity.to_string(), member).await;
    lee
}

#[tokio::test]
async fn what_is_refused_keeps_nothing_else_from_being_written_and_is_not_asked_for_again_the_same_day() {
    let mut scene = Scene::letting_through(&["outbound_assignee", "inbound_status", "outbound_status"]).await;
    let lee = who_left(&mut scene).await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.assign_here(&group, &lee).await;
    scene.set_status_here(&group, "resolved").await;
    scene.settle().await;
    assert_eq!(scene.item(item).state, "Closed");
    assert_eq!(scene.assignee_there(item), None);
    let problem = scene.problem_of(&group).await.unwrap();
    assert!(problem.contains("refused"), "{problem}");

    let asked = scene.azure.request_count("patch_work_item");
    for _ in 0..3 {
        scene.advance(Duration::from_secs(3600)).await;
        scene.tenant.toggle_again(&scene, "outbound_assignee").await;
        scene.settle().await;
    }
    assert_eq!(scene.azure.request_count("patch_work_item"), asked);
    assert_eq!(scene.problem_of(&group).await, Some(problem));

    scene.azure.update_identity(lee.identity, |one| one.active = true).unwrap();
    scene.advance(DAY).await;
    scene.tenant.toggle_again(&scene, "outbound_assignee").await;
    scene.settle().await;
    assert_eq!(scene.assignee_there(item), Some(lee.address));
    assert_eq!(scene.problem_of(&group).await, None);
    let expected = Expected { dead_rows: 1, ..Expected::default() };
    scene.into_instance().finish_expecting(&expected).await;
}

#[tokio::test]
async fn a_work_item_that_is_restored_is_told_what_was_decided_while_it_was_gone() {
    let scene = outward().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.assign_here(&group, &scene.ada).await;
    scene.settle().await;
    scene.azure.delete_work_item(item).unwrap();
    scene.settle().await;
    scene.advance(Duration::from_secs(60)).await;
    scene.assign_here(&group, &scene.bob).await;
    scene.settle().await;
    scene.azure.restore_work_item(item).unwrap();
    scene.settle().await;
    assert_eq!(scene.assignee_there(item).as_deref(), Some(scene.bob.address.as_str()));
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.bob).user));
    scene.finish().await;
}
