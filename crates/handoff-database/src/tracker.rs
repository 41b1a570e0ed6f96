//! Integrations, hooks, mirrored work items, links and identities in a unit of work.

use crate::error::{Stored, damaged};
use crate::row;
use crate::sql::{CHUNK, Sql, locking};
use crate::table::{
    connected_projects, external_issues, group_links, hooks, identity_mappings, installations, integrations,
};
use crate::transaction::Transaction;
use async_trait::async_trait;
use handoff_domain::hook::{Hook, HookStatus};
use handoff_domain::id::{
    ExternalIssueId, InstallationId, IntegrationId, LinkId, MappingId, OrganizationId, UserId, WorkItemNumber,
};
use handoff_domain::integration::{ConnectedProject, Installation, Integration, Toggles};
use handoff_domain::person::{IdentityMapping, Person, Unresolved};
use handoff_domain::port::store::{ItemThrough, MatchedBy, PersonMatch, StoreResult, TrackerTx};
use handoff_domain::secret::Sealed;
use handoff_domain::time::Timestamp;
use handoff_domain::work_item::{AzureProjectId, ExternalIssue, GroupLink, LinkedGroup};
use handoff_domain::workflow::StateMap;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder, QueryResult,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use uuid::Uuid;

#[async_trait]
impl TrackerTx for Transaction {
    async fn put_integration(&mut self, new: &Integration) -> StoreResult<Integration> {
        let row = integrations::Model {
            id: new.id.get(),
            collection_id: new.collection_id.clone(),
            name: new.name.as_str().to_owned(),
            base_url: new.base_url.clone(),
            created_at: new.created_at.as_micros(),
        };
        let keep = OnConflict::column(integrations::Column::CollectionId).do_nothing().to_owned();
        let insert = integrations::Entity::insert(row.into_active_model()).on_conflict(keep);
        insert.exec_without_returning(&self.0).await.stored()?;
        let same = integrations::Column::CollectionId.eq(new.collection_id.as_str());
        let found = integrations::Entity::find().filter(same).one(&self.0).await.stored()?;
        row::integration(found.ok_or_else(|| damaged("integration"))?)
    }

    async fn insert_installation(&mut self, new: &Installation) -> StoreResult<()> {
        let insert = installations::Entity::insert(row::installation_row(new).into_active_model());
        insert.exec_without_returning(&self.0).await.stored().map(|_| ())
    }

    async fn set_toggles(
        &mut self,
        organization: OrganizationId,
        id: InstallationId,
        toggles: &Toggles,
    ) -> StoreResult<bool> {
        let update = Sql::new("UPDATE installations SET inbound_assignee = ").bind(toggles.inbound_assignee);
        let update = update.text(", outbound_assignee = ").bind(toggles.outbound_assignee);
        let update = update.text(", inbound_status = ").bind(toggles.inbound_status);
        let update = update.text(", outbound_status = ").bind(toggles.outbound_status);
        let update = update.text(", comments = ").bind(toggles.comments);
        let update = update.text(", siblings = ").bind(toggles.siblings).text(" WHERE id = ").bind(id.get());
        let update = update.text(" AND organization_id = ").bind(organization.get());
        update.count(&self.0).await.map(|changed| changed > 0)
    }

    async fn set_credential(
        &mut self,
        organization: OrganizationId,
        id: InstallationId,
        credential: &Sealed,
    ) -> StoreResult<bool> {
        let update = Sql::new("UPDATE installations SET credential = ").bind(credential.0.clone());
        let update = update.text(" WHERE id = ").bind(id.get()).text(" AND organization_id = ");
        update.bind(organization.get()).count(&self.0).await.map(|changed| changed > 0)
    }

