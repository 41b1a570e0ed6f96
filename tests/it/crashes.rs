//! Workers that run beside each other, die, or are stopped: nothing is lost, and nothing is told twice.
#![expect(clippy::unwrap_used, clippy::panic, reason = "these are tests, helpers included")]
#![expect(clippy::print_stdout, reason = "whoever reads of a failure needs the seed and the program's last words")]

mod deletion;
mod discord;
mod held;
mod killed;
mod outages;
mod theatre;

use handoff_domain::port::Clock;
use handoff_sandbox::azure::WorkItemKey;
use handoff_tests::instance::Setup;
use handoff_tests::scene::{Group, Scene};
use handoff_tests::sight::Change;
use handoff_worker::Workers;
use std::time::Duration;

async fn many(scene: &Scene, count: usize) -> Vec<(WorkItemKey, Group)> {
    let mut all = Vec::new();
    for n in 0..count {
        all.push(scene.linked(&format!("Symptom {n}")).await);
    }
    all
}

/// It was given to Ada and nobody else, shown so, and told her once.
async fn assert_adas(scene: &Scene, group: &Group) {
    let ada = scene.member(&scene.ada);
    assert_eq!(scene.changes(group).await, [Change::to(ada.user, None)]);
    assert!(scene.card(group).assignee.starts_with("Ada Lovelace · "), "{:?}", scene.card(group));
    assert_eq!(scene.mentioned(group), [ada.discord]);
}

/// Each was given to Ada and is shown so, and each was told once: by a mention, or, where it was too much for
/// a minute, in a summary.
async fn assert_all_adas(scene: &Scene, groups: &[&Group]) {
    let ada = scene.member(&scene.ada);
    let mut mentions = 0;
    for group in groups {
        assert_eq!(scene.changes(group).await, [Change::to(ada.user, None)]);
        assert!(scene.card(group).assignee.starts_with("Ada Lovelace · "), "{:?}", scene.card(group));
        let mentioned = scene.mentioned(group);
        assert!(mentioned.is_empty() || mentioned == [ada.discord], "{mentioned:?}");
        mentions += mentioned.len();
    }
    let said = scene.discord.messages(scene.tenant.channel);
    let counted = said.iter().filter_map(|message| message.content.split_once(" changed: ")?.0.split_once(' '));
    let gathered: usize = counted.map(|(count, _)| count.parse::<usize>().unwrap()).sum();
    assert!(mentions >= 10, "{mentions}");
    assert_eq!(mentions + gathered, groups.len());
}

/// Looks for work again and again, however often there is none.
async fn eager(worker: &Workers) -> usize {
    let mut done = 0;
    for _ in 0..100 {
        done += worker.run_until_idle().await.unwrap();
        tokio::task::yield_now().await;
    }
    done
}

#[tokio::test]
async fn two_workers_at_once_share_the_work_and_double_none_of_it() {
    two_workers(Setup::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_at_once_share_the_work_on_postgresql_and_double_none_of_it() {
    if let Some(setup) = Setup::on_postgres().await {
        two_workers(setup).await;
    }
}

async fn two_workers(setup: Setup) {
    let scene = Scene::with(setup, |_| {}).await;
    let all = many(&scene, 20).await;
    for (item, _) in &all {
        scene.assign_in_azure(*item, &scene.ada);
    }
    scene.azure.settle().await;
    let (one, other) = (scene.another_replica(), scene.another_replica());
    let both = async { tokio::join!(eager(&one), eager(&other)) };
    let (first, second) = scene.clock.moving(both).await;
    assert!(first > 0 && second > 0, "{first} {second}");
    // One delivery each, one card, one mention; a few of these are gathered for a summary, which is one row more.
    assert!(first + second >= 3 * all.len(), "{first} {second}");
    scene.settle().await;
    assert_all_adas(&scene, &all.iter().map(|(_, group)| group).collect::<Vec<_>>()).await;
    scene.finish().await;
}

#[tokio::test]
async fn what_a_worker_had_in_hand_when_it_died_is_done_when_its_leases_run_out() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.assign_in_azure(item, &scene.ada);
    scene.azure.settle().await;
    assert_eq!(scene.die_with_deliveries().await, 1);
    assert_eq!(scene.work().await, 0, "the lease is not over");
    assert_eq!(scene.assignee(&group).await, None);

    scene.advance(Duration::from_secs(31)).await;
    let worker = scene.another_replica();
    let now = scene.clock.now();
    let claimed = scene.ports.inbox.claim(now, now.plus(Duration::from_secs(30)), 64).await.unwrap();
    worker.apply.handle_updated_workitem(&claimed).await.unwrap();
    assert_eq!(scene.die_with_tasks().await, 2, "the card and the mention");
    assert_eq!(scene.work().await, 0, "the leases are not over");
    assert!(scene.pings(&group).is_empty());
    scene.advance(Duration::from_secs(121)).await;
    scene.settle().await;
    assert_adas(&scene, &group).await;
    scene.finish().await;
}

#[tokio::test]
async fn a_worker_that_comes_back_from_the_dead_with_an_old_lease_changes_nothing() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.assign_in_azure(item, &scene.ada);
    scene.azure.settle().await;
    let now = scene.clock.now();
    let lease = Duration::from_secs(30);
    let stale = scene.ports.inbox.claim(now, now.plus(lease), 64).await.unwrap();
    scene.advance(Duration::from_secs(31)).await;
    scene.settle().await;
    scene.assign_in_azure(item, &scene.bob);
    scene.settle().await;
    let before = (scene.changes(&group).await, scene.card(&group), scene.pings(&group));
    scene.another_replica().apply.handle_updated_workitem(&stale).await.unwrap();
    scene.settle().await;
    assert_eq!((scene.changes(&group).await, scene.card(&group), scene.pings(&group)), before);
    scene.finish().await;
}

#[tokio::test]
async fn wherever_a_worker_dies_the_next_one_finishes_without_saying_anything_twice() {
    dying_everywhere(Setup::default(), 1).await;
}

#[tokio::test]
async fn wherever_a_worker_on_postgresql_dies_the_next_one_finishes_without_saying_anything_twice() {
    if let Some(setup) = Setup::on_postgres().await {
        dying_everywhere(setup, 5).await;
    }
}

/// Of the points where a worker may die, every so many-th.
async fn dying_everywhere(setup: Setup, step: usize) {
    let scene = Scene::with(setup, |_| {}).await;
    for waits in (0..48).step_by(step) {
        let item = scene.work_item(&format!("Dying after {waits}"));
        let group = scene.tenant.group(&scene, "The mill stops").await;
        scene.tenant.link(&scene, &group, item).await;
        scene.assign_in_azure(item, &scene.ada);
        scene.azure.settle().await;
        scene.work_and_die(waits).await;
        scene.settle().await;
        assert_adas(&scene, &group).await;
    }
    scene.finish().await;
}

#[tokio::test]
async fn an_instance_that_is_stopped_in_the_middle_leaves_the_rest_to_the_next() {
    let mut scene = Scene::new().await;
    let all = many(&scene, 8).await;
    for (item, _) in &all {
        scene.assign_in_azure(*item, &scene.ada);
    }
    // While deliveries are under way.
    scene.instance_mut().restart().await;
    scene.advance(Duration::from_secs(200)).await;
    scene.work_and_die(9).await;
    scene.instance_mut().restart().await;
    scene.settle().await;
    for (_, group) in &all {
        assert_adas(&scene, group).await;
    }
    scene.finish().await;
}
