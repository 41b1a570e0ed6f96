//! Projects in a unit of work, their long end included.

use crate::error::Stored;
use crate::row;
use crate::sql::{CHUNK, Sql, locking};
use crate::table::{group_links, issue_groups, messages, notification_settings, projects};
use crate::tenancy::id_or_next;
use crate::transaction::Transaction;
use async_trait::async_trait;
use handoff_domain::chat::{MessageKind, MessageRecord};
use handoff_domain::id::{ExternalIssueId, GroupId, OrganizationId, ProjectId, TeamId, UserId};
use handoff_domain::port::store::{DoomedGroup, DoomedProject, ProjectTx, StoreResult};
use handoff_domain::project::{NotificationSetting, Project};
use handoff_domain::slug::Slug;
use handoff_domain::time::Timestamp;
use handoff_domain::work_item::GroupLink;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ActiveValue, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

#[async_trait]
impl ProjectTx for Transaction {
    async fn insert_project(&mut self, new: &Project) -> StoreResult<ProjectId> {
        let id = id_or_next(&self.0, new.id.get(), "projects").await?;
        let row = projects::ActiveModel {
            id,
            organization_id: ActiveValue::Set(new.organization.get()),
            slug: ActiveValue::Set(new.slug.as_str().to_owned()),
            name: ActiveValue::Set(new.name.as_str().to_owned()),
            next_group_number: ActiveValue::Set(1),
            created_at: ActiveValue::Set(new.created_at.as_micros()),
            hidden_at: ActiveValue::Set(None),
        };
        row.insert(&self.0).await.stored().map(|row| ProjectId::new(row.id))
    }

    async fn taken_slugs(&mut self, organization: OrganizationId, slugs: &[Slug]) -> StoreResult<HashSet<Slug>> {
        let mut taken = HashSet::new();
        for chunk in slugs.chunks(CHUNK) {
            let found: Vec<String> = projects::Entity::find()
                .select_only()
                .column(projects::Column::Slug)
                .filter(projects::Column::OrganizationId.eq(organization.get()))
                .filter(projects::Column::HiddenAt.is_null())
                .filter(projects::Column::Slug.is_in(chunk.iter().map(Slug::as_str)))
                .into_tuple()
                .all(&self.0)
                .await
                .stored()?;
            for slug in found {
                taken.insert(row::slug(&slug)?);
            }
        }
        Ok(taken)
    }

    async fn hold_project(&mut self, organization: OrganizationId, id: ProjectId) -> StoreResult<Option<Project>> {
        // The row is locked as it will be where a group's number is taken of it: two that share it would
        // wait for each other then.
        let held = Sql::new("SELECT * FROM projects WHERE hidden_at IS NULL AND id = ").bind(id.get());
        let held = held.text(" AND organization_id = ").bind(organization.get());
        let held = held.text(locking(&self.0, " FOR NO KEY UPDATE"));
        held.models::<projects::Model>(&self.0).await?.pop().map(row::project).transpose()
    }

    async fn add_project_team(&mut self, project: ProjectId, team: TeamId) -> StoreResult<()> {
        let insert = Sql::new("INSERT INTO project_teams (project_id, team_id) VALUES ")
            .list([project.get(), team.get()])
            .text(" ON CONFLICT DO NOTHING");
        insert.count(&self.0).await.map(|_| ())
    }

    async fn remove_project_team(&mut self, project: ProjectId, team: TeamId) -> StoreResult<bool> {
        let delete = Sql::new("DELETE FROM project_teams WHERE project_id = ").bind(project.get());
        delete.text(" AND team_id = ").bind(team.get()).count(&self.0).await.map(|gone| gone > 0)
    }

    async fn put_notification_setting(&mut self, setting: &NotificationSetting) -> StoreResult<()> {
        let row = notification_settings::Model {
            project_id: setting.project.get(),
            user_id: setting.user.get(),
            mention: setting.mention,
        };
        let key = [notification_settings::Column::ProjectId, notification_settings::Column::UserId];
        let upsert = OnConflict::columns(key).update_column(notification_settings::Column::Mention).to_owned();
        let insert = notification_settings::Entity::insert(row.into_active_model()).on_conflict(upsert);
        insert.exec_without_returning(&self.0).await.stored().map(|_| ())
    }

