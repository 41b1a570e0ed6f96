//! Endpoints about messages: create, edit, delete, read.

use http::StatusCode;
use serde_json::json;
use url::form_urlencoded;

use super::{Context, Outcome, ok};
use crate::discord::error::{ApiError, Failure};
use crate::discord::id::Snowflake;
use crate::discord::mentions::{Allowed, Mentions};
use crate::discord::message::{Message, SUPPRESS_EMBEDS, nonce_text};
use crate::discord::nonce::Created;
use crate::discord::permissions::Permissions;
use crate::discord::state::Channel;
use crate::discord::validate::{self, ErrorTree, MessageBody, Reply};

/// Messages of one page of history, at most and where nothing is said.
const MAX_HISTORY: usize = 100;
const DEFAULT_HISTORY: usize = 50;

impl Context<'_> {
    pub(super) fn create_message(&mut self, channel: Snowflake) -> Outcome {
        let body = self.call.json()?;
        let (place, permissions) = self.visible(channel)?;
        may_send(place, permissions)?;
        let body = validate::message(&body)?;
        if body.embeds.as_ref().is_some_and(|embeds| !embeds.is_empty())
            && !permissions.contains(Permissions::EMBED_LINKS)
        {
            return Err(ApiError::MISSING_PERMISSIONS.into());
        }
        let nonce = body.nonce.as_ref().map(nonce_text);
        if let Some(nonce) = nonce.as_ref().filter(|_| body.enforce_nonce) {
            let window = self.world.limits.nonce_window;
            if let Some(first) = self.world.nonces.find(self.bot, nonce, window, self.now_us) {
                return self.answer_first(first);
            }
        }
        let replies_to = match body.reply {
            Some(reply) => self.reply_target(channel, permissions, reply)?,
            None => None,
        };
        let message = self.new_message(channel, body, replies_to)?;
        let id = message.id;
        if let Some(nonce) = nonce {
            let created = Created { channel, message: id };
            self.world.nonces.remember(self.bot, nonce, created, self.now_us);
        }
        let json = message.to_json(self.world, true);
        self.world.store(message, self.now_us);
        ok(json)
    }

    /// The answer to a nonce that is in use: the message it created, unless that is gone.
    fn answer_first(&self, first: Created) -> Outcome {
        let message = self
            .world
            .channels
            .get(&first.channel)
            .and_then(|channel| channel.messages.get(&first.message))
            .ok_or(ApiError::UNKNOWN_MESSAGE)?;
        ok(message.to_json(self.world, true))
    }

    fn new_message(
        &mut self,
        channel: Snowflake,
        body: MessageBody,
        replies_to: Option<Snowflake>,
    ) -> Result<Message, ApiError> {
        let id = self.world.ids.next(self.now_us);
        let place = self.world.channels.get(&channel).ok_or(ApiError::UNKNOWN_CHANNEL)?;
        let content = body.content.unwrap_or_default();
        let allowed = body.allowed_mentions.unwrap_or_else(Allowed::default_of_messages);
        let mut mentions = Mentions::read(&content, &allowed);
        if let Some(replied) = replies_to.and_then(|id| place.messages.get(&id))
            && allowed.replied_user
        {
            mentions.users.insert(replied.author);
        }
        let mentions = self.world.effective(place, self.bot, mentions);
        let message = Message {
            id,
            channel,
            author: self.bot,
            content,
            embeds: body.embeds.unwrap_or_default(),
            components: body.components.unwrap_or_default(),
            flags: body.flags.unwrap_or(0),
            nonce: body.nonce,
            replies_to,
            created_us: self.now_us,
            edited_us: None,
            edits: 0,
            pings: self.world.pings(place, self.bot, &mentions),
            mentions,
        };
        must_show_something(&message)?;
        Ok(message)
    }

    fn reply_target(
        &self,
        channel: Snowflake,
        permissions: Permissions,
        reply: Reply,
    ) -> Result<Option<Snowflake>, ApiError> {
        if !permissions.contains(Permissions::READ_MESSAGE_HISTORY) {
            return Err(ApiError::REPLY_NEEDS_HISTORY);
        }
        let exists =
            self.world.channels.get(&channel).is_some_and(|channel| channel.messages.contains_key(&reply.message));
        if exists {
            Ok(Some(reply.message))
        } else if reply.fail_if_not_exists {
            let mut errors = ErrorTree::default();
            errors.add("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message");
            errors.finish().map(|()| None)
        } else {
            Ok(None)
        }
    }

    /// Where the content is edited, mentions are read again, with the defaults unless the edit says
    /// otherwise. Nobody is notified.
    pub(super) fn edit_message(&mut self, channel: Snowflake, message: Snowflake) -> Outcome {
        let body = self.call.json()?;
        let (place, permissions) = self.visible(channel)?;
        let mut edited = place.messages.get(&message).ok_or(ApiError::UNKNOWN_MESSAGE)?.clone();
        if edited.author != self.bot {
            return Err(ApiError::NOT_THE_AUTHOR.into());
        }
        if place.thread.as_ref().is_some_and(|thread| thread.archived) {
            return Err(ApiError::ARCHIVED_THREAD.into());
        }
        let body = validate::message(&body)?;
        if let Some(content) = body.content {
            let allowed = body.allowed_mentions.unwrap_or_else(Allowed::default_of_messages);
            let mentions = Mentions::read(&content, &allowed);
            edited.mentions = self.world.effective(place, self.bot, mentions);
            edited.content = content;
        }
        if let Some(embeds) = body.embeds {
            if !embeds.is_empty() && !permissions.contains(Permissions::EMBED_LINKS) {
                return Err(ApiError::MISSING_PERMISSIONS.into());
            }
            edited.embeds = embeds;
        }
        if let Some(components) = body.components {
            edited.components = components;
        }
        if let Some(flags) = body.flags {
            edited.flags = (edited.flags & !SUPPRESS_EMBEDS) | (flags & SUPPRESS_EMBEDS);
        }
        must_show_something(&edited)?;
        self.world.limiter.admit_edit(channel, edited.created_us, self.now_us).map_err(Failure::from)?;
        edited.edited_us = Some(self.now_us);
        edited.edits += 1;
        let json = edited.to_json(self.world, self.world.limits.reads_show_nonce);
        if let Some(place) = self.world.channels.get_mut(&channel) {
            place.messages.insert(message, edited);
        }
        ok(json)
    }

    pub(super) fn delete_message(&mut self, channel: Snowflake, message: Snowflake) -> Outcome {
        let (place, permissions) = self.visible(channel)?;
        let found = place.messages.get(&message).ok_or(ApiError::UNKNOWN_MESSAGE)?;
        if found.author != self.bot && !permissions.contains(Permissions::MANAGE_MESSAGES) {
            return Err(ApiError::MISSING_PERMISSIONS.into());
        }
        if place.thread.as_ref().is_some_and(|thread| thread.archived) {
            return Err(ApiError::ARCHIVED_THREAD.into());
        }
        if let Some(place) = self.world.channels.get_mut(&channel) {
            place.messages.remove(&message);
        }
        Ok((StatusCode::NO_CONTENT, None))
    }

    pub(super) fn get_message(&self, channel: Snowflake, message: Snowflake) -> Outcome {
        let (place, permissions) = self.visible(channel)?;
        if !permissions.contains(Permissions::READ_MESSAGE_HISTORY) {
            return Err(ApiError::MISSING_PERMISSIONS.into());
        }
        let message = place.messages.get(&message).ok_or(ApiError::UNKNOWN_MESSAGE)?;
        ok(message.to_json(self.world, self.world.limits.reads_show_nonce))
    }

    /// Newest first. Without READ_MESSAGE_HISTORY the history is empty, not refused.
    pub(super) fn get_messages(&self, channel: Snowflake) -> Outcome {
        let (place, permissions) = self.visible(channel)?;
        let page = Page::read(self.call.query.as_deref().unwrap_or_default())?;
        if !permissions.contains(Permissions::READ_MESSAGE_HISTORY) {
            return ok(json!([]));
        }
        let with_nonce = self.world.limits.reads_show_nonce;
        let messages = page.of(place);
        ok(messages.into_iter().map(|message| message.to_json(self.world, with_nonce)).collect())
    }
}

