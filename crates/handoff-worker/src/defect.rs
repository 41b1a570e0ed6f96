//! What becomes of a row whose work panicked or took too long: that was an attempt, and after as many as
//! any other failure is allowed, the row is dead.

use crate::Workers;
use futures::FutureExt;
use handoff_domain::delivery::{ClaimedDelivery, DeliveryState, FinishedDelivery};
use handoff_domain::outbox::{ClaimedTask, OutboxState};
use handoff_domain::port::StoreError;
use handoff_domain::service::carry_out::{MAX_ATTEMPTS, doubled};
use handoff_domain::service::handle_updated_workitem;
use std::future::Future;
use std::panic::AssertUnwindSafe;

/// Why a row failed whose work panicked. The panic itself is in the log.
pub(crate) const PANICKED: &str = "a defect: it panicked";

/// Does `work`; `None` when it panicked. What it shares with others is behind ports, which roll back.
pub(crate) async fn unless_it_panics<T>(work: impl Future<Output = T>) -> Option<T> {
    AssertUnwindSafe(work).catch_unwind().await.ok()
}

/// Counts a failed attempt of a task.
pub(crate) async fn task_failed(workers: &Workers, task: &ClaimedTask, reason: &str) -> Result<(), StoreError> {
    tracing::error!(row = %task.id, task = task.task.kind(), attempts = task.attempts + 1, reason, "a task failed");
    let now = workers.clock.now();
    if task.attempts + 1 < MAX_ATTEMPTS {
        return workers.outbox.fail(task.id, task.token, now.plus(doubled(task.attempts)), reason, true).await;
    }
    let mut uow = workers.carry_out.store.begin().await?;
    let reason = Some(reason.to_owned());
    match uow.finish_outbox(task.id, task.token, task.generation, OutboxState::Dead, reason, now).await {
        Ok(()) => uow.commit().await,
        Err(StoreError::LeaseLost) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Counts a failed attempt of a delivery.
pub(crate) async fn delivery_failed(
    workers: &Workers,
    delivery: &ClaimedDelivery,
    reason: &str,
) -> Result<(), StoreError> {
    let (id, token, attempts) = (delivery.id, delivery.token, delivery.attempts);
    tracing::error!(delivery = %id, work_item = %delivery.work_item, attempts = attempts + 1, reason, "a delivery failed");
    let now = workers.clock.now();
    if attempts + 1 < handle_updated_workitem::MAX_ATTEMPTS {
        return workers.inbox.fail(id, token, now.plus(doubled(attempts)), reason, true).await;
    }
    let mut uow = workers.apply.assignments.store.begin().await?;
    let dead = FinishedDelivery { id, token, state: DeliveryState::Dead, reason: Some(reason.to_owned()), at: now };
    match uow.finish_deliveries(&[dead]).await {
        Ok(()) => uow.commit().await,
        Err(StoreError::LeaseLost) => Ok(()),
        Err(error) => Err(error),
    }
}
