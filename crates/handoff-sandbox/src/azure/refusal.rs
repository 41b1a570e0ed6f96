//! Refusals: the status and the words with which Azure DevOps turns a request down.

use http::StatusCode;
use serde_json::{Map, Value, json};
use thiserror::Error;

/// `errorCode` of a field value that the rules do not allow, such as an unknown person.
const INVALID_FIELD_VALUE: i64 = 600_171;

/// A request that Azure DevOps would turn down. The control methods return it too.
#[derive(Clone, Debug, Error)]
#[error("{status} {type_key}: {message}")]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// The name of the exception, as clients match it.
    pub type_key: &'static str,
    /// What a person reads.
    pub message: String,
    /// The number of the error; 0 for most.
    pub error_code: i64,
    pub(crate) custom_properties: Option<Map<String, Value>>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, type_key: &'static str, message: impl Into<String>) -> Self {
        Self { status, type_key, message: message.into(), error_code: 0, custom_properties: None }
    }

    pub(crate) fn bad_request(type_key: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, type_key, message)
    }

    pub(crate) fn invalid_argument(message: impl Into<String>) -> Self {
        Self::bad_request("VssPropertyValidationException", message)
    }

    pub(crate) fn unknown_route() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "VssResourceNotFoundException",
            "The resource cannot be found, or the server does not support the requested version.",
        )
    }

    pub(crate) fn unknown_collection() -> Self {
        Self::new(StatusCode::NOT_FOUND, "HostDoesNotExistException", "The organization or collection does not exist.")
    }

    pub(crate) fn unknown_project(name: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "ProjectDoesNotExistWithNameException",
            format!(
                "TF200016: The following project does not exist: {name}. Verify that the name of the project is \
                 correct and that the project exists on the specified Azure DevOps Server."
            ),
        )
    }

    pub(crate) fn unknown_team(name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "TeamNotFoundException", format!("The team with id '{name}' does not exist."))
    }

    pub(crate) fn unknown_identity() -> Self {
        Self::new(StatusCode::NOT_FOUND, "IdentityNotFoundException", "The identity could not be found.")
    }

    pub(crate) fn unknown_work_item(number: i64) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "WorkItemUnauthorizedAccessException",
            format!("TF401232: Work item {number} does not exist, or you do not have permissions to read it."),
        )
    }

    pub(crate) fn unknown_subscription() -> Self {
        Self::new(StatusCode::NOT_FOUND, "SubscriptionNotFoundException", "The subscription cannot be found.")
    }

    pub(crate) fn stale_revision() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "WorkItemRevisionMismatchException",
            "TF26071: This work item has been changed by someone else since you opened it. You will need to \
             refresh it and discard your changes.",
        )
    }

    pub(crate) fn invalid_field(field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let properties = json!({"ErrorMessage": message, "FieldReferenceName": field});
        Self {
            error_code: INVALID_FIELD_VALUE,
            custom_properties: properties.as_object().cloned(),
            ..Self::bad_request("WorkItemFieldInvalidException", message)
        }
    }

    pub(crate) fn forbidden(who: &str, action: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "AccessCheckException",
            format!("Access denied: {who} needs the following permission(s) to perform this action: {action}."),
        )
    }

    /// The body of the answer.
    pub(crate) fn body(&self) -> Value {
        let mut body = json!({
            "$id": "1",
            "innerException": null,
            "message": self.message,
            "typeName": format!("Microsoft.TeamFoundation.{0}, Microsoft.TeamFoundation", self.type_key),
            "typeKey": self.type_key,
            "errorCode": self.error_code,
            "eventId": 3000,
        });
        if let (Some(properties), Some(body)) = (&self.custom_properties, body.as_object_mut()) {
            body.insert("customProperties".into(), Value::Object(properties.clone()));
        }
        body
    }
}
