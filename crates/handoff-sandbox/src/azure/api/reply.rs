//! Answers on the wire: JSON with the service's headers, and the many ways to say no.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, DATE, LOCATION};
use http::{HeaderName, HeaderValue, StatusCode};

use super::super::auth::UnauthorizedForm;
use super::super::dates;
use super::super::handle::AzureHandle;
use super::super::refusal::Refusal;
use super::call::Answer;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8; api-version=7.1");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const CONTINUATION: HeaderName = HeaderName::from_static("x-ms-continuationtoken");
const SIGN_IN_URL: HeaderValue = HeaderValue::from_static("https://spsprodweu1.vssps.visualstudio.com/_signin");
const SIGN_IN_PAGE: &str = "<!DOCTYPE html>\r\n<html lang=\"en\"><head><title>Azure DevOps Services | Sign In</title></head>\
                            <body>Sign in to your account</body></html>";

/// An answer with the headers that every one has.
pub(super) fn send(handle: &AzureHandle, answer: Answer) -> Response {
    let mut response = Response::new(match &answer.body {
        Some(body) => Body::from(body.to_string()),
        None => Body::empty(),
    });
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    if answer.body.is_some() {
        headers.insert(CONTENT_TYPE, JSON);
    }
    if let Some(token) = answer.continuation.and_then(|token| HeaderValue::try_from(token).ok()) {
        headers.insert(CONTINUATION, token);
    }
    handle.with(|state, now_us| {
        state.rate_limit.write(headers, now_us);
        if let Ok(date) = HeaderValue::try_from(dates::http(now_us.saturating_add(state.date_skew_us))) {
            headers.insert(DATE, date);
        }
    });
    response
}

/// Bad credentials, in the form that was chosen.
pub(super) fn unauthorized(handle: &AzureHandle) -> Response {
    match handle.with(|state, _| state.unauthorized_form) {
        UnauthorizedForm::Unauthorized => {
            let refusal = Refusal::new(
                StatusCode::UNAUTHORIZED,
                "UnauthorizedRequestException",
                "TF400813: The user is not authorized to access this resource.",
            );
            send(handle, Answer::refused(&refusal))
        }
        UnauthorizedForm::Redirect => {
            let mut response = plain(StatusCode::FOUND);
            response.headers_mut().insert(LOCATION, SIGN_IN_URL);
            response
        }
        UnauthorizedForm::SignInPage => sign_in_page(),
    }
}

/// Status 203 and the sign-in page.
pub(super) fn sign_in_page() -> Response {
    let mut response = Response::new(Body::from(SIGN_IN_PAGE));
    *response.status_mut() = StatusCode::NON_AUTHORITATIVE_INFORMATION;
    response.headers_mut().insert(CONTENT_TYPE, HTML);
    response
}

/// A failure that a test asked for.
pub(super) fn on_demand(handle: &AzureHandle, status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let refusal = Refusal::new(status, "VssServiceException", "The service failed on demand of a test.");
    send(handle, Answer::refused(&refusal))
}

/// A status and nothing else.
pub(super) fn plain(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
