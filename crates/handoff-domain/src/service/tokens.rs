//! API tokens: making one, revoking one, and telling whose a presented secret is.

use super::error::{UseCaseError, rerun};
use super::essentials::Essentials;
use crate::id::{OrganizationId, TokenId};
use crate::port::StoreError;
use crate::secret::Secret;
use crate::text::Name;
use crate::time::Timestamp;
use crate::token::ApiToken;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// What every secret begins with, so that a leaked one is recognised.
pub const PREFIX: &str = "hnd_";
/// Random bytes of a secret, shown as twice as many hexadecimal digits.
pub const SECRET_BYTES: usize = 32;

/// Makes, revokes and recognises tokens.
#[derive(Clone)]
pub struct Tokens {
    /// The shared ports.
    pub base: Essentials,
}

/// The digest under which a secret is stored: SHA-256. The secret has 256 random bits, so that no
/// slower digest is needed.
#[must_use]
pub fn digest_of(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

impl Tokens {
    /// Makes a token. The secret is returned here and kept nowhere.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such an organization, or a store error.
    pub async fn create(
        &self,
        name: Name,
        organization: Option<OrganizationId>,
        expires_at: Option<Timestamp>,
    ) -> Result<(ApiToken, Secret), UseCaseError> {
        if let Some(id) = organization {
            let found = self.base.reader.organization(id).await?;
            found.ok_or(UseCaseError::NotFound { what: "organization" })?;
        }
        let mut random = [0_u8; SECRET_BYTES];
        self.base.entropy.fill(&mut random);
        let mut secret = PREFIX.to_owned();
        for byte in random {
            // Writing to a String cannot fail.
            let _ = write!(secret, "{byte:02x}");
        }
        let now = self.base.clock.now();
        let token = ApiToken {
            id: TokenId::generate(now, self.base.entropy.as_ref()),
            name,
            organization,
            digest: digest_of(&secret),
            created_at: now,
            expires_at,
            revoked_at: None,
        };
        rerun(|| async {
            let mut uow = self.base.store.begin().await?;
            uow.insert_token(&token).await?;
            uow.commit().await
        })
        .await?;
        Ok((token, Secret::new(secret)))
    }

    /// Revokes a token, at once.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] when there is none that works.
    pub async fn revoke(&self, id: TokenId) -> Result<(), UseCaseError> {
        let revoked = rerun(|| async {
            let mut uow = self.base.store.begin().await?;
            let revoked = uow.revoke_token(id, self.base.clock.now()).await?;
            uow.commit().await.map(|()| revoked)
        })
        .await?;
        if revoked { Ok(()) } else { Err(UseCaseError::NotFound { what: "token that works" }) }
    }

    /// The live token whose secret this is. Looked up by digest, so that comparing takes no time that
    /// tells anything about a secret.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn authenticate(&self, secret: &str) -> Result<Option<ApiToken>, StoreError> {
        if !secret.starts_with(PREFIX) || secret.len() != PREFIX.len() + 2 * SECRET_BYTES {
            return Ok(None);
        }
        let found = self.base.reader.token_by_digest(&digest_of(secret)).await?;
        Ok(found.filter(|token| token.is_live(self.base.clock.now())))
    }
}
