//! The unit of work: everything that a use case writes, in one transaction.
//!
//! To add something that is stored: put the noun beside its kin at the crate's root, add its methods
//! to the trait of its family here, implement them in each adapter of the
//! store, and extend the mock in `testing`. Methods on the apply path take
//! *sets*, so that a batch of deliveries costs a handful of statements.

use super::singleton::WatchTx;
use super::tracking::TrackingTx;
use crate::access_code::{AccessCode, CodeKind};
use crate::assignee::{Activity, Assignee, Assignment, Decision, FollowReason, Follower};
use crate::chat::{
    BacklogEntry, CardPlace, CardSource, Guild, MessageKind, MessageRecord, Route, RouteRef, SummarySource,
};
use crate::delivery::FinishedDelivery;
use crate::group::{Group, GroupStatus};
use crate::hook::Hook;
use crate::id::{
    DeliveryId, ExternalIssueId, GroupId, InstallationId, IntegrationId, LinkId, MappingId, MessageRecordId,
    OrganizationId, OutboxId, ProjectId, RouteId, TeamId, TokenId, UserId, WorkItemNumber,
};
use crate::integration::{ConnectedProject, Installation, Integration, Toggles};
use crate::interaction::WrongCodes;
use crate::organization::{DiscordUserId, InteractionId, Organization, Role, Team, User, UserEmail};
use crate::outbox::{OutboxArm, OutboxState, Released};
use crate::person::{IdentityMapping, Person, Unresolved};
use crate::project::{NotificationSetting, Project};
use crate::secret::Sealed;
use crate::slug::Slug;
use crate::text::EmailAddress;
use crate::time::Timestamp;
use crate::token::ApiToken;
use crate::work_item::{AzureProjectId, ExternalIssue, GroupLink, LinkedGroup, OutwardLink};
use crate::workflow::{StateMap, Workflow};
use async_trait::async_trait;
use std::collections::{HashMap, HashSet};

/// Why the store did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A rule of the schema forbids it. The constraint's name says which.
    #[error("conflicts with {constraint}")]
    Conflict {
        /// The name of the constraint, for example `project_pkey` or `project_slug`.
        constraint: String,
    },
    /// Lost against another transaction: run the whole use case again.
    #[error("lost against another transaction")]
    Retry,
    /// Out of reach, full, or too slow.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// A lease that was worked under belongs to somebody else now.
    #[error("the lease was lost")]
    LeaseLost,
    /// Anything else: a defect of ours.
    #[error("the store failed: {0}")]
    Backend(String),
}

impl StoreError {
    /// Whether it is a conflict with the constraint of this name.
    #[must_use]
    pub fn is_conflict_with(&self, name: &str) -> bool {
        matches!(self, Self::Conflict { constraint } if constraint == name)
    }
}

/// A work item, and the installation through which an organization follows it.
pub type ItemThrough = (IntegrationId, InstallationId, WorkItemNumber);

/// Shorthand for what the store answers.
pub type StoreResult<T> = Result<T, StoreError>;

/// Opens units of work.
#[async_trait]
pub trait Store: Send + Sync {
    /// Begins a transaction.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when none can be had within a second.
    async fn begin(&self) -> StoreResult<Box<dyn UnitOfWork>>;
}

/// An open transaction. Dropping it rolls everything back.
#[async_trait]
pub trait UnitOfWork:
    TenancyTx + ProjectTx + GroupTx + TrackerTx + TrackingTx + OutwardTx + ChatTx + InteractionTx + QueueTx + WatchTx + Send
{
    /// Makes everything durable.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was written, except that after `Unavailable` it may have been.
    async fn commit(self: Box<Self>) -> StoreResult<()>;
}

