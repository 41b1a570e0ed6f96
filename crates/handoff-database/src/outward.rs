//! What is told to the trackers, in a unit of work: which work items hear of what, as whom, in which words.

use crate::error::{Stored, damaged};
use crate::row;
use crate::sql::{CHUNK, Sql};
use crate::table::{connected_projects, identity_mappings, workflows};
use crate::tracker::{ITEM_OF_LINK, ITEM_THROUGH, items_through, state_map_column};
use crate::transaction::Transaction;
use async_trait::async_trait;
use handoff_domain::id::{
    ExternalIssueId, GroupId, InstallationId, IntegrationId, LinkId, OrganizationId, UserId, WorkItemNumber,
};
use handoff_domain::port::store::{ItemThrough, KnownIdentities, OutwardTx, StoreResult, WorkflowKey};
use handoff_domain::text::EmailAddress;
use handoff_domain::time::Timestamp;
use handoff_domain::work_item::{AzureProjectId, OutwardLink};
use handoff_domain::workflow::{StateMap, Workflow};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

#[async_trait]
impl OutwardTx for Transaction {
    async fn outward_links(&mut self, groups: &[GroupId]) -> StoreResult<Vec<OutwardLink>> {
        let mut links = Vec::new();
        for chunk in groups.chunks(CHUNK) {
            let query = Sql::new(
                "SELECT i.*, l.group_id, e.id AS issue_id, e.number, e.integration_id AS collection FROM group_links l \
                 JOIN installations i ON i.id = l.installation_id JOIN external_issues e ON e.id = l.external_issue_id \
                 JOIN organizations o ON o.id = l.organization_id \
                 WHERE o.issue_sync AND NOT e.deleted AND (i.outbound_assignee OR i.outbound_status) AND l.group_id IN ",
            );
            for row in query.list(chunk.iter().map(|id| id.get())).text(" ORDER BY l.id").all(&self.0).await? {
                let id = |column| row.try_get::<Uuid>("", column).stored();
                links.push(OutwardLink {
                    group: GroupId::from_uuid(id("group_id")?),
                    external_issue: ExternalIssueId::from_uuid(id("issue_id")?),
                    number: WorkItemNumber::new(row.try_get("", "number").stored()?),
                    integration: IntegrationId::from_uuid(id("collection")?),
                    installation: InstallationId::from_uuid(id("id")?),
                    toggles: row::toggles_in(&row)?,
                });
            }
        }
        Ok(links)
    }

    async fn set_problems(&mut self, rows: &[(LinkId, Option<String>)]) -> StoreResult<()> {
        for (link, problem) in rows {
            let update = Sql::new("UPDATE group_links SET problem = ").bind(problem.clone()).text(" WHERE id = ");
            update.bind(link.get()).count(&self.0).await?;
        }
        Ok(())
    }

    async fn troubled_items(
        &mut self,
        organization: OrganizationId,
        users: &[UserId],
    ) -> StoreResult<Vec<ItemThrough>> {
        let mut found = BTreeSet::new();
        for chunk in users.chunks(CHUNK) {
            let items = Sql::new(ITEM_THROUGH).text("FROM group_links l JOIN decisions d ON d.group_id = l.group_id");
            let items = items.text(ITEM_OF_LINK).text(
                " AND l.problem IS NOT NULL AND (EXISTS (SELECT 1 FROM identity_mappings m WHERE m.user_id = d.user_id \
                 AND m.organization_id = l.organization_id) OR EXISTS (SELECT 1 FROM user_emails m WHERE m.verified \
                 AND m.user_id = d.user_id)) AND l.organization_id = ",
            );
            let items = items.bind(organization.get()).text(" AND d.user_id IN ").list(chunk.iter().map(|id| id.get()));
            found.extend(items_through(items, &self.0).await?);
        }
        Ok(found.into_iter().collect())
    }

