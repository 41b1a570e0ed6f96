//! Discord, outward: creating, editing and finding messages, and looking at channels.

use crate::chat::{Message, ThreadPost};
use crate::organization::{ChannelId, GuildId, MessageId};
use crate::text::Name;
use crate::time::Timestamp;
use async_trait::async_trait;
use std::time::Duration;

/// Why Discord did not do it. The classes are those that call for different actions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChatError {
    /// Try the same again later: rate limit, outage, time-out. Whether it took effect is unknown.
    #[error("Discord did not answer for now: {reason}")]
    Retry {
        /// For people.
        reason: String,
        /// Not before, where Discord said so.
        after: Option<Duration>,
    },
    /// Nothing more can be sent to this channel until somebody mends it: gone, or not allowed.
    #[error("the channel cannot be used: {reason}")]
    ChannelUnusable {
        /// For people, with what to do.
        reason: String,
    },
    /// The message is gone; a new one may be made, once.
    #[error("the message is gone")]
    MessageGone,
    /// Discord refuses what we said, and would again.
    #[error("Discord refused the message: {reason}")]
    Rejected {
        /// Discord's own words, without our content.
        reason: String,
    },
    /// The bot's token is no good: everything stops until an operator mends it.
    #[error("Discord refused the bot token")]
    Unauthorized,
}

/// A channel as a route needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelDescription {
    /// The guild it is in.
    pub guild: GuildId,
    /// Its name.
    pub name: String,
    /// Why nothing can be sent there, for people, with what to do; `None` when all is well.
    pub unusable: Option<String>,
    /// Why no threads can be begun there, for people, with what to do; `None` when they can.
    pub no_threads: Option<String>,
    /// Whether @everyone can read it.
    pub visible_to_everyone: bool,
}

/// Sends to Discord, within its limits and rate limits. Untrusted text is encoded by the adapter.
#[async_trait]
pub trait ChatMessenger: Send + Sync {
    /// Posts a message. With a nonce that was used within a minute, Discord returns the first message
    /// instead of making a second.
    ///
    /// # Errors
    /// [`ChatError`].
    async fn create(&self, channel: ChannelId, message: &Message, nonce: &str) -> Result<MessageId, ChatError>;

    /// The same, and nobody's device is told of it.
    ///
    /// # Errors
    /// [`ChatError`].
    async fn create_silently(&self, channel: ChannelId, message: &Message, nonce: &str)
    -> Result<MessageId, ChatError>;

    /// Posts in the thread of a card, which is begun where there is none, and taken out of the archive
    /// where it is in it. Where the thread is locked, or the channel can have no more threads, the message
    /// is a reply to the card in its channel.
    ///
    /// # Errors
    /// [`ChatError`].
    async fn create_in_thread(
        &self,
        channel: ChannelId,
        post: &ThreadPost,
        nonce: &str,
    ) -> Result<MessageId, ChatError>;

    /// Looks for an own message with this nonce where [`ChatMessenger::create_in_thread`] may have posted
    /// it.
    ///
    /// # Errors
    /// [`ChatError`].
    async fn find_in_thread(
        &self,
        channel: ChannelId,
        card: MessageId,
        nonce: &str,
        since: Timestamp,
    ) -> Result<Option<MessageId>, ChatError>;

    /// Makes an own message say this instead. Nobody is pinged by it.
    ///
    /// # Errors
    /// [`ChatError`].
    async fn edit(&self, channel: ChannelId, id: MessageId, message: &Message) -> Result<(), ChatError>;

    /// Looks into the channel's history, from `since` on, for an own message with this nonce.
    ///
    /// # Errors
    /// [`ChatError`].
    async fn find_by_nonce(
        &self,
        channel: ChannelId,
        nonce: &str,
        since: Timestamp,
    ) -> Result<Option<MessageId>, ChatError>;

    /// Looks at a channel; `None` when there is none or the bot cannot see it.
    ///
    /// # Errors
    /// [`ChatError`].
    async fn describe_channel(&self, channel: ChannelId) -> Result<Option<ChannelDescription>, ChatError>;

    /// The name of a guild that the bot is in; `None` when it is not.
    ///
    /// # Errors
    /// [`ChatError`].
    async fn guild_name(&self, guild: GuildId) -> Result<Option<Name>, ChatError>;
}
