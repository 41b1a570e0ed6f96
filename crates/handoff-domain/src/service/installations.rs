//! Installations of Azure DevOps: making one, what it lets through, and the projects it connects.

use super::connection::connection;
use super::create_subscription::Subscriptions;
use super::error::{UseCaseError, rerun};
use super::essentials::Essentials;
use super::prove_public_url::ProvePublicUrl;
use crate::credential::Credential;
use crate::hook::{Hook, HookStatus};
use crate::id::{InstallationId, IntegrationId, OrganizationId};
use crate::integration::{Installation, Integration, Toggles};
use crate::outbox::{OutboxArm, OutboxTask, Released};
use crate::page;
use crate::port::tracker::{RemoteCollection, RemoteProject};
use crate::port::{SecretBox, StoreError, WorkItemTracker};
use crate::secret::Sealed;
use crate::time::Timestamp;
use crate::work_item::AzureProjectId;
use crate::workflow::StateMap;
use std::sync::Arc;

/// Makes and changes installations.
#[derive(Clone)]
pub struct Installations {
    /// The shared ports.
    pub base: Essentials,
    /// Azure DevOps.
    pub tracker: Arc<dyn WorkItemTracker>,
    /// Seals credentials.
    pub secrets: Arc<dyn SecretBox>,
    /// Makes hooks.
    pub subscriptions: Subscriptions,
    /// Proves our own address before hooks are made.
    pub proof: ProvePublicUrl,
}

/// Which toggles to change; `None` stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ToggleChange {
    /// See [`Toggles::inbound_assignee`].
    pub inbound_assignee: Option<bool>,
    /// See [`Toggles::outbound_assignee`].
    pub outbound_assignee: Option<bool>,
    /// See [`Toggles::inbound_status`].
    pub inbound_status: Option<bool>,
    /// See [`Toggles::outbound_status`].
    pub outbound_status: Option<bool>,
    /// See [`Toggles::comments`].
    pub comments: Option<bool>,
    /// See [`Toggles::siblings`].
    pub siblings: Option<bool>,
}

impl ToggleChange {
    fn applied_to(self, old: Toggles) -> Toggles {
        Toggles {
            inbound_assignee: self.inbound_assignee.unwrap_or(old.inbound_assignee),
            outbound_assignee: self.outbound_assignee.unwrap_or(old.outbound_assignee),
            inbound_status: self.inbound_status.unwrap_or(old.inbound_status),
            outbound_status: self.outbound_status.unwrap_or(old.outbound_status),
            comments: self.comments.unwrap_or(old.comments),
            siblings: self.siblings.unwrap_or(old.siblings),
        }
    }
}

/// What to change of an installation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// What it lets through.
    pub toggles: ToggleChange,
    /// Another credential of the organization; `None` keeps the one that it has.
    pub credential: Option<Credential>,
    /// When the credential ends; `Some(None)` where nobody knows. A new credential whose end is not told has
    /// none that is known.
    pub credential_expires_at: Option<Option<Timestamp>>,
}

impl Change {
    fn expiry(&self) -> Option<Option<Timestamp>> {
        self.credential_expires_at.or_else(|| self.credential.as_ref().map(|_| None))
    }
}

/// Whether something is let through now, in either direction, that was not before: reading the work items
/// again applies it.
const fn opens(old: Toggles, new: Toggles) -> bool {
    (new.inbound_assignee && !old.inbound_assignee)
        || (new.inbound_status && !old.inbound_status)
        || (new.outbound_assignee && !old.outbound_assignee)
        || (new.outbound_status && !old.outbound_status)
}

impl Installations {
    /// Asks who answers at the address with this credential, and installs that collection, with the
    /// toggles at their defaults.
    ///
    /// # Errors
    /// [`UseCaseError::Tracker`] as Azure DevOps answers, [`UseCaseError::Conflict`] when the
    /// organization installed this collection already.
    pub async fn create(
        &self,
        organization: OrganizationId,
        base_url: &str,
        credential: &Credential,
        credential_expires_at: Option<Timestamp>,
    ) -> Result<(Installation, Integration), UseCaseError> {
        let remote = self.tracker.collection(base_url, credential).await?;
        let saved = rerun(|| self.insert(organization, &remote, credential, credential_expires_at)).await;
        saved.map_err(|error| match error {
            UseCaseError::Store(error) if error.is_conflict_with("installation_integration") => {
                UseCaseError::Conflict("the organization installed this collection already".to_owned())
            }
            other => other,
        })
    }

