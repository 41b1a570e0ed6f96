//! Work items, as people at a board change them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::AzureHandle;
use crate::azure::changes::Changes;
use crate::azure::ids::{IdentityId, ProjectId, WorkItemKey};
use crate::azure::refusal::Refusal;
use crate::azure::work_item::{FieldValue, WorkItem};

/// What a new work item is made of.
#[derive(Clone, Debug, Default)]
pub struct NewWorkItem {
    work_item_type: String,
    changes: Changes,
}

impl NewWorkItem {
    /// A work item of a type of its project's process, such as `Bug`.
    #[must_use]
    pub fn new(work_item_type: &str, title: &str) -> Self {
        let mut changes = Changes::default();
        changes.title(title);
        Self { work_item_type: work_item_type.to_owned(), changes }
    }

    /// Assigned from the beginning.
    #[must_use]
    pub fn assigned_to(mut self, identity: IdentityId) -> Self {
        self.changes.assign(identity);
        self
    }

    /// With one more field.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.changes.set(field, value);
        self
    }

    /// Created by someone other than the administrator.
    #[must_use]
    pub fn by(mut self, identity: IdentityId) -> Self {
        self.changes.by(identity);
        self
    }
}

/// A work item as tests see it.
#[derive(Clone, Debug, Serialize)]
pub struct SimWorkItem {
    /// Its collection and number.
    pub key: WorkItemKey,
    /// Its project.
    pub project: ProjectId,
    /// The latest revision.
    pub rev: i64,
    /// The number of the latest update.
    pub update_id: i64,
    /// The title.
    pub title: String,
    /// Such as `Bug`.
    pub work_item_type: String,
    /// The state.
    pub state: String,
    /// Whose it is.
    pub assigned_to: Option<IdentityId>,
    /// In the recycle bin.
    pub deleted: bool,
    /// The texts of the discussion, the oldest first.
    pub comments: Vec<String>,
    /// The fields that are not people.
    pub fields: BTreeMap<String, Value>,
}

impl SimWorkItem {
    pub(crate) fn of(item: &WorkItem) -> Self {
        let text = |field: &str| item.text(field).unwrap_or_default().to_owned();
        Self {
            key: item.key,
            project: item.project,
            rev: item.latest().rev,
            update_id: item.updates.last().map_or(0, |update| update.id),
            title: text("System.Title"),
            work_item_type: text("System.WorkItemType"),
            state: text("System.State"),
            assigned_to: item.assignee(),
            deleted: item.deleted.is_some(),
            comments: item.comments.iter().map(|comment| comment.text.clone()).collect(),
            fields: item
                .latest()
                .fields
                .iter()
                .filter_map(|(name, value)| match value {
                    FieldValue::Json(value) => Some((name.clone(), value.clone())),
                    FieldValue::Person(_) => None,
                })
                .collect(),
        }
    }
}

impl AzureHandle {
    /// Creates a work item.
    ///
    /// # Errors
    /// When the project or the type does not exist, or the fields break a rule.
    pub fn add_work_item(&self, project: ProjectId, new: &NewWorkItem) -> Result<WorkItemKey, Refusal> {
        self.act(|state, now_us| state.create_item(project, &new.work_item_type, &new.changes, now_us))
    }

    /// Changes a work item: one update, and one revision unless only links changed. Returns whether
    /// anything differed.
    ///
    /// # Errors
    /// When it does not exist or is deleted, or the change breaks a rule.
    pub fn update_work_item(&self, key: WorkItemKey, change: impl FnOnce(&mut Changes)) -> Result<bool, Refusal> {
        let mut changes = Changes::default();
        change(&mut changes);
        self.act(|state, now_us| state.change_item(key, &changes, now_us))
    }

    /// Assigns a work item.
    ///
    /// # Errors
    /// As [`AzureHandle::update_work_item`].
    pub fn assign_work_item(&self, key: WorkItemKey, to: IdentityId) -> Result<bool, Refusal> {
        self.update_work_item(key, |changes| {
            changes.assign(to);
        })
    }

    /// Leaves a work item to nobody.
    ///
    /// # Errors
    /// As [`AzureHandle::update_work_item`].
    pub fn unassign_work_item(&self, key: WorkItemKey) -> Result<bool, Refusal> {
        self.update_work_item(key, |changes| {
            changes.unassign();
        })
    }

    /// Puts a work item into the recycle bin.
    ///
    /// # Errors
    /// When it does not exist or is there already.
    pub fn delete_work_item(&self, key: WorkItemKey) -> Result<(), Refusal> {
        self.act(|state, now_us| state.delete_item(key, None, now_us))
    }

    /// Takes a work item out of the recycle bin.
    ///
    /// # Errors
    /// When it is not there.
    pub fn restore_work_item(&self, key: WorkItemKey) -> Result<(), Refusal> {
        self.act(|state, now_us| state.restore_item(key, None, now_us))
    }

    /// Takes a work item back to an older revision without a trace or an event, as a Server does that
    /// was restored from a backup.
    ///
    /// # Errors
    /// When it does not exist.
    pub fn restore_work_item_to_older_revision(&self, key: WorkItemKey, rev: i64) -> Result<(), Refusal> {
        self.with(|state, _| {
            state.item_mut(key)?.rewind(rev);
            Ok(())
        })
    }

    /// Lets the present revision of a work item count as that number, as if it had been changed so often.
    ///
    /// # Errors
    /// When it does not exist.
    pub fn count_revisions_as(&self, key: WorkItemKey, rev: i64) -> Result<(), Refusal> {
        self.with(|state, _| {
            state.item_mut(key)?.latest_mut().rev = rev;
            Ok(())
        })
    }

    /// A work item, in the recycle bin or not.
    ///
    /// # Errors
    /// When it does not exist.
    pub fn work_item(&self, key: WorkItemKey) -> Result<SimWorkItem, Refusal> {
        self.with(|state, _| state.item(key).map(SimWorkItem::of))
    }

    /// Every work item, by collection and number.
    #[must_use]
    pub fn work_items(&self) -> Vec<SimWorkItem> {
        self.with(|state, _| state.items.values().map(SimWorkItem::of).collect())
    }
}
