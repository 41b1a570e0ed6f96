//! Everything the simulated Discord knows: users, guilds, roles, channels and their messages.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::id::{Ids, Snowflake};
use super::interactions::Interactions;
use super::log::RequestLog;
use super::mentions::{Mentions, Pings};
use super::message::Message;
use super::nonce::Nonces;
use super::options::Limits;
use super::permissions::{self, Overwrite, Permissions};
use super::rate_limit::Limiter;

/// The kinds of channel that are simulated (Discord docs, channel types).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// A text channel, 0.
    Text,
    /// A direct message, 1.
    Direct,
    /// A voice channel, 2; text can be sent in it.
    Voice,
    /// A category, 4.
    Category,
    /// An announcement channel, 5.
    Announcement,
    /// A thread of an announcement channel, 10.
    AnnouncementThread,
    /// A public thread, 11.
    PublicThread,
    /// A private thread, 12.
    PrivateThread,
    /// A forum, 15: holds threads, no messages.
    Forum,
}

impl ChannelKind {
    /// Discord's number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Text => 0,
            Self::Direct => 1,
            Self::Voice => 2,
            Self::Category => 4,
            Self::Announcement => 5,
            Self::AnnouncementThread => 10,
            Self::PublicThread => 11,
            Self::PrivateThread => 12,
            Self::Forum => 15,
        }
    }

    /// Whether channels of this kind live below another channel.
    #[must_use]
    pub const fn is_thread(self) -> bool {
        matches!(self, Self::AnnouncementThread | Self::PublicThread | Self::PrivateThread)
    }

    pub(super) const fn takes_messages(self) -> bool {
        !matches!(self, Self::Category | Self::Forum)
    }
}

/// A person or a bot.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) id: Snowflake,
    pub(super) name: String,
    pub(super) is_bot: bool,
}

/// A server.
#[derive(Clone, Debug)]
pub(super) struct Guild {
    pub(super) id: Snowflake,
    pub(super) name: String,
    pub(super) owner: Snowflake,
    /// With `@everyone`, whose id is the guild's.
    pub(super) roles: BTreeMap<Snowflake, Role>,
    pub(super) members: BTreeMap<Snowflake, Member>,
}

/// A role of a guild.
#[derive(Clone, Debug)]
pub(super) struct Role {
    pub(super) id: Snowflake,
    pub(super) name: String,
    pub(super) permissions: Permissions,
    pub(super) mentionable: bool,
}

/// A user in a guild.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) roles: Vec<Snowflake>,
    pub(super) joined_us: i64,
}

/// A place for messages, or for other channels.
#[derive(Clone, Debug)]
pub(super) struct Channel {
    pub(super) id: Snowflake,
    /// `None` for a direct message.
    pub(super) guild: Option<Snowflake>,
    pub(super) kind: ChannelKind,
    pub(super) name: String,
    pub(super) overwrites: Vec<Overwrite>,
    /// What only threads have.
    pub(super) thread: Option<Thread>,
    /// The other side of a direct message.
    pub(super) recipient: Option<Snowflake>,
    pub(super) messages: BTreeMap<Snowflake, Message>,
}

/// What only threads have.
#[derive(Clone, Debug)]
pub(super) struct Thread {
    pub(super) parent: Snowflake,
    pub(super) owner: Snowflake,
    pub(super) archived: bool,
    pub(super) locked: bool,
    pub(super) auto_archive_minutes: u64,
    pub(super) created_us: i64,
    pub(super) archive_changed_us: i64,
    pub(super) sent: u64,
}

/// The state of one simulator.
#[derive(Debug)]
pub(super) struct World {
    pub(super) limits: Limits,
    pub(super) ids: Ids,
    /// The bot that each valid token belongs to.
    pub(super) tokens: HashMap<String, Snowflake>,
    pub(super) users: BTreeMap<Snowflake, User>,
    pub(super) guilds: BTreeMap<Snowflake, Guild>,
    pub(super) channels: BTreeMap<Snowflake, Channel>,
    pub(super) nonces: Nonces,
    pub(super) limiter: Limiter,
    pub(super) log: RequestLog,
    pub(super) interactions: Interactions,
}

