//! Work items: revisions with full snapshots, and the updates between them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::ids::{IdentityId, ProjectId, WorkItemKey};

/// The value of one field. People are kept by id and written as the reader wants them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FieldValue {
    Json(Value),
    Person(IdentityId),
}

impl FieldValue {
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Json(value) => value.as_str(),
            Self::Person(_) => None,
        }
    }
}

impl<T: Into<Value>> From<T> for FieldValue {
    fn from(value: T) -> Self {
        Self::Json(value.into())
    }
}

/// Fields by reference name.
pub(crate) type Fields = BTreeMap<String, FieldValue>;

/// A work item with its whole history.
#[derive(Debug)]
pub(crate) struct WorkItem {
    pub(crate) key: WorkItemKey,
    pub(crate) project: ProjectId,
    /// From revision 1; never empty.
    pub(crate) first: Revision,
    pub(crate) later: Vec<Revision>,
    /// From update 1. A change of links alone makes an update but no revision.
    pub(crate) updates: Vec<Update>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) deleted: Option<Deletion>,
}

/// One revision.
#[derive(Clone, Debug)]
pub(crate) struct Revision {
    pub(crate) rev: i64,
    pub(crate) at_us: i64,
    pub(crate) fields: Fields,
    pub(crate) relations: Vec<Value>,
}

/// One update: what changed, by whom.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    pub(crate) id: i64,
    /// The revision after it.
    pub(crate) rev: i64,
    pub(crate) by: IdentityId,
    pub(crate) at_us: i64,
    /// Empty when only links changed.
    pub(crate) fields: BTreeMap<String, FieldChange>,
    pub(crate) relations: RelationChanges,
}

/// One field before and after; an absent side had no value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FieldChange {
    pub(crate) old: Option<FieldValue>,
    pub(crate) new: Option<FieldValue>,
}

/// The links that came and went.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RelationChanges {
    pub(crate) added: Vec<Value>,
    pub(crate) removed: Vec<Value>,
}

impl RelationChanges {
    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

/// One entry of the discussion.
#[derive(Clone, Debug)]
pub(crate) struct Comment {
    pub(crate) id: i64,
    pub(crate) text: String,
    pub(crate) by: IdentityId,
    pub(crate) at_us: i64,
}

/// Who put the work item into the recycle bin, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deletion {
    pub(crate) by: IdentityId,
    pub(crate) at_us: i64,
}

impl WorkItem {
    pub(crate) fn latest(&self) -> &Revision {
        self.later.last().unwrap_or(&self.first)
    }

    pub(crate) fn latest_mut(&mut self) -> &mut Revision {
        self.later.last_mut().unwrap_or(&mut self.first)
    }

    pub(crate) fn revisions(&self) -> impl Iterator<Item = &Revision> {
        std::iter::once(&self.first).chain(&self.later)
    }

    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.latest().fields.get(field)?.as_str()
    }

    pub(crate) fn assignee(&self) -> Option<IdentityId> {
        match self.latest().fields.get("System.AssignedTo")? {
            FieldValue::Person(id) => Some(*id),
            FieldValue::Json(_) => None,
        }
    }

    /// Forgets everything after revision `rev`, as a Server restored from a backup does. The first
    /// revision always stays.
    pub(crate) fn rewind(&mut self, rev: i64) {
        self.later.retain(|revision| revision.rev <= rev);
        self.updates.retain(|update| update.rev <= rev.max(1));
        let upto_us = self.latest().at_us;
        self.comments.retain(|comment| comment.at_us <= upto_us);
        self.deleted = self.deleted.filter(|deletion| deletion.at_us <= upto_us);
    }
}

/// What differs between two snapshots. A comment (`System.History`) belongs to its own revision: it
/// counts when it comes, not when it goes.
pub(crate) fn difference(old: &Fields, new: &Fields) -> BTreeMap<String, FieldChange> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names
        .into_iter()
        .filter_map(|name| {
            let change = if name == "System.History" {
                FieldChange { old: None, new: Some(new.get(name)?.clone()) }
            } else {
                FieldChange { old: old.get(name).cloned(), new: new.get(name).cloned() }
            };
            (change.old != change.new).then(|| (name.clone(), change))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), FieldValue::from(*value))).collect()
    }

    #[test]
    fn a_difference_leaves_out_what_stayed_and_has_one_side_for_what_came_or_went() {
        let change = difference(
            &fields(&[("A", "1"), ("B", "1"), ("C", "1"), ("System.History", "old words")]),
            &fields(&[("A", "1"), ("B", "2"), ("D", "1")]),
        );
        assert_eq!(change.keys().collect::<Vec<_>>(), ["B", "C", "D"]);
        assert_eq!(change["C"].new, None);
        assert_eq!(change["D"].old, None);
    }
}
