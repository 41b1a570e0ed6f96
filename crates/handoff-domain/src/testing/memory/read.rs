//! The queries, over what was last committed.

use super::MemoryStore;
use super::state::{DeliveryRow, OutboxRow, State};
use crate::assignee::Activity;
use crate::chat::{Guild, Route};
use crate::delivery::{DeliveryRecord, DeliveryState};
use crate::group::Group;
use crate::hook::{Hook, HookStatus};
use crate::id::{
    ActivityId, DeliveryId, GroupId, HookId, InstallationId, IntegrationId, LinkId, MappingId, OrganizationId,
    OutboxId, ProjectId, RouteId, TeamId, TrackingRuleId, UserId, WorkItemNumber,
};
use crate::integration::{Chore, ConnectedProject, DueProject, Installation, Integration};
use crate::organization::{Organization, Team, User, UserEmail};
use crate::outbox::{OutboxRecord, OutboxState};
use crate::page::{Page, PageRequest};
use crate::person::{IdentityMapping, UnresolvedKey, UnresolvedPerson};
use crate::port::Reader;
use crate::port::read::{GroupView, Member};
use crate::port::store::{DoomedProject, StoreResult};
use crate::project::Project;
use crate::slug::Slug;
use crate::time::Timestamp;
use crate::token::ApiToken;
use crate::tracking::TrackingRule;
use crate::work_item::{AzureProjectId, ExternalIssue, GroupLink};
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};

/// A page of rows that come by growing key.
fn oldest_first<K: Ord + Copy, T>(rows: impl Iterator<Item = (K, T)>, page: PageRequest<K>) -> Page<T> {
    let rest = rows.filter(|(key, _)| page.after.is_none_or(|after| *key > after));
    Page::from_one_more(rest.map(|(_, row)| row).take(usize::from(page.limit) + 1).collect(), page.limit)
}

/// A page of rows that come by falling key.
fn newest_first<K: Ord + Copy, T>(rows: impl Iterator<Item = (K, T)>, page: PageRequest<K>) -> Page<T> {
    let rest = rows.filter(|(key, _)| page.after.is_none_or(|after| *key < after));
    Page::from_one_more(rest.map(|(_, row)| row).take(usize::from(page.limit) + 1).collect(), page.limit)
}

fn owned((link, issue): (&GroupLink, &ExternalIssue)) -> (GroupLink, ExternalIssue) {
    (link.clone(), issue.clone())
}

fn delivery_record(row: &DeliveryRow) -> DeliveryRecord {
    DeliveryRecord {
        id: row.new.id,
        hook: row.new.hook,
        integration: row.new.integration,
        azure_project: row.new.azure_project.clone(),
        event_type: row.new.event_type,
        work_item: row.new.work_item,
        state: row.new.state,
        reason: row.progress.reason.clone(),
        attempts: row.progress.attempts,
        duplicates: row.duplicates,
        received_at: row.new.received_at,
        finished_at: row.progress.finished_at,
    }
}

fn outbox_record(row: &OutboxRow) -> OutboxRecord {
    OutboxRecord {
        id: row.arm.id,
        task: row.arm.task.clone(),
        state: row.state,
        attempts: row.progress.attempts,
        due_at: row.progress.due_at,
        reason: row.progress.reason.clone(),
    }
}

impl State {
    fn member(&self, organization: OrganizationId, id: UserId) -> Option<Member> {
        let role = *self.memberships.get(&(organization, id))?;
        let own = self.emails.iter().filter(|((user, _), _)| *user == id);
        let emails = own.map(|((user, address), verified)| UserEmail {
            user: *user,
            address: address.clone(),
            verified: *verified,
        });
        Some(Member { user: self.users.get(&id)?.clone(), role, emails: emails.collect() })
    }

    fn team_of(&self, organization: OrganizationId, id: TeamId) -> Option<&Team> {
        self.teams.get(&id).filter(|team| team.organization == organization)
    }

    fn group_view(&self, group: &Group) -> Option<GroupView> {
        Some(GroupView {
            project_slug: self.visible(group.project)?.project.slug.clone(),
            assignee: self.assignments.get(&group.id).map(|row| row.assignee),
            group: group.clone(),
        })
    }

    fn visible_projects(&self, organization: OrganizationId) -> impl Iterator<Item = &Project> {
        let visible = self.projects.values().filter(|row| row.hidden_at.is_none());
        visible.map(|row| &row.project).filter(move |project| project.organization == organization)
    }

    /// A group of a visible project of this organization.
    fn group_of(&self, organization: OrganizationId, id: GroupId) -> Option<&Group> {
        self.visible_group(id).filter(|group| group.organization == organization)
    }

