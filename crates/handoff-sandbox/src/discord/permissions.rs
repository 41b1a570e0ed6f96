//! Permissions, and how those of a member in a channel are computed (Discord docs, permissions).

use std::ops::{BitAnd, BitOr, Not};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::id::Snowflake;
use super::state::{Channel, Guild};

/// A set of permissions; written as a decimal string in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u64);

impl Permissions {
    /// No permission.
    pub const NONE: Self = Self(0);
    /// Everything, whatever channels say.
    pub const ADMINISTRATOR: Self = Self(1 << 3);
    /// Manage the guild.
    pub const MANAGE_GUILD: Self = Self(1 << 5);
    /// See a channel.
    pub const VIEW_CHANNEL: Self = Self(1 << 10);
    /// Send messages in a channel; has no effect in threads.
    pub const SEND_MESSAGES: Self = Self(1 << 11);
    /// Delete messages of others.
    pub const MANAGE_MESSAGES: Self = Self(1 << 13);
    /// Send embeds.
    pub const EMBED_LINKS: Self = Self(1 << 14);
    /// Read messages sent before, and reply to them.
    pub const READ_MESSAGE_HISTORY: Self = Self(1 << 16);
    /// Mention `@everyone`, `@here` and every role.
    pub const MENTION_EVERYONE: Self = Self(1 << 17);
    /// Start public threads.
    pub const CREATE_PUBLIC_THREADS: Self = Self(1 << 35);
    /// Send messages in threads.
    pub const SEND_MESSAGES_IN_THREADS: Self = Self(1 << 38);
    /// What `@everyone` has in a new guild, as far as it is simulated.
    pub const DEFAULT: Self = Self(
        Self::VIEW_CHANNEL.0
            | Self::SEND_MESSAGES.0
            | Self::EMBED_LINKS.0
            | Self::READ_MESSAGE_HISTORY.0
            | Self::MENTION_EVERYONE.0
            | Self::CREATE_PUBLIC_THREADS.0
            | Self::SEND_MESSAGES_IN_THREADS.0,
    );
    /// Every permission.
    pub const ALL: Self = Self(u64::MAX >> 1);

    /// The set with these bits.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits of the set.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether all of `other` is in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Permissions {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Permissions {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Not for Permissions {
    type Output = Self;

    fn not(self) -> Self {
        Self(!self.0)
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Permissions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(de::Error::custom)
    }
}

/// Whom an overwrite of a channel is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverwriteTarget {
    /// Every member of the guild.
    Everyone,
    /// The members with a role.
    Role(Snowflake),
    /// One member.
    Member(Snowflake),
}

/// What a channel allows and denies to someone, over the guild's roles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Overwrite {
    pub(super) target: OverwriteTarget,
    pub(super) allow: Permissions,
    pub(super) deny: Permissions,
}

/// What `user` may do in `guild` before channels are considered; nothing for someone else.
pub(super) fn in_guild(guild: &Guild, user: Snowflake) -> Permissions {
    if guild.owner == user {
        return Permissions::ALL;
    }
    let Some(member) = guild.members.get(&user) else {
        return Permissions::NONE;
    };
    let base = guild
        .roles
        .values()
        .filter(|role| role.id == guild.id || member.roles.contains(&role.id))
        .fold(Permissions::NONE, |sum, role| sum | role.permissions);
    if base.contains(Permissions::ADMINISTRATOR) { Permissions::ALL } else { base }
}

/// What `user` may do in `channel` of `guild`. For a thread, `channel` is its parent.
pub(super) fn in_channel(guild: &Guild, channel: &Channel, user: Snowflake) -> Permissions {
    let base = in_guild(guild, user);
    if base == Permissions::ALL {
        return base;
    }
    let roles = guild.members.get(&user).map(|member| member.roles.as_slice()).unwrap_or_default();
    let mut sum = base;
    let levels: [&dyn Fn(OverwriteTarget) -> bool; 3] = [
        &|target| target == OverwriteTarget::Everyone,
        &|target| matches!(target, OverwriteTarget::Role(role) if roles.contains(&role)),
        &|target| target == OverwriteTarget::Member(user),
    ];
    for applies in levels {
        let overwrites = channel.overwrites.iter().filter(|overwrite| applies(overwrite.target));
        let (allow, deny) = overwrites.fold((Permissions::NONE, Permissions::NONE), |(allow, deny), overwrite| {
            (allow | overwrite.allow, deny | overwrite.deny)
        });
        sum = (sum & !deny) | allow;
    }
    if sum.contains(Permissions::VIEW_CHANNEL) {
        sum
    } else {
        // Nothing can be done in a channel that cannot be seen.
        Permissions::NONE
    }
}