/// Organizations, users, teams and tokens.
#[async_trait]
pub trait TenancyTx {
    /// Inserts; constraints `organization_pkey`, `organization_slug`. An id of zero is given one.
    async fn insert_organization(&mut self, new: &Organization) -> StoreResult<OrganizationId>;
    /// Locks the organization until the end, so that choosing slugs in it is serial; `false` if absent.
    async fn lock_organization(&mut self, id: OrganizationId) -> StoreResult<bool>;
    /// Inserts; constraint `user_pkey`. An id of zero is given one.
    async fn insert_user(&mut self, new: &User) -> StoreResult<UserId>;
    /// Activates or deactivates; `false` if absent.
    async fn set_user_active(&mut self, id: UserId, active: bool) -> StoreResult<bool>;
    /// Links a Discord account, or none; constraint `user_discord`; `false` if absent.
    async fn set_user_discord(&mut self, id: UserId, discord: Option<DiscordUserId>) -> StoreResult<bool>;
    /// Inserts or updates an address of a user; constraint `user_email_verified` (one owner each).
    async fn put_user_email(&mut self, email: &UserEmail) -> StoreResult<()>;
    /// Inserts or changes a membership.
    async fn put_membership(&mut self, organization: OrganizationId, user: UserId, role: Role) -> StoreResult<()>;
    /// Inserts; constraints `team_pkey`, `team_slug`. An id of zero is given one.
    async fn insert_team(&mut self, new: &Team) -> StoreResult<TeamId>;
    /// Adds a member; a member already is no error.
    async fn add_team_member(&mut self, team: TeamId, user: UserId) -> StoreResult<()>;
    /// Removes a member; `false` if there was none.
    async fn remove_team_member(&mut self, team: TeamId, user: UserId) -> StoreResult<bool>;
    /// The users of these ids.
    async fn users(&mut self, ids: &[UserId]) -> StoreResult<Vec<User>>;
    /// The members of these teams.
    async fn team_members(&mut self, ids: &[TeamId]) -> StoreResult<Vec<(TeamId, UserId)>>;
    /// Inserts.
    async fn insert_token(&mut self, new: &ApiToken) -> StoreResult<()>;
    /// Revokes; `false` if there is none that works.
    async fn revoke_token(&mut self, id: TokenId, at: Timestamp) -> StoreResult<bool>;
}

/// A group of a project that is being deleted, with what must be told outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoomedGroup {
    /// The group.
    pub group: Group,
    /// Its cards that exist in Discord.
    pub cards: Vec<MessageRecord>,
    /// Its links.
    pub links: Vec<GroupLink>,
}

/// A project that is being deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoomedProject {
    /// Its id.
    pub id: ProjectId,
    /// Whose it was.
    pub organization: OrganizationId,
    /// The slug that it had: its cards still show it.
    pub slug: Slug,
    /// When it was hidden.
    pub hidden_at: Timestamp,
}

/// Projects.
#[async_trait]
pub trait ProjectTx {
    /// Inserts; constraints `project_pkey`, `project_slug`. An id of zero is given one.
    async fn insert_project(&mut self, new: &Project) -> StoreResult<ProjectId>;
    /// Which of these slugs the organization's visible projects have.
    async fn taken_slugs(&mut self, organization: OrganizationId, slugs: &[Slug]) -> StoreResult<HashSet<Slug>>;
    /// A visible project, locked against hiding until the end; `None` if absent or hidden.
    async fn hold_project(&mut self, organization: OrganizationId, id: ProjectId) -> StoreResult<Option<Project>>;
    /// Gives the project to a team; given already is no error.
    async fn add_project_team(&mut self, project: ProjectId, team: TeamId) -> StoreResult<()>;
    /// Takes it from a team; `false` if the team had it not.
    async fn remove_project_team(&mut self, project: ProjectId, team: TeamId) -> StoreResult<bool>;
    /// Sets whether a user is mentioned in a project's channels.
    async fn put_notification_setting(&mut self, setting: &NotificationSetting) -> StoreResult<()>;
    /// Which of these pairs of user and project do not want to be mentioned.
    async fn muted(&mut self, pairs: &[(UserId, ProjectId)]) -> StoreResult<HashSet<(UserId, ProjectId)>>;
    /// Which of these pairs of user and project are joined by a team.
    async fn project_members(&mut self, pairs: &[(UserId, ProjectId)]) -> StoreResult<HashSet<(UserId, ProjectId)>>;
    /// Which of these pairs of team and project are joined.
    async fn project_teams(&mut self, pairs: &[(TeamId, ProjectId)]) -> StoreResult<HashSet<(TeamId, ProjectId)>>;
    /// Hides a project and frees its slug; `None` if absent or hidden already.
    async fn hide_project(
        &mut self,
        organization: OrganizationId,
        id: ProjectId,
        at: Timestamp,
    ) -> StoreResult<Option<DoomedProject>>;
    /// Up to `limit` groups of a hidden project.
    async fn doomed_groups(&mut self, project: ProjectId, limit: u16) -> StoreResult<Vec<DoomedGroup>>;
    /// Deletes these groups with all that hangs on them; ends their outbox rows obsolete.
    async fn delete_groups(&mut self, groups: &[GroupId]) -> StoreResult<()>;
    /// Deletes those of these work items that no group is linked with any more.
    async fn delete_unlinked_external_issues(&mut self, ids: &[ExternalIssueId]) -> StoreResult<()>;
    /// Deletes a hidden project that has no groups left, with its routes, notification settings and
    /// team assignments; ends its outbox rows obsolete, except those that close cards or delete hooks.
    async fn delete_project(&mut self, id: ProjectId) -> StoreResult<()>;
}

