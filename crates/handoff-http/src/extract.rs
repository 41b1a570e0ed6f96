//! Path, query and body as the handlers take them: whatever cannot be read is a problem, with where it
//! is wrong.

use crate::problem::Problem;
use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

/// The parameters of the path, in order. One that is no id names nothing: 404.
pub(crate) struct At<T>(pub(crate) T);

impl<T, S> FromRequestParts<S> for At<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(value) = Path::<T>::from_request_parts(parts, state).await.map_err(|_| Problem::not_found("thing"))?;
        Ok(Self(value))
    }
}

/// The query; an unknown or unreadable parameter is refused.
pub(crate) struct Params<T>(pub(crate) T);

impl<T, S> FromRequestParts<S> for Params<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = Query::<T>::from_request_parts(parts, state).await;
        let Query(value) =
            read.map_err(|error: QueryRejection| Problem::bad_request("invalid_query", error.body_text()))?;
        Ok(Self(value))
    }
}

/// A JSON body; an unknown field is refused.
pub(crate) struct Sent<T>(pub(crate) T);

impl<T, S> FromRequest<S> for Sent<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Json(value) = Json::<T>::from_request(request, state).await.map_err(unreadable)?;
        Ok(Self(value))
    }
}

fn unreadable(error: JsonRejection) -> Problem {
    let (status, text) = (error.status(), error.body_text());
    match error {
        JsonRejection::JsonSyntaxError(_) => Problem::bad_request("malformed_json", text),
        JsonRejection::JsonDataError(_) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", text),
        JsonRejection::MissingJsonContentType(_) => {
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", text)
        }
        _ if status == StatusCode::PAYLOAD_TOO_LARGE => Problem::new(status, "too_large", "the body is too large"),
        _ => Problem::bad_request("unreadable_body", "the body could not be read"),
    }
}

/// Tells an absent field (`None`) from one that is null (`Some(None)`).
///
/// # Errors
/// As the inner type.
pub(crate) fn present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// 201 with the address of what was made.
pub(crate) fn created<T: Serialize>(location: String, shown: T) -> Response {
    (StatusCode::CREATED, [(LOCATION, location)], Json(shown)).into_response()
}

/// 200 with what there is.
pub(crate) fn shown<T: Serialize>(what: T) -> Response {
    Json(what).into_response()
}

/// 204.
pub(crate) fn nothing() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// 202 with what was begun: a worker does the rest.
pub(crate) fn started<T: Serialize>(what: T) -> Response {
    (StatusCode::ACCEPTED, Json(what)).into_response()
}

/// 202: a worker does the rest.
pub(crate) fn accepted() -> Response {
    StatusCode::ACCEPTED.into_response()
}