    fn installations_of(&self, organization: OrganizationId) -> impl Iterator<Item = (&Installation, &Integration)> {
        let own = self.installations.values().filter(move |one| one.organization == organization);
        own.filter_map(|one| self.integrations.get(&one.integration).map(|of| (one, of)))
    }

    /// Whether the organization connected the project that a delivery is about.
    fn concerns(&self, organization: OrganizationId, row: &DeliveryRow) -> bool {
        self.connections.values().any(|one| {
            one.organization == organization
                && one.integration == row.new.integration
                && one.azure_project == row.new.azure_project
        })
    }
}

#[async_trait]
impl Reader for MemoryStore {
    async fn ping(&self) -> StoreResult<()> {
        Ok(())
    }

    async fn token_by_digest(&self, digest: &[u8]) -> StoreResult<Option<ApiToken>> {
        Ok(self.snapshot().tokens.values().find(|token| token.digest == digest).cloned())
    }

    async fn organizations(&self, page: PageRequest<OrganizationId>) -> StoreResult<Page<Organization>> {
        Ok(oldest_first(self.snapshot().organizations.values().map(|one| (one.id, one.clone())), page))
    }

    async fn organization(&self, id: OrganizationId) -> StoreResult<Option<Organization>> {
        Ok(self.snapshot().organizations.get(&id).cloned())
    }

    async fn organization_by_slug(&self, slug: &Slug) -> StoreResult<Option<Organization>> {
        Ok(self.snapshot().organizations.values().find(|one| one.slug == *slug).cloned())
    }

    async fn members(&self, organization: OrganizationId, page: PageRequest<UserId>) -> StoreResult<Page<Member>> {
        let state = self.snapshot();
        let own = state.memberships.keys().filter(|(of, _)| *of == organization);
        Ok(oldest_first(own.filter_map(|(_, user)| Some((*user, state.member(organization, *user)?))), page))
    }

    async fn member(&self, organization: OrganizationId, id: UserId) -> StoreResult<Option<Member>> {
        Ok(self.snapshot().member(organization, id))
    }

    async fn teams(&self, organization: OrganizationId, page: PageRequest<TeamId>) -> StoreResult<Page<Team>> {
        let state = self.snapshot();
        let own = state.teams.values().filter(|team| team.organization == organization);
        Ok(oldest_first(own.map(|team| (team.id, team.clone())), page))
    }

    async fn team(&self, organization: OrganizationId, id: TeamId) -> StoreResult<Option<Team>> {
        Ok(self.snapshot().team_of(organization, id).cloned())
    }

    async fn team_users(
        &self,
        organization: OrganizationId,
        team: TeamId,
        page: PageRequest<UserId>,
    ) -> StoreResult<Page<User>> {
        let state = self.snapshot();
        let own =
            state.team_members.iter().filter(|(of, _)| *of == team && state.team_of(organization, team).is_some());
        Ok(oldest_first(own.filter_map(|(_, user)| Some((*user, state.users.get(user)?.clone()))), page))
    }

    async fn projects(&self, organization: OrganizationId, page: PageRequest<ProjectId>) -> StoreResult<Page<Project>> {
        let state = self.snapshot();
        let own = state.visible_projects(organization).map(|project| (project.id, project.clone()));
        Ok(oldest_first(own, page))
    }

    async fn project(&self, organization: OrganizationId, id: ProjectId) -> StoreResult<Option<Project>> {
        Ok(self.snapshot().project_of(organization, id).map(|row| row.project.clone()))
    }

    async fn project_by_slug(&self, organization: OrganizationId, slug: &Slug) -> StoreResult<Option<Project>> {
        Ok(self.snapshot().visible_projects(organization).find(|project| project.slug == *slug).cloned())
    }

    async fn project_teams(&self, organization: OrganizationId, project: ProjectId) -> StoreResult<Vec<Team>> {
        let state = self.snapshot();
        if state.project_of(organization, project).is_none() {
            return Ok(Vec::new());
        }
        let joined = state.project_teams.iter().filter(|(of, _)| *of == project);
        Ok(joined.filter_map(|(_, team)| state.team_of(organization, *team).cloned()).collect())
    }

    async fn doomed_projects(&self, limit: u16) -> StoreResult<Vec<DoomedProject>> {
        let mut doomed: Vec<DoomedProject> = self.snapshot().projects.values().filter_map(State::doomed).collect();
        doomed.sort_by_key(|project| (project.hidden_at, project.id));
        doomed.truncate(usize::from(limit));
        Ok(doomed)
    }

    async fn groups(
        &self,
        organization: OrganizationId,
        project: ProjectId,
        page: PageRequest<GroupId>,
    ) -> StoreResult<Page<GroupView>> {
        let state = self.snapshot();
        let own = state.groups.values().filter(|one| one.project == project && one.organization == organization);
        Ok(oldest_first(own.filter_map(|group| Some((group.id, state.group_view(group)?))), page))
    }

