//! Create Subscription: the hooks of a connected project, one of each event, each with its own secret.
//!
//! A hook's row, with its id and sealed secret, is committed before Azure DevOps is asked. After a
//! crash in between, asking again looks for our address there and adopts what it finds. What Azure
//! DevOps answers is recorded under the lock of the project's hooks; of two subscriptions that two
//! callers made for one hook, the second is deleted.
//!
//! A subscription that does not deliver is replaced: another hook with a secret of its own is made first, so
//! that no event falls between the two, then the old one is deleted, and what was missed is read. (Changing
//! it would not do: Sentry found that this revives none, getsentry/sentry#10407.) Which are replaced depends
//! on the [`Occasion`]. A look that fails tells nothing: what is out of reach is not missing.

use super::connection::{connected_project, connection};
use super::error::{UseCaseError, rerun};
use super::essentials::due_now;
use crate::hook::{EventType, Hook, HookStatus, Occasion};
use crate::id::{HookId, InstallationId, OrganizationId};
use crate::integration::{Chore, ConnectedProject};
use crate::outbox::OutboxTask;
use crate::port::tracker::NewSubscription;
use crate::port::{
    Clock, Entropy, Reader, RemoteSubscription, SecretBox, SingletonLease, Store, StoreError, TrackerConnection,
    TrackerError, UnitOfWork, WorkItemTracker,
};
use crate::secret::Secret;
use crate::work_item::AzureProjectId;
use crate::workflow::StateMap;
use std::sync::Arc;
use std::time::Duration;

/// How long the schedule keeps away from hooks that somebody is making.
const MAKING: Duration = Duration::from_secs(120);

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
    /// Where webhooks reach us, without a trailing slash: `https://handoff.example.org`. Where nothing does,
    /// there are no hooks, and work items are read every minute instead.
    pub public_url: Option<String>,
}

/// One look at the hooks of a connected project.
struct Look<'a> {
    at: &'a TrackerConnection,
    connected: &'a ConnectedProject,
    occasion: Occasion,
    public_url: &'a str,
    /// What it is done under, on the schedule: whoever lost it writes nothing any more.
    lease: Option<SingletonLease>,
}

impl Look<'_> {
    /// The address that Azure DevOps delivers to for a hook.
    fn webhook_url(&self, hook: HookId) -> String {
        webhook_url(self.public_url, hook)
    }

    async fn begin(&self, store: &dyn Store) -> Result<Box<dyn UnitOfWork>, StoreError> {
        let mut uow = store.begin().await?;
        if let Some(lease) = &self.lease {
            uow.hold_singleton(lease).await?;
        }
        Ok(uow)
    }
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

/// A hook, and what Azure DevOps holds for it.
type Held = (Hook, RemoteSubscription);

/// The hooks of one event type, as Azure DevOps holds them.
#[derive(Default)]
struct LookedAt {
    /// The one that stays as it is.
    staying: Option<Held>,
    /// Those that must go.
    going: Vec<Held>,
    /// Those that Azure DevOps never confirmed.
    unfinished: Vec<Hook>,
}

/// What a look mended.
#[derive(Default)]
struct Mended {
    /// Hooks that others stand in for, or that nothing needs.
    replaced: Vec<Hook>,
    /// Whether events may have been lost meanwhile.
    missed: bool,
}

/// Whether Azure DevOps will never deliver by it again, whatever anybody switches.
const fn is_given_up(status: HookStatus) -> bool {
    matches!(status, HookStatus::DisabledBySystem | HookStatus::DisabledByInactiveIdentity)
}

/// The address that Azure DevOps delivers to for a hook.
fn webhook_url(public_url: &str, hook: HookId) -> String {
    format!("{public_url}/webhooks/vsts/{hook}")
}

/// The reading of all that is linked in a connected project.
fn reconcile(connected: &ConnectedProject) -> OutboxTask {
    let (installation, azure_project) = (connected.installation, connected.azure_project.clone());
    OutboxTask::ReconcileProject { installation, azure_project }
}

/// Whether both name one address, the default port written or not.
fn is_same_address(a: &str, b: &str) -> bool {
    let plain = |text: &str| text.to_ascii_lowercase().replacen(":443/", "/", 1);
    plain(a) == plain(b)
}

