//! Sync Group Assignee Inbound: carries a tracker's assignee to one linked group. Pure.

use super::assign::assign;
use super::change_set::{ChangeSet, Surroundings};
use super::deassign::deassign;
use super::handle_assign_to::{AssignTo, KnownPeople, handle_assign_to};
use crate::assignee::{Assignee, ChangeSource};
use crate::id::UserId;
use crate::person::Unresolved;
use crate::port::store::{GroupState, PersonMatch};
use crate::time::Timestamp;
use crate::work_item::{ExternalIssue, LinkedGroup};

/// What a tracker said about a work item's assignee.
pub struct Foreign<'a> {
    /// The work item as it is now.
    pub issue: &'a ExternalIssue,
    /// When it was said, by our clock.
    pub at: Timestamp,
    /// A first link: the tracker wins, nobody is mentioned.
    pub baseline: bool,
}

/// What became of it for one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Synced {
    /// The group follows the tracker, or agreed with it already.
    Agrees,
    /// The installation does not let the tracker's assignee in.
    ToggledOff,
    /// The group decided later; its own decision stands.
    Overruled,
    /// Nobody we know; the group keeps its assignee.
    Unresolved(Unresolved),
}

/// Who a tracker's people are for one organization.
pub struct Resolved<'a> {
    /// Matches of the work item's assignee.
    pub assignee: Vec<&'a PersonMatch>,
    /// Who made the change, where they are one of ours.
    pub changed_by: Option<UserId>,
}

/// Carries the tracker's assignee to a linked group, unless its installation keeps it out or the group
/// decided otherwise more than two seconds later.
pub fn sync_group_assignee_inbound(
    linked: &LinkedGroup,
    state: &GroupState,
    foreign: &Foreign<'_>,
    resolved: &Resolved<'_>,
    known: &KnownPeople,
    around: &Surroundings<'_>,
    changes: &mut ChangeSet,
) -> Synced {
    if !linked.inbound_assignee {
        return Synced::ToggledOff;
    }
    let target = match handle_assign_to(foreign.issue.assignee.as_ref(), &resolved.assignee, state.group.project, known)
    {
        AssignTo::Assign(user) => Some(Assignee::User(user)),
        AssignTo::Deassign => None,
        AssignTo::Unresolved(unresolved) => return keep(linked, state, unresolved, around, changes),
    };
    if linked.link.unresolved.is_some() {
        changes.unresolved(linked.link.id, None);
        changes.refresh_cards(state, around);
    }
    let overruled = state.decision.as_ref().is_some_and(|decision| decision.overrules(foreign.at));
    if overruled && !foreign.baseline {
        return Synced::Overruled;
    }
    let source = source_of(linked, foreign, resolved);
    match target {
        Some(user) => drop(assign(state, user, source, foreign.at, around, changes)),
        None => drop(deassign(state, source, foreign.at, around, changes)),
    }
    Synced::Agrees
}

/// The group keeps its assignee; the link says who is waiting to be known.
fn keep(
    linked: &LinkedGroup,
    state: &GroupState,
    unresolved: Unresolved,
    around: &Surroundings<'_>,
    changes: &mut ChangeSet,
) -> Synced {
    if linked.link.unresolved.as_ref() != Some(&unresolved) {
        changes.unresolved(linked.link.id, Some(unresolved.clone()));
        changes.refresh_cards(state, around);
    }
    Synced::Unresolved(unresolved)
}

fn source_of(linked: &LinkedGroup, foreign: &Foreign<'_>, resolved: &Resolved<'_>) -> ChangeSource {
    let (integration, external_issue) = (foreign.issue.integration, foreign.issue.id);
    let installation = linked.link.installation;
    if foreign.baseline {
        ChangeSource::Baseline { integration, installation, external_issue }
    } else {
        ChangeSource::Tracker { integration, installation, external_issue, by: resolved.changed_by }
    }
}
