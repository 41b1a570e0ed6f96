//! Integrations, installations, hooks, links and identity mappings.

use super::{Order, first, page, page_of};
use crate::error::Stored;
use crate::row;
use crate::sql::Sql;
use crate::table::{
    connected_projects, external_issues, group_links, hooks, identity_mappings, installations, integrations,
};
use handoff_domain::hook::{Hook, HookStatus};
use handoff_domain::id::{
    GroupId, HookId, InstallationId, IntegrationId, LinkId, MappingId, OrganizationId, WorkItemNumber,
};
use handoff_domain::integration::{ConnectedProject, Installation, Integration};
use handoff_domain::page::{Page, PageRequest};
use handoff_domain::person::IdentityMapping;
use handoff_domain::port::store::StoreResult;
use handoff_domain::work_item::{AzureProjectId, ExternalIssue, GroupLink};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QueryResult};

pub(super) async fn integrations(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    asked: PageRequest<IntegrationId>,
) -> StoreResult<Page<Integration>> {
    let own = Sql::new(
        "SELECT o.* FROM integrations o WHERE EXISTS \
         (SELECT 1 FROM installations i WHERE i.integration_id = o.id AND i.organization_id = ",
    );
    let own = own.bind(organization.get()).text(")");
    let own = page_of(own, "o.id", Order::OldestFirst, asked.after.map(IntegrationId::get), asked.limit);
    page(own.models::<integrations::Model>(on).await?, asked.limit, row::integration)
}

/// Installations with their integrations.
fn installed(organization: OrganizationId) -> Sql {
    Sql::new(
        "SELECT i.*, o.id AS o_id, o.collection_id AS o_collection_id, o.name AS o_name, o.base_url AS o_base_url, \
         o.created_at AS o_created_at FROM installations i JOIN integrations o ON o.id = i.integration_id \
         WHERE i.organization_id = ",
    )
    .bind(organization.get())
}

fn with_integration(found: &QueryResult) -> StoreResult<(Installation, Integration)> {
    let installation = installations::Model::from_query_result(found, "").stored()?;
    let integration = integrations::Model::from_query_result(found, "o_").stored()?;
    Ok((row::installation(installation), row::integration(integration)?))
}

pub(super) async fn installations(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    asked: PageRequest<InstallationId>,
) -> StoreResult<Page<(Installation, Integration)>> {
    let after = asked.after.map(InstallationId::get);
    let own = page_of(installed(organization), "i.id", Order::OldestFirst, after, asked.limit);
    page(own.all(on).await?, asked.limit, |found| with_integration(&found))
}

pub(super) async fn installation(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    id: InstallationId,
) -> StoreResult<Option<(Installation, Integration)>> {
    first(installed(organization).text(" AND i.id = ").bind(id.get()).one(on).await?, with_integration)
}

pub(super) async fn connected_projects(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    installation: InstallationId,
) -> StoreResult<Vec<ConnectedProject>> {
    use connected_projects::Column;
    let found = connected_projects::Entity::find()
        .filter(Column::OrganizationId.eq(organization.get()))
        .filter(Column::InstallationId.eq(installation.get()))
        .order_by_asc(Column::AzureProject)
        .all(on);
    found.await.stored()?.iter().map(row::connected_project).collect()
}

pub(super) async fn hooks(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    installation: InstallationId,
) -> StoreResult<Vec<Hook>> {
    let found = hooks::Entity::find()
        .filter(hooks::Column::OrganizationId.eq(organization.get()))
        .filter(hooks::Column::InstallationId.eq(installation.get()))
        .filter(hooks::Column::Status.ne(HookStatus::Deleted.as_str()))
        .order_by_asc(hooks::Column::Id)
        .all(on);
    found.await.stored()?.into_iter().map(row::hook).collect()
}

pub(super) async fn hook(on: &impl ConnectionTrait, id: HookId) -> StoreResult<Option<(Hook, String)>> {
    let found = Sql::new(
        "SELECT h.*, o.collection_id FROM hooks h JOIN integrations o ON o.id = h.integration_id WHERE h.id = ",
    );
    first(found.bind(id.get()).one(on).await?, |found| {
        let hook = hooks::Model::from_query_result(found, "").stored()?;
        Ok((row::hook(hook)?, found.try_get("", "collection_id").stored()?))
    })
}