/// Whether a message may be sent into `place` at all.
fn may_send(place: &Channel, permissions: Permissions) -> Result<(), ApiError> {
    if place.guild.is_none() {
        return Err(ApiError::NO_DIRECT_MESSAGES);
    }
    if !place.kind.takes_messages() {
        return Err(ApiError::NOT_A_TEXT_CHANNEL);
    }
    let needed =
        if place.kind.is_thread() { Permissions::SEND_MESSAGES_IN_THREADS } else { Permissions::SEND_MESSAGES };
    if !permissions.contains(needed) {
        return Err(ApiError::MISSING_PERMISSIONS);
    }
    if place.thread.as_ref().is_some_and(|thread| thread.locked) {
        return Err(ApiError::THREAD_LOCKED);
    }
    Ok(())
}

fn must_show_something(message: &Message) -> Result<(), ApiError> {
    if message.content.trim().is_empty() && message.embeds.is_empty() && message.components.is_empty() {
        Err(ApiError::EMPTY_MESSAGE)
    } else {
        Ok(())
    }
}

/// Which part of a history is asked for.
#[derive(Clone, Copy, Debug)]
struct Page {
    limit: usize,
    anchor: Option<(Anchor, Snowflake)>,
}

#[derive(Clone, Copy, Debug)]
enum Anchor {
    Before,
    After,
    Around,
}

impl Page {
    fn read(query: &str) -> Result<Self, ApiError> {
        let mut page = Self { limit: DEFAULT_HISTORY, anchor: None };
        let mut errors = ErrorTree::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let anchor = match name.as_ref() {
                "before" => Anchor::Before,
                "after" => Anchor::After,
                "around" => Anchor::Around,
                "limit" => {
                    match value.parse() {
                        Ok(limit) if (1..=MAX_HISTORY).contains(&limit) => page.limit = limit,
                        _ => {
                            let message = format!("int value should be between 1 and {MAX_HISTORY}.");
                            errors.add("limit", "NUMBER_TYPE_MAX", message);
                        }
                    }
                    continue;
                }
                _ => continue,
            };
            match value.parse() {
                Ok(id) => page.anchor = Some((anchor, id)),
                Err(_) => errors.add(&name, "NUMBER_TYPE_COERCE", "Value is not snowflake."),
            }
        }
        errors.finish()?;
        Ok(page)
    }

    /// The messages of the page, newest first.
    fn of(self, place: &Channel) -> Vec<&Message> {
        let all = &place.messages;
        let mut page: Vec<&Message> = match self.anchor {
            None => all.values().rev().take(self.limit).collect(),
            Some((Anchor::Before, id)) => all.range(..id).rev().map(|(_, m)| m).take(self.limit).collect(),
            Some((Anchor::After, id)) => {
                all.range(id..).filter(|(other, _)| **other != id).map(|(_, m)| m).take(self.limit).collect()
            }
            Some((Anchor::Around, id)) => {
                let half = self.limit / 2;
                let older = all.range(..id).rev().map(|(_, m)| m).take(half);
                let newer = all.range(id..).map(|(_, m)| m).take(self.limit - half);
                older.chain(newer).collect()
            }
        };
        page.sort_by_key(|message| std::cmp::Reverse(message.id));
        page
    }
}
