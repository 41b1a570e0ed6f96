//! What is stored: one map for each kind of row, and the look-ups that several families share.

use crate::assignee::{Activity, Assignee, Assignment, Decision, Follower};
use crate::chat::{Guild, MessageRecord, Route};
use crate::delivery::NewDelivery;
use crate::group::{Group, GroupStatus};
use crate::hook::Hook;
use crate::id::{
    ActivityId, DeliveryId, ExternalIssueId, GroupId, HookId, InstallationId, IntegrationId, LinkId, MappingId,
    MessageRecordId, OrganizationId, OutboxId, ProjectId, RouteId, TeamId, TokenId, TrackingRuleId, UserId,
};
use crate::integration::{ConnectedProject, Installation, Integration};
use crate::organization::{GuildId, Organization, Role, Team, User};
use crate::outbox::{OutboxArm, OutboxState};
use crate::person::IdentityMapping;
use crate::port::StoreError;
use crate::port::store::{StoreResult, WorkflowKey};
use crate::port::tracking::ItemOfProject;
use crate::project::Project;
use crate::text::EmailAddress;
use crate::time::Timestamp;
use crate::token::ApiToken;
use crate::tracking::{TrackedItem, TrackingRule};
use crate::work_item::{AzureProjectId, ExternalIssue, GroupLink};
use crate::workflow::Workflow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Everything.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) organizations: BTreeMap<OrganizationId, Organization>,
    pub(super) users: BTreeMap<UserId, User>,
    /// Whether each address of a user is verified.
    pub(super) emails: BTreeMap<(UserId, EmailAddress), bool>,
    pub(super) memberships: BTreeMap<(OrganizationId, UserId), Role>,
    pub(super) teams: BTreeMap<TeamId, Team>,
    pub(super) team_members: BTreeSet<(TeamId, UserId)>,
    pub(super) tokens: BTreeMap<TokenId, ApiToken>,
    pub(super) projects: BTreeMap<ProjectId, ProjectRow>,
    pub(super) project_teams: BTreeSet<(ProjectId, TeamId)>,
    /// Whether a user wants to be mentioned in a project's channels.
    pub(super) mentions: BTreeMap<(UserId, ProjectId), bool>,
    pub(super) groups: BTreeMap<GroupId, Group>,
    pub(super) assignments: BTreeMap<GroupId, Assignment>,
    pub(super) decisions: BTreeMap<GroupId, Decision>,
    pub(super) status_decisions: BTreeMap<GroupId, Decision<GroupStatus>>,
    pub(super) activities: BTreeMap<ActivityId, Activity>,
    pub(super) followers: BTreeMap<(GroupId, Assignee), Follower>,
    pub(super) integrations: BTreeMap<IntegrationId, Integration>,
    pub(super) installations: BTreeMap<InstallationId, Installation>,
    pub(super) connections: BTreeMap<(InstallationId, AzureProjectId), ConnectedProject>,
    /// When chores of connected projects are due; those never scheduled are due since they were connected.
    pub(super) schedule: BTreeMap<(InstallationId, AzureProjectId), Schedule>,
    /// Leases by name.
    pub(super) singletons: BTreeMap<&'static str, Lease>,
    pub(super) hooks: BTreeMap<HookId, Hook>,
    pub(super) issues: BTreeMap<ExternalIssueId, ExternalIssue>,
    pub(super) links: BTreeMap<LinkId, GroupLink>,
    pub(super) tracking_rules: BTreeMap<TrackingRuleId, TrackingRule>,
    pub(super) tracked_items: BTreeMap<ItemOfProject, TrackedItem>,
    pub(super) imported_teams: BTreeMap<(OrganizationId, IntegrationId, AzureProjectId), TeamId>,
    pub(super) mappings: BTreeMap<MappingId, IdentityMapping>,
    pub(super) workflows: BTreeMap<WorkflowKey, (Workflow, Timestamp)>,
    pub(super) guilds: BTreeMap<GuildId, Guild>,
    pub(super) routes: BTreeMap<RouteId, Route>,
    pub(super) messages: BTreeMap<MessageRecordId, MessageRecord>,
    pub(super) deliveries: BTreeMap<DeliveryId, DeliveryRow>,
    pub(super) outbox: BTreeMap<OutboxId, OutboxRow>,
    /// The largest fencing token given to any lease.
    pub(super) last_token: i64,
    /// The largest id given to an organization, a user, a team or a project.
    pub(super) last_id: i64,
}

/// When the chores of a connected project are due.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Schedule {
    pub(super) look_at: Option<Timestamp>,
    pub(super) reconcile_at: Option<Timestamp>,
    pub(super) new_credential: bool,
}

/// A project, hidden or not.
#[derive(Debug, Clone)]
pub(super) struct ProjectRow {
    pub(super) project: Project,
    pub(super) hidden_at: Option<Timestamp>,
    /// The number of the newest group.
    pub(super) last_group: i64,
}

