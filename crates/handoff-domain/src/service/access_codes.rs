//! Codes that are typed in Discord: making them, for whoever may use the API of an organization.

use super::error::{UseCaseError, rerun};
use super::essentials::Essentials;
use crate::access_code::{AccessCode, CodePurpose};
use crate::id::{OrganizationId, UserId};
use crate::secret::Secret;
use crate::time::Timestamp;

/// Makes codes.
#[derive(Clone)]
pub struct AccessCodes {
    /// The shared ports.
    pub base: Essentials,
}

impl AccessCodes {
    /// Makes a code with which a member links their Discord account: shown here, and kept nowhere. A code
    /// that was made for them before is no good any more.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a member, [`UseCaseError::Refused`] for an inactive one.
    pub async fn link(&self, organization: OrganizationId, user: UserId) -> Result<(Secret, Timestamp), UseCaseError> {
        let found = self.base.reader.member(organization, user).await?;
        let member = found.ok_or(UseCaseError::NotFound { what: "user" })?;
        if !member.user.active {
            return Err(UseCaseError::Refused("the user is inactive".to_owned()));
        }
        self.make(organization, CodePurpose::Link { user }).await
    }

    /// Makes a code with which somebody who may manage a guild gives it to the organization.
    ///
    /// # Errors
    /// A store error.
    pub async fn claim(&self, organization: OrganizationId) -> Result<(Secret, Timestamp), UseCaseError> {
        self.make(organization, CodePurpose::Claim).await
    }

    async fn make(
        &self,
        organization: OrganizationId,
        purpose: CodePurpose,
    ) -> Result<(Secret, Timestamp), UseCaseError> {
        let now = self.base.clock.now();
        let (code, text) = AccessCode::generate(organization, purpose, now, self.base.entropy.as_ref());
        rerun(|| async {
            let mut uow = self.base.store.begin().await?;
            uow.put_access_code(&code).await?;
            uow.commit().await
        })
        .await?;
        tracing::info!(%organization, kind = purpose.kind().as_str(), "a code for Discord was made");
        Ok((text, code.expires_at))
    }
}
