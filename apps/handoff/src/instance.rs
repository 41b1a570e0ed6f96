//! An instance from its configuration: the adapters are made, wired, served, and stopped.

use crate::chat_without_token::ChatWithoutToken;
use crate::config::Config;
use crate::database;
use crate::environment::{SystemClock, SystemEntropy};
use crate::failure::Failure;
use crate::key_file;
use crate::running::{Loops, Running};
use crate::secret_box::XChaChaSecretBox;
use crate::wiring::{Choices, Ports, wire};
use anyhow::Context;
use handoff_cache::{InProcessCache, InProcessSequence};
use handoff_database::Database;
use handoff_discord::DiscordMessenger;
use handoff_domain::page::PageRequest;
use handoff_domain::port::cache::ASSIGNED_LIFETIME;
use handoff_domain::port::{ChatMessenger, Clock, Entropy, SecretBox};
use handoff_http::Server;
use handoff_vsts::{AzureDevOps, AzureInbound};
use std::path::Path;
use std::sync::Arc;

/// Groups whose assignee is remembered; some hundred bytes each.
const REMEMBERED_GROUPS: u64 = 50_000;

/// An instance at work.
pub struct Instance {
    /// What is served.
    pub running: Running,
    /// Where others reach it.
    pub public_url: String,
    /// Whether there is no organization yet.
    pub is_empty: bool,
    database: Database,
}

impl Instance {
    /// Opens the database, makes the adapters, and serves.
    ///
    /// # Errors
    /// Whatever is in the way, with the exit code it calls for.
    pub async fn start(config: &Config) -> Result<Self, Failure> {
        let database = database::open_current(config).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let secrets = secret_box(config, &database).await?;
        let ports = ports(config, &database, secrets, clock.clone())?;
        let server = Server::bind(config.listen, config.http.limits, clock).await;
        let server = server.with_context(|| format!("{} cannot be listened on", config.listen))?;
        let public_url = config.public_url(server.local_addr());
        let choices = Choices {
            public_url: public_url.clone(),
            snowflakes: config.snowflake.region(),
            webhooks: config.http.webhooks,
        };
        let found = ports.reader.organizations(PageRequest { after: None, limit: 1 }).await?;
        let running = Running::serve(wire(ports, &choices), server, Loops::Run);
        Ok(Self { running, public_url, is_empty: found.items.is_empty(), database })
    }

    /// Stops in the order that loses nothing, and closes the database.
    ///
    /// # Errors
    /// When the database cannot be closed; nothing is lost by it.
    pub async fn stop(self) -> Result<(), Failure> {
        self.running.stop().await;
        Ok(self.database.close().await?)
    }
}

/// The key is never made anew where secrets were sealed with the one that is missing.
async fn secret_box(config: &Config, database: &Database) -> Result<Arc<dyn SecretBox>, Failure> {
    let sealed = database.holds_sealed_secrets().await?;
    if let Some(folder) = config.key_file.parent().filter(|_| !sealed) {
        database::make_folder(folder)?;
    }
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let key = key_file::read_or_make(Path::new(&config.key_file), sealed, entropy.as_ref());
    let key = key.map_err(Failure::misconfigured)?;
    Ok(Arc::new(XChaChaSecretBox::new(key, Vec::new(), entropy)))
}

fn ports(
    config: &Config,
    database: &Database,
    secrets: Arc<dyn SecretBox>,
    clock: Arc<dyn Clock>,
) -> Result<Ports, Failure> {
    let database = Arc::new(database.clone());
    let cache = Arc::new(InProcessCache::new(clock.clone(), REMEMBERED_GROUPS, ASSIGNED_LIFETIME));
    let azure = AzureDevOps::new(config.azure.settings.clone(), clock.clone());
    Ok(Ports {
        store: database.clone(),
        reader: database.clone(),
        inbox: database.clone(),
        outbox: database,
        tracker: Arc::new(azure.context("Azure DevOps cannot be called")?),
        inbound: Arc::new(AzureInbound),
        chat: chat(config, clock.clone())?,
        cache: cache.clone(),
        debounce: cache,
        sequence: Arc::new(InProcessSequence::new(clock.as_ref())),
        secrets,
        clock,
        entropy: Arc::new(SystemEntropy),
    })
}

fn chat(config: &Config, clock: Arc<dyn Clock>) -> Result<Arc<dyn ChatMessenger>, Failure> {
    match config.discord.settings() {
        Some(settings) => Ok(Arc::new(DiscordMessenger::new(&settings, clock).map_err(Failure::misconfigured)?)),
        None => {
            tracing::warn!("there is no Discord bot token: nothing is sent to Discord");
            Ok(Arc::new(ChatWithoutToken))
        }
    }
}
