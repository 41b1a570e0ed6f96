//! Around every request: an id, a span, counters, headers that every answer has, and a problem instead
//! of a panic.

use crate::problem::Problem;
use crate::state::ApiState;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use handoff_domain::id::uuid_v7;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tracing::Instrument;

/// Where a request's id comes in and goes out.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken from outside, in characters.
const MAX_REQUEST_ID: usize = 64;

/// Observes one request.
pub(crate) async fn observe_requests(State(state): State<Arc<ApiState>>, request: Request, next: Next) -> Response {
    let began = state.clock.now();
    let id =
        given_id(request.headers()).unwrap_or_else(|| uuid_v7(began, state.entropy.as_ref()).hyphenated().to_string());
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = request.method().as_str().to_owned();
    let span = tracing::info_span!("request", request_id = %id, %method, %route);
    let answered = AssertUnwindSafe(next.run(request).instrument(span.clone())).catch_unwind().await;
    let mut response = answered.unwrap_or_else(|_| {
        tracing::error!(parent: &span, "a handler panicked");
        Problem::internal().into_response()
    });
    finish(response.headers_mut(), &id);
    let took = state.clock.now().since(began);
    record(&span, &method, &route, response.status(), took.as_secs_f64());
    response
}

/// The caller's own id, where it is harmless in a log.
fn given_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (!id.is_empty() && id.len() <= MAX_REQUEST_ID && id.chars().all(harmless)).then(|| id.to_owned())
}

fn finish(headers: &mut HeaderMap, id: &str) {
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

fn record(span: &tracing::Span, method: &str, route: &str, status: StatusCode, seconds: f64) {
    // A method is any word a caller likes; only the usual ones become labels.
    let method = match method {
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" => method.to_owned(),
        _ => "other".to_owned(),
    };
    let labels = [("method", method), ("route", route.to_owned()), ("status", status.as_u16().to_string())];
    metrics::counter!("handoff_http_requests_total", &labels).increment(1);
    metrics::histogram!("handoff_http_request_seconds", "route" => route.to_owned()).record(seconds);
    tracing::debug!(parent: span, status = status.as_u16(), seconds, "answered");
}
