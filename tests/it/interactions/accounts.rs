//! Linking an account by a code, and unlinking it.

use handoff_sandbox::discord::Snowflake;
use handoff_tests::instance::Setup;
use handoff_tests::scene::{Scene, person};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// A code for a user of the scene's organization.
async fn code(scene: &Scene, user: i64) -> String {
    let made = scene.api.post(&format!("{}/users/{user}/link-codes", scene.tenant.at), Value::Null).await;
    let code = made["code"].as_str().unwrap().to_owned();
    assert_eq!(made["command"], format!("/link code:{code}"));
    code
}

/// A member of the team without an account.
async fn unlinked(scene: &Scene, name: &str) -> i64 {
    let made = scene.api.post(&format!("{}/users", scene.tenant.at), json!({"name": name})).await;
    let user = made["id"].as_i64().unwrap();
    let path = format!("{}/teams/{}/members/{user}", scene.tenant.at, scene.tenant.team);
    scene.api.change(Method::PUT, &path, Value::Null).await;
    user
}

async fn link(scene: &Scene, account: Snowflake, code: &str) -> String {
    let said = scene.discord.command(account, scene.tenant.channel, "link", &[("code", code)]).await.unwrap();
    said.content().to_owned()
}

async fn linked_with(scene: &Scene, user: i64) -> Value {
    scene.api.get(&format!("{}/users/{user}", scene.tenant.at)).await["discord_id"].clone()
}

async fn a_code_links_once(setup: Setup) {
    let scene = Scene::interactive_with(setup, |_| {}).await;
    let (_, group) = scene.linked("The mill stops").await;
    let account = scene.stranger(scene.tenant.guild, scene.tenant.readers, "dora");
    let dora = unlinked(&scene, "Dora *Explorer*").await;
    let secret = code(&scene, dora).await;
    let said = link(&scene, account, &secret.to_lowercase().replace('-', " ")).await;
    assert!(said.contains(r"Dora \*Explorer\*"), "{said}");
    assert_eq!(linked_with(&scene, dora).await, account.to_string());
    assert_eq!(scene.press_as(account, &group, "take").await.unwrap().kind, 6);
    assert_eq!(scene.assignee(&group).await, Some(dora));

    // It is good once, and undone by its owner.
    let other = scene.stranger(scene.tenant.guild, scene.tenant.readers, "mallory");
    assert!(link(&scene, other, &secret).await.contains("unknown, used or expired"));
    let unlink = scene.discord.command(account, scene.tenant.channel, "unlink", &[]).await.unwrap();
    assert!(unlink.content().contains("nobody any more"), "{unlink:?}");
    assert_eq!(linked_with(&scene, dora).await, Value::Null);
    let refused = scene.press_as(account, &group, "resolve").await.unwrap();
    assert!(refused.content().contains("/link"));
    scene.settle().await;
    scene.finish().await;
}

#[tokio::test]
async fn a_code_links_the_account_that_types_it_once() {
    a_code_links_once(Setup::default()).await;
}

#[tokio::test]
async fn a_code_links_the_account_that_types_it_once_on_postgres() {
    if let Some(setup) = Setup::on_postgres().await {
        a_code_links_once(setup).await;
    }
}

#[tokio::test]
async fn a_code_is_good_for_ten_minutes_and_a_newer_one_takes_its_place() {
    let scene = Scene::interactive().await;
    let account = scene.stranger(scene.tenant.guild, scene.tenant.readers, "dora");
    let dora = unlinked(&scene, "Dora").await;
    let first = code(&scene, dora).await;
    let second = code(&scene, dora).await;
    assert_ne!(first, second);
    assert!(link(&scene, account, &first).await.contains("unknown, used or expired"));
    scene.advance(Duration::from_secs(601)).await;
    assert!(link(&scene, account, &second).await.contains("unknown, used or expired"));
    let third = code(&scene, dora).await;
    scene.advance(Duration::from_secs(590)).await;
    assert!(link(&scene, account, &third).await.contains("linked with"));
    scene.finish().await;
}

#[tokio::test]
async fn after_five_wrong_codes_not_even_a_right_one_is_taken_for_a_while() {
    let scene = Scene::interactive().await;
    let account = scene.stranger(scene.tenant.guild, scene.tenant.readers, "mallory");
    let dora = unlinked(&scene, "Dora").await;
    for n in 0..5 {
        let said = link(&scene, account, &format!("AAAAA-AAAAA-AAAAA-AAAA{n}")).await;
        assert!(said.contains("unknown, used or expired"), "{said}");
    }
    let right = code(&scene, dora).await;
    assert!(link(&scene, account, &right).await.contains("too many wrong codes"));
    // Whoever guesses stops nobody else.
    let other = scene.stranger(scene.tenant.guild, scene.tenant.readers, "dora");
    assert!(link(&scene, other, &right).await.contains("linked with"));
    scene.advance(Duration::from_secs(601)).await;
    let right = code(&scene, unlinked(&scene, "Emil").await).await;
    assert!(link(&scene, account, &right).await.contains("linked with"));
    scene.finish().await;
}

#[tokio::test]
async fn an_account_is_one_users_and_a_new_account_takes_the_old_ones_place() {
    let mut scene = Scene::interactive().await;
    let dora = person(&scene, "Dora Known");
    let known = scene.add_member(&dora).await;
    let emil = unlinked(&scene, "Emil").await;
    let for_emil = code(&scene, emil).await;
    assert!(link(&scene, known.discord, &for_emil).await.contains("/unlink"));
    assert_eq!(linked_with(&scene, emil).await, Value::Null);
    // The code was not used up by that.
    let fresh = scene.stranger(scene.tenant.guild, scene.tenant.readers, "emil");
    assert!(link(&scene, fresh, &for_emil).await.contains("linked with"));
    let newer = scene.stranger(scene.tenant.guild, scene.tenant.readers, "emil two");
    let again = code(&scene, emil).await;
    assert!(link(&scene, newer, &again).await.contains("linked with"));
    assert_eq!(linked_with(&scene, emil).await, newer.to_string());
    scene.finish().await;
}

#[tokio::test]
async fn a_code_is_made_for_active_members_only() {
    let scene = Scene::interactive().await;
    let at = &scene.tenant.at;
    let none = scene.api.call(Method::POST, &format!("{at}/users/999999/link-codes"), &Value::Null).await;
    assert_eq!(none.status, 404);
    let cleo = scene.member(&scene.cleo);
    scene.tenant.set_active(&scene, cleo, false).await;
    let path = format!("{at}/users/{}/link-codes", cleo.user);
    assert_eq!(scene.api.call(Method::POST, &path, &Value::Null).await.status, 422);
    let bob = scene.member(&scene.bob);
    let made = scene.api.call(Method::POST, &format!("{at}/users/{}/link-codes", bob.user), &Value::Null).await;
    assert_eq!((made.status, made.header("cache-control")), (201, "no-store"));
    scene.finish().await;
}