    async fn set_credential_expiry(
        &mut self,
        organization: OrganizationId,
        id: InstallationId,
        at: Option<Timestamp>,
    ) -> StoreResult<bool> {
        let update = Sql::new("UPDATE installations SET credential_expires_at = ").bind(at.map(Timestamp::as_micros));
        let update = update.text(" WHERE id = ").bind(id.get()).text(" AND organization_id = ");
        update.bind(organization.get()).count(&self.0).await.map(|changed| changed > 0)
    }

    async fn put_connected_project(&mut self, new: &ConnectedProject) -> StoreResult<()> {
        use connected_projects::Column;
        let row = connected_projects::Model {
            installation_id: new.installation.get(),
            azure_project: new.azure_project.as_str().to_owned(),
            organization_id: new.organization.get(),
            integration_id: new.integration.get(),
            name: new.name.as_str().to_owned(),
            state_map: state_map_column(&new.state_map)?,
            created_at: new.created_at.as_micros(),
            hooks_due_at: new.created_at.as_micros(),
            reconcile_due_at: new.created_at.as_micros(),
            new_credential: false,
        };
        // Written where it is there already, so that its row is locked: somebody may be disconnecting it.
        let keep = OnConflict::columns([Column::InstallationId, Column::AzureProject])
            .update_column(Column::InstallationId)
            .to_owned();
        let insert = connected_projects::Entity::insert(row.into_active_model()).on_conflict(keep);
        insert.exec_without_returning(&self.0).await.stored().map(|_| ())
    }

    async fn delete_connected_project(
        &mut self,
        installation: InstallationId,
        azure_project: &AzureProjectId,
    ) -> StoreResult<bool> {
        let rules = Sql::new("DELETE FROM tracking_rules WHERE installation_id = ").bind(installation.get());
        rules.text(" AND azure_project = ").bind(azure_project.as_str()).count(&self.0).await?;
        let delete = Sql::new("DELETE FROM connected_projects WHERE installation_id = ").bind(installation.get());
        let delete = delete.text(" AND azure_project = ").bind(azure_project.as_str());
        delete.count(&self.0).await.map(|gone| gone > 0)
    }

    async fn hold_connected_project(
        &mut self,
        installation: InstallationId,
        azure_project: &AzureProjectId,
    ) -> StoreResult<bool> {
        let held = Sql::new("SELECT 1 FROM connected_projects WHERE installation_id = ").bind(installation.get());
        let held = held.text(" AND azure_project = ").bind(azure_project.as_str());
        held.text(locking(&self.0, " FOR SHARE")).one(&self.0).await.map(|row| row.is_some())
    }

    async fn unneeded_connections(
        &mut self,
        organization: OrganizationId,
        issues: &[ExternalIssueId],
    ) -> StoreResult<Vec<ConnectedProject>> {
        let mut unneeded = BTreeMap::new();
        for chunk in issues.chunks(CHUNK) {
            let concerned = connections(organization)
                .text(
                    " AND EXISTS (SELECT 1 FROM external_issues e WHERE e.integration_id = c.integration_id \
                     AND e.azure_project = c.azure_project AND e.id IN ",
                )
                .list(chunk.iter().map(|id| id.get()))
                .text(") ORDER BY c.installation_id, c.azure_project")
                .text(locking(&self.0, " FOR UPDATE"));
            for one in concerned.models::<connected_projects::Model>(&self.0).await? {
                unneeded.insert((one.installation_id, one.azure_project.clone()), one);
            }
        }
        // Only now: whoever linked something meanwhile held the connection, and is seen.
        let needed = connections(organization).text(
            " AND (EXISTS (SELECT 1 FROM group_links l JOIN external_issues e ON e.id = l.external_issue_id \
             WHERE l.organization_id = c.organization_id AND e.integration_id = c.integration_id \
             AND e.azure_project = c.azure_project) OR EXISTS (SELECT 1 FROM tracking_rules r \
             JOIN projects p ON p.id = r.project_id WHERE p.hidden_at IS NULL \
             AND r.installation_id = c.installation_id AND r.azure_project = c.azure_project))",
        );
        for one in needed.models::<connected_projects::Model>(&self.0).await? {
            unneeded.remove(&(one.installation_id, one.azure_project));
        }
        unneeded.values().map(row::connected_project).collect()
    }

