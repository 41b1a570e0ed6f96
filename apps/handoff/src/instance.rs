//! An instance from its configuration: the adapters are made, wired, served, and stopped.

use crate::chat_without_token::ChatWithoutToken;
use crate::config::Config;
use crate::database::{self, IfMissing};
use crate::database_lock::DatabaseLock;
use crate::environment::{SystemClock, SystemEntropy};
use crate::failure::Failure;
use crate::key_file;
use crate::parts::Parts;
use crate::running::{Loops, Running};
use crate::secret_box::XChaChaSecretBox;
use crate::wiring::{Choices, Ports, wire};
use anyhow::{Context, anyhow};
use handoff_cache::{InProcessCache, InProcessSequence, Redis, RedisCache, RedisSequence};
use handoff_database::Database;
use handoff_discord::DiscordMessenger;
use handoff_domain::page::PageRequest;
use handoff_domain::port::cache::ASSIGNED_LIFETIME;
use handoff_domain::port::{
    AssigneeExistsCache, ChatInbound, ChatMessenger, Clock, Entropy, OwnershipDebounce, SecretBox, SequenceStore,
};
use handoff_http::{ApiState, InteractionLimits, Server};
use handoff_vsts::{AzureDevOps, AzureInbound, OwnAddress};
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Groups whose assignee is remembered; some hundred bytes each.
const REMEMBERED_GROUPS: u64 = 50_000;

/// How long closing the database may take.
const CLOSE: Duration = Duration::from_secs(5);
/// How long an entry of the cache is believed where other instances may share the database: they cannot tell
/// us what they changed.
const SHARED_LIFETIME: Duration = Duration::from_secs(60);

/// An instance at work.
pub struct Instance {
    /// What is served.
    pub running: Running,
    /// Where others reach it; nowhere, where there is none.
    pub public_url: Option<String>,
    /// Whether there is no organization yet.
    pub is_empty: bool,
    database: Database,
    _lock: Option<DatabaseLock>,
}

impl Instance {
    /// Opens the database, makes the adapters, and serves.
    ///
    /// # Errors
    /// Whatever is in the way, with the exit code it calls for.
    pub async fn start(config: &Config) -> Result<Self, Failure> {
        Self::start_with(config, Parts::default()).await
    }

    /// As [`Instance::start`], with these parts.
    ///
    /// # Errors
    /// As [`Instance::start`].
    pub async fn start_with(config: &Config, parts: Parts) -> Result<Self, Failure> {
        // Before the database is touched: two of us on one file would each take the other's leases for lost.
        let lock = DatabaseLock::take(&config.database)?;
        let database = database::open_current(config, IfMissing::Make).await?;
        let Parts { clock, adapt, reached_at } = parts;
        let secrets = secret_box(config, &database).await?;
        let mut ports = ports(config, &database, secrets, clock.clone())?;
        adapt(&mut ports);
        let server = Server::bind(config.listen, config.http.limits, clock).await;
        let server = server.with_context(|| format!("{} cannot be listened on", config.listen))?;
        let public_url = reached_at.map(|at| at(server.local_addr())).or_else(|| config.public_url.clone());
        let choices = choices(config, public_url.clone());
        let found = ports.reader.organizations(PageRequest { after: None, limit: 1 }).await?;
        let running = Running::serve(wire(ports, &choices), server, Loops::Run);
        Ok(Self { running, public_url, is_empty: found.items.is_empty(), database, _lock: lock })
    }

    /// Stops in the order that loses nothing, and closes the database.
    ///
    /// # Errors
    /// When the database cannot be closed; nothing is lost by it.
    pub async fn stop(self) -> Result<(), Failure> {
        self.running.stop().await;
        match timeout(CLOSE, self.database.close()).await {
            Ok(closed) => Ok(closed?),
            Err(_) => Err(anyhow!("the database did not close within {} s", CLOSE.as_secs()).into()),
        }
    }
}

/// What the operator chose.
pub(crate) fn choices(config: &Config, public_url: Option<String>) -> Choices {
    Choices {
        public_url,
        periods: config.azure.periods,
        snowflakes: config.snowflake.region(),
        webhooks: config.http.webhooks,
        interactions: InteractionLimits::default(),
        retention: config.retention,
    }
}

/// Where a command works that asks the other sides and is answered by them: an instance of its own, or, where
/// one is served at our address already (several may share a PostgreSQL database), only its database.
pub enum Place {
    /// Nobody else serves: we do, so that our address answers.
    Served(Box<Instance>),
    /// Somebody serves already.
    Beside(Arc<ApiState>, Database),
}

