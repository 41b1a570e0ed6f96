//! Create Work Item: makes a work item of a group, and links them.
//!
//! Somebody asks; a worker carries it out, and as often as it must be tried there is one: the work item carries
//! a tag of its own, by which a later attempt finds what an earlier one made. It begins with what the group
//! says, so that the link is no baseline: the group's assignee and status are told to it.

use super::assignments::{About, locked, look_around};
use super::change_set::{ChangeSet, Told};
use super::connection::{connected_project, connection};
use super::error::{UseCaseError, rerun};
use super::essentials::due_now;
use super::link_work_item::{LinkWorkItem, Read};
use super::send_message::Sent;
use crate::assignee::{ActivityKind, ChangeSource, Decision};
use crate::id::{GroupId, InstallationId, OrganizationId, OutboxId};
use crate::outbox::{ClaimedTask, OutboxTask};
use crate::port::TrackerConnection;
use crate::port::read::GroupView;
use crate::port::tracker::NewWorkItem;
use crate::project::Project;
use crate::text::{single_line, tamed};
use crate::tracking::TrackingFilter;
use crate::work_item::{AzureProjectId, OWN_TAG, Snapshot};

/// A work item that is wanted of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedWorkItem {
    /// Through which installation.
    pub installation: InstallationId,
    /// In which Azure DevOps project, which it connected.
    pub azure_project: AzureProjectId,
    /// Its type.
    pub work_item_type: String,
}

/// What a row of the outbox says about the work item.
pub(super) struct Errand<'a> {
    pub(super) claimed: &'a ClaimedTask,
    pub(super) group: GroupId,
    pub(super) wanted: WantedWorkItem,
    pub(super) marker: &'a str,
    pub(super) source: ChangeSource,
}

impl LinkWorkItem {
    /// Has a work item made of a group; a worker does it. Answers the row of the outbox, where its fate shows.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a group or installation in the organization,
    /// [`UseCaseError::Refused`] for a type that cannot be one, or a project that is not connected.
    pub async fn request_work_item(
        &self,
        organization: OrganizationId,
        group: GroupId,
        wanted: &WantedWorkItem,
        source: ChangeSource,
    ) -> Result<OutboxId, UseCaseError> {
        let work_item_type = single_line(&wanted.work_item_type, Snapshot::MAX_WORD);
        let work_item_type = work_item_type.map_err(|error| UseCaseError::Refused(format!("the type {error}")))?;
        let found = self.reader.installation(organization, wanted.installation).await?;
        found.ok_or(UseCaseError::NotFound { what: "installation" })?;
        let (clock, entropy) = (self.assignments.clock.as_ref(), self.assignments.entropy.as_ref());
        let mut row = due_now(
            organization,
            OutboxTask::CreateWorkItem {
                group,
                installation: wanted.installation,
                azure_project: wanted.azure_project.clone(),
                work_item_type,
                marker: String::new(),
                source,
            },
            clock,
            entropy,
        );
        if let OutboxTask::CreateWorkItem { marker, .. } = &mut row.task {
            *marker = marker_of(row.id);
        }
        rerun(|| async {
            let mut uow = self.assignments.store.begin().await?;
            let state = locked(uow.as_mut(), organization, group).await?;
            if !uow.hold_connected_project(wanted.installation, &wanted.azure_project).await? {
                return Err(UseCaseError::Refused("the project is not connected".to_owned()));
            }
            let mut row = row.clone();
            row.project = Some(state.group.project);
            uow.arm(&[row]).await?;
            Ok(uow.commit().await?)
        })
        .await?;
        self.assignments.wake.outbox();
        Ok(row.id)
    }