impl Subscriptions {
    /// Connects an Azure DevOps project and asks for its hooks. Idempotent: asking twice, or after a
    /// crash, leaves one of each. Asking again also heals: see above. Without a public address there are no
    /// hooks.
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
        if self.public_url.is_none() {
            rerun(|| self.connect_without_hooks(&connected)).await?;
            return Ok(Vec::new());
        }
        self.look(&at, &connected, Occasion::Asked, None).await
    }

    /// Makes new hooks with new secrets beside those that there are, which are then deleted. What arrives
    /// meanwhile by either is accepted.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] when the project is not connected, [`UseCaseError::Refused`] where there
    /// are no hooks; [`UseCaseError::Tracker`] as Azure DevOps answers: then every hook that was not replaced
    /// yet still delivers.
    pub async fn rotate(
        &self,
        organization: OrganizationId,
        installation: InstallationId,
        azure_project: &AzureProjectId,
    ) -> Result<Vec<Hook>, UseCaseError> {
        let at = connection(self.reader.as_ref(), self.secrets.as_ref(), organization, installation).await?;
        let connected = connected_project(self.reader.as_ref(), organization, installation, azure_project).await?;
        if self.public_url.is_none() {
            let reason = "there is no public_url, and so there are no hooks whose secrets could be changed";
            return Err(UseCaseError::Refused(reason.to_owned()));
        }
        self.look(&at, &connected, Occasion::Rotation, None).await
    }

    /// Looks at the hooks of a connected project as the schedule does, under its lease.
    ///
    /// # Errors
    /// As [`Subscriptions::create_subscription`], and [`StoreError::LeaseLost`] when somebody else took over.
    pub(super) async fn look_after(
        &self,
        connected: &ConnectedProject,
        occasion: Occasion,
        lease: SingletonLease,
    ) -> Result<Vec<Hook>, UseCaseError> {
        let (reader, secrets) = (self.reader.as_ref(), self.secrets.as_ref());
        let at = connection(reader, secrets, connected.organization, connected.installation).await?;
        self.look(&at, connected, occasion, Some(lease)).await
    }

    async fn look(
        &self,
        at: &TrackerConnection,
        connected: &ConnectedProject,
        occasion: Occasion,
        lease: Option<SingletonLease>,
    ) -> Result<Vec<Hook>, UseCaseError> {
        let public_url = self.public_url.as_deref().unwrap_or_default();
        let look = Look { at, connected, occasion, public_url, lease };
        let (rows, needed) = rerun(|| self.commit_rows(&look)).await?;
        let mut kept = Vec::with_capacity(needed.len());
        let mut mended = Mended::default();
        for &event_type in needed {
            let of_type = rows.iter().filter(|row| row.event_type == event_type);
            let looked_at = self.look_at(&look, of_type).await?;
            kept.push(self.converge(&look, event_type, looked_at, &mut mended).await?);
        }
        mended.replaced.extend(rows.into_iter().filter(|row| !needed.contains(&row.event_type)));
        if mended.missed || !mended.replaced.is_empty() {
            rerun(|| self.retire(&look, &mended)).await?;
        }
        Ok(kept)
    }

    /// Commits the connection, and has its work items read.
    async fn connect_without_hooks(&self, connected: &ConnectedProject) -> Result<(), StoreError> {
        let mut uow = self.store.begin().await?;
        uow.put_connected_project(connected).await?;
        let read = reconcile(connected);
        uow.arm(&[due_now(connected.organization, read, self.clock.as_ref(), self.entropy.as_ref())]).await?;
        uow.commit().await
    }

    /// Commits the connection, where it is asked for, and the rows of the hooks that it lacks; returns all
    /// of them.
    async fn commit_rows(&self, look: &Look<'_>) -> Result<(Vec<Hook>, &'static [EventType]), UseCaseError> {
        let connected = look.connected;
        let (installation, azure_project) = (connected.installation, &connected.azure_project);
        let mut uow = look.begin(self.store.as_ref()).await?;
        if look.occasion == Occasion::Asked {
            uow.put_connected_project(connected).await?;
        }
        let mut hooks = uow.lock_hooks(installation, azure_project).await?;
        if look.occasion != Occasion::Asked && !uow.hold_connected_project(installation, azure_project).await? {
            return Err(UseCaseError::NotFound { what: "connected project" });
        }
        if look.lease.is_none() {
            uow.schedule(installation, azure_project, Chore::LookAtHooks, self.clock.now().plus(MAKING)).await?;
        }
        hooks.retain(|hook| hook.status != HookStatus::Deleting);
        let rules = uow.tracking_rules_of(installation, azure_project).await?;
        let wanted = EventType::wanted(!rules.is_empty());
        for &event_type in wanted {
            if !hooks.iter().any(|hook| hook.event_type == event_type) {
                let hook = self.new_hook(connected, event_type)?;
                uow.put_hook(&hook).await?;
                hooks.push(hook);
            }
        }
        uow.commit().await?;
        Ok((hooks, wanted))
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
            checked_at: None,
            unseen: None,
        })
    }

    /// Asks for each hook by the id of its own subscription. One that delivers is preferred to one that is
    /// only left alone.
    async fn look_at(
        &self,
        look: &Look<'_>,
        rows: impl Iterator<Item = &Hook> + Send,
    ) -> Result<LookedAt, UseCaseError> {
        let mut looked_at = LookedAt::default();
        let mut left_alone = Vec::new();
        for row in rows {
            let Some(id) = &row.subscription_id else {
                looked_at.unfinished.push(row.clone());
                continue;
            };
            let held = self.tracker.subscription(look.at, id).await?;
            let gone = || RemoteSubscription { id: id.clone(), status: HookStatus::Gone, url: None };
            let found = (row.clone(), held.unwrap_or_else(gone));
            match self.stays(look, &found) {
                true => left_alone.push(found),
                false => looked_at.going.push(found),
            }
        }
        left_alone.sort_by_key(|(_, held)| held.status != HookStatus::Enabled);
        let mut left_alone = left_alone.into_iter();
        looked_at.staying = left_alone.next();
        looked_at.going.extend(left_alone);
        Ok(looked_at)
    }

    fn stays(&self, look: &Look<'_>, (hook, held): &Held) -> bool {
        let is_ours = |url: &String| is_same_address(url, &look.webhook_url(hook.id));
        // What delivers to an address that is not ours delivers nothing.
        let is_elsewhere = held.status == HookStatus::Enabled && !held.url.as_ref().is_none_or(is_ours);
        let status = if is_elsewhere { HookStatus::Gone } else { held.status };
        !hook.is_replaced(look.occasion, status, self.clock.now())
    }

    /// Makes Azure DevOps hold one hook of this event type: keeps the one that stays, else adopts what has
    /// the address of a hook without a subscription, or asks for one.
    async fn converge(
        &self,
        look: &Look<'_>,
        event_type: EventType,
        looked_at: LookedAt,
        mended: &mut Mended,
    ) -> Result<Hook, UseCaseError> {
        let LookedAt { staying, going, unfinished } = looked_at;
        let hook = match staying {
            Some((hook, held)) => {
                mended.missed |= hook.status.drops_events() && held.status == HookStatus::Enabled;
                self.delete_doubles(look, &hook, &held).await?;
                self.settle(look, hook, held, look.lease.as_ref()).await?
            }
            None => {
                mended.missed |= !going.is_empty();
                let (hook, held) = match self.left_behind(look, &going).await? {
                    Some(found) => found,
                    None => self.make(look, event_type, &going, unfinished.first()).await?,
                };
                // Whoever made it records it, whoever has the lease by now: the row tells who was first.
                self.settle(look, hook, held, None).await?
            }
        };
        let others = going.into_iter().map(|(old, _)| old).chain(unfinished);
        mended.replaced.extend(others.filter(|old| old.id != hook.id));
        Ok(hook)
    }

    /// What has the address of a hook whose own subscription is gone.
    async fn left_behind(&self, look: &Look<'_>, going: &[Held]) -> Result<Option<Held>, TrackerError> {
        if look.occasion == Occasion::Rotation {
            return Ok(None);
        }
        for (hook, _) in going.iter().filter(|(_, held)| held.status == HookStatus::Gone) {
            if let Some(found) = self.adopt(look.at, &look.webhook_url(hook.id)).await? {
                return Ok(Some((hook.clone(), found)));
            }
        }
        Ok(None)
    }

    /// Finishes a hook that was begun, or makes one in the place of those that must go.
    async fn make(
        &self,
        look: &Look<'_>,
        event_type: EventType,
        going: &[Held],
        unfinished: Option<&Hook>,
    ) -> Result<Held, UseCaseError> {
        let hook = match unfinished {
            Some(hook) => hook.clone(),
            None => rerun(|| self.commit_replacement(look, event_type, going)).await?,
        };
        let held = match self.adopt(look.at, &look.webhook_url(hook.id)).await? {
            Some(held) => held,
            None => self.ask(look, &hook).await?,
        };
        Ok((hook, held))
    }

    /// Commits the row of a hook that stands in for others, unless somebody else did meanwhile.
    async fn commit_replacement(
        &self,
        look: &Look<'_>,
        event_type: EventType,
        going: &[Held],
    ) -> Result<Hook, UseCaseError> {
        let connected = look.connected;
        let mut uow = look.begin(self.store.as_ref()).await?;
        let stored = uow.lock_hooks(connected.installation, &connected.azure_project).await?;
        let goes = |hook: &Hook| hook.status == HookStatus::Deleting || going.iter().any(|(one, _)| one.id == hook.id);
        if let Some(theirs) = stored.into_iter().find(|hook| hook.event_type == event_type && !goes(hook)) {
            return Ok(theirs);
        }
        let hook = self.new_hook(connected, event_type)?;
        uow.put_hook(&hook).await?;
        uow.commit().await?;
        Ok(hook)
    }

    /// Lets the replaced hooks go, and arms a reading of what was missed.
    async fn retire(&self, look: &Look<'_>, mended: &Mended) -> Result<(), StoreError> {
        let connected = look.connected;
        let armed = |task| due_now(connected.organization, task, self.clock.as_ref(), self.entropy.as_ref());
        let mut uow = look.begin(self.store.as_ref()).await?;
        let stored = uow.lock_hooks(connected.installation, &connected.azure_project).await?;
        let mut arms = Vec::new();
        for mut hook in stored.into_iter().filter(|hook| mended.replaced.iter().any(|old| old.id == hook.id)) {
            hook.status = HookStatus::Deleting;
            hook.updated_at = self.clock.now();
            uow.put_hook(&hook).await?;
            arms.push(armed(OutboxTask::DeleteSubscription { hook: hook.id }));
        }
        arms.push(armed(reconcile(connected)));
        uow.arm(&arms).await?;
        uow.commit().await
    }

    /// Records what Azure DevOps holds for a hook; deletes it there where the hook has another by now.
    async fn settle(
        &self,
        look: &Look<'_>,
        hook: Hook,
        held: RemoteSubscription,
        lease: Option<&SingletonLease>,
    ) -> Result<Hook, UseCaseError> {
        match rerun(|| self.record(&hook, &held, lease)).await? {
            Recorded::Ours(hook) => Ok(hook),
            Recorded::Theirs(hook) => {
                self.tracker.delete_subscription(look.at, &held.id).await?;
                Ok(hook)
            }
            Recorded::Gone => {
                self.tracker.delete_subscription(look.at, &held.id).await?;
                Err(UseCaseError::TryAgain("the project was disconnected meanwhile; connect it again".to_owned()))
            }
        }
    }

    /// Records what Azure DevOps holds for a hook, unless somebody else recorded another subscription
    /// since `read`.
    async fn record(
        &self,
        read: &Hook,
        held: &RemoteSubscription,
        lease: Option<&SingletonLease>,
    ) -> Result<Recorded, StoreError> {
        let mut uow = self.store.begin().await?;
        if let Some(lease) = lease {
            uow.hold_singleton(lease).await?;
        }
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
        hook.checked_at = Some(hook.updated_at);
        hook.unseen = None;
        uow.put_hook(&hook).await?;
        uow.commit().await?;
        Ok(Recorded::Ours(hook))
    }

    /// Deletes what else has this hook's address: a request that was under way when its sender died may have
    /// been carried out after the next one had looked.
    async fn delete_doubles(
        &self,
        look: &Look<'_>,
        hook: &Hook,
        held: &RemoteSubscription,
    ) -> Result<(), TrackerError> {
        let found = self.tracker.find_subscriptions(look.at, &look.webhook_url(hook.id)).await?;
        for double in found.iter().filter(|one| one.id != held.id) {
            self.tracker.delete_subscription(look.at, &double.id).await?;
        }
        Ok(())
    }

    /// A subscription left by an attempt that crashed, one that delivers where there is a choice. Doubles of
    /// it are deleted, and those that Azure DevOps gave up on.
    async fn adopt(
        &self,
        at: &TrackerConnection,
        webhook_url: &str,
    ) -> Result<Option<RemoteSubscription>, TrackerError> {
        let mut found = self.tracker.find_subscriptions(at, webhook_url).await?;
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

    async fn ask(&self, look: &Look<'_>, hook: &Hook) -> Result<RemoteSubscription, UseCaseError> {
        let new = NewSubscription {
            azure_project: hook.azure_project.clone(),
            event_type: hook.event_type,
            url: look.webhook_url(hook.id),
            secret: self.secrets.open(&hook.secret, hook.id.get().as_bytes())?,
        };
        Ok(self.tracker.create_subscription(look.at, &new).await?)
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
        let known = match (&hook.subscription_id, &self.public_url) {
            (Some(id), _) => Some(id.clone()),
            (None, Some(public_url)) => self.adopt(&at, &webhook_url(public_url, hook.id)).await?.map(|found| found.id),
            (None, None) => None,
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
