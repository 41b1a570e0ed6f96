//! Discord: cards, pings and a sender that keeps to the rate limits.
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
//! twilight gives routes, models and validation. Its own sender is not used: it learns of limits only by
//! running into them, and repeats refused requests out of sight.

mod card;
mod channel;
mod encode;
mod errors;
mod history;
mod limits;
mod marker;
mod messenger;
mod ping;
mod request;
mod sender;
mod settings;
mod summary;
mod thread;
mod wire;

#[cfg(test)]
mod tests;

pub use messenger::DiscordMessenger;
pub use settings::{API_BASE, DiscordSettings, SettingsError};
