//! Work items as mirrored here, and the snapshots that bring news of them.

use crate::id::{
    ExternalIssueId, GroupId, InstallationId, IntegrationId, LinkId, OrganizationId, Revision, WorkItemNumber,
};
use crate::person::{Person, Unresolved};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A work item at one revision, whatever brought it: a webhook, the answer to a write, a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The work item.
    pub number: WorkItemNumber,
    /// Its revision.
    pub revision: Revision,
    /// The id (GUID, lower case) of its Azure DevOps project, where known.
    pub azure_project: Option<AzureProjectId>,
    /// `System.Title`, at most [`Snapshot::MAX_TITLE`] characters.
    pub title: String,
    /// `System.WorkItemType`.
    pub work_item_type: String,
    /// `System.State`, in the words of the item's process and language.
    pub state: String,
    /// `System.AssignedTo`.
    pub assignee: Option<Person>,
    /// `System.AreaPath`, at most [`Snapshot::MAX_AREA_PATH`] characters.
    pub area_path: Option<String>,
    /// `System.Tags`, each once and as it is written there: at most [`Snapshot::MAX_TAGS`] of at most
    /// [`Snapshot::MAX_TAG`] characters.
    pub tags: Vec<String>,
    /// `System.ChangedBy`: who made this revision.
    pub changed_by: Option<Person>,
    /// `System.ChangedDate` by the tracker's clock.
    pub changed_at: Option<Timestamp>,
    /// The page of the work item for people.
    pub url: Option<String>,
}

impl Snapshot {
    /// Longest title kept, in characters. Azure DevOps allows 255.
    pub const MAX_TITLE: usize = 255;
    /// Longest state or type name kept, in characters.
    pub const MAX_WORD: usize = 128;
    /// Longest area path kept, in characters. Azure DevOps allows 4000 for the path of a node.
    pub const MAX_AREA_PATH: usize = 4000;
    /// Most tags kept. Azure DevOps allows 100 on a work item.
    pub const MAX_TAGS: usize = 100;
    /// Longest tag kept, in characters. Azure DevOps allows 400.
    pub const MAX_TAG: usize = 400;
}

/// The GUID of an Azure DevOps project, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AzureProjectId(String);

impl AzureProjectId {
    /// Reads a GUID in any case; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        uuid::Uuid::try_parse(text.trim()).ok().map(|id| Self(id.hyphenated().to_string()))
    }

    /// The GUID in lower case, with hyphens.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The mirror of a work item: what the tracker last told us. One for each (integration, number).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalIssue {
    /// Its id.
    pub id: ExternalIssueId,
    /// The collection it is in.
    pub integration: IntegrationId,
    /// Its number there.
    pub number: WorkItemNumber,
    /// The Azure DevOps project it is in.
    pub azure_project: AzureProjectId,
    /// The newest revision seen.
    pub revision: Revision,
    /// Its title.
    pub title: String,
    /// Its type.
    pub work_item_type: String,
    /// Its state.
    pub state: String,
    /// Who has it there.
    pub assignee: Option<Person>,
    /// Its area path, where it has one.
    pub area_path: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its page for people.
    pub url: Option<String>,
    /// When that revision was made, by our clock.
    pub changed_at: Timestamp,
    /// When the mirror was last written.
    pub observed_at: Timestamp,
    /// Deleted in the tracker: the links to it are broken until it is restored.
    pub deleted: bool,
}

/// The link of a group with a work item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupLink {
    /// Its id.
    pub id: LinkId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The group.
    pub group: GroupId,
    /// The work item.
    pub external_issue: ExternalIssueId,
    /// The installation it is read through.
    pub installation: InstallationId,
    /// Set while the tracker's assignee is nobody we know.
    pub unresolved: Option<Unresolved>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A link with what deciding about it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedGroup {
    /// The link.
    pub link: GroupLink,
    /// Whether the installation lets the tracker's assignee in.
    pub inbound_assignee: bool,
}
