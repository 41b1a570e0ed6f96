//! Projects, and taking them apart.

use super::Transaction;
use super::state::{ProjectRow, State, conflict, unless};
use crate::chat::MessageKind;
use crate::id::{ExternalIssueId, GroupId, OrganizationId, ProjectId, TeamId, UserId};
use crate::outbox::{OutboxArm, OutboxState, OutboxTask};
use crate::port::store::{DoomedGroup, DoomedProject, ProjectTx, StoreResult};
use crate::project::{NotificationSetting, Project};
use crate::slug::Slug;
use crate::time::Timestamp;
use async_trait::async_trait;
use std::collections::HashSet;

impl State {
    /// A hidden project as the worker sees it.
    pub(super) fn doomed(row: &ProjectRow) -> Option<DoomedProject> {
        let Project { id, organization, slug, .. } = row.project.clone();
        row.hidden_at.map(|hidden_at| DoomedProject { id, organization, slug, hidden_at })
    }

    fn doomed_group(&self, id: GroupId) -> Option<DoomedGroup> {
        let group = self.groups.get(&id)?.clone();
        let is_card = |kind| kind == MessageKind::Card;
        let cards = self.messages.values().filter(|m| m.group == id && is_card(m.kind) && m.message.is_some());
        let links = self.links.values().filter(|link| link.group == id);
        Some(DoomedGroup { group, cards: cards.cloned().collect(), links: links.cloned().collect() })
    }

    /// Ends the pending rows that `concern`, whoever works on them. They have ended by the time they were due.
    fn end_obsolete(&mut self, reason: &str, concern: impl Fn(&OutboxArm) -> bool) {
        let pending = self.outbox.values_mut().filter(|row| row.state == OutboxState::Pending);
        for row in pending.filter(|row| concern(&row.arm)) {
            row.state = OutboxState::Obsolete;
            let at = row.progress.due_at;
            row.progress.finish(Some(reason.to_owned()), at);
        }
    }

    fn delete_group(&mut self, id: GroupId) {
        self.groups.remove(&id);
        self.assignments.remove(&id);
        self.decisions.remove(&id);
        self.status_decisions.remove(&id);
        self.activities.retain(|_, activity| activity.group != id);
        self.followers.retain(|(group, _), _| *group != id);
        self.links.retain(|_, link| link.group != id);
        self.messages.retain(|_, message| message.group != id);
        self.tracked_items.retain(|_, item| item.group != id);
        self.end_obsolete("its group was deleted", |arm| arm.task.group() == Some(id));
    }

    fn delete_hidden_project(&mut self, id: ProjectId) {
        let routes: HashSet<_> = self.routes.values().filter(|r| r.project == id).map(|r| r.id).collect();
        self.messages.retain(|_, message| !routes.contains(&message.route));
        self.routes.retain(|id, _| !routes.contains(id));
        self.tracking_rules.retain(|_, rule| rule.project != id);
        self.mentions.retain(|(_, project), _| *project != id);
        self.project_teams.retain(|(project, _)| *project != id);
        self.projects.remove(&id);
        self.end_obsolete("its project was deleted", |arm| {
            let outlives = matches!(arm.task, OutboxTask::CloseCard { .. } | OutboxTask::DeleteSubscription { .. });
            arm.project == Some(id) && !outlives
        });
    }
}

#[async_trait]
impl ProjectTx for Transaction {
    async fn insert_project(&mut self, new: &Project) -> StoreResult<ProjectId> {
        unless(self.state.projects.contains_key(&new.id), "project_pkey")?;
        let taken = self.taken_slugs(new.organization, std::slice::from_ref(&new.slug)).await?;
        unless(!taken.is_empty(), "project_slug")?;
        let state = self.write();
        let id = ProjectId::new(state.id_or_next(new.id.get()));
        let row = ProjectRow { project: Project { id, ..new.clone() }, hidden_at: None, last_group: 0 };
        state.projects.insert(id, row);
        Ok(id)
    }

