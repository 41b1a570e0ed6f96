//! Routes: how a project's changes reach a channel, and what is said there when.
#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

use handoff_sandbox::azure::{SubscriptionStatus, WorkItemKey};
use handoff_sandbox::discord::{ChannelKind, OverwriteTarget, Permissions, SimMessage, Snowflake};
use handoff_sandbox::fault::Fault;
use handoff_tests::leftovers::Expected;
use handoff_tests::scene::{Group, Scene};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// The flag of a message that tells nobody's device (documentation, message flags).
const SUPPRESS_NOTIFICATIONS: u64 = 1 << 12;
const MINUTE: Duration = Duration::from_secs(60);

fn routes(scene: &Scene) -> String {
    format!("{}/projects/{}/routes", scene.tenant.at, scene.tenant.project)
}

/// The path of the scene's one route.
async fn route(scene: &Scene) -> String {
    let found = scene.api.list(&routes(scene)).await;
    format!("{}/routes/{}", scene.tenant.at, found[0]["id"].as_str().unwrap())
}

async fn patch(scene: &Scene, change: Value) -> Value {
    scene.api.change(Method::PATCH, &route(scene).await, change).await
}

/// What was said in the thread of the group's card.
fn thread(scene: &Scene, group: &Group) -> Vec<SimMessage> {
    scene.discord.messages(scene.card(group).message)
}

fn contents(messages: &[SimMessage]) -> Vec<&str> {
    messages.iter().map(|message| message.content.lines().next().unwrap_or_default()).collect()
}

/// The summaries in the channel. They mention nobody.
fn summaries(scene: &Scene) -> Vec<String> {
    let found = scene.discord.messages(scene.tenant.channel).into_iter();
    let found: Vec<SimMessage> = found.filter(|message| message.content.contains(" changed: ")).collect();
    for message in &found {
        assert!(message.mentions.is_empty() && message.pings.users.is_empty() && !message.mentions_everyone);
    }
    contents(&found).into_iter().map(str::to_owned).collect()
}

/// A linked group, told to nobody yet.
async fn quietly_linked(scene: &Scene, title: &str) -> (WorkItemKey, Group) {
    let item = scene.work_item(title);
    let group = scene.tenant.group(scene, title).await;
    scene.tenant.link(scene, &group, item).await;
    (item, group)
}

/// Does what is due, without going on to what is due later.
async fn work(scene: &Scene) {
    scene.azure.settle().await;
    for _ in 0..20 {
        if scene.work().await == 0 {
            return;
        }
    }
}

/// How a group is named in a message.
fn named(group: &Group) -> String {
    group.short_id.clone()
}

#[tokio::test]
async fn changes_are_told_in_the_thread_of_the_card_and_the_new_assignee_is_mentioned_there() {
    let scene = Scene::new().await;
    patch(&scene, json!({"mode": "thread"})).await;
    let (item, group) = scene.linked("**@everyone** <@1> `x`\u{202e}").await;
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    scene.unassign_in_azure(item);
    scene.settle().await;

    let ada = scene.member(&scene.ada);
    let told = thread(&scene, &group);
    let linked = format!("Linked with work item #{}", item.number);
    let to_ada = format!("Assignee: Ada Lovelace · <@{}>", ada.discord);
    assert_eq!(contents(&told), [linked.as_str(), &to_ada, "Assignee: Nobody"]);
    let notified: Vec<Snowflake> = told.iter().flat_map(|message| message.pings.users.iter().copied()).collect();
    assert_eq!(notified, [ada.discord]);
    assert_eq!(scene.card(&group).assignee, "Nobody");
    assert!(scene.pings(&group).is_empty(), "the channel itself has the card only");
    assert_eq!(scene.discord.messages(group.channel).len(), 1);
    scene.finish().await;
}

#[tokio::test]
async fn an_archived_thread_comes_back_and_for_a_locked_one_the_card_is_replied_to() {
    let scene = Scene::new().await;
    patch(&scene, json!({"mode": "thread"})).await;
    let (item, group) = scene.linked("The mill stops").await;
    let card = scene.card(&group).message;
    scene.discord.archive_thread(card, false).unwrap();
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    assert_eq!(thread(&scene, &group).len(), 2);
    scene.discord.archive_thread(card, true).unwrap();
    scene.unassign_in_azure(item);
    scene.settle().await;
    assert_eq!(thread(&scene, &group).len(), 2);
    let replies = scene.discord.messages(group.channel);
    let replies: Vec<SimMessage> = replies.into_iter().filter(|message| message.replies_to == Some(card)).collect();
    assert_eq!(contents(&replies), ["Assignee: Nobody"]);
    scene.finish().await;
}

