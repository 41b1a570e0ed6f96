//! The people of trackers whom nobody here is, with what waits for each.

use crate::auth::Scope;
use crate::page::Listing;
use crate::problem::Problem;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use handoff_domain::id::{GroupId, IntegrationId};
use handoff_domain::person::{Person, UnresolvedPerson, UnresolvedReason};
use serde::Serialize;
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<ApiState>> {
    Router::new().route("/organizations/{organization}/unresolved-people", get(list))
}

#[derive(Serialize)]
struct View {
    integration: IntegrationId,
    person: Person,
    reason: UnresolvedReason,
    /// The reason for people, with what to do.
    meaning: &'static str,
    /// How many links wait.
    links: u64,
    /// Some of their groups.
    groups: Vec<GroupId>,
}

impl From<UnresolvedPerson> for View {
    fn from(one: UnresolvedPerson) -> Self {
        let reason = one.unresolved.reason;
        Self {
            integration: one.integration,
            person: one.unresolved.person,
            reason,
            meaning: meaning(reason),
            links: one.links,
            groups: one.groups,
        }
    }
}

const fn meaning(reason: UnresolvedReason) -> &'static str {
    match reason {
        UnresolvedReason::Unknown => {
            "Nobody here is mapped to this identity or has verified this address. Map it, verify the address, or \
             import the project's people"
        }
        UnresolvedReason::Ambiguous => "More than one user fits. Map the identity to the one whom it is",
        UnresolvedReason::Inactive => "The user whom it is is inactive. Activate them, or assign somebody else",
        UnresolvedReason::OutsideProject => {
            "The user whom it is is in no team of the project. Put them in one, or give the project to a team of theirs"
        }
        UnresolvedReason::Container => "A group of people cannot have a group. Assign a person in Azure DevOps",
    }
}

async fn list(State(state): State<Arc<ApiState>>, scope: Scope, listing: Listing) -> Result<Response, Problem> {
    let found = state.reader.unresolved_people(scope.id(), listing.page()?).await?;
    Ok(listing.show(found, UnresolvedPerson::key, View::from))
}
