//! Problems (RFC 9457): the one form in which anything that went wrong leaves, and the one place where
//! the errors of services become answers. Causes stay inside: they are logged here, once.

use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use handoff_domain::port::{ChatError, StoreError, TrackerError};
use handoff_domain::service::UseCaseError;
use serde::Serialize;
use std::time::Duration;

/// When to come again where nobody said, in seconds.
const COME_AGAIN_SECONDS: u64 = 1;

/// What went wrong, as the caller may know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: &'a str,
}

impl Problem {
    /// A problem: `code` is a stable word for programs, `detail` a sentence for people.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), headers: Vec::new() }
    }

    /// The answer's status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// With a header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// With `Retry-After`, in whole seconds, rounded up.
    #[must_use]
    pub fn retry_after(self, after: Duration) -> Self {
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        self.with(RETRY_AFTER, HeaderValue::from(seconds.max(COME_AGAIN_SECONDS)))
    }

    /// 404, the same whether it is absent or somebody else's.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no such {what}"))
    }

    /// 401 with the scheme to use.
    #[must_use]
    pub fn unauthorized(challenge: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
            .with(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
    }

    /// 403: known, but not allowed.
    #[must_use]
    pub fn forbidden(detail: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 400: the request cannot be read.
    #[must_use]
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 503: come again.
    #[must_use]
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
            .retry_after(Duration::from_secs(COME_AGAIN_SECONDS))
    }

    /// 500: a defect of ours.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong here; it was logged")
    }

    fn refused(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    fn bad_gateway(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, code, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let shown = Shown {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Problem"),
            status: self.status.as_u16(),
            code: self.code,
            detail: &self.detail,
        };
        let body = serde_json::to_vec(&shown).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        response
    }
}

impl From<UseCaseError> for Problem {
    fn from(error: UseCaseError) -> Self {
        let detail = error.to_string();
        match error {
            UseCaseError::NotFound { what } => Self::not_found(what),
            UseCaseError::Refused(_) => Self::refused("refused", detail),
            UseCaseError::Conflict(_) => Self::new(StatusCode::CONFLICT, "conflict", detail),
            UseCaseError::TryAgain(_) => Self::unavailable(detail),
            UseCaseError::Tracker(error) => of_tracker(&error, detail),
            UseCaseError::Chat(error) => of_chat(&error, detail),
            UseCaseError::Store(error) => error.into(),
            UseCaseError::Secret(cause) => {
                tracing::error!(%cause, "a secret cannot be used: the key file that it was sealed with is missing");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "secret_unusable", detail)
            }
        }
    }
}

fn of_tracker(error: &TrackerError, detail: String) -> Problem {
    match error {
        TrackerError::Unauthorized => Problem::refused("tracker_unauthorized", detail),
        TrackerError::NotSignedIn { .. } => Problem::refused("tracker_not_signed_in", detail),
        TrackerError::Forbidden { .. } => Problem::refused("tracker_forbidden", detail),
        TrackerError::NotFound { .. } => Problem::refused("tracker_not_found", detail),
        TrackerError::Rejected { .. } => Problem::refused("tracker_rejected", detail),
        TrackerError::UnsafeAddress { .. } => Problem::refused("unsafe_address", detail),
        TrackerError::Stale => Problem::new(StatusCode::CONFLICT, "tracker_changed", detail),
        TrackerError::Throttled { retry_after } => {
            let after = retry_after.unwrap_or(Duration::from_secs(COME_AGAIN_SECONDS));
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "tracker_throttled", detail).retry_after(after)
        }
        TrackerError::Unavailable { .. } => Problem::bad_gateway("tracker_unavailable", detail),
    }
}

fn of_chat(error: &ChatError, detail: String) -> Problem {
    match error {
        ChatError::Retry { after, .. } => {
            let after = after.unwrap_or(Duration::from_secs(COME_AGAIN_SECONDS));
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "chat_unavailable", detail).retry_after(after)
        }
        ChatError::ChannelUnusable { .. } => Problem::refused("channel_unusable", detail),
        ChatError::MessageGone => Problem::new(StatusCode::CONFLICT, "message_gone", detail),
        ChatError::Rejected { .. } => Problem::refused("chat_rejected", detail),
        ChatError::Unauthorized => Problem::bad_gateway("chat_unauthorized", detail),
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Conflict { constraint } => {
                tracing::warn!(constraint, "a conflict that no service named");
                Self::new(StatusCode::CONFLICT, "conflict", "it clashes with what is there")
            }
            StoreError::Retry => Self::unavailable("too many changes at once; try again"),
            StoreError::Unavailable(_) => {
                tracing::warn!(%error, "the store is unavailable");
                Self::unavailable("the store is unavailable; try again")
            }
            StoreError::LeaseLost | StoreError::Backend(_) => {
                tracing::error!(%error, "the store failed");
                Self::internal()
            }
        }
    }
}

/// Answers a path that is none.
pub(crate) async fn no_such_path(_: Uri) -> Problem {
    Problem::not_found("path")
}

/// Answers a method that a path does not have; the header `Allow` names those it has.
pub(crate) async fn no_such_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this path does not have that method")
}

#[cfg(test)]
mod tests {
    use super::*;
    use handoff_domain::port::SecretBoxError;

    fn status(error: UseCaseError) -> u16 {
        Problem::from(error).status.as_u16()
    }

    #[test]
    fn every_class_of_error_has_its_status() {
        let text = String::new;
        for (error, expected) in [
            (UseCaseError::NotFound { what: "x" }, 404),
            (UseCaseError::Refused(text()), 422),
            (UseCaseError::Conflict(text()), 409),
            (UseCaseError::TryAgain(text()), 503),
            (UseCaseError::Tracker(TrackerError::Unauthorized), 422),
            (UseCaseError::Tracker(TrackerError::Unavailable { reason: text() }), 502),
            (UseCaseError::Tracker(TrackerError::Throttled { retry_after: None }), 503),
            (UseCaseError::Chat(ChatError::Unauthorized), 502),
            (UseCaseError::Chat(ChatError::Retry { reason: text(), after: None }), 503),
            (UseCaseError::Store(StoreError::Retry), 503),
            (UseCaseError::Store(StoreError::Unavailable(text())), 503),
            (UseCaseError::Store(StoreError::Conflict { constraint: text() }), 409),
            (UseCaseError::Store(StoreError::Backend(text())), 500),
            (UseCaseError::Secret(SecretBoxError::UnknownKey), 500),
        ] {
            assert_eq!(status(error.clone()), expected, "{error:?}");
        }
    }

    #[test]
    fn what_the_store_said_stays_inside() {
        let problem = Problem::from(StoreError::Backend("table api_token, host db-7".to_owned()));
        assert!(!problem.detail.contains("db-7"));
        let problem = Problem::from(StoreError::Conflict { constraint: "secret_name".to_owned() });
        assert!(!problem.detail.contains("secret_name"));
    }

    #[test]
    fn a_part_of_a_second_counts_as_a_whole_one_when_asking_to_come_again() {
        let problem = Problem::unavailable("x").retry_after(Duration::from_millis(2100));
        assert_eq!(problem.headers.last().map(|(_, value)| value.clone()), Some(HeaderValue::from(3)));
    }
}
