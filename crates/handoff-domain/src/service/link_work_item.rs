//! Links a group with a work item, and unlinks it. The first link is a baseline: the tracker's
//! assignee wins, nobody is mentioned, and nothing is written outward.

use super::assignments::{About, Assignments, look_around};
use super::change_set::ChangeSet;
use super::connection::connection;
use super::error::{UseCaseError, rerun};
use super::observe::{Observation, Origin, known_people, observe_against, tell_status};
use super::precedence::{Heard, How};
use super::sync_group_assignee_inbound::{Foreign, sync_group_assignee_inbound};
use super::workflows::workflows_of;
use crate::assignee::{ActivityKind, Assignee, ChangeSource};
use crate::id::{
    ExternalIssueId, GroupId, InstallationId, IntegrationId, LinkId, OrganizationId, UserId, WorkItemNumber,
};
use crate::integration::Toggles;
use crate::port::store::{GroupState, PersonMatch};
use crate::port::{Reader, SecretBox, StoreError, TrackerConnection, UnitOfWork, WorkItemTracker};
use crate::time::Timestamp;
use crate::work_item::{AzureProjectId, ExternalIssue, GroupLink, LinkedGroup, Snapshot};
use std::collections::HashSet;
use std::sync::Arc;

/// Links and unlinks.
#[derive(Clone)]
pub struct LinkWorkItem {
    /// What it shares with assigning.
    pub assignments: Assignments,
    /// Finds installations.
    pub reader: Arc<dyn Reader>,
    /// Opens credentials.
    pub secrets: Arc<dyn SecretBox>,
    /// Azure DevOps.
    pub tracker: Arc<dyn WorkItemTracker>,
}

/// What was read before the unit of work opened.
pub(super) struct Read {
    pub(super) integration: IntegrationId,
    pub(super) installation: InstallationId,
    toggles: Toggles,
    pub(super) snapshot: Snapshot,
    pub(super) azure_project: AzureProjectId,
    begun_at: Timestamp,
}

impl Read {
    /// What was answered to a write of ours.
    pub(super) fn of(
        at: &TrackerConnection,
        toggles: Toggles,
        snapshot: Snapshot,
        azure_project: AzureProjectId,
        begun_at: Timestamp,
    ) -> Self {
        let (integration, installation) = (at.integration, at.installation);
        Self { integration, installation, toggles, snapshot, azure_project, begun_at }
    }
}

fn not_connected() -> UseCaseError {
    UseCaseError::Refused("the work item's project is not connected".to_owned())
}

impl LinkWorkItem {
    /// Links a group with a work item of a project that the installation connected.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a group, installation or work item,
    /// [`UseCaseError::Refused`] for a project that is not connected, [`UseCaseError::Conflict`] when
    /// they are linked already, [`UseCaseError::Tracker`] as Azure DevOps answers.
    pub async fn link_work_item(
        &self,
        organization: OrganizationId,
        group: GroupId,
        installation: InstallationId,
        number: WorkItemNumber,
        by: ChangeSource,
    ) -> Result<GroupLink, UseCaseError> {
        let read = self.read(organization, installation, number).await?;
        let ticket = self.assignments.ticket().await;
        let linked = rerun(|| self.try_link(organization, group, &read, by)).await;
        let (link, changes) = linked.map_err(|error| match error {
            UseCaseError::Store(error) if error.is_conflict_with("group_link_pair") => {
                UseCaseError::Conflict("the group is linked with this work item already".to_owned())
            }
            other => other,
        })?;
        self.assignments.tell(ticket, &changes).await;
        Ok(link)
    }

    /// Reads a work item, which must be in a connected project.
    pub(super) async fn read(
        &self,
        organization: OrganizationId,
        installation: InstallationId,
        number: WorkItemNumber,
    ) -> Result<Read, UseCaseError> {
        let at = connection(self.reader.as_ref(), self.secrets.as_ref(), organization, installation).await?;
        let begun_at = self.assignments.clock.now();
        let snapshot = self.tracker.work_item(&at, number).await?;
        let snapshot = snapshot.ok_or(UseCaseError::NotFound { what: "work item" })?;
        let connected = self.reader.connected_projects(organization, installation).await?;
        let project = snapshot.azure_project.clone();
        let azure_project = project
            .filter(|project| connected.iter().any(|one| one.azure_project == *project))
            .ok_or_else(not_connected)?;
        let found = self.reader.installation(organization, installation).await?;
        let (found, _) = found.ok_or(UseCaseError::NotFound { what: "installation" })?;
        let toggles = found.toggles;
        Ok(Read { integration: at.integration, installation, toggles, snapshot, azure_project, begun_at })
    }

