//! Service hooks as tests see and change them.

use serde::Serialize;

use super::AzureHandle;
use crate::azure::ids::{CollectionId, SubscriptionId};
use crate::azure::notification::{DroppedEvent, SimNotification};
use crate::azure::refusal::Refusal;
use crate::azure::subscription::{Inputs, Subscription, SubscriptionStatus};

/// A subscription as tests see it, with the password readable.
#[derive(Clone, Debug, Serialize)]
pub struct SimSubscription {
    /// Its id.
    pub id: SubscriptionId,
    /// Its collection.
    pub collection: CollectionId,
    /// Such as `workitem.updated`.
    pub event_type: String,
    /// The version of the payloads, as asked for.
    pub resource_version: Option<String>,
    /// Whether it delivers.
    pub status: SubscriptionStatus,
    /// The filters.
    pub publisher_inputs: Inputs,
    /// Where to, and how.
    pub consumer_inputs: Inputs,
    /// How often its probation was retried so far.
    pub probation_retries: u32,
}

impl SimSubscription {
    fn of(subscription: &Subscription) -> Self {
        let request = &subscription.request;
        Self {
            id: subscription.id,
            collection: subscription.collection,
            event_type: request.event_type.clone(),
            resource_version: request.resource_version.clone(),
            status: subscription.status,
            publisher_inputs: request.publisher_inputs.clone(),
            consumer_inputs: request.consumer_inputs.clone(),
            probation_retries: subscription.probation_retries,
        }
    }
}

impl AzureHandle {
    /// Every subscription there is.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<SimSubscription> {
        self.with(|state, _| state.subscriptions.values().map(SimSubscription::of).collect())
    }

    /// One subscription.
    ///
    /// # Errors
    /// When there is no such subscription.
    pub fn subscription(&self, id: SubscriptionId) -> Result<SimSubscription, Refusal> {
        self.with(|state, _| state.subscription(id).map(SimSubscription::of))
    }

    /// Disables or enables a subscription, as a person or the system does.
    ///
    /// # Errors
    /// When there is no such subscription.
    pub fn set_subscription_status(&self, id: SubscriptionId, status: SubscriptionStatus) -> Result<(), Refusal> {
        self.act(|state, _| {
            let subscription = state.subscriptions.get_mut(&id).ok_or_else(Refusal::unknown_subscription)?;
            subscription.status = status;
            if status != SubscriptionStatus::OnProbation {
                subscription.probation = None;
                subscription.probation_retries = 0;
            }
            Ok(())
        })
    }

    /// Makes a subscription once more, as a request does that was repeated, or came late.
    ///
    /// # Errors
    /// When there is no such subscription.
    pub fn repeat_subscription(&self, id: SubscriptionId) -> Result<SubscriptionId, Refusal> {
        self.act(|state, now_us| {
            let again = SubscriptionId(state.ids.next());
            let first = state.subscription(id)?.clone();
            let again =
                Subscription { id: again, created_us: now_us, modified_us: now_us, last_notification: 0, ..first };
            let id = again.id;
            state.subscriptions.insert(id, again);
            Ok(id)
        })
    }

    /// Deletes a subscription, as a person does in the browser.
    ///
    /// # Errors
    /// When there is no such subscription.
    pub fn delete_subscription(&self, id: SubscriptionId) -> Result<(), Refusal> {
        self.act(|state, _| state.remove_subscription(id))
    }

    /// The notifications of a subscription that still exists, the oldest first.
    #[must_use]
    pub fn notifications(&self, id: SubscriptionId) -> Vec<SimNotification> {
        self.with(|state, _| {
            state
                .notifications
                .range((id, i64::MIN)..=(id, i64::MAX))
                .map(|(_, notification)| notification.clone())
                .collect()
        })
    }

    /// The last notification of a subscription that still exists.
    #[must_use]
    pub fn last_notification(&self, id: SubscriptionId) -> Option<SimNotification> {
        self.with(|state, _| {
            let mut notifications = state.notifications.range((id, i64::MIN)..=(id, i64::MAX));
            notifications.next_back().map(|(_, notification)| notification.clone())
        })
    }

    /// Events that were lost because their subscription was on probation or disabled.
    #[must_use]
    pub fn dropped_events(&self) -> Vec<DroppedEvent> {
        self.with(|state, _| state.dropped.iter().cloned().collect())
    }
}
