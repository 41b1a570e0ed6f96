//! Routes of a project's events to Discord channels.

use crate::auth::{InProject, Scope};
use crate::extract::{At, Sent, created, nothing, present, shown};
use crate::page::Listing;
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use handoff_domain::chat::{Route, RouteMode};
use handoff_domain::id::{ProjectId, RouteId};
use handoff_domain::organization::{ChannelId, GuildId};
use handoff_domain::route::{QuietHours, RouteFilter};
use handoff_domain::service::routes::{NewRoute, RouteChange, SavedRoute};
use handoff_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What to say about a channel that @everyone sees and that is shown ids only.
const VISIBLE: &str = "Everyone in the guild can read this channel, so it is shown ids only.";
/// What to say about one that is shown everything.
const VISIBLE_WITH_TITLES: &str = "Everyone in the guild can read this channel, titles and names included.";

pub(super) fn routes() -> Router<Arc<ApiState>> {
    Router::new()
        .route("/organizations/{organization}/projects/{project}/routes", get(list).post(create))
        .route("/organizations/{organization}/routes/{route}", get(show).patch(change).delete(delete))
}

#[derive(Serialize)]
struct View {
    id: RouteId,
    project: ProjectId,
    guild_id: GuildId,
    channel_id: ChannelId,
    mode: RouteMode,
    ids_only: bool,
    filter: RouteFilter,
    quiet_hours: Option<QuietHours>,
    enabled: bool,
    /// Why it is not enabled.
    disabled_reason: Option<String>,
    created_at: Timestamp,
    /// How many of its cards are not posted any more, since people deleted them again and again; only where
    /// one route is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    given_up_cards: Option<u64>,
    /// What to know before relying on it; only in the answer to its making or its change.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

impl From<Route> for View {
    fn from(one: Route) -> Self {
        Self {
            id: one.id,
            project: one.project,
            guild_id: one.guild,
            channel_id: one.channel,
            mode: one.mode,
            ids_only: one.ids_only,
            filter: one.filter,
            quiet_hours: one.quiet_hours,
            enabled: one.disabled.is_none(),
            disabled_reason: one.disabled,
            created_at: one.created_at,
            given_up_cards: None,
            warning: None,
        }
    }
}

impl From<SavedRoute> for View {
    fn from(saved: SavedRoute) -> Self {
        let warning = match (saved.visible_to_everyone, saved.route.ids_only) {
            (false, _) => None,
            (true, true) => Some(VISIBLE),
            (true, false) => Some(VISIBLE_WITH_TITLES),
        };
        Self { warning, ..Self::from(saved.route) }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    channel_id: ChannelId,
    #[serde(default = "card_and_ping")]
    mode: RouteMode,
    /// Absent: only where @everyone sees the channel.
    ids_only: Option<bool>,
    #[serde(default)]
    filter: RouteFilter,
    quiet_hours: Option<QuietHours>,
}

const fn card_and_ping() -> RouteMode {
    RouteMode::CardAndPing
}

/// Makes a route, after looking at its channel.
async fn create(
    State(state): State<Arc<ApiState>>,
    within: InProject,
    Sent(sent): Sent<Create>,
) -> Result<Response, Problem> {
    let new = NewRoute {
        project: within.id(),
        channel: sent.channel_id,
        mode: sent.mode,
        ids_only: sent.ids_only,
        filter: sent.filter,
        quiet_hours: sent.quiet_hours,
    };
    let made = state.routes.create(within.scope.id(), &new).await?;
    let location = within.scope.path(&format!("routes/{}", made.route.id));
    Ok(created(location, View::from(made)))
}

async fn list(State(state): State<Arc<ApiState>>, within: InProject, listing: Listing) -> Result<Response, Problem> {
    let page = state.reader.routes(within.scope.id(), within.id(), listing.page()?).await?;
    Ok(listing.show(page, |route| route.id, View::from))
}

async fn show(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id)): At<(String, RouteId)>,
) -> Result<Response, Problem> {
    let found = state.reader.route(scope.id(), id).await?.ok_or_else(|| Problem::not_found("route"))?;
    let given_up_cards = Some(state.reader.given_up_cards(scope.id(), id).await?);
    Ok(shown(View { given_up_cards, ..View::from(found) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    enabled: Option<bool>,
    mode: Option<RouteMode>,
    ids_only: Option<bool>,
    filter: Option<RouteFilter>,
    /// Absent: stay; null: there are none.
    #[serde(default, deserialize_with = "present")]
    quiet_hours: Option<Option<QuietHours>>,
}

/// Changes what is named of a route. Where it needs other rights then, its channel is looked at again.
async fn change(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id)): At<(String, RouteId)>,
    Sent(sent): Sent<Change>,
) -> Result<Response, Problem> {
    let change = RouteChange {
        enabled: sent.enabled,
        mode: sent.mode,
        ids_only: sent.ids_only,
        filter: sent.filter,
        quiet_hours: sent.quiet_hours,
    };
    Ok(shown(View::from(state.routes.change(scope.id(), id, &change).await?)))
}

async fn delete(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id)): At<(String, RouteId)>,
) -> Result<Response, Problem> {
    state.routes.delete(scope.id(), id).await?;
    Ok(nothing())
}