    /// Makes the work item, or finds the one that an earlier attempt made, and links it.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] when the group, the installation or the connection is gone,
    /// [`UseCaseError::Tracker`] as Azure DevOps answers.
    pub(super) async fn create_work_item(&self, errand: &Errand<'_>) -> Result<Sent, UseCaseError> {
        let (organization, wanted) = (errand.claimed.organization, &errand.wanted);
        let view = self.reader.group(organization, errand.group).await?;
        let view = view.ok_or(UseCaseError::NotFound { what: "group" })?;
        let reader = self.reader.as_ref();
        connected_project(reader, organization, wanted.installation, &wanted.azure_project).await?;
        let at = connection(self.reader.as_ref(), self.secrets.as_ref(), organization, wanted.installation).await?;
        let begun_at = self.assignments.clock.now();
        let snapshot = match self.made_before(&at, errand).await? {
            Some(snapshot) => snapshot,
            None => self.tracker.create_work_item(&at, &wanted.azure_project, &described(&view, errand)).await?,
        };
        let found = self.reader.installation(organization, wanted.installation).await?;
        let (installation, _) = found.ok_or(UseCaseError::NotFound { what: "installation" })?;
        let read = Read::of(&at, installation.toggles, snapshot, wanted.azure_project.clone(), begun_at);
        let ticket = self.assignments.ticket().await;
        match rerun(|| self.link_created(errand, &read)).await {
            Ok(changes) => self.assignments.tell(ticket, &changes).await,
            // An earlier attempt came as far as that.
            Err(UseCaseError::Store(error)) if error.is_conflict_with("group_link_pair") => {}
            Err(error) => return Err(error),
        }
        Ok(Sent::Created)
    }

    async fn made_before(&self, at: &TrackerConnection, errand: &Errand<'_>) -> Result<Option<Snapshot>, UseCaseError> {
        let filter = TrackingFilter { tag: Some(errand.marker.to_owned()), ..TrackingFilter::default() };
        let found = self.tracker.find_work_items(at, &errand.wanted.azure_project, &filter, None, 1).await?;
        match found.first() {
            Some(number) => Ok(self.tracker.work_item(at, *number).await?),
            None => Ok(None),
        }
    }

    async fn link_created(&self, errand: &Errand<'_>, read: &Read) -> Result<ChangeSet, UseCaseError> {
        let (clock, entropy) = (self.assignments.clock.as_ref(), self.assignments.entropy.as_ref());
        let organization = errand.claimed.organization;
        let mut uow = self.assignments.store.begin().await?;
        let (issue, mut changes) = self.mirrored(uow.as_mut(), read).await?;
        changes.write(uow.as_mut()).await?;
        let state = locked(uow.as_mut(), organization, errand.group).await?;
        self.insert_link(uow.as_mut(), &state, &issue, read).await?;
        // Only now: the new link is among those that hear of the group's decisions.
        let about = About { projects: &[state.group.project], groups: &[errand.group], people: &[] };
        let around = look_around(uow.as_mut(), &about, clock, entropy).await?;
        let mut linked = ChangeSet::default();
        let kind = ActivityKind::Linked { work_item: issue.number.get() };
        linked.record(&state, kind, errand.source, &around);
        linked.refresh_cards(&state, &around);
        // Whoever wanted the work item decided that it says what the group says.
        if state.assignee.is_some() {
            let at = Decision::after(state.decision.as_ref(), around.now);
            linked.keep_assignee(errand.group, Decision { value: state.assignee, at, source: errand.source });
        }
        let at = Decision::after(state.status_decision.as_ref(), around.now);
        linked.set_status(errand.group, Decision { value: state.group.status, at, source: errand.source });
        for told in [Told::Assignee, Told::Status] {
            let new = around.outward.iter().filter(|one| one.group == errand.group && one.external_issue == issue.id);
            for one in new.filter(|one| one.lets_out(told)) {
                linked.converge_on(&state, one, &around);
            }
        }
        linked.write(uow.as_mut()).await?;
        uow.hold_outbox(errand.claimed.id, errand.claimed.token).await?;
        uow.commit().await?;
        changes.absorb(linked);
        Ok(changes)
    }
}

/// A tag that nothing else has: made of the row's id, without what two rows of one moment share.
pub(super) fn marker_of(row: OutboxId) -> String {
    let id = row.get().simple().to_string();
    format!("{OWN_TAG}{}", &id[id.len() - 16..])
}

fn described(view: &GroupView, errand: &Errand<'_>) -> NewWorkItem {
    let short_id = Project::short_id(&view.project_slug, view.group.number);
    NewWorkItem {
        work_item_type: errand.wanted.work_item_type.clone(),
        title: tamed(view.group.title.as_str(), Snapshot::MAX_TITLE),
        description: format!("{short_id} · {}", view.group.title.as_str()),
        tag: errand.marker.to_owned(),
    }
}
