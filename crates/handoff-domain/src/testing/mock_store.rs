//! Mocks of the store: a unit of work that proves what was written, and what was not.

use crate::access_code::{AccessCode, CodeKind};
use crate::assignee::{Activity, Assignee, Assignment, Decision, FollowReason, Follower};
use crate::chat::{
    BacklogEntry, CardPlace, CardSource, Guild, MessageKind, MessageRecord, Route, RouteRef, SummarySource,
};
use crate::delivery::{ClaimedDelivery, DeliveryRecord, DeliveryState, FinishedDelivery, NewDelivery};
use crate::group::{Group, GroupStatus};
use crate::hook::Hook;
use crate::id::{
    ActivityId, DeliveryId, ExternalIssueId, GroupId, HookId, InstallationId, IntegrationId, LinkId, MappingId,
    MessageRecordId, OrganizationId, OutboxId, ProjectId, RouteId, TeamId, TokenId, TrackingRuleId, UserId,
    WorkItemNumber,
};
use crate::integration::{Chore, ConnectedProject, DueProject, Installation, Integration, Toggles};
use crate::interaction::WrongCodes;
use crate::organization::{DiscordUserId, GuildId, InteractionId, Organization, Role, Team, User, UserEmail};
use crate::outbox::{ClaimedTask, Lane, OutboxArm, OutboxRecord, OutboxState, Released};
use crate::page::{Page, PageRequest};
use crate::person::{IdentityMapping, Person, Unresolved, UnresolvedKey, UnresolvedPerson};
use crate::port::queue::{Appended, Inbox, InboxError, Outbox};
use crate::port::read::{GroupView, Member, Reader};
use crate::port::singleton::{SingletonLease, Singletons, WatchTx};
use crate::port::store::{
    ChatTx, DoomedGroup, DoomedProject, GroupState, GroupTx, InteractionTx, ItemThrough, KnownIdentities, OutwardTx,
    PersonMatch, ProjectTx, QueueTx, Store, StoreError, StoreResult, TenancyTx, TrackerTx, UnitOfWork, WorkflowKey,
};
use crate::port::tracking::{ItemOfProject, TrackingTx};
use crate::project::{NotificationSetting, Project};
use crate::secret::Sealed;
use crate::slug::Slug;
use crate::time::Timestamp;
use crate::token::ApiToken;
use crate::tracking::{TrackedItem, TrackingRule};
use crate::work_item::{AzureProjectId, ExternalIssue, GroupLink, LinkedGroup, OutwardLink};
use crate::workflow::{StateMap, Workflow};
use async_trait::async_trait;
use mockall::mock;
use std::collections::{HashMap, HashSet};