    async fn identities_of(
        &mut self,
        organization: OrganizationId,
        integration: IntegrationId,
        user: UserId,
    ) -> StoreResult<KnownIdentities> {
        use identity_mappings::Column;
        let mapped = identity_mappings::Entity::find()
            .filter(Column::OrganizationId.eq(organization.get()))
            .filter(Column::IntegrationId.eq(integration.get()))
            .filter(Column::UserId.eq(user.get()))
            .order_by_asc(Column::Id);
        let mapped = mapped.all(&self.0).await.stored()?;
        let verified = Sql::new("SELECT address FROM user_emails WHERE verified AND user_id = ").bind(user.get());
        let mut addresses = Vec::new();
        for found in verified.text(" ORDER BY address").all(&self.0).await? {
            let address: String = found.try_get("", "address").stored()?;
            addresses.push(EmailAddress::parse(&address).map_err(|_| damaged("address"))?);
        }
        Ok(KnownIdentities {
            mapped: mapped.into_iter().map(|one| (one.identity_id, one.unique_name)).collect(),
            addresses,
        })
    }

    async fn put_workflow(&mut self, key: &WorkflowKey, workflow: &Workflow, learned_at: Timestamp) -> StoreResult<()> {
        use workflows::Column;
        let (integration, azure_project, work_item_type) = key;
        let row = workflows::Model {
            integration_id: integration.get(),
            azure_project: azure_project.as_str().to_owned(),
            work_item_type: work_item_type.clone(),
            states: row::json(workflow)?,
            learned_at: learned_at.as_micros(),
        };
        let upsert = OnConflict::columns([Column::IntegrationId, Column::AzureProject, Column::WorkItemType])
            .update_columns([Column::States, Column::LearnedAt])
            .to_owned();
        let insert = workflows::Entity::insert(row.into_active_model()).on_conflict(upsert);
        insert.exec_without_returning(&self.0).await.stored().map(|_| ())
    }

    async fn workflows(&mut self, keys: &[WorkflowKey]) -> StoreResult<HashMap<WorkflowKey, (Workflow, Timestamp)>> {
        let mut known = HashMap::new();
        for chunk in keys.chunks(CHUNK) {
            let find = Sql::new("WITH asked (collection, project, kind) AS (VALUES ");
            let find = find.rows(chunk, |sql, (integration, project, kind)| {
                sql.bind(integration.get()).text(", ").bind(project.as_str()).text(", ").bind(kind.as_str())
            });
            let find = find.text(
                ") SELECT w.* FROM workflows w JOIN asked ON w.integration_id = collection \
                 AND w.azure_project = project AND w.work_item_type = kind",
            );
            for one in find.models::<workflows::Model>(&self.0).await? {
                let project = row::azure_project(&one.azure_project)?;
                let key = (IntegrationId::from_uuid(one.integration_id), project, one.work_item_type);
                known.insert(key, (row::from_json(&one.states)?, row::at(one.learned_at)));
            }
        }
        Ok(known)
    }

    async fn set_state_map(
        &mut self,
        installation: InstallationId,
        azure_project: &AzureProjectId,
        map: &StateMap,
    ) -> StoreResult<bool> {
        let update = Sql::new("UPDATE connected_projects SET state_map = ").bind(state_map_column(map)?);
        let update = update.text(" WHERE installation_id = ").bind(installation.get());
        let update = update.text(" AND azure_project = ").bind(azure_project.as_str());
        update.count(&self.0).await.map(|changed| changed > 0)
    }

    async fn state_maps(
        &mut self,
        projects: &[(InstallationId, AzureProjectId)],
    ) -> StoreResult<HashMap<(InstallationId, AzureProjectId), StateMap>> {
        let mut maps = HashMap::new();
        for chunk in projects.chunks(CHUNK) {
            let find = Sql::new("WITH asked (installation, project) AS (VALUES ");
            let find = find.rows(chunk, |sql, (installation, project)| {
                sql.bind(installation.get()).text(", ").bind(project.as_str())
            });
            let find = find.text(
                ") SELECT c.* FROM connected_projects c JOIN asked ON c.installation_id = installation \
                 AND c.azure_project = project WHERE c.state_map IS NOT NULL",
            );
            for one in find.models::<connected_projects::Model>(&self.0).await? {
                let connected = row::connected_project(&one)?;
                maps.insert((connected.installation, connected.azure_project), connected.state_map);
            }
        }
        Ok(maps)
    }
}
