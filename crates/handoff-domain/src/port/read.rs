//! Reading outside a unit of work: what the API shows and what use cases look at before they decide.
//! The tenant is the first argument of every query.

use super::store::{DoomedProject, StoreResult};
use crate::assignee::{Activity, Assignee};
use crate::chat::{Guild, Route};
use crate::delivery::{DeliveryRecord, DeliveryState};
use crate::group::Group;
use crate::hook::Hook;
use crate::id::{
    ActivityId, DeliveryId, GroupId, HookId, InstallationId, IntegrationId, LinkId, MappingId, OrganizationId,
    OutboxId, ProjectId, RouteId, TeamId, TrackingRuleId, UserId, WorkItemNumber,
};
use crate::integration::{Chore, ConnectedProject, DueProject, Installation, Integration};
use crate::organization::{Organization, Role, Team, User, UserEmail};
use crate::outbox::{OutboxRecord, OutboxState};
use crate::page::{Page, PageRequest};
use crate::person::{IdentityMapping, UnresolvedKey, UnresolvedPerson};
use crate::project::Project;
use crate::slug::Slug;
use crate::time::Timestamp;
use crate::token::ApiToken;
use crate::tracking::TrackingRule;
use crate::work_item::{AzureProjectId, ExternalIssue, GroupLink};
use async_trait::async_trait;

/// A group as shown to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupView {
    /// The group.
    pub group: Group,
    /// Its project's slug, half of the short id.
    pub project_slug: Slug,
    /// Who has it.
    pub assignee: Option<Assignee>,
}

/// A member of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The user.
    pub user: User,
    /// Their role.
    pub role: Role,
    /// Their addresses.
    pub emails: Vec<UserEmail>,
}

