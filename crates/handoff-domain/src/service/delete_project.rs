//! Delete Project: hidden at once, then taken apart in bounded batches that a crash only interrupts.

use super::error::{UseCaseError, rerun};
use super::essentials::due_now;
use super::invalidate_assignee_exists_cache::{Forget, invalidate_assignee_exists_cache};
use super::tracking_rules::drop_unneeded_created_hooks;
use crate::hook::HookStatus;
use crate::id::{ExternalIssueId, GroupId, OrganizationId, ProjectId};
use crate::outbox::{OutboxArm, OutboxTask};
use crate::port::store::{DoomedGroup, DoomedProject};
use crate::port::{
    AssigneeExistsCache, Clock, Entropy, OwnershipDebounce, Reader, Store, StoreError, UnitOfWork, Wake,
};
use crate::project::Project;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// Groups taken apart in one transaction.
pub const BATCH: u16 = 200;
/// Hidden projects looked at in one round of the worker.
pub const PROJECTS_PER_ROUND: u16 = 16;

/// Batches done in one call.
pub const BATCHES_PER_CALL: usize = 16;

/// Deletes projects.
#[derive(Clone)]
pub struct DeleteProject {
    /// Where they are kept.
    pub store: Arc<dyn Store>,
    /// Finds those that wait.
    pub reader: Arc<dyn Reader>,
    /// Forgets their groups.
    pub cache: Arc<dyn AssigneeExistsCache>,
    /// Forgets their groups.
    pub debounce: Arc<dyn OwnershipDebounce>,
    /// Wakes the workers.
    pub wake: Arc<dyn Wake>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For ids.
    pub entropy: Arc<dyn Entropy>,
}

impl DeleteProject {
    /// Hides a project and frees its slug. From then on every query and every delivery sees none; a
    /// worker takes the rest apart.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a project in the organization.
    pub async fn delete_project(&self, organization: OrganizationId, id: ProjectId) -> Result<(), UseCaseError> {
        let hidden = rerun(|| async {
            let mut uow = self.store.begin().await?;
            let hidden = uow.hide_project(organization, id, self.clock.now()).await?;
            if hidden.is_some() {
                for rule in uow.delete_tracking_rules_of(id).await? {
                    let (clock, entropy) = (self.clock.as_ref(), self.entropy.as_ref());
                    drop_unneeded_created_hooks(uow.as_mut(), &rule, clock, entropy).await?;
                }
            }
            uow.commit().await.map(|()| hidden)
        })
        .await?;
        if hidden.is_none() {
            return Err(UseCaseError::NotFound { what: "project" });
        }
        self.wake.purge();
        let (store, cache) = (self.store.as_ref(), self.cache.as_ref());
        let what = Forget::Project(id);
        if let Err(error) = invalidate_assignee_exists_cache(what, store, cache, self.clock.as_ref()).await {
            // The project is hidden all the same; the purge forgets its groups batch by batch.
            tracing::warn!(%error, project = %id, "the cache of a hidden project is not cleared yet");
        }
        Ok(())
    }

    /// Takes hidden projects apart, a batch of each in turn, at most [`BATCHES_PER_CALL`]; says how many
    /// batches were done, zero only when nothing is left that can be done now. So a worker that is told to
    /// stop comes to hear of it, and a large project holds up no small one. Can be stopped and begun again
    /// anywhere. One that fails stays for a later call, as long as fewer than [`PROJECTS_PER_ROUND`] fail.
    ///
    /// # Errors
    /// [`StoreError`] when projects failed and nothing was done; what was committed stays.
    pub async fn purge_projects(&self) -> Result<usize, StoreError> {
        let mut doomed = VecDeque::from(self.reader.doomed_projects(PROJECTS_PER_ROUND).await?);
        let (mut done, mut failed) = (0, None);
        while done < BATCHES_PER_CALL
            && let Some(project) = doomed.pop_front()
        {
            match rerun(|| self.purge_batch(&project)).await {
                Ok(more) => {
                    done += 1;
                    if more {
                        doomed.push_back(project);
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, project = %project.id, "taking a project apart waits");
                    failed = failed.or(Some(error));
                }
            }
        }
        match failed {
            Some(error) if done == 0 => Err(error),
            _ => Ok(done),
        }
    }

    /// One transaction's worth; `false` once the project is gone.
    async fn purge_batch(&self, project: &DoomedProject) -> Result<bool, StoreError> {
        let mut uow = self.store.begin().await?;
        let doomed = uow.doomed_groups(project.id, BATCH).await?;
        if doomed.is_empty() {
            uow.delete_project(project.id).await?;
            uow.commit().await?;
            return Ok(false);
        }
        let groups: Vec<GroupId> = doomed.iter().map(|one| one.group.id).collect();
        let issues: HashSet<ExternalIssueId> =
            doomed.iter().flat_map(|one| one.links.iter().map(|link| link.external_issue)).collect();
        let issues: Vec<ExternalIssueId> = issues.into_iter().collect();
        uow.delete_groups(&groups).await?;
        let closing: Vec<OutboxArm> = doomed.iter().flat_map(|one| self.closed_cards(project, one)).collect();
        if !closing.is_empty() {
            uow.arm(&closing).await?;
        }
        if !issues.is_empty() {
            self.drop_unneeded_hooks(uow.as_mut(), project.organization, &issues).await?;
            uow.delete_unlinked_external_issues(&issues).await?;
        }
        uow.commit().await?;
        self.cache.invalidate(&groups).await;
        self.debounce.forget(&groups).await;
        self.wake.outbox();
        Ok(true)
    }

    fn closed_cards(&self, project: &DoomedProject, doomed: &DoomedGroup) -> Vec<OutboxArm> {
        let close = |record: &crate::chat::MessageRecord| {
            record.message.map(|message| OutboxTask::CloseCard {
                channel: record.channel,
                message,
                short_id: Project::short_id(&project.slug, doomed.group.number),
                title: doomed.group.title.as_str().to_owned(),
            })
        };
        let tasks = doomed.cards.iter().filter_map(close);
        tasks.map(|task| self.armed(project.organization, task)).collect()
    }

    /// Hooks of Azure DevOps projects that no link of the organization needs any more.
    async fn drop_unneeded_hooks(
        &self,
        uow: &mut dyn UnitOfWork,
        organization: OrganizationId,
        issues: &[ExternalIssueId],
    ) -> Result<(), StoreError> {
        for connection in uow.unneeded_connections(organization, issues).await? {
            for mut hook in uow.lock_hooks(connection.installation, &connection.azure_project).await? {
                hook.status = HookStatus::Deleting;
                hook.updated_at = self.clock.now();
                uow.put_hook(&hook).await?;
                uow.arm(&[self.armed(organization, OutboxTask::DeleteSubscription { hook: hook.id })]).await?;
            }
            uow.delete_connected_project(connection.installation, &connection.azure_project).await?;
        }
        Ok(())
    }

    fn armed(&self, organization: OrganizationId, task: OutboxTask) -> OutboxArm {
        due_now(organization, task, self.clock.as_ref(), self.entropy.as_ref())
    }
}
