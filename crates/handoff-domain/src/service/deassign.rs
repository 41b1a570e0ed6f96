//! Deassign: takes a group from whoever has it, with all that follows. Pure; see
//! [`Assignments`](super::Assignments) for the use case around it.

use super::change_set::{ChangeSet, Surroundings, Told};
use crate::assignee::{ActivityKind, ChangeSource, Decision};
use crate::port::store::GroupState;
use crate::time::Timestamp;

/// Takes the group from its assignee: decision, history, the old assignee's follower row, cards; the
/// ownership caches are cleared after the commit. Where it was nobody's, nothing happens; says which.
pub fn deassign(
    state: &GroupState,
    source: ChangeSource,
    decided_at: Timestamp,
    around: &Surroundings<'_>,
    changes: &mut ChangeSet,
) -> bool {
    let Some(previous) = state.assignee else {
        return false;
    };
    changes.clear_assignee(state.group.id, Decision { value: None, at: decided_at, source });
    changes.record(state, ActivityKind::Unassigned { previous }, source, around);
    changes.unfollow(state.group.id, previous);
    changes.refresh_cards(state, around);
    changes.converge(state, &source, Told::Assignee, around);
    true
}
