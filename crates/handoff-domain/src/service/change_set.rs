//! What follows from decisions: collected by pure functions, written in one unit of work, and told to
//! the caches and workers once that is committed.

use crate::assignee::{Activity, ActivityKind, Assignee, Assignment, ChangeSource, Decision, FollowReason, Follower};
use crate::chat::{RouteMode, RouteRef};
use crate::group::GroupStatus;
use crate::id::{ActivityId, ExternalIssueId, GroupId, LinkId, OrganizationId, OutboxId, ProjectId, TeamId, UserId};
use crate::organization::User;
use crate::outbox::{OutboxArm, OutboxTask};
use crate::person::Unresolved;
use crate::port::store::GroupState;
use crate::port::{AssigneeExistsCache, Entropy, FillTicket, OwnershipDebounce, StoreError, UnitOfWork, Wake};
use crate::route::RouteEvent;
use crate::time::Timestamp;
use crate::work_item::{ExternalIssue, OutwardLink};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What deciding about assignees looks at beside the group itself. Read in the unit of work.
pub struct Surroundings<'a> {
    /// Now.
    pub now: Timestamp,
    /// For ids.
    pub entropy: &'a dyn Entropy,
    /// The enabled routes of the projects concerned.
    pub routes: Vec<RouteRef>,
    /// The users concerned.
    pub users: HashMap<UserId, User>,
    /// The members of the teams concerned.
    pub team_members: HashSet<(TeamId, UserId)>,
    /// Who does not want to be mentioned in which project.
    pub muted: HashSet<(UserId, ProjectId)>,
    /// The work items that hear of the decisions of the groups concerned.
    pub outward: Vec<OutwardLink>,
}

/// What of a group is told outward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Its assignee.
    Assignee,
    /// Its status.
    Status,
}

/// Everything that is to be written.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ChangeSet {
    assignments: BTreeMap<GroupId, (Assignment, Decision)>,
    unassigned: BTreeMap<GroupId, Decision>,
    /// Decisions that leave the assignee as it is.
    kept: BTreeMap<GroupId, Decision>,
    statuses: BTreeMap<GroupId, Decision<GroupStatus>>,
    activities: Vec<Activity>,
    new_followers: Vec<Follower>,
    dropped_followers: Vec<(GroupId, Assignee)>,
    mirrors: Vec<ExternalIssue>,
    unresolved: Vec<(LinkId, Option<Unresolved>)>,
    arms: Vec<OutboxArm>,
}

impl ChangeSet {
    /// Whether nothing is to be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The group has this assignee now.
    pub fn set_assignee(&mut self, state: &GroupState, assignee: Assignee, decision: Decision) {
        let group = &state.group;
        let row = Assignment {
            group: group.id,
            organization: group.organization,
            project: group.project,
            assignee,
            assigned_at: decision.at,
        };
        self.unassigned.remove(&group.id);
        self.kept.remove(&group.id);
        self.assignments.insert(group.id, (row, decision));
    }

    /// The group is nobody's now.
    pub fn clear_assignee(&mut self, group: GroupId, decision: Decision) {
        self.assignments.remove(&group);
        self.kept.remove(&group);
        self.unassigned.insert(group, decision);
    }

    /// The group keeps its assignee, and this is its last word about that now.
    pub fn keep_assignee(&mut self, group: GroupId, decision: Decision) {
        if let Some((_, last)) = self.assignments.get_mut(&group) {
            *last = decision;
        } else if let Some(last) = self.unassigned.get_mut(&group) {
            *last = decision;
        } else {
            self.kept.insert(group, decision);
        }
    }

    /// The group has this status now.
    pub fn set_status(&mut self, group: GroupId, decision: Decision<GroupStatus>) {
        self.statuses.insert(group, decision);
    }

