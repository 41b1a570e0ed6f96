//! Guilds, routes and messages in a unit of work.

use crate::error::{Stored, damaged};
use crate::row;
use crate::sql::{CHUNK, Sql, locking};
use crate::table::{
    assignments, external_issues, group_links, guilds, issue_groups, messages, projects, routes, teams, users,
};
use crate::transaction::Transaction;
use async_trait::async_trait;
use handoff_domain::assignee::Assignee;
use handoff_domain::chat::{CardSource, Guild, MessageKind, MessageRecord, Route, RouteMode, RouteRef};
use handoff_domain::id::{GroupId, OrganizationId, ProjectId, RouteId};
use handoff_domain::organization::DiscordUserId;
use handoff_domain::person::Unresolved;
use handoff_domain::port::store::{ChatTx, StoreResult};
use handoff_domain::work_item::ExternalIssue;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashMap;
use uuid::Uuid;

#[async_trait]
impl ChatTx for Transaction {
    async fn insert_guild(&mut self, new: &Guild) -> StoreResult<()> {
        let row = guilds::Model {
            id: row::signed(new.id.get()),
            organization_id: new.organization.get(),
            name: new.name.as_str().to_owned(),
            created_at: new.created_at.as_micros(),
        };
        let insert = guilds::Entity::insert(row.into_active_model());
        insert.exec_without_returning(&self.0).await.stored().map(|_| ())
    }

    async fn insert_route(&mut self, new: &Route) -> StoreResult<()> {
        let insert = routes::Entity::insert(row::route_row(new).into_active_model());
        insert.exec_without_returning(&self.0).await.stored().map(|_| ())
    }

    async fn delete_route(&mut self, organization: OrganizationId, id: RouteId) -> StoreResult<bool> {
        let own = Sql::new("SELECT id FROM routes WHERE id = ").bind(id.get()).text(" AND organization_id = ");
        let held = own.bind(organization.get()).text(locking(&self.0, " FOR UPDATE")).one(&self.0).await?;
        if held.is_none() {
            return Ok(false);
        }
        Sql::new("DELETE FROM messages WHERE route_id = ").bind(id.get()).count(&self.0).await?;
        let gone = Sql::new("DELETE FROM routes WHERE id = ").bind(id.get()).count(&self.0).await?;
        Ok(gone > 0)
    }

    async fn set_route_disabled(&mut self, id: RouteId, reason: Option<String>) -> StoreResult<()> {
        let update = Sql::new("UPDATE routes SET disabled = ").bind(reason).text(" WHERE id = ").bind(id.get());
        update.count(&self.0).await.map(|_| ())
    }

    async fn groups_with_card(
        &mut self,
        route: RouteId,
        after: Option<GroupId>,
        limit: u16,
    ) -> StoreResult<Vec<GroupId>> {
        let mut find = messages::Entity::find()
            .select_only()
            .column(messages::Column::GroupId)
            .filter(messages::Column::RouteId.eq(route.get()))
            .filter(messages::Column::Kind.eq(MessageKind::Card.as_str()))
            .order_by_asc(messages::Column::GroupId)
            .limit(u64::from(limit));
        if let Some(after) = after {
            find = find.filter(messages::Column::GroupId.gt(after.get()));
        }
        let found: Vec<Uuid> = find.into_tuple().all(&self.0).await.stored()?;
        Ok(found.into_iter().map(GroupId::from_uuid).collect())
    }

    async fn routes_of(&mut self, projects: &[ProjectId]) -> StoreResult<Vec<RouteRef>> {
        let mut found = Vec::new();
        for chunk in projects.chunks(CHUNK) {
            let rows = routes::Entity::find()
                .filter(routes::Column::ProjectId.is_in(chunk.iter().map(|id| id.get())))
                .filter(routes::Column::Disabled.is_null())
                .order_by_asc(routes::Column::Id)
                .all(&self.0);
            for row in rows.await.stored()? {
                let mode = RouteMode::from_stored(&row.mode).ok_or_else(|| damaged("route mode"))?;
                let (id, project) = (RouteId::from_uuid(row.id), ProjectId::new(row.project_id));
                found.push(RouteRef { id, project, mode });
            }
        }
        Ok(found)
    }

