//! Service hook subscriptions: what they ask for, how they read back, and which events they match.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::dates;
use super::ids::{CollectionId, IdentityId, SubscriptionId};
use super::people::Directory;
use super::refusal::Refusal;
use super::work_item::{Update, WorkItem};

/// The events of work items that a subscription can ask for.
pub(crate) const EVENT_TYPES: &[&str] =
    &["workitem.created", "workitem.updated", "workitem.deleted", "workitem.restored", "workitem.commented"];

/// What a confidential input reads back as.
const MASK: &str = "********";
/// The longest basic-auth name or password (Azure DevOps docs, web hooks consumer).
const MAX_CREDENTIAL_LENGTH: usize = 256;

/// Inputs by id. All are strings.
pub(crate) type Inputs = BTreeMap<String, String>;

/// Whether a subscription delivers, and if not, who stopped it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SubscriptionStatus {
    /// It delivers.
    Enabled,
    /// One notification is retried at growing intervals; new events are lost.
    OnProbation,
    /// A person switched it off.
    DisabledByUser,
    /// It answered 410, or its probation ran out.
    DisabledBySystem,
    /// The person who made it is gone.
    DisabledByInactiveIdentity,
}

/// A subscription.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) id: SubscriptionId,
    pub(crate) collection: CollectionId,
    pub(crate) request: SubscriptionRequest,
    pub(crate) status: SubscriptionStatus,
    pub(crate) created_by: IdentityId,
    pub(crate) created_us: i64,
    pub(crate) modified_by: IdentityId,
    pub(crate) modified_us: i64,
    /// The notification that put it on probation.
    pub(crate) probation: Option<i64>,
    pub(crate) probation_retries: u32,
    pub(crate) last_probation_us: Option<i64>,
    /// Notifications are numbered per subscription.
    pub(crate) last_notification: i64,
}

/// What a caller asks for when creating or replacing a subscription.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SubscriptionRequest {
    pub(crate) publisher_id: String,
    pub(crate) event_type: String,
    #[serde(default)]
    pub(crate) resource_version: Option<String>,
    pub(crate) consumer_id: String,
    pub(crate) consumer_action_id: String,
    #[serde(default)]
    pub(crate) publisher_inputs: Inputs,
    #[serde(default)]
    pub(crate) consumer_inputs: Inputs,
    #[serde(default)]
    pub(crate) status: Option<SubscriptionStatus>,
}

impl SubscriptionRequest {
    pub(crate) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let request: Self = serde_json::from_slice(body)
            .map_err(|error| Refusal::invalid_argument(format!("The subscription cannot be read: {error}")))?;
        request.check()?;
        Ok(request)
    }

    fn check(&self) -> Result<(), Refusal> {
        let invalid = |message: String| Err(Refusal::bad_request("SubscriptionInputException", message));
        if self.publisher_id != "tfs" {
            return invalid(format!("Publisher '{}' does not exist.", self.publisher_id));
        }
        if !EVENT_TYPES.contains(&self.event_type.as_str()) {
            return invalid(format!("Event type '{}' does not exist.", self.event_type));
        }
        if (self.consumer_id.as_str(), self.consumer_action_id.as_str()) != ("webHooks", "httpRequest") {
            return invalid(format!(
                "Consumer action '{}/{}' does not exist.",
                self.consumer_id, self.consumer_action_id
            ));
        }
        let address = self.consumer_input("url").parse::<url::Url>();
        if !address.is_ok_and(|address| matches!(address.scheme(), "http" | "https") && address.has_host()) {
            return invalid("The value of the input 'url' is not a valid URL.".into());
        }
        for name in ["basicAuthUsername", "basicAuthPassword"] {
            let value = self.consumer_input(name);
            if value.len() > MAX_CREDENTIAL_LENGTH || value.contains(char::is_whitespace) {
                return invalid(format!("The value of the input '{name}' is not valid."));
            }
        }
        Ok(())
    }

    pub(crate) fn consumer_input(&self, name: &str) -> &str {
        self.consumer_inputs.get(name).map_or("", String::as_str)
    }

    /// An input that narrows the events; empty means any.
    pub(crate) fn publisher_input(&self, name: &str) -> &str {
        self.publisher_inputs.get(name).map_or("", String::as_str)
    }

    /// The version that payloads are written in; without one, the newest released, which is 1.0.
    pub(crate) fn version(&self) -> &str {
        match self.resource_version.as_deref() {
            None | Some("" | "latest") => "1.0",
            Some(version) => version,
        }
    }

    /// Whether the filters let the event through. `update` is there for `workitem.updated`.
    pub(crate) fn matches(&self, event_type: &str, item: &WorkItem, update: Option<&Update>) -> bool {
        let wanted = |input: &str, holds: &dyn Fn(&str) -> bool| {
            let value = self.publisher_input(input);
            value.is_empty() || holds(value)
        };
        let text = |field: &str| item.text(field).unwrap_or_default();
        self.event_type == event_type
            && wanted("projectId", &|id| item.project.0.to_string().eq_ignore_ascii_case(id))
            && wanted("workItemType", &|name| name == text("System.WorkItemType"))
            && wanted("areaPath", &|path| {
                text("System.AreaPath").strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('\\'))
            })
            && wanted("tag", &|tag| text("System.Tags").split(';').any(|known| known.trim() == tag))
            && wanted("changedFields", &|field| update.is_none_or(|update| update.fields.contains_key(field)))
            && wanted("linksChanged", &|value| {
                value != "true" || update.is_none_or(|update| !update.relations.is_empty())
            })
            && wanted("commentPattern", &|pattern| text("System.History").contains(pattern))
    }
}

impl Subscription {
    /// The subscription as read back: the password masked, and two inputs that nobody asked for.
    pub(crate) fn json(&self, people: &Directory, base_url: &str) -> Value {
        let request = &self.request;
        let person = |id| people.get(id).map(|identity| identity.reference(base_url));
        let url = format!("{base_url}_apis/hooks/subscriptions/{}", self.id);
        let mut publisher_inputs = request.publisher_inputs.clone();
        publisher_inputs.insert("hostId".into(), self.collection.to_string());
        publisher_inputs.insert("tfsSubscriptionId".into(), self.id.to_string());
        let mut consumer_inputs = request.consumer_inputs.clone();
        if let Some(password) = consumer_inputs.get_mut("basicAuthPassword") {
            MASK.clone_into(password);
        }
        json!({
            "id": self.id,
            "url": url,
            "status": self.status,
            "publisherId": request.publisher_id,
            "eventType": request.event_type,
            "subscriber": null,
            "resourceVersion": request.resource_version,
            "eventDescription": "Any work item",
            "consumerId": request.consumer_id,
            "consumerActionId": request.consumer_action_id,
            "actionDescription": format!("To host {}", self.host()),
            "probationRetries": self.probation_retries,
            "lastProbationRetryDate": self.last_probation_us.map(dates::short),
            "createdBy": person(self.created_by),
            "createdDate": dates::short(self.created_us),
            "modifiedBy": person(self.modified_by),
            "modifiedDate": dates::short(self.modified_us),
            "publisherInputs": publisher_inputs,
            "consumerInputs": consumer_inputs,
            "_links": {"self": {"href": url}},
        })
    }

    fn host(&self) -> String {
        self.request
            .consumer_input("url")
            .parse::<url::Url>()
            .ok()
            .and_then(|address| address.host_str().map(ToOwned::to_owned))
            .unwrap_or_default()
    }
}