    async fn put_hook(&mut self, hook: &Hook) -> StoreResult<()> {
        use hooks::Column;
        let changing = [
            Column::Secret,
            Column::SubscriptionId,
            Column::Status,
            Column::UpdatedAt,
            Column::CheckedAt,
            Column::Unseen,
        ];
        let upsert = OnConflict::column(Column::Id).update_columns(changing).to_owned();
        let insert = hooks::Entity::insert(row::hook_row(hook).into_active_model()).on_conflict(upsert);
        insert.exec_without_returning(&self.0).await.stored().map(|_| ())
    }

    async fn lock_hooks(
        &mut self,
        installation: InstallationId,
        azure_project: &AzureProjectId,
    ) -> StoreResult<Vec<Hook>> {
        // The connection's row is locked too: hooks that do not exist yet cannot be.
        let held = Sql::new("SELECT 1 FROM connected_projects WHERE installation_id = ").bind(installation.get());
        let held = held.text(" AND azure_project = ").bind(azure_project.as_str());
        held.text(locking(&self.0, " FOR UPDATE")).all(&self.0).await?;
        let hooks = Sql::new("SELECT * FROM hooks WHERE installation_id = ").bind(installation.get());
        let hooks = hooks.text(" AND azure_project = ").bind(azure_project.as_str());
        let hooks = hooks.text(" AND status <> ").bind(HookStatus::Deleted.as_str()).text(" ORDER BY id");
        let hooks = hooks.text(locking(&self.0, " FOR NO KEY UPDATE")).models::<hooks::Model>(&self.0).await?;
        hooks.into_iter().map(row::hook).collect()
    }

    async fn put_external_issues(&mut self, rows: &[ExternalIssue]) -> StoreResult<()> {
        use external_issues::Column;
        // In the order of their ids, the last word of each.
        let last: BTreeMap<ExternalIssueId, &ExternalIssue> = rows.iter().map(|one| (one.id, one)).collect();
        let last: Vec<&ExternalIssue> = last.into_values().collect();
        for chunk in last.chunks(CHUNK) {
            let changing = [
                Column::AzureProject,
                Column::Revision,
                Column::Title,
                Column::WorkItemType,
                Column::State,
                Column::Assignee,
                Column::AreaPath,
                Column::Tags,
                Column::Url,
                Column::ChangedAt,
                Column::ObservedAt,
                Column::Deleted,
                Column::AssigneeChangedAt,
                Column::StateChangedAt,
                Column::Pending,
            ];
            let upsert = OnConflict::column(Column::Id).update_columns(changing).to_owned();
            let rows = chunk.iter().map(|one| row::external_issue_row(one).map(IntoActiveModel::into_active_model));
            let rows = rows.collect::<StoreResult<Vec<_>>>()?;
            let insert = external_issues::Entity::insert_many(rows).on_conflict(upsert);
            insert.exec_without_returning(&self.0).await.stored()?;
        }
        Ok(())
    }

    async fn lock_external_issues(
        &mut self,
        keys: &[(IntegrationId, WorkItemNumber)],
    ) -> StoreResult<Vec<ExternalIssue>> {
        let mut by_integration: BTreeMap<IntegrationId, Vec<i64>> = BTreeMap::new();
        for (integration, number) in keys {
            by_integration.entry(*integration).or_default().push(number.get());
        }
        let mut issues = Vec::with_capacity(keys.len());
        for (integration, mut numbers) in by_integration {
            numbers.sort_unstable();
            numbers.dedup();
            for chunk in numbers.chunks(CHUNK) {
                let held = Sql::new("SELECT * FROM external_issues WHERE integration_id = ").bind(integration.get());
                let held = held.text(" AND number IN ").list(chunk.iter().copied()).text(" ORDER BY number");
                let held = held.text(locking(&self.0, " FOR NO KEY UPDATE"));
                for found in held.models::<external_issues::Model>(&self.0).await? {
                    issues.push(row::external_issue(found)?);
                }
            }
        }
        issues.sort_by_key(|issue| issue.id);
        Ok(issues)
    }

