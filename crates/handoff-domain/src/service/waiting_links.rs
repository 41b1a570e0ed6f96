//! Links that wait for a person: whatever may make that person known (a mapping, a verified address, a
//! team, being active again) arms a read of their work items, in the transaction that made it so.

use super::essentials::{Essentials, due_now};
use crate::id::{OrganizationId, UserId};
use crate::outbox::{OutboxArm, OutboxTask};
use crate::port::{Clock, Entropy, StoreError, UnitOfWork};

/// What reads every work item that waits for one of these members.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn reads_of_waiting(
    uow: &mut dyn UnitOfWork,
    organization: OrganizationId,
    users: &[UserId],
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<Vec<OutboxArm>, StoreError> {
    let waiting = uow.items_waiting_for(organization, users).await?.into_iter();
    let reads = waiting.map(|(integration, installation, work_item)| OutboxTask::RefreshWorkItem {
        integration,
        installation,
        work_item,
    });
    Ok(reads.map(|task| due_now(organization, task, clock, entropy)).collect())
}

impl Essentials {
    /// Arms a read of every work item that waits for one of these members, and another try of what could not be
    /// written of them. Asked after what makes them known is written.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn arm_waiting(
        &self,
        uow: &mut dyn UnitOfWork,
        organization: OrganizationId,
        users: &[UserId],
    ) -> Result<(), StoreError> {
        if users.is_empty() {
            return Ok(());
        }
        let mut rows = reads_of_waiting(uow, organization, users, self.clock.as_ref(), self.entropy.as_ref()).await?;
        // Whoever could not be told to a tracker before may be known there now.
        let troubled = uow.troubled_items(organization, users).await?.into_iter();
        let tries = troubled.map(|(integration, installation, work_item)| OutboxTask::ConvergeWorkItem {
            integration,
            installation,
            work_item,
        });
        rows.extend(tries.map(|task| self.armed(organization, task)));
        if rows.is_empty() { Ok(()) } else { uow.arm(&rows).await }
    }
}