    /// Shows the group as it will be, for a second decision about it in the same unit of work.
    pub fn overlay(&self, state: &mut GroupState) {
        if let Some((row, decision)) = self.assignments.get(&state.group.id) {
            state.assignee = Some(row.assignee);
            state.decision = Some(decision.clone());
        } else if let Some(decision) = self.unassigned.get(&state.group.id) {
            state.assignee = None;
            state.decision = Some(decision.clone());
        } else if let Some(decision) = self.kept.get(&state.group.id) {
            state.decision = Some(decision.clone());
        }
        if let Some(decision) = self.statuses.get(&state.group.id) {
            state.group.status = decision.value;
            state.status_decision = Some(decision.clone());
        }
    }

    /// An entry in the group's history.
    pub fn record(
        &mut self,
        state: &GroupState,
        kind: ActivityKind,
        source: ChangeSource,
        around: &Surroundings<'_>,
    ) -> ActivityId {
        // A history is read in the order of its ids: entries of one moment are told apart by a microsecond.
        let earlier = i64::try_from(self.activities.len()).unwrap_or(i64::MAX);
        let id = ActivityId::generate(around.now.offset_micros(earlier), around.entropy);
        self.post_in_threads(state, id, &kind, around);
        self.activities.push(Activity {
            id,
            organization: state.group.organization,
            project: state.group.project,
            group: state.group.id,
            kind,
            source: Some(source),
            at: around.now,
        });
        id
    }

    /// `who` follows the group because it was assigned to them.
    pub fn follow(&mut self, state: &GroupState, who: Assignee) {
        self.new_followers.push(Follower {
            group: state.group.id,
            organization: state.group.organization,
            who,
            reason: FollowReason::Assigned,
            following: true,
        });
    }

    /// `who` does not follow the group for having been assigned to it any more.
    /// Not even where that was decided a moment ago, in this very unit of work.
    pub fn unfollow(&mut self, group: GroupId, who: Assignee) {
        self.new_followers.retain(|new| (new.group, new.who) != (group, who));
        self.dropped_followers.push((group, who));
    }

    /// The mirror of a work item is this now.
    pub fn mirror(&mut self, issue: ExternalIssue) {
        self.mirrors.push(issue);
    }

    /// What the mirror of a work item, which changes, says of its assignee or its state was said at this time
    /// or later.
    pub fn said_since(&mut self, id: ExternalIssueId, told: Told, at: Timestamp) {
        for issue in self.mirrors.iter_mut().filter(|issue| issue.id == id) {
            let said_at = match told {
                Told::Assignee => &mut issue.assignee_changed_at,
                Told::Status => &mut issue.state_changed_at,
            };
            *said_at = at.max(*said_at);
        }
    }

    /// Who is unresolved on a link.
    pub fn unresolved(&mut self, link: LinkId, who: Option<Unresolved>) {
        self.unresolved.push((link, who));
    }

    /// The group's cards must show the present.
    pub fn refresh_cards(&mut self, state: &GroupState, around: &Surroundings<'_>) {
        for route in around.routes.iter().filter(|r| r.project == state.group.project) {
            let task = OutboxTask::Card { group: state.group.id, route: route.id };
            self.arm(state.group.organization, Some(state.group.project), task, around);
        }
    }

    /// Mentions `user` on the routes that do so.
    pub fn ping(&mut self, state: &GroupState, user: UserId, activity: ActivityId, around: &Surroundings<'_>) {
        let pinging = |r: &&RouteRef| r.project == state.group.project && r.mode == RouteMode::CardAndPing;
        for route in around.routes.iter().filter(pinging) {
            let task = OutboxTask::Ping { group: state.group.id, route: route.id, user, activity };
            self.arm(state.group.organization, Some(state.group.project), task, around);
        }
        for row in &mut self.arms {
            if let OutboxTask::ThreadPost { activity: told, mention, .. } = &mut row.task
                && *told == activity
            {
                *mention = Some(user);
            }
        }
    }

    /// Tells an entry of the history in the threads of the group's cards. That a group was made is what
    /// the card itself says.
    fn post_in_threads(
        &mut self,
        state: &GroupState,
        activity: ActivityId,
        kind: &ActivityKind,
        around: &Surroundings<'_>,
    ) {
        let is_told = RouteEvent::of(kind).is_some_and(|event| event != RouteEvent::Created);
        let with_thread = |r: &&RouteRef| is_told && r.project == state.group.project && r.mode == RouteMode::Thread;
        for route in around.routes.iter().filter(with_thread) {
            let (group, route, change) = (state.group.id, route.id, kind.clone());
            let task = OutboxTask::ThreadPost { group, route, activity, change, mention: None };
            self.arm(state.group.organization, Some(state.group.project), task, around);
        }
    }

