//! Tracking rules: which work items of an Azure DevOps project get a group and a link by themselves.

use crate::id::{GroupId, InstallationId, IntegrationId, OrganizationId, ProjectId, TrackingRuleId, WorkItemNumber};
use crate::text::{InvalidText, single_line};
use crate::time::Timestamp;
use crate::work_item::{AzureProjectId, OWN_TAG, Snapshot};
use serde::{Deserialize, Serialize};

/// "Work items like these get a group in that project."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackingRule {
    /// Its id.
    pub id: TrackingRuleId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Through which installation the work items are read.
    pub installation: InstallationId,
    /// In which collection they are.
    pub integration: IntegrationId,
    /// In which Azure DevOps project; it is connected.
    pub azure_project: AzureProjectId,
    /// The project of ours that gets the groups.
    pub project: ProjectId,
    /// Which work items.
    pub filter: TrackingFilter,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Which work items a rule is about: all conditions hold; one that is absent always does. Compared without
/// regard to capitals, as Azure DevOps does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackingFilter {
    /// `System.WorkItemType`.
    pub work_item_type: Option<String>,
    /// `System.AreaPath`, or one above it: `Payments\\Mill`.
    pub area_path: Option<String>,
    /// One of `System.Tags`.
    pub tag: Option<String>,
}

impl TrackingFilter {
    /// Longest condition, in characters. Azure DevOps allows 400 for a tag.
    pub const MAX: usize = 400;

    /// Checks and trims the conditions; a backslash at an end of the area path says nothing.
    ///
    /// # Errors
    /// The name of the field that cannot be one, and why.
    pub fn parse(
        work_item_type: Option<&str>,
        area_path: Option<&str>,
        tag: Option<&str>,
    ) -> Result<Self, (&'static str, InvalidText)> {
        let line = |field, text: Option<&str>| {
            text.map(|text| single_line(text, Self::MAX)).transpose().map_err(|error| (field, error))
        };
        let area_path = line("area_path", area_path.map(|path| path.trim().trim_matches('\\')))?;
        Ok(Self { work_item_type: line("work_item_type", work_item_type)?, area_path, tag: line("tag", tag)? })
    }

    /// Whether a work item is one of those.
    #[must_use]
    pub fn matches(&self, snapshot: &Snapshot) -> bool {
        // What we made ourselves has its group.
        let ours = snapshot.tags.iter().any(|tag| tag.starts_with(OWN_TAG));
        !ours && self.is_about(&snapshot.work_item_type, snapshot.area_path.as_deref(), &snapshot.tags)
    }

    fn is_about(&self, work_item_type: &str, area_path: Option<&str>, tags: &[String]) -> bool {
        let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
        self.work_item_type.as_deref().is_none_or(|wanted| same(wanted, work_item_type))
            && self.area_path.as_deref().is_none_or(|wanted| area_path.is_some_and(|path| is_under(path, wanted)))
            && self.tag.as_deref().is_none_or(|wanted| tags.iter().any(|tag| same(tag, wanted)))
    }
}

fn is_under(path: &str, above: &str) -> bool {
    let (path, above) = (path.to_lowercase(), above.to_lowercase());
    path.strip_prefix(&above).is_some_and(|rest| rest.is_empty() || rest.starts_with('\\'))
}

/// "This work item has its group in that project": written with the group and kept, so that there is never a
/// second one, and none again once somebody unlinked it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackedItem {
    /// Whose it is.
    pub organization: OrganizationId,
    /// The project.
    pub project: ProjectId,
    /// The collection.
    pub integration: IntegrationId,
    /// The work item.
    pub number: WorkItemNumber,
    /// The group that it got.
    pub group: GroupId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_conditions_hold_and_one_that_is_absent_always_does() {
        let tags = ["urgent".to_owned(), "Mill".to_owned()];
        for (work_item_type, area_path, tag, expected) in [
            (None, None, None, true),
            (Some("bug"), None, None, true),
            (Some("Task"), None, None, false),
            (None, Some("Payments"), None, true),
            (None, Some("payments\\mill\\"), None, true),
            (None, Some("Payments\\Mi"), None, false),
            (None, Some("Payments\\Mill\\Deep"), None, false),
            (None, None, Some("MILL"), true),
            (None, None, Some("mil"), false),
            (Some("Bug"), Some("Payments"), Some("urgent"), true),
            (Some("Bug"), Some("Payments"), Some("calm"), false),
        ] {
            let filter = TrackingFilter::parse(work_item_type, area_path, tag).unwrap();
            assert_eq!(filter.is_about("Bug", Some("Payments\\Mill"), &tags), expected, "{filter:?}");
        }
        let anywhere = TrackingFilter::parse(None, Some("Payments"), None).unwrap();
        assert!(!anywhere.is_about("Bug", None, &[]), "an unknown area is under none");
    }

    #[test]
    fn a_condition_that_cannot_be_one_is_named() {
        assert_eq!(TrackingFilter::parse(None, None, Some(" ")).unwrap_err().0, "tag");
        assert_eq!(TrackingFilter::parse(None, Some("\\"), None).unwrap_err().0, "area_path");
        assert_eq!(TrackingFilter::parse(Some("a\nb"), None, None).unwrap_err().0, "work_item_type");
    }
}