    async fn group(&self, organization: OrganizationId, id: GroupId) -> StoreResult<Option<GroupView>> {
        let state = self.snapshot();
        Ok(state.group_of(organization, id).and_then(|group| state.group_view(group)))
    }

    async fn activities(
        &self,
        organization: OrganizationId,
        group: GroupId,
        page: PageRequest<ActivityId>,
    ) -> StoreResult<Page<Activity>> {
        let state = self.snapshot();
        let known = state.group_of(organization, group).is_some();
        let own = state.activities.values().rev().filter(|activity| known && activity.group == group);
        Ok(newest_first(own.map(|activity| (activity.id, activity.clone())), page))
    }

    async fn integrations(
        &self,
        organization: OrganizationId,
        page: PageRequest<IntegrationId>,
    ) -> StoreResult<Page<Integration>> {
        let state = self.snapshot();
        let mut own: Vec<_> = state.installations_of(organization).map(|(_, of)| (of.id, of.clone())).collect();
        own.sort_by_key(|(id, _)| *id);
        Ok(oldest_first(own.into_iter(), page))
    }

    async fn installations(
        &self,
        organization: OrganizationId,
        page: PageRequest<InstallationId>,
    ) -> StoreResult<Page<(Installation, Integration)>> {
        let state = self.snapshot();
        let own = state.installations_of(organization).map(|(one, of)| (one.id, (one.clone(), of.clone())));
        Ok(oldest_first(own, page))
    }

    async fn installation(
        &self,
        organization: OrganizationId,
        id: InstallationId,
    ) -> StoreResult<Option<(Installation, Integration)>> {
        let state = self.snapshot();
        let found = state.installations_of(organization).find(|(one, _)| one.id == id);
        Ok(found.map(|(one, of)| (one.clone(), of.clone())))
    }

    async fn connected_projects(
        &self,
        organization: OrganizationId,
        installation: InstallationId,
    ) -> StoreResult<Vec<ConnectedProject>> {
        let state = self.snapshot();
        let own = state.connections.values().filter(|one| one.organization == organization);
        Ok(own.filter(|one| one.installation == installation).cloned().collect())
    }

    async fn hooks(&self, organization: OrganizationId, installation: InstallationId) -> StoreResult<Vec<Hook>> {
        let state = self.snapshot();
        let own = state.hooks.values().filter(|hook| hook.organization == organization);
        let alive = own.filter(|hook| hook.installation == installation && hook.status != HookStatus::Deleted);
        Ok(alive.cloned().collect())
    }

    async fn hook(&self, id: HookId) -> StoreResult<Option<(Hook, String)>> {
        let state = self.snapshot();
        let collection = |hook: &Hook| state.integrations.get(&hook.integration).map(|of| of.collection_id.clone());
        Ok(state.hooks.get(&id).and_then(|hook| Some((hook.clone(), collection(hook)?))))
    }

    async fn links(
        &self,
        organization: OrganizationId,
        group: GroupId,
    ) -> StoreResult<Vec<(GroupLink, ExternalIssue)>> {
        let state = self.snapshot();
        Ok(state.links_with_issues(organization).filter(|(link, _)| link.group == group).map(owned).collect())
    }

    async fn link(&self, organization: OrganizationId, id: LinkId) -> StoreResult<Option<(GroupLink, ExternalIssue)>> {
        Ok(self.snapshot().links_with_issues(organization).find(|(link, _)| link.id == id).map(owned))
    }

    async fn linked_work_items(
        &self,
        organization: OrganizationId,
        integration: IntegrationId,
        azure_project: &AzureProjectId,
        after: Option<WorkItemNumber>,
        limit: u16,
    ) -> StoreResult<Vec<WorkItemNumber>> {
        let state = self.snapshot();
        let issues = state.links_with_issues(organization).map(|(_, issue)| issue);
        let asked = issues.filter(|issue| issue.integration == integration && issue.azure_project == *azure_project);
        let numbers: BTreeSet<WorkItemNumber> = asked.map(|issue| issue.number).collect();
        let rest = numbers.into_iter().filter(|number| after.is_none_or(|after| *number > after));
        Ok(rest.take(usize::from(limit)).collect())
    }

    async fn due_projects(&self, chore: Chore, now: Timestamp, limit: u16) -> StoreResult<Vec<DueProject>> {
        let mut due = self.snapshot().due_projects(chore, now);
        due.truncate(usize::from(limit));
        Ok(due)
    }

    async fn unresolved_links(
        &self,
        organization: OrganizationId,
        page: PageRequest<LinkId>,
    ) -> StoreResult<Page<(GroupLink, ExternalIssue)>> {
        let state = self.snapshot();
        let waiting = state.links_with_issues(organization).filter(|(link, _)| link.unresolved.is_some());
        Ok(oldest_first(waiting.map(|found| (found.0.id, owned(found))), page))
    }

