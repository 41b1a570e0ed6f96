//! The endpoints of service hooks.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::dates;
use super::super::handle::AzureHandle;
use super::super::ids::{ProjectId, SubscriptionId};
use super::super::refusal::Refusal;
use super::super::state::State;
use super::super::subscription::{Inputs, Subscription, SubscriptionRequest, SubscriptionStatus};
use super::super::test_event;
use super::call::{Answer, Call};

/// How many notifications one list holds unless the caller says.
const DEFAULT_NOTIFICATIONS: usize = 100;

pub(super) fn list(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    let wanted = |name: &str, value: &str| call.query.get(name).is_none_or(|wanted| wanted == value);
    handle.with(|state, _| {
        let found = of_collection(state, call)
            .filter(|subscription| {
                let request = &subscription.request;
                wanted("publisherid", &request.publisher_id)
                    && wanted("eventtype", &request.event_type)
                    && wanted("consumerid", &request.consumer_id)
                    && wanted("consumeractionid", &request.consumer_action_id)
            })
            .map(|subscription| render(state, call, subscription))
            .collect::<Result<_, _>>()?;
        Ok(Answer::list(found))
    })
}

pub(super) fn create(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    let request = SubscriptionRequest::read(&call.body)?;
    handle.act(|state, now_us| {
        check_project(state, call, &request)?;
        let id = SubscriptionId(state.ids.next());
        let subscription = Subscription {
            id,
            collection: call.collection,
            status: request.status.unwrap_or(SubscriptionStatus::Enabled),
            request,
            created_by: call.caller.identity,
            created_us: now_us,
            modified_by: call.caller.identity,
            modified_us: now_us,
            probation: None,
            probation_retries: 0,
            last_probation_us: None,
            last_notification: 0,
        };
        let answer = render(state, call, &subscription)?;
        state.subscriptions.insert(id, subscription);
        Ok(Answer::ok(answer))
    })
}

pub(super) fn get(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    handle.with(|state, _| {
        let subscription = find(state, call)?;
        render(state, call, subscription).map(Answer::ok)
    })
}

/// Replaces the whole. What was masked on reading is taken literally, and a subscription that the
/// system disabled stays so.
pub(super) fn replace(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    let request = SubscriptionRequest::read(&call.body)?;
    handle.act(|state, now_us| {
        check_project(state, call, &request)?;
        let id = find(state, call)?.id;
        let subscription = state.subscriptions.get_mut(&id).ok_or_else(Refusal::unknown_subscription)?;
        if subscription.status != SubscriptionStatus::DisabledBySystem {
            subscription.status = request.status.unwrap_or(subscription.status);
        }
        subscription.request = request;
        subscription.modified_by = call.caller.identity;
        subscription.modified_us = now_us;
        let subscription = state.subscription(id)?;
        render(state, call, subscription).map(Answer::ok)
    })
}

pub(super) fn delete(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    handle.act(|state, _| {
        let id = find(state, call)?.id;
        state.remove_subscription(id)?;
        Ok(Answer::no_content())
    })
}

impl State {
    /// Forgets a subscription with its notifications. What is queued for it will find it gone.
    pub(crate) fn remove_subscription(&mut self, id: SubscriptionId) -> Result<(), Refusal> {
        self.subscriptions.remove(&id).ok_or_else(Refusal::unknown_subscription)?;
        self.notifications.retain(|(subscription, _), _| *subscription != id);
        Ok(())
    }
}

/// A query for subscriptions.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SubscriptionsQuery {
    publisher_id: Option<String>,
    event_type: Option<String>,
    consumer_id: Option<String>,
    consumer_action_id: Option<String>,
    publisher_input_filters: Option<Vec<InputFilter>>,
    consumer_input_filters: Option<Vec<InputFilter>>,
}

/// Conditions that must hold together.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct InputFilter {
    conditions: Vec<InputCondition>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct InputCondition {
    input_id: String,
    #[serde(default)]
    operator: Option<String>,
    #[serde(default)]
    input_value: String,
    #[serde(default)]
    case_sensitive: bool,
}

impl InputCondition {
    fn holds(&self, inputs: &Inputs) -> bool {
        let actual = inputs.get(&self.input_id).map_or("", String::as_str);
        let equal = if self.case_sensitive {
            actual == self.input_value
        } else {
            actual.to_lowercase() == self.input_value.to_lowercase()
        };
        let negated = self.operator.as_deref().is_some_and(|operator| operator.eq_ignore_ascii_case("notEquals"));
        equal != negated
    }
}

/// One of the filters must hold, if there are any.
fn any_holds(filters: Option<&[InputFilter]>, inputs: &Inputs) -> bool {
    filters.is_none_or(|filters| {
        filters.is_empty()
            || filters.iter().any(|filter| filter.conditions.iter().all(|condition| condition.holds(inputs)))
    })
}

