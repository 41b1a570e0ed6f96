//! Refresh: reads work items and observes what they say. The one thing that every doubt ends in: a
//! delivery without a snapshot, a mapping made, a person added to a team, a hook in trouble.

use super::assignments::Assignments;
use super::change_set::ChangeSet;
use super::connection::connection;
use super::error::{UseCaseError, rerun};
use super::observe::{Observation, Observed, Origin, broken_links, observe};
use crate::id::{InstallationId, IntegrationId, OrganizationId, WorkItemNumber};
use crate::port::{Reader, SecretBox, StoreError, TrackerConnection, WorkItemTracker};
use crate::time::Timestamp;
use crate::work_item::{AzureProjectId, Snapshot};
use std::collections::HashSet;
use std::sync::Arc;

/// How many work items are observed in one transaction.
pub const BATCH: usize = 200;

/// How a change came to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// We were told to look.
    Live,
    /// By looking at everything: it may have happened any time ago, and with much else.
    Late,
}

/// Reads work items again.
#[derive(Clone)]
pub struct RefreshWorkItem {
    /// What it shares with assigning.
    pub assignments: Assignments,
    /// Finds installations and links.
    pub reader: Arc<dyn Reader>,
    /// Opens credentials.
    pub secrets: Arc<dyn SecretBox>,
    /// Azure DevOps.
    pub tracker: Arc<dyn WorkItemTracker>,
}

impl RefreshWorkItem {
    /// Reads one work item with an installation's credential and applies what it says.
    ///
    /// # Errors
    /// [`UseCaseError`]; nothing was changed.
    pub async fn refresh_work_item(
        &self,
        organization: OrganizationId,
        installation: InstallationId,
        number: WorkItemNumber,
    ) -> Result<(), UseCaseError> {
        let at = connection(self.reader.as_ref(), self.secrets.as_ref(), organization, installation).await?;
        self.read_and_observe(&at, &[number]).await
    }

    /// Reads every work item of an Azure DevOps project that the organization linked.
    ///
    /// # Errors
    /// [`UseCaseError`]; what was observed before stays.
    pub async fn reconcile_project(
        &self,
        organization: OrganizationId,
        installation: InstallationId,
        azure_project: &AzureProjectId,
    ) -> Result<(), UseCaseError> {
        let at = connection(self.reader.as_ref(), self.secrets.as_ref(), organization, installation).await?;
        let numbers = self.reader.linked_work_items(organization, at.integration, azure_project).await?;
        for batch in numbers.chunks(BATCH) {
            self.read_as(&at, batch, Found::Late).await?;
        }
        Ok(())
    }

    pub(super) async fn read_and_observe(
        &self,
        at: &TrackerConnection,
        numbers: &[WorkItemNumber],
    ) -> Result<(), UseCaseError> {
        self.read_as(at, numbers, Found::Live).await
    }

    async fn read_as(
        &self,
        at: &TrackerConnection,
        numbers: &[WorkItemNumber],
        found: Found,
    ) -> Result<(), UseCaseError> {
        let begun_at = self.assignments.clock.now();
        let first = self.read(at, numbers).await?;
        let missing: Vec<WorkItemNumber> =
            numbers.iter().copied().filter(|number| first.iter().all(|seen| seen.number != *number)).collect();
        let doubtful = self.apply(at.integration, &first, (begun_at, false), found).await?;
        if !doubtful.is_empty() {
            let begun_at = self.assignments.clock.now();
            let again = self.read(at, &doubtful).await?;
            self.apply(at.integration, &again, (begun_at, true), found).await?;
        }
        self.settle_missing(at, &missing, begun_at).await
    }

