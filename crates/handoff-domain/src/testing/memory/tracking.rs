//! Tracking rules, what they gave groups to, and the teams that imports made.

use super::Transaction;
use super::state::{State, unless};
use crate::id::{InstallationId, IntegrationId, OrganizationId, ProjectId, TeamId, TrackingRuleId, WorkItemNumber};
use crate::port::store::StoreResult;
use crate::port::tracking::{ItemOfProject, TrackingTx};
use crate::tracking::{TrackedItem, TrackingRule};
use crate::work_item::AzureProjectId;
use async_trait::async_trait;
use std::collections::HashSet;

impl State {
    /// The rules of visible projects, by id.
    pub(super) fn visible_rules(&self) -> impl Iterator<Item = &TrackingRule> {
        self.tracking_rules.values().filter(|rule| self.visible(rule.project).is_some())
    }

    /// The rules of a connected project.
    pub(super) fn rules_of(
        &self,
        installation: InstallationId,
        azure_project: &AzureProjectId,
    ) -> impl Iterator<Item = &TrackingRule> {
        self.visible_rules()
            .filter(move |rule| rule.installation == installation && rule.azure_project == *azure_project)
    }
}

#[async_trait]
impl TrackingTx for Transaction {
    async fn put_tracking_rule(&mut self, new: &TrackingRule) -> StoreResult<()> {
        self.write().tracking_rules.insert(new.id, new.clone());
        Ok(())
    }

    async fn delete_tracking_rule(
        &mut self,
        organization: OrganizationId,
        id: TrackingRuleId,
    ) -> StoreResult<Option<TrackingRule>> {
        if self.state.tracking_rules.get(&id).is_none_or(|rule| rule.organization != organization) {
            return Ok(None);
        }
        Ok(self.write().tracking_rules.remove(&id))
    }

    async fn delete_tracking_rules_of(&mut self, project: ProjectId) -> StoreResult<Vec<TrackingRule>> {
        let gone = self.state.tracking_rules.values().filter(|rule| rule.project == project).cloned().collect();
        self.write().tracking_rules.retain(|_, rule| rule.project != project);
        Ok(gone)
    }

    async fn tracking_rules_of(
        &mut self,
        installation: InstallationId,
        azure_project: &AzureProjectId,
    ) -> StoreResult<Vec<TrackingRule>> {
        Ok(self.state.rules_of(installation, azure_project).cloned().collect())
    }

    async fn tracking_rules_about(&mut self, azure_projects: &[AzureProjectId]) -> StoreResult<Vec<TrackingRule>> {
        let about = |rule: &&TrackingRule| azure_projects.contains(&rule.azure_project);
        Ok(self.state.visible_rules().filter(about).cloned().collect())
    }

    async fn tracked(
        &mut self,
        projects: &[ProjectId],
        items: &[(IntegrationId, WorkItemNumber)],
    ) -> StoreResult<HashSet<ItemOfProject>> {
        let state = &self.state;
        let by_rule = state.tracked_items.keys().copied();
        let by_link = state.links.values().filter_map(|link| {
            let issue = state.issues.get(&link.external_issue)?;
            Some((state.groups.get(&link.group)?.project, issue.integration, issue.number))
        });
        let is_asked = |(project, integration, number): &ItemOfProject| {
            projects.contains(project) && items.contains(&(*integration, *number))
        };
        Ok(by_rule.chain(by_link).filter(is_asked).collect())
    }

    async fn insert_tracked_item(&mut self, new: &TrackedItem) -> StoreResult<()> {
        let key = (new.project, new.integration, new.number);
        unless(self.state.tracked_items.contains_key(&key), "tracked_items_pkey")?;
        self.write().tracked_items.insert(key, new.clone());
        Ok(())
    }

    async fn imported_team(
        &mut self,
        organization: OrganizationId,
        integration: IntegrationId,
        azure_project: &AzureProjectId,
    ) -> StoreResult<Option<TeamId>> {
        Ok(self.state.imported_teams.get(&(organization, integration, azure_project.clone())).copied())
    }

    async fn insert_imported_team(
        &mut self,
        organization: OrganizationId,
        integration: IntegrationId,
        azure_project: &AzureProjectId,
        team: TeamId,
    ) -> StoreResult<()> {
        let key = (organization, integration, azure_project.clone());
        unless(self.state.imported_teams.contains_key(&key), "imported_teams_pkey")?;
        self.write().imported_teams.insert(key, team);
        Ok(())
    }
}
