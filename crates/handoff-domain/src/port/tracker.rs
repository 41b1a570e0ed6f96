//! Azure DevOps, both directions: what we ask of it, and what it sends.

use crate::credential::Credential;
use crate::hook::EventType;
use crate::id::{InstallationId, IntegrationId, Revision, WorkItemNumber};
use crate::person::Person;
use crate::secret::Secret;
use crate::text::{EmailAddress, Name};
use crate::tracking::TrackingFilter;
use crate::work_item::{AzureProjectId, Snapshot};
use crate::workflow::Workflow;
use async_trait::async_trait;
use std::time::Duration;

/// Where and as whom to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackerConnection {
    /// The collection; rate limits and clock skew are kept for each.
    pub integration: IntegrationId,
    /// Whose credential it is; a refused one pauses only itself.
    pub installation: InstallationId,
    /// The collection's address with a trailing slash.
    pub base_url: String,
    /// What to sign in with.
    pub credential: Credential,
}

/// Why Azure DevOps did not do it. The classes are those that call for different actions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrackerError {
    /// The credential is wrong, expired or revoked.
    #[error(
        "Azure DevOps refused the credential; save a good one in the installation: a personal access token that is \
         neither expired nor revoked, or a service principal that is a member of the organization there"
    )]
    Unauthorized,
    /// Microsoft Entra gives no access token for the service principal.
    #[error("Microsoft Entra does not sign the service principal in: {reason}")]
    NotSignedIn {
        /// For people: what is wrong, and what to do.
        reason: String,
    },
    /// The credential is good but lacks a right.
    #[error("Azure DevOps does not allow it: {needed}")]
    Forbidden {
        /// For people: which right is missing, and where it is given.
        needed: String,
    },
    /// There is no such thing, or the credential may not see it.
    #[error("Azure DevOps knows no such {what}")]
    NotFound {
        /// What was asked for.
        what: &'static str,
    },
    /// Slow down.
    #[error("Azure DevOps asks to slow down")]
    Throttled {
        /// For how long, where it said so.
        retry_after: Option<Duration>,
    },
    /// Out of reach or failing; the same may work later.
    #[error("Azure DevOps is out of reach: {reason}")]
    Unavailable {
        /// For people, without addresses' secrets.
        reason: String,
    },
    /// It refuses what we asked, and would again.
    #[error("Azure DevOps refused: {reason}")]
    Rejected {
        /// Its own words, bounded.
        reason: String,
    },
    /// What we asked was conditional on a revision that the work item has left: read it, and decide again.
    #[error("the work item changed meanwhile")]
    Stale,
    /// The address is not one that may be called.
    #[error("the address is not allowed: {reason}")]
    UnsafeAddress {
        /// For people: which rule, and the setting that allows it.
        reason: String,
    },
}

impl TrackerError {
    /// Whether the same may work later without anybody doing anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Throttled { .. } | Self::Unavailable { .. })
    }
}

/// A subscription to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSubscription {
    /// The Azure DevOps project whose events are wanted.
    pub azure_project: AzureProjectId,
    /// Which events.
    pub event_type: EventType,
    /// Our webhook address, the hook's id included.
    pub url: String,
    /// The password to present there.
    pub secret: Secret,
}

/// A subscription as Azure DevOps holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteSubscription {
    /// Its id there.
    pub id: String,
    /// How it stands; `Enabled` where Azure DevOps says nothing.
    pub status: crate::hook::HookStatus,
    /// Where it delivers to, where it is a web hook.
    pub url: Option<String>,
}

/// A collection as Azure DevOps describes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteCollection {
    /// Its GUID in lower case.
    pub id: String,
    /// Its name.
    pub name: Name,
    /// The canonical base address: checked, with a trailing slash.
    pub base_url: String,
}

/// A project as Azure DevOps lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteProject {
    /// Its GUID.
    pub id: AzureProjectId,
    /// Its name.
    pub name: Name,
}

/// What to write to a work item. At least one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkItemChange {
    /// The assignee: somebody whom Azure DevOps knows, or nobody.
    pub assignee: Option<Option<Person>>,
    /// The state, by its name.
    pub state: Option<String>,
}

