//! API tokens: bearer secrets of which only a digest is stored.

use crate::id::{OrganizationId, TokenId};
use crate::text::Name;
use crate::time::Timestamp;

/// A token for the API. The secret itself is shown once and kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Its id.
    pub id: TokenId,
    /// What it is for.
    pub name: Name,
    /// The organization it is good for; `None` is good for the whole instance.
    pub organization: Option<OrganizationId>,
    /// SHA-256 of the secret: 32 bytes.
    pub digest: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl ApiToken {
    /// Whether it works at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| at > now)
    }

    /// Whether it may act for an organization.
    #[must_use]
    pub fn covers(&self, organization: OrganizationId) -> bool {
        self.organization.is_none_or(|own| own == organization)
    }
}