/// Who works on a row, until when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lease {
    pub(super) token: i64,
    pub(super) until: Timestamp,
}

/// How far the work on a queued row is.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    pub(super) due_at: Timestamp,
    pub(super) attempts: u32,
    pub(super) lease: Option<Lease>,
    pub(super) reason: Option<String>,
    pub(super) finished_at: Option<Timestamp>,
}

/// A delivery. `new` keeps what arrived, without its payload; its state is the present one.
#[derive(Debug, Clone)]
pub(super) struct DeliveryRow {
    pub(super) new: NewDelivery,
    pub(super) payload: Arc<[u8]>,
    pub(super) duplicates: u32,
    pub(super) progress: Progress,
}

/// A row of the outbox. `arm` keeps what was armed.
#[derive(Debug, Clone)]
pub(super) struct OutboxRow {
    pub(super) arm: OutboxArm,
    pub(super) state: OutboxState,
    pub(super) generation: i64,
    pub(super) progress: Progress,
}

/// The error for a broken constraint.
pub(super) fn conflict<T>(constraint: &str) -> StoreResult<T> {
    Err(StoreError::Conflict { constraint: constraint.to_owned() })
}

/// Refuses when `taken`, by the constraint's name.
pub(super) fn unless(taken: bool, constraint: &str) -> StoreResult<()> {
    if taken { conflict(constraint) } else { Ok(()) }
}

impl Progress {
    /// To be worked on from `due_at` on.
    pub(super) const fn pending(due_at: Timestamp) -> Self {
        Self { due_at, attempts: 0, lease: None, reason: None, finished_at: None }
    }

    /// Over.
    pub(super) fn finish(&mut self, reason: Option<String>, at: Timestamp) {
        self.lease = None;
        self.reason = reason;
        self.finished_at = Some(at);
    }

    /// Whether somebody works on it at `now`.
    pub(super) fn is_leased(&self, now: Timestamp) -> bool {
        self.lease.is_some_and(|lease| lease.until > now)
    }

    /// Whether it may be leased at `now`.
    pub(super) fn is_free(&self, now: Timestamp) -> bool {
        self.due_at <= now && !self.is_leased(now)
    }

    /// Whether the newest lease is this one, run out or not.
    pub(super) fn is_held_by(&self, token: i64) -> bool {
        self.lease.is_some_and(|lease| lease.token == token)
    }

    /// Given back, to be tried again.
    pub(super) fn fail(&mut self, retry_at: Timestamp, reason: &str, counts: bool) {
        self.lease = None;
        self.due_at = retry_at;
        self.reason = Some(reason.to_owned());
        self.attempts = self.attempts.saturating_add(u32::from(counts));
    }
}

impl State {
    /// A visible project.
    pub(super) fn visible(&self, id: ProjectId) -> Option<&ProjectRow> {
        self.projects.get(&id).filter(|row| row.hidden_at.is_none())
    }

    /// A visible project of this organization.
    pub(super) fn project_of(&self, organization: OrganizationId, id: ProjectId) -> Option<&ProjectRow> {
        self.visible(id).filter(|row| row.project.organization == organization)
    }

    /// A group of a visible project.
    pub(super) fn visible_group(&self, id: GroupId) -> Option<&Group> {
        self.groups.get(&id).filter(|group| self.visible(group.project).is_some())
    }

    /// The organization's links of groups of visible projects, with their work items, by link id.
    pub(super) fn links_with_issues(
        &self,
        organization: OrganizationId,
    ) -> impl Iterator<Item = (&GroupLink, &ExternalIssue)> {
        let own = self.links.values().filter(move |link| link.organization == organization);
        own.filter(|link| self.visible_group(link.group).is_some())
            .filter_map(|link| self.issues.get(&link.external_issue).map(|issue| (link, issue)))
    }

    /// Whether a team of the project has the user.
    pub(super) fn is_project_member(&self, user: UserId, project: ProjectId) -> bool {
        self.team_members.iter().any(|(team, member)| *member == user && self.project_teams.contains(&(project, *team)))
    }

    /// Who verified this address.
    pub(super) fn owner_of(&self, address: &EmailAddress) -> Option<UserId> {
        let owns = |((_, own), verified): &(&(UserId, EmailAddress), &bool)| own == address && **verified;
        self.emails.iter().find(owns).map(|((user, _), _)| *user)
    }

    /// A given id is kept; zero becomes the next one.
    pub(super) fn id_or_next(&mut self, given: i64) -> i64 {
        let id = if given == 0 { self.last_id + 1 } else { given };
        self.last_id = self.last_id.max(id);
        id
    }

    /// A new lease's token: larger than any before.
    pub(super) fn next_token(&mut self) -> i64 {
        self.last_token += 1;
        self.last_token
    }
}
