//! What a connection to Discord is made with.

use handoff_domain::secret::Secret;
use std::time::Duration;

/// Discord's API, version 10.
pub const API_BASE: &str = "https://discord.com/api/v10";

/// What a connection to Discord is made with. Begin with [`DiscordSettings::new`].
#[derive(Debug, Clone)]
pub struct DiscordSettings {
    /// The bot's token, as Discord's developer portal shows it, without `Bot `.
    pub token: Secret,
    /// Where the API is, without a slash at the end: [`API_BASE`], or a simulator's address.
    pub api_base: String,
    /// Whether cards have buttons: only where their interactions reach us.
    pub buttons: bool,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long a request may take altogether, from connecting to the end of its answer. Waiting for a
    /// rate limit is not part of it.
    pub timeout: Duration,
}

impl DiscordSettings {
    /// The defaults, with this token.
    #[must_use]
    pub fn new(token: Secret) -> Self {
        Self {
            token,
            api_base: API_BASE.to_owned(),
            buttons: false,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(15),
        }
    }
}

/// Why settings cannot be used. Holds nothing of the token.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The token has characters that no token has.
    #[error("the Discord bot token holds characters that cannot be sent; copy it again")]
    Token,
    /// The address is not one of the web.
    #[error("the address of Discord's API is no http or https address")]
    ApiBase,
    /// The HTTP client cannot be made; most likely no TLS provider is installed.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
}
