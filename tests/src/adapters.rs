//! The real adapters, reaching for the simulators instead of the world.

use crate::backing::Backing;
use crate::clock::TestClock;
use handoff::environment::SystemEntropy;
use handoff::secret_box::{SealingKey, XChaChaSecretBox};
use handoff::wiring::Ports;
use handoff_cache::{InProcessCache, InProcessSequence};
use handoff_discord::{DiscordInbound, DiscordMessenger, DiscordSettings};
use handoff_domain::port::Clock;
use handoff_domain::secret::Secret;
use handoff_sandbox::azure::AzureSim;
use handoff_sandbox::discord::{DiscordSim, Snowflake};
use handoff_vsts::{AddressPolicy, AzureDevOps, AzureInbound, AzureSettings, OwnAddress};
use std::sync::Arc;
use std::time::Duration;

/// The token of the bot in the Discord simulator.
pub const BOT_TOKEN: &str = "a-bot-token";
/// How long a call to a simulator may take, in real time, on a busy machine.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// All of them, on this clock. A call to Discord takes no longer than `patience`, in real time.
///
/// # Panics
/// When one of them cannot be made.
#[must_use]
pub fn ports(
    clock: &TestClock,
    azure: &AzureSim,
    discord: &DiscordSim,
    bot: Snowflake,
    backing: &Backing,
    patience: Duration,
) -> Ports {
    let application = bot.to_string().parse().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    let entropy = Arc::new(SystemEntropy);
    let cache = Arc::new(InProcessCache::new(clock.clone(), 10_000, Duration::from_secs(3600)));
    let key = SealingKey { id: *b"test", key: [7; 32] };
    Ports {
        store: backing.store.clone(),
        reader: backing.reader.clone(),
        inbox: backing.inbox.clone(),
        outbox: backing.outbox.clone(),
        singletons: backing.singletons.clone(),
        tracker: Arc::new(AzureDevOps::new(local_azure(azure), clock.clone()).unwrap()),
        inbound: Arc::new(AzureInbound),
        own_address: Arc::new(OwnAddress::new().unwrap()),
        chat: Arc::new(messenger(discord, clock.clone(), patience)),
        cache: cache.clone(),
        debounce: cache,
        chat_inbound: Some(Arc::new(DiscordInbound::new(&discord.public_key(), application).unwrap())),
        sequence: Arc::new(InProcessSequence::new(clock.as_ref())),
        secrets: Arc::new(XChaChaSecretBox::new(key, Vec::new(), entropy.clone())),
        clock,
        entropy,
    }
}

/// The messenger of the bot. No call takes longer than `patience`.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn messenger(discord: &DiscordSim, clock: Arc<dyn Clock>, patience: Duration) -> DiscordMessenger {
    let settings = DiscordSettings {
        api_base: format!("{}/api/v10", discord.base_url()),
        buttons: true,
        timeout: patience,
        ..DiscordSettings::new(Secret::new(BOT_TOKEN))
    };
    DiscordMessenger::new(&settings, clock).unwrap()
}

/// Settings that let a client reach this machine.
fn local_azure(azure: &AzureSim) -> AzureSettings {
    AzureSettings {
        addresses: AddressPolicy {
            allowed_hosts: vec!["127.0.0.1".to_owned()],
            allow_private_addresses: true,
            allow_http: true,
        },
        call_timeout: CALL_TIMEOUT,
        sign_in_url: azure.base_url(),
        ..AzureSettings::default()
    }
}
