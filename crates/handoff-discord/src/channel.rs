//! Looks at a channel with a route's eyes: can the bot send there, and who reads it.
//!
//! Permissions are computed as Discord documents it (topics/permissions): roles add up, then the
//! channel's overwrites for @everyone, for roles together, for the member. A thread takes those of its
//! channel. twilight-util's calculator is not used: it takes the right to embed links away with the right
//! to send messages, which in threads is another right.

use crate::wire::{Channel, Guild, Member, Role};
use handoff_domain::organization::GuildId;
use handoff_domain::port::ChannelDescription;
use twilight_model::channel::ChannelType;
use twilight_model::channel::permission_overwrite::{PermissionOverwrite, PermissionOverwriteType};
use twilight_model::guild::Permissions;
use twilight_model::id::Id;
use twilight_model::id::marker::{GenericMarker, UserMarker};

/// All that describing a channel needs.
#[derive(Debug)]
pub(crate) struct Sight {
    /// The guild's id, which is also that of the role of @everyone.
    pub(crate) guild_id: GuildId,
    /// The guild.
    pub(crate) guild: Guild,
    /// The bot's account.
    pub(crate) bot: Id<UserMarker>,
    /// The bot in the guild.
    pub(crate) member: Member,
    /// The channel.
    pub(crate) channel: Channel,
    /// Of a thread: its channel.
    pub(crate) parent: Option<Channel>,
}

/// Describes a channel.
pub(crate) fn describe(sight: &Sight) -> ChannelDescription {
    ChannelDescription {
        guild: sight.guild_id,
        name: sight.channel.name.clone().unwrap_or_default(),
        unusable: unusable(sight),
        no_threads: no_threads(sight),
        visible_to_everyone: visible_to_everyone(sight),
    }
}

/// Whether it is a thread, which takes its permissions from its channel.
pub(crate) const fn is_thread(kind: ChannelType) -> bool {
    matches!(kind, ChannelType::AnnouncementThread | ChannelType::PublicThread | ChannelType::PrivateThread)
}

fn unusable(sight: &Sight) -> Option<String> {
    let kind = sight.channel.kind;
    if let Some(reason) = wrong_kind(kind) {
        return Some(reason.to_owned());
    }
    if sight.channel.thread_metadata.as_ref().is_some_and(|thread| thread.locked) {
        return Some("The thread is locked. Unlock it, or choose another channel.".to_owned());
    }
    let granted = of_bot(sight);
    let send = if is_thread(kind) {
        (Permissions::SEND_MESSAGES_IN_THREADS, "Send Messages in Threads")
    } else {
        (Permissions::SEND_MESSAGES, "Send Messages")
    };
    let needed = [
        (Permissions::VIEW_CHANNEL, "View Channel"),
        send,
        (Permissions::EMBED_LINKS, "Embed Links"),
        (Permissions::READ_MESSAGE_HISTORY, "Read Message History"),
    ];
    lacking(granted, &needed)
}

/// Why no threads can be begun on messages there.
fn no_threads(sight: &Sight) -> Option<String> {
    if !matches!(sight.channel.kind, ChannelType::GuildText | ChannelType::GuildAnnouncement) {
        return Some(
            "There are no threads in a channel of this kind. Choose a text channel, or another mode.".to_owned(),
        );
    }
    let needed = [
        (Permissions::CREATE_PUBLIC_THREADS, "Create Public Threads"),
        (Permissions::SEND_MESSAGES_IN_THREADS, "Send Messages in Threads"),
    ];
    lacking(of_bot(sight), &needed)
}

/// Which of these rights are missing, for people.
fn lacking(granted: Permissions, needed: &[(Permissions, &str)]) -> Option<String> {
    let missing = needed.iter().filter(|(permission, _)| !granted.contains(*permission));
    let missing: Vec<_> = missing.map(|(_, name)| format!("\"{name}\"")).collect();
    (!missing.is_empty())
        .then(|| format!("The bot lacks {} here. Give it to its role in the channel's settings.", missing.join(", ")))
}

/// Why nothing is sent to channels of this kind.
const fn wrong_kind(kind: ChannelType) -> Option<&'static str> {
    match kind {
        ChannelType::GuildText
        | ChannelType::GuildAnnouncement
        | ChannelType::AnnouncementThread
        | ChannelType::PublicThread
        | ChannelType::PrivateThread => None,
        ChannelType::GuildVoice | ChannelType::GuildStageVoice => {
            Some("This is a voice channel. Choose a text channel, an announcement channel or a thread.")
        }
        ChannelType::GuildCategory => {
            Some("This is a category, which only groups channels. Choose one of the channels in it.")
        }
        ChannelType::GuildForum | ChannelType::GuildMedia => {
            Some("This is a forum, which takes posts but no messages. Choose one of its posts, or a text channel.")
        }
        _ => {
            Some("Channels of this kind take no messages. Choose a text channel, an announcement channel or a thread.")
        }
    }
}

