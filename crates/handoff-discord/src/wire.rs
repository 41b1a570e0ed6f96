//! What Discord answers, as far as we read it. Everything else may change without notice to us.

use handoff_domain::organization::{ChannelId, GuildId, MessageId};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use twilight_model::channel::ChannelType;
use twilight_model::channel::permission_overwrite::PermissionOverwrite;
use twilight_model::guild::Permissions;
use twilight_model::id::Id;
use twilight_model::id::marker::{GenericMarker, UserMarker};

/// A message that we made or changed.
#[derive(Debug, Deserialize)]
pub(crate) struct MessageRef {
    pub(crate) id: MessageId,
}

/// A message of a history.
#[derive(Debug, Deserialize)]
pub(crate) struct PastMessage {
    pub(crate) id: MessageId,
    pub(crate) author: User,
    /// A text or a number; often not shown at all.
    #[serde(default)]
    pub(crate) nonce: Option<Value>,
    #[serde(default)]
    pub(crate) content: String,
    #[serde(default)]
    pub(crate) embeds: Vec<PastEmbed>,
}

/// An embed of a past message.
#[derive(Debug, Deserialize)]
pub(crate) struct PastEmbed {
    #[serde(default)]
    pub(crate) footer: Option<PastFooter>,
}

/// The footer of a past embed.
#[derive(Debug, Deserialize)]
pub(crate) struct PastFooter {
    #[serde(default)]
    pub(crate) text: String,
}

/// An account.
#[derive(Debug, Deserialize)]
pub(crate) struct User {
    pub(crate) id: Id<UserMarker>,
}

/// A channel or thread.
#[derive(Debug, Deserialize)]
pub(crate) struct Channel {
    #[serde(rename = "type")]
    pub(crate) kind: ChannelType,
    /// Absent for direct messages.
    #[serde(default)]
    pub(crate) guild_id: Option<GuildId>,
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// Of a thread: its channel.
    #[serde(default)]
    pub(crate) parent_id: Option<ChannelId>,
    #[serde(default, deserialize_with = "known_overwrites")]
    pub(crate) permission_overwrites: Vec<PermissionOverwrite>,
    #[serde(default)]
    pub(crate) thread_metadata: Option<ThreadMetadata>,
}

/// The state of a thread.
#[derive(Debug, Deserialize)]
pub(crate) struct ThreadMetadata {
    #[serde(default)]
    pub(crate) locked: bool,
}

/// A guild with its roles.
#[derive(Debug, Deserialize)]
pub(crate) struct Guild {
    pub(crate) owner_id: Id<UserMarker>,
    pub(crate) roles: Vec<Role>,
}

/// The name of a guild alone.
#[derive(Debug, Deserialize)]
pub(crate) struct GuildName {
    pub(crate) name: String,
}

/// A role of a guild. The one of @everyone has the guild's id.
#[derive(Debug, Deserialize)]
pub(crate) struct Role {
    pub(crate) id: Id<GenericMarker>,
    pub(crate) permissions: Permissions,
}

/// A member of a guild.
#[derive(Debug, Deserialize)]
pub(crate) struct Member {
    pub(crate) roles: Vec<Id<GenericMarker>>,
}

/// A list that may be null or absent.
fn known_overwrites<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PermissionOverwrite>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
