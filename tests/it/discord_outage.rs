//! Discord that limits, refuses, fails or is silent: whatever happens, what is asked of it stays within its
//! documented limits, far from a ban, and in the end everything is said once.

use handoff_sandbox::azure::WorkItemKey;
use handoff_sandbox::discord::{LoggedRequest, OverwriteTarget, Permissions};
use handoff_sandbox::fault::Fault;
use handoff_tests::adapters::{BOT_TOKEN, CALL_TIMEOUT};
use handoff_tests::instance::Setup;
use handoff_tests::leftovers::Expected;
use handoff_tests::scene::{Group, Scene};
use std::time::Duration;

const SECOND_US: i64 = 1_000_000;
/// A bot's requests in a second, and the invalid ones in ten minutes (documentation, rate limits). We stop
/// at a tenth of the latter.
const GLOBAL: usize = 50;
const INVALID: usize = 1_000;

async fn many(scene: &Scene, count: usize) -> Vec<(WorkItemKey, Group)> {
    let mut groups = Vec::new();
    for n in 0..count {
        let title = format!("Number {n}");
        let item = scene.work_item(&title);
        let group = scene.tenant.group(scene, &title).await;
        scene.tenant.link(scene, &group, item).await;
        groups.push((item, group));
    }
    groups
}

/// The most requests of these that came within any `window_us`.
fn most_within(requests: &[LoggedRequest], window_us: i64) -> usize {
    let times: Vec<i64> = requests.iter().map(|request| request.at_us).collect();
    let within = |from: &i64| times.iter().filter(|at| (*from..*from + window_us).contains(at)).count();
    times.iter().map(within).max().unwrap_or_default()
}

fn kept_to_the_limits(scene: &Scene, what: &str) {
    let requests = scene.discord.requests();
    assert!(most_within(&requests, SECOND_US) <= GLOBAL, "{what}");
    let invalid = |request: &LoggedRequest| matches!(request.status, Some(401 | 403 | 429));
    let invalid: Vec<LoggedRequest> = requests.into_iter().filter(invalid).collect();
    assert!(most_within(&invalid, 600 * SECOND_US) < INVALID, "{what}: {}", invalid.len());
    assert_eq!(scene.discord.requests_during_cooldown(), 0, "{what}");
    assert!(!scene.discord.stats().is_banned, "{what}");
}

#[tokio::test]
async fn whatever_discord_answers_it_is_asked_within_its_limits_and_everything_is_said_in_the_end() {
    for fault in [
        Fault::RefuseBefore { status: 429 },
        Fault::RefuseBefore { status: 500 },
        Fault::RefuseBefore { status: 503 },
        Fault::RefuseBefore { status: 403 },
        Fault::RefuseBefore { status: 404 },
    ] {
        let scene = Scene::new().await;
        let groups = many(&scene, 6).await;
        scene.discord.faults().always("*", fault);
        for (item, _) in &groups {
            scene.assign_in_azure(*item, &scene.ada);
        }
        scene.azure.settle().await;
        for _ in 0..40 {
            scene.work().await;
            scene.advance(Duration::from_secs(15)).await;
        }
        kept_to_the_limits(&scene, &format!("{fault:?}"));
        scene.discord.faults().clear();
        scene.settle().await;
        let ada = scene.member(&scene.ada).discord;
        for (_, group) in &groups {
            assert!(scene.card(group).assignee.starts_with("Ada Lovelace"), "{fault:?}");
            assert_eq!(scene.mentioned(group), [ada], "{fault:?}");
        }
        kept_to_the_limits(&scene, &format!("{fault:?}"));
        scene.finish().await;
    }
}

