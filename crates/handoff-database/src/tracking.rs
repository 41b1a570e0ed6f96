//! Tracking rules, what they gave groups to, and the teams that imports made, in a unit of work.

use crate::error::Stored;
use crate::row;
use crate::sql::{CHUNK, Sql, locking};
use crate::table::tracking_rules;
use crate::transaction::Transaction;
use async_trait::async_trait;
use handoff_domain::id::{
    InstallationId, IntegrationId, OrganizationId, ProjectId, TeamId, TrackingRuleId, WorkItemNumber,
};
use handoff_domain::port::TrackingTx;
use handoff_domain::port::store::StoreResult;
use handoff_domain::port::tracking::ItemOfProject;
use handoff_domain::tracking::{TrackedItem, TrackingRule};
use handoff_domain::work_item::AzureProjectId;
use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, IntoActiveModel};
use std::collections::{HashMap, HashSet};

/// The rules of visible projects; goes on with a condition.
fn visible_rules() -> Sql {
    Sql::new("SELECT r.* FROM tracking_rules r JOIN projects p ON p.id = r.project_id WHERE p.hidden_at IS NULL AND ")
}

impl Transaction {
    async fn rules(&self, query: Sql) -> StoreResult<Vec<TrackingRule>> {
        let found = query.text(" ORDER BY r.id").models::<tracking_rules::Model>(&self.0).await?;
        found.into_iter().map(row::tracking_rule).collect()
    }
}

#[async_trait]
impl TrackingTx for Transaction {
    async fn put_tracking_rule(&mut self, new: &TrackingRule) -> StoreResult<()> {
        use tracking_rules::Column;
        let upsert = OnConflict::column(Column::Id)
            .update_columns([Column::WorkItemType, Column::AreaPath, Column::Tag])
            .to_owned();
        let insert =
            tracking_rules::Entity::insert(row::tracking_rule_row(new).into_active_model()).on_conflict(upsert);
        insert.exec_without_returning(&self.0).await.stored().map(|_| ())
    }

    async fn delete_tracking_rule(
        &mut self,
        organization: OrganizationId,
        id: TrackingRuleId,
    ) -> StoreResult<Option<TrackingRule>> {
        let own = Sql::new("SELECT * FROM tracking_rules WHERE id = ").bind(id.get());
        let own = own.text(" AND organization_id = ").bind(organization.get());
        let own = own.text(locking(&self.0, " FOR UPDATE")).models::<tracking_rules::Model>(&self.0).await?;
        let Some(found) = own.into_iter().next() else { return Ok(None) };
        Sql::new("DELETE FROM tracking_rules WHERE id = ").bind(id.get()).count(&self.0).await?;
        row::tracking_rule(found).map(Some)
    }

    async fn delete_tracking_rules_of(&mut self, project: ProjectId) -> StoreResult<Vec<TrackingRule>> {
        let own = Sql::new("SELECT * FROM tracking_rules WHERE project_id = ").bind(project.get()).text(" ORDER BY id");
        let found = own.text(locking(&self.0, " FOR UPDATE")).models::<tracking_rules::Model>(&self.0).await?;
        if !found.is_empty() {
            let delete = Sql::new("DELETE FROM tracking_rules WHERE project_id = ").bind(project.get());
            delete.count(&self.0).await?;
        }
        found.into_iter().map(row::tracking_rule).collect()
    }

    async fn tracking_rules_of(
        &mut self,
        installation: InstallationId,
        azure_project: &AzureProjectId,
    ) -> StoreResult<Vec<TrackingRule>> {
        let own = visible_rules().text("r.installation_id = ").bind(installation.get());
        self.rules(own.text(" AND r.azure_project = ").bind(azure_project.as_str())).await
    }

    async fn tracking_rules_about(&mut self, azure_projects: &[AzureProjectId]) -> StoreResult<Vec<TrackingRule>> {
        let mut rules = Vec::new();
        for chunk in azure_projects.chunks(CHUNK) {
            let about = visible_rules().text("r.azure_project IN ").list(chunk.iter().map(AzureProjectId::as_str));
            rules.extend(self.rules(about).await?);
        }
        rules.sort_by_key(|rule| rule.id);
        Ok(rules)
    }

    async fn tracked(
        &mut self,
        projects: &[ProjectId],
        items: &[(IntegrationId, WorkItemNumber)],
    ) -> StoreResult<HashSet<ItemOfProject>> {
        const BY_RULE: &str = "SELECT t.project_id, t.integration_id, t.number FROM tracked_items t WHERE t.number IN ";
        const BY_LINK: &str = "SELECT g.project_id, e.integration_id, e.number FROM group_links l \
             JOIN external_issues e ON e.id = l.external_issue_id JOIN issue_groups g ON g.id = l.group_id \
             WHERE e.number IN ";
        let asked: HashMap<i64, HashSet<IntegrationId>> = items.iter().fold(HashMap::new(), |mut asked, item| {
            asked.entry(item.1.get()).or_default().insert(item.0);
            asked
        });
        let numbers: Vec<i64> = asked.keys().copied().collect();
        let mut tracked = HashSet::new();
        for chunk in numbers.chunks(CHUNK) {
            for (query, column) in [(BY_RULE, " AND t.project_id IN "), (BY_LINK, " AND g.project_id IN ")] {
                let query = Sql::new(query).list(chunk.iter().copied()).text(column);
                for row in query.list(projects.iter().map(|project| project.get())).all(&self.0).await? {
                    let number: i64 = row.try_get("", "number").stored()?;
                    let integration = IntegrationId::from_uuid(row.try_get("", "integration_id").stored()?);
                    let project = ProjectId::new(row.try_get("", "project_id").stored()?);
                    if asked.get(&number).is_some_and(|integrations| integrations.contains(&integration)) {
                        tracked.insert((project, integration, WorkItemNumber::new(number)));
                    }
                }
            }
        }
        Ok(tracked)
    }

    async fn insert_tracked_item(&mut self, new: &TrackedItem) -> StoreResult<()> {
        let insert = Sql::new(
            "INSERT INTO tracked_items (project_id, integration_id, number, organization_id, group_id) VALUES (",
        );
        let insert = insert.bind(new.project.get()).text(", ").bind(new.integration.get()).text(", ");
        let insert = insert.bind(new.number.get()).text(", ").bind(new.organization.get()).text(", ");
        insert.bind(new.group.get()).text(")").count(&self.0).await.map(|_| ())
    }

    async fn imported_team(
        &mut self,
        organization: OrganizationId,
        integration: IntegrationId,
        azure_project: &AzureProjectId,
    ) -> StoreResult<Option<TeamId>> {
        let own = Sql::new("SELECT team_id FROM imported_teams WHERE organization_id = ").bind(organization.get());
        let own = own.text(" AND integration_id = ").bind(integration.get());
        let found = own.text(" AND azure_project = ").bind(azure_project.as_str()).one(&self.0).await?;
        found.map(|row| row.try_get("", "team_id").stored().map(TeamId::new)).transpose()
    }

    async fn insert_imported_team(
        &mut self,
        organization: OrganizationId,
        integration: IntegrationId,
        azure_project: &AzureProjectId,
        team: TeamId,
    ) -> StoreResult<()> {
        let insert =
            Sql::new("INSERT INTO imported_teams (organization_id, integration_id, azure_project, team_id) VALUES (");
        let insert = insert.bind(organization.get()).text(", ").bind(integration.get()).text(", ");
        let insert = insert.bind(azure_project.as_str()).text(", ").bind(team.get()).text(")");
        insert.count(&self.0).await.map(|_| ())
    }
}
