//! Integrations with a tracker, each organization's installation of one, and the projects it connected.

use crate::id::{InstallationId, IntegrationId, OrganizationId};
use crate::secret::Sealed;
use crate::text::Name;
use crate::time::Timestamp;
use crate::work_item::AzureProjectId;
use crate::workflow::StateMap;
use serde::{Deserialize, Serialize};

/// An Azure DevOps collection (an organization in the cloud). Shared by everyone who installed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integration {
    /// Its id.
    pub id: IntegrationId,
    /// The collection's GUID in lower case: the key by which deliveries name it.
    pub collection_id: String,
    /// Its name there.
    pub name: Name,
    /// The address that REST paths are appended to, with the organization or collection and a
    /// trailing slash: `https://dev.azure.com/contoso/`, `https://tfs.contoso.com/tfs/Default/`.
    pub base_url: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What an installation lets through, for each direction and kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toggles {
    /// The tracker's assignee becomes the group's.
    pub inbound_assignee: bool,
    /// The group's assignee becomes the tracker's.
    pub outbound_assignee: bool,
    /// The tracker's state becomes the group's status.
    pub inbound_status: bool,
    /// The group's status becomes the tracker's state.
    pub outbound_status: bool,
    /// Comments are carried to the tracker.
    pub comments: bool,
    /// What one work item says reaches the group's other work items of the same installation too.
    pub siblings: bool,
}

/// What the tracker says about assignees is let in; everything else is off until somebody asks for it.
impl Default for Toggles {
    fn default() -> Self {
        Self {
            inbound_assignee: true,
            outbound_assignee: false,
            inbound_status: false,
            outbound_status: false,
            comments: false,
            siblings: false,
        }
    }
}

/// One organization's installation of an integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// Its id.
    pub id: InstallationId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Of what.
    pub integration: IntegrationId,
    /// The organization's own credential, sealed with the installation's id as context.
    pub credential: Sealed,
    /// What is let through.
    pub toggles: Toggles,
    /// When the credential ends, where somebody told: Azure DevOps does not.
    pub credential_expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An Azure DevOps project that an installation connected: its work items may be linked, and its
/// hooks are ours to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectedProject {
    /// Whose it is.
    pub organization: OrganizationId,
    /// Through which installation.
    pub installation: InstallationId,
    /// In which collection.
    pub integration: IntegrationId,
    /// Its GUID.
    pub azure_project: AzureProjectId,
    /// Its name there.
    pub name: Name,
    /// How the states of its work items and the statuses of groups translate, beside the categories.
    pub state_map: StateMap,
    /// When it was connected.
    pub created_at: Timestamp,
}

/// What is done for a connected project on a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chore {
    /// Its hooks are looked at.
    LookAtHooks,
    /// Its linked work items are read.
    Reconcile,
}

/// A connected project of which a chore is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueProject {
    /// The project.
    pub project: ConnectedProject,
    /// Whether the installation's credential was changed since its hooks were last looked at.
    pub new_credential: bool,
}
