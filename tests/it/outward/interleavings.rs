//! The hard interleavings of two sides that change one thing at the same time.

use super::outward;
use handoff_domain::outbox::Lane;
use handoff_sandbox::fault::Fault;
use handoff_tests::scene::Scene;
use handoff_tests::sight::Change;
use std::time::Duration;

/// How far apart two clocks are taken to be at the most, and more.
const CLEARLY_LATER: Duration = Duration::from_secs(10);

#[tokio::test]
async fn the_echo_of_our_write_that_arrives_before_its_answer_is_ours_and_changes_nothing() {
    let scene = outward().await;
    let (item, group) = scene.linked("The mill stops").await;
    let before = scene.item(item).rev;
    // It takes effect, and its event arrives; its answer never does.
    scene.azure.faults().push_next("patch_work_item", Fault::Drop);
    scene.assign_here(&group, &scene.ada).await;
    scene.settle().await;
    let ada = scene.member(&scene.ada);
    assert_eq!(scene.assignee_there(item).as_deref(), Some(scene.ada.address.as_str()));
    assert_eq!(scene.item(item).rev, before + 1, "written once");
    assert_eq!(scene.changes(&group).await, [Change::to(ada.user, None)], "told once");
    assert_eq!(scene.mentioned(&group), [ada.discord]);
    scene.finish().await;
}

#[tokio::test]
async fn a_second_decision_while_the_first_is_in_flight_is_written_after_it_and_stands() {
    let scene = outward().await;
    let (item, group) = scene.linked("The mill stops").await;
    let before = scene.item(item).rev;
    scene.azure.faults().push_next("patch_work_item", Fault::Drop);
    scene.assign_here(&group, &scene.ada).await;
    // The first is written, but not heard of; the second is decided a moment later, well within what two
    // clocks may differ by.
    scene.work().await;
    assert_eq!(scene.item(item).rev, before + 1);
    scene.assign_here(&group, &scene.bob).await;
    scene.settle().await;
    let (ada, bob) = (scene.member(&scene.ada), scene.member(&scene.bob));
    assert_eq!(scene.assignee_there(item).as_deref(), Some(scene.bob.address.as_str()));
    assert_eq!(scene.item(item).rev, before + 2);
    assert_eq!(scene.changes(&group).await, [Change::to(ada.user, None), Change::to(bob.user, Some(ada.user))]);
    scene.finish().await;
}

#[tokio::test]
async fn a_title_edited_in_azure_while_our_write_waits_undoes_no_decision() {
    let scene = outward().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.assign_in_azure(item, &scene.bob);
    scene.settle().await;
    scene.azure.faults().push_next("patch_work_item", Fault::RefuseBefore { status: 503 });
    scene.advance(CLEARLY_LATER).await;
    scene.assign_here(&group, &scene.ada).await;
    scene.work().await;
    scene.advance(CLEARLY_LATER).await;
    // Bob is named once more in this revision, though nobody assigned him.
    scene.set_there(item, "System.Title", "The mill stands");
    scene.settle().await;
    assert_eq!(scene.assignee_there(item).as_deref(), Some(scene.ada.address.as_str()));
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user));
    assert_eq!(scene.item(item).title, "The mill stands");
    scene.finish().await;
}

#[tokio::test]
async fn somebody_unknown_set_in_azure_while_our_write_waits_keeps_the_item_and_the_group_its_own() {
    let scene = outward().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.azure.faults().push_next("patch_work_item", Fault::RefuseBefore { status: 503 });
    scene.assign_here(&group, &scene.ada).await;
    scene.work().await;
    scene.advance(CLEARLY_LATER).await;
    scene.assign_in_azure(item, &scene.zoe);
    scene.settle().await;
    let ada = scene.member(&scene.ada);
    assert_eq!(scene.assignee_there(item).as_deref(), Some(scene.zoe.address.as_str()), "what waited is withdrawn");
    assert_eq!(scene.assignee(&group).await, Some(ada.user));
    assert!(scene.card(&group).work_items.contains("not mapped"), "{}", scene.card(&group).work_items);

    // What is decided from then on is told again.
    scene.assign_here(&group, &scene.bob).await;
    scene.settle().await;
    assert_eq!(scene.assignee_there(item).as_deref(), Some(scene.bob.address.as_str()));
    scene.finish().await;
}

