//! What tracking rules and imports write, in a unit of work.

use super::store::StoreResult;
use crate::id::{InstallationId, IntegrationId, OrganizationId, ProjectId, TeamId, TrackingRuleId, WorkItemNumber};
use crate::tracking::{TrackedItem, TrackingRule};
use crate::work_item::AzureProjectId;
use async_trait::async_trait;
use std::collections::HashSet;

/// A work item, as a project of ours may track it.
pub type ItemOfProject = (ProjectId, IntegrationId, WorkItemNumber);

/// Tracking rules, the work items that they gave groups to, and the teams that imports made.
#[async_trait]
pub trait TrackingTx {
    /// Inserts, or replaces the filter.
    async fn put_tracking_rule(&mut self, new: &TrackingRule) -> StoreResult<()>;
    /// Removes; `None` if absent.
    async fn delete_tracking_rule(
        &mut self,
        organization: OrganizationId,
        id: TrackingRuleId,
    ) -> StoreResult<Option<TrackingRule>>;
    /// Removes those of a project; says which they were.
    async fn delete_tracking_rules_of(&mut self, project: ProjectId) -> StoreResult<Vec<TrackingRule>>;
    /// The rules of a connected project, by id; those of hidden projects are left out.
    async fn tracking_rules_of(
        &mut self,
        installation: InstallationId,
        azure_project: &AzureProjectId,
    ) -> StoreResult<Vec<TrackingRule>>;
    /// The rules about these Azure DevOps projects, of every organization, by id; those of hidden projects
    /// are left out.
    async fn tracking_rules_about(&mut self, azure_projects: &[AzureProjectId]) -> StoreResult<Vec<TrackingRule>>;
    /// Which of these work items have or had a group in these projects, by a rule or by a link.
    async fn tracked(
        &mut self,
        projects: &[ProjectId],
        items: &[(IntegrationId, WorkItemNumber)],
    ) -> StoreResult<HashSet<ItemOfProject>>;
    /// Inserts; constraint `tracked_items_pkey` (one group for each work item and project).
    async fn insert_tracked_item(&mut self, new: &TrackedItem) -> StoreResult<()>;
    /// The team that an import made for an Azure DevOps project.
    async fn imported_team(
        &mut self,
        organization: OrganizationId,
        integration: IntegrationId,
        azure_project: &AzureProjectId,
    ) -> StoreResult<Option<TeamId>>;
    /// Remembers it; constraint `imported_teams_pkey`.
    async fn insert_imported_team(
        &mut self,
        organization: OrganizationId,
        integration: IntegrationId,
        azure_project: &AzureProjectId,
        team: TeamId,
    ) -> StoreResult<()>;
}
