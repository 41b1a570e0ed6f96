//! The HTTP surface of Handoff: webhooks, API, health.
//!
//! [`router`] is the whole of it as a tower service over an [`ApiState`]; [`Server`] puts it on a socket.
//! A handler reads what came in, makes one service call, and shows what came out; rules live in
//! handoff-domain, and every failure leaves as a [`Problem`].

mod api;
mod auth;
mod extract;
mod health;
mod interaction_webhook;
mod memory;
mod observe_requests;
mod page;
mod problem;
mod proof;
mod server;
mod state;
mod webhook;

#[cfg(test)]
mod tests;

pub use interaction_webhook::{InteractionLimits, InteractionWebhook};
pub use problem::Problem;
pub use server::{Limits, Server};
pub use state::{ApiState, Lifecycle};
pub use webhook::{WebhookLimits, Webhooks};

use axum::Router;
use axum::middleware::from_fn_with_state;
use std::sync::Arc;

/// Everything under one listener: webhooks, API and health.
pub fn router(state: Arc<ApiState>) -> Router {
    let webhooks = webhook::routes().merge(proof::routes()).merge(interaction_webhook::routes());
    finished(webhooks.merge(api::routes(&state)).merge(health::routes()), state)
}

/// Only the webhooks and health, for a listener of their own.
pub fn webhook_router(state: Arc<ApiState>) -> Router {
    let webhooks = webhook::routes().merge(proof::routes()).merge(interaction_webhook::routes());
    finished(webhooks.merge(health::routes()), state)
}

/// Only the API and health, where webhooks have a listener of their own.
pub fn api_router(state: Arc<ApiState>) -> Router {
    finished(api::routes(&state).merge(health::routes()), state)
}

fn finished(routes: Router<Arc<ApiState>>, state: Arc<ApiState>) -> Router {
    routes
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(from_fn_with_state(state.clone(), observe_requests::observe_requests))
        .with_state(state)
}