    async fn card_source(&mut self, group: GroupId, route: RouteId) -> StoreResult<Option<CardSource>> {
        let Some(found) = issue_groups::Entity::find_by_id(group.get()).one(&self.0).await.stored()? else {
            return Ok(None);
        };
        let visible = projects::Column::HiddenAt.is_null();
        let project = projects::Entity::find_by_id(found.project_id).filter(visible).one(&self.0).await.stored()?;
        let on = routes::Entity::find_by_id(route.get()).one(&self.0).await.stored()?;
        let (Some(project), Some(on)) = (project, on) else { return Ok(None) };
        let assigned = assignments::Entity::find_by_id(group.get()).one(&self.0).await.stored()?;
        let assignee = assigned.and_then(|row| row::assignee_of(row.user_id, row.team_id));
        let (assignee_name, assignee_discord) = match assignee {
            Some(who) => self.shown(who).await?,
            None => (None, None),
        };
        Ok(Some(CardSource {
            group: row::group(found)?,
            project_slug: row::slug(&project.slug)?,
            route: row::route(on)?,
            assignee,
            assignee_name,
            assignee_discord,
            work_items: self.work_items_of(group).await?,
            record: self.message_about(group, route, MessageKind::Card, "").await?,
        }))
    }

    async fn ping_record(
        &mut self,
        group: GroupId,
        route: RouteId,
        subject: &str,
    ) -> StoreResult<Option<MessageRecord>> {
        self.message_about(group, route, MessageKind::Ping, subject).await
    }

    async fn put_message_record(&mut self, record: &MessageRecord) -> StoreResult<()> {
        use messages::Column;
        let changing = [Column::Channel, Column::Message, Column::Nonce, Column::NonceAt, Column::Digest];
        let upsert = OnConflict::column(Column::Id).update_columns(changing).to_owned();
        let insert = messages::Entity::insert(row::message_row(record).into_active_model()).on_conflict(upsert);
        insert.exec_without_returning(&self.0).await.stored().map(|_| ())
    }
}

impl Transaction {
    /// An assignee's name and Discord account.
    async fn shown(&self, assignee: Assignee) -> StoreResult<(Option<String>, Option<DiscordUserId>)> {
        match assignee {
            Assignee::User(id) => {
                let user = users::Entity::find_by_id(id.get()).one(&self.0).await.stored()?;
                let user = user.map(row::user).transpose()?;
                Ok((user.as_ref().map(|user| user.name.to_string()), user.and_then(|user| user.discord)))
            }
            Assignee::Team(id) => {
                let team = teams::Entity::find_by_id(id.get()).one(&self.0).await.stored()?;
                Ok((team.map(|team| team.name), None))
            }
        }
    }

    /// The group's work items with what is unresolved on each, by number.
    async fn work_items_of(&self, group: GroupId) -> StoreResult<Vec<(ExternalIssue, Option<Unresolved>)>> {
        let links = group_links::Entity::find().filter(group_links::Column::GroupId.eq(group.get())).all(&self.0);
        let mut unresolved: HashMap<Uuid, Option<Unresolved>> = HashMap::new();
        for link in links.await.stored()? {
            unresolved.insert(link.external_issue_id, row::group_link(&link)?.unresolved);
        }
        let ids: Vec<Uuid> = unresolved.keys().copied().collect();
        let mut items = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK) {
            let wanted = external_issues::Column::Id.is_in(chunk.iter().copied());
            for issue in external_issues::Entity::find().filter(wanted).all(&self.0).await.stored()? {
                let who = unresolved.remove(&issue.id).flatten();
                items.push((row::external_issue(issue)?, who));
            }
        }
        items.sort_by_key(|(issue, _)| (issue.number, issue.id));
        Ok(items)
    }

    async fn message_about(
        &self,
        group: GroupId,
        route: RouteId,
        kind: MessageKind,
        subject: &str,
    ) -> StoreResult<Option<MessageRecord>> {
        let found = messages::Entity::find()
            .filter(messages::Column::GroupId.eq(group.get()))
            .filter(messages::Column::RouteId.eq(route.get()))
            .filter(messages::Column::Kind.eq(kind.as_str()))
            .filter(messages::Column::Subject.eq(subject))
            .one(&self.0)
            .await
            .stored()?;
        found.map(row::message).transpose()
    }
}