/// Queries. Lists are ordered by id, histories and deliveries newest first.
#[async_trait]
pub trait Reader: Send + Sync {
    /// Answers as soon as the store does; for readiness.
    async fn ping(&self) -> StoreResult<()>;
    /// The token of this digest (SHA-256, 32 bytes), live or not.
    async fn token_by_digest(&self, digest: &[u8]) -> StoreResult<Option<ApiToken>>;
    /// All organizations.
    async fn organizations(&self, page: PageRequest<OrganizationId>) -> StoreResult<Page<Organization>>;
    /// One, by id.
    async fn organization(&self, id: OrganizationId) -> StoreResult<Option<Organization>>;
    /// One, by slug.
    async fn organization_by_slug(&self, slug: &Slug) -> StoreResult<Option<Organization>>;
    /// An organization's members.
    async fn members(&self, organization: OrganizationId, page: PageRequest<UserId>) -> StoreResult<Page<Member>>;
    /// One member.
    async fn member(&self, organization: OrganizationId, id: UserId) -> StoreResult<Option<Member>>;
    /// An organization's teams.
    async fn teams(&self, organization: OrganizationId, page: PageRequest<TeamId>) -> StoreResult<Page<Team>>;
    /// One team.
    async fn team(&self, organization: OrganizationId, id: TeamId) -> StoreResult<Option<Team>>;
    /// A team's members.
    async fn team_users(
        &self,
        organization: OrganizationId,
        team: TeamId,
        page: PageRequest<UserId>,
    ) -> StoreResult<Page<User>>;
    /// An organization's visible projects.
    async fn projects(&self, organization: OrganizationId, page: PageRequest<ProjectId>) -> StoreResult<Page<Project>>;
    /// One visible project, by id.
    async fn project(&self, organization: OrganizationId, id: ProjectId) -> StoreResult<Option<Project>>;
    /// One visible project, by slug.
    async fn project_by_slug(&self, organization: OrganizationId, slug: &Slug) -> StoreResult<Option<Project>>;
    /// The teams of a project.
    async fn project_teams(&self, organization: OrganizationId, project: ProjectId) -> StoreResult<Vec<Team>>;
    /// Hidden projects that are not deleted yet, oldest first; of every organization.
    async fn doomed_projects(&self, limit: u16) -> StoreResult<Vec<DoomedProject>>;
    /// A visible project's groups.
    async fn groups(
        &self,
        organization: OrganizationId,
        project: ProjectId,
        page: PageRequest<GroupId>,
    ) -> StoreResult<Page<GroupView>>;
    /// One group of a visible project.
    async fn group(&self, organization: OrganizationId, id: GroupId) -> StoreResult<Option<GroupView>>;
    /// A group's history, newest first.
    async fn activities(
        &self,
        organization: OrganizationId,
        group: GroupId,
        page: PageRequest<ActivityId>,
    ) -> StoreResult<Page<Activity>>;
    /// The integrations that the organization installed.
    async fn integrations(
        &self,
        organization: OrganizationId,
        page: PageRequest<IntegrationId>,
    ) -> StoreResult<Page<Integration>>;
    /// The organization's installations, with their integrations.
    async fn installations(
        &self,
        organization: OrganizationId,
        page: PageRequest<InstallationId>,
    ) -> StoreResult<Page<(Installation, Integration)>>;
    /// One installation, with its integration.
    async fn installation(
        &self,
        organization: OrganizationId,
        id: InstallationId,
    ) -> StoreResult<Option<(Installation, Integration)>>;
    /// The projects that an installation connected.
    async fn connected_projects(
        &self,
        organization: OrganizationId,
        installation: InstallationId,
    ) -> StoreResult<Vec<ConnectedProject>>;
    /// The hooks of an installation that are not deleted.
    async fn hooks(&self, organization: OrganizationId, installation: InstallationId) -> StoreResult<Vec<Hook>>;
    /// A hook and the GUID of its collection, deleted or not, for the webhook that names it.
    async fn hook(&self, id: HookId) -> StoreResult<Option<(Hook, String)>>;
    /// A group's links with their work items.
    async fn links(&self, organization: OrganizationId, group: GroupId)
    -> StoreResult<Vec<(GroupLink, ExternalIssue)>>;
    /// One link with its work item.
    async fn link(&self, organization: OrganizationId, id: LinkId) -> StoreResult<Option<(GroupLink, ExternalIssue)>>;
    /// Up to `limit` numbers of the work items of an Azure DevOps project that the organization linked, in
    /// order, after `after`.
    async fn linked_work_items(
        &self,
        organization: OrganizationId,
        integration: IntegrationId,
        azure_project: &AzureProjectId,
        after: Option<WorkItemNumber>,
        limit: u16,
    ) -> StoreResult<Vec<WorkItemNumber>>;
    /// Connected projects, of every organization, of which this chore is due, the longest due first.
    async fn due_projects(&self, chore: Chore, now: Timestamp, limit: u16) -> StoreResult<Vec<DueProject>>;
    /// The links on which somebody is unresolved.
    async fn unresolved_links(
        &self,
        organization: OrganizationId,
        page: PageRequest<LinkId>,
    ) -> StoreResult<Page<(GroupLink, ExternalIssue)>>;
    /// The people for whom links wait, with what waits for each, by their key.
    async fn unresolved_people(
        &self,
        organization: OrganizationId,
        page: PageRequest<UnresolvedKey>,
    ) -> StoreResult<Page<UnresolvedPerson>>;
    /// The organization's tracking rules; those of hidden projects are left out.
    async fn tracking_rules(
        &self,
        organization: OrganizationId,
        page: PageRequest<TrackingRuleId>,
    ) -> StoreResult<Page<TrackingRule>>;
    /// One of them.
    async fn tracking_rule(
        &self,
        organization: OrganizationId,
        id: TrackingRuleId,
    ) -> StoreResult<Option<TrackingRule>>;
    /// The organization's identity mappings.
    async fn mappings(
        &self,
        organization: OrganizationId,
        page: PageRequest<MappingId>,
    ) -> StoreResult<Page<IdentityMapping>>;
    /// One identity mapping.
    async fn mapping(&self, organization: OrganizationId, id: MappingId) -> StoreResult<Option<IdentityMapping>>;
    /// The organization's guilds.
    async fn guilds(&self, organization: OrganizationId) -> StoreResult<Vec<Guild>>;
    /// A project's routes.
    async fn routes(&self, organization: OrganizationId, project: ProjectId) -> StoreResult<Vec<Route>>;
    /// One route.
    async fn route(&self, organization: OrganizationId, id: RouteId) -> StoreResult<Option<Route>>;
    /// The deliveries about projects that the organization connected, newest first.
    async fn deliveries(
        &self,
        organization: OrganizationId,
        state: Option<DeliveryState>,
        page: PageRequest<DeliveryId>,
    ) -> StoreResult<Page<DeliveryRecord>>;
    /// One of them with its payload.
    async fn delivery(
        &self,
        organization: OrganizationId,
        id: DeliveryId,
    ) -> StoreResult<Option<(DeliveryRecord, Vec<u8>)>>;
    /// The organization's outbox rows, newest first.
    async fn outbox(
        &self,
        organization: OrganizationId,
        state: Option<OutboxState>,
        page: PageRequest<OutboxId>,
    ) -> StoreResult<Page<OutboxRecord>>;
}