    async fn try_link(
        &self,
        organization: OrganizationId,
        group: GroupId,
        read: &Read,
        by: ChangeSource,
    ) -> Result<(GroupLink, ChangeSet), UseCaseError> {
        let mut uow = self.assignments.store.begin().await?;
        if !uow.hold_connected_project(read.installation, &read.azure_project).await? {
            return Err(not_connected());
        }
        let (issue, mut changes) = self.mirrored(uow.as_mut(), read).await?;
        changes.write(uow.as_mut()).await?;
        let state = super::assignments::locked(uow.as_mut(), organization, group).await?;
        let mut baseline = ChangeSet::default();
        let link = self.linked(uow.as_mut(), &state, &issue, read, by, &mut baseline).await?;
        baseline.write(uow.as_mut()).await?;
        uow.commit().await?;
        changes.absorb(baseline);
        Ok((link, changes))
    }

    /// Links a locked group with a mirrored work item, and adds the baseline to what is to be written.
    pub(super) async fn linked(
        &self,
        uow: &mut dyn UnitOfWork,
        state: &GroupState,
        issue: &ExternalIssue,
        read: &Read,
        by: ChangeSource,
        changes: &mut ChangeSet,
    ) -> Result<GroupLink, StoreError> {
        let link = self.insert_link(uow, state, issue, read).await?;
        self.baseline(uow, state, (&link, issue), read, by, changes).await?;
        Ok(link)
    }

    /// The link alone: of a baseline, or of what the group decided, the caller knows.
    pub(super) async fn insert_link(
        &self,
        uow: &mut dyn UnitOfWork,
        state: &GroupState,
        issue: &ExternalIssue,
        read: &Read,
    ) -> Result<GroupLink, StoreError> {
        let now = self.assignments.clock.now();
        let link = GroupLink {
            id: LinkId::generate(now, self.assignments.entropy.as_ref()),
            organization: state.group.organization,
            group: state.group.id,
            external_issue: issue.id,
            installation: read.installation,
            unresolved: None,
            problem: None,
            created_at: now,
        };
        uow.insert_link(&link).await?;
        Ok(link)
    }

    /// The mirror of what was read: observed where there is one, made where there is none.
    pub(super) async fn mirrored(
        &self,
        uow: &mut dyn UnitOfWork,
        read: &Read,
    ) -> Result<(ExternalIssue, ChangeSet), StoreError> {
        let (clock, entropy) = (self.assignments.clock.as_ref(), self.assignments.entropy.as_ref());
        let key = (read.integration, read.snapshot.number);
        let offset = self.tracker.clock_offset_micros(read.integration).unwrap_or(0);
        if let Some(known) = uow.lock_external_issues(&[key]).await?.into_iter().next() {
            let seen = Observation {
                integration: read.integration,
                snapshot: read.snapshot.clone(),
                origin: Origin::Read { begun_at: read.begun_at, second_look: false },
                clock_offset_micros: offset,
            };
            let (_, changes) = observe_against(uow, &[seen], vec![known.clone()], clock, entropy).await?;
            let issue = changes.mirror_of(known.id).cloned().unwrap_or(known);
            return Ok((issue, changes));
        }
        let snapshot = &read.snapshot;
        let now = clock.now();
        let changed_at = snapshot.changed_at.map_or(now, |at| at.offset_micros(offset).min(now));
        let issue = ExternalIssue {
            id: ExternalIssueId::generate(now, entropy),
            integration: read.integration,
            number: snapshot.number,
            azure_project: read.azure_project.clone(),
            revision: snapshot.revision,
            title: snapshot.title.clone(),
            work_item_type: snapshot.work_item_type.clone(),
            state: snapshot.state.clone(),
            assignee: snapshot.assignee.clone(),
            area_path: snapshot.area_path.clone(),
            tags: snapshot.tags.clone(),
            url: snapshot.url.clone(),
            changed_at,
            observed_at: now,
            deleted: false,
            assignee_changed_at: changed_at,
            state_changed_at: changed_at,
            pending: None,
        };
        let mut changes = ChangeSet::default();
        changes.mirror(issue.clone());
        Ok((issue, changes))
    }

