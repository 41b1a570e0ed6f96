//! Groups with several work items, and work items with several groups: what one says takes nothing from what
//! the others are owed.

use super::outward;
use handoff_sandbox::azure::WorkItemKey;
use handoff_sandbox::fault::Fault;
use handoff_tests::scene::{Group, Person, Scene};
use handoff_tests::sight::Change;
use std::time::Duration;

const CLEARLY_LATER: Duration = Duration::from_secs(10);

/// A group that is linked with two work items since a while.
async fn with_two_items(scene: &Scene) -> (WorkItemKey, WorkItemKey, Group) {
    let (item, group) = scene.linked("The mill stops").await;
    let other = scene.work_item("The same from another side");
    scene.tenant.link(scene, &group, other).await;
    scene.settle().await;
    scene.advance(CLEARLY_LATER).await;
    (item, other, group)
}

#[tokio::test]
async fn somebody_unknown_on_one_work_item_withdraws_nothing_from_the_groups_other_one() {
    let scene = outward().await;
    let (item, other, group) = with_two_items(&scene).await;
    scene.assign_here(&group, &scene.ada).await;
    scene.advance(CLEARLY_LATER).await;
    scene.assign_in_azure(other, &scene.zoe);
    scene.settle().await;
    assert_eq!(scene.assignee_there(item).as_deref(), Some(scene.ada.address.as_str()));
    assert_eq!(scene.assignee_there(other).as_deref(), Some(scene.zoe.address.as_str()));
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user));
    scene.finish().await;
}

#[tokio::test]
async fn a_group_that_is_linked_while_a_write_waits_withdraws_nothing_and_follows_it() {
    let scene = outward().await;
    let (item, first) = scene.linked("The mill stops").await;
    scene.assign_in_azure(item, &scene.bob);
    scene.settle().await;
    scene.advance(CLEARLY_LATER).await;
    scene.azure.faults().push_next("patch_work_item", Fault::RefuseBefore { status: 503 });
    scene.assign_here(&first, &scene.ada).await;
    scene.work().await;
    let second = scene.tenant.group(&scene, "The same in another place").await;
    scene.tenant.link(&scene, &second, item).await;
    scene.settle().await;
    let (ada, bob) = (scene.member(&scene.ada), scene.member(&scene.bob));
    assert_eq!(scene.assignee_there(item).as_deref(), Some(scene.ada.address.as_str()));
    assert_eq!(scene.assignee(&first).await, Some(ada.user));
    assert_eq!(scene.changes(&second).await, [Change::to(bob.user, None), Change::to(ada.user, Some(bob.user))]);
    scene.finish().await;
}

#[tokio::test]
async fn whom_a_work_item_named_when_it_was_linked_has_the_group_once_we_know_them() {
    let mut scene = outward().await;
    let una = Person { name: "Una Known".to_owned(), ..scene.zoe.clone() };
    let member = scene.add_user_without_address(&una).await;
    let item = scene.work_item("The mill stops");
    scene.assign_in_azure(item, &una);
    scene.advance(CLEARLY_LATER).await;
    let group = scene.tenant.group(&scene, "The mill stops").await;
    scene.assign_here(&group, &scene.ada).await;
    scene.advance(CLEARLY_LATER).await;
    scene.tenant.link(&scene, &group, item).await;
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user), "nobody knows her yet");
    scene.tenant.map(&scene, "identity_id", &una.identity.to_string(), member).await;
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(member.user));
    assert_eq!(scene.assignee_there(item).as_deref(), Some(una.address.as_str()));
    scene.finish().await;
}

#[tokio::test]
async fn a_group_follows_the_later_decision_of_another_though_the_work_item_said_so_before_either() {
    let scene = outward().await;
    let (item, first) = scene.linked("The mill stops").await;
    let second = scene.tenant.group(&scene, "The same in another place").await;
    scene.tenant.link(&scene, &second, item).await;
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    let before = scene.item(item).rev;
    scene.advance(CLEARLY_LATER).await;
    scene.deassign_here(&first).await;
    scene.assign_here(&second, &scene.bob).await;
    scene.assign_here(&second, &scene.ada).await;
    scene.settle().await;
    let ada = scene.member(&scene.ada).user;
    assert_eq!(scene.item(item).rev, before, "it named Ada all the time");
    assert_eq!(scene.assignee(&second).await, Some(ada));
    let changes = [Change::to(ada, None), Change::Unassigned { from: ada }, Change::to(ada, None)];
    assert_eq!(scene.changes(&first).await, changes);
    scene.finish().await;
}

#[tokio::test]
async fn a_change_there_that_won_within_what_clocks_may_differ_by_is_not_undone_by_reading_again() {
    let scene = outward().await;
    let (item, other, group) = with_two_items(&scene).await;
    // Bob is named there just before Ada is here, so closely that nobody can say who was first.
    scene.azure.faults().push_next("deliver", Fault::Delay(CLEARLY_LATER));
    scene.assign_in_azure(item, &scene.bob);
    scene.advance(Duration::from_millis(1_500)).await;
    scene.assign_here(&group, &scene.ada).await;
    scene.settle().await;
    assert_eq!(scene.assignee_there(other).as_deref(), Some(scene.ada.address.as_str()), "it came first there");
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.bob).user));
    let before = scene.changes(&group).await;
    scene.advance(CLEARLY_LATER).await;
    scene.tenant.toggle_again(&scene, "inbound_assignee").await;
    scene.settle().await;
    assert_eq!(scene.changes(&group).await, before);
    scene.finish().await;
}
