//! Track Work Item: gives a work item that a tracking rule is about a group and a link, once for each project.
//!
//! Whatever tells of a work item (a delivery, a read, the backfill of a new rule) only arms a row of the outbox;
//! the work item is then read, the rule looked at again, and group, link and the record that it was tracked are
//! one unit of work. The record's key is unique, so that duplicates, several workers and crashes leave one group;
//! it outlives the link, so that what somebody unlinked does not come back. As with every first link Azure DevOps
//! wins, nobody is mentioned, and nothing is written outward.

use super::assignments::{About, look_around};
use super::change_set::ChangeSet;
use super::connection::connection;
use super::error::{UseCaseError, rerun};
use super::link_work_item::{LinkWorkItem, Read};
use crate::assignee::{ActivityKind, ChangeSource};
use crate::group::{Group, GroupStatus, Level};
use crate::id::{
    GroupId, InstallationId, IntegrationId, OrganizationId, OutboxId, ProjectId, TrackingRuleId, WorkItemNumber,
};
use crate::outbox::{OutboxArm, OutboxTask};
use crate::port::store::GroupState;
use crate::port::{Clock, Entropy, StoreError, UnitOfWork};
use crate::text::{Name, tamed};
use crate::tracking::{TrackedItem, TrackingRule};
use crate::work_item::{AzureProjectId, ExternalIssue, Snapshot};

/// The most work items that a new rule finds: the newest. Others get their group when they change.
pub const MAX_BACKFILL: usize = 1000;
/// Work items asked for, and armed, at once.
const BACKFILL_PAGE: u16 = 200;

/// Gives work items their groups.
#[derive(Clone)]
pub struct TrackWorkItem {
    /// Reads work items and links them.
    pub links: LinkWorkItem,
}

