//! Claiming a guild, by a code and the permission to manage it.

use handoff_sandbox::discord::{ChannelKind, InteractionError, Permissions, Snowflake};
use handoff_tests::scene::Scene;
use handoff_tests::tenant::Tenant;
use serde_json::Value;

struct Guild {
    id: Snowflake,
    channel: Snowflake,
    manager: Snowflake,
    member: Snowflake,
}

fn guild(scene: &Scene, name: &str) -> Guild {
    let discord = &scene.discord;
    let id = discord.add_guild(name);
    let channel = discord.add_channel(id, ChannelKind::Text, "hall").unwrap();
    let managers = discord.add_role(id, "Managers", Permissions::MANAGE_GUILD, false).unwrap();
    let [manager, member] = ["Max", "Mona"].map(|name| {
        let user = discord.add_user(name);
        discord.add_member(id, user).unwrap();
        user
    });
    discord.give_role(id, manager, managers).unwrap();
    Guild { id, channel, manager, member }
}

async fn code(scene: &Scene, at: &str) -> String {
    let made = scene.api.post(&format!("{at}/guild-claims"), Value::Null).await;
    made["code"].as_str().unwrap().to_owned()
}

async fn claim(scene: &Scene, guild: &Guild, code: &str) -> String {
    let said = scene.discord.command(guild.manager, guild.channel, "claim", &[("code", code)]).await.unwrap();
    said.content().to_owned()
}

async fn names(scene: &Scene, at: &str) -> Vec<String> {
    let found = scene.api.list(&format!("{at}/guilds")).await;
    found.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_guild_is_claimed_by_an_admins_code_that_a_manager_types_there() {
    let scene = Scene::interactive().await;
    let hall = guild(&scene, "The hall");
    let before = scene.discord.command(hall.member, hall.channel, "mine", &[]).await.unwrap();
    assert!(before.content().contains("/claim"), "{before:?}");
    let secret = code(&scene, &scene.tenant.at).await;
    let said = claim(&scene, &hall, &secret).await;
    assert!(said.contains("Contoso"), "{said}");
    assert_eq!(names(&scene, &scene.tenant.at).await, ["Contoso", "The hall"]);
    // The code is used up; the guild is claimed.
    assert!(claim(&scene, &hall, &secret).await.contains("unknown, used or expired"));
    let again = code(&scene, &scene.tenant.at).await;
    assert!(claim(&scene, &hall, &again).await.contains("already"));
    scene.finish().await;
}

#[tokio::test]
async fn a_second_organization_is_refused_without_a_word_about_the_first() {
    let scene = Scene::interactive().await;
    let globex = Tenant::set_up(&scene, &scene.board, "Globex").await;
    let hall = guild(&scene, "The hall");
    claim(&scene, &hall, &code(&scene, &scene.tenant.at).await).await;
    let theirs = code(&scene, &globex.at).await;
    let refused = claim(&scene, &hall, &theirs).await;
    assert!(refused.contains("another organization") && !refused.contains("Contoso"), "{refused}");
    assert_eq!(names(&scene, &globex.at).await, ["Globex"]);
    // Their code is still good, for a guild that is nobody's.
    let yard = guild(&scene, "The yard");
    assert!(claim(&scene, &yard, &theirs).await.contains("Globex"));
    assert_eq!(names(&scene, &globex.at).await, ["Globex", "The yard"]);
    scene.settle().await;
    scene.finish().await;
}

#[tokio::test]
async fn who_may_not_manage_the_guild_cannot_claim_it_whatever_they_send() {
    let scene = Scene::interactive().await;
    let hall = guild(&scene, "The hall");
    let secret = code(&scene, &scene.tenant.at).await;
    let hidden = scene.discord.command(hall.member, hall.channel, "claim", &[("code", &secret)]).await;
    assert_eq!(hidden, Err(InteractionError::NotAllowed), "Discord does not even offer it");
    // A server may let everybody use it; that permits nothing.
    let help = scene.discord.command(hall.member, hall.channel, "help", &[]).await.unwrap();
    let mut body: Value = serde_json::from_str(&help.request).unwrap();
    body["id"] = (body["id"].as_str().unwrap().parse::<u64>().unwrap() + 1).to_string().into();
    body["data"] =
        serde_json::json!({"name": "claim", "type": 1, "options": [{"name": "code", "type": 3, "value": secret}]});
    let answer = scene.discord.send_raw(&scene.discord.signed(body.to_string().as_bytes())).await.unwrap();
    assert!(answer.json["data"]["content"].as_str().unwrap().contains("may manage"), "{}", answer.json);
    assert_eq!(names(&scene, &scene.tenant.at).await, ["Contoso"]);
    // A code of the other kind is no good here, and is not used up.
    let ada = scene.member(&scene.ada).user;
    let other = scene.api.post(&format!("{}/users/{ada}/link-codes", scene.tenant.at), Value::Null).await;
    let wrong = claim(&scene, &hall, other["code"].as_str().unwrap()).await;
    assert!(wrong.contains("unknown, used or expired"), "{wrong}");
    assert!(claim(&scene, &hall, &secret).await.contains("Contoso"));
    let _ = hall.id;
    scene.finish().await;
}