    async fn insert(
        &self,
        organization: OrganizationId,
        remote: &RemoteCollection,
        credential: &Credential,
        credential_expires_at: Option<Timestamp>,
    ) -> Result<(Installation, Integration), UseCaseError> {
        let now = self.base.clock.now();
        let id = InstallationId::generate(now, self.base.entropy.as_ref());
        let sealed = self.secrets.seal(&credential.to_stored(), id.get().as_bytes())?;
        let integration = Integration {
            id: IntegrationId::generate(now, self.base.entropy.as_ref()),
            collection_id: remote.id.clone(),
            name: remote.name.clone(),
            base_url: remote.base_url.clone(),
            created_at: now,
        };
        let mut uow = self.base.store.begin().await?;
        let asked = integration.base_url.clone();
        let integration = uow.put_integration(&integration).await?;
        if integration.base_url != asked {
            // Every organization's credential is sent to the one address: an id that somebody merely claims to
            // have must lead nowhere else.
            let known = &integration.base_url;
            return Err(UseCaseError::Conflict(format!("this collection is known under another address, {known}")));
        }
        let installation = Installation {
            id,
            organization,
            integration: integration.id,
            credential: sealed,
            toggles: Toggles::default(),
            credential_expires_at,
            created_at: now,
        };
        uow.insert_installation(&installation).await?;
        uow.commit().await?;
        Ok((installation, integration))
    }

    /// Changes what is let through, and the credential: Azure DevOps is asked with the new one first, and it
    /// must be the same collection that answers. What is let in anew, and what the old credential may have
    /// missed, is read from there at once; with a new credential whatever waits for another try is tried now.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such an installation in the organization;
    /// [`UseCaseError::Tracker`] as Azure DevOps answers to the new credential, [`UseCaseError::Conflict`]
    /// when another collection does. Nothing was changed then.
    pub async fn change(
        &self,
        organization: OrganizationId,
        id: InstallationId,
        change: &Change,
    ) -> Result<(Installation, Integration), UseCaseError> {
        let (mut installation, integration) = self.installation(organization, id).await?;
        let toggles = change.toggles.applied_to(installation.toggles);
        let credential = match &change.credential {
            Some(credential) => Some(self.checked(&integration, id, credential).await?),
            None => None,
        };
        let mut rows = Vec::new();
        if credential.is_some() || opens(installation.toggles, toggles) {
            let connected = self.base.reader.connected_projects(organization, id).await?;
            let task = |azure_project| OutboxTask::ReconcileProject { installation: id, azure_project };
            rows.extend(connected.into_iter().map(|one| self.base.armed(organization, task(one.azure_project))));
        }
        let found = {
            let (credential, expiry) = (credential.as_ref(), change.expiry());
            rerun(|| self.try_change(organization, id, &toggles, credential, expiry, &rows)).await?
        };
        if !found {
            return Err(UseCaseError::NotFound { what: "installation" });
        }
        self.base.wake.outbox();
        installation.toggles = toggles;
        installation.credential_expires_at = change.expiry().unwrap_or(installation.credential_expires_at);
        installation.credential = credential.unwrap_or(installation.credential);
        Ok((installation, integration))
    }

    /// Seals a credential that the installation's own collection takes.
    async fn checked(
        &self,
        integration: &Integration,
        id: InstallationId,
        credential: &Credential,
    ) -> Result<Sealed, UseCaseError> {
        let remote = self.tracker.collection(&integration.base_url, credential).await?;
        if remote.id != integration.collection_id {
            let reason = "another collection answers at the installation's address; nothing was changed";
            return Err(UseCaseError::Conflict(reason.to_owned()));
        }
        Ok(self.secrets.seal(&credential.to_stored(), id.get().as_bytes())?)
    }

