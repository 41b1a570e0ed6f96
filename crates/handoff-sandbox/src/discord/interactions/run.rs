//! Lets another process do what people do: JSON under `/_sim`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

use super::Deed;
use crate::discord::Shared;
use crate::discord::control::Control;

/// `POST /_sim/interactions`.
pub(in crate::discord) async fn run(
    State(shared): State<Arc<Shared>>,
    deed: Result<Json<Deed>, JsonRejection>,
) -> Response {
    let refusal = |status: StatusCode, error: &str| (status, Json(json!({ "error": error }))).into_response();
    let deed = match deed {
        Ok(Json(deed)) => deed,
        Err(rejection) => return refusal(StatusCode::BAD_REQUEST, &rejection.body_text()),
    };
    match Control::new(shared).perform(deed).await {
        Ok(answered) => Json(answered).into_response(),
        Err(error) => refusal(StatusCode::CONFLICT, &error.to_string()),
    }
}
