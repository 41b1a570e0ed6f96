//! One API call: who asks for what, and what is answered.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::auth::Caller;
use super::super::ids::{CollectionId, ProjectId, SubscriptionId, WorkItemKey};
use super::super::refusal::Refusal;
use super::super::render::Selection;

/// A call whose caller, collection and project are known.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) caller: Caller,
    pub(crate) collection: CollectionId,
    pub(crate) project: Option<ProjectId>,
    pub(crate) arguments: Vec<String>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn argument(&self, position: usize) -> &str {
        self.arguments.get(position).map_or("", String::as_str)
    }

    pub(crate) fn number(&self, position: usize) -> Result<i64, Refusal> {
        let text = self.argument(position);
        text.parse().map_err(|_| Refusal::invalid_argument(format!("The value '{text}' is not a number.")))
    }

    pub(crate) fn work_item(&self) -> Result<WorkItemKey, Refusal> {
        Ok(WorkItemKey { collection: self.collection, number: self.number(0)? })
    }

    pub(crate) fn subscription(&self) -> Result<SubscriptionId, Refusal> {
        self.argument(0).parse().map(SubscriptionId).map_err(|_| Refusal::unknown_subscription())
    }

    pub(crate) fn needed_project(&self) -> Result<ProjectId, Refusal> {
        self.project.ok_or_else(Refusal::unknown_route)
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Refusal::invalid_argument(format!("The body cannot be read: {error}")))
    }
}

/// A query string, its names in lower case.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    pub(crate) fn parse(query: Option<&str>) -> Self {
        Self {
            pairs: url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
                .map(|(name, value)| (name.to_lowercase(), value.into_owned()))
                .collect(),
        }
    }

    /// A parameter; `name` in lower case. An empty one is as good as none.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    pub(crate) fn count(&self, name: &str, default: usize) -> usize {
        self.get(name).and_then(|text| text.parse().ok()).unwrap_or(default)
    }

    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A list separated by commas.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<String>> {
        let text = self.get(name)?;
        Some(text.split(',').map(|part| part.trim().to_owned()).collect())
    }

    /// `$skip` and `$top` of a list.
    pub(crate) fn page<T>(&self, values: Vec<T>, default_top: usize) -> Vec<T> {
        let top = self.count("$top", default_top);
        values.into_iter().skip(self.count("$skip", 0)).take(top).collect()
    }
}

/// What of a work item is asked for.
pub(crate) fn selection(fields: Option<Vec<String>>, expand: Option<&str>) -> Result<Selection, Refusal> {
    let expand = expand.unwrap_or("none").to_lowercase();
    if fields.is_some() && !matches!(expand.as_str(), "none" | "links") {
        return Err(Refusal::bad_request(
            "ConflictingParametersException",
            "The expand parameter can not be used with the fields parameter.",
        ));
    }
    Ok(Selection { fields, relations: matches!(expand.as_str(), "relations" | "all") })
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// Nothing for 204.
    pub(crate) body: Option<Value>,
    pub(crate) continuation: Option<String>,
}

impl Answer {
    pub(crate) fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, body: Some(body), continuation: None }
    }

    /// A list as it arrives on the wire.
    pub(crate) fn list(values: Vec<Value>) -> Self {
        Self::ok(json!({"count": values.len(), "value": values}))
    }

    pub(crate) fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None, continuation: None }
    }

    pub(crate) fn refused(refusal: &Refusal) -> Self {
        Self { status: refusal.status, body: Some(refusal.body()), continuation: None }
    }
}