    async fn try_change(
        &self,
        organization: OrganizationId,
        id: InstallationId,
        toggles: &Toggles,
        credential: Option<&Sealed>,
        expiry: Option<Option<Timestamp>>,
        rows: &[OutboxArm],
    ) -> Result<bool, StoreError> {
        let mut uow = self.base.store.begin().await?;
        let mut found = uow.set_toggles(organization, id, toggles).await?;
        if let Some(credential) = credential {
            found &= uow.set_credential(organization, id, credential).await?;
            uow.look_with_new_credential(id, self.base.clock.now()).await?;
        }
        if let Some(expiry) = expiry {
            found &= uow.set_credential_expiry(organization, id, expiry).await?;
        }
        if !found {
            return Ok(false);
        }
        let released = match credential {
            Some(_) => Some(Released::by_credential(id)),
            None => (!rows.is_empty()).then(|| Released::reading(id)),
        };
        if let Some(released) = released {
            uow.release(organization, released, self.base.clock.now()).await?;
        }
        if !rows.is_empty() {
            uow.arm(rows).await?;
        }
        uow.commit().await.map(|()| true)
    }

    /// The Azure DevOps projects that the installation's credential sees, connected or not.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such an installation, [`UseCaseError::Tracker`] as Azure
    /// DevOps answers.
    pub async fn remote_projects(
        &self,
        organization: OrganizationId,
        id: InstallationId,
    ) -> Result<Vec<RemoteProject>, UseCaseError> {
        let at = connection(self.base.reader.as_ref(), self.secrets.as_ref(), organization, id).await?;
        Ok(self.tracker.projects(&at).await?)
    }

    /// Connects an Azure DevOps project and makes its hooks, once our own address is proved. Asking again mends
    /// what is missing or broken. Work items of the project that are linked already are read.
    ///
    /// # Errors
    /// As [`ProvePublicUrl::prove`] and [`Subscriptions::create_subscription`].
    pub async fn connect(
        &self,
        organization: OrganizationId,
        id: InstallationId,
        azure_project: &AzureProjectId,
    ) -> Result<Vec<Hook>, UseCaseError> {
        let (_, integration) = self.installation(organization, id).await?;
        self.proof.prove().await?;
        let known = self.base.reader.connected_projects(organization, id).await?;
        let is_new = !known.iter().any(|one| one.azure_project == *azure_project);
        let hooks = self.subscriptions.create_subscription(organization, id, azure_project).await?;
        if is_new && self.has_linked(organization, integration.id, azure_project).await? {
            // They came here from another project, or the project was disconnected: nothing was heard of them.
            let task = OutboxTask::ReconcileProject { installation: id, azure_project: azure_project.clone() };
            rerun(|| self.arm(self.base.armed(organization, task.clone()))).await?;
        }
        self.base.wake.outbox();
        Ok(hooks)
    }

    async fn has_linked(
        &self,
        organization: OrganizationId,
        integration: IntegrationId,
        azure_project: &AzureProjectId,
    ) -> Result<bool, StoreError> {
        let linked = self.base.reader.linked_work_items(organization, integration, azure_project, None, 1);
        linked.await.map(|linked| !linked.is_empty())
    }

    async fn arm(&self, row: OutboxArm) -> Result<(), StoreError> {
        let mut uow = self.base.store.begin().await?;
        uow.arm(&[row]).await?;
        uow.commit().await
    }

    /// Gives the hooks of a connected project new secrets; see [`Subscriptions::rotate`].
    ///
    /// # Errors
    /// As [`Subscriptions::rotate`].
    pub async fn rotate(
        &self,
        organization: OrganizationId,
        id: InstallationId,
        azure_project: &AzureProjectId,
    ) -> Result<Vec<Hook>, UseCaseError> {
        let hooks = self.subscriptions.rotate(organization, id, azure_project).await?;
        self.base.wake.outbox();
        Ok(hooks)
    }

