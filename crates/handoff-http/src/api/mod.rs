//! `/api/v1`: one file for each noun, with its requests, its views and its handlers.

mod connected_projects;
mod deliveries;
mod groups;
mod guild_claims;
mod guilds;
mod hooks;
mod installations;
mod link_codes;
mod links;
mod mappings;
mod members;
mod organizations;
mod outbox;
mod people;
mod project_teams;
mod projects;
mod routes;
mod state_map;
mod teams;
mod tracking_rules;
mod unresolved_people;
mod work_items;

use crate::auth::authenticate;
use crate::problem::{Problem, no_such_method, no_such_path};
use crate::state::ApiState;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Duration;

/// The largest body of a request, in bytes.
const MAX_BODY: usize = 1024 * 1024;
/// How long a request may take, its body and what is asked of Azure DevOps or Discord included.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// All of it, behind a bearer token: paths that are none included, so that nothing is told to strangers.
pub(crate) fn routes(state: &Arc<ApiState>) -> Router<Arc<ApiState>> {
    let inside = Router::new()
        .merge(organizations::routes())
        .merge(members::routes())
        .merge(teams::routes())
        .merge(projects::routes())
        .merge(project_teams::routes())
        .merge(groups::routes())
        .merge(links::routes())
        .merge(work_items::routes())
        .merge(installations::routes())
        .merge(connected_projects::routes())
        .merge(hooks::routes())
        .merge(state_map::routes())
        .merge(people::routes())
        .merge(tracking_rules::routes())
        .merge(unresolved_people::routes())
        .merge(mappings::routes())
        .merge(guilds::routes())
        .merge(guild_claims::routes())
        .merge(link_codes::routes())
        .merge(routes::routes())
        .merge(deliveries::routes())
        .merge(outbox::routes())
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(state.clone(), authenticate))
        // Outermost: the store may hang while the token is looked up, too.
        .layer(from_fn(in_time));
    Router::new().nest("/api/v1", inside)
}

/// Ends a request that takes too long. What it had open is rolled back.
async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_LIMIT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::unavailable("the request took too long").into_response(),
    }
}