impl TrackWorkItem {
    /// Gives a work item its group in a project, if a rule of the project is about it and it never had one.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] where the project, the connection or the work item is gone,
    /// [`UseCaseError::Tracker`] as Azure DevOps answers, [`UseCaseError::TryAgain`] when somebody else linked
    /// the work item for the first time just now.
    pub async fn track_work_item(
        &self,
        organization: OrganizationId,
        installation: InstallationId,
        project: ProjectId,
        number: WorkItemNumber,
    ) -> Result<(), UseCaseError> {
        let read = match self.links.read(organization, installation, number).await {
            Err(UseCaseError::Refused(_)) => return Err(UseCaseError::NotFound { what: "connected project" }),
            read => read?,
        };
        let ticket = self.links.assignments.ticket().await;
        let tracked = rerun(|| self.try_track(organization, project, &read)).await;
        match tracked {
            Ok(changes) => {
                self.links.assignments.tell(ticket, &changes).await;
                Ok(())
            }
            Err(UseCaseError::Store(error)) if error.is_conflict_with("tracked_items_pkey") => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn try_track(
        &self,
        organization: OrganizationId,
        project: ProjectId,
        read: &Read,
    ) -> Result<ChangeSet, UseCaseError> {
        let mut uow = self.links.assignments.store.begin().await?;
        let gone = UseCaseError::NotFound { what: "project" };
        uow.hold_project(organization, project).await?.ok_or(gone.clone())?;
        if !uow.hold_connected_project(read.installation, &read.azure_project).await? {
            return Err(UseCaseError::NotFound { what: "connected project" });
        }
        let rules = uow.tracking_rules_of(read.installation, &read.azure_project).await?;
        let is_wanted = rules.iter().any(|rule| rule.project == project && rule.filter.matches(&read.snapshot));
        if !is_wanted {
            return Ok(ChangeSet::default());
        }
        let (issue, mut changes) = self.links.mirrored(uow.as_mut(), read).await?;
        let item = (read.integration, read.snapshot.number);
        if !uow.tracked(&[project], &[item]).await?.is_empty() {
            return Ok(ChangeSet::default());
        }
        changes.write(uow.as_mut()).await?;
        let number = uow.next_group_number(project).await?.ok_or(gone)?;
        let group = self.group_for(organization, project, number, &read.snapshot);
        let state = GroupState { group, assignee: None, decision: None, status_decision: None, issue_sync: false };
        let made = self.with_group(uow.as_mut(), &state, &issue, read).await?;
        uow.commit().await?;
        changes.absorb(made);
        Ok(changes)
    }

    /// Writes the group with its first lines of history, the record, the link and the baseline.
    async fn with_group(
        &self,
        uow: &mut dyn UnitOfWork,
        state: &GroupState,
        issue: &ExternalIssue,
        read: &Read,
    ) -> Result<ChangeSet, StoreError> {
        let (clock, entropy) = (self.links.assignments.clock.as_ref(), self.links.assignments.entropy.as_ref());
        let group = &state.group;
        uow.insert_group(group).await?;
        let record = TrackedItem {
            organization: group.organization,
            project: group.project,
            integration: read.integration,
            number: issue.number,
            group: group.id,
        };
        uow.insert_tracked_item(&record).await?;
        let by = ChangeSource::Baseline {
            integration: read.integration,
            installation: read.installation,
            external_issue: issue.id,
        };
        let around =
            look_around(uow, &About { projects: &[group.project], ..About::default() }, clock, entropy).await?;
        let mut made = ChangeSet::default();
        made.record(state, ActivityKind::Created, by, &around);
        self.links.linked(uow, state, issue, read, by, &mut made).await?;
        made.write(uow).await?;
        Ok(made)
    }

    fn group_for(&self, organization: OrganizationId, project: ProjectId, number: i64, item: &Snapshot) -> Group {
        let (clock, entropy) = (self.links.assignments.clock.as_ref(), self.links.assignments.entropy.as_ref());
        let now = clock.now();
        Group {
            id: GroupId::generate(now, entropy),
            organization,
            project,
            number,
            title: title_for(item),
            level: Level::Info,
            status: GroupStatus::Unresolved,
            last_event_at: now,
            created_at: now,
        }
    }

    /// Finds the work items that a rule is about, and arms what gives each its group.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a rule, [`UseCaseError::Tracker`] as Azure DevOps answers. What
    /// was armed before stays.
    pub async fn backfill(&self, organization: OrganizationId, rule: TrackingRuleId) -> Result<(), UseCaseError> {
        let (reader, secrets) = (self.links.reader.as_ref(), self.links.secrets.as_ref());
        let found = reader.tracking_rule(organization, rule).await?;
        let rule = found.ok_or(UseCaseError::NotFound { what: "tracking rule" })?;
        let at = connection(reader, secrets, organization, rule.installation).await?;
        let (mut below, mut seen) = (None, 0);
        while seen < MAX_BACKFILL {
            let project = &rule.azure_project;
            let page = self.links.tracker.find_work_items(&at, project, &rule.filter, below, BACKFILL_PAGE).await?;
            rerun(|| self.arm_page(&rule, &page)).await?;
            seen += page.len();
            below = page.last().copied();
            if page.len() < usize::from(BACKFILL_PAGE) {
                return Ok(());
            }
        }
        tracing::warn!(rule = %rule.id, MAX_BACKFILL, "a tracking rule is about more work items than are looked for");
        Ok(())
    }

    async fn arm_page(&self, rule: &TrackingRule, numbers: &[WorkItemNumber]) -> Result<(), StoreError> {
        let items: Vec<(IntegrationId, WorkItemNumber)> =
            numbers.iter().map(|number| (rule.integration, *number)).collect();
        let mut uow = self.links.assignments.store.begin().await?;
        let tracked = uow.tracked(&[rule.project], &items).await?;
        let (clock, entropy) = (self.links.assignments.clock.as_ref(), self.links.assignments.entropy.as_ref());
        let new = items.into_iter().filter(|(of, number)| !tracked.contains(&(rule.project, *of, *number)));
        let rows: Vec<OutboxArm> = new.map(|(_, number)| armed(rule, number, clock, entropy)).collect();
        if rows.is_empty() {
            return Ok(());
        }
        uow.arm(&rows).await?;
        uow.commit().await?;
        self.links.assignments.wake.outbox();
        Ok(())
    }
}

/// What a group is called that a work item gets.
fn title_for(item: &Snapshot) -> Name {
    Name::parse(&tamed(&item.title, Name::MAX)).unwrap_or_else(|_| Name::untitled())
}

fn armed(rule: &TrackingRule, work_item: WorkItemNumber, clock: &dyn Clock, entropy: &dyn Entropy) -> OutboxArm {
    let now = clock.now();
    OutboxArm {
        id: OutboxId::generate(now, entropy),
        organization: rule.organization,
        project: Some(rule.project),
        task: OutboxTask::TrackWorkItem { installation: rule.installation, project: rule.project, work_item },
        due_at: now,
    }
}

/// Which work item of which collection.
pub(super) type WorkItemKey = (IntegrationId, WorkItemNumber);

/// What gives these work items their groups, each with the work item that it is about, where rules are about
/// them and they never had any. `known` is the project of an item that does not tell its own.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn tracking_arms(
    uow: &mut dyn UnitOfWork,
    items: &[(IntegrationId, &Snapshot, Option<&AzureProjectId>)],
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<Vec<(WorkItemKey, OutboxArm)>, StoreError> {
    let project_of = |(_, snapshot, known): &(IntegrationId, &Snapshot, Option<&AzureProjectId>)| {
        snapshot.azure_project.as_ref().or(*known).cloned()
    };
    let mut projects: Vec<AzureProjectId> = items.iter().filter_map(project_of).collect();
    projects.sort();
    projects.dedup();
    if projects.is_empty() {
        return Ok(Vec::new());
    }
    let rules = uow.tracking_rules_about(&projects).await?;
    let mut wanted: Vec<(&TrackingRule, WorkItemNumber)> = Vec::new();
    for item in items {
        let (integration, snapshot, _) = *item;
        let project = project_of(item);
        let about = |rule: &&TrackingRule| {
            rule.integration == integration
                && Some(&rule.azure_project) == project.as_ref()
                && rule.filter.matches(snapshot)
        };
        wanted.extend(rules.iter().filter(about).map(|rule| (rule, snapshot.number)));
    }
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let ours: Vec<ProjectId> = wanted.iter().map(|(rule, _)| rule.project).collect();
    let keys: Vec<_> = wanted.iter().map(|(rule, number)| (rule.integration, *number)).collect();
    let tracked = uow.tracked(&ours, &keys).await?;
    let new = wanted.iter().filter(|(rule, number)| !tracked.contains(&(rule.project, rule.integration, *number)));
    let mut arms: Vec<(WorkItemKey, OutboxArm)> = Vec::new();
    for (rule, number) in new {
        let arm = armed(rule, *number, clock, entropy);
        if arms.iter().all(|(_, known)| known.task != arm.task) {
            arms.push(((rule.integration, *number), arm));
        }
    }
    Ok(arms)
}
