//! Organizations: making one.

use super::error::UseCaseError;
use super::essentials::Essentials;
use crate::id::OrganizationId;
use crate::organization::Organization;
use crate::port::StoreError;
use crate::slug::Slug;
use crate::text::Name;

/// An organization to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrganization {
    /// Shown to people.
    pub name: Name,
    /// Chosen by the caller, or found from the name.
    pub slug: Option<Slug>,
    /// Whether changes made here are carried to the trackers.
    pub issue_sync: bool,
}

/// Makes organizations.
#[derive(Clone)]
pub struct Organizations {
    /// The shared ports.
    pub base: Essentials,
}

impl Organizations {
    /// Makes an organization.
    ///
    /// # Errors
    /// [`UseCaseError::Conflict`] when a chosen slug is taken, [`UseCaseError::TryAgain`] when no id or
    /// no slug could be had.
    pub async fn create(&self, new: &NewOrganization) -> Result<Organization, UseCaseError> {
        for slug in self.base.slug_candidates(new.slug.as_ref(), &new.name) {
            let saved = self.base.save_with_new_id::<Organization, _, _, _>(|id| self.insert(new, &slug, id)).await;
            match saved {
                Err(UseCaseError::Store(error)) if error.is_conflict_with("organization_slug") => {}
                done => return done,
            }
        }
        Err(Essentials::no_slug_left(new.slug.as_ref(), "organization"))
    }

    async fn insert(&self, new: &NewOrganization, slug: &Slug, id: i64) -> Result<Organization, StoreError> {
        let mut organization = Organization {
            id: OrganizationId::new(id),
            slug: slug.clone(),
            name: new.name.clone(),
            issue_sync: new.issue_sync,
            created_at: self.base.clock.now(),
        };
        let mut uow = self.base.store.begin().await?;
        organization.id = uow.insert_organization(&organization).await?;
        uow.commit().await.map(|()| organization)
    }
}
