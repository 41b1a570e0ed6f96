//! Setting the bot up: who it is, its commands, and the address that invites it.

use crate::errors::Failure;
use crate::messenger::DiscordMessenger;
use crate::request;
use handoff_domain::organization::ApplicationId;
use handoff_domain::port::ChatError;
use serde::Deserialize;
use serde::de::IgnoredAny;
use url::Url;

/// What the bot must be allowed in a channel, and no more: to see it, to send messages and embeds, to read the
/// history, to start public threads and to write in them.
pub const PERMISSIONS: u64 = 309_237_730_304;

/// Where a bot is invited.
const AUTHORIZE: &str = "https://discord.com/oauth2/authorize";

/// An application of Discord, as we look at our own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// The public key of its interactions, in hexadecimal digits.
    #[serde(default)]
    pub verify_key: String,
    /// Where its interactions are sent.
    #[serde(default)]
    pub interactions_endpoint_url: Option<String>,
}

impl DiscordMessenger {
    /// The application that the token belongs to.
    ///
    /// # Errors
    /// [`ChatError`]; `Unauthorized` for a token that is no good.
    pub async fn application(&self) -> Result<Application, ChatError> {
        Ok(self.ask(&request::current_application()).await?)
    }

    /// Makes our commands the application's only ones, everywhere. The same again changes nothing. How many
    /// there are.
    ///
    /// # Errors
    /// [`ChatError`].
    pub async fn register_commands(&self, application: ApplicationId) -> Result<usize, ChatError> {
        let registered: Result<Vec<IgnoredAny>, Failure> = self.ask(&request::set_commands(application)?).await;
        Ok(registered?.len())
    }
}

/// Where somebody who may manage a server invites the bot, with just the permissions it needs.
#[must_use]
pub fn invite_url(application: ApplicationId) -> String {
    let (id, permissions) = (application.to_string(), PERMISSIONS.to_string());
    let query = [("client_id", id.as_str()), ("permissions", &permissions), ("scope", "bot applications.commands")];
    Url::parse_with_params(AUTHORIZE, query).map(String::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_invitation_asks_for_just_what_is_needed() {
        let url = invite_url(ApplicationId::new(7).unwrap());
        assert_eq!(
            url,
            "https://discord.com/oauth2/authorize?client_id=7&permissions=309237730304&scope=bot+applications.commands"
        );
    }
}
