//! Discord that fails in the middle: a message whose answer was lost is found again, not doubled, and
//! limits are kept to.

use super::{assert_adas, assert_all_adas};
use handoff_sandbox::fault::Fault;
use handoff_tests::instance::Setup;
use handoff_tests::scene::{Group, Scene};
use std::time::Duration;

/// A linked group whose card is not sent yet, given to Ada at the same time.
async fn waiting(scene: &Scene) -> Group {
    let item = scene.work_item("The mill stops");
    let group = scene.tenant.group(scene, "The mill stops").await;
    scene.tenant.link(scene, &group, item).await;
    scene.assign_in_azure(item, &scene.ada);
    scene.azure.settle().await;
    group
}

#[tokio::test]
async fn a_message_whose_answer_is_lost_is_not_sent_twice_within_the_life_of_its_nonce() {
    for fault in [Fault::FailAfter { status: 500 }, Fault::FailAfter { status: 502 }, Fault::Drop] {
        let scene = Scene::new().await;
        // The first is the card's or the mention's; the second the other's.
        scene.discord.faults().push_next("create_message", fault);
        scene.discord.faults().push_next("create_message", fault);
        let group = waiting(&scene).await;
        scene.settle().await;
        assert_adas(&scene, &group).await;
        assert!(scene.discord.request_count("create_message") >= 4, "{fault:?}");
        scene.finish().await;
    }
}

#[tokio::test]
async fn a_message_whose_answer_is_lost_is_found_in_the_history_when_its_nonce_is_forgotten() {
    for reads_show_nonce in [true, false] {
        let setup = Setup { reads_show_nonce, ..Setup::default() };
        found_in_the_history(Scene::with(setup, |_| {}).await).await;
    }
}

async fn found_in_the_history(scene: Scene) {
    for _ in 0..2 {
        scene.discord.faults().push_next("create_message", Fault::FailAfter { status: 500 });
    }
    let group = waiting(&scene).await;
    scene.work().await;
    assert_eq!(scene.discord.messages(group.channel).len(), 2, "both are there, and we do not know it");
    // Discord remembers a nonce for some minutes.
    scene.discord.faults().always("get_messages", Fault::RefuseBefore { status: 503 });
    scene.discord.faults().always("create_message", Fault::RefuseBefore { status: 503 });
    for _ in 0..10 {
        scene.advance(Duration::from_secs(60)).await;
        scene.work().await;
    }
    scene.discord.faults().clear();
    scene.settle().await;
    assert_adas(&scene, &group).await;
    assert_eq!(scene.discord.messages(group.channel).len(), 2);
    assert!(scene.discord.request_count("get_messages") > 0);
    scene.finish().await;
}

#[tokio::test]
async fn an_edit_whose_answer_is_lost_is_made_again_and_shows_the_present() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    for fault in [Fault::Drop, Fault::FailAfter { status: 503 }, Fault::RefuseBefore { status: 500 }] {
        scene.discord.faults().push_next("edit_message", fault);
    }
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    assert_adas(&scene, &group).await;
    scene.finish().await;
}

#[tokio::test]
async fn a_card_that_somebody_deleted_is_posted_anew_with_the_next_change() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    let before = scene.card(&group);
    scene.discord.delete_message(group.channel, before.message).unwrap();
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    assert_adas(&scene, &group).await;
    assert_ne!(scene.card(&group).message, before.message);
    scene.finish().await;
}

#[tokio::test]
async fn a_limited_channel_or_bot_is_waited_for_and_asked_no_earlier() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.discord.exhaust_shared(group.channel, Duration::from_secs(45));
    scene.assign_in_azure(item, &scene.ada);
    scene.azure.settle().await;
    scene.work().await;
    assert_eq!(scene.card(&group).assignee, "Nobody");
    scene.settle().await;
    assert_adas(&scene, &group).await;

    let (item, group) = scene.linked("It stops again").await;
    scene.discord.exhaust_global(scene.bot, Duration::from_secs(20));
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    assert_adas(&scene, &group).await;
    scene.finish().await;
}

#[tokio::test]
async fn who_gets_a_group_back_before_the_first_mention_went_out_is_mentioned_once() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.discord.exhaust_shared(group.channel, Duration::from_secs(45));
    for who in [&scene.ada, &scene.bob, &scene.ada] {
        scene.assign_in_azure(item, who);
        scene.azure.settle().await;
        scene.work().await;
    }
    assert!(scene.pings(&group).is_empty());
    scene.settle().await;
    assert_eq!(scene.changes(&group).await.len(), 3);
    assert_eq!(scene.mentioned(&group), [scene.member(&scene.ada).discord]);
    scene.finish().await;
}

#[tokio::test]
async fn forty_groups_at_once_in_one_channel_are_all_told_within_discords_limits() {
    let scene = Scene::new().await;
    let mut all = Vec::new();
    for _ in 0..40 {
        all.push(waiting(&scene).await);
    }
    scene.settle().await;
    assert_all_adas(&scene, &all.iter().collect::<Vec<_>>()).await;
    assert_eq!(scene.discord.requests_during_cooldown(), 0);
    scene.finish().await;
}

#[tokio::test]
async fn a_channel_that_may_not_be_written_to_any_more_switches_its_route_off_and_holds_up_nothing_else() {
    use handoff_sandbox::discord::{OverwriteTarget, Permissions};
    use handoff_tests::leftovers::Expected;
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    let bot = OverwriteTarget::Member(scene.bot);
    scene.discord.set_permissions(group.channel, bot, Permissions::NONE, Permissions::ALL).unwrap();
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user));
    let routes = scene.api.list(&format!("{}/projects/{}/routes", scene.tenant.at, scene.tenant.project)).await;
    assert_eq!(routes[0]["enabled"], false);
    assert!(routes[0]["disabled_reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{routes:?}");

    scene.assign_in_azure(item, &scene.bob);
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.bob).user));
    let dead = scene.api.list(&format!("{}/outbox?state=dead", scene.tenant.at)).await;
    assert!(!dead.is_empty() && dead.iter().all(|row| row["reason"].is_string()), "{dead:?}");
    scene.into_instance().finish_expecting(&Expected { dead_rows: dead.len(), ..Expected::default() }).await;
}
