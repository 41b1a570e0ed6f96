//! The stage: both simulators and a real instance on this machine, in a folder of their own.

use crate::config::Config;
use crate::failure::Failure;
use crate::instance::Instance;
use crate::parts::Parts;
use anyhow::{Context, anyhow};
use handoff_domain::secret::Secret;
use handoff_domain::text::Name;
use handoff_sandbox::azure::{AzureOptions, AzureSim};
use handoff_sandbox::clock::SimClock;
use handoff_sandbox::discord::{DiscordOptions, DiscordSim};
use std::net::SocketAddr;
use tempfile::TempDir;

/// The token of the bot in the simulated Discord.
pub(super) const BOT_TOKEN: &str = "demo-bot-token";
/// The region of the ids.
pub(super) const REGION: u16 = 7;

/// Everything that plays. Stop it with [`Stage::close`].
pub struct Stage {
    /// Simulated Azure DevOps.
    pub azure: AzureSim,
    /// Simulated Discord.
    pub discord: DiscordSim,
    /// A real instance.
    pub instance: Instance,
    /// A token for its API.
    pub token: Secret,
    _folder: TempDir,
}

impl Stage {
    /// Starts the simulators on free ports, and an instance at `port` (0: any free one), on the real clock.
    ///
    /// # Errors
    /// When one of them cannot be started.
    pub async fn open(port: u16) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("handoff-demo-").tempdir()?;
        let azure = AzureSim::start(AzureOptions::new(SimClock::real())).await?;
        let discord = DiscordSim::start(DiscordOptions::new(SimClock::real())).await;
        let discord = discord.context("the simulated Discord cannot be started")?;
        let mut config = Config::in_folder(folder.path())?;
        config.listen = SocketAddr::from(([127, 0, 0, 1], port));
        config.snowflake.enabled = true;
        config.snowflake.region = REGION;
        let addresses = &mut config.azure.settings.addresses;
        addresses.allowed_hosts = vec![azure.addr().to_string()];
        (addresses.allow_http, addresses.allow_private_addresses) = (true, true);
        config.discord.token = Some(Secret::new(BOT_TOKEN));
        config.discord.api_base = format!("{}/api/v10", discord.base_url());
        let parts = Parts { reached_at: Some(|addr| format!("http://{addr}")), ..Parts::default() };
        let instance = Instance::start_with(&config, parts).await?;
        let name = Name::parse("demo").map_err(|error| anyhow!("{error}"))?;
        let (_, token) = instance.running.api().tokens.create(name, None, None).await?;
        Ok(Self { azure, discord, instance, token, _folder: folder })
    }

    /// Where the instance listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.instance.running.addr())
    }

    /// Stops everything and deletes the folder.
    ///
    /// # Errors
    /// When the instance does not stop cleanly.
    pub async fn close(self) -> Result<(), Failure> {
        let stopped = self.instance.stop().await;
        self.azure.shutdown().await;
        self.discord.shutdown().await;
        stopped
    }
}