mock! {
    /// A unit of work. `expect_commit().never()` proves that nothing was committed.
    pub UnitOfWork {}

    #[async_trait]
    impl TenancyTx for UnitOfWork {
        async fn insert_organization(&mut self, new: &Organization) -> StoreResult<OrganizationId>;
        async fn lock_organization(&mut self, id: OrganizationId) -> StoreResult<bool>;
        async fn insert_user(&mut self, new: &User) -> StoreResult<UserId>;
        async fn set_user_active(&mut self, id: UserId, active: bool) -> StoreResult<bool>;
        async fn set_user_discord(&mut self, id: UserId, discord: Option<DiscordUserId>) -> StoreResult<bool>;
        async fn put_user_email(&mut self, email: &UserEmail) -> StoreResult<()>;
        async fn put_membership(&mut self, organization: OrganizationId, user: UserId, role: Role) -> StoreResult<()>;
        async fn insert_team(&mut self, new: &Team) -> StoreResult<TeamId>;
        async fn add_team_member(&mut self, team: TeamId, user: UserId) -> StoreResult<()>;
        async fn remove_team_member(&mut self, team: TeamId, user: UserId) -> StoreResult<bool>;
        async fn users(&mut self, ids: &[UserId]) -> StoreResult<Vec<User>>;
        async fn team_members(&mut self, ids: &[TeamId]) -> StoreResult<Vec<(TeamId, UserId)>>;
        async fn insert_token(&mut self, new: &ApiToken) -> StoreResult<()>;
        async fn revoke_token(&mut self, id: TokenId, at: Timestamp) -> StoreResult<bool>;
    }

    #[async_trait]
    impl ProjectTx for UnitOfWork {
        async fn insert_project(&mut self, new: &Project) -> StoreResult<ProjectId>;
        async fn taken_slugs(&mut self, organization: OrganizationId, slugs: &[Slug]) -> StoreResult<HashSet<Slug>>;
        async fn hold_project(&mut self, organization: OrganizationId, id: ProjectId) -> StoreResult<Option<Project>>;
        async fn add_project_team(&mut self, project: ProjectId, team: TeamId) -> StoreResult<()>;
        async fn remove_project_team(&mut self, project: ProjectId, team: TeamId) -> StoreResult<bool>;
        async fn put_notification_setting(&mut self, setting: &NotificationSetting) -> StoreResult<()>;
        async fn muted(&mut self, pairs: &[(UserId, ProjectId)]) -> StoreResult<HashSet<(UserId, ProjectId)>>;
        async fn project_members(&mut self, pairs: &[(UserId, ProjectId)]) -> StoreResult<HashSet<(UserId, ProjectId)>>;
        async fn project_teams(&mut self, pairs: &[(TeamId, ProjectId)]) -> StoreResult<HashSet<(TeamId, ProjectId)>>;
        async fn hide_project(&mut self, organization: OrganizationId, id: ProjectId, at: Timestamp) -> StoreResult<Option<DoomedProject>>;
        async fn doomed_groups(&mut self, project: ProjectId, limit: u16) -> StoreResult<Vec<DoomedGroup>>;
        async fn delete_groups(&mut self, groups: &[GroupId]) -> StoreResult<()>;
        async fn delete_unlinked_external_issues(&mut self, ids: &[ExternalIssueId]) -> StoreResult<()>;
        async fn delete_project(&mut self, id: ProjectId) -> StoreResult<()>;
    }

    #[async_trait]
    impl GroupTx for UnitOfWork {
        async fn next_group_number(&mut self, project: ProjectId) -> StoreResult<Option<i64>>;
        async fn insert_group(&mut self, new: &Group) -> StoreResult<()>;
        async fn lock_groups(&mut self, ids: &[GroupId]) -> StoreResult<Vec<GroupState>>;
        async fn put_status_decisions(&mut self, rows: &[(GroupId, Decision<GroupStatus>)]) -> StoreResult<()>;
        async fn touch_groups(&mut self, ids: &[GroupId], at: Timestamp) -> StoreResult<()>;
        async fn put_assignments(&mut self, rows: &[Assignment]) -> StoreResult<()>;
        async fn delete_assignments(&mut self, groups: &[GroupId]) -> StoreResult<()>;
        async fn put_decisions(&mut self, rows: &[(GroupId, Decision)]) -> StoreResult<()>;
        async fn insert_activities(&mut self, rows: &[Activity]) -> StoreResult<()>;
        async fn add_followers(&mut self, rows: &[Follower]) -> StoreResult<()>;
        async fn remove_followers(&mut self, rows: &[(GroupId, Assignee)], reason: FollowReason) -> StoreResult<()>;
        async fn groups_seen_since(&mut self, project: ProjectId, since: Timestamp, after: Option<GroupId>, limit: u16) -> StoreResult<Vec<GroupId>>;
    }

    #[async_trait]
    impl TrackerTx for UnitOfWork {
        async fn put_integration(&mut self, new: &Integration) -> StoreResult<Integration>;
        async fn insert_installation(&mut self, new: &Installation) -> StoreResult<()>;
        async fn set_toggles(&mut self, organization: OrganizationId, id: InstallationId, toggles: &Toggles) -> StoreResult<bool>;
        async fn set_credential(&mut self, organization: OrganizationId, id: InstallationId, credential: &Sealed) -> StoreResult<bool>;
        async fn set_credential_expiry(&mut self, organization: OrganizationId, id: InstallationId, at: Option<Timestamp>) -> StoreResult<bool>;
        async fn put_connected_project(&mut self, new: &ConnectedProject) -> StoreResult<()>;
        async fn delete_connected_project(&mut self, installation: InstallationId, azure_project: &AzureProjectId) -> StoreResult<bool>;
        async fn hold_connected_project(&mut self, installation: InstallationId, azure_project: &AzureProjectId) -> StoreResult<bool>;
        async fn unneeded_connections(&mut self, organization: OrganizationId, issues: &[ExternalIssueId]) -> StoreResult<Vec<ConnectedProject>>;
        async fn put_hook(&mut self, hook: &Hook) -> StoreResult<()>;
        async fn lock_hooks(&mut self, installation: InstallationId, azure_project: &AzureProjectId) -> StoreResult<Vec<Hook>>;
        async fn put_external_issues(&mut self, rows: &[ExternalIssue]) -> StoreResult<()>;
        async fn lock_external_issues(&mut self, keys: &[(IntegrationId, WorkItemNumber)]) -> StoreResult<Vec<ExternalIssue>>;
        async fn insert_link(&mut self, new: &GroupLink) -> StoreResult<()>;
        async fn delete_link(&mut self, organization: OrganizationId, id: LinkId) -> StoreResult<Option<GroupLink>>;
        async fn links_of(&mut self, issues: &[ExternalIssueId]) -> StoreResult<Vec<LinkedGroup>>;
        async fn set_unresolved(&mut self, rows: &[(LinkId, Option<Unresolved>)]) -> StoreResult<()>;
        async fn insert_mapping(&mut self, new: &IdentityMapping) -> StoreResult<()>;
        async fn delete_mapping(&mut self, organization: OrganizationId, id: MappingId) -> StoreResult<bool>;
        async fn match_people(&mut self, questions: &[(OrganizationId, IntegrationId, Person)]) -> StoreResult<Vec<PersonMatch>>;
        async fn items_waiting_for(&mut self, organization: OrganizationId, users: &[UserId]) -> StoreResult<Vec<ItemThrough>>;
    }

    #[async_trait]
    impl OutwardTx for UnitOfWork {
        async fn outward_links(&mut self, groups: &[GroupId]) -> StoreResult<Vec<OutwardLink>>;
        async fn set_problems(&mut self, rows: &[(LinkId, Option<String>)]) -> StoreResult<()>;
        async fn troubled_items(&mut self, organization: OrganizationId, users: &[UserId]) -> StoreResult<Vec<ItemThrough>>;
        async fn identities_of(&mut self, organization: OrganizationId, integration: IntegrationId, user: UserId) -> StoreResult<KnownIdentities>;
        async fn put_workflow(&mut self, key: &WorkflowKey, workflow: &Workflow, learned_at: Timestamp) -> StoreResult<()>;
        async fn workflows(&mut self, keys: &[WorkflowKey]) -> StoreResult<HashMap<WorkflowKey, (Workflow, Timestamp)>>;
        async fn set_state_map(&mut self, installation: InstallationId, azure_project: &AzureProjectId, map: &StateMap) -> StoreResult<bool>;
        async fn state_maps(&mut self, projects: &[(InstallationId, AzureProjectId)]) -> StoreResult<HashMap<(InstallationId, AzureProjectId), StateMap>>;
    }

    #[async_trait]
    impl TrackingTx for UnitOfWork {
        async fn put_tracking_rule(&mut self, new: &TrackingRule) -> StoreResult<()>;
        async fn delete_tracking_rule(&mut self, organization: OrganizationId, id: TrackingRuleId) -> StoreResult<Option<TrackingRule>>;
        async fn delete_tracking_rules_of(&mut self, project: ProjectId) -> StoreResult<Vec<TrackingRule>>;
        async fn tracking_rules_of(&mut self, installation: InstallationId, azure_project: &AzureProjectId) -> StoreResult<Vec<TrackingRule>>;
        async fn tracking_rules_about(&mut self, azure_projects: &[AzureProjectId]) -> StoreResult<Vec<TrackingRule>>;
        async fn tracked(&mut self, projects: &[ProjectId], items: &[(IntegrationId, WorkItemNumber)]) -> StoreResult<HashSet<ItemOfProject>>;
        async fn insert_tracked_item(&mut self, new: &TrackedItem) -> StoreResult<()>;
        async fn imported_team(&mut self, organization: OrganizationId, integration: IntegrationId, azure_project: &AzureProjectId) -> StoreResult<Option<TeamId>>;
        async fn insert_imported_team(&mut self, organization: OrganizationId, integration: IntegrationId, azure_project: &AzureProjectId, team: TeamId) -> StoreResult<()>;
    }

    #[async_trait]
    impl ChatTx for UnitOfWork {
        async fn insert_guild(&mut self, new: &Guild) -> StoreResult<()>;
        async fn insert_route(&mut self, new: &Route) -> StoreResult<()>;
        async fn delete_route(&mut self, organization: OrganizationId, id: RouteId) -> StoreResult<bool>;
        async fn set_route_disabled(&mut self, id: RouteId, reason: Option<String>) -> StoreResult<()>;
        async fn groups_with_card(&mut self, route: RouteId, after: Option<GroupId>, limit: u16) -> StoreResult<Vec<GroupId>>;
        async fn routes_of(&mut self, projects: &[ProjectId]) -> StoreResult<Vec<RouteRef>>;
        async fn card_source(&mut self, group: GroupId, route: RouteId) -> StoreResult<Option<CardSource>>;
        async fn message_record(&mut self, group: GroupId, route: RouteId, kind: MessageKind, subject: &str) -> StoreResult<Option<MessageRecord>>;
        async fn put_message_record(&mut self, record: &MessageRecord) -> StoreResult<()>;
        async fn update_route(&mut self, route: &Route) -> StoreResult<bool>;
        async fn told_since(&mut self, route: RouteId, since: Timestamp) -> StoreResult<u64>;
        async fn put_backlog(&mut self, rows: &[BacklogEntry]) -> StoreResult<()>;
        async fn take_backlog(&mut self, route: RouteId, summary: MessageRecordId, limit: u16) -> StoreResult<u64>;
        async fn drop_backlog(&mut self, route: RouteId, summary: MessageRecordId) -> StoreResult<()>;
        async fn summary_source(&mut self, route: RouteId) -> StoreResult<Option<SummarySource>>;
        async fn forget_given_up(&mut self, route: RouteId) -> StoreResult<()>;
        async fn cards_of_user(&mut self, user: UserId, after: Option<CardPlace>, limit: u16) -> StoreResult<Vec<CardPlace>>;
    }

    #[async_trait]
    impl InteractionTx for UnitOfWork {
        async fn remember_interaction(&mut self, id: InteractionId) -> StoreResult<bool>;
        async fn user_by_discord(&mut self, account: DiscordUserId) -> StoreResult<Option<User>>;
        async fn put_access_code(&mut self, code: &AccessCode) -> StoreResult<()>;
        async fn take_access_code(&mut self, digest: &[u8], kind: CodeKind) -> StoreResult<Option<AccessCode>>;
        async fn lock_wrong_codes(&mut self, account: DiscordUserId, now: Timestamp) -> StoreResult<WrongCodes>;
        async fn put_wrong_codes(&mut self, account: DiscordUserId, wrong: WrongCodes) -> StoreResult<()>;
        async fn forget_interactions(&mut self, interactions: Timestamp, codes: Timestamp, limit: u16) -> StoreResult<u64>;
    }

    #[async_trait]
    impl QueueTx for UnitOfWork {
        async fn arm(&mut self, rows: &[OutboxArm]) -> StoreResult<()>;
        async fn release(&mut self, organization: OrganizationId, rows: Released, now: Timestamp) -> StoreResult<()>;
        async fn finish_deliveries(&mut self, rows: &[FinishedDelivery]) -> StoreResult<()>;
        async fn replay_delivery(&mut self, id: DeliveryId, at: Timestamp) -> StoreResult<bool>;
        async fn finish_outbox(&mut self, id: OutboxId, token: i64, generation: i64, state: OutboxState, reason: Option<String>, at: Timestamp) -> StoreResult<()>;
        async fn hold_outbox(&mut self, id: OutboxId, token: i64) -> StoreResult<()>;
    }

    #[async_trait]
    impl WatchTx for UnitOfWork {
        async fn hold_singleton(&mut self, lease: &SingletonLease) -> StoreResult<()>;
        async fn schedule(&mut self, installation: InstallationId, azure_project: &AzureProjectId, chore: Chore, due_at: Timestamp) -> StoreResult<()>;
        async fn look_with_new_credential(&mut self, installation: InstallationId, due_at: Timestamp) -> StoreResult<()>;
        async fn looked_with_credential(&mut self, installation: InstallationId, azure_project: &AzureProjectId) -> StoreResult<()>;
    }

    #[async_trait]
    impl UnitOfWork for UnitOfWork {
        async fn commit(self: Box<Self>) -> StoreResult<()>;
    }

}
mock! {
    /// A store.
    pub Store {}

    #[async_trait]
    impl Store for Store {
        async fn begin(&self) -> StoreResult<Box<dyn UnitOfWork>>;
    }

}
mock! {
    /// The queries.
    pub Reader {}

    #[async_trait]
    impl Reader for Reader {
        async fn ping(&self) -> StoreResult<()>;
        async fn token_by_digest(&self, digest: &[u8]) -> StoreResult<Option<ApiToken>>;
        async fn organizations(&self, page: PageRequest<OrganizationId>) -> StoreResult<Page<Organization>>;
        async fn organization(&self, id: OrganizationId) -> StoreResult<Option<Organization>>;
        async fn organization_by_slug(&self, slug: &Slug) -> StoreResult<Option<Organization>>;
        async fn members(&self, organization: OrganizationId, page: PageRequest<UserId>) -> StoreResult<Page<Member>>;
        async fn member(&self, organization: OrganizationId, id: UserId) -> StoreResult<Option<Member>>;
        async fn teams(&self, organization: OrganizationId, page: PageRequest<TeamId>) -> StoreResult<Page<Team>>;
        async fn team(&self, organization: OrganizationId, id: TeamId) -> StoreResult<Option<Team>>;
        async fn team_users(&self, organization: OrganizationId, team: TeamId, page: PageRequest<UserId>) -> StoreResult<Page<User>>;
        async fn projects(&self, organization: OrganizationId, page: PageRequest<ProjectId>) -> StoreResult<Page<Project>>;
        async fn project(&self, organization: OrganizationId, id: ProjectId) -> StoreResult<Option<Project>>;
        async fn project_by_slug(&self, organization: OrganizationId, slug: &Slug) -> StoreResult<Option<Project>>;
        async fn project_teams(&self, organization: OrganizationId, project: ProjectId) -> StoreResult<Vec<Team>>;
        async fn doomed_projects(&self, limit: u16) -> StoreResult<Vec<DoomedProject>>;
        async fn groups(&self, organization: OrganizationId, project: ProjectId, page: PageRequest<GroupId>) -> StoreResult<Page<GroupView>>;
        async fn group(&self, organization: OrganizationId, id: GroupId) -> StoreResult<Option<GroupView>>;
        async fn activities(&self, organization: OrganizationId, group: GroupId, page: PageRequest<ActivityId>) -> StoreResult<Page<Activity>>;
        async fn integrations(&self, organization: OrganizationId, page: PageRequest<IntegrationId>) -> StoreResult<Page<Integration>>;
        async fn installations(&self, organization: OrganizationId, page: PageRequest<InstallationId>) -> StoreResult<Page<(Installation, Integration)>>;
        async fn installation(&self, organization: OrganizationId, id: InstallationId) -> StoreResult<Option<(Installation, Integration)>>;
        async fn connected_projects(&self, organization: OrganizationId, installation: InstallationId) -> StoreResult<Vec<ConnectedProject>>;
        async fn hooks(&self, organization: OrganizationId, installation: InstallationId) -> StoreResult<Vec<Hook>>;
        async fn hook(&self, id: HookId) -> StoreResult<Option<(Hook, String)>>;
        async fn links(&self, organization: OrganizationId, group: GroupId) -> StoreResult<Vec<(GroupLink, ExternalIssue)>>;
        async fn link(&self, organization: OrganizationId, id: LinkId) -> StoreResult<Option<(GroupLink, ExternalIssue)>>;
        async fn linked_work_items(&self, organization: OrganizationId, integration: IntegrationId, azure_project: &AzureProjectId, after: Option<WorkItemNumber>, limit: u16) -> StoreResult<Vec<WorkItemNumber>>;
        async fn due_projects(&self, chore: Chore, now: Timestamp, limit: u16) -> StoreResult<Vec<DueProject>>;
        async fn unresolved_links(&self, organization: OrganizationId, page: PageRequest<LinkId>) -> StoreResult<Page<(GroupLink, ExternalIssue)>>;
        async fn unresolved_people(&self, organization: OrganizationId, page: PageRequest<UnresolvedKey>) -> StoreResult<Page<UnresolvedPerson>>;
        async fn tracking_rules(&self, organization: OrganizationId, page: PageRequest<TrackingRuleId>) -> StoreResult<Page<TrackingRule>>;
        async fn tracking_rule(&self, organization: OrganizationId, id: TrackingRuleId) -> StoreResult<Option<TrackingRule>>;
        async fn mappings(&self, organization: OrganizationId, page: PageRequest<MappingId>) -> StoreResult<Page<IdentityMapping>>;
        async fn mapping(&self, organization: OrganizationId, id: MappingId) -> StoreResult<Option<IdentityMapping>>;
        async fn guilds(&self, organization: OrganizationId) -> StoreResult<Vec<Guild>>;
        async fn routes(&self, organization: OrganizationId, project: ProjectId, page: PageRequest<RouteId>) -> StoreResult<Page<Route>>;
        async fn given_up_cards(&self, organization: OrganizationId, route: RouteId) -> StoreResult<u64>;
        async fn route(&self, organization: OrganizationId, id: RouteId) -> StoreResult<Option<Route>>;
        async fn guild(&self, id: GuildId) -> StoreResult<Option<Guild>>;
        async fn user_by_discord(&self, account: DiscordUserId) -> StoreResult<Option<User>>;
        async fn is_project_member(&self, organization: OrganizationId, user: UserId, project: ProjectId) -> StoreResult<bool>;
        async fn project_users(&self, organization: OrganizationId, project: ProjectId, page: PageRequest<UserId>) -> StoreResult<Page<User>>;
        async fn group_by_number(&self, organization: OrganizationId, slug: &Slug, number: i64) -> StoreResult<Option<GroupView>>;
        async fn groups_assigned_to(&self, organization: OrganizationId, user: UserId, limit: u16) -> StoreResult<Vec<GroupView>>;
        async fn groups_matching(&self, organization: OrganizationId, user: UserId, text: &str, limit: u16) -> StoreResult<Vec<GroupView>>;
        async fn deliveries(&self, organization: OrganizationId, state: Option<DeliveryState>, page: PageRequest<DeliveryId>) -> StoreResult<Page<DeliveryRecord>>;
        async fn delivery(&self, organization: OrganizationId, id: DeliveryId) -> StoreResult<Option<(DeliveryRecord, Vec<u8>)>>;
        async fn outbox(&self, organization: OrganizationId, state: Option<OutboxState>, page: PageRequest<OutboxId>) -> StoreResult<Page<OutboxRecord>>;
    }

}
mock! {
    /// The inbox.
    pub Inbox {}

    #[async_trait]
    impl Inbox for Inbox {
        async fn append(&self, delivery: NewDelivery) -> Result<Appended, InboxError>;
        async fn claim(&self, now: Timestamp, lease_until: Timestamp, limit: u16) -> Result<Vec<ClaimedDelivery>, StoreError>;
        async fn fail(&self, id: DeliveryId, token: i64, retry_at: Timestamp, reason: &str, counts: bool) -> Result<(), StoreError>;
        async fn purge(&self, before: Timestamp, limit: u16) -> Result<u64, StoreError>;
    }

}
mock! {
    /// The outbox.
    pub Outbox {}

    #[async_trait]
    impl Outbox for Outbox {
        async fn claim(&self, lane: Lane, now: Timestamp, lease_until: Timestamp, limit: u16) -> Result<Vec<ClaimedTask>, StoreError>;
        async fn fail(&self, id: OutboxId, token: i64, retry_at: Timestamp, reason: &str, counts: bool) -> Result<(), StoreError>;
        async fn replay(&self, organization: OrganizationId, id: OutboxId, now: Timestamp) -> Result<bool, StoreError>;
        async fn purge(&self, before: Timestamp, limit: u16) -> Result<u64, StoreError>;
    }

}
mock! {
    /// The leases by name.
    pub Singletons {}

    #[async_trait]
    impl Singletons for Singletons {
        async fn take(&self, name: &'static str, now: Timestamp, until: Timestamp) -> StoreResult<Option<SingletonLease>>;
        async fn extend(&self, lease: &SingletonLease, until: Timestamp) -> StoreResult<bool>;
        async fn give_back(&self, lease: &SingletonLease) -> StoreResult<()>;
    }

}
