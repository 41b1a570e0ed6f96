//! What belongs to a project beside its making and deletion: its teams, and who wants to be mentioned.

use super::error::{UseCaseError, rerun};
use super::essentials::Essentials;
use super::save_project::{NewProject, SaveProject};
use crate::id::{OrganizationId, ProjectId, TeamId, UserId};
use crate::project::{NotificationSetting, Project};
use std::sync::Arc;

/// The most teams a project is made with.
pub const MAX_TEAMS: usize = 50;

/// Changes projects.
#[derive(Clone)]
pub struct Projects {
    /// The shared ports.
    pub base: Essentials,
    /// Saves new ones.
    pub save: Arc<SaveProject>,
}

impl Projects {
    /// Saves a project and gives it to these teams. The teams are checked before anything is saved;
    /// they are given in a second transaction.
    ///
    /// # Errors
    /// As [`SaveProject::save_project`]; [`UseCaseError::NotFound`] without such a team in the
    /// organization, [`UseCaseError::Refused`] for too many.
    pub async fn create(&self, new: &NewProject, teams: &[TeamId]) -> Result<Project, UseCaseError> {
        if teams.len() > MAX_TEAMS {
            return Err(UseCaseError::Refused(format!("a project is made with at most {MAX_TEAMS} teams")));
        }
        for team in teams {
            self.check_team(new.organization, *team).await?;
        }
        let project = self.save.save_project(new).await?;
        if !teams.is_empty() {
            self.give(new.organization, project.id, teams).await?;
        }
        Ok(project)
    }

    /// Gives a project to a team. Work items that wait for one of its members are read again. Given
    /// already is no error.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a project or team in the organization.
    pub async fn add_team(
        &self,
        organization: OrganizationId,
        project: ProjectId,
        team: TeamId,
    ) -> Result<(), UseCaseError> {
        self.check_team(organization, team).await?;
        self.give(organization, project, &[team]).await
    }

    async fn give(
        &self,
        organization: OrganizationId,
        project: ProjectId,
        teams: &[TeamId],
    ) -> Result<(), UseCaseError> {
        rerun(|| self.try_give(organization, project, teams)).await?;
        self.base.wake.outbox();
        Ok(())
    }

    async fn try_give(
        &self,
        organization: OrganizationId,
        project: ProjectId,
        teams: &[TeamId],
    ) -> Result<(), UseCaseError> {
        let mut uow = self.base.store.begin().await?;
        let held = uow.hold_project(organization, project).await?;
        held.ok_or(UseCaseError::NotFound { what: "project" })?;
        for team in teams {
            uow.add_project_team(project, *team).await?;
        }
        let mut users: Vec<UserId> = uow.team_members(teams).await?.into_iter().map(|(_, user)| user).collect();
        users.sort_unstable();
        users.dedup();
        self.base.arm_waiting(uow.as_mut(), organization, &users).await?;
        Ok(uow.commit().await?)
    }

    /// Takes a project from a team. What is assigned stays assigned.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a project in the organization, or when the team does not
    /// have it.
    pub async fn remove_team(
        &self,
        organization: OrganizationId,
        project: ProjectId,
        team: TeamId,
    ) -> Result<(), UseCaseError> {
        self.check_team(organization, team).await?;
        rerun(|| async {
            let mut uow = self.base.store.begin().await?;
            let held = uow.hold_project(organization, project).await?;
            held.ok_or(UseCaseError::NotFound { what: "project" })?;
            if !uow.remove_project_team(project, team).await? {
                return Err(UseCaseError::NotFound { what: "team of the project" });
            }
            Ok(uow.commit().await?)
        })
        .await
    }

    /// Sets whether a member is mentioned in the project's channels.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a project or user in the organization.
    pub async fn set_mention(
        &self,
        organization: OrganizationId,
        project: ProjectId,
        user: UserId,
        mention: bool,
    ) -> Result<NotificationSetting, UseCaseError> {
        let member = self.base.reader.member(organization, user).await?;
        member.ok_or(UseCaseError::NotFound { what: "user" })?;
        let setting = NotificationSetting { project, user, mention };
        rerun(|| async {
            let mut uow = self.base.store.begin().await?;
            let held = uow.hold_project(organization, project).await?;
            held.ok_or(UseCaseError::NotFound { what: "project" })?;
            uow.put_notification_setting(&setting).await?;
            Ok::<_, UseCaseError>(uow.commit().await?)
        })
        .await?;
        Ok(setting)
    }

    async fn check_team(&self, organization: OrganizationId, team: TeamId) -> Result<(), UseCaseError> {
        let found = self.base.reader.team(organization, team).await?;
        found.ok_or(UseCaseError::NotFound { what: "team" }).map(drop)
    }
}
