//! Guilds, routes and messages.

use super::Transaction;
use super::state::{State, unless};
use crate::assignee::Assignee;
use crate::chat::{
    BacklogEntry, CardPlace, CardSource, Guild, MessageKind, MessageRecord, Route, RouteRef, SummarySource,
};
use crate::id::{GroupId, MessageRecordId, OrganizationId, ProjectId, RouteId, UserId};
use crate::organization::DiscordUserId;
use crate::person::Unresolved;
use crate::port::store::{ChatTx, StoreResult};
use crate::time::Timestamp;
use crate::work_item::ExternalIssue;
use async_trait::async_trait;
use std::collections::BTreeSet;

/// What tells one message of a group on a route from another.
type Subject<'a> = (GroupId, RouteId, MessageKind, &'a str);

fn subject_of(record: &MessageRecord) -> Subject<'_> {
    (record.group, record.route, record.kind, &record.subject)
}

impl State {
    fn message_about(&self, subject: &Subject<'_>) -> Option<&MessageRecord> {
        self.messages.values().find(|record| subject_of(record) == *subject)
    }

    /// An assignee's name and Discord account.
    fn shown(&self, assignee: Assignee) -> (Option<String>, Option<DiscordUserId>) {
        match assignee {
            Assignee::User(id) => {
                let user = self.users.get(&id);
                (user.map(|user| user.name.to_string()), user.and_then(|user| user.discord))
            }
            Assignee::Team(id) => (self.teams.get(&id).map(|team| team.name.to_string()), None),
        }
    }

    /// The group's work items with what is unresolved on each, by number.
    fn work_items_of(&self, group: GroupId) -> Vec<(ExternalIssue, Option<Unresolved>)> {
        let links = self.links.values().filter(|link| link.group == group);
        let with_issue = |id| self.issues.get(id).cloned();
        let mut items: Vec<_> =
            links.filter_map(|link| Some((with_issue(&link.external_issue)?, link.unresolved.clone()))).collect();
        items.sort_by_key(|(issue, _)| (issue.number, issue.id));
        items
    }

    fn source_of_card(&self, group: GroupId, route: RouteId) -> Option<CardSource> {
        let (found, on) = (self.visible_group(group)?, self.routes.get(&route)?);
        let assignee = self.assignments.get(&group).map(|row| row.assignee);
        let (assignee_name, assignee_discord) = assignee.map_or((None, None), |who| self.shown(who));
        Some(CardSource {
            group: found.clone(),
            project_slug: self.visible(found.project)?.project.slug.clone(),
            route: on.clone(),
            assignee,
            assignee_name,
            assignee_discord,
            work_items: self.work_items_of(group),
            record: self.message_about(&(group, route, MessageKind::Card, "")).cloned(),
        })
    }
}

#[async_trait]
impl ChatTx for Transaction {
    async fn insert_guild(&mut self, new: &Guild) -> StoreResult<()> {
        unless(self.state.guilds.contains_key(&new.id), "guild_pkey")?;
        self.write().guilds.insert(new.id, new.clone());
        Ok(())
    }

    async fn insert_route(&mut self, new: &Route) -> StoreResult<()> {
        let known = &self.state.routes;
        unless(known.contains_key(&new.id), "route_pkey")?;
        let same = |route: &Route| route.project == new.project && route.channel == new.channel;
        unless(known.values().any(same), "route_channel")?;
        self.write().routes.insert(new.id, new.clone());
        Ok(())
    }

    async fn delete_route(&mut self, organization: OrganizationId, id: RouteId) -> StoreResult<bool> {
        if self.state.routes.get(&id).is_none_or(|route| route.organization != organization) {
            return Ok(false);
        }
        let state = self.write();
        state.messages.retain(|_, record| record.route != id);
        state.backlog.retain(|(route, _), _| *route != id);
        Ok(state.routes.remove(&id).is_some())
    }

    async fn set_route_disabled(&mut self, id: RouteId, reason: Option<String>) -> StoreResult<()> {
        if let Some(route) = self.write().routes.get_mut(&id) {
            route.disabled = reason;
        }
        Ok(())
    }

    async fn groups_with_card(
        &mut self,
        route: RouteId,
        after: Option<GroupId>,
        limit: u16,
    ) -> StoreResult<Vec<GroupId>> {
        let cards = self.state.messages.values();
        let cards = cards.filter(|record| record.route == route && record.kind == MessageKind::Card);
        let groups: BTreeSet<GroupId> = cards.map(|record| record.group).collect();
        Ok(groups.into_iter().filter(|id| after.is_none_or(|after| *id > after)).take(usize::from(limit)).collect())
    }