    async fn insert_link(&mut self, new: &GroupLink) -> StoreResult<()> {
        let insert = group_links::Entity::insert(row::group_link_row(new)?.into_active_model());
        insert.exec_without_returning(&self.0).await.stored().map(|_| ())
    }

    async fn delete_link(&mut self, organization: OrganizationId, id: LinkId) -> StoreResult<Option<GroupLink>> {
        let own = group_links::Column::OrganizationId.eq(organization.get());
        let Some(found) = group_links::Entity::find_by_id(id.get()).filter(own).one(&self.0).await.stored()? else {
            return Ok(None);
        };
        let gone = Sql::new("DELETE FROM group_links WHERE id = ").bind(id.get()).count(&self.0).await?;
        if gone == 0 { Ok(None) } else { row::group_link(&found).map(Some) }
    }

    async fn links_of(&mut self, issues: &[ExternalIssueId]) -> StoreResult<Vec<LinkedGroup>> {
        let mut linked = Vec::new();
        for chunk in issues.chunks(CHUNK) {
            let query = Sql::new(
                "SELECT l.id AS link_id, i.* FROM group_links l JOIN issue_groups g ON g.id = l.group_id \
                 JOIN projects p ON p.id = g.project_id JOIN installations i ON i.id = l.installation_id \
                 WHERE p.hidden_at IS NULL AND l.external_issue_id IN ",
            );
            let mut toggles: HashMap<Uuid, Toggles> = HashMap::new();
            for row in query.list(chunk.iter().map(|id| id.get())).all(&self.0).await? {
                toggles.insert(row.try_get("", "link_id").stored()?, row::toggles_in(&row)?);
            }
            let rows = group_links::Entity::find()
                .filter(group_links::Column::ExternalIssueId.is_in(chunk.iter().map(|id| id.get())))
                .all(&self.0);
            for found in rows.await.stored()? {
                if let Some(toggles) = toggles.get(&found.id) {
                    linked.push(LinkedGroup { link: row::group_link(&found)?, toggles: *toggles });
                }
            }
        }
        linked.sort_by_key(|one| one.link.id);
        Ok(linked)
    }

    async fn set_unresolved(&mut self, rows: &[(LinkId, Option<Unresolved>)]) -> StoreResult<()> {
        let last: BTreeMap<LinkId, &Option<Unresolved>> = rows.iter().map(|(link, who)| (*link, who)).collect();
        let mut columns = Vec::with_capacity(last.len());
        for (link, unresolved) in last {
            columns.push((link, row::unresolved_columns(unresolved.as_ref())?));
        }
        for chunk in columns.chunks(CHUNK) {
            let update = Sql::new("WITH waiting (row_id, who, identity, name, listed) AS (VALUES ");
            let update = update.rows(chunk, |sql, (link, [who, identity, name, listed])| {
                let sql = sql.bind(link.get()).text(", ").bind(who.clone()).text(", ");
                let sql = sql.bind(identity.clone()).text(", ").bind(name.clone());
                sql.text(", ").bind(listed.clone())
            });
            let update = update.text(
                ") UPDATE group_links SET unresolved = who, unresolved_identity = identity, unresolved_name = name, \
                 unresolved_key = listed FROM waiting WHERE id = row_id",
            );
            update.count(&self.0).await?;
        }
        Ok(())
    }

