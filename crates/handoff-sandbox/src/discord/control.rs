//! Drives a simulator from Rust: builds guilds, and changes them as people would.

mod inspect;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use self::inspect::Stats;

use super::Shared;
use super::id::Snowflake;
use super::mentions::{Allowed, Mentions};
use super::message::Message;
use super::permissions::{Overwrite, OverwriteTarget, Permissions};
use super::state::{Channel, ChannelKind, Guild, Member, Role, Thread, User, World};
use crate::clock::SimClock;
use crate::fault::FaultPlan;

/// Why a simulator could not be changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// There is no such thing.
    #[error("there is no {what} {id}")]
    Unknown {
        /// What was looked for.
        what: &'static str,
        /// Its id.
        id: Snowflake,
    },
    /// Only threads can be archived.
    #[error("channel {0} is no thread")]
    NotAThread(Snowflake),
}

/// Drives one simulator. Clones drive the same.
#[derive(Clone, Debug)]
pub struct Control {
    pub(super) shared: Arc<Shared>,
}

impl Control {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The simulator's clock.
    #[must_use]
    pub fn clock(&self) -> &SimClock {
        &self.shared.clock
    }

    /// What shall go wrong. The operations are named `create_message`, `edit_message`,
    /// `delete_message`, `get_message`, `get_messages`, `start_thread`, `get_channel`, `get_guild`,
    /// `get_guild_channels`, `get_guild_roles`, `get_guild_member`, `get_current_user`, `create_dm`,
    /// `get_current_application`, `put_commands`.
    #[must_use]
    pub fn faults(&self) -> &FaultPlan {
        &self.shared.faults
    }

    /// A bot with a valid token. It joins the guilds that are made after it.
    pub fn add_bot(&self, token: &str, name: &str) -> Snowflake {
        self.with(|world, now_us| {
            let id = add_user(world, name, true, now_us);
            world.tokens.insert(token.to_owned(), id);
            id
        })
    }

    /// Makes a token, this bot's, valid: another one, or one that was revoked.
    pub fn accept_token(&self, token: &str, bot: Snowflake) {
        self.with(|world, _| world.tokens.insert(token.to_owned(), bot));
    }

    /// Makes a token invalid: requests with it are answered 401.
    pub fn revoke_token(&self, token: &str) {
        self.with(|world, _| world.tokens.remove(token));
    }

    /// A person.
    pub fn add_user(&self, name: &str) -> Snowflake {
        self.with(|world, now_us| add_user(world, name, false, now_us))
    }

    /// A guild with an owner of its own and every bot so far as a member.
    pub fn add_guild(&self, name: &str) -> Snowflake {
        self.with(|world, now_us| {
            let owner = add_user(world, &format!("{name} owner"), false, now_us);
            let bots = world.users.values().filter(|user| user.is_bot).map(|user| user.id);
            let member = Member { roles: Vec::new(), joined_us: now_us };
            let members = bots.chain([owner]).map(|user| (user, member.clone())).collect();
            let id = world.ids.next(now_us);
            let everyone =
                Role { id, name: "@everyone".to_owned(), permissions: Permissions::DEFAULT, mentionable: false };
            let guild = Guild { id, name: name.to_owned(), owner, roles: [(id, everyone)].into(), members };
            world.guilds.insert(id, guild);
            id
        })
    }

    /// Lets `user` join a guild.
    ///
    /// # Errors
    /// When there is no such guild or user.
    pub fn add_member(&self, guild: Snowflake, user: Snowflake) -> Result<(), ControlError> {
        self.with(|world, now_us| {
            let user = world.users.get(&user).ok_or(unknown("user", user))?.id;
            let guild = world.guilds.get_mut(&guild).ok_or(unknown("guild", guild))?;
            guild.members.entry(user).or_insert(Member { roles: Vec::new(), joined_us: now_us });
            Ok(())
        })
    }

    /// Lets `user` leave a guild, or throws a bot out of it.
    ///
    /// # Errors
    /// When there is no such guild or member.
    pub fn remove_member(&self, guild: Snowflake, user: Snowflake) -> Result<(), ControlError> {
        self.with(|world, _| {
            let guild = world.guilds.get_mut(&guild).ok_or(unknown("guild", guild))?;
            guild.members.remove(&user).map(drop).ok_or(unknown("member", user))
        })
    }

