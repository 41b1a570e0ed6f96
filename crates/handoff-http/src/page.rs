//! Lists: `?limit=&cursor=`, and a `Link` header (RFC 8288) to the next page. A cursor is opaque to the
//! caller; inside it is the id of the last row seen.

use crate::extract::Params;
use crate::problem::Problem;
use axum::Json;
use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::header::LINK;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use handoff_domain::page::{Page, PageRequest};
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::str::FromStr;

/// A list as it is shown.
#[derive(Serialize)]
pub(crate) struct Items<T> {
    /// The rows.
    pub(crate) items: Vec<T>,
}

/// A list without pages.
pub(crate) fn all<T, V: Serialize>(rows: impl IntoIterator<Item = T>, view: impl Fn(T) -> V) -> Response {
    Json(Items { items: rows.into_iter().map(view).collect() }).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    limit: Option<u16>,
    cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByState {
    limit: Option<u16>,
    cursor: Option<String>,
    state: Option<String>,
}

/// The page that a request asks for.
pub(crate) struct Listing {
    uri: Uri,
    limit: Option<u16>,
    cursor: Option<String>,
}

/// The same, of a list that can be filtered by `?state=`.
pub(crate) struct FilteredListing {
    /// The page.
    pub(crate) listing: Listing,
    /// The state, where one is given.
    pub(crate) state: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Listing {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let uri = original(parts, state).await;
        let Params(Plain { limit, cursor }) = Params::from_request_parts(parts, state).await?;
        Ok(Self { uri, limit, cursor })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for FilteredListing {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let uri = original(parts, state).await;
        let Params(ByState { limit, cursor, state }) = Params::from_request_parts(parts, state).await?;
        Ok(Self { listing: Listing { uri, limit, cursor }, state })
    }
}

async fn original<S: Send + Sync>(parts: &mut Parts, state: &S) -> Uri {
    let Ok(OriginalUri(uri)) = OriginalUri::from_request_parts(parts, state).await;
    uri
}

impl FilteredListing {
    /// The state asked for, read by `read`.
    ///
    /// # Errors
    /// 400 for a word that is no state.
    pub(crate) fn state<T>(&self, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Problem> {
        let unknown = || Problem::bad_request("invalid_query", "state: not one of the states of this list");
        self.state.as_deref().map(|word| read(word).ok_or_else(unknown)).transpose()
    }
}

impl Listing {
    /// What to ask the store for.
    ///
    /// # Errors
    /// 400 for a limit outside 1 to 100, or for a cursor that is not one of ours.
    pub(crate) fn page<K: FromStr>(&self) -> Result<PageRequest<K>, Problem> {
        let most = PageRequest::<K>::MAX;
        let limit = self.limit.unwrap_or(PageRequest::<K>::DEFAULT);
        if !(1..=most).contains(&limit) {
            return Err(Problem::bad_request("invalid_query", format!("limit: must be between 1 and {most}")));
        }
        let foreign = |_| Problem::bad_request("invalid_query", "cursor: not one that this list gave out");
        let after = self.cursor.as_deref().map(|cursor| cursor.parse().map_err(foreign)).transpose()?;
        Ok(PageRequest { after, limit })
    }

    /// Shows a page; `key` is what the next one begins after.
    pub(crate) fn show<T, V, K>(&self, page: Page<T>, key: impl Fn(&T) -> K, view: impl Fn(T) -> V) -> Response
    where
        V: Serialize,
        K: Display,
    {
        let next = page.items.last().filter(|_| page.more).map(|last| self.next(&key(last).to_string()));
        let mut response = all(page.items, view);
        if let Some(link) = next.and_then(|link| HeaderValue::from_str(&link).ok()) {
            response.headers_mut().insert(LINK, link);
        }
        response
    }

    /// The same address with another cursor, as the value of a `Link` header.
    fn next(&self, cursor: &str) -> String {
        let kept = self.uri.query().unwrap_or_default().split('&');
        let kept = kept.filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
        let query: String = kept.map(|pair| format!("{pair}&")).collect();
        format!("<{}?{query}cursor={cursor}>; rel=\"next\"", self.uri.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_keeps_the_filter_and_changes_the_cursor() {
        let uri = Uri::from_static("/api/v1/x?state=dead&cursor=3&limit=2");
        let listing = Listing { uri, limit: Some(2), cursor: Some("3".to_owned()) };
        assert_eq!(listing.next("5"), "</api/v1/x?state=dead&limit=2&cursor=5>; rel=\"next\"");
    }

    #[test]
    fn a_limit_outside_its_bounds_and_a_foreign_cursor_are_refused() {
        let listing = |limit, cursor: Option<&str>| Listing {
            uri: Uri::from_static("/x"),
            limit,
            cursor: cursor.map(str::to_owned),
        };
        assert!(listing(Some(0), None).page::<i64>().is_err());
        assert!(listing(Some(101), None).page::<i64>().is_err());
        assert!(listing(None, Some("x")).page::<i64>().is_err());
        assert!(matches!(listing(Some(100), Some("7")).page::<i64>(), Ok(PageRequest { after: Some(7), limit: 100 })));
    }
}
