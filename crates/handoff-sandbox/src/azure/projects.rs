//! Collections, projects, their teams and the work item types of their process.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::{CollectionId, IdentityId, ProjectId, TeamId};

/// Where a collection is hosted, which shows in its payloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hosting {
    /// Azure DevOps Services: an organization.
    Cloud,
    /// Azure DevOps Server: a project collection.
    Server,
}

/// The process of a project, which fixes its work item types and their states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Process {
    /// User Story, Task, Bug, Feature and Epic.
    Agile,
    /// Issue, Task and Epic. There is no Bug.
    Basic,
}

/// A collection.
#[derive(Debug)]
pub(crate) struct Collection {
    pub(crate) id: CollectionId,
    /// The id of the account (cloud) or of the server around it.
    pub(crate) host_id: uuid::Uuid,
    pub(crate) name: String,
    pub(crate) hosting: Hosting,
    pub(crate) last_work_item: i64,
}

/// A project.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) id: ProjectId,
    pub(crate) collection: CollectionId,
    pub(crate) name: String,
    pub(crate) process: Process,
    pub(crate) created_us: i64,
}

/// A team of a project.
#[derive(Debug)]
pub(crate) struct Team {
    pub(crate) id: TeamId,
    pub(crate) project: ProjectId,
    pub(crate) name: String,
    pub(crate) members: Vec<IdentityId>,
}

/// What a state means, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Category {
    Proposed,
    InProgress,
    Resolved,
    Completed,
    Removed,
}

impl fmt::Display for Category {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

/// A state of a work item type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorkItemState {
    pub(crate) name: &'static str,
    pub(crate) color: &'static str,
    pub(crate) category: Category,
}

const fn state(name: &'static str, color: &'static str, category: Category) -> WorkItemState {
    WorkItemState { name, color, category }
}

const NEW: WorkItemState = state("New", "b2b2b2", Category::Proposed);
const ACTIVE: WorkItemState = state("Active", "007acc", Category::InProgress);
const RESOLVED: WorkItemState = state("Resolved", "ff9d00", Category::Resolved);
const CLOSED: WorkItemState = state("Closed", "339933", Category::Completed);
const REMOVED: WorkItemState = state("Removed", "ffffff", Category::Removed);

/// A Bug of the Agile process has no Removed.
const AGILE_BUG: &[WorkItemState] = &[NEW, ACTIVE, RESOLVED, CLOSED];
/// A Task of the Agile process has no Resolved.
const AGILE_TASK: &[WorkItemState] = &[NEW, ACTIVE, CLOSED, REMOVED];
const AGILE_STORY: &[WorkItemState] = &[NEW, ACTIVE, RESOLVED, CLOSED, REMOVED];
const BASIC: &[WorkItemState] = &[
    state("To Do", "b2b2b2", Category::Proposed),
    state("Doing", "007acc", Category::InProgress),
    state("Done", "339933", Category::Completed),
];

impl Process {
    /// The work item types with their states, the first of which a new work item has (Azure DevOps
    /// docs, "Workflow states and state categories").
    pub(crate) fn types(self) -> &'static [(&'static str, &'static [WorkItemState])] {
        match self {
            Self::Agile => &[
                ("Bug", AGILE_BUG),
                ("Task", AGILE_TASK),
                ("User Story", AGILE_STORY),
                ("Feature", AGILE_STORY),
                ("Epic", AGILE_STORY),
            ],
            Self::Basic => &[("Issue", BASIC), ("Task", BASIC), ("Epic", BASIC)],
        }
    }

    /// The proper name and the states of a type, whatever its case.
    pub(crate) fn work_item_type(self, name: &str) -> Option<(&'static str, &'static [WorkItemState])> {
        self.types().iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).copied()
    }

    /// Every state that some type has, each once, for the columns of a board.
    pub(crate) fn columns(self) -> Vec<&'static str> {
        let mut columns = Vec::new();
        for state in self.types().iter().flat_map(|(_, states)| *states) {
            if !columns.contains(&state.name) {
                columns.push(state.name);
            }
        }
        columns
    }
}