#[tokio::test]
async fn in_a_server_that_has_all_the_threads_it_can_have_the_card_is_replied_to() {
    let scene = Scene::new().await;
    patch(&scene, json!({"mode": "thread"})).await;
    for n in 0..1_000 {
        scene.discord.add_thread(scene.tenant.channel, ChannelKind::PublicThread, &format!("Number {n}")).unwrap();
    }
    let (item, group) = scene.linked("The mill stops").await;
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    let ada = scene.member(&scene.ada);
    let replies = scene.discord.messages(group.channel);
    let replies: Vec<SimMessage> = replies.into_iter().filter(|message| message.replies_to.is_some()).collect();
    let linked = format!("Linked with work item #{}", item.number);
    assert_eq!(contents(&replies), [linked, format!("Assignee: Ada Lovelace · <@{}>", ada.discord)]);
    let card = scene.card(&group).message;
    assert!(replies.iter().all(|reply| reply.replies_to == Some(card)));
    scene.finish().await;
}

#[tokio::test]
async fn a_post_in_a_thread_whose_answer_is_lost_is_there_once() {
    for long in [false, true] {
        let scene = Scene::new().await;
        patch(&scene, json!({"mode": "thread"})).await;
        let (item, group) = scene.linked("The mill stops").await;
        scene.discord.faults().push_next("create_message", Fault::FailAfter { status: 500 });
        scene.assign_in_azure(item, &scene.ada);
        work(&scene).await;
        if long {
            scene.discord.faults().always("*", Fault::RefuseBefore { status: 503 });
            for _ in 0..8 {
                scene.advance(MINUTE).await;
                scene.work().await;
            }
            scene.discord.faults().clear();
        }
        scene.settle().await;
        assert_eq!(thread(&scene, &group).len(), 2, "the link and the assignment, {long}");
        scene.finish().await;
    }
}

#[tokio::test]
async fn a_group_that_a_route_is_not_about_has_no_card_until_it_is_and_then_keeps_it_up_to_date() {
    let scene = Scene::new().await;
    patch(&scene, json!({"filter": {"tags": ["Urgent"], "work_item_types": ["bug"]}})).await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    assert!(scene.discord.messages(group.channel).is_empty());
    let tag = |tags: &str| {
        let changed = scene.azure.update_work_item(item, |change| {
            change.set("System.Tags", tags);
        });
        assert!(changed.unwrap());
    };
    tag("late; urgent");
    scene.settle().await;
    assert!(scene.card(&group).assignee.starts_with("Ada Lovelace"));
    scene.assign_in_azure(item, &scene.bob);
    scene.settle().await;
    assert_eq!(scene.mentioned(&group), [scene.member(&scene.bob).discord]);
    tag("late");
    scene.assign_in_azure(item, &scene.cleo);
    scene.settle().await;
    assert!(scene.card(&group).assignee.starts_with("Cleo Nile"), "a card that is there is never stale");
    assert_eq!(scene.mentioned(&group).len(), 1, "and nobody is mentioned any more");
    scene.finish().await;
}

#[tokio::test]
async fn a_group_has_its_card_when_something_happens_that_the_route_tells_of() {
    let scene = Scene::new().await;
    patch(&scene, json!({"filter": {"events": ["assigned"]}})).await;
    let (item, group) = scene.linked("The mill stops").await;
    assert!(scene.discord.messages(group.channel).is_empty(), "it was made and linked, no more");
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    assert!(scene.card(&group).assignee.starts_with("Ada Lovelace"));
    assert_eq!(scene.mentioned(&group), [scene.member(&scene.ada).discord]);
    scene.finish().await;
}

