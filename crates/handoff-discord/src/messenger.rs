//! The port [`ChatMessenger`], spoken with Discord.

use crate::channel::{self, Sight};
use crate::errors::{
    ARCHIVED_THREAD, Failure, REPLY_NEEDS_HISTORY, THREAD_EXISTS, THREAD_LOCKED, TOO_MANY_THREADS, UNKNOWN_CHANNEL,
    retry,
};
use crate::history::{self, Wanted};
use crate::request::{self, Buttons, Call, Manner, Reply};
use crate::sender::Sender;
use crate::settings::{DiscordSettings, SettingsError};
use crate::wire::{Channel, GuildName, MessageRef, PastMessage, User};
use async_trait::async_trait;
use handoff_domain::chat::{Message, ThreadPost};
use handoff_domain::organization::{ChannelId, GuildId, MessageId};
use handoff_domain::port::{ChannelDescription, ChatError, ChatMessenger, Clock};
use handoff_domain::text::{Name, tamed};
use handoff_domain::time::Timestamp;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tokio::sync::OnceCell;
use twilight_model::id::Id;
use twilight_model::id::marker::UserMarker;

/// Sends to Discord with one bot's token. One of them may send for a token at a time, in one process:
/// what Discord still allows is known only to who sends.
pub struct DiscordMessenger {
    sender: Sender,
    buttons: Buttons,
    /// The bot's own account, once it was asked for.
    bot: OnceCell<Id<UserMarker>>,
}

impl DiscordMessenger {
    /// Prepares to send; asks nothing of the network. For `https` the process must have installed a TLS
    /// provider (rustls' `install_default`).
    ///
    /// # Errors
    /// [`SettingsError`] when the settings cannot be used.
    pub fn new(settings: &DiscordSettings, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let buttons = if settings.buttons { Buttons::Shown } else { Buttons::None };
        Ok(Self { sender: Sender::new(settings, clock)?, buttons, bot: OnceCell::new() })
    }

    pub(crate) async fn ask<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Failure> {
        let body = self.sender.send(call).await?;
        // What a proxy or a sign-in page answers with 2xx tells nothing about what Discord did.
        let unreadable = |_| retry("Discord's answer cannot be read", None);
        Ok(serde_json::from_slice(&body).map_err(unreadable)?)
    }