    /// Nothing of this happened just now: what would be told one by one is gathered for one summary.
    #[must_use]
    pub fn found_late(mut self) -> Self {
        for row in &mut self.arms {
            let gathered = match &row.task {
                OutboxTask::Ping { group, route, activity, .. } => {
                    Some((*group, *route, *activity, RouteEvent::Assigned))
                }
                OutboxTask::ThreadPost { group, route, activity, change, .. } => {
                    RouteEvent::of(change).map(|event| (*group, *route, *activity, event))
                }
                _ => None,
            };
            if let Some((group, route, activity, event)) = gathered {
                row.task = OutboxTask::Gather { group, route, activity, event };
            }
        }
        self
    }

    /// The work items that hear of it are to be made to agree with what the group decided.
    pub fn converge(&mut self, state: &GroupState, source: &ChangeSource, told: Told, around: &Surroundings<'_>) {
        let own = around.outward.iter().filter(|link| link.group == state.group.id && link.hears_of(source));
        for link in own.filter(|link| link.lets_out(told)) {
            self.converge_on(state, link, around);
        }
    }

    /// This work item is to be made to agree with what the group decided.
    pub fn converge_on(&mut self, state: &GroupState, link: &OutwardLink, around: &Surroundings<'_>) {
        let task = OutboxTask::ConvergeWorkItem {
            integration: link.integration,
            installation: link.installation,
            work_item: link.number,
        };
        self.arm(state.group.organization, None, task, around);
    }

    /// Something is to be done outside.
    pub fn arm(
        &mut self,
        organization: OrganizationId,
        project: Option<ProjectId>,
        task: OutboxTask,
        around: &Surroundings<'_>,
    ) {
        let known = task.target().is_some() && self.arms.iter().any(|row| row.task == task);
        if !known {
            let id = OutboxId::generate(around.now, around.entropy);
            self.arms.push(OutboxArm { id, organization, project, task, due_at: around.now });
        }
    }

    /// The mirror of a work item as it will be, where it changes.
    #[must_use]
    pub fn mirror_of(&self, id: ExternalIssueId) -> Option<&ExternalIssue> {
        self.mirrors.iter().rev().find(|issue| issue.id == id)
    }

    /// Takes over what was written separately in the same unit of work, to be told together.
    pub fn absorb(&mut self, other: Self) {
        for group in other.assignments.keys() {
            self.unassigned.remove(group);
            self.kept.remove(group);
        }
        for group in other.unassigned.keys() {
            self.assignments.remove(group);
            self.kept.remove(group);
        }
        for (group, decision) in other.kept {
            self.keep_assignee(group, decision);
        }
        self.statuses.extend(other.statuses);
        self.assignments.extend(other.assignments);
        self.unassigned.extend(other.unassigned);
        self.activities.extend(other.activities);
        self.new_followers.extend(other.new_followers);
        self.dropped_followers.extend(other.dropped_followers);
        self.mirrors.extend(other.mirrors);
        self.unresolved.extend(other.unresolved);
        self.arms.extend(other.arms);
    }

    /// Rows that somebody else made.
    pub fn arm_rows(&mut self, rows: Vec<OutboxArm>) {
        self.arms.extend(rows);
    }

