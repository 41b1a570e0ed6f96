//! Sync Group Assignee Inbound: carries a tracker's assignee to one linked group. Pure.

use super::assign::assign;
use super::change_set::{ChangeSet, Surroundings, Told};
use super::deassign::deassign;
use super::handle_assign_to::{AssignTo, KnownPeople, handle_assign_to};
use super::precedence::{Heard, How};
use crate::assignee::{Assignee, ChangeSource, Decision};
use crate::id::UserId;
use crate::person::Unresolved;
use crate::port::store::{GroupState, PersonMatch};
use crate::work_item::{ExternalIssue, LinkedGroup, OutwardLink};

/// What a tracker said about a work item.
pub struct Foreign<'a> {
    /// The work item as it is now.
    pub issue: &'a ExternalIssue,
    /// When it was said, and how we know.
    pub heard: Heard,
    /// Who made the change there, where they are one of ours.
    pub changed_by: Option<UserId>,
}

/// What became of it for one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Synced {
    /// The group follows the tracker, or agreed with it already.
    Agrees,
    /// The installation does not let it in.
    ToggledOff,
    /// The group decided later; its own decision stands, and is told to the tracker again.
    Overruled,
    /// Nobody we know; the group keeps its assignee.
    Unresolved(Unresolved),
}

/// Carries the tracker's assignee to a linked group, unless its installation keeps it out or the group
/// decided otherwise later. `matches` are those of that assignee in the group's organization.
pub fn sync_group_assignee_inbound(
    linked: &LinkedGroup,
    state: &GroupState,
    foreign: &Foreign<'_>,
    matches: &[&PersonMatch],
    known: &KnownPeople,
    around: &Surroundings<'_>,
    changes: &mut ChangeSet,
) -> Synced {
    let source = foreign.source(linked);
    if !linked.toggles.inbound_assignee {
        give_way(linked, state, foreign, around, changes);
        return Synced::ToggledOff;
    }
    let target = match handle_assign_to(foreign.issue.assignee.as_ref(), matches, state.group.project, known) {
        AssignTo::Assign(user) => Some(Assignee::User(user)),
        AssignTo::Deassign => None,
        AssignTo::Unresolved(unresolved) => {
            keep(linked, state, &unresolved, around, changes);
            give_way(linked, state, foreign, around, changes);
            return Synced::Unresolved(unresolved);
        }
    };
    if linked.link.unresolved.is_some() {
        changes.unresolved(linked.link.id, None);
        changes.refresh_cards(state, around);
    }
    if foreign.yields_to(state) {
        if state.assignee != target {
            foreign.tell_again(state, Told::Assignee, around, changes);
        }
        return Synced::Overruled;
    }
    // Within what two clocks may differ by it may have been said before what it replaces.
    let at = Decision::after(state.decision.as_ref(), foreign.heard.at);
    if state.assignee == target && foreign.renews(state.decision.as_ref()) {
        changes.keep_assignee(state.group.id, Decision { value: target, at, source });
    }
    match target {
        Some(user) => drop(assign(state, user, source, at, around, changes)),
        None => drop(deassign(state, source, at, around, changes)),
    }
    Synced::Agrees
}

/// The group keeps its assignee; the link says who is waiting to be known.
fn keep(
    linked: &LinkedGroup,
    state: &GroupState,
    unresolved: &Unresolved,
    around: &Surroundings<'_>,
    changes: &mut ChangeSet,
) {
    if linked.link.unresolved.as_ref() != Some(unresolved) {
        changes.unresolved(linked.link.id, Some(unresolved.clone()));
        changes.refresh_cards(state, around);
    }
}

/// What the group decided before the tracker said something that it cannot follow is not written over
/// that: the work item's last word is its own, and only a later decision is told to it.
fn give_way(
    linked: &LinkedGroup,
    state: &GroupState,
    foreign: &Foreign<'_>,
    around: &Surroundings<'_>,
    changes: &mut ChangeSet,
) {
    let Some(decision) = state.decision.as_ref().filter(|_| linked.toggles.outbound_assignee) else { return };
    if foreign.yields_to(state) {
        foreign.tell_again(state, Told::Assignee, around, changes);
    } else if foreign.is_news_to(decision) {
        // Within what two clocks may differ by, the tracker was later.
        changes.said_since(foreign.issue.id, Told::Assignee, decision.at);
    }
}

impl Foreign<'_> {
    fn yields_to(&self, state: &GroupState) -> bool {
        self.heard.yields_to(state.decision.as_ref(), self.issue.integration, self.issue.id)
    }

    /// Whether it is a change that was not clearly made before this decision. One that was may come late, after the
    /// work item was found to agree with what was decided since.
    pub(super) fn is_news_to<T>(&self, decision: &Decision<T>) -> bool {
        self.heard.how == How::News && !decision.overrules(self.heard.at)
    }

    /// Whether it is the group's last word now, of the same value as the one before it, which was a tracker's too.
    /// What was decided here stays what it is: work items are still owed it.
    pub(super) fn renews<T>(&self, decision: Option<&Decision<T>>) -> bool {
        let is_older = |last: &Decision<T>| last.source.external_issue().is_some() && last.at < self.heard.at;
        self.heard.how == How::News && decision.is_none_or(is_older)
    }

    /// The work item is told once more what the group decided, where it hears of that.
    pub(super) fn tell_again(
        &self,
        state: &GroupState,
        told: Told,
        around: &Surroundings<'_>,
        changes: &mut ChangeSet,
    ) {
        let source = match told {
            Told::Assignee => state.decision.as_ref().map(|decision| decision.source),
            Told::Status => state.status_decision.as_ref().map(|decision| decision.source),
        };
        let is_told = |link: &&OutwardLink| {
            link.group == state.group.id
                && link.external_issue == self.issue.id
                && link.lets_out(told)
                && source.is_some_and(|source| link.hears_of(&source))
        };
        for link in around.outward.iter().filter(is_told) {
            changes.converge_on(state, link, around);
        }
    }

    /// Where a change of the group comes from that follows from it.
    pub(super) fn source(&self, linked: &LinkedGroup) -> ChangeSource {
        let (integration, external_issue) = (self.issue.integration, self.issue.id);
        let installation = linked.link.installation;
        let by = match self.heard.how {
            How::Baseline => return ChangeSource::Baseline { integration, installation, external_issue },
            // Another organization's people are nobody here.
            How::Echo { organization, by } => by.filter(|_| organization == linked.link.organization),
            How::News | How::Known | How::Rewound => self.changed_by,
        };
        ChangeSource::Tracker { integration, installation, external_issue, by }
    }
}
