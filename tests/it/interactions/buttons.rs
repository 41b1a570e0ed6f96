//! The buttons of a card: who may use them, and what becomes of the card.

use handoff_sandbox::discord::{InteractionError, SimMessage};
use handoff_tests::instance::Instance;
use handoff_tests::scene::{Group, Scene, person};
use handoff_tests::sight::Change;
use handoff_tests::tenant::Tenant;
use reqwest::Method;
use serde_json::json;

/// The labels of a card's buttons.
fn labels(instance: &Instance, group: &Group) -> Vec<String> {
    let card = instance.card(group).message;
    let found = instance.discord.messages(group.channel).into_iter().find(|one: &SimMessage| one.id == card).unwrap();
    let buttons = found.components[0]["components"].as_array().unwrap();
    buttons.iter().map(|button| button["label"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn assign_to_me_gives_the_group_to_whoever_clicks_and_pings_nobody() {
    let scene = Scene::interactive().await;
    let (_, group) = scene.linked("The mill stops").await;
    assert_eq!(labels(&scene, &group), ["Assign to me", "Assign…", "Resolve", "Archive"]);
    let before = scene.card(&group);
    let answer = scene.press(&scene.ada, &group, "take").await.unwrap();
    assert_eq!(answer.kind, 6, "the card tells everybody, not a message of its own");
    scene.settle().await;

    let ada = scene.member(&scene.ada);
    assert_eq!(scene.changes(&group).await, [Change::to(ada.user, None)]);
    let card = scene.card(&group);
    assert_eq!((card.message, card.edits), (before.message, before.edits + 1));
    assert_eq!(card.assignee, format!("Ada Lovelace · <@{}>", ada.discord));
    assert!(scene.pings(&group).is_empty());
    let entry = scene.activities(&group).await.pop().unwrap();
    assert_eq!(entry["source"], json!({"from": "discord", "by": ada.user}));

    // Bob takes over; Ada is not asked, and nobody is mentioned.
    scene.press(&scene.bob, &group, "take").await.unwrap();
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.bob).user));
    assert!(scene.pings(&group).is_empty());
    scene.finish().await;
}

#[tokio::test]
async fn resolve_unresolve_and_archive_change_the_status_the_card_and_the_buttons() {
    let scene = Scene::interactive().await;
    let (_, group) = scene.linked("The mill stops").await;
    for (verb, status, buttons) in [
        ("resolve", "Resolved", ["Assign to me", "Assign…", "Unresolve", "Archive"].as_slice()),
        ("unresolve", "Unresolved", &["Assign to me", "Assign…", "Resolve", "Archive"]),
        ("archive", "Archived", &["Assign to me", "Assign…", "Unresolve"]),
        ("unresolve", "Unresolved", &["Assign to me", "Assign…", "Resolve", "Archive"]),
    ] {
        let edits = scene.card(&group).edits;
        assert_eq!(scene.press(&scene.ada, &group, verb).await.unwrap().kind, 6, "{verb}");
        scene.settle().await;
        let card = scene.card(&group);
        assert_eq!((card.status.as_str(), card.edits), (status, edits + 1));
        assert_eq!(labels(&scene, &group), buttons);
    }
    let entries = scene.activities(&group).await;
    let changed: Vec<_> = entries.iter().filter(|entry| entry["kind"] == "status_changed").collect();
    assert_eq!(changed.len(), 4);
    assert_eq!((&changed[0]["from"], &changed[0]["to"]), (&json!("unresolved"), &json!("resolved")));
    scene.finish().await;
}

#[tokio::test]
async fn the_second_of_two_who_click_the_same_is_told_so_and_nothing_happens_twice() {
    let scene = Scene::interactive().await;
    let (_, group) = scene.linked("The mill stops").await;
    let (first, second) =
        tokio::join!(scene.press(&scene.ada, &group, "resolve"), scene.press(&scene.bob, &group, "resolve"));
    let mut kinds = [first.unwrap().kind, second.unwrap().kind];
    kinds.sort_unstable();
    assert_eq!(kinds, [4, 6]);
    scene.settle().await;
    let entries = scene.activities(&group).await;
    assert_eq!(entries.iter().filter(|entry| entry["kind"] == "status_changed").count(), 1);
    scene.finish().await;
}