    /// What this credential does not see is deleted, or only hidden from it; the tracker answers both
    /// alike. The mirror is everybody's, so it is marked only where the credential still sees the work
    /// item's project: one that lost the project says nothing about what is in it. (A credential that
    /// sees the project but not the item's area still marks it, until somebody who sees it reads it.)
    async fn settle_missing(
        &self,
        at: &TrackerConnection,
        missing: &[WorkItemNumber],
        begun_at: Timestamp,
    ) -> Result<(), UseCaseError> {
        if missing.is_empty() {
            return Ok(());
        }
        let visible = self.tracker.projects(at).await?.into_iter().map(|project| project.id).collect();
        let ticket = self.assignments.ticket().await;
        let changes = rerun(|| self.mark_deleted(at.integration, missing, begun_at, &visible)).await?;
        self.assignments.tell(ticket, &changes).await;
        Ok(())
    }

    /// Observes the answer to a write of ours, whose request began at `begun_at`.
    ///
    /// # Errors
    /// [`UseCaseError`].
    pub(super) async fn observe_answer(
        &self,
        integration: IntegrationId,
        answer: Snapshot,
        begun_at: Timestamp,
    ) -> Result<(), UseCaseError> {
        self.apply(integration, &[answer], (begun_at, false), Found::Live).await.map(|_| ())
    }

    async fn read(&self, at: &TrackerConnection, numbers: &[WorkItemNumber]) -> Result<Vec<Snapshot>, UseCaseError> {
        match numbers {
            [] => Ok(Vec::new()),
            [one] => Ok(self.tracker.work_item(at, *one).await?.into_iter().collect()),
            many => Ok(self.tracker.work_items(at, many).await?),
        }
    }

    /// Observes what was read; says which must be read once more.
    async fn apply(
        &self,
        integration: IntegrationId,
        read: &[Snapshot],
        (begun_at, second_look): (Timestamp, bool),
        found: Found,
    ) -> Result<Vec<WorkItemNumber>, UseCaseError> {
        if read.is_empty() {
            return Ok(Vec::new());
        }
        let offset = self.tracker.clock_offset_micros(integration).unwrap_or(0);
        let seen: Vec<Observation> = read
            .iter()
            .map(|snapshot| Observation {
                integration,
                snapshot: snapshot.clone(),
                origin: Origin::Read { begun_at, second_look },
                clock_offset_micros: offset,
            })
            .collect();
        let ticket = self.assignments.ticket().await;
        let (outcomes, changes) = rerun(|| async {
            let mut uow = self.assignments.store.begin().await?;
            let (outcomes, changes) =
                observe(uow.as_mut(), &seen, self.assignments.clock.as_ref(), self.assignments.entropy.as_ref())
                    .await?;
            let changes = if found == Found::Late { changes.found_late() } else { changes };
            changes.write(uow.as_mut()).await?;
            uow.commit().await.map(|()| (outcomes, changes))
        })
        .await?;
        self.assignments.tell(ticket, &changes).await;
        let doubtful = read.iter().zip(outcomes).filter(|(_, outcome)| *outcome == Observed::SecondLook);
        Ok(doubtful.map(|(snapshot, _)| snapshot.number).collect())
    }

    /// Work items that are gone in the tracker: their links are broken until they come back.
    async fn mark_deleted(
        &self,
        integration: IntegrationId,
        numbers: &[WorkItemNumber],
        begun_at: Timestamp,
        visible: &HashSet<AzureProjectId>,
    ) -> Result<ChangeSet, StoreError> {
        let keys: Vec<(IntegrationId, WorkItemNumber)> = numbers.iter().map(|number| (integration, *number)).collect();
        let mut uow = self.assignments.store.begin().await?;
        let mut gone = uow.lock_external_issues(&keys).await?;
        gone.retain(|issue| !issue.deleted && issue.observed_at <= begun_at && visible.contains(&issue.azure_project));
        if gone.is_empty() {
            return Ok(ChangeSet::default());
        }
        for issue in &mut gone {
            issue.deleted = true;
            issue.observed_at = self.assignments.clock.now();
        }
        let changes =
            broken_links(uow.as_mut(), gone, self.assignments.clock.as_ref(), self.assignments.entropy.as_ref())
                .await?;
        changes.write(uow.as_mut()).await?;
        uow.commit().await?;
        Ok(changes)
    }
}
