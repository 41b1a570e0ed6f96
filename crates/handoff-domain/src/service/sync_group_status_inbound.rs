//! Sync Group Status Inbound: carries what a work item's state means to one linked group. Pure.

use super::change_set::{ChangeSet, Surroundings, Told};
use super::set_status::change_status;
use super::sync_group_assignee_inbound::{Foreign, Synced};
use crate::assignee::Decision;
use crate::group::GroupStatus;
use crate::port::store::GroupState;
use crate::work_item::LinkedGroup;

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
    let decision = state.status_decision.as_ref();
    if foreign.heard.yields_to(decision, foreign.issue.integration, foreign.issue.id) {
        if state.group.status != means {
            foreign.tell_again(state, Told::Status, around, changes);
        }
        return Synced::Overruled;
    }
    if !linked.toggles.inbound_status {
        // As with the assignee: only a later decision is told over what the tracker said.
        if let Some(decision) = decision.filter(|decision| foreign.is_news_to(decision)) {
            changes.said_since(foreign.issue.id, Told::Status, decision.at);
        }
        return Synced::ToggledOff;
    }
    let (at, source) = (Decision::after(decision, foreign.heard.at), foreign.source(linked));
    if state.group.status == means && foreign.renews(decision) {
        changes.set_status(state.group.id, Decision { value: means, at, source });
    }
    change_status(state, means, source, at, around, changes);
    Synced::Agrees
}
