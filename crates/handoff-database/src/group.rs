//! Groups, their assignees and their history in a unit of work.

use crate::error::Stored;
use crate::row;
use crate::sql::{CHUNK, Sql, locking};
use crate::table::{activities, assignments, decisions, followers, issue_groups, organizations};
use crate::transaction::Transaction;
use async_trait::async_trait;
use handoff_domain::assignee::{Activity, Assignee, Assignment, Decision, FollowReason, Follower};
use handoff_domain::group::{Group, GroupStatus};
use handoff_domain::id::{GroupId, ProjectId};
use handoff_domain::port::store::{GroupState, GroupTx, StoreResult};
use handoff_domain::time::Timestamp;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashMap;
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

    async fn set_group_status(&mut self, id: GroupId, status: GroupStatus) -> StoreResult<()> {
        let update = Sql::new("UPDATE issue_groups SET status = ").bind(status.as_str()).text(" WHERE id = ");
        update.bind(id.get()).count(&self.0).await.map(|_| ())
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
        for chunk in rows.chunks(CHUNK) {
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
        for chunk in rows.chunks(CHUNK) {
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
    /// Locks groups in the order given and reads what deciding about them needs.
    async fn lock_chunk(&self, ids: &[Uuid]) -> StoreResult<Vec<GroupState>> {
        let lock = locking(&self.0, " FOR UPDATE OF g");
        let locked = Sql::new(
            "SELECT g.id FROM issue_groups g JOIN projects p ON p.id = g.project_id \
             WHERE p.hidden_at IS NULL AND g.id IN ",
        );
        let locked = locked.list(ids.iter().copied()).text(" ORDER BY g.id").text(lock).all(&self.0).await?;
        let held: Vec<Uuid> = locked.iter().map(|row| row.try_get("", "id").stored()).collect::<StoreResult<_>>()?;
        if held.is_empty() {
            return Ok(Vec::new());
        }
        let groups = issue_groups::Entity::find()
            .filter(issue_groups::Column::Id.is_in(held.clone()))
            .order_by_asc(issue_groups::Column::Id)
            .all(&self.0);
        let groups = groups.await.stored()?;
        let assigned = assignments::Entity::find().filter(assignments::Column::GroupId.is_in(held.clone()));
        let assigned: HashMap<Uuid, Option<Assignee>> = assigned
            .all(&self.0)
            .await
            .stored()?
            .into_iter()
            .map(|one| (one.group_id, row::assignee_of(one.user_id, one.team_id)))
            .collect();
        let decided = decisions::Entity::find().filter(decisions::Column::GroupId.is_in(held)).all(&self.0);
        let mut decided: HashMap<Uuid, decisions::Model> =
            decided.await.stored()?.into_iter().map(|one| (one.group_id, one)).collect();
        let tenants: Vec<i64> = groups.iter().map(|group| group.organization_id).collect();
        let tenants = organizations::Entity::find().filter(organizations::Column::Id.is_in(tenants)).all(&self.0);
        let issue_sync: HashMap<i64, bool> =
            tenants.await.stored()?.into_iter().map(|one| (one.id, one.issue_sync)).collect();
        groups
            .into_iter()
            .map(|found| {
                Ok(GroupState {
                    assignee: assigned.get(&found.id).copied().flatten(),
                    decision: decided.remove(&found.id).as_ref().map(row::decision).transpose()?,
                    issue_sync: issue_sync.get(&found.organization_id).copied().unwrap_or(false),
                    group: row::group(found)?,
                })
            })
            .collect()
    }
}
