//! Notifications: one event on its way to one subscription, with the history of its attempts.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::dates;
use super::ids::SubscriptionId;
use super::retry::Phase;
use super::subscription::Subscription;

/// Where a notification stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum NotificationStatus {
    /// Waiting for an attempt.
    Queued,
    /// Being sent.
    RequestInProgress,
    /// Nothing more will happen.
    Completed,
}

/// What became of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum NotificationResult {
    /// Not known yet.
    Pending,
    /// The receiver took it.
    Succeeded,
    /// The receiver never took it.
    Failed,
    /// It was never sent, on demand.
    Filtered,
}

/// One try to deliver.
#[derive(Clone, Debug, Serialize)]
pub struct Attempt {
    /// When it was due, on the simulator's clock, in microseconds since the Unix epoch.
    pub at_us: i64,
    /// The status of the answer; none without an answer.
    pub status: Option<u16>,
    /// The beginning of the answer's body, or why there was none.
    pub detail: String,
}

/// A notification as tests see it.
#[derive(Clone, Debug, Serialize)]
pub struct SimNotification {
    /// Its subscription.
    pub subscription: SubscriptionId,
    /// Its number there, from 1.
    pub id: i64,
    /// The event, shared by all subscriptions that match it.
    pub event_id: Uuid,
    /// Such as `workitem.updated`.
    pub event_type: String,
    /// When the event happened, in microseconds since the Unix epoch.
    pub created_us: i64,
    /// Where it stands.
    pub status: NotificationStatus,
    /// What became of it.
    pub result: NotificationResult,
    /// The tries so far.
    pub attempts: Vec<Attempt>,
    /// What is posted.
    #[serde(skip)]
    pub body: Bytes,
    #[serde(skip)]
    pub(crate) phase: Phase,
}

impl SimNotification {
    pub(crate) fn json(&self, subscription: &Subscription) -> Value {
        let last = self.attempts.last();
        let answer = last.and_then(|attempt| {
            attempt.status.map(|status| format!("Status Code: {status}\r\n\r\n{}", attempt.detail))
        });
        let error =
            (self.result == NotificationResult::Failed).then(|| last.map(|attempt| attempt.detail.clone())).flatten();
        let request = &subscription.request;
        json!({
            "id": self.id,
            "subscriptionId": self.subscription,
            "subscriberId": subscription.created_by,
            "eventId": self.event_id,
            "status": self.status,
            "result": self.result,
            "createdDate": dates::short(self.created_us),
            "modifiedDate": dates::short(last.map_or(self.created_us, |attempt| attempt.at_us)),
            "details": {
                "publisherId": request.publisher_id,
                "eventType": self.event_type,
                "consumerId": request.consumer_id,
                "consumerActionId": request.consumer_action_id,
                "event": serde_json::from_slice::<Value>(&self.body).ok(),
                "request": format!("Method: POST\r\nURI: {}", request.consumer_input("url")),
                "response": answer,
                "errorMessage": error,
                "requestAttempts": self.attempts.len(),
                "queuedDate": dates::short(self.created_us),
            },
        })
    }
}

/// An event that no notification was made of, because its subscription did not deliver.
#[derive(Clone, Debug, Serialize)]
pub struct DroppedEvent {
    /// The subscription that would have had it.
    pub subscription: SubscriptionId,
    /// Its status at that time.
    pub status: super::subscription::SubscriptionStatus,
    /// Such as `workitem.updated`.
    pub event_type: String,
    /// The work item.
    pub work_item: i64,
    /// When, in microseconds since the Unix epoch.
    pub at_us: i64,
}
