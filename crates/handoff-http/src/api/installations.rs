//! Integrations and the organization's installations of them. A credential goes in and never comes out.

use crate::auth::Scope;
use crate::extract::{At, Sent, created, shown};
use crate::page::Listing;
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use handoff_domain::id::{InstallationId, IntegrationId};
use handoff_domain::integration::{Installation, Integration, Toggles};
use handoff_domain::secret::Secret;
use handoff_domain::service::UseCaseError;
use handoff_domain::service::installations::{Change as InstallationChange, ToggleChange};
use handoff_domain::text::{Name, single_line};
use handoff_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The longest address and the longest credential, in characters.
const MAX_TEXT: usize = 2000;

pub(super) fn routes() -> Router<Arc<ApiState>> {
    Router::new()
        .route("/organizations/{organization}/integrations", get(integrations))
        .route("/organizations/{organization}/installations", get(list).post(create))
        .route("/organizations/{organization}/installations/{installation}", get(show).patch(change))
}

#[derive(Serialize)]
struct IntegrationView {
    id: IntegrationId,
    collection_id: String,
    name: Name,
    base_url: String,
    created_at: Timestamp,
}

impl From<Integration> for IntegrationView {
    fn from(one: Integration) -> Self {
        Self {
            id: one.id,
            collection_id: one.collection_id,
            name: one.name,
            base_url: one.base_url,
            created_at: one.created_at,
        }
    }
}

#[derive(Serialize)]
struct View {
    id: InstallationId,
    integration: IntegrationView,
    toggles: Toggles,
    created_at: Timestamp,
}

impl From<(Installation, Integration)> for View {
    fn from((one, of): (Installation, Integration)) -> Self {
        Self { id: one.id, integration: of.into(), toggles: one.toggles, created_at: one.created_at }
    }
}

async fn integrations(State(state): State<Arc<ApiState>>, scope: Scope, listing: Listing) -> Result<Response, Problem> {
    let found = state.reader.integrations(scope.id(), listing.page()?).await?;
    Ok(listing.show(found, |one| one.id, IntegrationView::from))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    /// The collection's address: `https://dev.azure.com/contoso`.
    base_url: String,
    /// A personal access token.
    credential: String,
}

fn line(field: &str, text: &str) -> Result<String, UseCaseError> {
    single_line(text, MAX_TEXT).map_err(|error| UseCaseError::Refused(format!("{field}: {error}")))
}

/// Installs a collection, after asking it who it is with the credential.
async fn create(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    Sent(sent): Sent<Create>,
) -> Result<Response, Problem> {
    let base_url = line("base_url", &sent.base_url)?;
    let credential = Secret::new(line("credential", &sent.credential)?);
    let made = state.installations.create(scope.id(), &base_url, &credential).await?;
    Ok(created(scope.path(&format!("installations/{}", made.0.id)), View::from(made)))
}

async fn list(State(state): State<Arc<ApiState>>, scope: Scope, listing: Listing) -> Result<Response, Problem> {
    let found = state.reader.installations(scope.id(), listing.page()?).await?;
    Ok(listing.show(found, |(one, _)| one.id, View::from))
}

async fn show(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id)): At<(String, InstallationId)>,
) -> Result<Response, Problem> {
    Ok(shown(View::from(existing(&state, &scope, id).await?)))
}

/// The installation, where the organization has it.
///
/// # Errors
/// 404 otherwise.
pub(super) async fn existing(
    state: &ApiState,
    scope: &Scope,
    id: InstallationId,
) -> Result<(Installation, Integration), Problem> {
    state.reader.installation(scope.id(), id).await?.ok_or_else(|| Problem::not_found("installation"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    #[serde(default)]
    toggles: ChangedToggles,
    /// Another personal access token; asked of Azure DevOps before it is saved.
    credential: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangedToggles {
    inbound_assignee: Option<bool>,
    outbound_assignee: Option<bool>,
    inbound_status: Option<bool>,
    outbound_status: Option<bool>,
    comments: Option<bool>,
    siblings: Option<bool>,
}

/// Changes toggles and the credential; what is absent stays.
async fn change(
    State(state): State<Arc<ApiState>>,
    scope: Scope,
    At((_, id)): At<(String, InstallationId)>,
    Sent(sent): Sent<Change>,
) -> Result<Response, Problem> {
    let toggles = ToggleChange {
        inbound_assignee: sent.toggles.inbound_assignee,
        outbound_assignee: sent.toggles.outbound_assignee,
        inbound_status: sent.toggles.inbound_status,
        outbound_status: sent.toggles.outbound_status,
        comments: sent.toggles.comments,
        siblings: sent.toggles.siblings,
    };
    let credential = sent.credential.map(|text| line("credential", &text)).transpose()?.map(Secret::new);
    Ok(shown(View::from(
        state.installations.change(scope.id(), id, &InstallationChange { toggles, credential }).await?,
    )))
}
