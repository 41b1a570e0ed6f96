//! Mocks of the outside world: Azure DevOps, Discord, caches, secrets and wake-ups.

use crate::chat::Message;
use crate::credential::Credential;
use crate::hook::EventType;
use crate::id::{GroupId, IntegrationId, Revision, WorkItemNumber};
use crate::organization::{ChannelId, GuildId, MessageId};
use crate::person::Person;
use crate::port::cache::{AssigneeExistsCache, FillTicket, OwnershipDebounce};
use crate::port::chat::{ChannelDescription, ChatError, ChatMessenger};
use crate::port::environment::{SecretBox, SecretBoxError, Wake};
use crate::port::sequence::{ReservedSequence, SequenceError, SequenceStore};
use crate::port::tracker::{
    Classified, DecodeError, InboundHeaders, NewSubscription, NewWorkItem, RemoteCollection, RemoteProject,
    RemoteSubscription, RemoteTeam, TrackerConnection, TrackerError, TrackerEvent, TrackerInbound, WorkItemChange,
    WorkItemTracker,
};
use crate::secret::{Sealed, Secret};
use crate::snowflake::{Region, SnowflakeSecond};
use crate::text::{EmailAddress, Name};
use crate::time::Timestamp;
use crate::tracking::TrackingFilter;
use crate::work_item::{AzureProjectId, Snapshot};
use crate::workflow::Workflow;
use async_trait::async_trait;
use mockall::mock;

mock! {
    /// Azure DevOps, asked.
    pub WorkItemTracker {}

    #[async_trait]
    impl WorkItemTracker for WorkItemTracker {
        async fn collection(&self, base_url: &str, credential: &Credential) -> Result<RemoteCollection, TrackerError>;
        async fn projects(&self, connection: &TrackerConnection) -> Result<Vec<RemoteProject>, TrackerError>;
        async fn teams(&self, connection: &TrackerConnection, azure_project: &AzureProjectId) -> Result<Vec<RemoteTeam>, TrackerError>;
        async fn team_members(&self, connection: &TrackerConnection, azure_project: &AzureProjectId, team: &str) -> Result<Vec<Person>, TrackerError>;
        async fn find_work_items(&self, connection: &TrackerConnection, azure_project: &AzureProjectId, filter: &TrackingFilter, below: Option<WorkItemNumber>, limit: u16) -> Result<Vec<WorkItemNumber>, TrackerError>;
        async fn create_subscription(&self, connection: &TrackerConnection, new: &NewSubscription) -> Result<RemoteSubscription, TrackerError>;
        async fn find_subscriptions(&self, connection: &TrackerConnection, url: &str) -> Result<Vec<RemoteSubscription>, TrackerError>;
        async fn subscription(&self, connection: &TrackerConnection, id: &str) -> Result<Option<RemoteSubscription>, TrackerError>;
        async fn delete_subscription(&self, connection: &TrackerConnection, id: &str) -> Result<(), TrackerError>;
        async fn work_item(&self, connection: &TrackerConnection, number: WorkItemNumber) -> Result<Option<Snapshot>, TrackerError>;
        async fn work_items(&self, connection: &TrackerConnection, numbers: &[WorkItemNumber]) -> Result<Vec<Snapshot>, TrackerError>;
        async fn update_work_item(&self, connection: &TrackerConnection, number: WorkItemNumber, base: Revision, change: &WorkItemChange) -> Result<Snapshot, TrackerError>;
        async fn create_work_item(&self, connection: &TrackerConnection, azure_project: &AzureProjectId, new: &NewWorkItem) -> Result<Snapshot, TrackerError>;
        async fn add_comment(&self, connection: &TrackerConnection, azure_project: &AzureProjectId, number: WorkItemNumber, text: &str) -> Result<(), TrackerError>;
        async fn has_comment(&self, connection: &TrackerConnection, azure_project: &AzureProjectId, number: WorkItemNumber, text: &str) -> Result<bool, TrackerError>;
        async fn workflow(&self, connection: &TrackerConnection, azure_project: &AzureProjectId, work_item_type: &str) -> Result<Option<Workflow>, TrackerError>;
        async fn find_people(&self, connection: &TrackerConnection, address: &EmailAddress) -> Result<Vec<Person>, TrackerError>;
        fn clock_offset_micros(&self, integration: IntegrationId) -> Option<i64>;
    }

}
mock! {
    /// Azure DevOps, heard.
    pub TrackerInbound {}

    impl TrackerInbound for TrackerInbound {
        fn authenticate(&self, headers: &InboundHeaders, secret: &Secret) -> bool;
        fn classify(&self, body: &[u8]) -> Classified;
        fn decode(&self, event_type: EventType, body: &[u8]) -> Result<TrackerEvent, DecodeError>;
    }

}
mock! {
    /// Discord.
    pub ChatMessenger {}

    #[async_trait]
    impl ChatMessenger for ChatMessenger {
        async fn create(&self, channel: ChannelId, message: &Message, nonce: &str) -> Result<MessageId, ChatError>;
        async fn edit(&self, channel: ChannelId, id: MessageId, message: &Message) -> Result<(), ChatError>;
        async fn find_by_nonce(&self, channel: ChannelId, nonce: &str, since: Timestamp) -> Result<Option<MessageId>, ChatError>;
        async fn describe_channel(&self, channel: ChannelId) -> Result<Option<ChannelDescription>, ChatError>;
        async fn guild_name(&self, guild: GuildId) -> Result<Option<Name>, ChatError>;
    }

}
mock! {
    /// The assignee-exists cache.
    pub AssigneeExistsCache {}

    #[async_trait]
    impl AssigneeExistsCache for AssigneeExistsCache {
        async fn get(&self, group: GroupId) -> Option<bool>;
        async fn begin_fill(&self) -> FillTicket;
        async fn fill(&self, ticket: FillTicket, rows: &[(GroupId, bool)]);
        async fn invalidate(&self, groups: &[GroupId]);
    }

}
mock! {
    /// The ownership debounce.
    pub OwnershipDebounce {}

    #[async_trait]
    impl OwnershipDebounce for OwnershipDebounce {
        async fn was_evaluated(&self, group: GroupId) -> bool;
        async fn begin_evaluation(&self) -> FillTicket;
        async fn mark_evaluated(&self, ticket: FillTicket, group: GroupId);
        async fn forget(&self, groups: &[GroupId]);
    }

}
mock! {
    /// The snowflake sequence.
    pub SequenceStore {}

    #[async_trait]
    impl SequenceStore for SequenceStore {
        async fn reserve(&self, model: &'static str, region: Region, second: SnowflakeSecond) -> Result<ReservedSequence, SequenceError>;
    }

}
mock! {
    /// The sealing of secrets.
    pub SecretBox {}

    impl SecretBox for SecretBox {
        fn seal(&self, secret: &Secret, context: &[u8]) -> Result<Sealed, SecretBoxError>;
        fn open(&self, sealed: &Sealed, context: &[u8]) -> Result<Secret, SecretBoxError>;
    }

}
mock! {
    /// The wake-ups.
    pub Wake {}

    impl Wake for Wake {
        fn inbox(&self);
        fn outbox(&self);
        fn purge(&self);
    }

}