    async fn muted(&mut self, pairs: &[(UserId, ProjectId)]) -> StoreResult<HashSet<(UserId, ProjectId)>> {
        let muted = "SELECT user_id AS one, project_id AS other FROM notification_settings WHERE NOT mention AND ";
        let found = self.joined(muted, ("user_id", "project_id"), &ids_of(pairs)).await?;
        Ok(found.into_iter().map(|(user, project)| (UserId::new(user), ProjectId::new(project))).collect())
    }

    async fn project_members(&mut self, pairs: &[(UserId, ProjectId)]) -> StoreResult<HashSet<(UserId, ProjectId)>> {
        let joined = "SELECT DISTINCT m.user_id AS one, p.project_id AS other FROM team_members m \
                      JOIN project_teams p ON p.team_id = m.team_id WHERE ";
        let found = self.joined(joined, ("m.user_id", "p.project_id"), &ids_of(pairs)).await?;
        Ok(found.into_iter().map(|(user, project)| (UserId::new(user), ProjectId::new(project))).collect())
    }

    async fn project_teams(&mut self, pairs: &[(TeamId, ProjectId)]) -> StoreResult<HashSet<(TeamId, ProjectId)>> {
        let ids: HashSet<(i64, i64)> = pairs.iter().map(|(team, project)| (team.get(), project.get())).collect();
        let joined = "SELECT team_id AS one, project_id AS other FROM project_teams WHERE ";
        let found = self.joined(joined, ("team_id", "project_id"), &ids).await?;
        Ok(found.into_iter().map(|(team, project)| (TeamId::new(team), ProjectId::new(project))).collect())
    }

    async fn hide_project(
        &mut self,
        organization: OrganizationId,
        id: ProjectId,
        at: Timestamp,
    ) -> StoreResult<Option<DoomedProject>> {
        let update = Sql::new("UPDATE projects SET hidden_at = ").bind(at.as_micros()).text(" WHERE id = ");
        let update = update.bind(id.get()).text(" AND hidden_at IS NULL AND organization_id = ");
        if update.bind(organization.get()).count(&self.0).await? == 0 {
            return Ok(None);
        }
        let found = projects::Entity::find_by_id(id.get()).one(&self.0).await.stored()?;
        found.map(doomed_project).transpose()
    }

    async fn doomed_groups(&mut self, project: ProjectId, limit: u16) -> StoreResult<Vec<DoomedGroup>> {
        let chosen = Sql::new(
            "SELECT g.* FROM issue_groups g JOIN projects p ON p.id = g.project_id \
             WHERE p.hidden_at IS NOT NULL AND g.project_id = ",
        );
        let chosen = chosen.bind(project.get()).text(" ORDER BY g.id LIMIT ").bind(i64::from(limit));
        let chosen = chosen.text(locking(&self.0, " FOR UPDATE OF g"));
        let groups = chosen.models::<issue_groups::Model>(&self.0).await?;
        let ids: Vec<Uuid> = groups.iter().map(|group| group.id).collect();
        let mut cards = self.cards_of(&ids).await?;
        let mut links = self.links_of_groups(&ids).await?;
        let doomed = |found| {
            let group = row::group(found)?;
            let cards = cards.remove(&group.id).unwrap_or_default();
            let links = links.remove(&group.id).unwrap_or_default();
            Ok(DoomedGroup { group, cards, links })
        };
        groups.into_iter().map(doomed).collect()
    }

    async fn delete_groups(&mut self, groups: &[GroupId]) -> StoreResult<()> {
        const HANGING: [&str; 7] =
            ["assignments", "decisions", "activities", "followers", "group_links", "messages", "tracked_items"];
        for chunk in groups.chunks(CHUNK) {
            let ids = || chunk.iter().map(|id| id.get());
            for table in HANGING {
                let delete = Sql::new("DELETE FROM ").text(table).text(" WHERE group_id IN ").list(ids());
                delete.count(&self.0).await?;
            }
            let end = Sql::new(
                "UPDATE outbox SET state = 'obsolete', reason = 'its group was deleted', finished_at = due_at, \
                 lease_until = NULL WHERE state = 'pending' AND group_id IN ",
            );
            end.list(ids()).count(&self.0).await?;
            Sql::new("DELETE FROM issue_groups WHERE id IN ").list(ids()).count(&self.0).await?;
        }
        Ok(())
    }