    async fn taken_slugs(&mut self, organization: OrganizationId, slugs: &[Slug]) -> StoreResult<HashSet<Slug>> {
        let visible = self.state.projects.values().filter(|row| row.hidden_at.is_none());
        let own = visible.map(|row| &row.project).filter(|project| project.organization == organization);
        Ok(own.map(|project| project.slug.clone()).filter(|slug| slugs.contains(slug)).collect())
    }

    async fn hold_project(&mut self, organization: OrganizationId, id: ProjectId) -> StoreResult<Option<Project>> {
        Ok(self.state.project_of(organization, id).map(|row| row.project.clone()))
    }

    async fn add_project_team(&mut self, project: ProjectId, team: TeamId) -> StoreResult<()> {
        self.write().project_teams.insert((project, team));
        Ok(())
    }

    async fn remove_project_team(&mut self, project: ProjectId, team: TeamId) -> StoreResult<bool> {
        Ok(self.write().project_teams.remove(&(project, team)))
    }

    async fn put_notification_setting(&mut self, setting: &NotificationSetting) -> StoreResult<()> {
        self.write().mentions.insert((setting.user, setting.project), setting.mention);
        Ok(())
    }

    async fn muted(&mut self, pairs: &[(UserId, ProjectId)]) -> StoreResult<HashSet<(UserId, ProjectId)>> {
        let wants = |pair: &(UserId, ProjectId)| self.state.mentions.get(pair).copied().unwrap_or(true);
        Ok(pairs.iter().filter(|pair| !wants(pair)).copied().collect())
    }

    async fn project_members(&mut self, pairs: &[(UserId, ProjectId)]) -> StoreResult<HashSet<(UserId, ProjectId)>> {
        let joined = |(user, project): &&(UserId, ProjectId)| self.state.is_project_member(*user, *project);
        Ok(pairs.iter().filter(joined).copied().collect())
    }

    async fn project_teams(&mut self, pairs: &[(TeamId, ProjectId)]) -> StoreResult<HashSet<(TeamId, ProjectId)>> {
        let joined = |(team, project): &&(TeamId, ProjectId)| self.state.project_teams.contains(&(*project, *team));
        Ok(pairs.iter().filter(joined).copied().collect())
    }

    async fn hide_project(
        &mut self,
        organization: OrganizationId,
        id: ProjectId,
        at: Timestamp,
    ) -> StoreResult<Option<DoomedProject>> {
        if self.state.project_of(organization, id).is_none() {
            return Ok(None);
        }
        let Some(row) = self.write().projects.get_mut(&id) else { return Ok(None) };
        row.hidden_at = Some(at);
        Ok(State::doomed(row))
    }

    async fn doomed_groups(&mut self, project: ProjectId, limit: u16) -> StoreResult<Vec<DoomedGroup>> {
        if self.state.visible(project).is_some() {
            return Ok(Vec::new());
        }
        let groups = self.state.groups.values().filter(|group| group.project == project);
        Ok(groups.take(usize::from(limit)).filter_map(|group| self.state.doomed_group(group.id)).collect())
    }

    async fn delete_groups(&mut self, groups: &[GroupId]) -> StoreResult<()> {
        let state = self.write();
        for group in groups {
            state.delete_group(*group);
        }
        Ok(())
    }

    async fn delete_unlinked_external_issues(&mut self, ids: &[ExternalIssueId]) -> StoreResult<()> {
        let linked: HashSet<ExternalIssueId> = self.state.links.values().map(|link| link.external_issue).collect();
        self.write().issues.retain(|id, _| !ids.contains(id) || linked.contains(id));
        Ok(())
    }

    async fn delete_project(&mut self, id: ProjectId) -> StoreResult<()> {
        if self.state.projects.get(&id).is_none_or(|row| row.hidden_at.is_none()) {
            return Ok(());
        }
        if self.state.groups.values().any(|group| group.project == id) {
            return conflict("group_project");
        }
        self.write().delete_hidden_project(id);
        Ok(())
    }
}