    async fn insert_mapping(&mut self, new: &IdentityMapping) -> StoreResult<()> {
        let row = identity_mappings::Model {
            id: new.id.get(),
            organization_id: new.organization.get(),
            integration_id: new.integration.get(),
            identity_id: new.identity_id.clone(),
            unique_name: new.unique_name.clone(),
            user_id: new.user.get(),
            created_at: new.created_at.as_micros(),
        };
        let insert = identity_mappings::Entity::insert(row.into_active_model());
        insert.exec_without_returning(&self.0).await.stored().map(|_| ())
    }

    async fn delete_mapping(&mut self, organization: OrganizationId, id: MappingId) -> StoreResult<bool> {
        let delete = Sql::new("DELETE FROM identity_mappings WHERE id = ").bind(id.get());
        let delete = delete.text(" AND organization_id = ").bind(organization.get());
        delete.count(&self.0).await.map(|gone| gone > 0)
    }

    async fn match_people(
        &mut self,
        questions: &[(OrganizationId, IntegrationId, Person)],
    ) -> StoreResult<Vec<PersonMatch>> {
        let mut matches = Vec::new();
        for (first, chunk) in questions.chunks(CHUNK).enumerate() {
            let mappings = self.mappings_about(chunk).await?;
            let addresses = self.addresses_about(chunk).await?;
            for (position, question) in chunk.iter().enumerate() {
                let number = first * CHUNK + position;
                let mapped = mappings.iter().filter_map(|mapping| {
                    mapped_by(mapping, question).map(|by| PersonMatch { question: number, user: mapping.user, by })
                });
                matches.extend(mapped);
                let addressed = addresses.iter().filter(|(organization, address, _)| {
                    *organization == question.0 && question.2.unique_name.as_deref() == Some(address.as_str())
                });
                matches.extend(addressed.map(|(_, _, user)| PersonMatch {
                    question: number,
                    user: *user,
                    by: MatchedBy::Address,
                }));
            }
        }
        Ok(matches)
    }

    async fn items_waiting_for(
        &mut self,
        organization: OrganizationId,
        users: &[UserId],
    ) -> StoreResult<Vec<ItemThrough>> {
        const BY_MAPPING: &str = "FROM identity_mappings m JOIN group_links l ON l.organization_id = m.organization_id \
             AND l.unresolved IS NOT NULL AND ";
        const BY_IDENTITY: &str = "l.unresolved_identity = m.identity_id";
        // Where both know an identity's id, nothing else counts.
        const BY_NAME: &str =
            "l.unresolved_name = m.unique_name AND (m.identity_id IS NULL OR l.unresolved_identity IS NULL)";
        let mut found = BTreeSet::new();
        for chunk in users.chunks(CHUNK) {
            let ids = || chunk.iter().map(|id| id.get());
            for how in [BY_IDENTITY, BY_NAME] {
                let items = Sql::new(ITEM_THROUGH).text(BY_MAPPING).text(how).text(ITEM_OF_LINK);
                let items = items.text(" AND e.integration_id = m.integration_id AND m.organization_id = ");
                let items = items.bind(organization.get()).text(" AND m.user_id IN ").list(ids());
                found.extend(items_through(items, &self.0).await?);
            }
            let items = Sql::new(ITEM_THROUGH).text(
                "FROM user_emails m JOIN group_links l ON l.unresolved_name = m.address AND l.unresolved IS NOT NULL",
            );
            let items = items.text(ITEM_OF_LINK).text(" AND m.verified AND l.organization_id = ");
            let items = items.bind(organization.get()).text(" AND m.user_id IN ").list(ids());
            found.extend(items_through(items, &self.0).await?);
        }
        Ok(found.into_iter().collect())
    }
}

/// Which work item, through which installation, of a link.
pub(crate) const ITEM_THROUGH: &str = "SELECT DISTINCT e.integration_id, l.installation_id, e.number ";
/// The work item and the visible project of a link.
pub(crate) const ITEM_OF_LINK: &str = " JOIN external_issues e ON e.id = l.external_issue_id \
     JOIN issue_groups g ON g.id = l.group_id JOIN projects p ON p.id = g.project_id WHERE p.hidden_at IS NULL";