    async fn baseline(
        &self,
        uow: &mut dyn UnitOfWork,
        state: &GroupState,
        (link, issue): (&GroupLink, &ExternalIssue),
        read: &Read,
        by: ChangeSource,
        changes: &mut ChangeSet,
    ) -> Result<(), StoreError> {
        let (clock, entropy) = (self.assignments.clock.as_ref(), self.assignments.entropy.as_ref());
        let project = state.group.project;
        let questions: Vec<_> =
            issue.assignee.iter().map(|who| (link.organization, issue.integration, who.clone())).collect();
        let matches: Vec<PersonMatch> =
            if questions.is_empty() { Vec::new() } else { uow.match_people(&questions).await? };
        let known = known_people(uow, &matches, &HashSet::from([project])).await?;
        let users: HashSet<UserId> = matches.iter().map(|found| found.user).collect();
        let people = users.into_iter().map(Assignee::User).chain(state.assignee);
        let concerned: Vec<_> = people.map(|who| (project, who)).collect();
        let about = About { projects: &[project], groups: &[state.group.id], people: &concerned };
        let around = look_around(uow, &about, clock, entropy).await?;
        changes.record(state, ActivityKind::Linked { work_item: issue.number.get() }, by, &around);
        changes.refresh_cards(state, &around);
        let linked = LinkedGroup { link: link.clone(), toggles: read.toggles };
        let workflows = workflows_of(uow, &[(issue, &linked)]).await?;
        let heard = Heard { at: around.now, how: How::Baseline };
        let foreign = Foreign { issue, heard, changed_by: None };
        let matches: Vec<&PersonMatch> = matches.iter().collect();
        sync_group_assignee_inbound(&linked, state, &foreign, &matches, &known, &around, changes);
        tell_status(&linked, state, &foreign, &workflows, &around, changes);
        Ok(())
    }

    /// Removes a link. The group keeps its assignee.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a link in the organization.
    pub async fn unlink_work_item(
        &self,
        organization: OrganizationId,
        link: LinkId,
        by: ChangeSource,
    ) -> Result<(), UseCaseError> {
        let found = self.reader.link(organization, link).await?;
        let (_, issue) = found.ok_or(UseCaseError::NotFound { what: "link" })?;
        let ticket = self.assignments.ticket().await;
        let changes = rerun(|| self.try_unlink(organization, link, &issue, by)).await?;
        self.assignments.tell(ticket, &changes).await;
        Ok(())
    }

    async fn try_unlink(
        &self,
        organization: OrganizationId,
        link: LinkId,
        issue: &ExternalIssue,
        by: ChangeSource,
    ) -> Result<ChangeSet, UseCaseError> {
        let (clock, entropy) = (self.assignments.clock.as_ref(), self.assignments.entropy.as_ref());
        let mut uow = self.assignments.store.begin().await?;
        // Work items come before groups, as wherever both are locked.
        uow.lock_external_issues(&[(issue.integration, issue.number)]).await?;
        let removed = uow.delete_link(organization, link).await?;
        let removed = removed.ok_or(UseCaseError::NotFound { what: "link" })?;
        let state = super::assignments::locked(uow.as_mut(), organization, removed.group).await?;
        let around =
            look_around(uow.as_mut(), &About { projects: &[state.group.project], ..About::default() }, clock, entropy)
                .await?;
        let mut changes = ChangeSet::default();
        changes.record(&state, ActivityKind::Unlinked { work_item: issue.number.get() }, by, &around);
        changes.refresh_cards(&state, &around);
        changes.write(uow.as_mut()).await?;
        uow.delete_unlinked_external_issues(&[issue.id]).await?;
        uow.commit().await?;
        Ok(changes)
    }
}
