//! Create Subscription: the hooks of a connected project, one of each event, each with its own secret.
//!
//! A hook's row, with its id and sealed secret, is committed before Azure DevOps is asked. After a
//! crash in between, asking again looks for our address there and adopts what it finds. What Azure
//! DevOps answers is recorded under the lock of the project's hooks; of two subscriptions that two
//! callers made for one hook, the second is deleted.
//!
//! A subscription that Azure DevOps gave up on, or that delivers to an address that is not ours any more,
//! is replaced: another hook is made first, so that no event falls between the two, then the old one is
//! deleted, and what was missed is read. (Changing it would not do: Sentry found that this revives none,
//! getsentry/sentry#10407.) One that a person switched off stays off.

use super::connection::connection;
use super::error::{UseCaseError, rerun};
use super::essentials::due_now;
use crate::hook::{EventType, Hook, HookStatus};
use crate::id::{HookId, InstallationId, OrganizationId};
use crate::integration::ConnectedProject;
use crate::outbox::OutboxTask;
use crate::port::tracker::NewSubscription;
use crate::port::{
    Clock, Entropy, Reader, RemoteSubscription, SecretBox, Store, StoreError, TrackerConnection, TrackerError,
    WorkItemTracker,
};
use crate::secret::Secret;
use crate::work_item::AzureProjectId;
use crate::workflow::StateMap;
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

/// The hooks of one event type, as Azure DevOps holds them.
#[derive(Default)]
struct LookedAt {
    /// The one that may stay as it is.
    working: Option<(Hook, RemoteSubscription)>,
    /// Those that must go.
    broken: Vec<Hook>,
    /// Those without a subscription there.
    spare: Vec<Hook>,
}

/// What connecting a project mended.
#[derive(Default)]
struct Mended {
    /// Hooks that others stand in for.
    replaced: Vec<Hook>,
    /// Whether events may have been lost meanwhile.
    missed: bool,
}

/// Whether Azure DevOps will never deliver by it again, whatever anybody switches.
const fn is_given_up(status: HookStatus) -> bool {
    matches!(status, HookStatus::DisabledBySystem | HookStatus::DisabledByInactiveIdentity)
}

/// Whether both name one address, the default port written or not.
fn is_same_address(a: &str, b: &str) -> bool {
    let plain = |text: &str| text.to_ascii_lowercase().replacen(":443/", "/", 1);
    plain(a) == plain(b)
}

