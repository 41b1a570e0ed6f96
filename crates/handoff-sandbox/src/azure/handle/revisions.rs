//! The history of a work item, as tests judge it.

use serde::Serialize;

use super::AzureHandle;
use crate::azure::ids::{IdentityId, WorkItemKey};
use crate::azure::refusal::Refusal;
use crate::azure::work_item::{FieldValue, Revision};

/// One revision of a work item as tests see it.
#[derive(Clone, Debug, Serialize)]
pub struct SimRevision {
    /// Its number.
    pub rev: i64,
    /// When it was made, in microseconds since the Unix epoch.
    pub at_us: i64,
    /// Who made it.
    pub by: Option<IdentityId>,
    /// The state.
    pub state: String,
    /// Whose the work item is.
    pub assigned_to: Option<IdentityId>,
}

impl SimRevision {
    fn of(revision: &Revision) -> Self {
        let person = |field: &str| match revision.fields.get(field)? {
            FieldValue::Person(id) => Some(*id),
            FieldValue::Json(_) => None,
        };
        let state = revision.fields.get("System.State").and_then(FieldValue::as_str);
        Self {
            rev: revision.rev,
            at_us: revision.at_us,
            by: person("System.ChangedBy"),
            state: state.unwrap_or_default().to_owned(),
            assigned_to: person("System.AssignedTo"),
        }
    }
}

impl AzureHandle {
    /// Every revision of a work item, the first one first.
    ///
    /// # Errors
    /// When it does not exist.
    pub fn revisions(&self, key: WorkItemKey) -> Result<Vec<SimRevision>, Refusal> {
        self.with(|state, _| state.item(key).map(|item| item.revisions().map(SimRevision::of).collect()))
    }
}