    async fn routes_of(&mut self, projects: &[ProjectId]) -> StoreResult<Vec<RouteRef>> {
        let enabled = self.state.routes.values().filter(|route| route.disabled.is_none());
        let asked = enabled.filter(|route| projects.contains(&route.project));
        Ok(asked.map(|route| RouteRef { id: route.id, project: route.project, mode: route.mode }).collect())
    }

    async fn card_source(&mut self, group: GroupId, route: RouteId) -> StoreResult<Option<CardSource>> {
        Ok(self.state.source_of_card(group, route))
    }

    async fn message_record(
        &mut self,
        group: GroupId,
        route: RouteId,
        kind: MessageKind,
        subject: &str,
    ) -> StoreResult<Option<MessageRecord>> {
        Ok(self.state.message_about(&(group, route, kind, subject)).cloned())
    }

    async fn put_message_record(&mut self, record: &MessageRecord) -> StoreResult<()> {
        let other = self.state.message_about(&subject_of(record));
        unless(other.is_some_and(|other| other.id != record.id), "message_subject")?;
        self.write().messages.insert(record.id, record.clone());
        Ok(())
    }

    async fn update_route(&mut self, route: &Route) -> StoreResult<bool> {
        let Some(known) = self.write().routes.get_mut(&route.id) else { return Ok(false) };
        known.mode = route.mode;
        known.ids_only = route.ids_only;
        known.filter = route.filter.clone();
        known.quiet_hours = route.quiet_hours.clone();
        known.disabled.clone_from(&route.disabled);
        Ok(true)
    }

    async fn told_since(&mut self, route: RouteId, since: Timestamp) -> StoreResult<u64> {
        let tells = |kind| matches!(kind, MessageKind::Ping | MessageKind::ThreadPost);
        let told = self.state.messages.values().filter(|record| record.route == route && tells(record.kind));
        Ok(told.filter(|record| record.nonce_at > since).map(|_| 1).sum())
    }

    async fn put_backlog(&mut self, rows: &[BacklogEntry]) -> StoreResult<()> {
        for row in rows {
            self.write().backlog.entry((row.route, row.activity)).or_insert((*row, None));
        }
        Ok(())
    }

    async fn take_backlog(&mut self, route: RouteId, summary: MessageRecordId, limit: u16) -> StoreResult<u64> {
        let entries = self.write().backlog.values_mut();
        let free = entries.filter(|(entry, taken)| entry.route == route && taken.is_none()).take(usize::from(limit));
        Ok(free.map(|(_, taken)| *taken = Some(summary)).map(|()| 1).sum())
    }

    async fn drop_backlog(&mut self, route: RouteId, summary: MessageRecordId) -> StoreResult<()> {
        self.write().backlog.retain(|(of, _), (_, taken)| *of != route || *taken != Some(summary));
        Ok(())
    }

    async fn summary_source(&mut self, route: RouteId) -> StoreResult<Option<SummarySource>> {
        let Some(on) = self.state.routes.get(&route) else { return Ok(None) };
        let Some(project) = self.state.visible(on.project) else { return Ok(None) };
        let of_route = || self.state.backlog.values().filter(|(entry, _)| entry.route == route);
        let first = of_route().filter_map(|(_, taken)| *taken).min();
        let numbered = |group| self.state.groups.get(&group).map(|group| (group.id, group.number));
        let taken = first.map(|summary| {
            let entries = of_route().filter(|(_, taken)| *taken == Some(summary));
            (summary, entries.filter_map(|(entry, _)| numbered(entry.group)).collect())
        });
        Ok(Some(SummarySource { route: on.clone(), project_slug: project.project.slug.clone(), taken }))
    }

    async fn forget_given_up(&mut self, route: RouteId) -> StoreResult<()> {
        for record in self.write().messages.values_mut().filter(|record| record.route == route && record.given_up) {
            record.given_up = false;
            record.reposted_at = None;
        }
        Ok(())
    }

    async fn cards_of_user(
        &mut self,
        user: UserId,
        after: Option<CardPlace>,
        limit: u16,
    ) -> StoreResult<Vec<CardPlace>> {
        let has = |group| self.state.assignments.get(&group).is_some_and(|row| row.assignee == Assignee::User(user));
        let enabled = |route| self.state.routes.get(&route).is_some_and(|route| route.disabled.is_none());
        let cards = self.state.messages.values().filter(|record| record.kind == MessageKind::Card);
        let mut places: Vec<CardPlace> = cards
            .filter(|record| has(record.group) && enabled(record.route))
            .filter_map(|record| {
                let project = self.state.visible_group(record.group)?.project;
                let (group, route, organization) = (record.group, record.route, record.organization);
                Some(CardPlace { group, route, organization, project })
            })
            .filter(|place| after.is_none_or(|after| (place.group, place.route) > (after.group, after.route)))
            .collect();
        places.sort_unstable();
        places.truncate(usize::from(limit));
        Ok(places)
    }
}
