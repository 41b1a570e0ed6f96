//! The queries, outside a unit of work. Each is in the file of its noun; the tenant is part of every one.

mod chat;
mod project;
mod queue;
mod tenancy;
pub(crate) mod tracker;
mod tracking;

use crate::Database;
use crate::singleton;
use crate::sql::Sql;
use async_trait::async_trait;
use handoff_domain::assignee::Activity;
use handoff_domain::chat::{Guild, Route};
use handoff_domain::delivery::{DeliveryRecord, DeliveryState};
use handoff_domain::hook::Hook;
use handoff_domain::id::{
    ActivityId, DeliveryId, GroupId, HookId, InstallationId, IntegrationId, LinkId, MappingId, OrganizationId,
    OutboxId, ProjectId, RouteId, TeamId, TrackingRuleId, UserId, WorkItemNumber,
};
use handoff_domain::integration::{Chore, ConnectedProject, DueProject, Installation, Integration};
use handoff_domain::organization::{Organization, Team, User};
use handoff_domain::outbox::{OutboxRecord, OutboxState};
use handoff_domain::page::{Page, PageRequest};
use handoff_domain::person::{IdentityMapping, UnresolvedKey, UnresolvedPerson};
use handoff_domain::port::Reader;
use handoff_domain::port::read::{GroupView, Member};
use handoff_domain::port::store::{DoomedProject, StoreResult};
use handoff_domain::project::Project;
use handoff_domain::slug::Slug;
use handoff_domain::time::Timestamp;
use handoff_domain::token::ApiToken;
use handoff_domain::tracking::TrackingRule;
use handoff_domain::work_item::{AzureProjectId, ExternalIssue, GroupLink};
use sea_orm::{QueryResult, Value};

/// The order of a list by its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    OldestFirst,
    NewestFirst,
}

/// Goes on after a key, in order, with one row more than the page holds. Appended to a condition.
fn page_of<K: Into<Value>>(sql: Sql, key: &'static str, order: Order, after: Option<K>, limit: u16) -> Sql {
    let (beyond, direction) = match order {
        Order::OldestFirst => (" > ", ""),
        Order::NewestFirst => (" < ", " DESC"),
    };
    let sql = match after {
        Some(after) => sql.text(" AND ").text(key).text(beyond).bind(after),
        None => sql,
    };
    sql.text(" ORDER BY ").text(key).text(direction).text(" LIMIT ").bind(i64::from(limit) + 1)
}

/// Makes a page of what [`page_of`] found.
fn page<R, T>(rows: Vec<R>, limit: u16, read: impl Fn(R) -> StoreResult<T>) -> StoreResult<Page<T>> {
    Ok(Page::from_one_more(rows.into_iter().map(read).collect::<StoreResult<_>>()?, limit))
}

/// The first row, read.
fn first<T>(row: Option<QueryResult>, read: impl Fn(&QueryResult) -> StoreResult<T>) -> StoreResult<Option<T>> {
    row.as_ref().map(read).transpose()
}

#[async_trait]
impl Reader for Database {
    async fn ping(&self) -> StoreResult<()> {
        Sql::new("SELECT token FROM lease_counter LIMIT 1").one(&self.reader).await.map(|_| ())
    }

    async fn token_by_digest(&self, digest: &[u8]) -> StoreResult<Option<ApiToken>> {
        tenancy::token_by_digest(&self.reader, digest).await
    }

    async fn organizations(&self, page: PageRequest<OrganizationId>) -> StoreResult<Page<Organization>> {
        tenancy::organizations(&self.reader, page).await
    }

    async fn organization(&self, id: OrganizationId) -> StoreResult<Option<Organization>> {
        tenancy::organization(&self.reader, id).await
    }

    async fn organization_by_slug(&self, slug: &Slug) -> StoreResult<Option<Organization>> {
        tenancy::organization_by_slug(&self.reader, slug).await
    }

    async fn members(&self, organization: OrganizationId, page: PageRequest<UserId>) -> StoreResult<Page<Member>> {
        tenancy::members(&self.reader, organization, page).await
    }

    async fn member(&self, organization: OrganizationId, id: UserId) -> StoreResult<Option<Member>> {
        tenancy::member(&self.reader, organization, id).await
    }

    async fn teams(&self, organization: OrganizationId, page: PageRequest<TeamId>) -> StoreResult<Page<Team>> {
        tenancy::teams(&self.reader, organization, page).await
    }

    async fn team(&self, organization: OrganizationId, id: TeamId) -> StoreResult<Option<Team>> {
        tenancy::team(&self.reader, organization, id).await
    }

    async fn team_users(
        &self,
        organization: OrganizationId,
        team: TeamId,
        page: PageRequest<UserId>,
    ) -> StoreResult<Page<User>> {
        tenancy::team_users(&self.reader, organization, team, page).await
    }

    async fn projects(&self, organization: OrganizationId, page: PageRequest<ProjectId>) -> StoreResult<Page<Project>> {
        project::projects(&self.reader, organization, page).await
    }

    async fn project(&self, organization: OrganizationId, id: ProjectId) -> StoreResult<Option<Project>> {
        project::project(&self.reader, organization, id).await
    }

    async fn project_by_slug(&self, organization: OrganizationId, slug: &Slug) -> StoreResult<Option<Project>> {
        project::project_by_slug(&self.reader, organization, slug).await
    }

    async fn project_teams(&self, organization: OrganizationId, project: ProjectId) -> StoreResult<Vec<Team>> {
        project::project_teams(&self.reader, organization, project).await
    }

    async fn doomed_projects(&self, limit: u16) -> StoreResult<Vec<DoomedProject>> {
        project::doomed_projects(&self.reader, limit).await
    }

