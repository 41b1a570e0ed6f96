//! Work items as mirrored here, and the snapshots that bring news of them.

use crate::assignee::ChangeSource;
use crate::id::{
    ExternalIssueId, GroupId, InstallationId, IntegrationId, LinkId, OrganizationId, Revision, UserId, WorkItemNumber,
};
use crate::integration::Toggles;
use crate::person::{Person, Unresolved, same_person};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

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
    /// When what is known of its assignee was said, by our clock: the time of the revision that changed
    /// it, or of our own decision where we wrote it.
    pub assignee_changed_at: Timestamp,
    /// The same of its state.
    pub state_changed_at: Timestamp,
    /// What we are about to write, or wrote without having heard the answer.
    pub pending: Option<PendingWrite>,
}

/// A write of ours to a work item: recorded before the tracker is asked, so that its echo is recognised
/// whatever brings it first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingWrite {
    /// The revision that it is conditional on.
    pub base: Revision,
    /// Whose groups decided it.
    pub organization: OrganizationId,
    /// The assignee, where it is written.
    pub assignee: Option<PendingValue<Option<Person>>>,
    /// The state, in the tracker's words, where it is written.
    pub state: Option<PendingValue<String>>,
}

/// One value of a write, and the decision that it carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingValue<T> {
    /// What is written.
    pub value: T,
    /// When it was decided here.
    pub decided_at: Timestamp,
    /// Who decided it, where that was one of our users.
    pub by: Option<UserId>,
    /// The tracker's answer, where it refused this.
    pub refused: Option<Refusal>,
}

/// A refusal of a tracker: the same write of the same revision would be refused again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// When it was said.
    pub at: Timestamp,
    /// In its words.
    pub reason: String,
}

impl Refusal {
    /// For how long it is believed: rules of a tracker change without a new revision of the work item.
    pub const BELIEVED_FOR: Duration = Duration::from_secs(24 * 3600);
}

impl PendingWrite {
    /// What was refused before at the same revision, and is not in this write, is still refused.
    pub fn keep_refusals_of(&mut self, before: Option<&Self>) {
        let Some(before) = before.filter(|before| before.base == self.base) else { return };
        self.assignee = self.assignee.take().or_else(|| before.assignee.clone().filter(|one| one.refused.is_some()));
        self.state = self.state.take().or_else(|| before.state.clone().filter(|one| one.refused.is_some()));
    }
}

impl<T: PartialEq> PendingValue<T> {
    /// Why this was refused lately.
    #[must_use]
    pub fn refusal_of(&self, value: &T, now: Timestamp) -> Option<&Refusal> {
        let refusal = self.refused.as_ref().filter(|refusal| now < refusal.at.plus(Refusal::BELIEVED_FOR))?;
        (self.value == *value).then_some(refusal)
    }
}

impl ExternalIssue {
    /// Our write of the assignee, where this snapshot shows what it wrote.
    #[must_use]
    pub fn echoed_assignee(&self, snapshot: &Snapshot) -> Option<&PendingValue<Option<Person>>> {
        let pending = self.pending.as_ref().filter(|pending| snapshot.revision > pending.base)?;
        pending.assignee.as_ref().filter(|ours| same_person(ours.value.as_ref(), snapshot.assignee.as_ref()))
    }

    /// Our write of the state, where this snapshot shows what it wrote.
    #[must_use]
    pub fn echoed_state(&self, snapshot: &Snapshot) -> Option<&PendingValue<String>> {
        let pending = self.pending.as_ref().filter(|pending| snapshot.revision > pending.base)?;
        pending.state.as_ref().filter(|ours| same_state(&ours.value, &snapshot.state))
    }
}

/// What the tags begin with that we give to work items that we make.
pub const OWN_TAG: &str = "handoff-";

/// Whether two names of states are the same: Azure DevOps does not look at their case.
#[must_use]
pub fn same_state(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || a.to_lowercase() == b.to_lowercase()
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
    /// Why what was decided here is not in the tracker, for people, where a person must mend it.
    pub problem: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A link with what deciding about it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedGroup {
    /// The link.
    pub link: GroupLink,
    /// What its installation lets through.
    pub toggles: Toggles,
}

/// A work item that hears of a group's decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutwardLink {
    /// The group.
    pub group: GroupId,
    /// The work item.
    pub external_issue: ExternalIssueId,
    /// Its number.
    pub number: WorkItemNumber,
    /// The collection.
    pub integration: IntegrationId,
    /// Through which installation.
    pub installation: InstallationId,
    /// What that lets through: the assignee or the status outward, at least.
    pub toggles: Toggles,
}

impl OutwardLink {
    /// Whether a decision of this origin is told to this work item: never one that came from there, nor
    /// what was only found when something was linked.
    #[must_use]
    pub fn hears_of(&self, source: &ChangeSource) -> bool {
        hears_of(source, self.integration, self.external_issue, self.toggles.siblings)
    }
}

/// Whether a decision of this origin is told to a work item.
#[must_use]
pub fn hears_of(
    source: &ChangeSource,
    integration: IntegrationId,
    external_issue: ExternalIssueId,
    siblings: bool,
) -> bool {
    match source {
        ChangeSource::Api { .. } | ChangeSource::Discord { .. } => true,
        ChangeSource::Tracker { integration: from, external_issue: item, .. } => {
            *from != integration || (siblings && *item != external_issue)
        }
        ChangeSource::Baseline { .. } => false,
    }
}
