//! What the states of work items mean here, as far as it is known: read in a unit of work.

use crate::group::GroupStatus;
use crate::id::InstallationId;
use crate::outbox::OutboxTask;
use crate::port::store::WorkflowKey;
use crate::port::{StoreError, UnitOfWork};
use crate::time::Timestamp;
use crate::work_item::{AzureProjectId, ExternalIssue, LinkedGroup};
use crate::workflow::{StateMap, Workflow, state_for, status_of};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

/// How long a workflow that lacks a state is believed before it is asked for again.
const LEARN_AGAIN: Duration = Duration::from_secs(3600);

/// The workflows and the maps that a set of work items needs.
#[derive(Debug, Default)]
pub(super) struct Workflows {
    workflows: HashMap<WorkflowKey, (Workflow, Timestamp)>,
    maps: HashMap<(InstallationId, AzureProjectId), StateMap>,
}

fn key_of(issue: &ExternalIssue) -> WorkflowKey {
    (issue.integration, issue.azure_project.clone(), issue.work_item_type.clone())
}

/// Reads what is known of the states of these work items, where an installation lets statuses through.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn workflows_of(
    uow: &mut dyn UnitOfWork,
    told: &[(&ExternalIssue, &LinkedGroup)],
) -> Result<Workflows, StoreError> {
    let lets = |linked: &LinkedGroup| linked.toggles.inbound_status || linked.toggles.outbound_status;
    let told: Vec<_> = told.iter().filter(|(_, linked)| lets(linked)).collect();
    if told.is_empty() {
        return Ok(Workflows::default());
    }
    let keys: HashSet<WorkflowKey> = told.iter().map(|(issue, _)| key_of(issue)).collect();
    let projects: HashSet<(InstallationId, AzureProjectId)> =
        told.iter().map(|(issue, linked)| (linked.link.installation, issue.azure_project.clone())).collect();
    let (keys, projects): (Vec<_>, Vec<_>) = (keys.into_iter().collect(), projects.into_iter().collect());
    Ok(Workflows { workflows: uow.workflows(&keys).await?, maps: uow.state_maps(&projects).await? })
}

impl Workflows {
    fn map(&self, issue: &ExternalIssue, installation: InstallationId) -> &StateMap {
        static NOTHING_SAID: StateMap = StateMap { inbound: BTreeMap::new(), outbound: BTreeMap::new() };
        self.maps.get(&(installation, issue.azure_project.clone())).unwrap_or(&NOTHING_SAID)
    }

    fn workflow(&self, issue: &ExternalIssue) -> Option<&(Workflow, Timestamp)> {
        self.workflows.get(&key_of(issue))
    }

    /// The status that the work item's state means; `None` while that is not known.
    pub(super) fn meaning_of(&self, issue: &ExternalIssue, installation: InstallationId) -> Option<GroupStatus> {
        let workflow = self.workflow(issue).map(|(workflow, _)| workflow);
        status_of(&issue.state, self.map(issue, installation), workflow)
    }

    /// The state that says this status. The outer `None` while the type's states are not known, the inner
    /// where it has none that says it.
    pub(super) fn state_for(
        &self,
        status: GroupStatus,
        issue: &ExternalIssue,
        installation: InstallationId,
    ) -> Option<Option<String>> {
        let (workflow, _) = self.workflow(issue)?;
        Some(state_for(status, self.map(issue, installation), workflow).map(str::to_owned))
    }

    /// What learns the states of the work item's type, unless that was done a moment ago.
    pub(super) fn to_learn(
        &self,
        issue: &ExternalIssue,
        installation: InstallationId,
        now: Timestamp,
    ) -> Option<OutboxTask> {
        let fresh = self.workflow(issue).is_some_and(|(_, learned_at)| learned_at.plus(LEARN_AGAIN) > now);
        (!fresh).then(|| OutboxTask::LearnWorkflow {
            installation,
            azure_project: issue.azure_project.clone(),
            work_item_type: issue.work_item_type.clone(),
        })
    }
}