#[tokio::test]
async fn in_quiet_hours_nobody_is_notified_and_one_summary_follows_when_they_end() {
    for mode in ["card_and_ping", "thread"] {
        let scene = Scene::new().await;
        // The scene is at 09:00 UTC, which is 10:00 in Berlin.
        let hours = json!({"from": "09:30", "to": "10:45", "time_zone": "Europe/Berlin"});
        let shown = patch(&scene, json!({"mode": mode, "quiet_hours": hours})).await;
        assert_eq!(shown["quiet_hours"], hours);
        let mut groups = Vec::new();
        for title in ["One", "Two"] {
            let (item, group) = quietly_linked(&scene, title).await;
            scene.assign_in_azure(item, &scene.ada);
            groups.push((item, group));
        }
        work(&scene).await;
        scene.assign_in_azure(groups[0].0, &scene.bob);
        work(&scene).await;
        let said = scene.discord.messages(scene.tenant.channel);
        assert_eq!(said.len(), 2, "{mode}: the cards alone");
        assert!(said.iter().all(|card| card.flags & SUPPRESS_NOTIFICATIONS != 0), "{mode}");
        assert!(scene.card(&groups[0].1).assignee.starts_with("Bob Ross"), "{mode}: cards show the present");
        scene.settle().await;
        let expected = format!("2 issues changed: {}, {}", named(&groups[0].1), named(&groups[1].1));
        assert_eq!(summaries(&scene), [expected], "{mode}");
        let told = scene.discord.messages(scene.tenant.channel);
        let end = handoff_tests::clock::START_US + 45 * 60 * 1_000_000;
        assert!(told.last().unwrap().created_us >= end, "{mode}");
        assert!(groups.iter().all(|(_, group)| thread(&scene, group).is_empty() && scene.pings(group).is_empty()));
        scene.assign_in_azure(groups[1].0, &scene.bob);
        scene.settle().await;
        assert_eq!(scene.pings(&groups[1].1).len() + thread(&scene, &groups[1].1).len(), 1, "{mode}: as usual again");
        scene.finish().await;
    }
}

#[tokio::test]
async fn quiet_hours_that_are_ended_early_let_the_summary_go_at_once() {
    let scene = Scene::new().await;
    patch(&scene, json!({"quiet_hours": {"from": "08:00", "to": "20:00", "time_zone": "UTC"}})).await;
    let (item, group) = quietly_linked(&scene, "One").await;
    scene.assign_in_azure(item, &scene.ada);
    work(&scene).await;
    assert!(summaries(&scene).is_empty());
    patch(&scene, json!({"quiet_hours": null})).await;
    work(&scene).await;
    assert_eq!(summaries(&scene), [format!("1 issue changed: {}", named(&group))]);
    scene.finish().await;
}

#[tokio::test]
async fn of_more_than_ten_changes_in_a_minute_the_rest_are_told_in_one_summary() {
    let scene = Scene::new().await;
    let mut groups = Vec::new();
    for n in 0..14 {
        groups.push(quietly_linked(&scene, &format!("Number {n}")).await);
    }
    scene.settle().await;
    for (item, _) in &groups {
        scene.assign_in_azure(*item, &scene.ada);
    }
    scene.settle().await;
    let pings: usize = groups.iter().map(|(_, group)| scene.pings(group).len()).sum();
    assert!((10..14).contains(&pings), "{pings}");
    let told = summaries(&scene);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with(&format!("{} issue", 14 - pings)), "{pings} {told:?}");
    assert!(groups.iter().all(|(_, group)| scene.card(group).assignee.starts_with("Ada Lovelace")));
    scene.finish().await;
}

#[tokio::test]
async fn what_a_reconcile_finds_is_told_in_one_summary_once_even_if_its_answer_is_lost() {
    let scene = Scene::new().await;
    let mut groups = Vec::new();
    for title in ["One", "Two", "Three"] {
        groups.push(scene.linked(title).await);
    }
    let hook = scene.hook("workitem.updated");
    scene.azure.set_subscription_status(hook, SubscriptionStatus::DisabledByUser).unwrap();
    for (item, _) in &groups {
        scene.assign_in_azure(*item, &scene.ada);
    }
    let projects = format!("{}/installations/{}/projects", scene.tenant.at, scene.tenant.installation);
    let again = json!({"azure_project": scene.board.project.to_string()});
    assert!(scene.api.call(Method::POST, &projects, &again).await.status < 300);
    work(&scene).await;
    assert!(groups.iter().all(|(_, group)| scene.card(group).assignee.starts_with("Ada Lovelace")));
    scene.discord.faults().push_next("create_message", Fault::FailAfter { status: 502 });
    scene.settle().await;
    let named: Vec<String> = groups.iter().map(|(_, group)| named(group)).collect();
    assert_eq!(summaries(&scene), [format!("3 issues changed: {}", named.join(", "))]);
    assert!(groups.iter().all(|(_, group)| scene.pings(group).is_empty()));
    let lost = Expected { hooks_in_trouble: true, ..Expected::default() };
    scene.into_instance().finish_expecting(&lost).await;
}

