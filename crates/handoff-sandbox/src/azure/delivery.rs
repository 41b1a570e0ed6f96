//! Delivers notifications: one loop that sends what is due and applies the rules of retry.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::RequestBuilder;
use tokio_util::sync::CancellationToken;

use super::handle::AzureHandle;
use super::ids::SubscriptionId;
use super::notification::{Attempt, NotificationResult, NotificationStatus};
use super::queue::Parcel;
use super::retry::{self, Next, Phase, Verdict};
use super::state::State;
use super::subscription::{SubscriptionRequest, SubscriptionStatus};
use crate::clock::micros;
use crate::fault::Fault;

/// How much of an answer's body the history keeps, in bytes.
const MAX_DETAIL: usize = 2_048;

/// What a receiver said.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// None without an answer.
    pub(crate) status: Option<u16>,
    pub(crate) detail: String,
}

/// One request to a receiver.
#[derive(Clone, Debug)]
struct Post {
    request: SubscriptionRequest,
    body: Bytes,
    plan: Plan,
}

/// How an attempt goes, faults considered.
#[derive(Clone, Copy, Debug)]
enum Plan {
    /// So many times. `pretend`: the status taken for the answer, whatever it is.
    Send { times: u8, pretend: Option<u16> },
    /// Not at all, and this is taken for the answer; `None`: no answer.
    Pretend(Option<u16>),
}

/// Sends what is due until stopped.
pub(crate) async fn run(handle: AzureHandle, stop: CancellationToken) {
    let mut nudges = handle.nudges();
    loop {
        nudges.mark_unchanged();
        let concurrent = handle.options().concurrent_deliveries.max(1);
        let (due, next_us) = handle
            .with(|state, now_us| (state.queue.take_due(now_us, concurrent), state.queue.next_wake_us(concurrent)));
        for (due_us, parcel) in due {
            let handle = handle.clone();
            tokio::spawn(async move { deliver(&handle, due_us, parcel).await });
        }
        tokio::select! {
            () = stop.cancelled() => return,
            // Fails only when the simulator is gone, and then it is stopped too.
            _ = nudges.changed() => {}
            () = handle.clock().sleep_until(next_us.unwrap_or(i64::MAX)) => {}
        }
    }
}

/// One attempt, from the queue to its consequences.
async fn deliver(handle: &AzureHandle, due_us: i64, parcel: Parcel) {
    if let Some(post) = prepare(handle, due_us, parcel) {
        let outcome = send(handle, &post).await;
        // A manual clock may have jumped past several retries: they follow from the time each was due.
        let at_us = if handle.clock().is_manual() { due_us } else { handle.clock().now_us() };
        handle.with(|state, _| settle_attempt(state, parcel, &outcome, at_us));
    }
    handle.with(|state, _| state.queue.done(parcel.subscription));
    handle.nudge();
}

/// What to post now, or nothing: the subscription is gone or stopped, or a fault holds it back.
fn prepare(handle: &AzureHandle, due_us: i64, parcel: Parcel) -> Option<Post> {
    let key = (parcel.subscription, parcel.notification);
    let request = handle.with(|state, _| {
        let subscription = state.subscriptions.get(&parcel.subscription)?;
        let running = matches!(subscription.status, SubscriptionStatus::Enabled | SubscriptionStatus::OnProbation);
        let request = subscription.request.clone();
        if !running {
            finish(state, key, NotificationResult::Failed);
            return None;
        }
        Some(request)
    })?;
    let fault = if parcel.delayed { None } else { handle.faults().take("deliver") };
    let plan = match fault {
        Some(Fault::Drop) => {
            handle.with(|state, _| finish(state, key, NotificationResult::Filtered));
            return None;
        }
        Some(Fault::Delay(delay)) => {
            let parcel = Parcel { delayed: true, ..parcel };
            handle.with(|state, _| state.queue.send_at(due_us.saturating_add(micros(delay)), parcel));
            return None;
        }
        Some(Fault::RefuseBefore { status }) => Plan::Pretend(Some(status)),
        Some(Fault::Stall) => Plan::Pretend(None),
        Some(Fault::FailAfter { status }) => Plan::Send { times: 1, pretend: Some(status) },
        Some(Fault::Duplicate(times)) => Plan::Send { times: times.max(1), pretend: None },
        Some(Fault::Html) | None => Plan::Send { times: 1, pretend: None },
    };
    handle.with(|state, _| {
        let notification = state.notifications.get_mut(&key)?;
        notification.status = NotificationStatus::RequestInProgress;
        Some(Post { request, body: notification.body.clone(), plan })
    })
}

