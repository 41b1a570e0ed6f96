//! The states of work items, and what they mean for the status of a group.

use crate::group::GroupStatus;
use crate::work_item::{Snapshot, same_state};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

crate::group::words!(
    /// What a state means, whatever it is called (Azure DevOps docs, "How workflow category states are
    /// used").
    StateCategory {
        /// Not begun.
        Proposed => "Proposed",
        /// Under way.
        InProgress => "InProgress",
        /// Mended, not verified.
        Resolved => "Resolved",
        /// Done.
        Completed => "Completed",
        /// Will not be done.
        Removed => "Removed",
    }
);

impl StateCategory {
    /// The status that a group has while its work item is in such a state.
    #[must_use]
    pub const fn status(self) -> GroupStatus {
        match self {
            Self::Proposed | Self::InProgress => GroupStatus::Unresolved,
            Self::Resolved | Self::Completed => GroupStatus::Resolved,
            Self::Removed => GroupStatus::Archived,
        }
    }
}

/// A state that work items of a type can be in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowState {
    /// Its name, in the words of the process and its language.
    pub name: String,
    /// What it means.
    pub category: StateCategory,
}

/// The states of one type of work item, in the order of its workflow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Workflow(pub Vec<WorkflowState>);

/// What an admin said about the states of a project, before the categories are asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StateMap {
    /// What a state, by its name in any case, means here.
    pub inbound: BTreeMap<String, GroupStatus>,
    /// Which state is set for a status, by the status's word. A type that has no such state goes by its
    /// categories.
    pub outbound: BTreeMap<String, String>,
}

impl StateMap {
    /// Most entries of each direction.
    pub const MAX_ENTRIES: usize = 100;

    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inbound.is_empty() && self.outbound.is_empty()
    }

    /// Whether it can be kept.
    ///
    /// # Errors
    /// Why not, for people.
    pub fn check(&self) -> Result<(), String> {
        let (inbound, outbound) = (self.inbound.len(), self.outbound.len());
        if inbound.max(outbound) > Self::MAX_ENTRIES {
            return Err(format!("a state map has at most {} entries each way", Self::MAX_ENTRIES));
        }
        if let Some(word) = self.outbound.keys().find(|word| GroupStatus::from_stored(word).is_none()) {
            let word: String = word.chars().take(64).collect();
            return Err(format!("\"{word}\" is no status: say unresolved, resolved or archived"));
        }
        let names = self.inbound.keys().chain(self.outbound.values());
        if names.into_iter().any(|name| name.trim().is_empty() || name.chars().count() > Snapshot::MAX_WORD) {
            return Err(format!("a state's name has 1 to {} characters", Snapshot::MAX_WORD));
        }
        Ok(())
    }

    fn status_of(&self, state: &str) -> Option<GroupStatus> {
        self.inbound.iter().find(|(name, _)| same_state(name, state)).map(|(_, status)| *status)
    }
}

impl Workflow {
    fn named(&self, name: &str) -> Option<&WorkflowState> {
        self.0.iter().find(|one| same_state(&one.name, name))
    }

    fn first_of(&self, category: StateCategory) -> Option<&WorkflowState> {
        self.0.iter().find(|one| one.category == category)
    }
}

/// The status that a state means; `None` where nobody has said what the state is. `workflow` is that of
/// the work item's own type, where it is known.
#[must_use]
pub fn status_of(state: &str, map: &StateMap, workflow: Option<&Workflow>) -> Option<GroupStatus> {
    let by_category = || workflow?.named(state).map(|found| found.category.status());
    map.status_of(state).or_else(by_category)
}

/// The state to set so that a work item says `status`: what the map names where the type has it, else the
/// first state of the category that says it best. `None` where the type has none such.
#[must_use]
pub fn state_for<'a>(status: GroupStatus, map: &StateMap, workflow: &'a Workflow) -> Option<&'a str> {
    use StateCategory::{Completed, InProgress, Proposed, Removed, Resolved};
    let mapped = map.outbound.get(status.as_str()).and_then(|name| workflow.named(name));
    let best: &[StateCategory] = match status {
        // What is opened again is under way: somebody decided so.
        GroupStatus::Unresolved => &[InProgress, Proposed],
        GroupStatus::Resolved => &[Completed, Resolved],
        GroupStatus::Archived => &[Removed],
    };
    // A state that the map lets mean something else is not taken for its category.
    let fits = |one: &&WorkflowState| map.status_of(&one.name).is_none_or(|meant| meant == status);
    let by_category = || best.iter().find_map(|category| workflow.first_of(*category).filter(fits));
    mapped.or_else(by_category).map(|found| found.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workflow(states: &[(&str, StateCategory)]) -> Workflow {
        let state =
            |(name, category): &(&str, StateCategory)| WorkflowState { name: (*name).to_owned(), category: *category };
        Workflow(states.iter().map(state).collect())
    }

    fn german() -> Workflow {
        use StateCategory::{Completed, InProgress, Proposed, Removed};
        workflow(&[("Neu", Proposed), ("Aktiv", InProgress), ("Geschlossen", Completed), ("Entfernt", Removed)])
    }

    #[test]
    fn a_state_means_what_its_category_says_in_any_language_and_case() {
        let none = StateMap::default();
        for (state, expected) in [
            ("neu", Some(GroupStatus::Unresolved)),
            ("AKTIV", Some(GroupStatus::Unresolved)),
            ("Geschlossen", Some(GroupStatus::Resolved)),
            ("Entfernt", Some(GroupStatus::Archived)),
            ("Closed", None),
        ] {
            assert_eq!(status_of(state, &none, Some(&german())), expected, "{state}");
            assert_eq!(status_of(state, &none, None), None, "a failed look-up means nothing");
        }
    }

    #[test]
    fn what_an_admin_said_comes_before_the_category() {
        let map = StateMap {
            inbound: [("aktiv".to_owned(), GroupStatus::Resolved)].into(),
            outbound: [("resolved".to_owned(), "Aktiv".to_owned())].into(),
        };
        assert_eq!(status_of("Aktiv", &map, None), Some(GroupStatus::Resolved));
        assert_eq!(state_for(GroupStatus::Resolved, &map, &german()), Some("Aktiv"));
        // The first state under way says resolved now, and is not taken to say the opposite.
        assert_eq!(state_for(GroupStatus::Unresolved, &map, &german()), Some("Neu"));
    }

    #[test]
    fn a_status_is_set_by_the_first_state_of_its_category_and_not_at_all_without_one() {
        use StateCategory::{Completed, Proposed};
        let none = StateMap::default();
        assert_eq!(state_for(GroupStatus::Unresolved, &none, &german()), Some("Aktiv"));
        assert_eq!(state_for(GroupStatus::Resolved, &none, &german()), Some("Geschlossen"));
        assert_eq!(state_for(GroupStatus::Archived, &none, &german()), Some("Entfernt"));
        let basic = workflow(&[("To Do", Proposed), ("Done", Completed)]);
        assert_eq!(state_for(GroupStatus::Unresolved, &none, &basic), Some("To Do"));
        assert_eq!(state_for(GroupStatus::Archived, &none, &basic), None);
        let unknown = StateMap { outbound: [("archived".to_owned(), "Gone".to_owned())].into(), ..none };
        assert_eq!(state_for(GroupStatus::Archived, &unknown, &basic), None);
    }
}
