//! What a reconcile found: which work items were not as the mirror had them, and in what.

use super::change_set::ChangeSet;
use crate::id::WorkItemNumber;
use crate::person::same_person;
use crate::work_item::ExternalIssue;
use serde::Serialize;

crate::group::words!(
    /// What of a work item was not as the mirror had it.
    DifferentField {
        /// Who has it.
        Assignee => "assignee",
        /// Its state.
        State => "state",
        /// Its title.
        Title => "title",
        /// Whether it is deleted.
        Deleted => "deleted",
    }
);

/// A work item that was not as the mirror had it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The work item.
    pub work_item: WorkItemNumber,
    /// In what it differed.
    pub fields: Vec<DifferentField>,
}

/// What a reconcile found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReconcileReport {
    /// How many work items were looked at.
    pub looked_at: usize,
    /// Those that differed, in the order in which they were read.
    pub differed: Vec<Difference>,
}

impl ReconcileReport {
    /// Adds what differs between mirrors and what they become.
    pub(super) fn compare(&mut self, before: &[ExternalIssue], changes: &ChangeSet) {
        for old in before {
            let Some(new) = changes.mirror_of(old.id) else { continue };
            let fields = different_fields(old, new);
            if !fields.is_empty() {
                self.differed.push(Difference { work_item: old.number, fields });
            }
        }
    }

    /// How many work items differed in this.
    #[must_use]
    pub fn count(&self, field: DifferentField) -> usize {
        self.differed.iter().filter(|one| one.fields.contains(&field)).count()
    }
}

fn different_fields(old: &ExternalIssue, new: &ExternalIssue) -> Vec<DifferentField> {
    let found = [
        (DifferentField::Assignee, !same_person(old.assignee.as_ref(), new.assignee.as_ref())),
        (DifferentField::State, old.state != new.state),
        (DifferentField::Title, old.title != new.title),
        (DifferentField::Deleted, old.deleted != new.deleted),
    ];
    found.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::tests::fixtures::mirror;

    #[test]
    fn each_field_is_named_that_was_not_as_the_mirror_had_it_and_a_revision_alone_is_none() {
        use DifferentField::{Assignee, Deleted, State, Title};
        let old = mirror(5, Some("Ada <ada@example.org>"));
        let with = |change: fn(&mut ExternalIssue)| {
            let mut new = mirror(6, Some("ada@example.org"));
            change(&mut new);
            new
        };
        for (new, expected) in [
            (with(|_| {}), vec![]),
            (with(|new| new.assignee = None), vec![Assignee]),
            (with(|new| new.state = "Closed".to_owned()), vec![State]),
            (with(|new| new.title = "It burns".to_owned()), vec![Title]),
            (with(|new| new.deleted = true), vec![Deleted]),
        ] {
            let mut changes = ChangeSet::default();
            changes.mirror(new.clone());
            let mut report = ReconcileReport::default();
            report.compare(std::slice::from_ref(&old), &changes);
            let found: Vec<_> = report.differed.iter().flat_map(|one| one.fields.clone()).collect();
            assert_eq!(found, expected, "{new:?}");
        }
    }
}
