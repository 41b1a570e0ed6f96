//! Looking at channels and guilds.

use super::*;
use handoff_domain::port::{ChannelDescription, ChatMessenger};
use handoff_sandbox::discord::{OverwriteTarget, Permissions};

async fn look(bench: &Bench, id: Snowflake) -> ChannelDescription {
    bench.chat.describe_channel(channel(id)).await.unwrap().unwrap()
}

#[tokio::test]
async fn each_kind_of_channel_is_usable_or_says_why_not() {
    let bench = Bench::new().await;
    let news = bench.sim.add_channel(bench.guild, ChannelKind::Announcement, "news").unwrap();
    let cases = [
        (bench.channel, None),
        (news, None),
        (bench.sim.add_thread(bench.channel, ChannelKind::PublicThread, "t").unwrap(), None),
        (bench.sim.add_thread(bench.channel, ChannelKind::PrivateThread, "p").unwrap(), None),
        (bench.sim.add_thread(news, ChannelKind::AnnouncementThread, "a").unwrap(), None),
        (bench.sim.add_channel(bench.guild, ChannelKind::Voice, "v").unwrap(), Some("voice")),
        (bench.sim.add_channel(bench.guild, ChannelKind::Forum, "f").unwrap(), Some("forum")),
        (bench.sim.add_channel(bench.guild, ChannelKind::Category, "c").unwrap(), Some("category")),
    ];
    for (id, expected) in cases {
        let seen = look(&bench, id).await;
        assert_eq!(seen.guild, guild(bench.guild));
        match expected {
            None => assert_eq!(seen.unusable, None),
            Some(word) => assert!(seen.unusable.as_ref().is_some_and(|reason| reason.contains(word)), "{seen:?}"),
        }
    }
    assert_eq!(look(&bench, bench.channel).await.name, "work");
}

#[tokio::test]
async fn what_the_bot_lacks_is_named() {
    let bench = Bench::new().await;
    let role = bench.sim.add_role(bench.guild, "Bots", Permissions::NONE, false).unwrap();
    bench.sim.give_role(bench.guild, bench.bot, role).unwrap();
    let (none, everyone) = (Permissions::NONE, OverwriteTarget::Everyone);
    let thread = bench.sim.add_thread(bench.channel, ChannelKind::PublicThread, "t").unwrap();
    for (deny, in_channel, in_thread) in [
        (Permissions::SEND_MESSAGES, Some("\"Send Messages\""), None),
        (Permissions::SEND_MESSAGES_IN_THREADS, None, Some("\"Send Messages in Threads\"")),
        (Permissions::EMBED_LINKS, Some("\"Embed Links\""), Some("\"Embed Links\"")),
        (Permissions::READ_MESSAGE_HISTORY, Some("\"Read Message History\""), Some("\"Read Message History\"")),
    ] {
        bench.sim.set_permissions(bench.channel, everyone, none, deny).unwrap();
        for (id, expected) in [(bench.channel, in_channel), (thread, in_thread)] {
            let reason = look(&bench, id).await.unusable.unwrap_or_default();
            assert_eq!(!reason.is_empty(), expected.is_some(), "{reason}");
            assert!(reason.contains(expected.unwrap_or_default()), "{reason}");
        }
        bench.sim.set_permissions(bench.channel, OverwriteTarget::Role(role), deny, none).unwrap();
        assert_eq!(look(&bench, bench.channel).await.unusable, None);
        bench.sim.set_permissions(bench.channel, OverwriteTarget::Role(role), none, none).unwrap();
        bench.advance(10);
    }
}

#[tokio::test]
async fn a_channel_hidden_from_everyone_but_shown_to_the_bot_is_no_public_one() {
    let bench = Bench::new().await;
    assert!(look(&bench, bench.channel).await.visible_to_everyone);
    let view = Permissions::VIEW_CHANNEL;
    bench.sim.set_permissions(bench.channel, OverwriteTarget::Everyone, Permissions::NONE, view).unwrap();
    bench.sim.set_permissions(bench.channel, OverwriteTarget::Member(bench.bot), view, Permissions::NONE).unwrap();
    let seen = look(&bench, bench.channel).await;
    assert_eq!((seen.unusable, seen.visible_to_everyone), (None, false));
}

#[tokio::test]
async fn what_is_not_there_or_not_for_us_is_none() {
    let bench = Bench::new().await;
    let hidden = bench.sim.add_channel(bench.guild, ChannelKind::Text, "hidden").unwrap();
    let view = Permissions::VIEW_CHANNEL;
    bench.sim.set_permissions(hidden, OverwriteTarget::Everyone, Permissions::NONE, view).unwrap();
    let direct = bench.sim.add_direct_message(bench.person("ada")).unwrap();
    for id in [channel(hidden), channel(direct), ChannelId::new(5).unwrap()] {
        assert_eq!(bench.chat.describe_channel(id).await, Ok(None));
    }
}

#[tokio::test]
async fn a_guild_is_named_while_the_bot_is_in_it() {
    let bench = Bench::new().await;
    let name = bench.chat.guild_name(guild(bench.guild)).await.unwrap();
    assert_eq!(name.unwrap().as_str(), "Fabrikam");
    assert_eq!(bench.chat.guild_name(GuildId::new(5).unwrap()).await, Ok(None));
    bench.sim.remove_member(bench.guild, bench.bot).unwrap();
    assert_eq!(bench.chat.guild_name(guild(bench.guild)).await, Ok(None));
    let strange = bench.sim.add_guild(&format!(" \u{7}{}", "x".repeat(300)));
    let name = bench.chat.guild_name(guild(strange)).await.unwrap().unwrap();
    assert_eq!(name.as_str().chars().count(), 198);
}
