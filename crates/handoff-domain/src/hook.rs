//! Service hooks: our subscriptions in Azure DevOps.

use crate::id::{HookId, InstallationId, IntegrationId, OrganizationId};
use crate::secret::Sealed;
use crate::time::Timestamp;
use crate::work_item::AzureProjectId;
use std::time::Duration;

/// The schedule replaces no hook that is younger: at most one new hook for each in that time, so that an
/// address of ours that cannot be reached does not make thousands.
pub const HEAL_AGAIN_AFTER: Duration = Duration::from_secs(3600);

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
        /// Azure DevOps knows it no longer, though we did not delete it.
        Gone => "gone",
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
            Self::OnProbation
                | Self::DisabledByUser
                | Self::DisabledBySystem
                | Self::DisabledByInactiveIdentity
                | Self::Gone
        )
    }
}

/// Why hooks are looked at, and so what may be done about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// The schedule: what no person meant is put right.
    Schedule {
        /// Whether the installation's credential was changed since the last look.
        new_credential: bool,
    },
    /// Somebody connects the project, perhaps again: whatever does not deliver is replaced.
    Asked,
    /// Somebody wants new secrets: all are replaced.
    Rotation,
}

impl Occasion {
    /// Whether another hook takes the place of one that stands so.
    #[must_use]
    pub const fn replaces(self, status: HookStatus) -> bool {
        match (self, status) {
            (Self::Rotation, _) => true,
            (_, HookStatus::Creating | HookStatus::Enabled | HookStatus::Deleting | HookStatus::Deleted) => false,
            (Self::Asked, _) => true,
            (Self::Schedule { .. }, HookStatus::OnProbation | HookStatus::DisabledBySystem | HookStatus::Gone) => true,
            // A person did it, and a person undoes it.
            (Self::Schedule { .. }, HookStatus::DisabledByUser) => false,
            // With the same credential the next one would end alike.
            (Self::Schedule { new_credential }, HookStatus::DisabledByInactiveIdentity) => new_credential,
        }
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
    /// When Azure DevOps last told where it stands; `None` before it was made there.
    pub checked_at: Option<Timestamp>,
    /// Why the last look told nothing, in words for people; `None` where it did. The status is an older one
    /// then.
    pub unseen: Option<String>,
}

impl Hook {
    /// Longest reason kept, in characters.
    pub const MAX_REASON: usize = 300;

    /// Whether on this occasion another hook may take its place, standing as it does.
    #[must_use]
    pub fn is_replaced(&self, occasion: Occasion, status: HookStatus, now: Timestamp) -> bool {
        let is_young = now.since(self.created_at) < HEAL_AGAIN_AFTER;
        occasion.replaces(status) && !(is_young && matches!(occasion, Occasion::Schedule { .. }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_replaces_what_no_person_meant_and_a_request_whatever_does_not_deliver() {
        use HookStatus::{
            Creating, Deleting, DisabledByInactiveIdentity, DisabledBySystem, DisabledByUser, Enabled, Gone,
            OnProbation,
        };
        let schedule = |new_credential| Occasion::Schedule { new_credential };
        for (status, scheduled, with_new_credential, asked) in [
            (Creating, false, false, false),
            (Enabled, false, false, false),
            (OnProbation, true, true, true),
            (DisabledByUser, false, false, true),
            (DisabledBySystem, true, true, true),
            (DisabledByInactiveIdentity, false, true, true),
            (Gone, true, true, true),
            (Deleting, false, false, false),
        ] {
            let found = [schedule(false), schedule(true), Occasion::Asked].map(|one| one.replaces(status));
            assert_eq!(found, [scheduled, with_new_credential, asked], "{status:?}");
            assert!(Occasion::Rotation.replaces(status));
        }
    }
}
