//! Discord without a bot's token: routes cannot be saved, and what waits to be sent waits on.

use async_trait::async_trait;
use handoff_domain::chat::{Message, ThreadPost};
use handoff_domain::organization::{ChannelId, GuildId, MessageId};
use handoff_domain::port::{ChannelDescription, ChatError, ChatMessenger};
use handoff_domain::text::Name;
use handoff_domain::time::Timestamp;

/// Refuses everything. What it is asked to send is kept: it is tried again every few minutes without counting
/// as tried, and goes out once there is a token.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChatWithoutToken;

fn unusable() -> ChatError {
    let reason = "this instance has no Discord bot token; set discord.token or discord.token_file, and start again";
    ChatError::ChannelUnusable { reason: reason.to_owned() }
}

#[async_trait]
impl ChatMessenger for ChatWithoutToken {
    async fn create(&self, _: ChannelId, _: &Message, _: &str) -> Result<MessageId, ChatError> {
        Err(ChatError::Unauthorized)
    }

    async fn create_silently(&self, _: ChannelId, _: &Message, _: &str) -> Result<MessageId, ChatError> {
        Err(ChatError::Unauthorized)
    }

    async fn create_in_thread(&self, _: ChannelId, _: &ThreadPost, _: &str) -> Result<MessageId, ChatError> {
        Err(ChatError::Unauthorized)
    }

    async fn find_in_thread(
        &self,
        _: ChannelId,
        _: MessageId,
        _: &str,
        _: Timestamp,
    ) -> Result<Option<MessageId>, ChatError> {
        Err(ChatError::Unauthorized)
    }

    async fn edit(&self, _: ChannelId, _: MessageId, _: &Message) -> Result<(), ChatError> {
        Err(ChatError::Unauthorized)
    }

    async fn find_by_nonce(&self, _: ChannelId, _: &str, _: Timestamp) -> Result<Option<MessageId>, ChatError> {
        Err(ChatError::Unauthorized)
    }

    async fn describe_channel(&self, _: ChannelId) -> Result<Option<ChannelDescription>, ChatError> {
        Err(unusable())
    }

    async fn guild_name(&self, _: GuildId) -> Result<Option<Name>, ChatError> {
        Err(unusable())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_route_is_refused_in_words_that_say_what_to_do() {
        let channel = ChannelId::new(7).unwrap();
        let said = ChatWithoutToken.describe_channel(channel).await.unwrap_err().to_string();
        assert!(said.contains("discord.token"), "{said}");
    }
}
