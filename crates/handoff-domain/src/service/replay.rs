//! Replay: does a delivery or a dead row of the outbox again, because a person asked.

use super::error::{UseCaseError, rerun};
use super::essentials::Essentials;
use super::installations::installation_of;
use crate::delivery::DeliveryRecord;
use crate::id::{DeliveryId, InstallationId, OrganizationId, OutboxId};
use crate::outbox::OutboxTask;
use crate::port::{Outbox, StoreError};
use std::sync::Arc;

/// Replays.
#[derive(Clone)]
pub struct Replay {
    /// The shared ports.
    pub base: Essentials,
    /// The outbox.
    pub outbox: Arc<dyn Outbox>,
}

impl Replay {
    /// Makes a delivery pending again and has its work item read, so that the mirror is applied once
    /// more even where the delivery brings nothing new.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a delivery for the organization,
    /// [`UseCaseError::Conflict`] when nothing of it can be done again.
    pub async fn delivery(&self, organization: OrganizationId, id: DeliveryId) -> Result<(), UseCaseError> {
        let found = self.base.reader.delivery(organization, id).await?;
        let (record, _) = found.ok_or(UseCaseError::NotFound { what: "delivery" })?;
        let installation = installation_of(&self.base, organization, record.integration).await?;
        let replayed = rerun(|| self.try_delivery(organization, &record, installation)).await?;
        if !replayed {
            return Err(UseCaseError::Conflict("the delivery is waiting already, or was never understood".to_owned()));
        }
        self.base.wake.inbox();
        self.base.wake.outbox();
        Ok(())
    }

    async fn try_delivery(
        &self,
        organization: OrganizationId,
        record: &DeliveryRecord,
        installation: Option<InstallationId>,
    ) -> Result<bool, StoreError> {
        let mut uow = self.base.store.begin().await?;
        let pending = uow.replay_delivery(record.id, self.base.clock.now()).await?;
        let mut armed = false;
        if let (Some(installation), Some(work_item)) = (installation, record.work_item) {
            let task = OutboxTask::RefreshWorkItem { integration: record.integration, installation, work_item };
            uow.arm(&[self.base.armed(organization, task)]).await?;
            armed = true;
        }
        uow.commit().await.map(|()| pending || armed)
    }

    /// Makes a dead row of the outbox pending again.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a dead row in the organization, or when one of the same
    /// target is pending.
    pub async fn outbox_row(&self, organization: OrganizationId, id: OutboxId) -> Result<(), UseCaseError> {
        let now = self.base.clock.now();
        if !rerun(|| self.outbox.replay(organization, id, now)).await? {
            return Err(UseCaseError::NotFound { what: "dead row that is not pending anew" });
        }
        self.base.wake.outbox();
        Ok(())
    }
}