    /// Has every linked work item of a connected project read; a worker does it at once, also where it was to
    /// wait for another try.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such an installation, or when the project is not connected.
    pub async fn reconcile(
        &self,
        organization: OrganizationId,
        id: InstallationId,
        azure_project: &AzureProjectId,
    ) -> Result<(), UseCaseError> {
        self.installation(organization, id).await?;
        let task = OutboxTask::ReconcileProject { installation: id, azure_project: azure_project.clone() };
        let row = self.base.armed(organization, task);
        let found = rerun(|| async {
            let mut uow = self.base.store.begin().await?;
            if !uow.hold_connected_project(id, azure_project).await? {
                return Ok(false);
            }
            uow.release(organization, Released::reading(id), self.base.clock.now()).await?;
            uow.arm(std::slice::from_ref(&row)).await?;
            uow.commit().await.map(|()| true)
        })
        .await?;
        if !found {
            return Err(UseCaseError::NotFound { what: "connected project" });
        }
        self.base.wake.outbox();
        Ok(())
    }

    /// Disconnects an Azure DevOps project; a worker deletes its hooks there.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such an installation, or when the project is not connected.
    pub async fn disconnect(
        &self,
        organization: OrganizationId,
        id: InstallationId,
        azure_project: &AzureProjectId,
    ) -> Result<(), UseCaseError> {
        self.installation(organization, id).await?;
        let found = rerun(|| self.try_disconnect(organization, id, azure_project)).await?;
        if !found {
            return Err(UseCaseError::NotFound { what: "connected project" });
        }
        self.base.wake.outbox();
        Ok(())
    }

    async fn try_disconnect(
        &self,
        organization: OrganizationId,
        id: InstallationId,
        azure_project: &AzureProjectId,
    ) -> Result<bool, StoreError> {
        let mut uow = self.base.store.begin().await?;
        for mut hook in uow.lock_hooks(id, azure_project).await? {
            hook.status = HookStatus::Deleting;
            hook.updated_at = self.base.clock.now();
            uow.put_hook(&hook).await?;
            uow.arm(&[self.base.armed(organization, OutboxTask::DeleteSubscription { hook: hook.id })]).await?;
        }
        let found = uow.delete_connected_project(id, azure_project).await?;
        uow.commit().await.map(|()| found)
    }

    /// Says how the states of a connected project's work items and the statuses of groups translate; the
    /// work items are read again.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] when the project is not connected, [`UseCaseError::Refused`] for a map
    /// that says too much, or names a status that there is not.
    pub async fn set_state_map(
        &self,
        organization: OrganizationId,
        id: InstallationId,
        azure_project: &AzureProjectId,
        map: &StateMap,
    ) -> Result<(), UseCaseError> {
        self.installation(organization, id).await?;
        map.check().map_err(UseCaseError::Refused)?;
        let task = OutboxTask::ReconcileProject { installation: id, azure_project: azure_project.clone() };
        let found = rerun(|| async {
            let mut uow = self.base.store.begin().await?;
            let found = uow.set_state_map(id, azure_project, map).await?;
            uow.arm(&[self.base.armed(organization, task.clone())]).await?;
            uow.commit().await.map(|()| found)
        })
        .await?;
        if !found {
            return Err(UseCaseError::NotFound { what: "connected project" });
        }
        self.base.wake.outbox();
        Ok(())
    }

    /// The organization's installation of an integration.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] when it installed none.
    pub async fn of_integration(
        &self,
        organization: OrganizationId,
        integration: IntegrationId,
    ) -> Result<InstallationId, UseCaseError> {
        let found = installation_of(&self.base, organization, integration).await?;
        found.ok_or(UseCaseError::NotFound { what: "integration" })
    }

    async fn installation(
        &self,
        organization: OrganizationId,
        id: InstallationId,
    ) -> Result<(Installation, Integration), UseCaseError> {
        let found = self.base.reader.installation(organization, id).await?;
        found.ok_or(UseCaseError::NotFound { what: "installation" })
    }
}

/// The organization's installation of an integration, if it has one.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn installation_of(
    base: &Essentials,
    organization: OrganizationId,
    integration: IntegrationId,
) -> Result<Option<InstallationId>, StoreError> {
    let ask = |page| base.reader.installations(organization, page);
    let installed = page::all(|(one, _): &(Installation, Integration)| one.id, ask).await?;
    Ok(installed.into_iter().find(|(one, _)| one.integration == integration).map(|(one, _)| one.id))
}
