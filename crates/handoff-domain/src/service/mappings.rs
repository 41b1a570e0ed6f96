//! Identity mappings: "this identity of the tracker is that user of ours".

use super::error::{UseCaseError, rerun};
use super::essentials::Essentials;
use super::installations::installation_of;
use crate::id::{IntegrationId, MappingId, OrganizationId, UserId};
use crate::person::{IdentityMapping, Person};
use crate::port::StoreError;
use crate::text::single_line;

/// A mapping to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMapping {
    /// The tracker; the organization must have installed it.
    pub integration: IntegrationId,
    /// The tracker's own id of the identity. One of the two must be present.
    pub identity_id: Option<String>,
    /// The sign-in name there.
    pub unique_name: Option<String>,
    /// Our user.
    pub user: UserId,
}

/// Makes and removes mappings.
#[derive(Clone)]
pub struct Mappings {
    /// The shared ports.
    pub base: Essentials,
}

impl Mappings {
    /// Makes a mapping. Work items that wait for this identity are read again.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a user or integration in the organization,
    /// [`UseCaseError::Refused`] when it names no identity, [`UseCaseError::Conflict`] when the identity
    /// is mapped already.
    pub async fn create(
        &self,
        organization: OrganizationId,
        new: &NewMapping,
    ) -> Result<IdentityMapping, UseCaseError> {
        let (identity_id, unique_name) = (kept(new.identity_id.as_deref())?, kept(new.unique_name.as_deref())?);
        if identity_id.is_none() && unique_name.is_none() {
            return Err(UseCaseError::Refused("an identity id or a unique name must be given".to_owned()));
        }
        let member = self.base.reader.member(organization, new.user).await?;
        member.ok_or(UseCaseError::NotFound { what: "user" })?;
        let installed = installation_of(&self.base, organization, new.integration).await?;
        installed.ok_or(UseCaseError::NotFound { what: "integration" })?;
        let now = self.base.clock.now();
        let mapping = IdentityMapping {
            id: MappingId::generate(now, self.base.entropy.as_ref()),
            organization,
            integration: new.integration,
            identity_id,
            unique_name,
            user: new.user,
            created_at: now,
        };
        rerun(|| self.insert(&mapping)).await.map_err(|error| {
            if error.is_conflict_with("identity_mapping_identity") {
                UseCaseError::Conflict("this identity is mapped already".to_owned())
            } else {
                error.into()
            }
        })?;
        self.base.wake.outbox();
        Ok(mapping)
    }

    async fn insert(&self, mapping: &IdentityMapping) -> Result<(), StoreError> {
        let mut uow = self.base.store.begin().await?;
        uow.insert_mapping(mapping).await?;
        self.base.arm_waiting(uow.as_mut(), mapping.organization, &[mapping.user]).await?;
        uow.commit().await
    }

    /// Removes a mapping. Groups keep the assignees that it gave them.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a mapping in the organization.
    pub async fn delete(&self, organization: OrganizationId, id: MappingId) -> Result<(), UseCaseError> {
        let removed = rerun(|| async {
            let mut uow = self.base.store.begin().await?;
            let removed = uow.delete_mapping(organization, id).await?;
            uow.commit().await.map(|()| removed)
        })
        .await?;
        if removed { Ok(()) } else { Err(UseCaseError::NotFound { what: "identity mapping" }) }
    }
}

/// A name of an identity as it is stored: trimmed, in lower case.
fn kept(text: Option<&str>) -> Result<Option<String>, UseCaseError> {
    let checked = text.map(|text| single_line(text, Person::MAX_NAME)).transpose();
    let checked = checked.map_err(|error| UseCaseError::Refused(format!("the identity {error}")))?;
    Ok(checked.map(|text| text.to_lowercase()))
}
