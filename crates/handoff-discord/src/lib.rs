//! Discord: cards, pings and a sender that keeps to the rate limits.

mod card;
mod encode;
mod errors;
mod limits;
mod marker;
mod ping;
mod request;
mod sender;
mod settings;

pub use settings::{API_BASE, DiscordSettings, SettingsError};