    async fn unresolved_people(
        &self,
        organization: OrganizationId,
        page: PageRequest<UnresolvedKey>,
    ) -> StoreResult<Page<UnresolvedPerson>> {
        let state = self.snapshot();
        let mut people: BTreeMap<UnresolvedKey, UnresolvedPerson> = BTreeMap::new();
        for (link, issue) in state.links_with_issues(organization) {
            let Some(unresolved) = &link.unresolved else { continue };
            let (integration, unresolved) = (issue.integration, unresolved.clone());
            let key = UnresolvedKey { who: unresolved.key(), integration };
            let new = || UnresolvedPerson { integration, unresolved, links: 0, groups: Vec::new() };
            let one = people.entry(key).or_insert_with(new);
            one.links += 1;
            if one.groups.len() < UnresolvedPerson::GROUPS {
                one.groups.push(link.group);
            }
        }
        let rest = people.into_iter().filter(|(key, _)| page.after.as_ref().is_none_or(|after| key > after));
        let found = rest.map(|(_, one)| one).take(usize::from(page.limit) + 1).collect();
        Ok(Page::from_one_more(found, page.limit))
    }

    async fn tracking_rules(
        &self,
        organization: OrganizationId,
        page: PageRequest<TrackingRuleId>,
    ) -> StoreResult<Page<TrackingRule>> {
        let state = self.snapshot();
        let own = state.visible_rules().filter(|rule| rule.organization == organization);
        Ok(oldest_first(own.map(|rule| (rule.id, rule.clone())), page))
    }

    async fn tracking_rule(
        &self,
        organization: OrganizationId,
        id: TrackingRuleId,
    ) -> StoreResult<Option<TrackingRule>> {
        let state = self.snapshot();
        let found = state.visible_rules().find(|rule| rule.id == id && rule.organization == organization);
        Ok(found.cloned())
    }

    async fn mappings(
        &self,
        organization: OrganizationId,
        page: PageRequest<MappingId>,
    ) -> StoreResult<Page<IdentityMapping>> {
        let state = self.snapshot();
        let own = state.mappings.values().filter(|one| one.organization == organization);
        Ok(oldest_first(own.map(|one| (one.id, one.clone())), page))
    }

    async fn mapping(&self, organization: OrganizationId, id: MappingId) -> StoreResult<Option<IdentityMapping>> {
        Ok(self.snapshot().mappings.get(&id).filter(|one| one.organization == organization).cloned())
    }

    async fn guilds(&self, organization: OrganizationId) -> StoreResult<Vec<Guild>> {
        Ok(self.snapshot().guilds.values().filter(|guild| guild.organization == organization).cloned().collect())
    }

    async fn routes(&self, organization: OrganizationId, project: ProjectId) -> StoreResult<Vec<Route>> {
        let state = self.snapshot();
        let known = state.project_of(organization, project).is_some();
        Ok(state.routes.values().filter(|route| known && route.project == project).cloned().collect())
    }

    async fn route(&self, organization: OrganizationId, id: RouteId) -> StoreResult<Option<Route>> {
        let state = self.snapshot();
        let visible = |route: &&Route| state.project_of(organization, route.project).is_some();
        Ok(state.routes.get(&id).filter(visible).cloned())
    }

    async fn deliveries(
        &self,
        organization: OrganizationId,
        state: Option<DeliveryState>,
        page: PageRequest<DeliveryId>,
    ) -> StoreResult<Page<DeliveryRecord>> {
        let stored = self.snapshot();
        let asked = |row: &&DeliveryRow| state.is_none_or(|state| row.new.state == state);
        let own = stored.deliveries.values().rev().filter(asked).filter(|row| stored.concerns(organization, row));
        Ok(newest_first(own.map(|row| (row.new.id, delivery_record(row))), page))
    }

    async fn delivery(
        &self,
        organization: OrganizationId,
        id: DeliveryId,
    ) -> StoreResult<Option<(DeliveryRecord, Vec<u8>)>> {
        let state = self.snapshot();
        let found = state.deliveries.get(&id).filter(|row| state.concerns(organization, row));
        Ok(found.map(|row| (delivery_record(row), row.payload.to_vec())))
    }

    async fn outbox(
        &self,
        organization: OrganizationId,
        state: Option<OutboxState>,
        page: PageRequest<OutboxId>,
    ) -> StoreResult<Page<OutboxRecord>> {
        let stored = self.snapshot();
        let asked = |row: &&OutboxRow| state.is_none_or(|state| row.state == state);
        let own = stored.outbox.values().rev().filter(asked).filter(|row| row.arm.organization == organization);
        Ok(newest_first(own.map(|row| (row.arm.id, outbox_record(row))), page))
    }
}