/// A team of a project as Azure DevOps lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteTeam {
    /// Its GUID.
    pub id: String,
    /// Its name.
    pub name: Name,
}

/// A work item to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWorkItem {
    /// Its type, by its name in the project.
    pub work_item_type: String,
    /// Its title.
    pub title: String,
    /// What it says at first; the adapter encodes it.
    pub description: String,
    /// A tag that it is found by.
    pub tag: String,
}

/// Asks Azure DevOps. Every call is bounded in time and size and keeps to its throttling headers.
#[async_trait]
pub trait WorkItemTracker: Send + Sync {
    /// Who answers at this address, for a new installation.
    ///
    /// # Errors
    /// [`TrackerError`]; an address without a scheme or with a path too few is `UnsafeAddress`.
    async fn collection(&self, base_url: &str, credential: &Credential) -> Result<RemoteCollection, TrackerError>;

    /// The projects that the credential sees.
    ///
    /// # Errors
    /// [`TrackerError`].
    async fn projects(&self, connection: &TrackerConnection) -> Result<Vec<RemoteProject>, TrackerError>;

    /// The teams of a project.
    ///
    /// # Errors
    /// [`TrackerError`].
    async fn teams(
        &self,
        connection: &TrackerConnection,
        azure_project: &AzureProjectId,
    ) -> Result<Vec<RemoteTeam>, TrackerError>;

    /// The members of a team, groups of people among them. Those who cannot be told are left out.
    ///
    /// # Errors
    /// [`TrackerError`].
    async fn team_members(
        &self,
        connection: &TrackerConnection,
        azure_project: &AzureProjectId,
        team: &str,
    ) -> Result<Vec<Person>, TrackerError>;

    /// The numbers of the work items of a project that a tracking rule is about, the largest first: at most
    /// `limit` of those below `below`.
    ///
    /// # Errors
    /// [`TrackerError`].
    async fn find_work_items(
        &self,
        connection: &TrackerConnection,
        azure_project: &AzureProjectId,
        filter: &TrackingFilter,
        below: Option<WorkItemNumber>,
        limit: u16,
    ) -> Result<Vec<WorkItemNumber>, TrackerError>;

    /// Makes a subscription, whether or not one like it exists.
    ///
    /// # Errors
    /// [`TrackerError`]; a missing right is `Forbidden`, never `Unavailable`.
    async fn create_subscription(
        &self,
        connection: &TrackerConnection,
        new: &NewSubscription,
    ) -> Result<RemoteSubscription, TrackerError>;

    /// The subscriptions that deliver to this address.
    ///
    /// # Errors
    /// [`TrackerError`].
    async fn find_subscriptions(
        &self,
        connection: &TrackerConnection,
        url: &str,
    ) -> Result<Vec<RemoteSubscription>, TrackerError>;

    /// One subscription; `None` only when Azure DevOps says that there is none.
    ///
    /// # Errors
    /// [`TrackerError`].
    async fn subscription(
        &self,
        connection: &TrackerConnection,
        id: &str,
    ) -> Result<Option<RemoteSubscription>, TrackerError>;

    /// Deletes a subscription; one that is gone already is a success.
    ///
    /// # Errors
    /// [`TrackerError`].
    async fn delete_subscription(&self, connection: &TrackerConnection, id: &str) -> Result<(), TrackerError>;

    /// One work item; `None` when it is deleted or out of sight.
    ///
    /// # Errors
    /// [`TrackerError`].
    async fn work_item(
        &self,
        connection: &TrackerConnection,
        number: WorkItemNumber,
    ) -> Result<Option<Snapshot>, TrackerError>;

    /// Any number of work items, asked for in batches; those deleted or out of sight are left out.
    ///
    /// # Errors
    /// [`TrackerError`].
    async fn work_items(
        &self,
        connection: &TrackerConnection,
        numbers: &[WorkItemNumber],
    ) -> Result<Vec<Snapshot>, TrackerError>;

    /// Writes to a work item that is at revision `base`; answers it as it is then.
    ///
    /// # Errors
    /// [`TrackerError`]: `Stale` when it has another revision, `Rejected` when it refuses a value, or takes
    /// no more changes at all, `NotFound` when there is no such work item.
    async fn update_work_item(
        &self,
        connection: &TrackerConnection,
        number: WorkItemNumber,
        base: Revision,
        change: &WorkItemChange,
    ) -> Result<Snapshot, TrackerError>;

