//! Create Subscription: the hooks of a connected project, one of each event, each with its own secret.
//!
//! A hook's row, with its id and sealed secret, is committed before Azure DevOps is asked. After a
//! crash in between, asking again looks for our address there and adopts what it finds. What Azure
//! DevOps answers is recorded under the lock of the project's hooks; of two subscriptions that two
//! callers made for one hook, the second is deleted.

use super::connection::connection;
use super::error::{UseCaseError, rerun};
use crate::hook::{EventType, Hook, HookStatus};
use crate::id::{HookId, InstallationId, OrganizationId};
use crate::integration::ConnectedProject;
use crate::port::tracker::NewSubscription;
use crate::port::{
    Clock, Entropy, Reader, RemoteSubscription, SecretBox, Store, StoreError, TrackerConnection, TrackerError,
    WorkItemTracker,
};
use crate::secret::Secret;
use crate::work_item::AzureProjectId;
use std::sync::Arc;

/// Makes and removes subscriptions.
#[derive(Clone)]
pub struct Subscriptions {
    /// Where hooks are kept.
    pub store: Arc<dyn Store>,
    /// Finds installations.
    pub reader: Arc<dyn Reader>,
    /// Azure DevOps.
    pub tracker: Arc<dyn WorkItemTracker>,
    /// Seals the hooks' secrets.
    pub secrets: Arc<dyn SecretBox>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For ids and secrets.
    pub entropy: Arc<dyn Entropy>,
    /// Where webhooks reach us, without a trailing slash: `https://handoff.example.org`.
    pub public_url: String,
}

/// What came of recording a subscription.
enum Recorded {
    /// It is the hook's now.
    Ours(Hook),
    /// Somebody else gave the hook another one.
    Theirs(Hook),
    /// The hook was deleted.
    Gone,
}

impl Subscriptions {
    /// Connects an Azure DevOps project and asks for its hooks. Idempotent: asking twice, or after a
    /// crash, leaves one of each.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such an installation or project; [`UseCaseError::Tracker`] as
    /// Azure DevOps answers, a missing right told apart from an outage. What was made stays.
    pub async fn create_subscription(
        &self,
        organization: OrganizationId,
        installation: InstallationId,
        azure_project: &AzureProjectId,
    ) -> Result<Vec<Hook>, UseCaseError> {
        let at = connection(self.reader.as_ref(), self.secrets.as_ref(), organization, installation).await?;
        let projects = self.tracker.projects(&at).await?;
        let found = projects.into_iter().find(|project| project.id == *azure_project);
        let found = found.ok_or(UseCaseError::NotFound { what: "Azure DevOps project" })?;
        let connected = ConnectedProject {
            organization,
            installation,
            integration: at.integration,
            azure_project: found.id,
            name: found.name,
            created_at: self.clock.now(),
        };
        let rows = rerun(|| self.commit_rows(&connected)).await?;
        let mut hooks = Vec::with_capacity(rows.len());
        for row in rows {
            hooks.push(self.converge(&at, row).await?);
        }
        Ok(hooks)
    }

    /// The address that Azure DevOps delivers to for a hook.
    #[must_use]
    pub fn webhook_url(&self, hook: HookId) -> String {
        format!("{}/webhooks/vsts/{hook}", self.public_url)
    }

    /// Commits the connection and the rows of the hooks that it lacks; returns all of them.
    async fn commit_rows(&self, connected: &ConnectedProject) -> Result<Vec<Hook>, UseCaseError> {
        let mut uow = self.store.begin().await?;
        uow.put_connected_project(connected).await?;
        let mut hooks = uow.lock_hooks(connected.installation, &connected.azure_project).await?;
        hooks.retain(|hook| hook.status != HookStatus::Deleting);
        for event_type in EventType::OF_A_PROJECT {
            if !hooks.iter().any(|hook| hook.event_type == event_type) {
                let hook = self.new_hook(connected, event_type)?;
                uow.put_hook(&hook).await?;
                hooks.push(hook);
            }
        }
        uow.commit().await?;
        Ok(hooks)
    }