#[tokio::test]
async fn a_card_that_is_deleted_again_and_again_is_given_up_until_the_route_is_switched_on_anew() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    for (to, cards) in [(&scene.ada, 1), (&scene.bob, 0), (&scene.ada, 0)] {
        if let [card] = &scene.cards(&group)[..] {
            scene.discord.delete_message(group.channel, card.message).unwrap();
        }
        scene.assign_in_azure(item, to);
        scene.settle().await;
        assert_eq!(scene.cards(&group).len(), cards);
    }
    let at = route(&scene).await;
    let shown = scene.api.get(&at).await;
    assert_eq!((&shown["given_up_cards"], &shown["enabled"]), (&json!(1), &json!(true)));
    patch(&scene, json!({"enabled": false})).await;
    patch(&scene, json!({"enabled": true})).await;
    scene.settle().await;
    assert!(scene.card(&group).assignee.starts_with("Ada Lovelace"));
    assert_eq!(scene.api.get(&at).await["given_up_cards"], 0);
    scene.into_instance().finish_expecting(&Expected { dead_rows: 1, ..Expected::default() }).await;
}

#[tokio::test]
async fn a_card_that_is_deleted_an_hour_after_it_was_posted_again_is_posted_again() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    for to in [&scene.ada, &scene.bob, &scene.ada] {
        scene.discord.delete_message(group.channel, scene.card(&group).message).unwrap();
        scene.assign_in_azure(item, to);
        scene.settle().await;
        assert!(scene.card(&group).assignee.starts_with(&to.name));
        scene.advance(61 * MINUTE).await;
    }
    scene.finish().await;
}

#[tokio::test]
async fn a_lost_channel_switches_its_route_off_with_the_reason_and_no_other() {
    let scene = Scene::new().await;
    let other = scene.discord.add_channel(scene.tenant.guild, ChannelKind::Text, "also").unwrap();
    let everyone = OverwriteTarget::Everyone;
    let made = json!({"channel_id": other.to_string(), "mode": "card", "ids_only": false});
    scene.api.post(&routes(&scene), made).await;
    let (item, group) = scene.linked("The mill stops").await;
    let (bot, denied) = (OverwriteTarget::Member(scene.bot), Permissions::SEND_MESSAGES);
    let lost = || scene.discord.set_permissions(scene.tenant.channel, bot, Permissions::NONE, denied).unwrap();
    lost();
    scene.discord.set_permissions(scene.tenant.channel, everyone, Permissions::NONE, denied).unwrap();
    scene.discord.delete_message(group.channel, scene.card(&group).message).unwrap();
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    let at = route(&scene).await;
    let shown = scene.api.get(&at).await;
    assert_eq!(shown["enabled"], false);
    assert!(shown["disabled_reason"].as_str().unwrap().contains("Send Messages"), "{shown}");
    let elsewhere = Group { channel: other, ..group.clone() };
    assert!(scene.card(&elsewhere).assignee.starts_with("Ada Lovelace"));
    let refused = scene.api.call(Method::PATCH, &at, &json!({"enabled": true})).await;
    assert_eq!(refused.status, 422, "{}", refused.json);
    scene.discord.set_permissions(scene.tenant.channel, bot, Permissions::DEFAULT, Permissions::NONE).unwrap();
    patch(&scene, json!({"enabled": true})).await;
    scene.settle().await;
    assert!(scene.card(&group).assignee.starts_with("Ada Lovelace"));
    let rows = scene.api.list(&format!("{}/outbox?state=dead", scene.tenant.at)).await;
    let expected = Expected { dead_rows: rows.len(), ..Expected::default() };
    scene.into_instance().finish_expecting(&expected).await;
}