#[tokio::test]
async fn of_two_groups_of_one_item_that_decide_differently_the_later_wins_everywhere() {
    let scene = outward().await;
    let (item, first) = scene.linked("The mill stops").await;
    let second = scene.tenant.group(&scene, "The same in another place").await;
    scene.tenant.link(&scene, &second, item).await;
    scene.settle().await;
    let before = scene.item(item).rev;
    scene.assign_here(&first, &scene.ada).await;
    scene.assign_here(&second, &scene.bob).await;
    scene.settle().await;
    let (ada, bob) = (scene.member(&scene.ada), scene.member(&scene.bob));
    assert_eq!(scene.assignee_there(item).as_deref(), Some(scene.bob.address.as_str()));
    assert_eq!(scene.changes(&first).await, [Change::to(ada.user, None), Change::to(bob.user, Some(ada.user))]);
    assert_eq!(scene.changes(&second).await, [Change::to(bob.user, None)]);
    assert_eq!(scene.item(item).rev, before + 1, "only the later was written");
    scene.finish().await;
}

#[tokio::test]
async fn a_sender_stopped_past_its_lease_that_wakes_up_changes_nothing_that_was_decided_since() {
    let scene = outward().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.assign_here(&group, &scene.ada).await;
    let now = scene.ports.clock.now();
    let lease_until = now.plus(Duration::from_secs(60));
    let stopped = scene.ports.outbox.claim(Lane::Tracker, now, lease_until, 1).await.unwrap();
    let mut before = None;
    assert_eq!(stopped.len(), 1);
    scene.advance(Duration::from_secs(120)).await;
    scene.assign_here(&group, &scene.bob).await;
    scene.settle().await;
    before.replace((scene.item(item).rev, scene.changes(&group).await));
    assert_eq!(scene.assignee_there(item).as_deref(), Some(scene.bob.address.as_str()));

    scene.running().workers().carry_out.carry_out(&stopped[0]).await.unwrap();
    scene.settle().await;
    assert_eq!(before, Some((scene.item(item).rev, scene.changes(&group).await)));
    assert_eq!(scene.assignee_there(item).as_deref(), Some(scene.bob.address.as_str()));
    scene.finish().await;
}

/// A decision here of which Azure DevOps forgot, since it was restored from a backup.
async fn forgotten_by_azure(read_again: impl AsyncFn(&Scene)) {
    let scene = outward().await;
    let (item, group) = scene.linked("The mill stops").await;
    let before = scene.item(item).rev;
    scene.advance(CLEARLY_LATER).await;
    scene.assign_here(&group, &scene.ada).await;
    scene.settle().await;
    scene.advance(CLEARLY_LATER).await;
    scene.restore_there(item, before);
    assert_eq!(scene.assignee_there(item), None);
    read_again(&scene).await;
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user), "what was decided here stands");
    assert_eq!(scene.assignee_there(item).as_deref(), Some(scene.ada.address.as_str()), "and is told again");
    let kinds = scene.activities(&group).await;
    assert!(kinds.iter().any(|entry| entry["kind"] == "mirror_rewound"), "{kinds:?}");
    scene.finish().await;
}

#[tokio::test]
async fn a_server_restored_to_an_older_revision_is_told_again_what_was_decided_here() {
    forgotten_by_azure(async |scene| {
        // Anything that reads the item: here, a toggle that is switched on.
        scene.tenant.toggle_again(scene, "inbound_assignee").await;
    })
    .await;
}
