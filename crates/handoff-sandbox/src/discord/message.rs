//! A message, and how the API and tests see it.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::id::{Snowflake, timestamp};
use super::mentions::{Mentions, Pings};
use super::render;
use super::state::World;

/// The flag of a message whose embeds are hidden.
pub(super) const SUPPRESS_EMBEDS: u64 = 1 << 2;
/// The flag of a message that has a thread.
pub(super) const HAS_THREAD: u64 = 1 << 5;
/// The flag of a message that notifies without a sound.
pub(super) const SUPPRESS_NOTIFICATIONS: u64 = 1 << 12;
/// The flag of components version 2, which is not simulated.
pub(super) const IS_COMPONENTS_V2: u64 = 1 << 15;

/// A message as stored.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) id: Snowflake,
    pub(super) channel: Snowflake,
    pub(super) author: Snowflake,
    pub(super) content: String,
    pub(super) embeds: Vec<Value>,
    pub(super) components: Vec<Value>,
    pub(super) flags: u64,
    /// A string or an integer, as it was given.
    pub(super) nonce: Option<Value>,
    pub(super) replies_to: Option<Snowflake>,
    pub(super) created_us: i64,
    pub(super) edited_us: Option<i64>,
    pub(super) edits: u32,
    pub(super) mentions: Mentions,
    pub(super) pings: Pings,
}

impl Message {
    /// The API's message object. `with_nonce`: as creating it answers.
    pub(super) fn to_json(&self, world: &World, with_nonce: bool) -> Value {
        let mut json = self.basic_json(world);
        let object = json.as_object_mut();
        let Some(object) = object else {
            return json;
        };
        if let Some(nonce) = self.nonce.as_ref().filter(|_| with_nonce) {
            object.insert("nonce".to_owned(), nonce.clone());
        }
        if let Some(thread) = world.channels.get(&self.id).filter(|channel| channel.thread.is_some()) {
            object.insert("thread".to_owned(), render::channel(world, thread));
        }
        self.insert_reference(world, object);
        json
    }

    fn basic_json(&self, world: &World) -> Value {
        let mentioned: Vec<Value> =
            self.mentions.users.iter().filter_map(|user| world.users.get(user)).map(render::user).collect();
        json!({
            "id": self.id,
            "type": if self.replies_to.is_some() { 19 } else { 0 },
            "channel_id": self.channel,
            "author": world.users.get(&self.author).map(render::user),
            "content": self.content,
            "timestamp": timestamp(self.created_us),
            "edited_timestamp": self.edited_us.map(timestamp),
            "tts": false,
            "mention_everyone": self.mentions.everyone,
            "mentions": mentioned,
            "mention_roles": self.mentions.roles,
            "attachments": [],
            "embeds": self.embeds,
            "components": self.components,
            "pinned": false,
            "flags": self.flags,
        })
    }

    fn insert_reference(&self, world: &World, object: &mut Map<String, Value>) {
        let Some(replies_to) = self.replies_to else {
            return;
        };
        let channel = world.channels.get(&self.channel);
        let mut reference = json!({ "type": 0, "channel_id": self.channel, "message_id": replies_to });
        if let Some(guild) = channel.and_then(|channel| channel.guild) {
            reference["guild_id"] = json!(guild);
        }
        let referenced =
            channel.and_then(|channel| channel.messages.get(&replies_to)).map(|message| message.basic_json(world));
        object.insert("message_reference".to_owned(), reference);
        object.insert("referenced_message".to_owned(), json!(referenced));
    }

    /// What tests look at.
    pub(super) fn to_sim(&self) -> SimMessage {
        SimMessage {
            id: self.id,
            channel_id: self.channel,
            author_id: self.author,
            content: self.content.clone(),
            embeds: self.embeds.clone(),
            components: self.components.clone(),
            flags: self.flags,
            nonce: self.nonce.as_ref().map(nonce_text),
            replies_to: self.replies_to,
            created_us: self.created_us,
            edited_us: self.edited_us,
            edits: self.edits,
            mentions: self.mentions.users.clone(),
            mentions_everyone: self.mentions.everyone,
            pings: self.pings.clone(),
        }
    }
}

/// A nonce as text, whichever way it was given.
pub(super) fn nonce_text(nonce: &Value) -> String {
    nonce.as_str().map_or_else(|| nonce.to_string(), str::to_owned)
}

/// A message as a test sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SimMessage {
    /// Its id.
    pub id: Snowflake,
    /// The channel it is in.
    pub channel_id: Snowflake,
    /// Who sent it.
    pub author_id: Snowflake,
    /// The text.
    pub content: String,
    /// The embeds, as the API answers them.
    pub embeds: Vec<Value>,
    /// The action rows, as the API answers them.
    pub components: Vec<Value>,
    /// The flags.
    pub flags: u64,
    /// The nonce it was created with, as text.
    pub nonce: Option<String>,
    /// The message it replies to.
    pub replies_to: Option<Snowflake>,
    /// When it was created, in microseconds since the Unix epoch.
    pub created_us: i64,
    /// When it was last edited.
    pub edited_us: Option<i64>,
    /// How often it was edited.
    pub edits: u32,
    /// The users that the present text mentions with effect; an edit can change them.
    pub mentions: BTreeSet<Snowflake>,
    /// Whether the present text mentions everyone with effect.
    pub mentions_everyone: bool,
    /// Whom it notified when it was created.
    pub pings: Pings,
}