#[tokio::test]
async fn a_mode_is_refused_where_the_bot_lacks_the_rights_for_it_and_so_is_a_channel_of_another_kind() {
    let scene = Scene::new().await;
    let at = route(&scene).await;
    let bot = OverwriteTarget::Member(scene.bot);
    let denied = Permissions::CREATE_PUBLIC_THREADS;
    scene.discord.set_permissions(scene.tenant.channel, bot, Permissions::VIEW_CHANNEL, denied).unwrap();
    let refused = scene.api.call(Method::PATCH, &at, &json!({"mode": "thread"})).await;
    assert_eq!(refused.status, 422);
    assert!(refused.json["detail"].as_str().unwrap().contains("Create Public Threads"), "{}", refused.json);
    assert_eq!(scene.api.get(&at).await["mode"], "card_and_ping");
    for (kind, part) in [(ChannelKind::Voice, "voice channel"), (ChannelKind::Forum, "forum")] {
        let channel = scene.discord.add_channel(scene.tenant.guild, kind, "other").unwrap();
        let refused = json!({"channel_id": channel.to_string()});
        let refused = scene.api.call(Method::POST, &routes(&scene), &refused).await;
        assert_eq!(refused.status, 422);
        assert!(refused.json["detail"].as_str().unwrap().contains(part), "{}", refused.json);
    }
    scene.finish().await;
}

#[tokio::test]
async fn a_change_that_makes_no_sense_is_refused_with_the_reason_and_changes_nothing() {
    let scene = Scene::new().await;
    let at = route(&scene).await;
    let before = scene.api.get(&at).await;
    for (change, part) in [
        (json!({"mode": "loud"}), "loud"),
        (json!({"filter": {"tags": [""]}}), "tags"),
        (json!({"filter": {"colour": []}}), "colour"),
        (json!({"quiet_hours": {"from": "22:00", "to": "07:00", "time_zone": "Mars/Olympus"}}), "time_zone"),
        (json!({"quiet_hours": {"from": "22", "to": "07:00", "time_zone": "UTC"}}), "from"),
        (json!({"channel_id": "7"}), "channel_id"),
    ] {
        let answer = scene.api.call(Method::PATCH, &at, &change).await;
        assert!((400..500).contains(&answer.status), "{change}: {}", answer.json);
        assert!(answer.json.to_string().contains(part), "{change}: {}", answer.json);
    }
    assert_eq!(scene.api.get(&at).await, before);
    patch(&scene, json!({"quiet_hours": {"from": "22:00", "to": "07:00", "time_zone": "UTC"}})).await;
    assert_eq!(patch(&scene, json!({"quiet_hours": null})).await["quiet_hours"], Value::Null);
    scene.finish().await;
}

#[tokio::test]
async fn routes_are_listed_in_pages() {
    let scene = Scene::new().await;
    for n in 0..4 {
        let channel = scene.discord.add_channel(scene.tenant.guild, ChannelKind::Text, &format!("more-{n}")).unwrap();
        let made = scene.api.post(&routes(&scene), json!({"channel_id": channel.to_string()})).await;
        assert!(made["warning"].as_str().unwrap().contains("Everyone"));
    }
    let first = scene.api.call(Method::GET, &format!("{}?limit=3", routes(&scene)), &Value::Null).await;
    assert_eq!(first.json["items"].as_array().unwrap().len(), 3);
    assert!(first.header("link").contains("rel=\"next\""));
    assert_eq!(scene.api.list(&routes(&scene)).await.len(), 5);
    scene.finish().await;
}

#[tokio::test]
async fn who_links_their_account_is_shown_with_it_on_the_cards_that_are_there() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    let ada = scene.member(&scene.ada);
    let user = format!("{}/users/{}", scene.tenant.at, ada.user);
    scene.api.change(Method::PATCH, &user, json!({"discord_id": null})).await;
    scene.settle().await;
    assert_eq!(scene.card(&group).assignee, "Ada Lovelace");
    scene.api.change(Method::PATCH, &user, json!({"discord_id": ada.discord.to_string()})).await;
    scene.settle().await;
    assert_eq!(scene.card(&group).assignee, format!("Ada Lovelace · <@{}>", ada.discord));
    scene.finish().await;
}