impl Place {
    /// Opens it.
    ///
    /// # Errors
    /// As [`Instance::start`].
    pub async fn open(config: &Config) -> Result<Self, Failure> {
        let is_taken = config.listen.port() != 0
            && matches!(TcpListener::bind(config.listen), Err(error) if error.kind() == ErrorKind::AddrInUse);
        if config.database.is_sqlite() || !is_taken {
            return Ok(Self::Served(Box::new(Instance::start(config).await?)));
        }
        let database = database::open_current(config, IfMissing::Refuse).await?;
        let secrets = secret_box(config, &database).await?;
        let ports = ports(config, &database, secrets, Arc::new(SystemClock))?;
        let choices = choices(config, config.public_url.clone());
        Ok(Self::Beside(wire(ports, &choices).api, database))
    }

    /// The services.
    #[must_use]
    pub fn api(&self) -> &Arc<ApiState> {
        match self {
            Self::Served(instance) => instance.running.api(),
            Self::Beside(api, _) => api,
        }
    }

    /// Finishes what is under way, and closes the database.
    ///
    /// # Errors
    /// When it cannot be closed.
    pub async fn close(self) -> Result<(), Failure> {
        match self {
            Self::Served(instance) => instance.stop().await,
            Self::Beside(_, database) => Ok(database.close().await?),
        }
    }
}

/// The key is never made anew where secrets were sealed with the one that is missing.
pub(crate) async fn secret_box(config: &Config, database: &Database) -> Result<Arc<dyn SecretBox>, Failure> {
    let sealed = database.holds_sealed_secrets().await?;
    if let Some(folder) = config.key_file.parent().filter(|_| !sealed) {
        database::make_folder(folder)?;
    }
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let key = key_file::read_or_make(Path::new(&config.key_file), sealed, entropy.as_ref());
    let key = key.map_err(Failure::misconfigured)?;
    Ok(Arc::new(XChaChaSecretBox::new(key, Vec::new(), entropy)))
}

/// The real adapters, over this database.
pub(crate) fn ports(
    config: &Config,
    database: &Database,
    secrets: Arc<dyn SecretBox>,
    clock: Arc<dyn Clock>,
) -> Result<Ports, Failure> {
    let database = Arc::new(database.clone());
    let shared = shared(config, &clock)?;
    let azure = AzureDevOps::new(config.azure.settings.clone(), clock.clone());
    Ok(Ports {
        store: database.clone(),
        reader: database.clone(),
        inbox: database.clone(),
        outbox: database.clone(),
        singletons: database,
        tracker: Arc::new(azure.context("Azure DevOps cannot be called")?),
        inbound: Arc::new(AzureInbound),
        own_address: Arc::new(OwnAddress::new().context("our own address cannot be asked")?),
        chat: chat(config, clock.clone())?,
        chat_inbound: config.discord.inbound().map(|inbound| Arc::new(inbound) as Arc<dyn ChatInbound>),
        cache: shared.cache,
        debounce: shared.debounce,
        sequence: shared.sequence,
        secrets,
        clock,
        entropy: Arc::new(SystemEntropy),
    })
}

/// What replicas share, where they share a Redis.
struct Shared {
    cache: Arc<dyn AssigneeExistsCache>,
    debounce: Arc<dyn OwnershipDebounce>,
    sequence: Arc<dyn SequenceStore>,
}

fn shared(config: &Config, clock: &Arc<dyn Clock>) -> Result<Shared, Failure> {
    if let Some(url) = &config.redis.url {
        let redis = Redis::new(url.expose(), &config.redis.namespace, Redis::PATIENCE, clock.clone());
        let redis = Arc::new(redis.map_err(Failure::misconfigured)?);
        let cache = Arc::new(RedisCache::new(redis.clone()));
        let sequence = Arc::new(RedisSequence::new(redis, clock.clone()));
        return Ok(Shared { cache: cache.clone(), debounce: cache, sequence });
    }
    let lifetime = if config.database.is_sqlite() { ASSIGNED_LIFETIME } else { SHARED_LIFETIME };
    let cache = Arc::new(InProcessCache::new(clock.clone(), REMEMBERED_GROUPS, lifetime));
    Ok(Shared { cache: cache.clone(), debounce: cache, sequence: Arc::new(InProcessSequence::new(clock.as_ref())) })
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
