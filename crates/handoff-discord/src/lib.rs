//! Discord: cards, pings, interactions, and a sender that keeps to the rate limits.
//!
//! [`DiscordMessenger`] implements the domain's `ChatMessenger`. A message goes this way:
//!
//! - `card` and `ping` dress it, `encode` makes what people wrote in it harmless;
//! - `request` makes the request, with explicit mentions and a nonce that Discord enforces;
//! - `sender` sends it when `limits` allows it, one at a time for each channel and kind of request;
//! - `errors` turns a refusal into the class of action that it calls for;
//! - `history` and `marker` find a message again whose answer was lost;
//! - `channel` tells whether a route may lead to a channel.
//!
//! [`DiscordInbound`] implements `ChatInbound`, for what people do: `inbound` verifies and decodes it, by the
//! ids of `custom_id` and the commands of `commands`; `reply`, `notice` and `buttons` dress the answer.
//!
//! twilight gives routes, models and validation. Its own sender is not used: it learns of limits only by
//! running into them, and repeats refused requests out of sight.

mod buttons;
mod card;
mod channel;
mod commands;
mod custom_id;
mod encode;
mod errors;
mod history;
mod inbound;
mod limits;
mod marker;
mod messenger;
mod notice;
mod ping;
mod reply;
mod request;
mod sender;
mod settings;
mod setup;
mod summary;
mod thread;
mod wire;

#[cfg(test)]
mod tests;

pub use inbound::{DiscordInbound, PublicKeyError};
pub use messenger::DiscordMessenger;
pub use settings::{API_BASE, DiscordSettings, SettingsError};
pub use setup::{Application, PERMISSIONS, invite_url};