/// A group as deciding about its assignee needs it; locked until the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupState {
    /// The group.
    pub group: Group,
    /// Who has it.
    pub assignee: Option<Assignee>,
    /// Its last word about that.
    pub decision: Option<Decision>,
    /// Its last word about its status, where there was one.
    pub status_decision: Option<Decision<GroupStatus>>,
    /// Whether its organization carries changes to the trackers.
    pub issue_sync: bool,
}

/// Groups, their assignees and their history.
#[async_trait]
pub trait GroupTx {
    /// Takes the next number of a project's groups; `None` if the project is absent or hidden.
    async fn next_group_number(&mut self, project: ProjectId) -> StoreResult<Option<i64>>;
    /// Inserts.
    async fn insert_group(&mut self, new: &Group) -> StoreResult<()>;
    /// Locks these groups in the order of their ids; those absent or of hidden projects are left out.
    async fn lock_groups(&mut self, ids: &[GroupId]) -> StoreResult<Vec<GroupState>>;
    /// Sets statuses, with the decisions that made them so.
    async fn put_status_decisions(&mut self, rows: &[(GroupId, Decision<GroupStatus>)]) -> StoreResult<()>;
    /// Moves the time of the last event; never backwards.
    async fn touch_groups(&mut self, ids: &[GroupId], at: Timestamp) -> StoreResult<()>;
    /// Inserts or replaces assignees.
    async fn put_assignments(&mut self, rows: &[Assignment]) -> StoreResult<()>;
    /// Removes assignees.
    async fn delete_assignments(&mut self, groups: &[GroupId]) -> StoreResult<()>;
    /// Inserts or replaces decisions.
    async fn put_decisions(&mut self, rows: &[(GroupId, Decision)]) -> StoreResult<()>;
    /// Inserts history.
    async fn insert_activities(&mut self, rows: &[Activity]) -> StoreResult<()>;
    /// Inserts followers; an existing row stays as it is.
    async fn add_followers(&mut self, rows: &[Follower]) -> StoreResult<()>;
    /// Removes followers that follow for this reason.
    async fn remove_followers(&mut self, rows: &[(GroupId, Assignee)], reason: FollowReason) -> StoreResult<()>;
    /// The groups of a project whose last event is at or after `since`, by id, after `after`.
    async fn groups_seen_since(
        &mut self,
        project: ProjectId,
        since: Timestamp,
        after: Option<GroupId>,
        limit: u16,
    ) -> StoreResult<Vec<GroupId>>;
}

/// How a person of a tracker is known to an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonMatch {
    /// The position of the question in the set asked.
    pub question: usize,
    /// The user it may be.
    pub user: UserId,
    /// Said by a mapping by identity id, by a mapping by sign-in name, or by a verified address.
    pub by: MatchedBy,
}

/// What a match rests on; an earlier kind beats a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchedBy {
    /// A mapping of the identity's id.
    IdentityId,
    /// A mapping of the sign-in name.
    UniqueName,
    /// A verified address that is the sign-in name.
    Address,
}

/// Which type of work item: of a collection's project, by its name.
pub type WorkflowKey = (IntegrationId, AzureProjectId, String);

/// How a user may be known in a tracker: what was mapped, and their verified addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownIdentities {
    /// The identities that are mapped to them, each with an id or a sign-in name.
    pub mapped: Vec<(Option<String>, Option<String>)>,
    /// Their verified addresses.
    pub addresses: Vec<EmailAddress>,
}

