//! Learn Workflow: asks for the states of a type of work item, and keeps them. A failed look-up changes
//! nothing: until it works, a state means nothing here, and no status is written.

use super::connection::connection;
use super::error::{UseCaseError, rerun};
use super::essentials::due_now;
use super::refresh_work_item::RefreshWorkItem;
use crate::id::{InstallationId, OrganizationId};
use crate::outbox::{OutboxArm, OutboxTask};
use crate::port::TrackerConnection;
use crate::work_item::AzureProjectId;

impl RefreshWorkItem {
    /// Learns the states of a type.
    ///
    /// # Errors
    /// [`UseCaseError`]; nothing was changed.
    pub(super) async fn learn_workflow(
        &self,
        at: &TrackerConnection,
        azure_project: &AzureProjectId,
        work_item_type: &str,
    ) -> Result<(), UseCaseError> {
        self.learn_and_arm(at, azure_project, work_item_type, &[]).await
    }

    /// Learns the states of a type, and has the project's work items read again: what they say waits for it,
    /// whoever learned it first.
    ///
    /// # Errors
    /// [`UseCaseError`].
    pub async fn learn_workflow_and_reconcile(
        &self,
        organization: OrganizationId,
        installation: InstallationId,
        azure_project: &AzureProjectId,
        work_item_type: &str,
    ) -> Result<(), UseCaseError> {
        let at = connection(self.reader.as_ref(), self.secrets.as_ref(), organization, installation).await?;
        let task = OutboxTask::ReconcileProject { installation, azure_project: azure_project.clone() };
        let (clock, entropy) = (self.assignments.clock.as_ref(), self.assignments.entropy.as_ref());
        let row = due_now(organization, task, clock, entropy);
        self.learn_and_arm(&at, azure_project, work_item_type, &[row]).await?;
        self.assignments.wake.outbox();
        Ok(())
    }

    /// Keeps what was learned, and arms what follows, in one unit of work.
    async fn learn_and_arm(
        &self,
        at: &TrackerConnection,
        azure_project: &AzureProjectId,
        work_item_type: &str,
        rows: &[OutboxArm],
    ) -> Result<(), UseCaseError> {
        // A type that is gone has no states: known as that, it is not asked for at every turn.
        let workflow = self.tracker.workflow(at, azure_project, work_item_type).await?.unwrap_or_default();
        let key = (at.integration, azure_project.clone(), work_item_type.to_owned());
        let now = self.assignments.clock.now();
        rerun(|| async {
            let mut uow = self.assignments.store.begin().await?;
            uow.put_workflow(&key, &workflow, now).await?;
            if !rows.is_empty() {
                uow.arm(rows).await?;
            }
            uow.commit().await
        })
        .await?;
        Ok(())
    }
}
