//! Set Status: opens, resolves or archives a group, with all that follows.

use super::assignments::{About, locked, look_around};
use super::change_set::{ChangeSet, Surroundings, Told};
use super::error::{UseCaseError, rerun};
use super::groups::Groups;
use crate::assignee::{ActivityKind, ChangeSource, Decision};
use crate::group::GroupStatus;
use crate::id::{GroupId, OrganizationId};
use crate::port::store::GroupState;
use crate::time::Timestamp;

impl Groups {
    /// Gives a group a status; `false` if it has it already, and then nothing happened.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a group in the organization.
    pub async fn set_status(
        &self,
        organization: OrganizationId,
        group: GroupId,
        status: GroupStatus,
        source: ChangeSource,
    ) -> Result<bool, UseCaseError> {
        let ticket = self.assignments.ticket().await;
        let (done, changes) = rerun(|| self.try_set_status(organization, group, status, source)).await?;
        self.assignments.tell(ticket, &changes).await;
        Ok(done)
    }

    async fn try_set_status(
        &self,
        organization: OrganizationId,
        group: GroupId,
        status: GroupStatus,
        source: ChangeSource,
    ) -> Result<(bool, ChangeSet), UseCaseError> {
        let (clock, entropy) = (self.assignments.clock.as_ref(), self.assignments.entropy.as_ref());
        let mut uow = self.assignments.store.begin().await?;
        let state = locked(uow.as_mut(), organization, group).await?;
        let mut changes = ChangeSet::default();
        if state.group.status == status {
            return Ok((false, changes));
        }
        let about = About { projects: &[state.group.project], groups: &[group], people: &[] };
        let around = look_around(uow.as_mut(), &about, clock, entropy).await?;
        let decided_at = Decision::after(state.status_decision.as_ref(), around.now);
        let done = change_status(&state, status, source, decided_at, &around, &mut changes);
        changes.write(uow.as_mut()).await?;
        uow.commit().await?;
        Ok((done, changes))
    }
}

/// Gives the group the status: decision, history, cards, work items. The same status again changes nothing
/// and says nothing; says which. Pure.
pub fn change_status(
    state: &GroupState,
    to: GroupStatus,
    source: ChangeSource,
    decided_at: Timestamp,
    around: &Surroundings<'_>,
    changes: &mut ChangeSet,
) -> bool {
    let from = state.group.status;
    if from == to {
        return false;
    }
    changes.set_status(state.group.id, Decision { value: to, at: decided_at, source });
    changes.record(state, ActivityKind::StatusChanged { from, to }, source, around);
    changes.refresh_cards(state, around);
    changes.converge(state, &source, Told::Status, around);
    true
}
