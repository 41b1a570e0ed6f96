//! Organizations (the tenants), their users and teams.

use crate::id::{OrganizationId, TeamId, UserId};
use crate::slug::Slug;
use crate::text::{EmailAddress, Name};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A tenant: everything else belongs to exactly one, except users and integrations, which are shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id; zero until the store has given one, where snowflakes are off.
    pub id: OrganizationId,
    /// Unique in the instance.
    pub slug: Slug,
    /// Shown to people.
    pub name: Name,
    /// Whether changes made here are carried to the trackers (the `issue_sync` feature).
    pub issue_sync: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A person who can be assigned work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Shown to people.
    pub name: Name,
    /// An inactive user keeps their history and is assigned nothing new.
    pub active: bool,
    /// Their Discord account, where they linked one.
    pub discord: Option<DiscordUserId>,
    /// When they were made.
    pub created_at: Timestamp,
}

/// An address of a user. Only a verified one identifies them to a tracker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserEmail {
    /// Whose.
    pub user: UserId,
    /// In lower case; verified by at most one user of the instance.
    pub address: EmailAddress,
    /// Whether it is known to be theirs.
    pub verified: bool,
}

/// A member's role in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May do everything, removing the organization included.
    Owner,
    /// May change settings.
    Admin,
    /// May work with issues.
    Member,
}

impl Role {
    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn from_stored(word: &str) -> Option<Self> {
        [Self::Owner, Self::Admin, Self::Member].into_iter().find(|role| role.as_str() == word)
    }
}

/// A group of people that work can be assigned to; a project belongs to teams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Unique in the organization.
    pub slug: Slug,
    /// Shown to people.
    pub name: Name,
    /// When it was made.
    pub created_at: Timestamp,
}

macro_rules! discord_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u64);

        impl $name {
            /// Wraps a snowflake of Discord's; `None` for zero or for what does not fit a signed column.
            #[must_use]
            pub fn new(value: u64) -> Option<Self> {
                (value > 0 && i64::try_from(value).is_ok()).then_some(Self(value))
            }

            /// The snowflake itself.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = crate::id::InvalidId;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().ok().and_then(Self::new).ok_or(crate::id::InvalidId { what: $what })
            }
        }

        // Discord writes its snowflakes as JSON strings, since they pass 2^53; so do we.
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

discord_id!(/// A Discord user.
    DiscordUserId, "Discord user id");
discord_id!(/// A Discord guild (a "server").
    GuildId, "Discord guild id");
discord_id!(/// A Discord channel or thread.
    ChannelId, "Discord channel id");
discord_id!(/// A Discord message.
    MessageId, "Discord message id");
discord_id!(/// An interaction: something that a person did with the bot.
    InteractionId, "Discord interaction id");
discord_id!(/// An application, to which a bot and its interactions belong.
    ApplicationId, "Discord application id");

impl InteractionId {
    /// Milliseconds of 2015-01-01T00:00:00Z: where the time in a snowflake begins (documentation,
    /// reference, snowflakes).
    const EPOCH_MS: u64 = 1_420_070_400_000;

    /// When Discord made it, to the millisecond.
    #[must_use]
    pub fn made_at(self) -> Timestamp {
        let millis = (self.0 >> 22).saturating_add(Self::EPOCH_MS);
        Timestamp::from_micros(i64::try_from(millis.saturating_mul(1000)).unwrap_or(i64::MAX))
    }

    /// The smallest number that an id made at `at` or later can have.
    #[must_use]
    pub fn least_at(at: Timestamp) -> i64 {
        let millis = u64::try_from(at.as_micros()).unwrap_or(0).div_ceil(1000).saturating_sub(Self::EPOCH_MS);
        i64::try_from(u128::from(millis) << 22).unwrap_or(i64::MAX)
    }
}
