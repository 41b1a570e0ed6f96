//! Groups: making one.

use super::assignments::{About, Assignments, look_around};
use super::change_set::ChangeSet;
use super::error::{UseCaseError, rerun};
use crate::assignee::{ActivityKind, ChangeSource};
use crate::group::{Group, GroupStatus, Level};
use crate::id::{GroupId, OrganizationId, ProjectId};
use crate::port::read::GroupView;
use crate::port::store::GroupState;
use crate::text::Name;

/// A group to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroup {
    /// What it is about.
    pub title: Name,
    /// How bad it is.
    pub level: Level,
}

/// Makes groups.
#[derive(Clone)]
pub struct Groups {
    /// What it shares with assigning.
    pub assignments: Assignments,
}

impl Groups {
    /// Makes an open group that is nobody's, with its first line of history, and its cards.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a project in the organization.
    pub async fn create(
        &self,
        organization: OrganizationId,
        project: ProjectId,
        new: &NewGroup,
        by: ChangeSource,
    ) -> Result<GroupView, UseCaseError> {
        let ticket = self.assignments.ticket().await;
        let (view, changes) = rerun(|| self.try_create(organization, project, new, by)).await?;
        self.assignments.tell(ticket, &changes).await;
        Ok(view)
    }

    async fn try_create(
        &self,
        organization: OrganizationId,
        project: ProjectId,
        new: &NewGroup,
        by: ChangeSource,
    ) -> Result<(GroupView, ChangeSet), UseCaseError> {
        let (clock, entropy) = (self.assignments.clock.as_ref(), self.assignments.entropy.as_ref());
        let mut uow = self.assignments.store.begin().await?;
        let held = uow.hold_project(organization, project).await?;
        let held = held.ok_or(UseCaseError::NotFound { what: "project" })?;
        let number = uow.next_group_number(project).await?.ok_or(UseCaseError::NotFound { what: "project" })?;
        let now = clock.now();
        let group = Group {
            id: GroupId::generate(now, entropy),
            organization,
            project,
            number,
            title: new.title.clone(),
            level: new.level,
            status: GroupStatus::Unresolved,
            last_event_at: now,
            created_at: now,
        };
        uow.insert_group(&group).await?;
        // Nothing below carries an assignee outward, so what the organization carries is of no account.
        let state = GroupState {
            group: group.clone(),
            assignee: None,
            decision: None,
            status_decision: None,
            issue_sync: false,
        };
        let around =
            look_around(uow.as_mut(), &About { projects: &[project], ..About::default() }, clock, entropy).await?;
        let mut changes = ChangeSet::default();
        changes.record(&state, ActivityKind::Created, by, &around);
        changes.refresh_cards(&state, &around);
        changes.write(uow.as_mut()).await?;
        uow.commit().await?;
        Ok((GroupView { group, project_slug: held.slug, assignee: None }, changes))
    }
}
