//! Teams: making one, and who is in it.

use super::error::{UseCaseError, rerun};
use super::essentials::Essentials;
use crate::id::{OrganizationId, TeamId, UserId};
use crate::organization::Team;
use crate::port::StoreError;
use crate::slug::Slug;
use crate::text::Name;

/// A team to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTeam {
    /// Shown to people.
    pub name: Name,
    /// Chosen by the caller, or found from the name.
    pub slug: Option<Slug>,
}

/// Makes and changes teams.
#[derive(Clone)]
pub struct Teams {
    /// The shared ports.
    pub base: Essentials,
}

impl Teams {
    /// Makes a team.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such an organization, [`UseCaseError::Conflict`] when a chosen
    /// slug is taken, [`UseCaseError::TryAgain`] when no id or no slug could be had.
    pub async fn create(&self, organization: OrganizationId, new: &NewTeam) -> Result<Team, UseCaseError> {
        for slug in self.base.slug_candidates(new.slug.as_ref(), &new.name) {
            let insert = |id| self.insert(organization, new, &slug, id);
            match self.base.save_with_new_id::<Team, _, _, _>(insert).await {
                Err(UseCaseError::Store(error)) if error.is_conflict_with("team_slug") => {}
                done => return done?.ok_or(UseCaseError::NotFound { what: "organization" }),
            }
        }
        Err(Essentials::no_slug_left(new.slug.as_ref(), "team"))
    }

    /// One transaction; `None` without such an organization.
    async fn insert(
        &self,
        organization: OrganizationId,
        new: &NewTeam,
        slug: &Slug,
        id: i64,
    ) -> Result<Option<Team>, StoreError> {
        let mut uow = self.base.store.begin().await?;
        if !uow.lock_organization(organization).await? {
            return Ok(None);
        }
        let mut team = Team {
            id: TeamId::new(id),
            organization,
            slug: slug.clone(),
            name: new.name.clone(),
            created_at: self.base.clock.now(),
        };
        team.id = uow.insert_team(&team).await?;
        uow.commit().await?;
        Ok(Some(team))
    }

    /// Puts a member of the organization into a team. Work items that wait for them are read again. A
    /// member already is no error.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a team or user in the organization.
    pub async fn add_member(
        &self,
        organization: OrganizationId,
        team: TeamId,
        user: UserId,
    ) -> Result<(), UseCaseError> {
        self.check(organization, team, user).await?;
        rerun(|| self.try_add(organization, team, user)).await?;
        self.base.wake.outbox();
        Ok(())
    }

    async fn try_add(&self, organization: OrganizationId, team: TeamId, user: UserId) -> Result<(), StoreError> {
        let mut uow = self.base.store.begin().await?;
        uow.add_team_member(team, user).await?;
        self.base.arm_waiting(uow.as_mut(), organization, &[user]).await?;
        uow.commit().await
    }

    /// Takes a user out of a team. What they have stays theirs.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a team or user in the organization, or when the user is
    /// not in it.
    pub async fn remove_member(
        &self,
        organization: OrganizationId,
        team: TeamId,
        user: UserId,
    ) -> Result<(), UseCaseError> {
        self.check(organization, team, user).await?;
        let removed = rerun(|| async {
            let mut uow = self.base.store.begin().await?;
            let removed = uow.remove_team_member(team, user).await?;
            uow.commit().await.map(|()| removed)
        })
        .await?;
        if removed { Ok(()) } else { Err(UseCaseError::NotFound { what: "member of the team" }) }
    }

    async fn check(&self, organization: OrganizationId, team: TeamId, user: UserId) -> Result<(), UseCaseError> {
        let found = self.base.reader.team(organization, team).await?;
        found.ok_or(UseCaseError::NotFound { what: "team" })?;
        let found = self.base.reader.member(organization, user).await?;
        found.ok_or(UseCaseError::NotFound { what: "user" }).map(drop)
    }
}