/// Integrations, hooks, mirrored work items, links and identities.
#[async_trait]
pub trait TrackerTx {
    /// Inserts, or returns the one of the same collection.
    async fn put_integration(&mut self, new: &Integration) -> StoreResult<Integration>;
    /// Inserts; constraint `installation_integration` (one for each organization and integration).
    async fn insert_installation(&mut self, new: &Installation) -> StoreResult<()>;
    /// Sets the toggles; `false` if absent.
    async fn set_toggles(
        &mut self,
        organization: OrganizationId,
        id: InstallationId,
        toggles: &Toggles,
    ) -> StoreResult<bool>;
    /// Replaces the sealed credential; `false` if absent.
    async fn set_credential(
        &mut self,
        organization: OrganizationId,
        id: InstallationId,
        credential: &Sealed,
    ) -> StoreResult<bool>;
    /// Says when the credential ends, or that nobody knows; `false` if absent.
    async fn set_credential_expiry(
        &mut self,
        organization: OrganizationId,
        id: InstallationId,
        at: Option<Timestamp>,
    ) -> StoreResult<bool>;
    /// Inserts; connected already is no error.
    async fn put_connected_project(&mut self, new: &ConnectedProject) -> StoreResult<()>;
    /// Removes, with its tracking rules; `false` if absent.
    async fn delete_connected_project(
        &mut self,
        installation: InstallationId,
        azure_project: &AzureProjectId,
    ) -> StoreResult<bool>;
    /// Whether the project is connected; if so it stays that until the end.
    async fn hold_connected_project(
        &mut self,
        installation: InstallationId,
        azure_project: &AzureProjectId,
    ) -> StoreResult<bool>;
    /// The connected projects, locked, that these work items are in and that no link and no tracking rule of
    /// the organization needs any more.
    async fn unneeded_connections(
        &mut self,
        organization: OrganizationId,
        issues: &[ExternalIssueId],
    ) -> StoreResult<Vec<ConnectedProject>>;
    /// Inserts or replaces.
    async fn put_hook(&mut self, hook: &Hook) -> StoreResult<()>;
    /// The hooks of a connected project that are not deleted, locked.
    async fn lock_hooks(
        &mut self,
        installation: InstallationId,
        azure_project: &AzureProjectId,
    ) -> StoreResult<Vec<Hook>>;
    /// Inserts mirrors or replaces them.
    async fn put_external_issues(&mut self, rows: &[ExternalIssue]) -> StoreResult<()>;
    /// The mirrors of these work items, locked in the order of their integrations and numbers; those unknown
    /// are left out.
    async fn lock_external_issues(
        &mut self,
        keys: &[(IntegrationId, WorkItemNumber)],
    ) -> StoreResult<Vec<ExternalIssue>>;
    /// Inserts; constraint `group_link_pair`.
    async fn insert_link(&mut self, new: &GroupLink) -> StoreResult<()>;
    /// Removes; `None` if absent.
    async fn delete_link(&mut self, organization: OrganizationId, id: LinkId) -> StoreResult<Option<GroupLink>>;
    /// The links of these work items, by link id; those of hidden projects are left out.
    async fn links_of(&mut self, issues: &[ExternalIssueId]) -> StoreResult<Vec<LinkedGroup>>;
    /// Sets who is unresolved on links.
    async fn set_unresolved(&mut self, rows: &[(LinkId, Option<Unresolved>)]) -> StoreResult<()>;
    /// Inserts; constraint `identity_mapping_identity`.
    async fn insert_mapping(&mut self, new: &IdentityMapping) -> StoreResult<()>;
    /// Removes; `false` if absent.
    async fn delete_mapping(&mut self, organization: OrganizationId, id: MappingId) -> StoreResult<bool>;
    /// Who these people may be, for each organization: mappings of that organization, and verified
    /// addresses of its members.
    async fn match_people(
        &mut self,
        questions: &[(OrganizationId, IntegrationId, Person)],
    ) -> StoreResult<Vec<PersonMatch>>;
    /// The work items of an organization that wait for one of these members: by a mapped identity or name, or by a
    /// verified address, they are unresolved on a link. Each once.
    async fn items_waiting_for(
        &mut self,
        organization: OrganizationId,
        users: &[UserId],
    ) -> StoreResult<Vec<ItemThrough>>;
}