impl Subscriptions {
    /// Connects an Azure DevOps project and asks for its hooks. Idempotent: asking twice, or after a
    /// crash, leaves one of each. Asking again also heals: see above.
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
            state_map: StateMap::default(),
            created_at: self.clock.now(),
        };
        let rows = rerun(|| self.commit_rows(&connected)).await?;
        let mut kept = Vec::with_capacity(EventType::OF_A_PROJECT.len());
        let mut mended = Mended::default();
        for event_type in EventType::OF_A_PROJECT {
            let of_type = rows.iter().filter(|row| row.event_type == event_type);
            let looked_at = self.look_at(&at, of_type).await?;
            kept.push(self.converge(&at, &connected, event_type, looked_at, &mut mended).await?);
        }
        if mended.missed || !mended.replaced.is_empty() {
            rerun(|| self.retire(&connected, &mended)).await?;
        }
        Ok(kept)
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

    async fn look_at(
        &self,
        at: &TrackerConnection,
        rows: impl Iterator<Item = &Hook> + Send,
    ) -> Result<LookedAt, UseCaseError> {
        let mut looked_at = LookedAt::default();
        for row in rows {
            let held = match &row.subscription_id {
                Some(id) => self.tracker.subscription(at, id).await?,
                None => None,
            };
            match held {
                None => looked_at.spare.push(row.clone()),
                Some(held) if looked_at.working.is_none() && self.may_stay(row.id, &held) => {
                    looked_at.working = Some((row.clone(), held));
                }
                Some(_) => looked_at.broken.push(row.clone()),
            }
        }
        Ok(looked_at)
    }

    /// Whether a subscription may stay as it is. On probation it comes back by itself.
    fn may_stay(&self, hook: HookId, held: &RemoteSubscription) -> bool {
        let is_ours = |url: &String| is_same_address(url, &self.webhook_url(hook));
        !is_given_up(held.status) && held.url.as_ref().is_none_or(is_ours)
    }

    /// Makes Azure DevOps hold one hook of this event type: keeps the one that works, else adopts what has
    /// the address of a hook without a subscription, or asks for one.
    async fn converge(
        &self,
        at: &TrackerConnection,
        connected: &ConnectedProject,
        event_type: EventType,
        looked_at: LookedAt,
        mended: &mut Mended,
    ) -> Result<Hook, UseCaseError> {
        let LookedAt { working, broken, spare } = looked_at;
        let was_known = |hook: &Hook| hook.subscription_id.is_some();
        let (hook, held) = match working {
            Some((hook, held)) => {
                mended.missed |= hook.status.drops_events() && held.status == HookStatus::Enabled;
                (hook, held)
            }
            None => {
                mended.missed |= spare.iter().any(was_known);
                let hook = match spare.first() {
                    Some(spare) => spare.clone(),
                    None => rerun(|| self.commit_replacement(connected, event_type, &broken)).await?,
                };
                let held = match self.adopt(at, hook.id).await? {
                    Some(held) => held,
                    None => self.ask(at, &hook).await?,
                };
                (hook, held)
            }
        };
        let hook = self.settle(at, hook, held).await?;
        mended.replaced.extend(broken.into_iter().chain(spare).filter(|old| old.id != hook.id));
        Ok(hook)
    }

    /// Commits the row of a hook that stands in for broken ones, unless somebody else did meanwhile.
    async fn commit_replacement(
        &self,
        connected: &ConnectedProject,
        event_type: EventType,
        broken: &[Hook],
    ) -> Result<Hook, UseCaseError> {
        let mut uow = self.store.begin().await?;
        let stored = uow.lock_hooks(connected.installation, &connected.azure_project).await?;
        let is_broken = |hook: &Hook| hook.status == HookStatus::Deleting || broken.iter().any(|one| one.id == hook.id);
        if let Some(theirs) = stored.into_iter().find(|hook| hook.event_type == event_type && !is_broken(hook)) {
            return Ok(theirs);
        }
        let hook = self.new_hook(connected, event_type)?;
        uow.put_hook(&hook).await?;
        uow.commit().await?;
        Ok(hook)
    }

    /// Lets the replaced hooks go, and arms a reading of what was missed.
    async fn retire(&self, connected: &ConnectedProject, mended: &Mended) -> Result<(), StoreError> {
        let armed = |task| due_now(connected.organization, task, self.clock.as_ref(), self.entropy.as_ref());
        let mut uow = self.store.begin().await?;
        let stored = uow.lock_hooks(connected.installation, &connected.azure_project).await?;
        let mut arms = Vec::new();
        for mut hook in stored.into_iter().filter(|hook| mended.replaced.iter().any(|old| old.id == hook.id)) {
            hook.status = HookStatus::Deleting;
            hook.updated_at = self.clock.now();
            uow.put_hook(&hook).await?;
            arms.push(armed(OutboxTask::DeleteSubscription { hook: hook.id }));
        }
        arms.push(armed(OutboxTask::ReconcileProject {
            installation: connected.installation,
            azure_project: connected.azure_project.clone(),
        }));
        uow.arm(&arms).await?;
        uow.commit().await
    }

    /// Records what Azure DevOps holds for a hook; deletes it there where the hook has another by now.
    async fn settle(&self, at: &TrackerConnection, hook: Hook, held: RemoteSubscription) -> Result<Hook, UseCaseError> {
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

    /// A subscription left by an attempt that crashed, one that delivers where there is a choice. Doubles of
    /// it are deleted, and those that Azure DevOps gave up on.
    async fn adopt(&self, at: &TrackerConnection, hook: HookId) -> Result<Option<RemoteSubscription>, TrackerError> {
        let mut found = self.tracker.find_subscriptions(at, &self.webhook_url(hook)).await?;
        found.sort_by_key(|one| one.status != HookStatus::Enabled);
        let mut adopted = None;
        for one in found {
            if adopted.is_none() && !is_given_up(one.status) {
                adopted = Some(one);
            } else {
                self.tracker.delete_subscription(at, &one.id).await?;
            }
        }
        Ok(adopted)
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
