//! Deliveries and outbox rows.

use super::{at, azure_project, from_json};
use crate::error::damaged;
use crate::table::{deliveries, outbox};
use handoff_domain::delivery::{ClaimedDelivery, DeliveryRecord, DeliveryState};
use handoff_domain::hook::EventType;
use handoff_domain::id::{DeliveryId, HookId, IntegrationId, OrganizationId, OutboxId, WorkItemNumber};
use handoff_domain::outbox::{ClaimedTask, OutboxRecord, OutboxState};
use handoff_domain::port::store::StoreResult;
use sea_orm::FromQueryResult;
use uuid::Uuid;

pub(crate) fn claimed_delivery(row: deliveries::Model) -> StoreResult<ClaimedDelivery> {
    let event_type = row.event_type.as_deref().and_then(EventType::from_stored);
    Ok(ClaimedDelivery {
        id: DeliveryId::from_uuid(row.id),
        token: row.lease_token.ok_or_else(|| damaged("lease"))?,
        hook: HookId::from_uuid(row.hook_id),
        integration: IntegrationId::from_uuid(row.integration_id),
        azure_project: azure_project(&row.azure_project)?,
        event_type: event_type.ok_or_else(|| damaged("event type"))?,
        work_item: row.work_item.map(WorkItemNumber::new).ok_or_else(|| damaged("work item number"))?,
        payload: row.payload,
        attempts: u32::try_from(row.attempts).unwrap_or(0),
        received_at: at(row.received_at),
    })
}

/// The columns of a delivery that are shown: all but its payload.
#[derive(Debug, FromQueryResult)]
pub(crate) struct DeliverySummary {
    pub(crate) id: Uuid,
    hook_id: Uuid,
    integration_id: Uuid,
    azure_project: String,
    event_type: Option<String>,
    work_item: Option<i64>,
    state: String,
    reason: Option<String>,
    attempts: i32,
    duplicates: i32,
    received_at: i64,
    finished_at: Option<i64>,
}

pub(crate) fn delivery(row: DeliverySummary) -> StoreResult<DeliveryRecord> {
    Ok(DeliveryRecord {
        id: DeliveryId::from_uuid(row.id),
        hook: HookId::from_uuid(row.hook_id),
        integration: IntegrationId::from_uuid(row.integration_id),
        azure_project: azure_project(&row.azure_project)?,
        event_type: row.event_type.as_deref().and_then(EventType::from_stored),
        work_item: row.work_item.map(WorkItemNumber::new),
        state: DeliveryState::from_stored(&row.state).ok_or_else(|| damaged("delivery state"))?,
        reason: row.reason,
        attempts: u32::try_from(row.attempts).unwrap_or(0),
        duplicates: u32::try_from(row.duplicates).unwrap_or(0),
        received_at: at(row.received_at),
        finished_at: row.finished_at.map(at),
    })
}

pub(crate) fn claimed_task(row: &outbox::Model) -> StoreResult<ClaimedTask> {
    Ok(ClaimedTask {
        id: OutboxId::from_uuid(row.id),
        token: row.lease_token.ok_or_else(|| damaged("lease"))?,
        generation: row.generation,
        organization: OrganizationId::new(row.organization_id),
        task: from_json(&row.task)?,
        attempts: u32::try_from(row.attempts).unwrap_or(0),
    })
}

pub(crate) fn outbox_record(row: &outbox::Model) -> StoreResult<OutboxRecord> {
    Ok(OutboxRecord {
        id: OutboxId::from_uuid(row.id),
        task: from_json(&row.task)?,
        state: OutboxState::from_stored(&row.state).ok_or_else(|| damaged("outbox state"))?,
        attempts: u32::try_from(row.attempts).unwrap_or(0),
        due_at: at(row.due_at),
        reason: row.reason.clone(),
    })
}