    /// A role of a guild.
    ///
    /// # Errors
    /// When there is no such guild.
    pub fn add_role(
        &self,
        guild: Snowflake,
        name: &str,
        permissions: Permissions,
        mentionable: bool,
    ) -> Result<Snowflake, ControlError> {
        self.with(|world, now_us| {
            let id = world.ids.next(now_us);
            let guild = world.guilds.get_mut(&guild).ok_or(unknown("guild", guild))?;
            let role = Role { id, name: name.to_owned(), permissions, mentionable };
            guild.roles.insert(id, role);
            Ok(id)
        })
    }

    /// What a role may do in a guild. The role of `@everyone` has the guild's id.
    ///
    /// # Errors
    /// When there is no such guild or role.
    pub fn set_role_permissions(
        &self,
        guild: Snowflake,
        role: Snowflake,
        permissions: Permissions,
    ) -> Result<(), ControlError> {
        self.with(|world, _| {
            let guild = world.guilds.get_mut(&guild).ok_or(unknown("guild", guild))?;
            guild.roles.get_mut(&role).ok_or(unknown("role", role))?.permissions = permissions;
            Ok(())
        })
    }

    /// Gives a member a role.
    ///
    /// # Errors
    /// When there is no such guild or member.
    pub fn give_role(&self, guild: Snowflake, user: Snowflake, role: Snowflake) -> Result<(), ControlError> {
        self.with(|world, _| {
            let guild = world.guilds.get_mut(&guild).ok_or(unknown("guild", guild))?;
            let member = guild.members.get_mut(&user).ok_or(unknown("member", user))?;
            member.roles.push(role);
            Ok(())
        })
    }

    /// A channel of a guild. For a thread, see [`Control::add_thread`].
    ///
    /// # Errors
    /// When there is no such guild.
    pub fn add_channel(&self, guild: Snowflake, kind: ChannelKind, name: &str) -> Result<Snowflake, ControlError> {
        self.with(|world, now_us| {
            let guild = world.guilds.get(&guild).ok_or(unknown("guild", guild))?.id;
            Ok(add_channel(world, guild, kind, name, None, now_us))
        })
    }

    /// A thread below a channel, started by the guild's owner.
    ///
    /// # Errors
    /// When there is no such channel, or it belongs to no guild.
    pub fn add_thread(&self, parent: Snowflake, kind: ChannelKind, name: &str) -> Result<Snowflake, ControlError> {
        /// A week: as long as Discord lets a thread stay idle.
        const AUTO_ARCHIVE_MINUTES: u64 = 10080;
        self.with(|world, now_us| {
            let channel = world.channels.get(&parent).ok_or(unknown("channel", parent))?;
            let (guild, _) = world.place(channel).ok_or(unknown("channel", parent))?;
            let guild_id = guild.id;
            let thread = Thread {
                parent,
                owner: guild.owner,
                archived: false,
                locked: false,
                auto_archive_minutes: AUTO_ARCHIVE_MINUTES,
                created_us: now_us,
                archive_changed_us: now_us,
                sent: 0,
            };
            Ok(add_channel(world, guild_id, kind, name, Some(thread), now_us))
        })
    }

