//! Interactions: what people click, choose and type is signed and sent to the endpoint of the application, and
//! the answer is judged and shown as Discord does (docs, receiving and responding).

mod answer;
mod body;
mod deeds;
mod run;
mod wire;

use std::collections::BTreeMap;

use ed25519_dalek::{Signer, SigningKey};
use serde::Serialize;
use serde_json::Value;

pub use self::deeds::Deed;
pub(super) use self::run::run;
pub use self::wire::{RawAnswer, RawRequest};
use super::control::ControlError;
use super::id::Snowflake;

/// Characters of a command's name.
pub(super) const COMMAND_NAME_MAX: usize = 32;

/// The seed of the key that every simulator signs with: it guards nothing.
const SEED: [u8; 32] = *b"the simulators sign with this !!";

/// What the simulator knows about interactions.
#[derive(Debug)]
pub(super) struct Interactions {
    key: SigningKey,
    /// Where interactions are sent, once it proved itself.
    pub(super) endpoint: Option<String>,
    /// The commands of each application, as the API answers them.
    pub(super) commands: BTreeMap<Snowflake, Vec<Value>>,
    /// Answers that one person sees.
    private: BTreeMap<Snowflake, PrivateMessage>,
    /// The form that is open before somebody.
    forms: BTreeMap<Snowflake, Form>,
}

impl Default for Interactions {
    fn default() -> Self {
        Self {
            key: SigningKey::from_bytes(&SEED),
            endpoint: None,
            commands: BTreeMap::new(),
            private: BTreeMap::new(),
            forms: BTreeMap::new(),
        }
    }
}

impl Interactions {
    /// The key that the endpoint verifies with, in hexadecimal digits.
    pub(super) fn public_key(&self) -> String {
        hex(self.key.verifying_key().as_bytes())
    }

    fn sign(&self, timestamp: &str, body: &[u8]) -> String {
        hex(&self.key.sign(&[timestamp.as_bytes(), body].concat()).to_bytes())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A message that only one person sees.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PrivateMessage {
    /// Its id.
    pub id: Snowflake,
    /// Who sees it.
    pub user: Snowflake,
    /// The application that it comes from.
    pub application: Snowflake,
    /// The channel it is shown in.
    pub channel: Snowflake,
    /// The text.
    pub content: String,
    /// The embeds.
    pub embeds: Vec<Value>,
    /// The action rows.
    pub components: Vec<Value>,
}

/// A form, before somebody.
#[derive(Clone, Debug)]
struct Form {
    application: Snowflake,
    channel: Snowflake,
    custom_id: String,
    /// Its fields.
    inputs: Vec<Value>,
}

/// How an interaction was answered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answered {
    /// The kind: 4 a message, 6 later, 7 the message changed, 8 suggestions, 9 a form.
    pub kind: u64,
    /// Its data, null where there is none.
    pub data: Value,
    /// The message that it made, which only that person sees.
    pub message: Option<Snowflake>,
    /// The request that it answers: the body that was signed.
    pub request: String,
}

impl Answered {
    /// The text of the message that it made; empty without one.
    #[must_use]
    pub fn content(&self) -> &str {
        self.data["content"].as_str().unwrap_or_default()
    }

    /// The names of the suggestions.
    #[must_use]
    pub fn suggestions(&self) -> Vec<&str> {
        self.data["choices"].as_array().into_iter().flatten().filter_map(|one| one["name"].as_str()).collect()
    }

    /// Labels and values of the options of its select.
    #[must_use]
    pub fn options(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let options = self.data["components"][0]["components"][0]["options"].as_array();
        options.into_iter().flatten().map(|one| (text(&one["label"]), text(&one["value"]))).collect()
    }
}

/// Why somebody could not do it, or saw that it failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InteractionError {
    /// Something that is named is not there.
    #[error(transparent)]
    Unknown(#[from] ControlError),
    /// No endpoint is registered.
    #[error("the application has no interactions endpoint")]
    NoEndpoint,
    /// They do not see the channel, or the message is another person's.
    #[error("they do not see it")]
    NotVisible,
    /// The message has no such button, or the select no such option.
    #[error("there is nothing like that to click: {0}")]
    NothingToClick(String),
    /// No form is open before them, or it has no such field, or a field is not filled as it must.
    #[error("the form cannot be sent: {0}")]
    Form(String),
    /// There is no such command, or an option is missing or unknown.
    #[error("the command cannot be typed: {0}")]
    Command(String),
    /// The command needs a permission that they do not have.
    #[error("they may not use the command")]
    NotAllowed,
    /// "This interaction failed": no answer within three seconds, or none that Discord takes.
    #[error("the interaction failed: {0}")]
    Failed(String),
}

/// Why an endpoint was not registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the specified interactions endpoint url could not be verified: {0}")]
pub struct EndpointRefused(pub String);