    /// Writes everything.
    ///
    /// # Errors
    /// [`StoreError`]; the caller then drops the unit of work.
    pub async fn write(&self, uow: &mut dyn UnitOfWork) -> Result<(), StoreError> {
        if !self.mirrors.is_empty() {
            // One that somebody else made meanwhile is found in the next run.
            uow.put_external_issues(&self.mirrors).await.map_err(|error| {
                if error.is_conflict_with("external_issue_number") { StoreError::Retry } else { error }
            })?;
        }
        if !self.unresolved.is_empty() {
            uow.set_unresolved(&self.unresolved).await?;
        }
        if !self.assignments.is_empty() {
            let rows: Vec<Assignment> = self.assignments.values().map(|(row, _)| row.clone()).collect();
            uow.put_assignments(&rows).await?;
        }
        if !self.unassigned.is_empty() {
            uow.delete_assignments(&self.unassigned_groups()).await?;
        }
        let decided = self.assignments.iter().map(|(group, (_, decision))| (*group, decision.clone()));
        let undecided = self.unassigned.iter().map(|(group, decision)| (*group, decision.clone()));
        let kept = self.kept.iter().map(|(group, decision)| (*group, decision.clone()));
        let decisions: Vec<(GroupId, Decision)> = decided.chain(undecided).chain(kept).collect();
        if !decisions.is_empty() {
            uow.put_decisions(&decisions).await?;
        }
        if !self.statuses.is_empty() {
            let rows: Vec<_> = self.statuses.iter().map(|(group, decision)| (*group, decision.clone())).collect();
            uow.put_status_decisions(&rows).await?;
        }
        if !self.activities.is_empty() {
            uow.insert_activities(&self.activities).await?;
        }
        if !self.dropped_followers.is_empty() {
            uow.remove_followers(&self.dropped_followers, FollowReason::Assigned).await?;
        }
        if !self.new_followers.is_empty() {
            uow.add_followers(&self.new_followers).await?;
        }
        for (at, groups) in self.touched_by_time() {
            uow.touch_groups(&groups, at).await?;
        }
        if !self.arms.is_empty() {
            uow.arm(&self.arms).await?;
        }
        Ok(())
    }

    fn touched_by_time(&self) -> BTreeMap<Timestamp, Vec<GroupId>> {
        let mut by_time: BTreeMap<Timestamp, Vec<GroupId>> = BTreeMap::new();
        for activity in &self.activities {
            by_time.entry(activity.at).or_default().push(activity.group);
        }
        by_time
    }

    /// The groups that are nobody's now.
    #[must_use]
    pub fn unassigned_groups(&self) -> Vec<GroupId> {
        self.unassigned.keys().copied().collect()
    }

    /// Tells the caches and the workers what was committed, but for the groups that are nobody's now:
    /// those Invalidate Assignee-Exists Cache tells of. Best effort: lifetimes and polls repair what is
    /// lost here. `ticket` was taken before the unit of work began: a group that somebody else took back
    /// meanwhile is not remembered as assigned.
    pub async fn after_commit(
        &self,
        ticket: FillTicket,
        cache: &dyn AssigneeExistsCache,
        debounce: &dyn OwnershipDebounce,
        wake: &dyn Wake,
    ) {
        let assigned: Vec<(GroupId, bool)> = self.assignments.keys().map(|group| (*group, true)).collect();
        if !assigned.is_empty() {
            cache.fill(ticket, &assigned).await;
        }
        let unassigned = self.unassigned_groups();
        if !unassigned.is_empty() {
            debounce.forget(&unassigned).await;
        }
        if !self.arms.is_empty() {
            wake.outbox();
        }
    }
}

impl OutwardLink {
    /// Whether its installation lets this outward.
    #[must_use]
    pub const fn lets_out(&self, told: Told) -> bool {
        match told {
            Told::Assignee => self.toggles.outbound_assignee,
            Told::Status => self.toggles.outbound_status,
        }
    }
}

#[cfg(test)]
impl ChangeSet {
    /// The kinds of what is to be done outside, in order.
    pub(crate) fn armed_kinds(&self) -> Vec<&'static str> {
        self.arms.iter().map(|row| row.task.kind()).collect()
    }

    /// Who is to follow from now on.
    pub(crate) fn followers_to_be(&self) -> Vec<Assignee> {
        self.new_followers.iter().map(|new| new.who).collect()
    }

    /// Whether somebody does not follow any more.
    pub(crate) fn drops_a_follower(&self) -> bool {
        !self.dropped_followers.is_empty()
    }
}