/// What is told to the trackers: which work items hear of what, as whom, and in which words.
#[async_trait]
pub trait OutwardTx {
    /// The work items that hear of these groups' decisions: those not deleted whose installation lets the
    /// assignee or the status outward, of organizations that carry changes to the trackers.
    async fn outward_links(&mut self, groups: &[GroupId]) -> StoreResult<Vec<OutwardLink>>;
    /// Sets, or clears, what keeps links from agreeing with the tracker.
    async fn set_problems(&mut self, rows: &[(LinkId, Option<String>)]) -> StoreResult<()>;
    /// The work items of an organization that have a problem and hear of a group for which one of these users was
    /// decided, where a mapping or a verified address tells who that is. Each once.
    async fn troubled_items(&mut self, organization: OrganizationId, users: &[UserId])
    -> StoreResult<Vec<ItemThrough>>;
    /// How a user of the organization may be known in a tracker.
    async fn identities_of(
        &mut self,
        organization: OrganizationId,
        integration: IntegrationId,
        user: UserId,
    ) -> StoreResult<KnownIdentities>;
    /// Keeps what is known of the states of a type of work item.
    async fn put_workflow(&mut self, key: &WorkflowKey, workflow: &Workflow, learned_at: Timestamp) -> StoreResult<()>;
    /// What is known of the states of these types, and since when.
    async fn workflows(&mut self, keys: &[WorkflowKey]) -> StoreResult<HashMap<WorkflowKey, (Workflow, Timestamp)>>;
    /// Sets how a connected project's states translate; `false` if it is not connected.
    async fn set_state_map(
        &mut self,
        installation: InstallationId,
        azure_project: &AzureProjectId,
        map: &StateMap,
    ) -> StoreResult<bool>;
    /// How the states of these connected projects translate; those where nothing is said are left out.
    async fn state_maps(
        &mut self,
        projects: &[(InstallationId, AzureProjectId)],
    ) -> StoreResult<HashMap<(InstallationId, AzureProjectId), StateMap>>;
}

/// Guilds, routes and messages.
#[async_trait]
pub trait ChatTx {
    /// Inserts; constraint `guild_pkey` (a guild belongs to one organization).
    async fn insert_guild(&mut self, new: &Guild) -> StoreResult<()>;
    /// Inserts; constraint `route_channel` (one for each project and channel).
    async fn insert_route(&mut self, new: &Route) -> StoreResult<()>;
    /// Removes a route with its message records; `false` if absent.
    async fn delete_route(&mut self, organization: OrganizationId, id: RouteId) -> StoreResult<bool>;
    /// Disables a route with the reason, or enables it.
    async fn set_route_disabled(&mut self, id: RouteId, reason: Option<String>) -> StoreResult<()>;
    /// Up to `limit` groups that have a card on the route, by id, after `after`.
    async fn groups_with_card(
        &mut self,
        route: RouteId,
        after: Option<GroupId>,
        limit: u16,
    ) -> StoreResult<Vec<GroupId>>;
    /// The enabled routes of these projects.
    async fn routes_of(&mut self, projects: &[ProjectId]) -> StoreResult<Vec<RouteRef>>;
    /// What a card shows; `None` if the group or the route is absent, or the project hidden.
    async fn card_source(&mut self, group: GroupId, route: RouteId) -> StoreResult<Option<CardSource>>;
    /// The record of a message; what its subject is, [`MessageRecord::subject`] says.
    async fn message_record(
        &mut self,
        group: GroupId,
        route: RouteId,
        kind: MessageKind,
        subject: &str,
    ) -> StoreResult<Option<MessageRecord>>;
    /// Inserts or replaces a record.
    async fn put_message_record(&mut self, record: &MessageRecord) -> StoreResult<()>;
    /// Replaces a route's mode, filter, quiet hours, whether it shows ids only, and why it is disabled;
    /// `false` if absent.
    async fn update_route(&mut self, route: &Route) -> StoreResult<bool>;
    /// How many pings and thread posts were first tried on the route after `since`.
    async fn told_since(&mut self, route: RouteId, since: Timestamp) -> StoreResult<u64>;
    /// Inserts; an entry that is there stays as it is.
    async fn put_backlog(&mut self, rows: &[BacklogEntry]) -> StoreResult<()>;
    /// Takes up to `limit` entries of the route's backlog, the oldest, that no summary has taken yet.
    /// How many.
    async fn take_backlog(&mut self, route: RouteId, summary: MessageRecordId, limit: u16) -> StoreResult<u64>;
    /// Removes what a summary had taken.
    async fn drop_backlog(&mut self, route: RouteId, summary: MessageRecordId) -> StoreResult<()>;
    /// What a summary shows; `None` if the route is absent, or its project hidden.
    async fn summary_source(&mut self, route: RouteId) -> StoreResult<Option<SummarySource>>;
    /// Posts again the cards of the route that were given up on, when they next change.
    async fn forget_given_up(&mut self, route: RouteId) -> StoreResult<()>;
    /// Up to `limit` cards of the groups that a user has, in order, after `after`; those of hidden projects
    /// and disabled routes are left out.
    async fn cards_of_user(
        &mut self,
        user: UserId,
        after: Option<CardPlace>,
        limit: u16,
    ) -> StoreResult<Vec<CardPlace>>;
}