    /// The same, with `None` for what is not there, or not for the bot to see.
    async fn look<T: DeserializeOwned>(&self, call: &Call) -> Result<Option<T>, Failure> {
        match self.ask(call).await {
            Ok(found) => Ok(Some(found)),
            Err(Failure::Refused(refusal)) if refusal.is_absence() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn bot(&self) -> Result<Id<UserMarker>, Failure> {
        let asked = || async { self.ask::<User>(&request::current_user()).await.map(|user| user.id) };
        self.bot.get_or_try_init(asked).await.copied()
    }

    async fn post(
        &self,
        channel: ChannelId,
        message: &Message,
        nonce: &str,
        manner: Manner,
    ) -> Result<MessageId, Failure> {
        let call = request::create(channel, message, nonce, (Reply::ToCard, manner), self.buttons)?;
        let created = match self.ask::<MessageRef>(&call).await {
            Err(Failure::Refused(refusal)) if refusal.code == Some(REPLY_NEEDS_HISTORY) => {
                self.ask(&request::create(channel, message, nonce, (Reply::Never, manner), self.buttons)?).await
            }
            created => created,
        };
        Ok(created?.id)
    }

    async fn search(&self, channel: ChannelId, nonce: &str, since: Timestamp) -> Result<Option<MessageId>, Failure> {
        let wanted = Wanted::new(self.bot().await?, nonce);
        let mut after = history::begin(since);
        for _ in 0..history::MAX_PAGES {
            let page: Vec<PastMessage> = self.ask(&request::history(channel, after)).await?;
            if let Some(found) = page.iter().find(|message| wanted.is(message)) {
                return Ok(Some(found.id));
            }
            let newest = page.iter().map(|message| message.id.get()).max();
            match newest.filter(|newest| *newest > after && page.len() >= usize::from(request::HISTORY_PAGE)) {
                Some(newest) => after = newest,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    async fn sight(&self, id: ChannelId) -> Result<Option<Sight>, Failure> {
        let Some(channel) = self.look::<Channel>(&request::channel(id)).await? else { return Ok(None) };
        // A direct message has no guild, and so nobody who could route to it.
        let Some(guild_id) = channel.guild_id else { return Ok(None) };
        let parent = match channel.parent_id.filter(|_| channel::is_thread(channel.kind)) {
            None => None,
            Some(parent) => match self.look(&request::channel(parent)).await? {
                Some(parent) => Some(parent),
                None => return Ok(None),
            },
        };
        let bot = self.bot().await?;
        let Some(guild) = self.look(&request::guild(guild_id)).await? else { return Ok(None) };
        let Some(member) = self.look(&request::member(guild_id, bot.get())).await? else { return Ok(None) };
        Ok(Some(Sight { guild_id, guild, bot, member, channel, parent }))
    }
}

/// A card's thread has the card's id.
fn thread_of(card: MessageId) -> Result<ChannelId, ChatError> {
    ChannelId::new(card.get()).ok_or_else(|| retry("the card's id cannot be that of a thread", None))
}

fn code_of<T>(done: &Result<T, Failure>) -> Option<u64> {
    done.as_ref().err().and_then(Failure::code)
}

#[async_trait]
impl ChatMessenger for DiscordMessenger {
    /// A reply that the bot may not make is posted as a message of its own.
    async fn create(&self, channel: ChannelId, message: &Message, nonce: &str) -> Result<MessageId, ChatError> {
        Ok(self.post(channel, message, nonce, Manner::Aloud).await?)
    }

    async fn create_silently(
        &self,
        channel: ChannelId,
        message: &Message,
        nonce: &str,
    ) -> Result<MessageId, ChatError> {
        Ok(self.post(channel, message, nonce, Manner::Silently).await?)
    }

    /// Writing into a thread takes it out of the archive, so only its making is to be seen to.
    async fn create_in_thread(
        &self,
        channel: ChannelId,
        post: &ThreadPost,
        nonce: &str,
    ) -> Result<MessageId, ChatError> {
        let message = Message::ThreadPost(post.clone());
        let call =
            request::create(thread_of(post.card)?, &message, nonce, (Reply::Never, Manner::Aloud), self.buttons)?;
        let mut posted = self.ask::<MessageRef>(&call).await;
        if code_of(&posted) == Some(UNKNOWN_CHANNEL) {
            posted = match self.sender.send(&request::start_thread(channel, post)?).await {
                Err(failure) if failure.code() != Some(THREAD_EXISTS) => Err(failure),
                _ => self.ask(&call).await,
            };
        }
        match code_of(&posted) {
            Some(THREAD_LOCKED | TOO_MANY_THREADS) => Ok(self.post(channel, &message, nonce, Manner::Aloud).await?),
            _ => Ok(posted?.id),
        }
    }

    async fn find_in_thread(
        &self,
        channel: ChannelId,
        card: MessageId,
        nonce: &str,
        since: Timestamp,
    ) -> Result<Option<MessageId>, ChatError> {
        match self.search(thread_of(card)?, nonce, since).await {
            Ok(None) => {}
            Err(failure) if failure.code() == Some(UNKNOWN_CHANNEL) => {}
            found => return Ok(found?),
        }
        Ok(self.search(channel, nonce, since).await?)
    }

    /// A thread that is archived is taken out of the archive first.
    async fn edit(&self, channel: ChannelId, id: MessageId, message: &Message) -> Result<(), ChatError> {
        let call = request::edit(channel, id, message, self.buttons)?;
        let edited = match self.ask::<MessageRef>(&call).await {
            Err(Failure::Refused(refusal)) if refusal.code == Some(ARCHIVED_THREAD) => {
                self.sender.send(&request::unarchive(channel)?).await?;
                self.ask(&call).await
            }
            edited => edited,
        };
        edited?;
        Ok(())
    }

    /// Needs the permission to read the history; Discord shows an empty one without it.
    async fn find_by_nonce(
        &self,
        channel: ChannelId,
        nonce: &str,
        since: Timestamp,
    ) -> Result<Option<MessageId>, ChatError> {
        Ok(self.search(channel, nonce, since).await?)
    }

    /// `None` for a direct message too: it belongs to no guild.
    async fn describe_channel(&self, channel: ChannelId) -> Result<Option<ChannelDescription>, ChatError> {
        Ok(self.sight(channel).await?.as_ref().map(channel::describe))
    }

    async fn guild_name(&self, guild: GuildId) -> Result<Option<Name>, ChatError> {
        let found: Option<GuildName> = self.look(&request::guild(guild)).await?;
        let Some(found) = found else { return Ok(None) };
        let name = Name::parse(&tamed(&found.name, Name::MAX)).or_else(|_| Name::parse(&guild.to_string()));
        name.map(Some).map_err(|_| ChatError::Rejected { reason: "the server has no name".to_owned() })
    }
}