/// What the bot may do in the channel.
fn of_bot(sight: &Sight) -> Permissions {
    if sight.guild.owner_id == sight.bot {
        return Permissions::all();
    }
    let everyone = everyone_role(sight);
    let has = |role: &&Role| role.id == everyone || sight.member.roles.contains(&role.id);
    let base = sight.guild.roles.iter().filter(has).fold(Permissions::empty(), |sum, role| sum | role.permissions);
    if base.contains(Permissions::ADMINISTRATOR) {
        return Permissions::all();
    }
    let overwrites = overwrites(sight);
    let is_member =
        |one: &PermissionOverwrite| one.kind == PermissionOverwriteType::Member && one.id.get() == sight.bot.get();
    let is_role = |one: &PermissionOverwrite| {
        one.kind == PermissionOverwriteType::Role && one.id != everyone && sight.member.roles.contains(&one.id)
    };
    let of_everyone = applied(base, overwrites, |one| is_everyone(one, everyone));
    let of_roles = applied(of_everyone, overwrites, is_role);
    let granted = applied(of_roles, overwrites, is_member);
    // Nothing can be done in a channel that cannot be seen.
    if granted.contains(Permissions::VIEW_CHANNEL) { granted } else { Permissions::empty() }
}

fn visible_to_everyone(sight: &Sight) -> bool {
    if sight.channel.kind == ChannelType::PrivateThread {
        return false;
    }
    let everyone = everyone_role(sight);
    let role = sight.guild.roles.iter().find(|role| role.id == everyone);
    let base = role.map_or(Permissions::empty(), |role| role.permissions);
    let granted = applied(base, overwrites(sight), |one| is_everyone(one, everyone));
    base.contains(Permissions::ADMINISTRATOR) || granted.contains(Permissions::VIEW_CHANNEL)
}

/// The overwrites that count: a thread's are its channel's.
fn overwrites(sight: &Sight) -> &[PermissionOverwrite] {
    &sight.parent.as_ref().unwrap_or(&sight.channel).permission_overwrites
}

fn everyone_role(sight: &Sight) -> Id<GenericMarker> {
    Id::new(sight.guild_id.get())
}

fn is_everyone(one: &PermissionOverwrite, everyone: Id<GenericMarker>) -> bool {
    one.kind == PermissionOverwriteType::Role && one.id == everyone
}

