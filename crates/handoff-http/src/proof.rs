//! `GET /webhooks/proof/{word}`: proves that an address is ours, to ourselves. The word comes back sealed.

use crate::extract::At;
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use std::sync::Arc;

/// Where a proof is asked for: beside the webhooks, since it is about the way to them.
pub(crate) fn routes() -> Router<Arc<ApiState>> {
    Router::new().route("/webhooks/proof/{word}", get(answer))
}

async fn answer(State(state): State<Arc<ApiState>>, At(word): At<String>) -> Result<String, Problem> {
    state.installations.proof.answer(&word)?.ok_or_else(|| Problem::not_found("path"))
}
