//! A group is decided here and in Azure DevOps at about the same time: the later decision stands, and two
//! seconds are what two clocks may differ by.

use handoff_sandbox::azure::ReleaseOrder;
use handoff_tests::scene::{Group, Scene};
use handoff_tests::sight::Change;
use std::time::Duration;

/// Ada by Azure DevOps; then, so much later, Bob here, before Azure DevOps delivers.
async fn ada_there_then_bob_here(later: Duration) -> (Scene, Group) {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.azure.hold_deliveries();
    scene.assign_in_azure(item, &scene.ada);
    scene.advance(later).await;
    scene.assign_here(&group, &scene.bob).await;
    scene.azure.release_deliveries(&ReleaseOrder::InOrder);
    scene.settle().await;
    (scene, group)
}

#[tokio::test]
async fn a_decision_here_stands_against_an_older_one_of_azure_devops_that_comes_late() {
    let (scene, group) = ada_there_then_bob_here(Duration::from_secs(10)).await;
    let bob = scene.member(&scene.bob);
    assert_eq!(scene.changes(&group).await, [Change::to(bob.user, None)]);
    assert!(scene.card(&group).assignee.starts_with("Bob Ross"));
    assert_eq!(scene.mentioned(&group), [bob.discord]);
    scene.finish().await;
}

#[tokio::test]
async fn what_is_nearly_simultaneous_is_azure_devops_to_decide() {
    let (scene, group) = ada_there_then_bob_here(Duration::from_secs(1)).await;
    let (ada, bob) = (scene.member(&scene.ada), scene.member(&scene.bob));
    assert_eq!(scene.changes(&group).await, [Change::to(bob.user, None), Change::to(ada.user, Some(bob.user))]);
    scene.finish().await;
}

#[tokio::test]
async fn a_clock_of_azure_devops_that_is_wrong_does_not_decide() {
    let scene = Scene::new().await;
    // Its Date header, and with it all its times, are half an hour ahead of ours.
    scene.azure.set_date_skew(Duration::from_secs(1800));
    let (item, group) = scene.linked("The mill stops").await;
    scene.assign_here(&group, &scene.bob).await;
    scene.settle().await;
    scene.advance(Duration::from_secs(60)).await;
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user));
    scene.finish().await;
}

#[tokio::test]
async fn a_later_change_in_azure_devops_wins_over_a_decision_here() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.assign_here(&group, &scene.bob).await;
    scene.settle().await;
    scene.advance(Duration::from_secs(10)).await;
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user));
    scene.deassign_here(&group).await;
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, None);
    assert_eq!(scene.card(&group).assignee, "Nobody");
    scene.finish().await;
}