impl World {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            ids: Ids::default(),
            tokens: HashMap::new(),
            users: BTreeMap::new(),
            guilds: BTreeMap::new(),
            channels: BTreeMap::new(),
            nonces: Nonces::default(),
            limiter: Limiter::new(limits.clone()),
            log: RequestLog::default(),
            interactions: Interactions::default(),
            limits,
        }
    }

    /// The guild of a channel and the channel whose overwrites count: for a thread, its parent.
    pub(super) fn place<'a>(&'a self, channel: &'a Channel) -> Option<(&'a Guild, &'a Channel)> {
        let guild = self.guilds.get(&channel.guild?)?;
        let ruling = match &channel.thread {
            Some(thread) => self.channels.get(&thread.parent)?,
            None => channel,
        };
        Some((guild, ruling))
    }

    /// What `user` may do in `channel`. In a direct message: nothing that is simulated.
    pub(super) fn permissions(&self, channel: &Channel, user: Snowflake) -> Permissions {
        self.place(channel).map_or(Permissions::NONE, |(guild, ruling)| permissions::in_channel(guild, ruling, user))
    }

    /// Puts a new message into its channel. Into an archived thread it comes back to life.
    pub(super) fn store(&mut self, message: Message, now_us: i64) {
        let Some(channel) = self.channels.get_mut(&message.channel) else {
            return;
        };
        if let Some(thread) = &mut channel.thread {
            thread.sent += 1;
            if thread.archived {
                thread.archived = false;
                thread.archive_changed_us = now_us;
            }
        }
        channel.messages.insert(message.id, message);
    }

    /// The direct message with `recipient`, opened if there is none.
    pub(super) fn open_direct_message(&mut self, recipient: Snowflake, now_us: i64) -> Snowflake {
        let open = self.channels.values().find(|channel| channel.recipient == Some(recipient));
        if let Some(channel) = open {
            return channel.id;
        }
        let id = self.ids.next(now_us);
        let channel = Channel {
            id,
            guild: None,
            kind: ChannelKind::Direct,
            name: String::new(),
            overwrites: Vec::new(),
            thread: None,
            recipient: Some(recipient),
            messages: BTreeMap::new(),
        };
        self.channels.insert(id, channel);
        id
    }

    /// A user's name, for showing.
    pub(super) fn name_of(&self, user: Snowflake) -> &str {
        self.users.get(&user).map_or("unknown-user", |user| user.name.as_str())
    }

    /// The mentions that take effect: of users that exist, of roles that `author` may mention, and of
    /// everyone where `author` may.
    pub(super) fn effective(&self, channel: &Channel, author: Snowflake, mut mentions: Mentions) -> Mentions {
        let may_mention_all = self.permissions(channel, author).contains(Permissions::MENTION_EVERYONE);
        let guild = channel.guild.and_then(|guild| self.guilds.get(&guild));
        mentions.everyone &= may_mention_all;
        mentions.users.retain(|user| self.users.contains_key(user));
        mentions.roles.retain(|role| {
            guild.and_then(|guild| guild.roles.get(role)).is_some_and(|role| role.mentionable || may_mention_all)
        });
        mentions
    }

    /// Whom effective mentions notify: members of the guild who see the channel, except the author.
    pub(super) fn pings(&self, channel: &Channel, author: Snowflake, mentions: &Mentions) -> Pings {
        let Some(guild) = channel.guild.and_then(|guild| self.guilds.get(&guild)) else {
            return Pings::default();
        };
        let users: BTreeSet<Snowflake> = guild
            .members
            .iter()
            .filter(|(user, member)| {
                mentions.everyone
                    || mentions.users.contains(user)
                    || member.roles.iter().any(|role| mentions.roles.contains(role))
            })
            .map(|(user, _)| *user)
            .filter(|user| *user != author)
            .filter(|user| self.permissions(channel, *user).contains(Permissions::VIEW_CHANNEL))
            .collect();
        Pings { users, roles: mentions.roles.clone(), everyone: mentions.everyone }
    }
}