    fn new_hook(&self, connected: &ConnectedProject, event_type: EventType) -> Result<Hook, UseCaseError> {
        let now = self.clock.now();
        let id = HookId::generate(now, self.entropy.as_ref());
        let mut random = [0_u8; 32];
        self.entropy.fill(&mut random);
        let secret = Secret::new(random.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        Ok(Hook {
            id,
            organization: connected.organization,
            installation: connected.installation,
            integration: connected.integration,
            azure_project: connected.azure_project.clone(),
            event_type,
            secret: self.secrets.seal(&secret, id.get().as_bytes())?,
            subscription_id: None,
            status: HookStatus::Creating,
            created_at: now,
            updated_at: now,
        })
    }

    /// Makes Azure DevOps hold this hook: keeps the one it has, adopts one that has our address, or
    /// makes one.
    async fn converge(&self, at: &TrackerConnection, hook: Hook) -> Result<Hook, UseCaseError> {
        let known = match &hook.subscription_id {
            Some(id) => self.tracker.subscription(at, id).await?,
            None => None,
        };
        let held = match known {
            Some(held) => held,
            None => match self.adopt(at, hook.id).await? {
                Some(held) => held,
                None => self.ask(at, &hook).await?,
            },
        };
        if hook.subscription_id.as_deref() == Some(held.id.as_str()) && hook.status == held.status {
            return Ok(hook);
        }
        match rerun(|| self.record(&hook, &held)).await? {
            Recorded::Ours(hook) => Ok(hook),
            Recorded::Theirs(hook) => {
                self.tracker.delete_subscription(at, &held.id).await?;
                Ok(hook)
            }
            Recorded::Gone => {
                self.tracker.delete_subscription(at, &held.id).await?;
                Err(UseCaseError::TryAgain("the project was disconnected meanwhile; connect it again".to_owned()))
            }
        }
    }

    /// Records what Azure DevOps holds for a hook, unless somebody else recorded another subscription
    /// since `read`.
    async fn record(&self, read: &Hook, held: &RemoteSubscription) -> Result<Recorded, StoreError> {
        let mut uow = self.store.begin().await?;
        let stored = uow.lock_hooks(read.installation, &read.azure_project).await?;
        let Some(mut hook) = stored.into_iter().find(|hook| hook.id == read.id) else {
            return Ok(Recorded::Gone);
        };
        let moved = hook.subscription_id != read.subscription_id;
        if moved && hook.subscription_id.as_deref() != Some(held.id.as_str()) {
            return Ok(Recorded::Theirs(hook));
        }
        hook.subscription_id = Some(held.id.clone());
        if hook.status != HookStatus::Deleting {
            hook.status = held.status;
        }
        hook.updated_at = self.clock.now();
        uow.put_hook(&hook).await?;
        uow.commit().await?;
        Ok(Recorded::Ours(hook))
    }

    /// A subscription left by an attempt that crashed, one that delivers where there is a choice; doubles
    /// of it are deleted.
    async fn adopt(&self, at: &TrackerConnection, hook: HookId) -> Result<Option<RemoteSubscription>, TrackerError> {
        let mut found = self.tracker.find_subscriptions(at, &self.webhook_url(hook)).await?;
        found.sort_by_key(|one| one.status != HookStatus::Enabled);
        let mut found = found.into_iter();
        let first = found.next();
        for double in found {
            self.tracker.delete_subscription(at, &double.id).await?;
        }
        Ok(first)
    }

    async fn ask(&self, at: &TrackerConnection, hook: &Hook) -> Result<RemoteSubscription, UseCaseError> {
        let new = NewSubscription {
            azure_project: hook.azure_project.clone(),
            event_type: hook.event_type,
            url: self.webhook_url(hook.id),
            secret: self.secrets.open(&hook.secret, hook.id.get().as_bytes())?,
        };
        Ok(self.tracker.create_subscription(at, &new).await?)
    }

    /// Deletes a hook's subscription in Azure DevOps and marks the hook deleted. One that is gone
    /// already is a success.
    ///
    /// # Errors
    /// [`UseCaseError::Tracker`] as Azure DevOps answers, [`UseCaseError::TryAgain`] when another
    /// subscription of the hook was recorded meanwhile.
    pub async fn delete_subscription(&self, hook: HookId) -> Result<(), UseCaseError> {
        let Some((hook, _)) = self.reader.hook(hook).await? else {
            return Ok(());
        };
        let at = connection(self.reader.as_ref(), self.secrets.as_ref(), hook.organization, hook.installation).await?;
        let known = match &hook.subscription_id {
            Some(id) => Some(id.clone()),
            None => self.adopt(&at, hook.id).await?.map(|found| found.id),
        };
        if let Some(id) = known {
            self.tracker.delete_subscription(&at, &id).await?;
        }
        if rerun(|| self.record_deleted(&hook)).await? {
            return Ok(());
        }
        Err(UseCaseError::TryAgain("another subscription of the hook was made meanwhile".to_owned()))
    }

    /// Marks a hook deleted whose subscription is; `false` if it has another one by now.
    async fn record_deleted(&self, read: &Hook) -> Result<bool, StoreError> {
        let mut uow = self.store.begin().await?;
        let stored = uow.lock_hooks(read.installation, &read.azure_project).await?;
        let Some(mut hook) = stored.into_iter().find(|hook| hook.id == read.id) else { return Ok(true) };
        if hook.subscription_id != read.subscription_id {
            return Ok(false);
        }
        hook.status = HookStatus::Deleted;
        hook.updated_at = self.clock.now();
        uow.put_hook(&hook).await?;
        uow.commit().await?;
        Ok(true)
    }
}
