//! Deliveries and outbox rows in a unit of work.

use crate::transaction::Transaction;
use crate::{delivery, outbox};
use async_trait::async_trait;
use handoff_domain::delivery::FinishedDelivery;
use handoff_domain::id::{DeliveryId, OrganizationId, OutboxId};
use handoff_domain::outbox::{OutboxArm, OutboxState, Released};
use handoff_domain::port::store::{QueueTx, StoreResult};
use handoff_domain::time::Timestamp;

#[async_trait]
impl QueueTx for Transaction {
    async fn arm(&mut self, rows: &[OutboxArm]) -> StoreResult<()> {
        outbox::arm(&self.0, rows).await
    }

    async fn release(&mut self, organization: OrganizationId, rows: Released, now: Timestamp) -> StoreResult<()> {
        outbox::release(&self.0, organization, rows, now).await
    }

    async fn finish_deliveries(&mut self, rows: &[FinishedDelivery]) -> StoreResult<()> {
        delivery::finish(&self.0, rows).await
    }

    async fn replay_delivery(&mut self, id: DeliveryId, at: Timestamp) -> StoreResult<bool> {
        delivery::replay(&self.0, id, at).await
    }

    async fn finish_outbox(
        &mut self,
        id: OutboxId,
        token: i64,
        generation: i64,
        state: OutboxState,
        reason: Option<String>,
        at: Timestamp,
    ) -> StoreResult<()> {
        outbox::finish(&self.0, id, token, generation, (state, reason, at)).await
    }

    async fn hold_outbox(&mut self, id: OutboxId, token: i64) -> StoreResult<()> {
        outbox::hold(&self.0, id, token).await
    }
}
