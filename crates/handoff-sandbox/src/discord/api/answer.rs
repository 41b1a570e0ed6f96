//! An answer of the API: status, JSON, and the headers about rate limits.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::discord::error::ApiError;
use crate::discord::rate_limit::{BucketState, Limited, Scope};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const RESET_AFTER: HeaderName = HeaderName::from_static("x-ratelimit-reset-after");
const BUCKET: HeaderName = HeaderName::from_static("x-ratelimit-bucket");
const GLOBAL: HeaderName = HeaderName::from_static("x-ratelimit-global");
const SCOPE: HeaderName = HeaderName::from_static("x-ratelimit-scope");

/// An answer that is not sent yet.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// The body, where it is JSON.
    pub(super) json: Option<Value>,
    html: Option<String>,
    headers: Vec<(HeaderName, String)>,
    is_shared_limit: bool,
}

impl Answer {
    pub(super) fn new(status: StatusCode, json: Option<Value>) -> Self {
        Self { status, json, html: None, headers: Vec::new(), is_shared_limit: false }
    }

    pub(super) fn of_error(error: &ApiError) -> Self {
        Self::new(error.status, Some(error.body()))
    }

    /// A 429 of Discord. `X-RateLimit-Scope` and `-Global` are sent with no other status.
    pub(super) fn of_limit(limited: &Limited) -> Self {
        let is_global = limited.scope == Scope::Global;
        let mut body = json!({
            "message": limited.message,
            "retry_after": milliseconds(limited.retry_after_us) as f64 / 1000.0,
            "global": is_global,
        });
        if let Some(code) = limited.code {
            body["code"] = json!(code);
        }
        let mut answer = Self::new(StatusCode::TOO_MANY_REQUESTS, Some(body));
        answer.is_shared_limit = limited.scope == Scope::Shared;
        answer.headers.push((RETRY_AFTER, whole_seconds(limited.retry_after_us)));
        answer.headers.push((SCOPE, limited.scope.as_str().to_owned()));
        if is_global {
            answer.headers.push((GLOBAL, "true".to_owned()));
        }
        match &limited.bucket {
            Some(bucket) => answer.with_bucket(bucket),
            None => answer,
        }
    }

    /// The ban of an address, answered by Cloudflare: HTML, and nothing about buckets.
    pub(super) fn of_ban(left_us: i64) -> Self {
        let mut answer = Self::new(StatusCode::TOO_MANY_REQUESTS, None);
        answer.html = Some(page("Error 1015", "You are being rate limited"));
        answer.headers.push((RETRY_AFTER, whole_seconds(left_us)));
        answer
    }

    /// An error of a proxy in front of Discord: HTML.
    pub(super) fn of_proxy(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        let mut answer = Self::new(status, None);
        answer.html = Some(page(status.as_str(), status.canonical_reason().unwrap_or_default()));
        answer
    }

    /// With the state of the bucket that the request was counted in, unless that is told already.
    pub(super) fn with_bucket(mut self, bucket: &BucketState) -> Self {
        if !self.headers.iter().any(|(name, _)| name == BUCKET) {
            self.headers.extend([
                (LIMIT, bucket.limit.to_string()),
                (REMAINING, bucket.remaining.to_string()),
                (RESET, seconds(bucket.reset_us)),
                (RESET_AFTER, seconds(bucket.reset_after_us)),
                (BUCKET, bucket.hash.clone()),
            ]);
        }
        self
    }

    /// Whether the answer counts towards a ban.
    pub(super) fn counts_as_invalid(&self) -> bool {
        match self.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => true,
            StatusCode::TOO_MANY_REQUESTS => !self.is_shared_limit && self.html.is_none(),
            _ => false,
        }
    }

    pub(super) fn header_map(&self) -> HeaderMap {
        let content_type = match (&self.json, &self.html) {
            (Some(_), _) => Some("application/json"),
            (None, Some(_)) => Some("text/html; charset=UTF-8"),
            (None, None) => None,
        };
        let text = self.headers.iter().map(|(name, value)| (name.clone(), value.as_str()));
        text.chain(content_type.map(|content_type| (CONTENT_TYPE, content_type)))
            .filter_map(|(name, value)| Some((name, HeaderValue::from_str(value).ok()?)))
            .collect()
    }

    pub(super) fn into_response(self) -> Response {
        let headers = self.header_map();
        let body = match (self.json, self.html) {
            (Some(json), _) => Body::from(json.to_string()),
            (None, Some(html)) => Body::from(html),
            (None, None) => Body::empty(),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }
}

fn page(title: &str, text: &str) -> String {
    format!("<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>")
}

/// Rounded up, so that nobody who waits so long comes too early.
fn milliseconds(us: i64) -> i64 {
    us.saturating_add(999) / 1000
}

fn seconds(us: i64) -> String {
    let ms = milliseconds(us);
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

fn whole_seconds(us: i64) -> String {
    (us.saturating_add(999_999) / 1_000_000).to_string()
}