/// One level of overwrites: what they deny together goes, what they allow together comes.
fn applied(
    base: Permissions,
    overwrites: &[PermissionOverwrite],
    applies: impl Fn(&PermissionOverwrite) -> bool,
) -> Permissions {
    let level = overwrites.iter().filter(|one| applies(one));
    let (allow, deny) = level
        .fold((Permissions::empty(), Permissions::empty()), |(allow, deny), one| (allow | one.allow, deny | one.deny));
    (base - deny) | allow
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ThreadMetadata;

    const GUILD: u64 = 1;
    const BOT: u64 = 2;
    const ROLE: u64 = 3;
    const OWNER: u64 = 4;
    const GOOD: Permissions = Permissions::VIEW_CHANNEL
        .union(Permissions::SEND_MESSAGES)
        .union(Permissions::SEND_MESSAGES_IN_THREADS)
        .union(Permissions::EMBED_LINKS)
        .union(Permissions::READ_MESSAGE_HISTORY);

    fn sight(kind: ChannelType, everyone: Permissions, role: Permissions, overwrites: &[PermissionOverwrite]) -> Sight {
        let channel = Channel {
            kind,
            guild_id: GuildId::new(GUILD),
            name: Some("work".to_owned()),
            parent_id: None,
            permission_overwrites: overwrites.to_vec(),
            thread_metadata: None,
        };
        let role_of = |id, permissions| Role { id: Id::new(id), permissions };
        Sight {
            guild_id: GuildId::new(GUILD).unwrap(),
            guild: Guild { owner_id: Id::new(OWNER), roles: vec![role_of(GUILD, everyone), role_of(ROLE, role)] },
            bot: Id::new(BOT),
            member: Member { roles: vec![Id::new(ROLE)] },
            channel,
            parent: None,
        }
    }

    fn overwrite(of: u64, kind: PermissionOverwriteType, allow: Permissions, deny: Permissions) -> PermissionOverwrite {
        PermissionOverwrite { allow, deny, id: Id::new(of), kind }
    }

    #[test]
    fn permissions_add_up_level_by_level() {
        use PermissionOverwriteType::{Member, Role};
        let none = Permissions::empty();
        let all_lost = Some("The bot lacks \"View Channel\", \"Send Messages\", \"Embed Links\"");
        let cases: Vec<(Permissions, Permissions, Vec<PermissionOverwrite>, Option<&str>)> = vec![
            (GOOD, none, vec![], None),
            (none, GOOD, vec![], None),
            (none, none, vec![], all_lost),
            (none, Permissions::ADMINISTRATOR, vec![overwrite(BOT, Member, none, GOOD)], None),
            (GOOD, none, vec![overwrite(GUILD, Role, none, Permissions::SEND_MESSAGES)], Some("\"Send Messages\"")),
            (
                GOOD,
                none,
                vec![
                    overwrite(GUILD, Role, none, Permissions::VIEW_CHANNEL),
                    overwrite(ROLE, Role, Permissions::VIEW_CHANNEL, none),
                ],
                None,
            ),
            (
                GOOD,
                none,
                vec![
                    overwrite(ROLE, Role, none, Permissions::EMBED_LINKS),
                    overwrite(BOT, Member, Permissions::EMBED_LINKS, none),
                ],
                None,
            ),
            (GOOD, none, vec![overwrite(BOT, Member, none, Permissions::VIEW_CHANNEL)], all_lost),
            (GOOD, none, vec![overwrite(99, Role, none, GOOD), overwrite(99, Member, none, GOOD)], None),
        ];
        for (everyone, role, overwrites, expected) in cases {
            let reason = describe(&sight(ChannelType::GuildText, everyone, role, &overwrites)).unusable;
            match expected {
                None => assert_eq!(reason, None, "{overwrites:?}"),
                Some(part) => assert!(reason.as_ref().is_some_and(|r| r.contains(part)), "{reason:?} {part}"),
            }
        }
    }

    #[test]
    fn the_owner_may_do_everything() {
        let mut sight = sight(ChannelType::GuildText, Permissions::empty(), Permissions::empty(), &[]);
        sight.guild.owner_id = sight.bot;
        assert_eq!(describe(&sight).unusable, None);
    }

    #[test]
    fn a_thread_asks_for_its_own_right_and_takes_its_channels_overwrites() {
        let none = Permissions::empty();
        let denied = |what| vec![overwrite(GUILD, PermissionOverwriteType::Role, none, what)];
        for (deny, usable) in [(Permissions::SEND_MESSAGES, true), (Permissions::SEND_MESSAGES_IN_THREADS, false)] {
            let mut thread = sight(ChannelType::PublicThread, GOOD, none, &[]);
            thread.parent = Some(sight(ChannelType::GuildText, GOOD, none, &denied(deny)).channel);
            assert_eq!(describe(&thread).unusable.is_none(), usable, "{deny:?}");
        }
        let mut locked = sight(ChannelType::PublicThread, GOOD, none, &[]);
        locked.channel.thread_metadata = Some(ThreadMetadata { locked: true });
        assert!(describe(&locked).unusable.is_some_and(|reason| reason.contains("locked")));
    }

    #[test]
    fn threads_ask_for_a_channel_that_has_them_and_two_rights() {
        let with = GOOD | Permissions::CREATE_PUBLIC_THREADS;
        for (kind, granted, part) in [
            (ChannelType::GuildText, with, None),
            (ChannelType::GuildAnnouncement, with, None),
            (ChannelType::GuildText, GOOD, Some("\"Create Public Threads\"")),
            (ChannelType::GuildText, with - Permissions::SEND_MESSAGES_IN_THREADS, Some("Messages in Threads\"")),
            (ChannelType::PublicThread, with, Some("no threads")),
        ] {
            let reason = describe(&sight(kind, granted, Permissions::empty(), &[])).no_threads;
            match part {
                None => assert_eq!(reason, None, "{kind:?}"),
                Some(part) => assert!(reason.as_ref().is_some_and(|r| r.contains(part)), "{kind:?} {reason:?}"),
            }
        }
    }

    #[test]
    fn only_channels_that_take_messages_are_usable() {
        for number in 0..=20_u8 {
            let kind = ChannelType::from(number);
            let usable = describe(&sight(kind, GOOD, Permissions::empty(), &[])).unusable.is_none();
            assert_eq!(usable, [0, 5, 10, 11, 12].contains(&number), "{kind:?}");
        }
    }

    #[test]
    fn everyone_sees_what_their_role_and_the_channel_let_them_see() {
        use PermissionOverwriteType::Role;
        let none = Permissions::empty();
        let hidden = overwrite(GUILD, Role, none, Permissions::VIEW_CHANNEL);
        let for_role = overwrite(ROLE, Role, Permissions::VIEW_CHANNEL, none);
        let cases = [
            (ChannelType::GuildText, GOOD, vec![], true),
            (ChannelType::GuildText, none, vec![], false),
            (ChannelType::GuildText, GOOD, vec![hidden, for_role], false),
            (ChannelType::GuildText, Permissions::ADMINISTRATOR, vec![hidden], true),
            (ChannelType::PrivateThread, GOOD, vec![], false),
        ];
        for (kind, everyone, overwrites, expected) in cases {
            let seen = describe(&sight(kind, everyone, none, &overwrites)).visible_to_everyone;
            assert_eq!(seen, expected, "{kind:?} {overwrites:?}");
        }
    }
}
