//! Deliveries: what webhooks received, kept until applied and for a while after.

use crate::hook::EventType;
use crate::id::{DeliveryId, HookId, IntegrationId, WorkItemNumber};
use crate::time::Timestamp;
use crate::work_item::AzureProjectId;

crate::group::words!(
    /// Where a delivery stands.
    DeliveryState {
        /// Waiting to be applied.
        Pending => "pending",
        /// It brought news and was applied.
        Applied => "applied",
        /// What it brought was known, or older than what was known.
        Superseded => "superseded",
        /// Rightly sent, but nothing of it concerns us.
        Ignored => "ignored",
        /// Rightly sent, but not understood; a reconcile of its project is due instead.
        Quarantined => "quarantined",
        /// Understood, but failed every time it was tried.
        Dead => "dead",
    }
);

/// A delivery to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// The hook it came by.
    pub hook: HookId,
    /// The collection it is about.
    pub integration: IntegrationId,
    /// The Azure DevOps project of the hook.
    pub azure_project: AzureProjectId,
    /// What it says happened; absent when it was not understood.
    pub event_type: Option<EventType>,
    /// The work item, where it names one.
    pub work_item: Option<WorkItemNumber>,
    /// What makes it the same as another delivery of the same thing (see [`idempotency_key`]);
    /// absent when it was not understood.
    pub idempotency_key: Option<String>,
    /// The body as received; where it was too large, its beginning.
    pub payload: Vec<u8>,
    /// `Pending`, `Ignored` or `Quarantined`.
    pub state: DeliveryState,
    /// For people: why it is ignored or quarantined.
    pub reason: Option<String>,
    /// When it arrived.
    pub received_at: Timestamp,
    /// What else must be done because of it, armed in the same commit.
    pub arm: Option<crate::outbox::OutboxArm>,
}

/// The key under which repeats of one event are one delivery: (integration, event, work item, update
/// number, the event's own id), as far as it tells them.
///
/// The update number alone is not enough: a Server that was restored from a backup counts them anew, and
/// its events would pass for repeats. The event's id alone is not enough either: nothing promises that two
/// hooks are told of one update under one id, nor the contrary; where the ids differ, the mirror finds that
/// the second brings nothing.
#[must_use]
pub fn idempotency_key(
    integration: IntegrationId,
    event_type: EventType,
    work_item: WorkItemNumber,
    update: Option<i64>,
    event_id: Option<&str>,
) -> Option<String> {
    let last = match (update, event_id) {
        (Some(update), Some(event)) => format!("u{update}:e{event}"),
        (Some(update), None) => format!("u{update}"),
        (None, Some(event)) => format!("e{event}"),
        (None, None) => return None,
    };
    Some(format!("{integration}:{}:{work_item}:{last}", event_type.as_str()))
}

/// A delivery leased for applying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// The fencing token of this lease: larger than that of any lease before it.
    pub token: i64,
    /// The hook it came by.
    pub hook: HookId,
    /// The collection it is about.
    pub integration: IntegrationId,
    /// The Azure DevOps project of the hook.
    pub azure_project: AzureProjectId,
    /// What it says happened.
    pub event_type: EventType,
    /// The work item.
    pub work_item: WorkItemNumber,
    /// The body as received.
    pub payload: Vec<u8>,
    /// How often it was tried before.
    pub attempts: u32,
    /// When it arrived.
    pub received_at: Timestamp,
}

/// How a claimed delivery ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedDelivery {
    /// Which.
    pub id: DeliveryId,
    /// The lease under which it was worked on.
    pub token: i64,
    /// Any state but `Pending`.
    pub state: DeliveryState,
    /// For people: why.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// A delivery as shown to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// Its id.
    pub id: DeliveryId,
    /// The hook it came by.
    pub hook: HookId,
    /// The collection it is about.
    pub integration: IntegrationId,
    /// The Azure DevOps project of the hook.
    pub azure_project: AzureProjectId,
    /// What it says happened.
    pub event_type: Option<EventType>,
    /// The work item.
    pub work_item: Option<WorkItemNumber>,
    /// Where it stands.
    pub state: DeliveryState,
    /// Why.
    pub reason: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// How often the same event arrived again.
    pub duplicates: u32,
    /// When it arrived.
    pub received_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}