/// The work items that a query finds.
pub(crate) async fn items_through(find: Sql, on: &impl ConnectionTrait) -> StoreResult<Vec<ItemThrough>> {
    let read = |row: &QueryResult| {
        let integration = IntegrationId::from_uuid(row.try_get("", "integration_id").stored()?);
        let installation = InstallationId::from_uuid(row.try_get("", "installation_id").stored()?);
        Ok((integration, installation, WorkItemNumber::new(row.try_get("", "number").stored()?)))
    };
    find.all(on).await?.iter().map(read).collect()
}

/// The projects that an organization connected.
fn connections(organization: OrganizationId) -> Sql {
    Sql::new("SELECT * FROM connected_projects c WHERE c.organization_id = ").bind(organization.get())
}

/// How a mapping answers a question, if it does. Where both know an identity's id, nothing else counts.
fn mapped_by(mapping: &IdentityMapping, question: &(OrganizationId, IntegrationId, Person)) -> Option<MatchedBy> {
    let (organization, integration, person) = question;
    if mapping.organization != *organization || mapping.integration != *integration {
        return None;
    }
    match (&mapping.identity_id, &person.identity_id) {
        (Some(mapped), Some(asked)) => (mapped == asked).then_some(MatchedBy::IdentityId),
        _ => (mapping.unique_name.is_some() && mapping.unique_name == person.unique_name)
            .then_some(MatchedBy::UniqueName),
    }
}

type Question = (OrganizationId, IntegrationId, Person);

impl Transaction {
    async fn mappings_about(&self, questions: &[Question]) -> StoreResult<Vec<IdentityMapping>> {
        use identity_mappings::Column;
        let organizations: HashSet<i64> = questions.iter().map(|(organization, ..)| organization.get()).collect();
        let integrations: HashSet<Uuid> = questions.iter().map(|(_, integration, _)| integration.get()).collect();
        let identities = questions.iter().filter_map(|(.., person)| person.identity_id.as_deref());
        let names = questions.iter().filter_map(|(.., person)| person.unique_name.as_deref());
        let rows = identity_mappings::Entity::find()
            .filter(Column::OrganizationId.is_in(organizations))
            .filter(Column::IntegrationId.is_in(integrations))
            .filter(Column::IdentityId.is_in(identities).or(Column::UniqueName.is_in(names)))
            .order_by_asc(Column::Id)
            .all(&self.0);
        Ok(rows.await.stored()?.into_iter().map(row::mapping).collect())
    }

    async fn addresses_about(&self, questions: &[Question]) -> StoreResult<Vec<(OrganizationId, String, UserId)>> {
        let organizations: HashSet<i64> = questions.iter().map(|(organization, ..)| organization.get()).collect();
        let names: HashSet<&str> = questions.iter().filter_map(|(.., person)| person.unique_name.as_deref()).collect();
        let query = Sql::new(
            "SELECT m.organization_id, e.address, e.user_id FROM user_emails e \
             JOIN memberships m ON m.user_id = e.user_id WHERE e.verified AND m.organization_id IN ",
        );
        let rows = query.list(organizations).text(" AND e.address IN ").list(names).all(&self.0).await?;
        let read = |row: &QueryResult| {
            let organization: i64 = row.try_get("", "organization_id").stored()?;
            let user: i64 = row.try_get("", "user_id").stored()?;
            Ok((OrganizationId::new(organization), row.try_get("", "address").stored()?, UserId::new(user)))
        };
        rows.iter().map(read).collect()
    }
}

/// Nothing where nothing is said, so that those that say something are found.
pub(crate) fn state_map_column(map: &StateMap) -> StoreResult<Option<String>> {
    if map.is_empty() { Ok(None) } else { row::json(map).map(Some) }
}