    /// The direct message with a user. Sending into it is refused.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn add_direct_message(&self, user: Snowflake) -> Result<Snowflake, ControlError> {
        self.with(|world, now_us| {
            let user = world.users.get(&user).ok_or(unknown("user", user))?.id;
            Ok(world.open_direct_message(user, now_us))
        })
    }

    /// What a channel allows and denies to someone, in place of what it said about them before.
    ///
    /// # Errors
    /// When there is no such channel.
    pub fn set_permissions(
        &self,
        channel: Snowflake,
        target: OverwriteTarget,
        allow: Permissions,
        deny: Permissions,
    ) -> Result<(), ControlError> {
        self.with(|world, _| {
            let channel = world.channels.get_mut(&channel).ok_or(unknown("channel", channel))?;
            channel.overwrites.retain(|overwrite| overwrite.target != target);
            channel.overwrites.push(Overwrite { target, allow, deny });
            Ok(())
        })
    }

    /// What `user` may do in a channel: the sum of roles and overwrites.
    ///
    /// # Errors
    /// When there is no such channel.
    pub fn permissions(&self, channel: Snowflake, user: Snowflake) -> Result<Permissions, ControlError> {
        self.with(|world, _| {
            let channel = world.channels.get(&channel).ok_or(unknown("channel", channel))?;
            Ok(world.permissions(channel, user))
        })
    }

    /// Deletes a channel with its messages and threads.
    ///
    /// # Errors
    /// When there is no such channel.
    pub fn delete_channel(&self, channel: Snowflake) -> Result<(), ControlError> {
        self.with(|world, _| {
            world.channels.remove(&channel).ok_or(unknown("channel", channel))?;
            world.channels.retain(|_, other| other.thread.as_ref().is_none_or(|thread| thread.parent != channel));
            Ok(())
        })
    }

    /// Deletes a message, as a moderator would.
    ///
    /// # Errors
    /// When there is no such message.
    pub fn delete_message(&self, channel: Snowflake, message: Snowflake) -> Result<(), ControlError> {
        self.with(|world, _| {
            let channel = world.channels.get_mut(&channel).ok_or(unknown("channel", channel))?;
            channel.messages.remove(&message).map(drop).ok_or(unknown("message", message))
        })
    }

    /// Archives a thread. A locked one stays archived when somebody writes.
    ///
    /// # Errors
    /// When there is no such channel, or it is no thread.
    pub fn archive_thread(&self, thread: Snowflake, locked: bool) -> Result<(), ControlError> {
        self.with(|world, now_us| {
            let channel = world.channels.get_mut(&thread).ok_or(unknown("channel", thread))?;
            let state = channel.thread.as_mut().ok_or(ControlError::NotAThread(thread))?;
            state.archived = true;
            state.locked = locked;
            state.archive_changed_us = now_us;
            Ok(())
        })
    }

    /// Lets a person say something. They are asked for no permission.
    ///
    /// # Errors
    /// When there is no such channel or user.
    pub fn say(&self, channel: Snowflake, user: Snowflake, content: &str) -> Result<Snowflake, ControlError> {
        self.with(|world, now_us| {
            let author = world.users.get(&user).ok_or(unknown("user", user))?.id;
            let id = world.ids.next(now_us);
            let place = world.channels.get(&channel).ok_or(unknown("channel", channel))?;
            let mentions = Mentions::read(content, &Allowed::default_of_messages());
            let mentions = world.effective(place, author, mentions);
            let message = Message {
                id,
                channel,
                author,
                content: content.to_owned(),
                embeds: Vec::new(),
                components: Vec::new(),
                flags: 0,
                nonce: None,
                replies_to: None,
                created_us: now_us,
                edited_us: None,
                edits: 0,
                pings: world.pings(place, author, &mentions),
                mentions,
            };
            world.store(message, now_us);
            Ok(id)
        })
    }

    pub(super) fn with<T>(&self, work: impl FnOnce(&mut World, i64) -> T) -> T {
        let now_us = self.shared.clock.now_us();
        work(&mut self.shared.world(), now_us)
    }
}

pub(super) fn unknown(what: &'static str, id: Snowflake) -> ControlError {
    ControlError::Unknown { what, id }
}

fn add_user(world: &mut World, name: &str, is_bot: bool, now_us: i64) -> Snowflake {
    let id = world.ids.next(now_us);
    let name = name.to_owned();
    world.users.insert(id, User { id, name, is_bot });
    id
}

fn add_channel(
    world: &mut World,
    guild: Snowflake,
    kind: ChannelKind,
    name: &str,
    thread: Option<Thread>,
    now_us: i64,
) -> Snowflake {
    let id = world.ids.next(now_us);
    let channel = Channel {
        id,
        guild: Some(guild),
        kind,
        name: name.to_owned(),
        overwrites: Vec::new(),
        thread,
        recipient: None,
        messages: BTreeMap::new(),
    };
    world.channels.insert(id, channel);
    id
}
