//! Refresh: reads work items and observes what they say. The one thing that every doubt ends in: a
//! delivery without a snapshot, a mapping made, a person added to a team, a hook in trouble.

use super::assignments::Assignments;
use super::change_set::ChangeSet;
use super::connection::connection;
use super::error::{UseCaseError, rerun};
use super::observe::{Observation, Observed, Origin, broken_links, observe_against};
use super::reconcile_report::ReconcileReport;
use super::track_work_item::tracking_arms;
use crate::id::{InstallationId, IntegrationId, OrganizationId, WorkItemNumber};
use crate::port::{Reader, SecretBox, StoreError, TrackerConnection, WorkItemTracker};
use crate::time::Timestamp;
use crate::work_item::{AzureProjectId, ExternalIssue, Snapshot};
use std::collections::HashSet;
use std::sync::Arc;

/// How many work items are observed in one transaction.
pub const BATCH: u16 = 200;

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

    /// Reads every work item of an Azure DevOps project that the organization linked, a batch at a time, and
    /// says what was not as the mirror had it.
    ///
    /// # Errors
    /// [`UseCaseError`]; what was observed before stays.
    pub async fn reconcile_project(
        &self,
        organization: OrganizationId,
        installation: InstallationId,
        azure_project: &AzureProjectId,
    ) -> Result<ReconcileReport, UseCaseError> {
        self.reconcile_project_telling(organization, installation, azure_project, &|_| {}).await
    }

    /// As [`RefreshWorkItem::reconcile_project`]; `told` hears the report after each batch.
    ///
    /// # Errors
    /// As [`RefreshWorkItem::reconcile_project`].
    pub async fn reconcile_project_telling(
        &self,
        organization: OrganizationId,
        installation: InstallationId,
        azure_project: &AzureProjectId,
        told: &(dyn Fn(&ReconcileReport) + Sync),
    ) -> Result<ReconcileReport, UseCaseError> {
        let at = connection(self.reader.as_ref(), self.secrets.as_ref(), organization, installation).await?;
        let mut report = ReconcileReport::default();
        let mut after = None;
        loop {
            let of_project = self.reader.linked_work_items(organization, at.integration, azure_project, after, BATCH);
            let batch = of_project.await?;
            let Some(last) = batch.last().copied() else { return Ok(report) };
            self.read_and_compare(&at, &batch, Found::Late, &mut report).await?;
            report.looked_at += batch.len();
            told(&report);
            after = Some(last);
        }
    }

    /// How many work items of an Azure DevOps project the organization linked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count_linked(
        &self,
        organization: OrganizationId,
        integration: IntegrationId,
        azure_project: &AzureProjectId,
    ) -> Result<usize, StoreError> {
        let (mut count, mut after) = (0, None);
        loop {
            let of_project = self.reader.linked_work_items(organization, integration, azure_project, after, u16::MAX);
            let found = of_project.await?;
            let Some(last) = found.last().copied() else { return Ok(count) };
            count += found.len();
            after = Some(last);
        }
    }

    pub(super) async fn read_and_observe(
        &self,
        at: &TrackerConnection,
        numbers: &[WorkItemNumber],
    ) -> Result<(), UseCaseError> {
        self.read_and_compare(at, numbers, Found::Live, &mut ReconcileReport::default()).await
    }

    async fn read_and_compare(
        &self,
        at: &TrackerConnection,
        numbers: &[WorkItemNumber],
        found: Found,
        report: &mut ReconcileReport,
    ) -> Result<(), UseCaseError> {
        let begun_at = self.assignments.clock.now();
        let first = self.read(at, numbers).await?;
        let missing: Vec<WorkItemNumber> =
            numbers.iter().copied().filter(|number| first.iter().all(|seen| seen.number != *number)).collect();
        let doubtful = self.apply(at.integration, &first, (begun_at, false), found, report).await?;
        if !doubtful.is_empty() {
            let begun_at = self.assignments.clock.now();
            let again = self.read(at, &doubtful).await?;
            self.apply(at.integration, &again, (begun_at, true), found, report).await?;
        }
        self.settle_missing(at, &missing, begun_at, report).await
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
        report: &mut ReconcileReport,
    ) -> Result<(), UseCaseError> {
        if missing.is_empty() {
            return Ok(());
        }
        let visible = self.tracker.projects(at).await?.into_iter().map(|project| project.id).collect();
        let ticket = self.assignments.ticket().await;
        let (before, changes) = rerun(|| self.mark_deleted(at.integration, missing, begun_at, &visible)).await?;
        report.compare(&before, &changes);
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
        self.apply(integration, &[answer], (begun_at, false), Found::Live, &mut ReconcileReport::default())
            .await
            .map(|_| ())
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
        report: &mut ReconcileReport,
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
        let keys: Vec<(IntegrationId, WorkItemNumber)> = read.iter().map(|one| (integration, one.number)).collect();
        let (before, outcomes, changes) = rerun(|| async {
            let mut uow = self.assignments.store.begin().await?;
            let before = uow.lock_external_issues(&keys).await?;
            let (clock, entropy) = (self.assignments.clock.as_ref(), self.assignments.entropy.as_ref());
            let (outcomes, mut changes) = observe_against(uow.as_mut(), &seen, before.clone(), clock, entropy).await?;
            let items: Vec<_> = read.iter().map(|snapshot| (integration, snapshot, None)).collect();
            let tracking = tracking_arms(uow.as_mut(), &items, clock, entropy).await?;
            changes.arm_rows(tracking.into_iter().map(|(_, row)| row).collect());
            let changes = if found == Found::Late { changes.found_late() } else { changes };
            changes.write(uow.as_mut()).await?;
            uow.commit().await.map(|()| (before, outcomes, changes))
        })
        .await?;
        report.compare(&before, &changes);
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
    ) -> Result<(Vec<ExternalIssue>, ChangeSet), StoreError> {
        let keys: Vec<(IntegrationId, WorkItemNumber)> = numbers.iter().map(|number| (integration, *number)).collect();
        let mut uow = self.assignments.store.begin().await?;
        let mut gone = uow.lock_external_issues(&keys).await?;
        gone.retain(|issue| !issue.deleted && issue.observed_at <= begun_at && visible.contains(&issue.azure_project));
        if gone.is_empty() {
            return Ok((gone, ChangeSet::default()));
        }
        let before = gone.clone();
        for issue in &mut gone {
            issue.deleted = true;
            issue.observed_at = self.assignments.clock.now();
        }
        let changes =
            broken_links(uow.as_mut(), gone, self.assignments.clock.as_ref(), self.assignments.entropy.as_ref())
                .await?;
        changes.write(uow.as_mut()).await?;
        uow.commit().await?;
        Ok((before, changes))
    }
}
