//! Who may do what, and where.

use super::*;

/// Denies `permissions` to everyone in the bench's channel.
fn deny(bench: &Bench, permissions: Permissions) {
    let everyone = OverwriteTarget::Everyone;
    bench.sim.set_permissions(bench.channel, everyone, Permissions::NONE, permissions).unwrap();
}

#[tokio::test]
async fn a_channel_that_cannot_be_seen_is_missing_access() {
    let bench = Bench::new().await;
    deny(&bench, Permissions::VIEW_CHANNEL);
    assert_eq!(bench.get(&format!("/channels/{}", bench.channel)).await.error(), (403, 50001));
    assert_eq!(bench.create(json!({"content": "a"})).await.error(), (403, 50001));
    let listed = bench.get(&format!("/guilds/{}/channels", bench.guild)).await;
    assert_eq!(listed.body, json!([]));
}

#[tokio::test]
async fn sending_embeds_and_replies_need_their_permissions() {
    let bench = Bench::new().await;
    let message = bench.create(json!({"content": "a"})).await.id();
    deny(&bench, Permissions::SEND_MESSAGES);
    assert_eq!(bench.create(json!({"content": "a"})).await.error(), (403, 50013));
    assert_eq!(bench.edit(message, json!({"content": "own message"})).await.status, 200);
    deny(&bench, Permissions::EMBED_LINKS);
    assert_eq!(bench.create(json!({"embeds": [{"title": "t"}]})).await.error(), (403, 50013));
    assert_eq!(bench.edit(message, json!({"embeds": [{"title": "t"}]})).await.error(), (403, 50013));
    deny(&bench, Permissions::READ_MESSAGE_HISTORY);
    let reply = json!({"content": "a", "message_reference": {"message_id": message}});
    assert_eq!(bench.create(reply).await.error(), (403, 160_002));
    let history = bench.get(&format!("/channels/{}/messages", bench.channel)).await;
    assert_eq!(history.body, json!([]));
}

#[tokio::test]
async fn an_overwrite_for_the_member_goes_over_its_roles_and_those_over_everyone() {
    let bench = Bench::new().await;
    let send = Permissions::SEND_MESSAGES;
    let role = bench.sim.add_role(bench.guild, "team", Permissions::NONE, false).unwrap();
    bench.sim.give_role(bench.guild, bench.bot, role).unwrap();
    let may_send = || bench.sim.permissions(bench.channel, bench.bot).unwrap().contains(send);
    let set = |target, allow, deny| bench.sim.set_permissions(bench.channel, target, allow, deny).unwrap();
    deny(&bench, send);
    assert!(!may_send());
    set(OverwriteTarget::Role(role), send, Permissions::NONE);
    assert!(may_send());
    set(OverwriteTarget::Member(bench.bot), Permissions::NONE, send);
    assert!(!may_send());
    bench.sim.set_role_permissions(bench.guild, role, Permissions::ADMINISTRATOR).unwrap();
    assert!(may_send());
}

#[tokio::test]
async fn messages_go_into_text_announcement_and_voice_channels_and_into_no_others() {
    let bench = Bench::new().await;
    let send = async |kind: ChannelKind| {
        let channel = bench.sim.add_channel(bench.guild, kind, "c").unwrap();
        bench.create_in(channel, json!({"content": "a"})).await
    };
    assert_eq!(send(ChannelKind::Announcement).await.status, 200);
    assert_eq!(send(ChannelKind::Voice).await.status, 200);
    assert_eq!(send(ChannelKind::Forum).await.error(), (400, 50008));
    assert_eq!(send(ChannelKind::Category).await.error(), (400, 50008));
}

#[tokio::test]
async fn direct_messages_are_refused() {
    let bench = Bench::new().await;
    let ada = bench.person("ada");
    let body = json!({"recipient_id": ada});
    let opened = bench.call(Method::POST, "/users/@me/channels", Some(&body)).await;
    assert_eq!(opened.body["type"], 1);
    assert_eq!(bench.create_in(opened.id(), json!({"content": "psst"})).await.error(), (403, 50007));
}

#[tokio::test]
async fn a_guild_without_the_bot_is_missing_access() {
    let bench = Bench::new().await;
    bench.sim.remove_member(bench.guild, bench.bot).unwrap();
    assert_eq!(bench.get(&format!("/guilds/{}", bench.guild)).await.error(), (403, 50001));
    assert_eq!(bench.create(json!({"content": "a"})).await.error(), (403, 50001));
}

#[tokio::test]
async fn guilds_roles_members_and_channels_can_be_read() {
    let bench = Bench::new().await;
    let ada = bench.person("ada");
    let guild = bench.get(&format!("/guilds/{}", bench.guild)).await;
    assert_eq!(guild.body["name"], "Fabrikam");
    let roles = bench.get(&format!("/guilds/{}/roles", bench.guild)).await;
    assert_eq!(roles.body[0]["name"], "@everyone");
    assert_eq!(roles.body[0]["permissions"], Permissions::DEFAULT.bits().to_string());
    let member = bench.get(&format!("/guilds/{}/members/{ada}", bench.guild)).await;
    assert_eq!(member.body["user"]["username"], "ada");
    let stranger = bench.sim.add_user("stranger");
    let member = bench.get(&format!("/guilds/{}/members/{stranger}", bench.guild)).await;
    assert_eq!(member.error(), (404, 10007));
    deny(&bench, Permissions::SEND_MESSAGES);
    let channel = bench.get(&format!("/channels/{}", bench.channel)).await;
    assert_eq!(channel.body["type"], 0);
    let overwrite = json!({"id": bench.guild, "type": 0, "allow": "0", "deny": "2048"});
    assert_eq!(channel.body["permission_overwrites"], json!([overwrite]));
}
