//! Deliveries come late, twice, in any order or not at all, and workers die: what a group ends with is
//! what it would have had in order, each change is told once.
#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

mod history;

use handoff_sandbox::azure::{Changes, ReleaseOrder, WorkItemKey};
use handoff_sandbox::fault::Fault;
use handoff_tests::instance::Setup;
use handoff_tests::scene::{Group, Scene};
use handoff_tests::sight::Change;
use std::time::Duration;

#[tokio::test]
async fn the_same_delivery_ten_times_is_applied_once() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.azure.faults().push_next("deliver", Fault::Duplicate(10));
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;

    let ada = scene.member(&scene.ada);
    assert_eq!(scene.changes(&group).await, [Change::to(ada.user, None)]);
    assert_eq!(scene.mentioned(&group), [ada.discord]);
    let deliveries = scene.tenant.deliveries(&scene, "applied").await;
    assert_eq!(deliveries.len(), 1);
    assert_eq!(deliveries[0]["duplicates"], 9);
    scene.finish().await;
}

#[tokio::test]
async fn a_delivery_that_comes_again_after_it_was_applied_says_nothing() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    scene.unassign_in_azure(item);
    scene.settle().await;
    let before = (scene.changes(&group).await, scene.card(&group), scene.pings(&group));
    let hook = scene.hook("workitem.updated");
    for notification in scene.azure.notifications(hook) {
        scene.azure.deliver_raw(hook, notification.body).unwrap();
        scene.settle().await;
    }
    assert_eq!((scene.changes(&group).await, scene.card(&group), scene.pings(&group)), before);
    assert_eq!(scene.tenant.delivery_states(&scene).await, [("applied".to_owned(), 2)].into());
    scene.finish().await;
}

/// Ten revisions, the last of which gives the work item to Bob.
async fn ten_revisions(scene: &Scene, item: WorkItemKey) {
    let people = [Some(&scene.ada), Some(&scene.bob), None, Some(&scene.cleo), Some(&scene.ada)];
    for (n, who) in people.into_iter().chain([None, Some(&scene.cleo)]).enumerate() {
        scene.advance(Duration::from_secs(1)).await;
        match who {
            Some(who) => scene.assign_in_azure(item, who),
            None => scene.unassign_in_azure(item),
        }
        if n % 3 == 0 {
            let title = format!("The mill stops, again ({n})");
            let retitle = |change: &mut Changes| {
                change.title(&title);
            };
            scene.azure.update_work_item(item, retitle).unwrap();
        }
    }
}

/// What a group ends with, without what differs between any two groups.
async fn ending(scene: &Scene, item: WorkItemKey, group: &Group) -> (Option<i64>, String, String) {
    let card = scene.card(group);
    let number = format!("[#{}]", item.number);
    let (_, work_item) = card.work_items.split_once(") ").unwrap();
    assert!(card.work_items.starts_with(&number), "{card:?}");
    (scene.assignee(group).await, card.assignee, work_item.to_owned())
}

#[tokio::test]
async fn ten_revisions_in_any_order_end_like_ten_in_order() {
    let scene = Scene::new().await;
    let (in_order, twin) = scene.linked("The mill stops").await;
    ten_revisions(&scene, in_order).await;
    scene.settle().await;
    let expected = ending(&scene, in_order, &twin).await;
    assert_eq!(expected.0, Some(scene.member(&scene.cleo).user));
    assert_eq!(scene.changes(&twin).await.len(), 7);

    let orders = [
        ReleaseOrder::Reversed,
        ReleaseOrder::Permutation(vec![9, 0, 5, 1, 8, 2, 7, 3, 6, 4]),
        ReleaseOrder::Permutation(vec![4, 4, 2, 8, 9, 9, 0, 0, 1]),
        ReleaseOrder::Permutation(vec![1, 0, 3, 2, 5, 4, 7, 6, 9, 8]),
    ];
    for order in orders {
        let (item, group) = scene.linked("The mill stops").await;
        scene.azure.hold_deliveries();
        ten_revisions(&scene, item).await;
        assert_eq!(scene.azure.held_deliveries(), 10);
        scene.azure.release_deliveries(&order);
        scene.settle().await;
        assert_eq!(ending(&scene, item, &group).await, expected, "{order:?}");
        history::assert_told_once(&scene, &group).await;
    }
    scene.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_of_many_work_items_at_once_each_end_right() {
    let setup = Setup { concurrent_deliveries: 32, ..Setup::default() };
    let scene = Scene::with(setup, |_| {}).await;
    let mut all = Vec::new();
    for n in 0..25 {
        all.push(scene.linked(&format!("Symptom {n}")).await);
    }
    scene.azure.hold_deliveries();
    for (item, _) in &all {
        for who in [&scene.ada, &scene.bob, &scene.cleo, &scene.ada] {
            scene.assign_in_azure(*item, who);
        }
    }
    scene.azure.release_deliveries(&ReleaseOrder::Reversed);
    scene.settle().await;
    let ada = scene.member(&scene.ada);
    for (_, group) in &all {
        assert_eq!(scene.assignee(group).await, Some(ada.user));
        assert!(scene.card(group).assignee.starts_with("Ada Lovelace"), "{:?}", scene.card(group));
        history::assert_told_once(&scene, group).await;
    }
    let states = scene.tenant.delivery_states(&scene).await;
    assert_eq!(states.values().sum::<usize>(), 100, "{states:?}");
    scene.finish().await;
}

#[tokio::test]
async fn a_server_restored_from_a_backup_is_believed_once_it_is_read_twice() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    for who in [&scene.ada, &scene.bob, &scene.cleo] {
        scene.assign_in_azure(item, who);
        scene.settle().await;
    }
    scene.azure.restore_work_item_to_older_revision(item, 2).unwrap();
    scene.azure.deliver_raw(scene.hook("workitem.updated"), "garbled").unwrap();
    scene.settle().await;
    let ada = scene.member(&scene.ada);
    assert_eq!(scene.assignee(&group).await, Some(ada.user));
    // From here on it counts anew, with revisions and updates that were there before.
    scene.assign_in_azure(item, &scene.bob);
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.bob).user));
    scene.finish().await;
}