/// The organization's links of groups of visible projects, with their work items.
pub(crate) fn linked(organization: OrganizationId) -> Sql {
    Sql::new(
        "SELECT l.*, e.id AS e_id, e.integration_id AS e_integration_id, e.number AS e_number, \
         e.azure_project AS e_azure_project, e.revision AS e_revision, e.title AS e_title, \
         e.work_item_type AS e_work_item_type, e.state AS e_state, e.assignee AS e_assignee, \
         e.area_path AS e_area_path, e.tags AS e_tags, e.url AS e_url, \
         e.changed_at AS e_changed_at, e.observed_at AS e_observed_at, e.deleted AS e_deleted, \
         e.assignee_changed_at AS e_assignee_changed_at, e.state_changed_at AS e_state_changed_at, \
         e.pending AS e_pending \
         FROM group_links l JOIN external_issues e ON e.id = l.external_issue_id \
         JOIN issue_groups g ON g.id = l.group_id JOIN projects p ON p.id = g.project_id \
         WHERE p.hidden_at IS NULL AND l.organization_id = ",
    )
    .bind(organization.get())
}

pub(crate) fn with_issue(found: &QueryResult) -> StoreResult<(GroupLink, ExternalIssue)> {
    let link = group_links::Model::from_query_result(found, "").stored()?;
    let issue = external_issues::Model::from_query_result(found, "e_").stored()?;
    Ok((row::group_link(&link)?, row::external_issue(issue)?))
}

pub(super) async fn links(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    group: GroupId,
) -> StoreResult<Vec<(GroupLink, ExternalIssue)>> {
    let own = linked(organization).text(" AND l.group_id = ").bind(group.get()).text(" ORDER BY l.id");
    own.all(on).await?.iter().map(with_issue).collect()
}

pub(super) async fn link(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    id: LinkId,
) -> StoreResult<Option<(GroupLink, ExternalIssue)>> {
    first(linked(organization).text(" AND l.id = ").bind(id.get()).one(on).await?, with_issue)
}

pub(super) async fn linked_work_items(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    integration: IntegrationId,
    azure_project: &AzureProjectId,
    (after, limit): (Option<WorkItemNumber>, u16),
) -> StoreResult<Vec<WorkItemNumber>> {
    let numbers = Sql::new(
        "SELECT DISTINCT e.number FROM group_links l JOIN external_issues e ON e.id = l.external_issue_id \
         JOIN issue_groups g ON g.id = l.group_id JOIN projects p ON p.id = g.project_id \
         WHERE p.hidden_at IS NULL AND l.organization_id = ",
    );
    let numbers = numbers.bind(organization.get()).text(" AND e.integration_id = ").bind(integration.get());
    let numbers = numbers.text(" AND e.azure_project = ").bind(azure_project.as_str());
    // Numbers are positive.
    let numbers = numbers.text(" AND e.number > ").bind(after.map_or(0, WorkItemNumber::get));
    let numbers = numbers.text(" ORDER BY e.number LIMIT ").bind(i64::from(limit));
    let read = |found: &QueryResult| found.try_get("", "number").stored().map(WorkItemNumber::new);
    numbers.all(on).await?.iter().map(read).collect()
}

pub(super) async fn unresolved_links(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    asked: PageRequest<LinkId>,
) -> StoreResult<Page<(GroupLink, ExternalIssue)>> {
    let waiting = linked(organization).text(" AND l.unresolved IS NOT NULL");
    let waiting = page_of(waiting, "l.id", Order::OldestFirst, asked.after.map(LinkId::get), asked.limit);
    page(waiting.all(on).await?, asked.limit, |found| with_issue(&found))
}

pub(super) async fn mapping(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    id: MappingId,
) -> StoreResult<Option<IdentityMapping>> {
    let own = Sql::new("SELECT * FROM identity_mappings WHERE organization_id = ").bind(organization.get());
    let found = own.text(" AND id = ").bind(id.get()).models::<identity_mappings::Model>(on).await?;
    Ok(found.into_iter().next().map(row::mapping))
}

pub(super) async fn mappings(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    asked: PageRequest<MappingId>,
) -> StoreResult<Page<IdentityMapping>> {
    let own = Sql::new("SELECT * FROM identity_mappings WHERE organization_id = ").bind(organization.get());
    let own = page_of(own, "id", Order::OldestFirst, asked.after.map(MappingId::get), asked.limit);
    page(own.models::<identity_mappings::Model>(on).await?, asked.limit, |found| Ok(row::mapping(found)))
}
