//! Who is calling the API, and for which organization. A thing of another organization is told in the
//! same words as a thing that does not exist.

use crate::problem::Problem;
use crate::state::ApiState;
use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use handoff_domain::assignee::ChangeSource;
use handoff_domain::id::{OrganizationId, ProjectId, UserId};
use handoff_domain::organization::Organization;
use handoff_domain::project::Project;
use handoff_domain::slug::Slug;
use handoff_domain::token::ApiToken;
use std::sync::Arc;

/// Asks for a token (RFC 6750, 3).
const CHALLENGE: &str = "Bearer realm=\"handoff\"";
/// Says that the one presented is no good (RFC 6750, 3.1).
const CHALLENGE_INVALID: &str = "Bearer realm=\"handoff\", error=\"invalid_token\"";

/// The token that a request presented, live.
#[derive(Debug, Clone)]
pub(crate) struct Caller(Arc<ApiToken>);

impl Caller {
    /// The organization that the token is bound to; `None`: it is good for the instance.
    pub(crate) fn bound_to(&self) -> Option<OrganizationId> {
        self.0.organization
    }

    /// Refuses whoever may act for one organization only.
    pub(crate) fn must_be_of_instance(&self) -> Result<(), Problem> {
        match self.bound_to() {
            None => Ok(()),
            Some(_) => Err(Problem::forbidden("this needs a token of the instance, not of one organization")),
        }
    }
}

/// Lets nobody past without a live token, before anything else of the request is looked at.
pub(crate) async fn authenticate(State(state): State<Arc<ApiState>>, mut request: Request, next: Next) -> Response {
    let presented = bearer(request.headers());
    match recognise(&state, presented).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn recognise(state: &ApiState, presented: Option<String>) -> Result<Caller, Problem> {
    let presented = presented.ok_or_else(|| Problem::unauthorized(CHALLENGE, "a bearer token is needed"))?;
    match state.tokens.authenticate(&presented).await? {
        Some(token) => Ok(Caller(Arc::new(token))),
        None => Err(Problem::unauthorized(CHALLENGE_INVALID, "the token is unknown, expired or revoked")),
    }
}

/// The token in `Authorization: Bearer …`.
fn bearer(headers: &HeaderMap) -> Option<String> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Absent only on a route that was put outside the authenticated part.
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::internal)
    }
}

/// The organization that a path names, by id or slug, where the caller may act for it.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// The organization.
    pub(crate) organization: Organization,
}

impl Scope {
    /// Its id.
    pub(crate) fn id(&self) -> OrganizationId {
        self.organization.id
    }

    /// The address of something in it: `/api/v1/organizations/7` and the rest.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/api/v1/organizations/{}/{rest}", self.id())
    }

    /// A change through the API, by this member where the caller names one.
    ///
    /// # Errors
    /// 404 without such a member.
    pub(crate) async fn source(&self, state: &ApiState, by: Option<UserId>) -> Result<ChangeSource, Problem> {
        if let Some(user) = by {
            state.users.member(self.id(), user).await?;
        }
        Ok(ChangeSource::Api { by })
    }
}

impl FromRequestParts<Arc<ApiState>> for Scope {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<ApiState>) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let named = path_param(parts, state, "organization").await?;
        let found = match (named.parse::<OrganizationId>(), Slug::parse(&named)) {
            (Ok(id), _) => state.reader.organization(id).await?,
            (_, Ok(slug)) => state.reader.organization_by_slug(&slug).await?,
            _ => None,
        };
        let covered = found.filter(|organization| caller.0.covers(organization.id));
        covered.map(|organization| Self { organization }).ok_or_else(|| Problem::not_found("organization"))
    }
}

/// The project that a path names, by id or slug, with its organization.
#[derive(Debug, Clone)]
pub(crate) struct InProject {
    /// Its organization.
    pub(crate) scope: Scope,
    /// The project.
    pub(crate) project: Project,
}

impl InProject {
    /// The project's id.
    pub(crate) fn id(&self) -> ProjectId {
        self.project.id
    }
}

impl FromRequestParts<Arc<ApiState>> for InProject {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<ApiState>) -> Result<Self, Problem> {
        let scope = Scope::from_request_parts(parts, state).await?;
        let named = path_param(parts, state, "project").await?;
        let found = match (named.parse::<ProjectId>(), Slug::parse(&named)) {
            (Ok(id), _) => state.reader.project(scope.id(), id).await?,
            (_, Ok(slug)) => state.reader.project_by_slug(scope.id(), &slug).await?,
            _ => None,
        };
        found.map(|project| Self { scope, project }).ok_or_else(|| Problem::not_found("project"))
    }
}

async fn path_param(parts: &mut Parts, state: &Arc<ApiState>, name: &'static str) -> Result<String, Problem> {
    let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| Problem::not_found(name))?;
    let found = params.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
    found.ok_or_else(|| Problem::not_found(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_scheme_is_read_in_any_case_and_other_schemes_are_not_tokens() {
        for (given, expected) in
            [("Bearer hnd_1", Some("hnd_1")), ("bearer  hnd_1 ", Some("hnd_1")), ("Basic x", None), ("hnd_1", None)]
        {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static(given));
            assert_eq!(bearer(&headers).as_deref(), expected, "{given}");
        }
    }
}
