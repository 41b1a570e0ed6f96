//! The errors of Discord's API: HTTP status, JSON code and message (docs, opcodes and status codes).

use http::StatusCode;
use serde_json::{Value, json};

use super::rate_limit::Limited;

/// Why a request is refused.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// An error with Discord's code.
    Api(ApiError),
    /// A rate limit.
    Limited(Limited),
}

/// An error answer.
#[derive(Clone, Debug)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    pub(super) code: u32,
    pub(super) message: &'static str,
    /// Of an invalid form body: where in the body what is wrong.
    pub(super) errors: Option<Value>,
}

impl ApiError {
    const fn new(status: StatusCode, code: u32, message: &'static str) -> Self {
        Self { status, code, message, errors: None }
    }

    pub(super) const UNAUTHORIZED: Self = Self::new(StatusCode::UNAUTHORIZED, 0, "401: Unauthorized");
    pub(super) const NOT_FOUND: Self = Self::new(StatusCode::NOT_FOUND, 0, "404: Not Found");
    pub(super) const METHOD_NOT_ALLOWED: Self = Self::new(StatusCode::METHOD_NOT_ALLOWED, 0, "405: Method Not Allowed");
    pub(super) const UNSUPPORTED_MEDIA_TYPE: Self =
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, 0, "415: Unsupported Media Type");
    pub(super) const UNKNOWN_CHANNEL: Self = Self::new(StatusCode::NOT_FOUND, 10003, "Unknown Channel");
    pub(super) const UNKNOWN_GUILD: Self = Self::new(StatusCode::NOT_FOUND, 10004, "Unknown Guild");
    pub(super) const UNKNOWN_MEMBER: Self = Self::new(StatusCode::NOT_FOUND, 10007, "Unknown Member");
    pub(super) const UNKNOWN_MESSAGE: Self = Self::new(StatusCode::NOT_FOUND, 10008, "Unknown Message");
    pub(super) const UNKNOWN_USER: Self = Self::new(StatusCode::NOT_FOUND, 10013, "Unknown User");
    pub(super) const TOO_LARGE: Self = Self::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        40005,
        "Request entity too large. Try sending something smaller in size",
    );
    pub(super) const MISSING_ACCESS: Self = Self::new(StatusCode::FORBIDDEN, 50001, "Missing Access");
    pub(super) const NOT_THE_AUTHOR: Self =
        Self::new(StatusCode::FORBIDDEN, 50005, "Cannot edit a message authored by another user");
    pub(super) const EMPTY_MESSAGE: Self = Self::new(StatusCode::BAD_REQUEST, 50006, "Cannot send an empty message");
    pub(super) const NO_DIRECT_MESSAGES: Self =
        Self::new(StatusCode::FORBIDDEN, 50007, "Cannot send messages to this user");
    pub(super) const NOT_A_TEXT_CHANNEL: Self =
        Self::new(StatusCode::BAD_REQUEST, 50008, "Cannot send messages in a non-text channel");
    pub(super) const MISSING_PERMISSIONS: Self = Self::new(StatusCode::FORBIDDEN, 50013, "Missing Permissions");
    pub(super) const WRONG_CHANNEL_TYPE: Self =
        Self::new(StatusCode::BAD_REQUEST, 50024, "Cannot execute action on this channel type");
    pub(super) const ARCHIVED_THREAD: Self = Self::new(StatusCode::BAD_REQUEST, 50083, "Thread is archived");
    pub(super) const INVALID_JSON: Self =
        Self::new(StatusCode::BAD_REQUEST, 50109, "The request body contains invalid JSON.");
    pub(super) const REPLY_NEEDS_HISTORY: Self =
        Self::new(StatusCode::FORBIDDEN, 160_002, "Cannot reply without permission to read message history");
    pub(super) const THREAD_EXISTS: Self =
        Self::new(StatusCode::BAD_REQUEST, 160_004, "A thread has already been created for this message");
    pub(super) const THREAD_LOCKED: Self = Self::new(StatusCode::FORBIDDEN, 160_005, "Thread is locked");
    pub(super) const TOO_MANY_THREADS: Self =
        Self::new(StatusCode::BAD_REQUEST, 160_006, "Maximum number of active threads reached");

    /// An invalid form body, with the tree of what is wrong.
    pub(super) fn invalid_form(errors: Value) -> Self {
        Self { errors: Some(errors), ..Self::new(StatusCode::BAD_REQUEST, 50035, "Invalid Form Body") }
    }

    /// The JSON body.
    pub(super) fn body(&self) -> Value {
        let mut body = json!({ "message": self.message, "code": self.code });
        if let Some(errors) = &self.errors {
            body["errors"] = errors.clone();
        }
        body
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<Limited> for Failure {
    fn from(limited: Limited) -> Self {
        Self::Limited(limited)
    }
}