pub(super) fn query(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    let query: SubscriptionsQuery = call.json()?;
    let mut answer: Value = call.json()?;
    let wanted = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|wanted| wanted == value);
    let results = handle.with(|state, _| {
        of_collection(state, call)
            .filter(|subscription| {
                let request = &subscription.request;
                wanted(&query.publisher_id, &request.publisher_id)
                    && wanted(&query.event_type, &request.event_type)
                    && wanted(&query.consumer_id, &request.consumer_id)
                    && wanted(&query.consumer_action_id, &request.consumer_action_id)
                    && any_holds(query.publisher_input_filters.as_deref(), &request.publisher_inputs)
                    && any_holds(query.consumer_input_filters.as_deref(), &request.consumer_inputs)
            })
            .map(|subscription| render(state, call, subscription))
            .collect::<Result<Vec<_>, _>>()
    })?;
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("results".into(), results.into());
    }
    Ok(Answer::ok(answer))
}

/// Posts the Fabrikam sample at once. Its outcome changes nothing of the subscription.
pub(super) async fn test(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    let body: Value = call.json()?;
    let stored = body["subscriptionId"].as_str().and_then(|id| id.parse().ok());
    let request = match stored.filter(|id: &uuid::Uuid| !id.is_nil()) {
        Some(id) => {
            handle.with(|state, _| state.subscription(SubscriptionId(id)).map(|found| found.request.clone()))?
        }
        None => SubscriptionRequest::read(body["details"].to_string().as_bytes())?,
    };
    let event = test_event::sample(&request.event_type);
    let now_us = handle.clock().now_us();
    let outcome = handle.post(&request, event.to_string().into()).await;
    let succeeded = outcome.status.is_some_and(|status| (200..300).contains(&status));
    Ok(Answer::ok(json!({
        "id": 1,
        "subscriptionId": body["subscriptionId"],
        "subscriberId": call.caller.identity,
        "eventId": event["id"],
        "status": "completed",
        "result": if succeeded { "succeeded" } else { "failed" },
        "createdDate": dates::short(now_us),
        "modifiedDate": dates::short(now_us),
        "details": {
            "publisherId": request.publisher_id,
            "eventType": request.event_type,
            "consumerId": request.consumer_id,
            "consumerActionId": request.consumer_action_id,
            "event": event,
            "response": outcome.status.map(|status| format!("Status Code: {status}")),
            "errorMessage": (!succeeded).then_some(outcome.detail),
            "requestAttempts": 1,
        },
    })))
}

pub(super) fn notifications(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    let top = call.query.count("maxresults", DEFAULT_NOTIFICATIONS);
    let wanted = |name: &str, value: &Value| call.query.get(name).is_none_or(|wanted| value.as_str() == Some(wanted));
    handle.with(|state, _| {
        let subscription = find(state, call)?;
        let range = (subscription.id, i64::MIN)..=(subscription.id, i64::MAX);
        let found = state
            .notifications
            .range(range)
            .rev()
            .map(|(_, notification)| notification.json(subscription))
            .filter(|value| wanted("status", &value["status"]) && wanted("result", &value["result"]))
            .take(top)
            .collect();
        Ok(Answer::list(found))
    })
}

pub(super) fn notification(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    let number = call.number(1)?;
    handle.with(|state, _| {
        let subscription = find(state, call)?;
        let found = state.notifications.get(&(subscription.id, number)).ok_or_else(Refusal::unknown_route)?;
        Ok(Answer::ok(found.json(subscription)))
    })
}

fn of_collection<'a>(state: &'a State, call: &Call) -> impl Iterator<Item = &'a Subscription> {
    let collection = call.collection;
    state.subscriptions.values().filter(move |subscription| subscription.collection == collection)
}

fn find<'a>(state: &'a State, call: &Call) -> Result<&'a Subscription, Refusal> {
    let subscription = state.subscription(call.subscription()?)?;
    if subscription.collection == call.collection { Ok(subscription) } else { Err(Refusal::unknown_subscription()) }
}

fn render(state: &State, call: &Call, subscription: &Subscription) -> Result<Value, Refusal> {
    let base_url = state.base_url(state.collection(call.collection)?);
    Ok(subscription.json(&state.people, &base_url))
}

/// A project named by the filter must be one of the collection.
fn check_project(state: &State, call: &Call, request: &SubscriptionRequest) -> Result<(), Refusal> {
    let id = request.publisher_input("projectId");
    if id.is_empty() {
        return Ok(());
    }
    let known = id
        .parse()
        .ok()
        .and_then(|id| state.projects.get(&ProjectId(id)))
        .is_some_and(|project| project.collection == call.collection);
    if known {
        Ok(())
    } else {
        Err(Refusal::bad_request(
            "SubscriptionInputException",
            "The value of the input 'projectId' is not a project of this collection.",
        ))
    }
}
