//! Assign…: a choice of a few, a search among many.

use handoff_sandbox::discord::{Answered, InteractionError};
use handoff_tests::scene::{Group, Scene};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

async fn more_members(scene: &Scene, names: impl Iterator<Item = String>) {
    for name in names {
        // There are sixteen ids in a second.
        scene.advance(Duration::from_secs(1)).await;
        let made = scene.api.post(&format!("{}/users", scene.tenant.at), json!({"name": name})).await;
        let path = format!("{}/teams/{}/members/{}", scene.tenant.at, scene.tenant.team, made["id"]);
        scene.api.change(Method::PUT, &path, Value::Null).await;
    }
}

fn names(answer: &Answered) -> Vec<String> {
    answer.options().into_iter().map(|(label, _)| label).collect()
}

async fn choose(scene: &Scene, answer: &Answered, group: &Group, name: &str) -> Answered {
    let (_, value) = answer.options().into_iter().find(|(label, _)| label == name).unwrap();
    let ada = scene.member(&scene.ada).discord;
    scene.discord.choose(ada, answer.message.unwrap(), &format!("pick:{}", group.id), &value).await.unwrap()
}

#[tokio::test]
async fn a_few_are_offered_with_the_teams_and_who_is_chosen_gets_it_and_is_mentioned() {
    let scene = Scene::interactive().await;
    let (_, group) = scene.linked("The mill stops").await;
    scene.tenant.set_active(&scene, scene.member(&scene.cleo), false).await;
    let offered = scene.press(&scene.ada, &group, "assign").await.unwrap();
    assert_eq!(names(&offered), ["Ada Lovelace", "Bob Ross", "Engines"], "active members and teams, by name");
    let done = choose(&scene, &offered, &group, "Bob Ross").await;
    assert_eq!(done.kind, 4);
    assert!(done.content().contains("Bob Ross"), "{done:?}");
    scene.settle().await;
    let bob = scene.member(&scene.bob);
    assert_eq!(scene.assignee(&group).await, Some(bob.user));
    assert_eq!(scene.mentioned(&group), [bob.discord]);
    assert!(scene.card(&group).assignee.starts_with("Bob Ross"));

    // The same again says so.
    let offered = scene.press(&scene.ada, &group, "assign").await.unwrap();
    let done = choose(&scene, &offered, &group, "Bob Ross").await;
    assert!(done.content().contains("already"), "{done:?}");
    // A team.
    choose(&scene, &offered, &group, "Engines").await;
    scene.settle().await;
    assert_eq!(scene.api.get(&group.at).await["assignee"]["type"], "team");
    assert_eq!(scene.card(&group).assignee, "Engines");
    scene.finish().await;
}

#[tokio::test]
async fn among_more_than_a_choice_holds_a_name_is_searched() {
    let scene = Scene::interactive().await;
    let (_, group) = scene.linked("The mill stops").await;
    more_members(&scene, (1..=30).map(|n| format!("Worker {n:02}"))).await;
    let ada = scene.member(&scene.ada).discord;
    let form = scene.press(&scene.ada, &group, "assign").await.unwrap();
    assert_eq!(form.kind, 9);

    let found = scene.discord.submit(ada, &[("name", "worker 2")]).await.unwrap();
    assert_eq!(names(&found).len(), 10);
    assert!(!found.content().contains("first 25"), "{found:?}");
    let done = choose(&scene, &found, &group, "Worker 27").await;
    assert!(done.content().contains("Worker 27"), "{done:?}");
    scene.settle().await;
    assert_eq!(scene.card(&group).assignee, "Worker 27");

    scene.press(&scene.ada, &group, "assign").await.unwrap();
    let many = scene.discord.submit(ada, &[("name", "WORKER")]).await.unwrap();
    assert_eq!(names(&many).len(), 25);
    assert!(many.content().contains("first 25"), "{many:?}");
    scene.press(&scene.ada, &group, "assign").await.unwrap();
    let nobody = scene.discord.submit(ada, &[("name", "Nobody*")]).await.unwrap();
    assert!(nobody.content().contains(r"Nobody\*"), "{nobody:?}");
    scene.press(&scene.ada, &group, "assign").await.unwrap();
    let team = scene.discord.submit(ada, &[("name", "engines")]).await.unwrap();
    assert_eq!(names(&team), ["Engines"]);
    let closed = scene.discord.submit(ada, &[("name", "x")]).await;
    assert!(matches!(closed, Err(InteractionError::Form(_))));
    scene.finish().await;
}

#[tokio::test]
async fn who_left_the_project_between_the_offer_and_the_choice_is_not_assigned() {
    let scene = Scene::interactive().await;
    let (_, group) = scene.linked("The mill stops").await;
    let offered = scene.press(&scene.ada, &group, "assign").await.unwrap();
    let bob = scene.member(&scene.bob);
    let path = format!("{}/teams/{}/members/{}", scene.tenant.at, scene.tenant.team, bob.user);
    scene.api.change(Method::DELETE, &path, Value::Null).await;
    let refused = choose(&scene, &offered, &group, "Bob Ross").await;
    assert!(refused.content().contains("in no team"), "{refused:?}");
    assert_eq!(scene.assignee(&group).await, None);
    scene.settle().await;
    scene.finish().await;
}
