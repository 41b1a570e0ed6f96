//! Every class of failure.

use super::scripted::{Reply, Script};
use super::*;
use handoff_domain::port::{ChatError, ChatMessenger};
use handoff_sandbox::discord::{OverwriteTarget, Permissions};
use handoff_sandbox::fault::Fault;

fn is_retry(result: &Result<impl std::fmt::Debug, ChatError>) -> bool {
    matches!(result, Err(ChatError::Retry { .. }))
}

fn is_unusable(result: &Result<impl std::fmt::Debug, ChatError>) -> bool {
    matches!(result, Err(ChatError::ChannelUnusable { .. }))
}

#[tokio::test]
async fn a_channel_that_is_gone_hidden_or_closed_is_unusable() {
    let bench = Bench::new().await;
    let denied = |deny| {
        let made = bench.sim.add_channel(bench.guild, ChannelKind::Text, "denied").unwrap();
        bench.sim.set_permissions(made, OverwriteTarget::Everyone, Permissions::NONE, deny).unwrap();
        made
    };
    let locked = bench.sim.add_thread(bench.channel, ChannelKind::PublicThread, "locked").unwrap();
    bench.sim.archive_thread(locked, true).unwrap();
    let deleted = bench.sim.add_channel(bench.guild, ChannelKind::Text, "deleted").unwrap();
    bench.sim.delete_channel(deleted).unwrap();
    for (id, word) in [
        (denied(Permissions::VIEW_CHANNEL), "View Channel"),
        (denied(Permissions::SEND_MESSAGES), "Send Messages"),
        (denied(Permissions::EMBED_LINKS), "Embed Links"),
        (deleted, "deleted"),
        (locked, "locked"),
        (bench.sim.add_channel(bench.guild, ChannelKind::Category, "group").unwrap(), "takes no messages"),
    ] {
        let created = bench.chat.create(channel(id), &card("a"), "n-1").await;
        let Err(ChatError::ChannelUnusable { reason }) = &created else { panic!("{word}: {created:?}") };
        assert!(reason.contains(word), "{reason}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_tried_again_by_the_caller_and_not_by_us() {
    for fault in [
        Fault::Drop,
        Fault::Stall,
        Fault::Html,
        Fault::FailAfter { status: 502 },
        Fault::RefuseBefore { status: 500 },
        Fault::RefuseBefore { status: 403 },
        Fault::RefuseBefore { status: 404 },
    ] {
        let bench = Bench::new().await;
        bench.sim.faults().push_next("create_message", fault);
        let created = bench.chat.create(channel(bench.channel), &card("a"), "n-1").await;
        assert!(is_retry(&created), "{fault:?}: {created:?}");
        assert_eq!(bench.sim.requests().len(), 1, "{fault:?}");
        bench.chat.create(channel(bench.channel), &card("a"), "n-1").await.unwrap();
        bench.only();
    }
}

#[tokio::test]
async fn an_edit_without_a_readable_answer_is_tried_again() {
    let bench = Bench::new().await;
    let id = bench.chat.create(channel(bench.channel), &card("a"), "n-1").await.unwrap();
    bench.sim.faults().push_next("edit_message", Fault::Html);
    assert!(is_retry(&bench.chat.edit(channel(bench.channel), id, &card("b")).await));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_outage() {
    let chat = messenger("http://127.0.0.1:1/api/v10", &SimClock::manual(START_US));
    assert!(is_retry(&chat.guild_name(GuildId::new(5).unwrap()).await));
}

#[tokio::test]
async fn a_refused_token_is_sent_again_once_in_a_quarter_of_an_hour_until_it_is_accepted() {
    let bench = Bench::new().await;
    bench.sim.revoke_token(TOKEN);
    let refused = bench.chat.create(channel(bench.channel), &card("a"), "n-1").await;
    assert_eq!(refused, Err(ChatError::Unauthorized));
    let other = bench.sim.add_channel(bench.guild, ChannelKind::Text, "other").unwrap();
    assert_eq!(bench.chat.create(channel(other), &card("a"), "n-2").await, Err(ChatError::Unauthorized));
    assert_eq!(bench.chat.guild_name(guild(bench.guild)).await, Err(ChatError::Unauthorized));
    assert_eq!(bench.sim.requests().len(), 1);
    bench.advance(15 * 60);
    for nonce in ["n-1", "n-2"] {
        let refused = bench.chat.create(channel(bench.channel), &card("a"), nonce).await;
        assert_eq!(refused, Err(ChatError::Unauthorized));
    }
    assert_eq!(bench.sim.requests().len(), 2);
    bench.sim.accept_token(TOKEN, bench.bot);
    bench.advance(15 * 60);
    for nonce in ["n-1", "n-2"] {
        bench.chat.create(channel(bench.channel), &card("a"), nonce).await.unwrap();
    }
}

#[tokio::test]
async fn a_401_that_is_not_discords_is_an_outage_and_says_nothing_about_the_token() {
    let script = Script::start([Reply::html(401), Reply::json(401, "{}"), Reply::json(200, r#"{"id": "9"}"#)]).await;
    let (chat, into) = (script.chat(), ChannelId::new(5).unwrap());
    for _ in 0..2 {
        let refused = chat.create(into, &card("a"), "n-1").await;
        assert!(matches!(refused, Err(ChatError::Retry { .. })), "{refused:?}");
    }
    chat.create(into, &card("a"), "n-1").await.unwrap();
}

#[tokio::test]
async fn an_archived_thread_is_taken_out_of_the_archive_and_edited() {
    let script = Script::start([
        Reply::json(400, r#"{"message": "Thread is archived", "code": 50083}"#),
        Reply::json(200, r#"{"id": "5", "type": 11}"#),
        Reply::json(200, r#"{"id": "9"}"#),
    ])
    .await;
    script.chat().edit(ChannelId::new(5).unwrap(), MessageId::new(9).unwrap(), &card("b")).await.unwrap();
    let requests = script.requests();
    let lines: Vec<&str> = requests.iter().map(|request| request.line.as_str()).collect();
    let edit = "PATCH /api/v10/channels/5/messages/9";
    assert_eq!(lines, [edit, "PATCH /api/v10/channels/5", edit]);
    assert_eq!(requests[1].body, r#"{"archived":false}"#);
}

#[tokio::test]
async fn a_thread_that_stays_archived_is_tried_later() {
    let archived = || Reply::json(400, r#"{"message": "Thread is archived", "code": 50083}"#);
    let script = Script::start([archived(), Reply::json(200, "{}"), archived()]).await;
    let edited = script.chat().edit(ChannelId::new(5).unwrap(), MessageId::new(9).unwrap(), &card("b")).await;
    assert!(is_retry(&edited), "{edited:?}");
    assert_eq!(script.requests().len(), 3);
}

#[tokio::test]
async fn a_thread_that_we_may_not_take_out_is_unusable() {
    let script = Script::start([
        Reply::json(400, r#"{"message": "Thread is archived", "code": 50083}"#),
        Reply::json(403, r#"{"message": "Missing Permissions", "code": 50013}"#),
    ])
    .await;
    let edited = script.chat().edit(ChannelId::new(5).unwrap(), MessageId::new(9).unwrap(), &card("b")).await;
    assert!(is_unusable(&edited), "{edited:?}");
}

#[tokio::test]
async fn a_rejected_form_is_not_sent_again_and_says_where_it_is_wrong() {
    let body = r#"{"message": "Invalid Form Body", "code": 50035,
        "errors": {"embeds": {"0": {"url": {"_errors": [{"code": "URL_TYPE_INVALID_URL", "message": "x"}]}}}}}"#;
    let script = Script::start([Reply::json(400, body)]).await;
    let refused = script.chat().create(ChannelId::new(5).unwrap(), &card("a"), "n-1").await;
    let Err(ChatError::Rejected { reason }) = refused else { panic!("{refused:?}") };
    assert!(reason.contains("embeds.0.url: URL_TYPE_INVALID_URL"), "{reason}");
}

#[tokio::test]
async fn an_answer_of_any_length_is_bounded() {
    let script = Script::start([Reply::json(200, &" ".repeat(9 * 1024 * 1024))]).await;
    assert!(is_retry(&script.chat().create(ChannelId::new(5).unwrap(), &card("a"), "n-1").await));
}

#[tokio::test]
async fn the_token_is_sent_as_a_bots_and_shown_nowhere() {
    let script = Script::start([Reply::json(200, r#"{"id": "9"}"#)]).await;
    script.chat().create(ChannelId::new(5).unwrap(), &card("a"), "n-1").await.unwrap();
    let head = script.requests().remove(0).head.to_lowercase();
    assert!(head.contains("authorization: bot a-token"), "{head}");
    assert!(head.contains("user-agent: discordbot ("), "{head}");
    assert!(!format!("{:?}", DiscordSettings::new(Secret::new(TOKEN))).contains(TOKEN));
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let make = |token: &str, api_base: &str| {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let settings = DiscordSettings { api_base: api_base.to_owned(), ..DiscordSettings::new(Secret::new(token)) };
        let clock = Arc::new(PortClock(SimClock::manual(START_US)));
        DiscordMessenger::new(&settings, clock).err().map(|error| error.to_string())
    };
    assert_eq!(make("t", crate::API_BASE), None);
    for (token, api_base) in [("a\nb", crate::API_BASE), ("t", "ftp://h"), ("t", "nothing")] {
        let error = make(token, api_base).unwrap();
        assert!(!error.contains(token) || token == "t", "{error}");
    }
}