    /// Makes a work item, whether or not one like it exists.
    ///
    /// # Errors
    /// [`TrackerError`]; a type that the project has not is `Rejected` or `NotFound`.
    async fn create_work_item(
        &self,
        connection: &TrackerConnection,
        azure_project: &AzureProjectId,
        new: &NewWorkItem,
    ) -> Result<Snapshot, TrackerError>;

    /// Says something in a work item's discussion; the text is encoded by the adapter.
    ///
    /// # Errors
    /// [`TrackerError`].
    async fn add_comment(
        &self,
        connection: &TrackerConnection,
        azure_project: &AzureProjectId,
        number: WorkItemNumber,
        text: &str,
    ) -> Result<(), TrackerError>;

    /// Whether this text is somewhere in the newest comments of a work item.
    ///
    /// # Errors
    /// [`TrackerError`].
    async fn has_comment(
        &self,
        connection: &TrackerConnection,
        azure_project: &AzureProjectId,
        number: WorkItemNumber,
        text: &str,
    ) -> Result<bool, TrackerError>;

    /// The states of a type of work item, in the order of its workflow; `None` when the project has no such
    /// type.
    ///
    /// # Errors
    /// [`TrackerError`].
    async fn workflow(
        &self,
        connection: &TrackerConnection,
        azure_project: &AzureProjectId,
        work_item_type: &str,
    ) -> Result<Option<Workflow>, TrackerError>;

    /// The people of the directory that have exactly this address: active, and no groups of people.
    ///
    /// # Errors
    /// [`TrackerError`].
    async fn find_people(
        &self,
        connection: &TrackerConnection,
        address: &EmailAddress,
    ) -> Result<Vec<Person>, TrackerError>;

    /// How far our clock is ahead of the collection's, in microseconds, as its last answer told; `None`
    /// while nothing was heard.
    fn clock_offset_micros(&self, integration: IntegrationId) -> Option<i64>;
}

/// The headers of a request that came in: names in lower case.
#[derive(Debug, Clone, Default)]
pub struct InboundHeaders(pub Vec<(String, Vec<u8>)>);

impl InboundHeaders {
    /// The first value of a header, by its lower-case name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_slice())
    }
}

/// What the inbox must know of a body, read without decoding the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Classified {
    /// An event that we use.
    Event {
        /// What happened.
        event_type: EventType,
        /// The collection's GUID in lower case.
        collection_id: Option<String>,
        /// The project, where it is named.
        azure_project: Option<AzureProjectId>,
        /// The work item; `None` when it names none that can exist.
        work_item: Option<WorkItemNumber>,
        /// The number of the update, for updates.
        update: Option<i64>,
        /// The event's own id.
        event_id: Option<String>,
    },
    /// The sample that "Test" sends.
    TestNotification,
    /// An event that we do not use.
    Unused {
        /// Its type, bounded.
        event_type: String,
    },
    /// Not understood.
    Malformed {
        /// For people.
        reason: String,
    },
}

/// A decoded event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrackerEvent {
    /// A work item changed (or was made). Without a snapshot it must be read.
    Updated {
        /// The work item after the change.
        snapshot: Option<Box<Snapshot>>,
    },
    /// A work item was deleted or came back: read it to settle.
    Settle,
}

/// The payload is not what the event type promises. The message is for people and bounded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(pub String);

/// Verifies and decodes what Azure DevOps sends.
pub trait TrackerInbound: Send + Sync {
    /// Whether the request presents this secret; compared in constant time. Nothing of the body is
    /// looked at.
    fn authenticate(&self, headers: &InboundHeaders, secret: &Secret) -> bool;

    /// Reads what the inbox needs.
    fn classify(&self, body: &[u8]) -> Classified;

    /// Decodes a stored body.
    ///
    /// # Errors
    /// [`DecodeError`] when a field that we read is not what it should be.
    fn decode(&self, event_type: EventType, body: &[u8]) -> Result<TrackerEvent, DecodeError>;
}
