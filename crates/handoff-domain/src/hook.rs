//! Service hooks: our subscriptions in Azure DevOps.

use crate::id::{HookId, InstallationId, IntegrationId, OrganizationId};
use crate::secret::Sealed;
use crate::time::Timestamp;
use crate::work_item::AzureProjectId;

crate::group::words!(
    /// The events a hook can bring.
    EventType {
        /// A field, link or comment of a work item changed.
        WorkItemUpdated => "workitem.updated",
        /// A work item went to the recycle bin.
        WorkItemDeleted => "workitem.deleted",
        /// A work item came back from the recycle bin.
        WorkItemRestored => "workitem.restored",
        /// A work item was made.
        WorkItemCreated => "workitem.created",
    }
);

impl EventType {
    /// The hooks that every connected project gets, one of each.
    pub const OF_A_PROJECT: [Self; 3] = [Self::WorkItemUpdated, Self::WorkItemDeleted, Self::WorkItemRestored];

    /// The hooks of a project for which there is a tracking rule: new work items are of interest as well.
    pub const OF_A_TRACKED_PROJECT: [Self; 4] =
        [Self::WorkItemUpdated, Self::WorkItemDeleted, Self::WorkItemRestored, Self::WorkItemCreated];

    /// The hooks that a connected project is to have.
    #[must_use]
    pub const fn wanted(is_tracked: bool) -> &'static [Self] {
        if is_tracked { &Self::OF_A_TRACKED_PROJECT } else { &Self::OF_A_PROJECT }
    }
}

crate::group::words!(
    /// Where a hook stands.
    HookStatus {
        /// Our row is committed; Azure DevOps has not confirmed the subscription yet.
        Creating => "creating",
        /// It delivered when it was last looked at.
        Enabled => "enabled",
        /// Azure DevOps retries one failed notification and drops new events meanwhile.
        OnProbation => "on_probation",
        /// A person disabled it.
        DisabledByUser => "disabled_by_user",
        /// Azure DevOps gave up on it.
        DisabledBySystem => "disabled_by_system",
        /// The person or service that made it lost access.
        DisabledByInactiveIdentity => "disabled_by_inactive_identity",
        /// We are done with it; it is being deleted in Azure DevOps.
        Deleting => "deleting",
        /// We deleted it; late deliveries are answered 410.
        Deleted => "deleted",
    }
);

impl HookStatus {
    /// Whether Azure DevOps drops new events of such a hook.
    #[must_use]
    pub const fn drops_events(self) -> bool {
        matches!(
            self,
            Self::OnProbation | Self::DisabledByUser | Self::DisabledBySystem | Self::DisabledByInactiveIdentity
        )
    }
}

/// A service hook of ours. Its row is committed before Azure DevOps is asked for the subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Its id, which is part of the webhook address.
    pub id: HookId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Through which installation.
    pub installation: InstallationId,
    /// In which collection.
    pub integration: IntegrationId,
    /// The Azure DevOps project whose events it brings.
    pub azure_project: AzureProjectId,
    /// Which events.
    pub event_type: EventType,
    /// The password that Azure DevOps presents, sealed with the hook's id as context.
    pub secret: Sealed,
    /// The subscription's id in Azure DevOps, once known.
    pub subscription_id: Option<String>,
    /// Where it stands.
    pub status: HookStatus,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last looked at in Azure DevOps, or changed here.
    pub updated_at: Timestamp,
}
