//! The scene of the client's tests: a simulator with a collection, a project and people, and a client
//! on the same clock.

use crate::address::AddressPolicy;
use crate::client::{AzureDevOps, AzureSettings};
use async_trait::async_trait;
use handoff_domain::hook::EventType;
use handoff_domain::id::{InstallationId, IntegrationId, WorkItemNumber};
use handoff_domain::port::Clock;
use handoff_domain::port::tracker::{NewSubscription, TrackerConnection};
use handoff_domain::secret::Secret;
use handoff_domain::time::Timestamp;
use handoff_domain::work_item::AzureProjectId;
use handoff_sandbox::azure::{
    AzureOptions, AzureSim, CollectionId, Hosting, IdentityId, NewIdentity, NewWorkItem, PatRights, Process, ProjectId,
    WorkItemKey,
};
use handoff_sandbox::clock::SimClock;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// 2026-03-01T08:00:00Z.
pub(super) const START: Timestamp = Timestamp::from_micros(1_772_352_000_000_000);
pub(super) const PAT: &str = "the-token";
pub(super) const HOOK_URL: &str = "https://handoff.example.org/webhooks/vsts/1";
/// Long enough for a loopback answer on a busy machine.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// The simulator's clock as ours. Sleeping moves it.
pub(super) struct SharedClock(pub(super) SimClock);

#[async_trait]
impl Clock for SharedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.now_us())
    }

    async fn sleep(&self, duration: Duration) {
        self.0.advance(duration);
    }
}

pub(super) struct Scene {
    pub(super) azure: AzureSim,
    pub(super) clock: SimClock,
    pub(super) client: AzureDevOps,
    pub(super) collection: CollectionId,
    pub(super) project: ProjectId,
    pub(super) ada: IdentityId,
    pub(super) at: TrackerConnection,
}

/// Settings that let a client reach this machine.
pub(super) fn local_settings() -> AzureSettings {
    AzureSettings {
        addresses: AddressPolicy {
            allowed_hosts: vec!["127.0.0.1".to_owned(), "localhost".to_owned()],
            allow_private_addresses: true,
            allow_http: true,
        },
        call_timeout: CALL_TIMEOUT,
        ..AzureSettings::default()
    }
}

pub(super) fn client_of(settings: AzureSettings, clock: &SimClock) -> AzureDevOps {
    // Tests share a process: only the first of them installs it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    AzureDevOps::new(settings, Arc::new(SharedClock(clock.clone()))).unwrap()
}

pub(super) fn connection(base_url: impl Into<String>, installation: u128, pat: &str) -> TrackerConnection {
    TrackerConnection {
        integration: IntegrationId::from_uuid(Uuid::from_u128(1)),
        installation: InstallationId::from_uuid(Uuid::from_u128(installation)),
        base_url: base_url.into(),
        credential: Secret::new(pat).into(),
    }
}

#[expect(clippy::disallowed_methods, reason = "where the official descriptions are is a setting of the test run")]
fn specs() -> Option<PathBuf> {
    std::env::var_os("HANDOFF_API_SPECS").map(PathBuf::from)
}

impl Scene {
    pub(super) async fn new() -> Self {
        Self::with(Hosting::Cloud).await
    }

    pub(super) async fn with(hosting: Hosting) -> Self {
        let clock = SimClock::manual(START.as_micros());
        let mut options = AzureOptions::new(clock.clone());
        options.specs = specs();
        let azure = AzureSim::start(options).await.unwrap();
        let collection = azure.add_collection("fabrikam", hosting);
        let project = azure.add_project(collection, "Payments", Process::Agile).unwrap();
        let ada = azure.add_identity(NewIdentity::person("Ada Lovelace", "Ada@example.org"));
        azure.set_pat(PAT, ada, PatRights::full());
        let at = connection(azure.collection_url(collection).unwrap(), 1, PAT);
        let client = client_of(local_settings(), &clock);
        Self { azure, clock, client, collection, project, ada, at }
    }

    /// The same connection with another token, of the same installation.
    pub(super) fn as_token(&self, pat: &str) -> TrackerConnection {
        TrackerConnection { credential: Secret::new(pat).into(), ..self.at.clone() }
    }

    /// A token of Ada's with fewer rights, of the same installation.
    pub(super) fn with_rights(&self, pat: &str, rights: PatRights) -> TrackerConnection {
        self.azure.set_pat(pat, self.ada, rights);
        self.as_token(pat)
    }

    pub(super) fn bug(&self, title: &str) -> (WorkItemKey, WorkItemNumber) {
        let key = self.azure.add_work_item(self.project, &NewWorkItem::new("Bug", title)).unwrap();
        (key, WorkItemNumber::new(key.number))
    }

    pub(super) fn azure_project(&self) -> AzureProjectId {
        AzureProjectId::parse(&self.project.to_string()).unwrap()
    }

    pub(super) fn subscription(&self, url: &str) -> NewSubscription {
        NewSubscription {
            azure_project: self.azure_project(),
            event_type: EventType::WorkItemUpdated,
            url: url.to_owned(),
            secret: Secret::new("hook-secret"),
        }
    }

    /// Every request kept to the official description, where one was given.
    pub(super) fn kept_to_the_description(&self) {
        assert_eq!(self.azure.spec_violations(), Vec::<String>::new());
    }
}
