//! Claims of guilds: a code that somebody who may manage a guild types there.

use crate::auth::Scope;
use crate::extract::shown_once;
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use handoff_domain::time::Timestamp;
use serde::Serialize;
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<ApiState>> {
    Router::new().route("/organizations/{organization}/guild-claims", post(create))
}

#[derive(Serialize)]
struct Made {
    code: String,
    expires_at: Timestamp,
    /// What to type in the guild.
    command: String,
}

/// Makes a code that gives the guild in which it is typed to the organization. Making it confirms that.
async fn create(State(state): State<Arc<ApiState>>, scope: Scope) -> Result<Response, Problem> {
    let (code, expires_at) = state.access_codes.claim(scope.id()).await?;
    let code = code.expose().to_owned();
    Ok(shown_once(Made { command: format!("/claim code:{code}"), code, expires_at }))
}
