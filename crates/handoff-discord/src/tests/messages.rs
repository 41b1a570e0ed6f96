//! Creating and editing.

use super::*;
use handoff_domain::port::{ChatError, ChatMessenger};
use handoff_sandbox::discord::{OverwriteTarget, Permissions};
use std::collections::BTreeSet;

#[tokio::test]
async fn one_nonce_makes_one_message() {
    let bench = Bench::new().await;
    let first = bench.chat.create(channel(bench.channel), &card("Log in"), "n-1").await.unwrap();
    let second = bench.chat.create(channel(bench.channel), &card("Log in"), "n-1").await.unwrap();
    assert_eq!(first, second);
    assert_eq!(message(bench.only().id), first);
    let third = bench.chat.create(channel(bench.channel), &card("Log in"), "n-2").await.unwrap();
    assert_ne!(first, third);
}

#[tokio::test]
async fn an_edit_keeps_the_message_and_notifies_nobody() {
    let bench = Bench::new().await;
    let ada = bench.person("ada");
    let id = bench.chat.create(channel(bench.channel), &card("<@1> Log in"), "n-1").await.unwrap();
    bench.chat.edit(channel(bench.channel), id, &card("Log out")).await.unwrap();
    let shown = bench.only();
    assert_eq!((message(shown.id), shown.edits), (id, 1));
    assert_eq!(shown.embeds[0]["title"], "BACKEND-42 · Log out");
    assert_eq!(shown.embeds[0]["footer"]["text"], "BACKEND-42");
    assert_eq!(shown.content, "");
    bench.chat.edit(channel(bench.channel), id, &ping(ada, "@everyone", None)).await.unwrap();
    let shown = bench.only();
    assert_eq!((shown.mentions, shown.mentions_everyone), (BTreeSet::new(), false));
    assert_eq!(shown.embeds, Vec::<serde_json::Value>::new());
    assert!(shown.pings.users.is_empty() && !shown.pings.everyone);
}

#[tokio::test]
async fn a_ping_notifies_the_assignee_alone_whatever_the_title_says() {
    let bench = Bench::new().await;
    let (ada, bob) = (bench.person("ada"), bench.person("bob"));
    let id = bench.chat.create(channel(bench.channel), &card("Log in"), "n-1").await.unwrap();
    let nasty = format!("<@{bob}> <@!{bob}> <@&{}> @everyone @here", bench.guild);
    bench.chat.create(channel(bench.channel), &ping(ada, &nasty, Some(id)), "n-2").await.unwrap();
    let shown = bench.sim.messages(bench.channel).pop().unwrap();
    assert_eq!(shown.pings.users, [ada].into());
    assert!(!shown.pings.everyone && shown.pings.roles.is_empty());
    assert_eq!(shown.replies_to.map(message), Some(id));
    assert!(shown.content.starts_with(&format!("<@{ada}> **BACKEND-42**")), "{}", shown.content);
}

#[tokio::test]
async fn a_ping_whose_card_is_gone_stands_alone() {
    let bench = Bench::new().await;
    let ada = bench.person("ada");
    let gone = MessageId::new(5);
    bench.chat.create(channel(bench.channel), &ping(ada, "Log in", gone), "n-1").await.unwrap();
    assert_eq!(bench.only().replies_to, None);
}

#[tokio::test]
async fn a_ping_that_may_not_reply_stands_alone() {
    let bench = Bench::new().await;
    let ada = bench.person("ada");
    let id = bench.chat.create(channel(bench.channel), &card("Log in"), "n-1").await.unwrap();
    let (allow, deny) = (Permissions::NONE, Permissions::READ_MESSAGE_HISTORY);
    bench.sim.set_permissions(bench.channel, OverwriteTarget::Member(bench.bot), allow, deny).unwrap();
    bench.chat.create(channel(bench.channel), &ping(ada, "Log in", Some(id)), "n-2").await.unwrap();
    let shown = bench.sim.messages(bench.channel).pop().unwrap();
    assert_eq!((shown.replies_to, shown.pings.users), (None, [ada].into()));
}

#[tokio::test]
async fn a_message_that_was_deleted_is_gone_for_its_nonce_and_for_edits() {
    let bench = Bench::new().await;
    let id = bench.chat.create(channel(bench.channel), &card("Log in"), "n-1").await.unwrap();
    bench.sim.delete_message(bench.channel, bench.only().id).unwrap();
    let again = bench.chat.create(channel(bench.channel), &card("Log in"), "n-1").await;
    assert_eq!(again, Err(ChatError::MessageGone));
    assert_eq!(bench.chat.edit(channel(bench.channel), id, &card("b")).await, Err(ChatError::MessageGone));
}

#[tokio::test]
async fn a_message_of_somebody_else_is_as_good_as_gone() {
    let bench = Bench::new().await;
    let ada = bench.person("ada");
    let theirs = bench.sim.say(bench.channel, ada, "hello").unwrap();
    let edited = bench.chat.edit(channel(bench.channel), message(theirs), &card("b")).await;
    assert_eq!(edited, Err(ChatError::MessageGone));
}

#[tokio::test]
async fn the_nastiest_card_is_accepted() {
    let bench = Bench::new().await;
    let Message::Card(plain) = card("x") else { panic!("a card") };
    let nasty = "<@1>*_`[x](https://evil.example)😀\u{202e}\u{0}\n".repeat(500);
    let assignee = CardAssignee::User { name: Some(nasty.clone()), discord: Some(account(bench.bot)) };
    let card = Card { short_id: nasty.clone(), title: Some(nasty), assignee, ..plain };
    bench.chat.create(channel(bench.channel), &Message::Card(card), "n-1").await.unwrap();
    assert!(bench.only().pings.users.is_empty());
}
