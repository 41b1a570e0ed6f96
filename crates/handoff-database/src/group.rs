//! Groups, their assignees and their history in a unit of work.

use crate::error::Stored;
use crate::row;
use crate::sql::{CHUNK, Sql, locking};
use crate::table::{activities, assignments, decisions, followers, issue_groups};
use crate::transaction::Transaction;
use async_trait::async_trait;
use handoff_domain::assignee::{Activity, Assignee, Assignment, Decision, FollowReason, Follower};
use handoff_domain::group::{Group, GroupStatus};
use handoff_domain::id::{GroupId, ProjectId};
use handoff_domain::port::store::{GroupState, GroupTx, StoreResult};
use handoff_domain::time::Timestamp;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter, QueryOrder, QueryResult, QuerySelect,
};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

#[async_trait]
impl GroupTx for Transaction {
    async fn next_group_number(&mut self, project: ProjectId) -> StoreResult<Option<i64>> {
        let taken = Sql::new("UPDATE projects SET next_group_number = next_group_number + 1 WHERE id = ")
            .bind(project.get())
            .text(" AND hidden_at IS NULL RETURNING next_group_number - 1 AS number");
        match taken.one(&self.0).await? {
            Some(row) => row.try_get("", "number").stored().map(Some),
            None => Ok(None),
        }
    }

    async fn insert_group(&mut self, new: &Group) -> StoreResult<()> {
        let insert = issue_groups::Entity::insert(row::group_row(new).into_active_model());
        insert.exec_without_returning(&self.0).await.stored().map(|_| ())
    }

    async fn lock_groups(&mut self, ids: &[GroupId]) -> StoreResult<Vec<GroupState>> {
        let mut ids: Vec<Uuid> = ids.iter().map(|id| id.get()).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut states = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK) {
            states.extend(self.lock_chunk(chunk).await?);
        }
        Ok(states)
    }

    async fn put_status_decisions(&mut self, rows: &[(GroupId, Decision<GroupStatus>)]) -> StoreResult<()> {
        let last: BTreeMap<GroupId, &Decision<GroupStatus>> = rows.iter().map(|(group, one)| (*group, one)).collect();
        let mut columns = Vec::with_capacity(last.len());
        for (group, one) in last {
            columns.push((group, one.value.as_str(), one.at.as_micros(), row::json(&one.source)?));
        }
        for chunk in columns.chunks(CHUNK) {
            let update = Sql::new("WITH decided (row_id, word, made_at, origin) AS (VALUES ");
            let update = update.rows(chunk, |sql, (group, status, at, source)| {
                let sql = sql.bind(group.get()).text(", ").bind(*status).text(", ").bind(*at).text(", ");
                sql.bind(source.as_str())
            });
            let update = update.text(
                ") UPDATE issue_groups SET status = word, status_decided_at = made_at, status_source = origin \
                 FROM decided WHERE id = row_id",
            );
            update.count(&self.0).await?;
        }
        Ok(())
    }

    async fn touch_groups(&mut self, ids: &[GroupId], at: Timestamp) -> StoreResult<()> {
        for chunk in ids.chunks(CHUNK) {
            let update = Sql::new("UPDATE issue_groups SET last_event_at = ").bind(at.as_micros());
            let update = update.text(" WHERE last_event_at < ").bind(at.as_micros()).text(" AND id IN ");
            update.list(chunk.iter().map(|id| id.get())).count(&self.0).await?;
        }
        Ok(())
    }

    async fn put_assignments(&mut self, rows: &[Assignment]) -> StoreResult<()> {
        use assignments::Column;
        // In the order of their groups, the last word of each.
        let last: BTreeMap<GroupId, &Assignment> = rows.iter().map(|one| (one.group, one)).collect();
        let last: Vec<&Assignment> = last.into_values().collect();
        for chunk in last.chunks(CHUNK) {
            let upsert = OnConflict::column(Column::GroupId)
                .update_columns([Column::UserId, Column::TeamId, Column::AssignedAt])
                .to_owned();
            let rows = chunk.iter().map(|one| row::assignment_row(one).into_active_model());
            let insert = assignments::Entity::insert_many(rows).on_conflict(upsert);
            insert.exec_without_returning(&self.0).await.stored()?;
        }
        Ok(())
    }

    async fn delete_assignments(&mut self, groups: &[GroupId]) -> StoreResult<()> {
        for chunk in groups.chunks(CHUNK) {
            let delete = Sql::new("DELETE FROM assignments WHERE group_id IN ");
            delete.list(chunk.iter().map(|id| id.get())).count(&self.0).await?;
        }
        Ok(())
    }

    async fn put_decisions(&mut self, rows: &[(GroupId, Decision)]) -> StoreResult<()> {
        use decisions::Column;
        let last: BTreeMap<GroupId, &Decision> = rows.iter().map(|(group, one)| (*group, one)).collect();
        let last: Vec<(GroupId, &Decision)> = last.into_iter().collect();
        for chunk in last.chunks(CHUNK) {
            let upsert = OnConflict::column(Column::GroupId)
                .update_columns([Column::UserId, Column::TeamId, Column::DecidedAt, Column::Source])
                .to_owned();
            let rows =
                chunk.iter().map(|(group, one)| row::decision_row(*group, one).map(IntoActiveModel::into_active_model));
            let rows = rows.collect::<StoreResult<Vec<_>>>()?;
            let insert = decisions::Entity::insert_many(rows).on_conflict(upsert);
            insert.exec_without_returning(&self.0).await.stored()?;
        }
        Ok(())
    }

    async fn insert_activities(&mut self, rows: &[Activity]) -> StoreResult<()> {
        for chunk in rows.chunks(CHUNK) {
            let rows = chunk.iter().map(|one| row::activity_row(one).map(IntoActiveModel::into_active_model));
            let rows = rows.collect::<StoreResult<Vec<_>>>()?;
            activities::Entity::insert_many(rows).exec_without_returning(&self.0).await.stored()?;
        }
        Ok(())
    }

    async fn add_followers(&mut self, rows: &[Follower]) -> StoreResult<()> {
        use followers::Column;
        for chunk in rows.chunks(CHUNK) {
            let keep = OnConflict::columns([Column::GroupId, Column::WhoKind, Column::WhoId]).do_nothing().to_owned();
            let rows = chunk.iter().map(|one| row::follower_row(one).into_active_model());
            let insert = followers::Entity::insert_many(rows).on_conflict(keep);
            insert.exec_without_returning(&self.0).await.stored()?;
        }
        Ok(())
    }

    async fn remove_followers(&mut self, rows: &[(GroupId, Assignee)], reason: FollowReason) -> StoreResult<()> {
        for chunk in rows.chunks(CHUNK) {
            let mut delete = Sql::new("DELETE FROM followers WHERE reason = ").bind(reason.as_str()).text(" AND (");
            for (position, (group, who)) in chunk.iter().enumerate() {
                let (kind, id) = row::who_of(*who);
                let or = if position == 0 { "(group_id = " } else { " OR (group_id = " };
                delete = delete.text(or).bind(group.get()).text(" AND who_kind = ").bind(kind);
                delete = delete.text(" AND who_id = ").bind(id).text(")");
            }
            delete.text(")").count(&self.0).await?;
        }
        Ok(())
    }

    async fn groups_seen_since(
        &mut self,
        project: ProjectId,
        since: Timestamp,
        after: Option<GroupId>,
        limit: u16,
    ) -> StoreResult<Vec<GroupId>> {
        let mut find = issue_groups::Entity::find()
            .select_only()
            .column(issue_groups::Column::Id)
            .filter(issue_groups::Column::ProjectId.eq(project.get()))
            .filter(issue_groups::Column::LastEventAt.gte(since.as_micros()))
            .order_by_asc(issue_groups::Column::Id)
            .limit(u64::from(limit));
        if let Some(after) = after {
            find = find.filter(issue_groups::Column::Id.gt(after.get()));
        }
        let found: Vec<Uuid> = find.into_tuple().all(&self.0).await.stored()?;
        Ok(found.into_iter().map(GroupId::from_uuid).collect())
    }
}

