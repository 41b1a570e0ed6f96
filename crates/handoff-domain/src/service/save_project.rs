//! Save Project: finds a free slug where none is given, and saves, with a snowflake id where enabled.

use super::error::{UseCaseError, rerun};
use super::essentials::slugs_for;
use super::generate_snowflake_id::SnowflakeIds;
use super::save_with_snowflake_id::save_with_snowflake_id;
use crate::id::{OrganizationId, ProjectId};
use crate::port::{Clock, Entropy, Store, StoreError, UnitOfWork};
use crate::project::Project;
use crate::slug::Slug;
use crate::snowflake::Snowflake;
use crate::text::Name;
use std::sync::Arc;

/// A project to be saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProject {
    /// Whose it will be.
    pub organization: OrganizationId,
    /// Shown to people.
    pub name: Name,
    /// Chosen by the caller, or found from the name.
    pub slug: Option<Slug>,
    /// Given by the caller (an import), or generated.
    pub id: Option<Snowflake>,
}

/// What one transaction came to.
enum Insertion {
    Saved(Project),
    NoOrganization,
    NoFreeSlug,
}

/// Saves projects.
pub struct SaveProject {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    snowflakes: Option<SnowflakeIds>,
}

impl SaveProject {
    /// With `snowflakes`, projects get snowflake ids; without, the database counts.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        snowflakes: Option<SnowflakeIds>,
    ) -> Self {
        Self { store, clock, entropy, snowflakes }
    }

    /// Saves a project. The slug is chosen under a lock of the organization that is held until the
    /// project is committed, so that two projects of one name never race for it.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such an organization, [`UseCaseError::Conflict`] when a chosen
    /// slug or a given id is taken, [`UseCaseError::TryAgain`] when no id or no free slug could be had.
    pub async fn save_project(&self, new: &NewProject) -> Result<Project, UseCaseError> {
        let saved = match (&self.snowflakes, new.id) {
            (Some(ids), given) => {
                save_with_snowflake_id::<Project, _, _, _>(ids, given, |id| {
                    rerun(move || self.insert(new, ProjectId::new(id.get())))
                })
                .await
            }
            (None, given) => {
                let id = ProjectId::new(given.map_or(0, Snowflake::get));
                rerun(|| self.insert(new, id)).await.map_err(UseCaseError::from)
            }
        };
        match saved {
            Ok(Insertion::Saved(project)) => Ok(project),
            Ok(Insertion::NoOrganization) => Err(UseCaseError::NotFound { what: "organization" }),
            Ok(Insertion::NoFreeSlug) => {
                let reason = "no free slug was found for this name; choose one, or try again";
                Err(UseCaseError::TryAgain(reason.to_owned()))
            }
            Err(UseCaseError::Store(error)) if error.is_conflict_with("project_slug") => {
                Err(UseCaseError::Conflict("a project of this slug exists already".to_owned()))
            }
            Err(UseCaseError::Store(error)) if error.is_conflict_with("project_pkey") => {
                Err(UseCaseError::Conflict("a project of this id exists already".to_owned()))
            }
            Err(error) => Err(error),
        }
    }

    /// One transaction.
    async fn insert(&self, new: &NewProject, id: ProjectId) -> Result<Insertion, StoreError> {
        let mut uow = self.store.begin().await?;
        if !uow.lock_organization(new.organization).await? {
            return Ok(Insertion::NoOrganization);
        }
        let slug = match &new.slug {
            Some(chosen) => chosen.clone(),
            None => match self.free_slug(uow.as_mut(), new).await? {
                Some(free) => free,
                None => return Ok(Insertion::NoFreeSlug),
            },
        };
        let mut project =
            Project { id, organization: new.organization, slug, name: new.name.clone(), created_at: self.clock.now() };
        project.id = uow.insert_project(&project).await?;
        uow.commit().await?;
        Ok(Insertion::Saved(project))
    }

    /// The slug that the name suggests, or the first alternative that is free; `None` if all are taken.
    async fn free_slug(&self, uow: &mut dyn UnitOfWork, new: &NewProject) -> Result<Option<Slug>, StoreError> {
        let candidates = slugs_for(&new.name, self.entropy.as_ref());
        let taken = uow.taken_slugs(new.organization, &candidates).await?;
        Ok(candidates.into_iter().find(|slug| !taken.contains(slug)))
    }
}
