//! Integrations and the organization's installations of them. A credential goes in and never comes out.

use crate::auth::Scope;
use crate::extract::{At, Sent, created, present, shown};
use crate::page::Listing;
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use handoff_domain::credential::Credential;
use handoff_domain::id::{InstallationId, IntegrationId};
use handoff_domain::integration::{Installation, Integration, Toggles};
use handoff_domain::service::UseCaseError;
use handoff_domain::service::installations::{Change as InstallationChange, ToggleChange};
use handoff_domain::text::{Name, single_line};
use handoff_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The longest address, in characters.
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
    /// When the credential ends, where somebody told.
    credential_expires_at: Option<Timestamp>,
    created_at: Timestamp,
}

impl From<(Installation, Integration)> for View {
    fn from((one, of): (Installation, Integration)) -> Self {
        Self {
            id: one.id,
            integration: of.into(),
            toggles: one.toggles,
            credential_expires_at: one.credential_expires_at,
            created_at: one.created_at,
        }
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
    credential: SentCredential,
    /// When it ends.
    credential_expires_at: Option<Timestamp>,
}

/// What to sign in with.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a credential is a personal access token as text, or an object of tenant, client_id and client_secret"
)]
enum SentCredential {
    /// A personal access token.
    Token(String),
    /// A service principal of Microsoft Entra.
    Principal(SentPrincipal),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentPrincipal {
    tenant: String,
    client_id: String,
    client_secret: String,
}

impl SentCredential {
    fn parse(&self) -> Result<Credential, UseCaseError> {
        let parsed = match self {
            Self::Token(token) => Credential::token(token),
            Self::Principal(SentPrincipal { tenant, client_id, client_secret }) => {
                Credential::service_principal(tenant, client_id, client_secret)
            }
        };
        parsed.map_err(|error| UseCaseError::Refused(error.to_string()))
    }
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
    let credential = sent.credential.parse()?;
    let made = state.installations.create(scope.id(), &base_url, &credential, sent.credential_expires_at).await?;
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
    /// Another credential; asked of Azure DevOps before it is saved.
    credential: Option<SentCredential>,
    /// When it ends; null where nobody knows.
    #[serde(default, deserialize_with = "present")]
    credential_expires_at: Option<Option<Timestamp>>,
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
    let credential = sent.credential.as_ref().map(SentCredential::parse).transpose()?;
    let change = InstallationChange { toggles, credential, credential_expires_at: sent.credential_expires_at };
    Ok(shown(View::from(state.installations.change(scope.id(), id, &change).await?)))
}