impl Transaction {
    /// Locks groups in the order of their ids and reads what deciding about them needs.
    async fn lock_chunk(&self, ids: &[Uuid]) -> StoreResult<Vec<GroupState>> {
        let held = Sql::new(
            "SELECT g.*, o.issue_sync FROM issue_groups g JOIN projects p ON p.id = g.project_id \
             JOIN organizations o ON o.id = g.organization_id WHERE p.hidden_at IS NULL AND g.id IN ",
        );
        let held = held.list(ids.iter().copied()).text(" ORDER BY g.id");
        let held = held.text(locking(&self.0, " FOR NO KEY UPDATE OF g")).all(&self.0).await?;
        let assigned = assignments::Entity::find().filter(assignments::Column::GroupId.is_in(ids.iter().copied()));
        let assigned: HashMap<Uuid, Option<Assignee>> = assigned
            .all(&self.0)
            .await
            .stored()?
            .into_iter()
            .map(|one| (one.group_id, row::assignee_of(one.user_id, one.team_id)))
            .collect();
        let decided = decisions::Entity::find().filter(decisions::Column::GroupId.is_in(ids.iter().copied()));
        let mut decided: HashMap<Uuid, decisions::Model> =
            decided.all(&self.0).await.stored()?.into_iter().map(|one| (one.group_id, one)).collect();
        let state = |found: &QueryResult| {
            let group = issue_groups::Model::from_query_result(found, "").stored()?;
            Ok(GroupState {
                assignee: assigned.get(&group.id).copied().flatten(),
                decision: decided.remove(&group.id).as_ref().map(row::decision).transpose()?,
                status_decision: row::status_decision(&group)?,
                issue_sync: found.try_get("", "issue_sync").stored()?,
                group: row::group(group)?,
            })
        };
        held.iter().map(state).collect()
    }
}