#[tokio::test]
async fn what_was_done_without_an_answer_is_not_done_again() {
    for fault in [Fault::FailAfter { status: 502 }, Fault::Drop, Fault::Stall] {
        let patience = if fault == Fault::Stall { Duration::from_secs(1) } else { CALL_TIMEOUT };
        let scene = Scene::with(Setup { patience, ..Setup::default() }, |_| {}).await;
        let groups = many(&scene, 3).await;
        for operation in ["create_message", "edit_message"] {
            for _ in 0..3 {
                scene.discord.faults().push_next(operation, fault);
            }
        }
        for (item, _) in &groups {
            scene.assign_in_azure(*item, &scene.ada);
        }
        scene.settle().await;
        let ada = scene.member(&scene.ada).discord;
        for (_, group) in &groups {
            assert!(scene.card(group).assignee.starts_with("Ada Lovelace"), "{fault:?}");
            assert_eq!(scene.mentioned(group), [ada], "{fault:?}");
        }
        kept_to_the_limits(&scene, &format!("{fault:?}"));
        scene.finish().await;
    }
}

#[tokio::test]
async fn a_global_limit_and_one_that_others_used_up_are_waited_for() {
    let scene = Scene::new().await;
    let groups = many(&scene, 8).await;
    scene.discord.exhaust_global(scene.bot, Duration::from_secs(90));
    for (item, _) in &groups {
        scene.assign_in_azure(*item, &scene.ada);
    }
    scene.azure.settle().await;
    scene.work().await;
    scene.discord.exhaust_shared(scene.tenant.channel, Duration::from_secs(120));
    scene.settle().await;
    for (_, group) in &groups {
        assert!(scene.card(group).assignee.starts_with("Ada Lovelace"));
    }
    kept_to_the_limits(&scene, "exhausted");
    scene.finish().await;
}

#[tokio::test]
async fn a_channel_that_was_closed_to_the_bot_is_asked_a_few_times_and_not_once_for_each_card() {
    for is_deleted in [false, true] {
        let scene = Scene::new().await;
        let groups = many(&scene, 40).await;
        scene.azure.settle().await;
        if is_deleted {
            scene.discord.delete_channel(scene.tenant.channel).unwrap();
        } else {
            let bot = OverwriteTarget::Member(scene.bot);
            scene.discord.set_permissions(scene.tenant.channel, bot, Permissions::NONE, Permissions::ALL).unwrap();
        }
        let before = scene.discord.requests().len();
        scene.settle().await;
        let asked = scene.discord.requests().len() - before;
        assert!(asked < groups.len() / 2, "{asked}, {is_deleted}");
        kept_to_the_limits(&scene, "closed");
        let routes = format!("{}/projects/{}/routes", scene.tenant.at, scene.tenant.project);
        let route = &scene.api.list(&routes).await[0];
        assert_eq!(route["enabled"], false, "{route}");
        let dead = scene.api.list(&format!("{}/outbox?state=dead", scene.tenant.at)).await.len();
        scene.into_instance().finish_expecting(&Expected { dead_rows: dead, ..Expected::default() }).await;
    }
}

#[tokio::test]
async fn a_token_that_is_refused_is_hardly_used_and_what_waits_for_it_goes_out_when_it_is_accepted_again() {
    let scene = Scene::new().await;
    let groups = many(&scene, 6).await;
    scene.discord.revoke_token(BOT_TOKEN);
    scene.azure.settle().await;
    let before = scene.discord.requests().len();
    for _ in 0..60 {
        scene.work().await;
        scene.advance(Duration::from_secs(60)).await;
    }
    let asked = scene.discord.requests().len() - before;
    assert!((1..=groups.len() * 2).contains(&asked), "{asked}");
    kept_to_the_limits(&scene, "the token");
    let waiting = scene.api.list(&format!("{}/outbox?state=pending", scene.tenant.at)).await;
    assert_eq!(waiting.len(), groups.len(), "nothing is lost: it waits for a token");
    scene.discord.accept_token(BOT_TOKEN, scene.bot);
    scene.settle().await;
    for (_, group) in &groups {
        assert!(scene.card(group).assignee.starts_with("Nobody"));
    }
    kept_to_the_limits(&scene, "the token");
    scene.finish().await;
}
