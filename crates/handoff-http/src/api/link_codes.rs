//! Codes by which a user links their Discord account.

use crate::auth::Scope;
use crate::extract::{At, shown_once};
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use handoff_domain::id::UserId;
use handoff_domain::time::Timestamp;
use serde::Serialize;
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<ApiState>> {
    Router::new().route("/organizations/{organization}/users/{user}/link-codes", post(create))
}

#[derive(Serialize)]
struct Made {
    code: String,
    expires_at: Timestamp,
    /// What to type in Discord.
    command: String,
}

/// Makes a code for a user, in place of the one before.
async fn create(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, user)): At<(String, UserId)>,
) -> Result<Response, Problem> {
    let (code, expires_at) = state.access_codes.link(scope.id(), user).await?;
    let code = code.expose().to_owned();
    Ok(shown_once(Made { command: format!("/link code:{code}"), code, expires_at }))
}
