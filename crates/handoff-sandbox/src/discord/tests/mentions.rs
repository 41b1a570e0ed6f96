//! Whom a message pings.

use std::collections::BTreeSet;

use super::*;

fn set(ids: &[Snowflake]) -> BTreeSet<Snowflake> {
    ids.iter().copied().collect()
}

#[tokio::test]
async fn without_allowed_mentions_everything_pings() {
    let bench = Bench::new().await;
    let (ada, bob) = (bench.person("ada"), bench.person("bob"));
    bench.create(json!({"content": format!("<@{ada}>")})).await;
    assert_eq!(bench.last().pings.users, set(&[ada]));
    bench.create(json!({"content": "@everyone"})).await;
    let pings = bench.last().pings;
    assert!(pings.everyone && pings.users.is_superset(&set(&[ada, bob])));
}

#[tokio::test]
async fn an_empty_parse_pings_nobody_and_listed_users_alone_are_pinged() {
    let bench = Bench::new().await;
    let (ada, bob) = (bench.person("ada"), bench.person("bob"));
    let content = format!("<@{ada}> <@{bob}> @everyone");
    bench.create(json!({"content": content, "allowed_mentions": {"parse": []}})).await;
    assert_eq!(bench.last().pings, Pings::default());
    bench.create(json!({"content": content, "allowed_mentions": {"users": [bob]}})).await;
    assert_eq!(bench.last().pings.users, set(&[bob]));
}

#[tokio::test]
async fn parse_and_a_list_of_the_same_kind_exclude_each_other() {
    let bench = Bench::new().await;
    let allowed = json!({"parse": ["users"], "users": [bench.bot]});
    let answer = bench.create(json!({"content": "a", "allowed_mentions": allowed})).await;
    assert_eq!(answer.error(), (400, 50035));
    assert!(answer.body["errors"]["allowed_mentions"].is_object());
}

#[tokio::test]
async fn mentions_in_embeds_never_ping() {
    let bench = Bench::new().await;
    let ada = bench.person("ada");
    bench.create(json!({"embeds": [{"description": format!("<@{ada}> @everyone")}]})).await;
    assert_eq!(bench.last().pings, Pings::default());
}

#[tokio::test]
async fn an_edit_never_pings_but_reads_mentions_again_with_the_defaults() {
    let bench = Bench::new().await;
    let ada = bench.person("ada");
    let none = json!({"parse": []});
    let content = format!("<@{ada}> @everyone");
    let id = bench.create(json!({"content": content, "allowed_mentions": none})).await.id();
    assert!(bench.last().mentions.is_empty());
    bench.edit(id, json!({"content": content})).await;
    let edited = bench.last();
    assert_eq!(edited.mentions, set(&[ada]));
    assert!(edited.mentions_everyone);
    assert_eq!(edited.pings, Pings::default());
    bench.edit(id, json!({"content": content, "allowed_mentions": none})).await;
    assert!(bench.last().mentions.is_empty());
}

#[tokio::test]
async fn those_who_do_not_see_the_channel_are_not_pinged() {
    let bench = Bench::new().await;
    let (ada, stranger) = (bench.person("ada"), bench.sim.add_user("stranger"));
    let hidden = OverwriteTarget::Member(ada);
    let view = Permissions::VIEW_CHANNEL;
    bench.sim.set_permissions(bench.channel, hidden, Permissions::NONE, view).unwrap();
    bench.create(json!({"content": format!("<@{ada}> <@{stranger}>")})).await;
    assert!(bench.last().pings.users.is_empty());
}

#[tokio::test]
async fn a_role_pings_its_members_if_it_may_be_mentioned() {
    let bench = Bench::new().await;
    let ada = bench.person("ada");
    let without_everyone = Permissions::DEFAULT & !Permissions::MENTION_EVERYONE;
    bench.sim.set_role_permissions(bench.guild, bench.guild, without_everyone).unwrap();
    for (mentionable, expected) in [(false, set(&[])), (true, set(&[ada]))] {
        let role = bench.sim.add_role(bench.guild, "team", Permissions::NONE, mentionable).unwrap();
        bench.sim.give_role(bench.guild, ada, role).unwrap();
        bench.create(json!({"content": format!("<@&{role}> @everyone")})).await;
        assert_eq!(bench.last().pings.users, expected);
    }
}

#[tokio::test]
async fn a_reply_pings_the_author_unless_told_otherwise() {
    let bench = Bench::new().await;
    let ada = bench.person("ada");
    let said = bench.sim.say(bench.channel, ada, "who takes it?").unwrap();
    let reply = |allowed: Option<Value>| {
        let mut body = json!({"content": "me", "message_reference": {"message_id": said}});
        if let Some(allowed) = allowed {
            body["allowed_mentions"] = allowed;
        }
        bench.create(body)
    };
    reply(None).await;
    assert_eq!(bench.last().pings.users, set(&[ada]));
    reply(Some(json!({"parse": []}))).await;
    assert!(bench.last().pings.users.is_empty());
    reply(Some(json!({"parse": [], "replied_user": true}))).await;
    assert_eq!(bench.last().pings.users, set(&[ada]));
}