    async fn delete_unlinked_external_issues(&mut self, ids: &[ExternalIssueId]) -> StoreResult<()> {
        for chunk in ids.chunks(CHUNK) {
            let lock = locking(&self.0, " FOR UPDATE");
            let held = Sql::new("SELECT id FROM external_issues WHERE id IN ").list(chunk.iter().map(|id| id.get()));
            held.text(" ORDER BY id").text(lock).all(&self.0).await?;
            let unlinked = Sql::new("DELETE FROM external_issues WHERE id IN ")
                .list(chunk.iter().map(|id| id.get()))
                .text(" AND NOT EXISTS (SELECT 1 FROM group_links l WHERE l.external_issue_id = external_issues.id)");
            unlinked.count(&self.0).await?;
        }
        Ok(())
    }

    async fn delete_project(&mut self, id: ProjectId) -> StoreResult<()> {
        let hidden = Sql::new("SELECT id FROM projects WHERE hidden_at IS NOT NULL AND id = ").bind(id.get());
        if hidden.text(locking(&self.0, " FOR UPDATE")).one(&self.0).await?.is_none() {
            return Ok(());
        }
        for table in ["routes", "notification_settings", "project_teams", "tracking_rules"] {
            let delete = Sql::new("DELETE FROM ").text(table).text(" WHERE project_id = ").bind(id.get());
            delete.count(&self.0).await?;
        }
        let end = Sql::new(
            "UPDATE outbox SET state = 'obsolete', reason = 'its project was deleted', finished_at = due_at, \
             lease_until = NULL WHERE state = 'pending' AND kind NOT IN ('close_card', 'delete_subscription') \
             AND project_id = ",
        );
        end.bind(id.get()).count(&self.0).await?;
        let delete = Sql::new("DELETE FROM projects WHERE hidden_at IS NOT NULL AND id = ").bind(id.get());
        delete.count(&self.0).await.map(|_| ())
    }
}

fn ids_of(pairs: &[(UserId, ProjectId)]) -> HashSet<(i64, i64)> {
    pairs.iter().map(|(user, project)| (user.get(), project.get())).collect()
}

impl Transaction {
    /// The cards of these groups that exist in Discord.
    async fn cards_of(&self, groups: &[Uuid]) -> StoreResult<HashMap<GroupId, Vec<MessageRecord>>> {
        let found = messages::Entity::find()
            .filter(messages::Column::GroupId.is_in(groups.iter().copied()))
            .filter(messages::Column::Kind.eq(MessageKind::Card.as_str()))
            .filter(messages::Column::Message.is_not_null())
            .all(&self.0);
        let mut cards: HashMap<GroupId, Vec<MessageRecord>> = HashMap::new();
        for card in found.await.stored()? {
            let card = row::message(card)?;
            cards.entry(card.group).or_default().push(card);
        }
        Ok(cards)
    }

    async fn links_of_groups(&self, groups: &[Uuid]) -> StoreResult<HashMap<GroupId, Vec<GroupLink>>> {
        let asked = group_links::Column::GroupId.is_in(groups.iter().copied());
        let mut links: HashMap<GroupId, Vec<GroupLink>> = HashMap::new();
        for link in group_links::Entity::find().filter(asked).all(&self.0).await.stored()? {
            let link = row::group_link(&link)?;
            links.entry(link.group).or_default().push(link);
        }
        Ok(links)
    }

    /// Which of these pairs a query finds. It is asked for every pairing of the two sides, since both
    /// databases find single ids by index and not all know pairs.
    async fn joined(
        &self,
        query: &'static str,
        columns: (&'static str, &'static str),
        pairs: &HashSet<(i64, i64)>,
    ) -> StoreResult<HashSet<(i64, i64)>> {
        let asked: Vec<(i64, i64)> = pairs.iter().copied().collect();
        let mut found = HashSet::new();
        for chunk in asked.chunks(CHUNK) {
            let (ones, others): (HashSet<i64>, HashSet<i64>) = chunk.iter().copied().unzip();
            let sql = Sql::new(query).text(columns.0).text(" IN ").list(ones);
            for row in sql.text(" AND ").text(columns.1).text(" IN ").list(others).all(&self.0).await? {
                let pair = (row.try_get("", "one").stored()?, row.try_get("", "other").stored()?);
                if pairs.contains(&pair) {
                    found.insert(pair);
                }
            }
        }
        Ok(found)
    }
}

/// A hidden project.
pub(crate) fn doomed_project(found: projects::Model) -> StoreResult<DoomedProject> {
    let hidden_at = found.hidden_at.map(row::at).ok_or_else(|| crate::error::damaged("hidden project"))?;
    let project = row::project(found)?;
    Ok(DoomedProject { id: project.id, organization: project.organization, slug: project.slug, hidden_at })
}
