//! Groups, their assignees and their history.

use super::Transaction;
use super::state::{State, unless};
use crate::assignee::{Activity, Assignee, Assignment, Decision, FollowReason, Follower};
use crate::group::{Group, GroupStatus};
use crate::id::{GroupId, ProjectId};
use crate::port::store::{GroupState, GroupTx, StoreResult};
use crate::time::Timestamp;
use async_trait::async_trait;
use std::collections::BTreeSet;

impl State {
    fn group_state(&self, id: GroupId) -> Option<GroupState> {
        let group = self.visible_group(id)?.clone();
        Some(GroupState {
            assignee: self.assignments.get(&id).map(|row| row.assignee),
            decision: self.decisions.get(&id).cloned(),
            status_decision: self.status_decisions.get(&id).cloned(),
            issue_sync: self.organizations.get(&group.organization).is_some_and(|one| one.issue_sync),
            group,
        })
    }
}

#[async_trait]
impl GroupTx for Transaction {
    async fn next_group_number(&mut self, project: ProjectId) -> StoreResult<Option<i64>> {
        if self.state.visible(project).is_none() {
            return Ok(None);
        }
        Ok(self.write().projects.get_mut(&project).map(|row| {
            row.last_group += 1;
            row.last_group
        }))
    }

    async fn insert_group(&mut self, new: &Group) -> StoreResult<()> {
        let known = &self.state.groups;
        unless(known.contains_key(&new.id), "group_pkey")?;
        let same = |group: &Group| group.project == new.project && group.number == new.number;
        unless(known.values().any(same), "group_number")?;
        self.write().groups.insert(new.id, new.clone());
        Ok(())
    }

    async fn lock_groups(&mut self, ids: &[GroupId]) -> StoreResult<Vec<GroupState>> {
        let ids: BTreeSet<&GroupId> = ids.iter().collect();
        Ok(ids.into_iter().filter_map(|id| self.state.group_state(*id)).collect())
    }

    async fn put_status_decisions(&mut self, rows: &[(GroupId, Decision<GroupStatus>)]) -> StoreResult<()> {
        let state = self.write();
        for (id, decision) in rows {
            if let Some(group) = state.groups.get_mut(id) {
                group.status = decision.value;
                state.status_decisions.insert(*id, decision.clone());
            }
        }
        Ok(())
    }

    async fn touch_groups(&mut self, ids: &[GroupId], at: Timestamp) -> StoreResult<()> {
        let state = self.write();
        for id in ids {
            if let Some(group) = state.groups.get_mut(id) {
                group.last_event_at = group.last_event_at.max(at);
            }
        }
        Ok(())
    }

    async fn put_assignments(&mut self, rows: &[Assignment]) -> StoreResult<()> {
        self.write().assignments.extend(rows.iter().map(|row| (row.group, row.clone())));
        Ok(())
    }

    async fn delete_assignments(&mut self, groups: &[GroupId]) -> StoreResult<()> {
        self.write().assignments.retain(|group, _| !groups.contains(group));
        Ok(())
    }

    async fn put_decisions(&mut self, rows: &[(GroupId, Decision)]) -> StoreResult<()> {
        self.write().decisions.extend(rows.iter().cloned());
        Ok(())
    }

    async fn insert_activities(&mut self, rows: &[Activity]) -> StoreResult<()> {
        let state = self.write();
        for row in rows {
            unless(state.activities.contains_key(&row.id), "activity_pkey")?;
            state.activities.insert(row.id, row.clone());
        }
        Ok(())
    }

    async fn add_followers(&mut self, rows: &[Follower]) -> StoreResult<()> {
        let state = self.write();
        for row in rows {
            state.followers.entry((row.group, row.who)).or_insert_with(|| row.clone());
        }
        Ok(())
    }

    async fn remove_followers(&mut self, rows: &[(GroupId, Assignee)], reason: FollowReason) -> StoreResult<()> {
        let goes = |row: &Follower| row.reason == reason && rows.contains(&(row.group, row.who));
        self.write().followers.retain(|_, row| !goes(row));
        Ok(())
    }

    async fn groups_seen_since(
        &mut self,
        project: ProjectId,
        since: Timestamp,
        after: Option<GroupId>,
        limit: u16,
    ) -> StoreResult<Vec<GroupId>> {
        let groups =
            self.state.groups.values().filter(|group| group.project == project && group.last_event_at >= since);
        let groups = groups.map(|group| group.id).filter(|id| after.is_none_or(|after| *id > after));
        Ok(groups.take(usize::from(limit)).collect())
    }
}
