//! Watch: looks after what was connected, on a schedule, one replica at a time. Hooks are looked at and healed,
//! and the linked work items of each project are read.
//!
//! Everything is written under a lease that only one replica has; one that lost it writes nothing any more.
//! A chore is put off before it is done: one that fails, or takes too long, comes again at its next time and
//! holds up no other.

use super::create_subscription::Subscriptions;
use super::error::{UseCaseError, rerun};
use super::essentials::due_now;
use crate::hook::{Hook, HookStatus, Occasion};
use crate::integration::{Chore, DueProject};
use crate::outbox::{OutboxArm, OutboxTask};
use crate::port::{Clock, Entropy, Reader, SingletonLease, Singletons, Store, StoreError, Wake};
use crate::text::tamed;
use std::sync::Arc;
use std::time::Duration;

/// The name of the lease.
pub const LEASE_NAME: &str = "watch";
/// How long the lease is kept without a sign of life.
pub const LEASE: Duration = Duration::from_secs(120);
/// How long looking at one project's hooks may take: it ends under the lease or not at all.
pub const LONGEST_LOOK: Duration = Duration::from_secs(100);
/// How often a connected project is read where no hook can reach us.
pub const POLLING: Duration = Duration::from_secs(60);
/// Connected projects that are put off in one transaction.
const BATCH: u16 = 100;

/// How often what is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Periods {
    /// Each hook is looked at.
    pub hooks: Duration,
    /// The work items of each project are read.
    pub reconcile: Duration,
}

impl Default for Periods {
    fn default() -> Self {
        Self { hooks: Duration::from_secs(600), reconcile: Duration::from_secs(3600) }
    }
}

/// Looks after what was connected.
#[derive(Clone)]
pub struct Watch {
    /// Where it is kept.
    pub store: Arc<dyn Store>,
    /// Finds what is due.
    pub reader: Arc<dyn Reader>,
    /// Lets one replica at a time.
    pub singletons: Arc<dyn Singletons>,
    /// Heals hooks.
    pub subscriptions: Subscriptions,
    /// Wakes the workers.
    pub wake: Arc<dyn Wake>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For ids.
    pub entropy: Arc<dyn Entropy>,
    /// How often.
    pub periods: Periods,
}

