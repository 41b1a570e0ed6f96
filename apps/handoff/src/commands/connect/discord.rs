//! `connect discord`: checks the bot's token and the application's public key, registers the commands, looks at
//! the channels of all routes, and says what is left to be done in Discord. Can be run again at any time.

use crate::config::Config;
use crate::database::{self, IfMissing};
use crate::environment::SystemClock;
use crate::failure::Failure;
use crate::output::Output;
use anyhow::{Context, anyhow};
use handoff_discord::{Application, DiscordMessenger, invite_url};
use handoff_domain::chat::Route;
use handoff_domain::organization::Organization;
use handoff_domain::page;
use handoff_domain::port::{ChatError, ChatMessenger, Reader};
use handoff_domain::project::Project;
use serde_json::{Value, json};
use std::sync::Arc;

/// Examples for the help.
pub(super) const HELP: &str = "\
Needs discord.token, discord.application_id and discord.public_key, as the developer portal shows them.

Examples:
  handoff connect discord          say what is right, and what is left to be done
  handoff connect discord --json   the same for a script; exits 4 when Discord refuses something";

/// What was found of a route.
struct Looked {
    organization: String,
    project: String,
    route: Route,
    /// The channel's name, where the bot sees it.
    name: Option<String>,
    /// What is wrong, with what to do.
    problem: Option<String>,
}

/// Does it.
pub(super) async fn connect(config: &Config, output: Output) -> Result<(), Failure> {
    let messenger = messenger(config)?;
    let application = checked(config, &messenger).await?;
    let commands = messenger.register_commands(application.id).await.map_err(failure)?;
    let invite = invite_url(application.id);
    let endpoint = config.public_url.as_ref().map(|url| format!("{url}/webhooks/discord"));
    let routes = routes(config, &messenger).await;
    let shown = match &routes {
        Ok(routes) => Value::Array(routes.iter().map(Looked::json).collect()),
        Err(_) => Value::Null,
    };
    let report = json!({
        "application": {"id": application.id, "name": application.name},
        "commands": commands,
        "invite_url": invite,
        "endpoint": endpoint,
        "registered_endpoint": application.interactions_endpoint_url,
        "routes": shown,
        "routes_not_looked_at": routes.as_ref().err().map(ToString::to_string),
    });
    let mut lines = vec![
        format!("The token and the public key are those of {} ({}).", application.name, application.id),
        format!("{commands} commands are registered."),
        format!("Invite the bot to a server: {invite}"),
        endpoint_in_words(endpoint.as_deref(), application.interactions_endpoint_url.as_deref()),
    ];
    match &routes {
        Ok(routes) => lines.extend(routes.iter().map(Looked::words)),
        Err(error) => lines.push(format!("The channels of routes are not looked at: {error}")),
    }
    output.say(&lines.join("\n"), &report)?;
    let unusable = routes.iter().flatten().filter(|one| one.problem.is_some()).count();
    if unusable == 0 { Ok(()) } else { Err(Failure::refused(anyhow!("{unusable} route(s) cannot be used"))) }
}

/// The adapter, where everything that it needs is configured.
fn messenger(config: &Config) -> Result<DiscordMessenger, Failure> {
    let discord = &config.discord;
    let missing = [
        ("discord.token", discord.token.is_none()),
        ("discord.application_id", discord.application_id.is_none()),
        ("discord.public_key", discord.public_key.is_none()),
    ];
    let missing: Vec<&str> = missing.iter().filter(|(_, is_missing)| *is_missing).map(|(key, _)| *key).collect();
    match discord.settings() {
        Some(settings) if missing.is_empty() => {
            DiscordMessenger::new(&settings, Arc::new(SystemClock)).map_err(Failure::misconfigured)
        }
        _ => Err(Failure::misconfigured(anyhow!(
            "not set: {}; the developer portal (https://discord.com/developers/applications) shows them",
            missing.join(", ")
        ))),
    }
}

/// The application of the token; it must be the one that is configured.
async fn checked(config: &Config, messenger: &DiscordMessenger) -> Result<Application, Failure> {
    let application = messenger.application().await.map_err(failure)?;
    if Some(application.id) != config.discord.application() {
        return Err(Failure::misconfigured(anyhow!(
            "discord.application_id is not that of the token, which belongs to {}",
            application.id
        )));
    }
    let same_key =
        config.discord.public_key.as_deref().is_some_and(|key| key.eq_ignore_ascii_case(&application.verify_key));
    if !same_key {
        return Err(Failure::misconfigured(anyhow!(
            "discord.public_key is not that of the application; Discord says {}",
            application.verify_key
        )));
    }
    Ok(application)
}

fn failure(error: ChatError) -> Failure {
    match error {
        ChatError::Retry { .. } => anyhow::Error::new(error).into(),
        ChatError::Unauthorized
        | ChatError::Rejected { .. }
        | ChatError::ChannelUnusable { .. }
        | ChatError::MessageGone => Failure::refused(error),
    }
}

fn endpoint_in_words(wanted: Option<&str>, registered: Option<&str>) -> String {
    match (wanted, registered) {
        (Some(wanted), Some(registered)) if wanted == registered => format!("Interactions are sent to {wanted}."),
        (Some(wanted), _) => format!(
            "Set the interactions endpoint URL of the application to {wanted} in the developer portal, while \
             `handoff serve` runs."
        ),
        (None, _) => "Set public_url: Discord sends interactions to it, below /webhooks/discord.".to_owned(),
    }
}

/// Looks at the channel of every route of every organization.
async fn routes(config: &Config, messenger: &DiscordMessenger) -> Result<Vec<Looked>, Failure> {
    let database = database::open_current(config, IfMissing::Refuse).await?;
    let listed = listed(&database).await;
    database.close().await?;
    let mut looked = Vec::new();
    for (organization, project, route) in listed? {
        let (name, problem) = match messenger.describe_channel(route.channel).await {
            Ok(Some(channel)) => (Some(channel.name), channel.unusable),
            Ok(None) => (None, Some("the channel is gone, or the bot does not see it; invite it there".to_owned())),
            Err(error) => return Err(failure(error)),
        };
        let (organization, project) = (organization.slug.to_string(), project.slug.to_string());
        looked.push(Looked { organization, project, route, name, problem });
    }
    Ok(looked)
}

async fn listed(reader: &dyn Reader) -> Result<Vec<(Organization, Project, Route)>, Failure> {
    let mut all = Vec::new();
    let organizations = page::all(|one: &Organization| one.id, |page| reader.organizations(page)).await;
    for organization in organizations.context("the organizations cannot be read")? {
        let of_organization = |page| reader.projects(organization.id, page);
        for project in page::all(|one: &Project| one.id, of_organization).await? {
            let of_project = |page| reader.routes(organization.id, project.id, page);
            let routes = page::all(|one: &Route| one.id, of_project).await?.into_iter();
            all.extend(routes.map(|route| (organization.clone(), project.clone(), route)));
        }
    }
    Ok(all)
}

impl Looked {
    fn json(&self) -> Value {
        json!({
            "organization": self.organization,
            "project": self.project,
            "id": self.route.id,
            "channel_id": self.route.channel,
            "channel": self.name,
            "problem": self.problem,
        })
    }

    fn words(&self) -> String {
        let channel = self.name.as_ref().map_or_else(|| self.route.channel.to_string(), |name| format!("#{name}"));
        let found = self.problem.as_deref().unwrap_or("all is well");
        format!("{}/{} → {channel}: {found}", self.organization, self.project)
    }
}