#[tokio::test]
async fn who_is_not_linked_is_shown_how_and_changes_nothing() {
    let scene = Scene::interactive().await;
    let (_, group) = scene.linked("The mill stops").await;
    let stranger = scene.stranger(scene.tenant.guild, scene.tenant.readers, "mallory");
    for verb in ["take", "assign", "resolve", "archive"] {
        let answer = scene.press_as(stranger, &group, verb).await.unwrap();
        assert_eq!(answer.kind, 4);
        assert!(answer.content().contains("/link"), "{answer:?}");
    }
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, None);
    assert_eq!(scene.card(&group).status, "Unresolved");
    scene.finish().await;
}

#[tokio::test]
async fn who_has_no_access_to_the_project_is_refused() {
    let mut scene = Scene::interactive().await;
    let (_, group) = scene.linked("The mill stops").await;
    // A member of the organization, in no team of the project.
    let dora = person(&scene, "Dora Outside");
    let outside = scene.add_user(&dora).await;
    let answer = scene.press_as(outside.discord, &group, "take").await.unwrap();
    assert!(answer.content().contains("no access"), "{answer:?}");
    // Who left the team a moment ago.
    let bob = scene.member(&scene.bob);
    let path = format!("{}/teams/{}/members/{}", scene.tenant.at, scene.tenant.team, bob.user);
    scene.api.change(Method::DELETE, &path, serde_json::Value::Null).await;
    let answer = scene.press(&scene.bob, &group, "resolve").await.unwrap();
    assert!(answer.content().contains("no access"), "{answer:?}");
    // Who is in the team, and inactive.
    scene.tenant.set_active(&scene, scene.member(&scene.ada), false).await;
    let answer = scene.press(&scene.ada, &group, "take").await.unwrap();
    assert!(answer.content().contains("inactive"), "{answer:?}");
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, None);
    assert_eq!(scene.card(&group).status, "Unresolved");
    scene.finish().await;
}

#[tokio::test]
async fn another_organizations_group_is_not_even_named() {
    let scene = Scene::interactive().await;
    let (_, ours) = scene.linked("The mill stops").await;
    let globex = Tenant::set_up(&scene, &scene.board, "Globex").await;
    let secret = globex.group(&scene, "Our secret mill").await;
    scene.settle().await;
    // Bob of ours is let into their guild; he clicks their card there, and types their short id here.
    let bob = scene.member(&scene.bob);
    scene.discord.add_member(globex.guild, bob.discord).unwrap();
    scene.discord.give_role(globex.guild, bob.discord, globex.readers).unwrap();
    let there = scene.press_as(bob.discord, &secret, "take").await.unwrap();
    assert!(there.content().contains("no access"), "{there:?}");
    let absent = scene.types(&scene.bob, "issue", &[("issue", "NOTHING-1")]).await;
    // Their group by its id, with a button that is signed as if it were on a card of ours.
    let mut forged: serde_json::Value =
        serde_json::from_str(&scene.press(&scene.bob, &ours, "resolve").await.unwrap().request).unwrap();
    forged["id"] = json!((forged["id"].as_str().unwrap().parse::<u64>().unwrap() + 1).to_string());
    forged["data"]["custom_id"] = json!(format!("take:{}", secret.id));
    let answer = scene.discord.send_raw(&scene.discord.signed(forged.to_string().as_bytes())).await.unwrap();
    assert_eq!(answer.json["data"], absent.data);
    let theirs = scene.api.get(&secret.at).await;
    assert!(theirs["assignee"].is_null());
    scene.settle().await;
    scene.finish().await;
}

#[tokio::test]
async fn a_private_card_is_brought_up_to_date_by_its_own_buttons() {
    let scene = Scene::interactive().await;
    let (_, group) = scene.linked("The mill stops").await;
    let shown = scene.types(&scene.ada, "issue", &[("issue", &group.short_id)]).await;
    let private = shown.message.unwrap();
    let ada = scene.member(&scene.ada).discord;
    let answer = scene.discord.click(ada, private, &format!("resolve:{}", group.id)).await.unwrap();
    assert_eq!(answer.kind, 7);
    let now = scene.discord.private_messages(ada).pop().unwrap();
    let status = now.embeds[0]["fields"].as_array().unwrap().iter().find(|field| field["name"] == "Status").unwrap();
    assert_eq!(status["value"], "Resolved");
    // Nobody else can click there, and what it offered before is gone.
    let bob = scene.member(&scene.bob).discord;
    let refused = scene.discord.click(bob, private, &format!("archive:{}", group.id)).await;
    assert_eq!(refused, Err(InteractionError::NotVisible));
    let gone = scene.discord.click(ada, private, &format!("resolve:{}", group.id)).await;
    assert!(matches!(gone, Err(InteractionError::NothingToClick(_))));
    scene.settle().await;
    assert_eq!(scene.card(&group).status, "Resolved");
    scene.finish().await;
}