impl Watch {
    /// Takes the lease if anything is due; `None` where nothing is, or where another replica does it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin(&self) -> Result<Option<SingletonLease>, StoreError> {
        let now = self.clock.now();
        let mut anything = !self.reader.due_projects(Chore::Reconcile, now, 1).await?.is_empty();
        if !anything && self.has_hooks() {
            anything = !self.reader.due_projects(Chore::LookAtHooks, now, 1).await?.is_empty();
        }
        if !anything {
            return Ok(None);
        }
        self.singletons.take(LEASE_NAME, now, now.plus(LEASE)).await
    }

    /// Lets go of the lease.
    ///
    /// # Errors
    /// [`StoreError`]; it then runs out by itself.
    pub async fn end(&self, lease: &SingletonLease) -> Result<(), StoreError> {
        self.singletons.give_back(lease).await
    }

    /// Arms the reading of the projects of which it is due; says how many. Workers do it.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::LeaseLost`] when another replica took over.
    pub async fn arm_reconciles(&self, lease: &SingletonLease) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let due = self.reader.due_projects(Chore::Reconcile, now, BATCH).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let next = now.plus(if self.has_hooks() { self.periods.reconcile } else { POLLING });
        let rows: Vec<OutboxArm> = due.iter().map(|one| self.reading(one)).collect();
        rerun(|| async {
            let mut uow = self.store.begin().await?;
            uow.hold_singleton(lease).await?;
            for DueProject { project, .. } in &due {
                uow.schedule(project.installation, &project.azure_project, Chore::Reconcile, next).await?;
            }
            uow.arm(&rows).await?;
            uow.commit().await
        })
        .await?;
        self.wake.outbox();
        Ok(due.len())
    }

    /// The next project whose hooks are to be looked at, put off until its next time; keeps the lease.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::LeaseLost`] when another replica took over.
    pub async fn next_hooks(&self, lease: &SingletonLease) -> Result<Option<DueProject>, StoreError> {
        if !self.has_hooks() {
            return Ok(None);
        }
        let now = self.clock.now();
        let Some(due) = self.reader.due_projects(Chore::LookAtHooks, now, 1).await?.pop() else {
            return Ok(None);
        };
        if !self.singletons.extend(lease, now.plus(LEASE)).await? {
            return Err(StoreError::LeaseLost);
        }
        let (installation, azure_project) = (due.project.installation, &due.project.azure_project);
        rerun(|| async {
            let mut uow = self.store.begin().await?;
            uow.hold_singleton(lease).await?;
            uow.schedule(installation, azure_project, Chore::LookAtHooks, now.plus(self.periods.hooks)).await?;
            uow.commit().await
        })
        .await?;
        Ok(Some(due))
    }

    /// Looks at a project's hooks and heals what is no person's doing. A look that Azure DevOps did not let
    /// us take changes no status; why is kept and shown.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::LeaseLost`] when another replica took over.
    pub async fn look_at_hooks(&self, lease: &SingletonLease, due: &DueProject) -> Result<(), StoreError> {
        let (project, occasion) = (&due.project, Occasion::Schedule { new_credential: due.new_credential });
        let looked = self.subscriptions.look_after(project, occasion, *lease).await;
        self.wake.outbox();
        match looked {
            Ok(hooks) => {
                tell(&hooks);
                if due.new_credential { self.remember_credential(lease, due).await } else { Ok(()) }
            }
            Err(UseCaseError::Store(error)) => Err(error),
            // Disconnected meanwhile.
            Err(UseCaseError::NotFound { .. }) => Ok(()),
            Err(error) => {
                let (organization, installation) = (project.organization, project.installation);
                // What was said, which may name people, is kept with the hooks.
                let class = error.class();
                tracing::warn!(%organization, %installation, class, "hooks could not be looked at, or not be healed");
                rerun(|| self.record_unseen(lease, due, &error)).await
            }
        }
    }

    async fn remember_credential(&self, lease: &SingletonLease, due: &DueProject) -> Result<(), StoreError> {
        rerun(|| async {
            let mut uow = self.store.begin().await?;
            uow.hold_singleton(lease).await?;
            uow.looked_with_credential(due.project.installation, &due.project.azure_project).await?;
            uow.commit().await
        })
        .await
    }

    /// Keeps with the hooks why nothing was learned about them; their status stays.
    async fn record_unseen(
        &self,
        lease: &SingletonLease,
        due: &DueProject,
        error: &UseCaseError,
    ) -> Result<(), StoreError> {
        let reason = tamed(&error.to_string(), Hook::MAX_REASON);
        let mut uow = self.store.begin().await?;
        uow.hold_singleton(lease).await?;
        for mut hook in uow.lock_hooks(due.project.installation, &due.project.azure_project).await? {
            if hook.status != HookStatus::Deleting {
                hook.unseen = Some(reason.clone());
                uow.put_hook(&hook).await?;
            }
        }
        uow.commit().await
    }

    fn reading(&self, due: &DueProject) -> OutboxArm {
        let (installation, azure_project) = (due.project.installation, due.project.azure_project.clone());
        let task = OutboxTask::ReconcileProject { installation, azure_project };
        due_now(due.project.organization, task, self.clock.as_ref(), self.entropy.as_ref())
    }

    const fn has_hooks(&self) -> bool {
        self.subscriptions.public_url.is_some()
    }
}

/// Says in the log which hooks still do not deliver.
fn tell(hooks: &[Hook]) {
    for hook in hooks.iter().filter(|hook| hook.status.drops_events()) {
        let status = hook.status.as_str();
        tracing::warn!(hook = %hook.id, organization = %hook.organization, status, "a hook does not deliver");
    }
}
