//! Personal access tokens: who calls, and what they may do.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};

use super::ids::IdentityId;

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PatRights {
    /// Create, change and delete work items.
    pub write_work_items: bool,
    /// See service hooks.
    pub view_hooks: bool,
    /// Create, replace and delete service hooks.
    pub edit_hooks: bool,
    /// Read users and identities of the whole organization.
    pub read_people: bool,
    /// See projects and their teams.
    pub read_projects: bool,
    /// Read work items.
    pub read_work_items: bool,
}

impl Default for PatRights {
    fn default() -> Self {
        Self::full()
    }
}

impl PatRights {
    /// Everything.
    #[must_use]
    pub const fn full() -> Self {
        Self {
            write_work_items: true,
            view_hooks: true,
            edit_hooks: true,
            read_people: true,
            read_projects: true,
            read_work_items: true,
        }
    }

    /// Work items and people can be read, hooks seen; nothing can be changed.
    #[must_use]
    pub const fn read_only() -> Self {
        Self { write_work_items: false, edit_hooks: false, ..Self::full() }
    }

    /// Everything but service hooks.
    #[must_use]
    pub const fn without_hooks() -> Self {
        Self { view_hooks: false, edit_hooks: false, ..Self::full() }
    }
}

/// How a request with bad credentials is answered. All three have been seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnauthorizedForm {
    /// 401.
    #[default]
    Unauthorized,
    /// 302 to the sign-in page.
    Redirect,
    /// 203 with the sign-in page.
    SignInPage,
}

/// A token's owner and rights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) identity: IdentityId,
    pub(crate) rights: PatRights,
}

/// The access token that these headers bear.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// The tokens.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    by_token: BTreeMap<String, Caller>,
}

impl Tokens {
    pub(crate) fn add(&mut self, token: &str, caller: Caller) {
        self.by_token.insert(token.to_owned(), caller);
    }

    pub(crate) fn revoke(&mut self, token: &str) {
        self.by_token.remove(token);
    }

    /// Who sends these headers: basic authentication with the token as password, whatever the name.
    pub(crate) fn caller(&self, headers: &HeaderMap) -> Option<Caller> {
        let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, encoded) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (_, token) = decoded.split_once(':')?;
        self.by_token.get(token).copied()
    }
}
