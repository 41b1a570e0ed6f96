//! `[discord]`: the bot.

use super::mistakes::Mistakes;
use super::settings::Settings;
use handoff_discord::{API_BASE, DiscordInbound, DiscordSettings};
use handoff_domain::organization::ApplicationId;
use handoff_domain::outbox::Lane;
use handoff_domain::secret::Secret;
use handoff_worker::longest_call;
use std::time::Duration;
use url::Url;

/// What happens without an application.
const NO_INTERACTIONS: &str = "none: cards have no buttons, and there are no commands";

/// The longest that Discord may be waited for.
fn max_wait() -> Duration {
    longest_call(Lane::Messages)
}

/// `[discord]`.
#[derive(Debug, Clone)]
pub struct DiscordConfig {
    /// The bot's token; without one nothing is sent.
    pub token: Option<Secret>,
    /// The application's public key, with which interactions are verified; without it there are none.
    pub public_key: Option<String>,
    /// The application's id.
    pub application_id: Option<String>,
    /// Where the API is, without a slash at the end.
    pub api_base: String,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long a request may take.
    pub timeout: Duration,
}

impl DiscordConfig {
    pub(super) fn read(settings: &mut Settings) -> Self {
        let default = DiscordSettings::new(Secret::new(""));
        Self {
            token: settings.take_secret("discord.token", "discord.token_file", "none: nothing is sent to Discord"),
            public_key: settings.take_optional("discord.public_key", NO_INTERACTIONS),
            application_id: settings.take_optional("discord.application_id", NO_INTERACTIONS),
            api_base: settings.take("discord.api_base", API_BASE.to_owned()),
            connect_timeout: settings.take("discord.connect_timeout_seconds", default.connect_timeout),
            timeout: settings.take("discord.timeout_seconds", default.timeout),
        }
    }

    /// Adds what is wrong with it.
    pub fn validate(&self, mistakes: &mut Mistakes) {
        let url = Url::parse(&self.api_base).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        mistakes.check(
            url.is_some() && !self.api_base.ends_with('/'),
            "discord.api_base",
            "must be an http or https address without a slash at the end, such as https://discord.com/api/v10",
        );
        self.validate_interactions(mistakes);
        let token = self.token.as_ref().map_or("", Secret::expose);
        mistakes.check(
            !token.contains(char::is_whitespace),
            "discord.token",
            "must be the token alone, as the developer portal shows it, without \"Bot \"",
        );
        for (key, wait) in
            [("discord.connect_timeout_seconds", self.connect_timeout), ("discord.timeout_seconds", self.timeout)]
        {
            let problem =
                format!("must be between 1 and {}, so that a task ends before its lease", max_wait().as_secs());
            mistakes.check(!wait.is_zero() && wait <= max_wait(), key, &problem);
        }
    }

    fn validate_interactions(&self, mistakes: &mut Mistakes) {
        let application = self.application();
        let id = self.application_id.is_none() || application.is_some();
        mistakes.check(id, "discord.application_id", "must be the application's id, as the developer portal shows it");
        let some_id = application.or(ApplicationId::new(1));
        let key = self.public_key.as_deref().zip(some_id).map(|(key, id)| DiscordInbound::new(key, id));
        let problem = "must be the application's public key: 64 hexadecimal digits, as the developer portal shows it";
        mistakes.check(!matches!(key, Some(Err(_))), "discord.public_key", problem);
        if self.public_key.is_some() != self.application_id.is_some() {
            let missing = if self.public_key.is_some() { "discord.application_id" } else { "discord.public_key" };
            mistakes.add(missing, "must be given too: interactions need both the application's id and its public key");
        }
    }

    /// The application's id, where it is one.
    #[must_use]
    pub fn application(&self) -> Option<ApplicationId> {
        self.application_id.as_deref()?.parse().ok()
    }

    /// What hears interactions, where they are set up.
    #[must_use]
    pub fn inbound(&self) -> Option<DiscordInbound> {
        DiscordInbound::new(self.public_key.as_deref()?, self.application()?).ok()
    }

    /// As the adapter takes it, where there is a token.
    #[must_use]
    pub fn settings(&self) -> Option<DiscordSettings> {
        let mut settings = DiscordSettings::new(self.token.clone()?);
        settings.api_base.clone_from(&self.api_base);
        settings.buttons = self.inbound().is_some();
        (settings.connect_timeout, settings.timeout) = (self.connect_timeout, self.timeout);
        Some(settings)
    }
}