async fn send(handle: &AzureHandle, post: &Post) -> Outcome {
    let pretended = |status: Option<u16>| Outcome { status, detail: "on demand of a test".into() };
    match post.plan {
        Plan::Pretend(status) => pretended(status),
        Plan::Send { times, pretend } => {
            let mut outcome = handle.post(&post.request, post.body.clone()).await;
            for _ in 1..times {
                outcome = handle.post(&post.request, post.body.clone()).await;
            }
            match pretend {
                Some(_) => pretended(pretend),
                None => outcome,
            }
        }
    }
}

/// Writes the attempt into the history and lets its consequences follow.
fn settle_attempt(state: &mut State, parcel: Parcel, outcome: &Outcome, at_us: i64) {
    let key = (parcel.subscription, parcel.notification);
    // Deleted meanwhile: nothing follows.
    let (Some(subscription), Some(notification)) =
        (state.subscriptions.get_mut(&parcel.subscription), state.notifications.get_mut(&key))
    else {
        return;
    };
    notification.attempts.push(Attempt { at_us, status: outcome.status, detail: outcome.detail.clone() });
    if let Phase::Probation { .. } = notification.phase {
        subscription.probation_retries += 1;
        subscription.last_probation_us = Some(at_us);
    }
    let held_probation = subscription.probation == Some(parcel.notification);
    let verdict = Verdict::of(outcome.status);
    match retry::next(notification.phase, verdict, subscription.probation.is_some()) {
        Next::Delivered => {
            if held_probation {
                subscription.status = SubscriptionStatus::Enabled;
                end_probation(subscription);
            }
            finish(state, key, NotificationResult::Succeeded);
        }
        Next::Retry { after, phase } => {
            notification.phase = phase;
            notification.status = NotificationStatus::Queued;
            if let Phase::Probation { retries: 0 } = phase {
                subscription.status = SubscriptionStatus::OnProbation;
                subscription.probation = Some(parcel.notification);
            }
            let due_us = at_us.saturating_add(micros(after));
            state.queue.send_at(due_us, Parcel { delayed: false, ..parcel });
        }
        Next::Failed => finish(state, key, NotificationResult::Failed),
        Next::Disable => {
            subscription.status = SubscriptionStatus::DisabledBySystem;
            end_probation(subscription);
            finish(state, key, NotificationResult::Failed);
        }
    }
}

fn end_probation(subscription: &mut super::subscription::Subscription) {
    subscription.probation = None;
    subscription.probation_retries = 0;
}

fn finish(state: &mut State, key: (SubscriptionId, i64), result: NotificationResult) {
    if let Some(notification) = state.notifications.get_mut(&key) {
        notification.status = NotificationStatus::Completed;
        notification.result = result;
    }
}

impl AzureHandle {
    /// Posts a body as a delivery of a subscription made like this.
    pub(crate) async fn post(&self, subscription: &SubscriptionRequest, body: Bytes) -> Outcome {
        let timeout: Duration = self.options().delivery_timeout;
        let mut post = self
            .client()
            .post(subscription.consumer_input("url"))
            .timeout(timeout)
            .header(CONTENT_TYPE, "application/json; charset=utf-8");
        let user = subscription.consumer_input("basicAuthUsername");
        let password = subscription.consumer_input("basicAuthPassword");
        if !(user.is_empty() && password.is_empty()) {
            post = post.basic_auth(user, Some(password));
        }
        for line in subscription.consumer_input("httpHeaders").lines() {
            let header = line.split_once(':').and_then(|(name, value)| {
                Some((HeaderName::try_from(name.trim()).ok()?, HeaderValue::try_from(value.trim()).ok()?))
            });
            if let Some((name, value)) = header {
                post = post.header(name, value);
            }
        }
        match read_answer(post.body(body)).await {
            Ok(outcome) => outcome,
            Err(error) => Outcome {
                status: None,
                detail: if error.is_timeout() {
                    "The receiver did not answer in time.".into()
                } else {
                    "The receiver could not be reached.".into()
                },
            },
        }
    }
}

/// Sends a request and reads the beginning of the answer. One that breaks off is no answer.
async fn read_answer(request: RequestBuilder) -> reqwest::Result<Outcome> {
    let mut answer = request.send().await?;
    let status = answer.status().as_u16();
    let mut shown = Vec::new();
    while shown.len() < MAX_DETAIL
        && let Some(chunk) = answer.chunk().await?
    {
        shown.extend_from_slice(&chunk);
    }
    shown.truncate(MAX_DETAIL);
    Ok(Outcome { status: Some(status), detail: String::from_utf8_lossy(&shown).into_owned() })
}
