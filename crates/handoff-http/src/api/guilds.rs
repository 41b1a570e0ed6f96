//! Guilds of an organization.

use crate::auth::{Caller, Scope};
use crate::extract::{Sent, created};
use crate::page::all;
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use handoff_domain::chat::Guild;
use handoff_domain::organization::GuildId;
use handoff_domain::text::Name;
use handoff_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<ApiState>> {
    Router::new().route("/organizations/{organization}/guilds", get(list).post(create))
}

#[derive(Serialize)]
struct View {
    id: GuildId,
    name: Name,
    created_at: Timestamp,
}

impl From<Guild> for View {
    fn from(one: Guild) -> Self {
        Self { id: one.id, name: one.name, created_at: one.created_at }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    id: GuildId,
}

/// Gives a guild to the organization. Only with a token of the instance: one organization could
/// otherwise take another's guild, since the bot is in both.
async fn create(
    State(state): State<Arc<ApiState>>,
    caller: Caller,
    scope: Scope,
    Sent(sent): Sent<Create>,
) -> Result<Response, Problem> {
    caller.must_be_of_instance()?;
    let made = state.guilds.create(scope.id(), sent.id).await?;
    Ok(created(scope.path("guilds"), View::from(made)))
}

async fn list(State(state): State<Arc<ApiState>>, scope: Scope) -> Result<Response, Problem> {
    Ok(all(state.reader.guilds(scope.id()).await?, View::from))
}
