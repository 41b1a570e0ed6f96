//! Sync Group Status Inbound: carries what a work item's state means to one linked group. Pure.

use super::change_set::{ChangeSet, Surroundings, Told};
use super::set_status::change_status;
use super::sync_group_assignee_inbound::{Foreign, Synced};
use crate::assignee::Decision;
use crate::group::GroupStatus;
use crate::port::store::GroupState;
use crate::work_item::{LinkedGroup, hears_of};

/// Gives a linked group the status that its work item's state means, unless its installation keeps that out
/// or the group decided otherwise later.
pub fn sync_group_status_inbound(
    linked: &LinkedGroup,
    state: &GroupState,
    foreign: &Foreign<'_>,
    means: GroupStatus,
    around: &Surroundings<'_>,
    changes: &mut ChangeSet,
) -> Synced {
    let source = foreign.source(linked);
    let decision = state.status_decision.as_ref();
    if foreign.heard.yields_to(decision, foreign.issue.integration) {
        if state.group.status != means {
            foreign.tell_again(state, Told::Status, around, changes);
        }
        return Synced::Overruled;
    }
    if !linked.toggles.inbound_status {
        // As with the assignee: only a new decision is told over what the tracker said meanwhile.
        let hears = |one: &Decision<GroupStatus>| {
            hears_of(&one.source, foreign.issue.integration, foreign.issue.id, linked.toggles.siblings)
        };
        if linked.toggles.outbound_status && decision.is_some_and(hears) {
            let value = state.group.status;
            changes.set_status(state.group.id, Decision { value, at: foreign.heard.at, source });
        }
        return Synced::ToggledOff;
    }
    change_status(state, means, source, foreign.heard.at, around, changes);
    Synced::Agrees
}