    async fn groups(
        &self,
        organization: OrganizationId,
        project: ProjectId,
        page: PageRequest<GroupId>,
    ) -> StoreResult<Page<GroupView>> {
        project::groups(&self.reader, organization, project, page).await
    }

    async fn group(&self, organization: OrganizationId, id: GroupId) -> StoreResult<Option<GroupView>> {
        project::group(&self.reader, organization, id).await
    }

    async fn activities(
        &self,
        organization: OrganizationId,
        group: GroupId,
        page: PageRequest<ActivityId>,
    ) -> StoreResult<Page<Activity>> {
        project::activities(&self.reader, organization, group, page).await
    }

    async fn integrations(
        &self,
        organization: OrganizationId,
        page: PageRequest<IntegrationId>,
    ) -> StoreResult<Page<Integration>> {
        tracker::integrations(&self.reader, organization, page).await
    }

    async fn installations(
        &self,
        organization: OrganizationId,
        page: PageRequest<InstallationId>,
    ) -> StoreResult<Page<(Installation, Integration)>> {
        tracker::installations(&self.reader, organization, page).await
    }

    async fn installation(
        &self,
        organization: OrganizationId,
        id: InstallationId,
    ) -> StoreResult<Option<(Installation, Integration)>> {
        tracker::installation(&self.reader, organization, id).await
    }

    async fn connected_projects(
        &self,
        organization: OrganizationId,
        installation: InstallationId,
    ) -> StoreResult<Vec<ConnectedProject>> {
        tracker::connected_projects(&self.reader, organization, installation).await
    }

    async fn hooks(&self, organization: OrganizationId, installation: InstallationId) -> StoreResult<Vec<Hook>> {
        tracker::hooks(&self.reader, organization, installation).await
    }

    async fn hook(&self, id: HookId) -> StoreResult<Option<(Hook, String)>> {
        tracker::hook(&self.reader, id).await
    }

    async fn links(
        &self,
        organization: OrganizationId,
        group: GroupId,
    ) -> StoreResult<Vec<(GroupLink, ExternalIssue)>> {
        tracker::links(&self.reader, organization, group).await
    }

    async fn link(&self, organization: OrganizationId, id: LinkId) -> StoreResult<Option<(GroupLink, ExternalIssue)>> {
        tracker::link(&self.reader, organization, id).await
    }

    async fn linked_work_items(
        &self,
        organization: OrganizationId,
        integration: IntegrationId,
        azure_project: &AzureProjectId,
        after: Option<WorkItemNumber>,
        limit: u16,
    ) -> StoreResult<Vec<WorkItemNumber>> {
        tracker::linked_work_items(&self.reader, organization, integration, azure_project, (after, limit)).await
    }

    async fn due_projects(&self, chore: Chore, now: Timestamp, limit: u16) -> StoreResult<Vec<DueProject>> {
        singleton::due_projects(&self.reader, chore, now, limit).await
    }

    async fn unresolved_links(
        &self,
        organization: OrganizationId,
        page: PageRequest<LinkId>,
    ) -> StoreResult<Page<(GroupLink, ExternalIssue)>> {
        tracker::unresolved_links(&self.reader, organization, page).await
    }

    async fn unresolved_people(
        &self,
        organization: OrganizationId,
        page: PageRequest<UnresolvedKey>,
    ) -> StoreResult<Page<UnresolvedPerson>> {
        tracking::unresolved_people(&self.reader, organization, page).await
    }

    async fn tracking_rules(
        &self,
        organization: OrganizationId,
        page: PageRequest<TrackingRuleId>,
    ) -> StoreResult<Page<TrackingRule>> {
        tracking::tracking_rules(&self.reader, organization, page).await
    }

    async fn tracking_rule(
        &self,
        organization: OrganizationId,
        id: TrackingRuleId,
    ) -> StoreResult<Option<TrackingRule>> {
        tracking::tracking_rule(&self.reader, organization, id).await
    }

    async fn mappings(
        &self,
        organization: OrganizationId,
        page: PageRequest<MappingId>,
    ) -> StoreResult<Page<IdentityMapping>> {
        tracker::mappings(&self.reader, organization, page).await
    }

    async fn mapping(&self, organization: OrganizationId, id: MappingId) -> StoreResult<Option<IdentityMapping>> {
        tracker::mapping(&self.reader, organization, id).await
    }

    async fn guilds(&self, organization: OrganizationId) -> StoreResult<Vec<Guild>> {
        chat::guilds(&self.reader, organization).await
    }

    async fn routes(&self, organization: OrganizationId, project: ProjectId) -> StoreResult<Vec<Route>> {
        chat::routes(&self.reader, organization, project).await
    }

    async fn route(&self, organization: OrganizationId, id: RouteId) -> StoreResult<Option<Route>> {
        chat::route(&self.reader, organization, id).await
    }

    async fn deliveries(
        &self,
        organization: OrganizationId,
        state: Option<DeliveryState>,
        page: PageRequest<DeliveryId>,
    ) -> StoreResult<Page<DeliveryRecord>> {
        queue::deliveries(&self.reader, organization, state, page).await
    }

    async fn delivery(
        &self,
        organization: OrganizationId,
        id: DeliveryId,
    ) -> StoreResult<Option<(DeliveryRecord, Vec<u8>)>> {
        queue::delivery(&self.reader, organization, id).await
    }

    async fn outbox(
        &self,
        organization: OrganizationId,
        state: Option<OutboxState>,
        page: PageRequest<OutboxId>,
    ) -> StoreResult<Page<OutboxRecord>> {
        queue::outbox(&self.reader, organization, state, page).await
    }
}
