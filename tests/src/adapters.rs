//! The real adapters, reaching for the simulators instead of the world.

use crate::backing::Backing;
use crate::clock::TestClock;
use handoff::environment::SystemEntropy;
use handoff::secret_box::{SealingKey, XChaChaSecretBox};
use handoff::wiring::Ports;
use handoff_cache::{InProcessCache, InProcessSequence};
use handoff_discord::{DiscordMessenger, DiscordSettings};
use handoff_domain::port::Clock;
use handoff_domain::secret::Secret;
use handoff_sandbox::discord::DiscordSim;
use handoff_vsts::{AddressPolicy, AzureDevOps, AzureInbound, AzureSettings, OwnAddress};
use std::sync::Arc;
use std::time::Duration;

/// The token of the bot in the Discord simulator.
pub const BOT_TOKEN: &str = "a-bot-token";
/// How long a call to a simulator may take, in real time, on a busy machine.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// All of them, on this clock.
///
/// # Panics
/// When one of them cannot be made.
#[must_use]
pub fn ports(clock: &TestClock, discord: &DiscordSim, backing: &Backing) -> Ports {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    let entropy = Arc::new(SystemEntropy);
    let cache = Arc::new(InProcessCache::new(clock.clone(), 10_000, Duration::from_secs(3600)));
    let key = SealingKey { id: *b"test", key: [7; 32] };
    let settings = DiscordSettings {
        api_base: format!("{}/api/v10", discord.base_url()),
        timeout: CALL_TIMEOUT,
        ..DiscordSettings::new(Secret::new(BOT_TOKEN))
    };
    Ports {
        store: backing.store.clone(),
        reader: backing.reader.clone(),
        inbox: backing.inbox.clone(),
        outbox: backing.outbox.clone(),
        singletons: backing.singletons.clone(),
        tracker: Arc::new(AzureDevOps::new(local_azure(), clock.clone()).unwrap()),
        inbound: Arc::new(AzureInbound),
        own_address: Arc::new(OwnAddress::new().unwrap()),
        chat: Arc::new(DiscordMessenger::new(&settings, clock.clone()).unwrap()),
        cache: cache.clone(),
        debounce: cache,
        sequence: Arc::new(InProcessSequence::new(clock.as_ref())),
        secrets: Arc::new(XChaChaSecretBox::new(key, Vec::new(), entropy.clone())),
        clock,
        entropy,
    }
}

/// Settings that let a client reach this machine.
fn local_azure() -> AzureSettings {
    AzureSettings {
        addresses: AddressPolicy {
            allowed_hosts: vec!["127.0.0.1".to_owned()],
            allow_private_addresses: true,
            allow_http: true,
        },
        call_timeout: CALL_TIMEOUT,
        ..AzureSettings::default()
    }
}
