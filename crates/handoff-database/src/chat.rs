//! Guilds, routes and messages in a unit of work.

use crate::error::{Stored, damaged};
use crate::row;
use crate::sql::{CHUNK, Sql, locking};
use crate::table::{
    assignments, external_issues, group_links, guilds, issue_groups, messages, projects, route_backlog, routes, teams,
    users,
};
use crate::transaction::Transaction;
use async_trait::async_trait;
use handoff_domain::assignee::Assignee;
use handoff_domain::chat::{
    BacklogEntry, CardPlace, CardSource, Guild, MessageKind, MessageRecord, Route, RouteMode, RouteRef, SummarySource,
};
use handoff_domain::id::{GroupId, MessageRecordId, OrganizationId, ProjectId, RouteId, UserId};
use handoff_domain::organization::DiscordUserId;
use handoff_domain::person::Unresolved;
use handoff_domain::port::store::{ChatTx, StoreResult};
use handoff_domain::time::Timestamp;
use handoff_domain::work_item::ExternalIssue;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QueryResult, QuerySelect,
};
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
        let insert = routes::Entity::insert(row::route_row(new)?.into_active_model());
        insert.exec_without_returning(&self.0).await.stored().map(|_| ())
    }

    async fn delete_route(&mut self, organization: OrganizationId, id: RouteId) -> StoreResult<bool> {
        let own = Sql::new("SELECT id FROM routes WHERE id = ").bind(id.get()).text(" AND organization_id = ");
        let held = own.bind(organization.get()).text(locking(&self.0, " FOR UPDATE")).one(&self.0).await?;
        if held.is_none() {
            return Ok(false);
        }
        for table in ["messages", "route_backlog"] {
            let delete = Sql::new("DELETE FROM ").text(table).text(" WHERE route_id = ").bind(id.get());
            delete.count(&self.0).await?;
        }
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

    async fn message_record(
        &mut self,
        group: GroupId,
        route: RouteId,
        kind: MessageKind,
        subject: &str,
    ) -> StoreResult<Option<MessageRecord>> {
        self.message_about(group, route, kind, subject).await
    }

    async fn put_message_record(&mut self, record: &MessageRecord) -> StoreResult<()> {
        use messages::Column;
        let changing = [
            Column::Channel,
            Column::Message,
            Column::Nonce,
            Column::NonceAt,
            Column::Digest,
            Column::RepostedAt,
            Column::GivenUp,
        ];
        let upsert = OnConflict::column(Column::Id).update_columns(changing).to_owned();
        let insert = messages::Entity::insert(row::message_row(record).into_active_model()).on_conflict(upsert);
        insert.exec_without_returning(&self.0).await.stored().map(|_| ())
    }

    async fn update_route(&mut self, route: &Route) -> StoreResult<bool> {
        let row = row::route_row(route)?;
        let update = Sql::new("UPDATE routes SET mode = ").bind(row.mode).text(", ids_only = ").bind(row.ids_only);
        let update = update.text(", filter = ").bind(row.filter).text(", quiet_hours = ").bind(row.quiet_hours);
        let update = update.text(", disabled = ").bind(row.disabled).text(" WHERE id = ").bind(row.id);
        update.count(&self.0).await.map(|changed| changed > 0)
    }

    async fn told_since(&mut self, route: RouteId, since: Timestamp) -> StoreResult<u64> {
        let of_route = messages::Column::RouteId.eq(route.get());
        let tells = messages::Column::Kind.is_in([MessageKind::Ping.as_str(), MessageKind::ThreadPost.as_str()]);
        let recent = messages::Column::NonceAt.gt(since.as_micros());
        messages::Entity::find().filter(of_route).filter(tells).filter(recent).count(&self.0).await.stored()
    }

    async fn put_backlog(&mut self, rows: &[BacklogEntry]) -> StoreResult<()> {
        use route_backlog::Column;
        let known = OnConflict::columns([Column::RouteId, Column::ActivityId]).do_nothing().to_owned();
        for chunk in rows.chunks(CHUNK) {
            let rows = chunk.iter().map(|row| route_backlog::Model {
                route_id: row.route.get(),
                activity_id: row.activity.get(),
                organization_id: row.organization.get(),
                group_id: row.group.get(),
                summary_id: None,
            });
            let insert = route_backlog::Entity::insert_many(rows.map(IntoActiveModel::into_active_model));
            insert.on_conflict(known.clone()).exec_without_returning(&self.0).await.stored()?;
        }
        Ok(())
    }

    async fn take_backlog(&mut self, route: RouteId, summary: MessageRecordId, limit: u16) -> StoreResult<u64> {
        let take = Sql::new("UPDATE route_backlog SET summary_id = ").bind(summary.get());
        let take = take.text(" WHERE route_id = ").bind(route.get()).text(
            " AND activity_id IN (SELECT b.activity_id FROM route_backlog b WHERE b.summary_id IS NULL \
             AND b.route_id = ",
        );
        let take = take.bind(route.get()).text(" ORDER BY b.activity_id LIMIT ").bind(i64::from(limit)).text(")");
        take.count(&self.0).await
    }

    async fn drop_backlog(&mut self, route: RouteId, summary: MessageRecordId) -> StoreResult<()> {
        let gone = Sql::new("DELETE FROM route_backlog WHERE route_id = ").bind(route.get());
        gone.text(" AND summary_id = ").bind(summary.get()).count(&self.0).await.map(|_| ())
    }

    async fn summary_source(&mut self, route: RouteId) -> StoreResult<Option<SummarySource>> {
        let Some(on) = routes::Entity::find_by_id(route.get()).one(&self.0).await.stored()? else { return Ok(None) };
        let visible = projects::Column::HiddenAt.is_null();
        let project = projects::Entity::find_by_id(on.project_id).filter(visible).one(&self.0).await.stored()?;
        let Some(project) = project else { return Ok(None) };
        let first = route_backlog::Entity::find()
            .filter(route_backlog::Column::RouteId.eq(route.get()))
            .filter(route_backlog::Column::SummaryId.is_not_null())
            .order_by_asc(route_backlog::Column::SummaryId);
        let first = first.one(&self.0).await.stored()?.and_then(|row| row.summary_id);
        let taken = match first {
            Some(summary) => Some((MessageRecordId::from_uuid(summary), self.taken_by(route, summary).await?)),
            None => None,
        };
        Ok(Some(SummarySource { route: row::route(on)?, project_slug: row::slug(&project.slug)?, taken }))
    }

    async fn forget_given_up(&mut self, route: RouteId) -> StoreResult<()> {
        let forget =
            Sql::new("UPDATE messages SET given_up = false, reposted_at = NULL WHERE given_up AND route_id = ");
        forget.bind(route.get()).count(&self.0).await.map(|_| ())
    }

    async fn cards_of_user(
        &mut self,
        user: UserId,
        after: Option<CardPlace>,
        limit: u16,
    ) -> StoreResult<Vec<CardPlace>> {
        let mut find = Sql::new(
            "SELECT m.group_id, m.route_id, m.organization_id, r.project_id FROM assignments a \
             JOIN messages m ON m.group_id = a.group_id JOIN routes r ON r.id = m.route_id \
             JOIN projects p ON p.id = r.project_id \
             WHERE m.kind = 'card' AND r.disabled IS NULL AND p.hidden_at IS NULL AND a.user_id = ",
        )
        .bind(user.get());
        if let Some(after) = after {
            find = find.text(" AND (m.group_id, m.route_id) > (").bind(after.group.get()).text(", ");
            find = find.bind(after.route.get()).text(")");
        }
        let find = find.text(" ORDER BY m.group_id, m.route_id LIMIT ").bind(i64::from(limit));
        find.all(&self.0).await?.iter().map(card_place).collect()
    }
}

fn card_place(row: &QueryResult) -> StoreResult<CardPlace> {
    Ok(CardPlace {
        group: GroupId::from_uuid(row.try_get("", "group_id").stored()?),
        route: RouteId::from_uuid(row.try_get("", "route_id").stored()?),
        organization: OrganizationId::new(row.try_get("", "organization_id").stored()?),
        project: ProjectId::new(row.try_get("", "project_id").stored()?),
    })
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

    /// The groups, with their numbers, whose changes a summary has taken.
    async fn taken_by(&self, route: RouteId, summary: Uuid) -> StoreResult<Vec<(GroupId, i64)>> {
        let taken = Sql::new(
            "SELECT g.id, g.number FROM route_backlog b JOIN issue_groups g ON g.id = b.group_id WHERE b.route_id = ",
        );
        let taken = taken.bind(route.get()).text(" AND b.summary_id = ").bind(summary).text(" ORDER BY b.activity_id");
        let read = |row: &QueryResult| {
            let id = GroupId::from_uuid(row.try_get("", "id").stored()?);
            Ok((id, row.try_get("", "number").stored()?))
        };
        taken.all(&self.0).await?.iter().map(read).collect()
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
