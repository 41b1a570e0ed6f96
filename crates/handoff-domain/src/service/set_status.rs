//! Sets where a group stands: the status, an entry in its history, its cards. Nothing where it stands there.

use super::assignments::{Assignments, look_around};
use super::change_set::ChangeSet;
use super::error::UseCaseError;
use crate::assignee::{ActivityKind, ChangeSource};
use crate::group::GroupStatus;
use crate::port::UnitOfWork;
use crate::port::store::GroupState;

impl Assignments {
    /// Sets the status in a unit of work that holds the group, and writes what follows. Not committed.
    /// `false` if it stood there already.
    pub(super) async fn set_status_locked(
        &self,
        uow: &mut dyn UnitOfWork,
        state: &GroupState,
        status: GroupStatus,
        source: ChangeSource,
    ) -> Result<(bool, ChangeSet), UseCaseError> {
        let mut changes = ChangeSet::default();
        if state.group.status == status {
            return Ok((false, changes));
        }
        let (clock, entropy) = (self.clock.as_ref(), self.entropy.as_ref());
        let around = look_around(uow, &[state.group.project], &[], clock, entropy).await?;
        uow.set_group_status(state.group.id, status).await?;
        let kind = ActivityKind::StatusChanged { from: state.group.status, to: status };
        changes.record(state, kind, source, &around);
        changes.refresh_cards(state, &around);
        changes.write(uow).await?;
        Ok((true, changes))
    }
}