/// What people do in Discord: which interactions were acted on, codes, and wrong ones.
#[async_trait]
pub trait InteractionTx {
    /// Remembers that an interaction is acted on; `false` if one of this id was before.
    async fn remember_interaction(&mut self, id: InteractionId) -> StoreResult<bool>;
    /// The user whose Discord account this is.
    async fn user_by_discord(&mut self, account: DiscordUserId) -> StoreResult<Option<User>>;
    /// Inserts a code in place of what the organization made for the same purpose before; constraint
    /// `access_code_pkey`.
    async fn put_access_code(&mut self, code: &AccessCode) -> StoreResult<()>;
    /// Removes the code of this digest and kind, live or not; `None` if there is none.
    async fn take_access_code(&mut self, digest: &[u8], kind: CodeKind) -> StoreResult<Option<AccessCode>>;
    /// The wrong codes of an account, locked until the end; a row is made where there is none.
    async fn lock_wrong_codes(&mut self, account: DiscordUserId, now: Timestamp) -> StoreResult<WrongCodes>;
    /// Sets the wrong codes of an account whose row was locked.
    async fn put_wrong_codes(&mut self, account: DiscordUserId, wrong: WrongCodes) -> StoreResult<()>;
    /// Forgets interactions made before `interactions`, and codes that expired and wrong codes that were
    /// first counted before `codes`; at most `limit` of each. How many rows went.
    async fn forget_interactions(&mut self, interactions: Timestamp, codes: Timestamp, limit: u16) -> StoreResult<u64>;
}

/// Deliveries and outbox rows, as far as they are written with the rest.
#[async_trait]
pub trait QueueTx {
    /// Arms rows: inserts, or bumps the generation of the pending row of the same target.
    async fn arm(&mut self, rows: &[OutboxArm]) -> StoreResult<()>;
    /// Makes the rows that wait for a later time, and are leased by nobody, due at `now` as if they had never
    /// failed: what they waited for is mended. (Arming alone leaves a row to its wait.)
    async fn release(&mut self, organization: OrganizationId, rows: Released, now: Timestamp) -> StoreResult<()>;
    /// Ends deliveries. [`StoreError::LeaseLost`] if the lease of any is not the one named.
    async fn finish_deliveries(&mut self, rows: &[FinishedDelivery]) -> StoreResult<()>;
    /// Makes a delivery that has ended pending again; `false` if there is none such, or it was never
    /// understood.
    async fn replay_delivery(&mut self, id: DeliveryId, at: Timestamp) -> StoreResult<bool>;
    /// Ends a row; or, if its generation has moved since `generation`, frees it to be done again.
    /// [`StoreError::LeaseLost`] if the lease is not the one named.
    async fn finish_outbox(
        &mut self,
        id: OutboxId,
        token: i64,
        generation: i64,
        state: OutboxState,
        reason: Option<String>,
        at: Timestamp,
    ) -> StoreResult<()>;
    /// Checks that the lease is still the one named, without ending it.
    async fn hold_outbox(&mut self, id: OutboxId, token: i64) -> StoreResult<()>;
}
