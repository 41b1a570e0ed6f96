//! The thirteen steps, and what was seen of each.

use serde_json::{Map, Value, json};

/// A step of the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the step of its name in docs/ARCHITECTURE.md")]
pub enum Step {
    CreateSubscription,
    Post,
    HandleUpdatedWorkitem,
    HandleAssignTo,
    SyncGroupAssigneeInbound,
    Assign,
    SendMessage,
    Deassign,
    InvalidateAssigneeExistsCache,
    DeleteProject,
    SaveProject,
    SaveWithSnowflakeId,
    GenerateSnowflakeId,
}

impl Step {
    /// In the order of the flow, which is that of the report.
    pub const ALL: [Self; 13] = [
        Self::CreateSubscription,
        Self::Post,
        Self::HandleUpdatedWorkitem,
        Self::HandleAssignTo,
        Self::SyncGroupAssigneeInbound,
        Self::Assign,
        Self::SendMessage,
        Self::Deassign,
        Self::InvalidateAssigneeExistsCache,
        Self::DeleteProject,
        Self::SaveProject,
        Self::SaveWithSnowflakeId,
        Self::GenerateSnowflakeId,
    ];

    /// In the order in which they can be played: first there must be a project, at last it is deleted.
    pub const PLAYED: [Self; 13] = [
        Self::SaveProject,
        Self::SaveWithSnowflakeId,
        Self::GenerateSnowflakeId,
        Self::CreateSubscription,
        Self::Post,
        Self::HandleUpdatedWorkitem,
        Self::HandleAssignTo,
        Self::SyncGroupAssigneeInbound,
        Self::Assign,
        Self::SendMessage,
        Self::Deassign,
        Self::InvalidateAssigneeExistsCache,
        Self::DeleteProject,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CreateSubscription => "create_subscription",
            Self::Post => "post",
            Self::HandleUpdatedWorkitem => "handle_updated_workitem",
            Self::HandleAssignTo => "handle_assign_to",
            Self::SyncGroupAssigneeInbound => "sync_group_assignee_inbound",
            Self::Assign => "assign",
            Self::SendMessage => "send_message",
            Self::Deassign => "deassign",
            Self::InvalidateAssigneeExistsCache => "invalidate_assignee_exists_cache",
            Self::DeleteProject => "delete_project",
            Self::SaveProject => "save_project",
            Self::SaveWithSnowflakeId => "save_with_snowflake_id",
            Self::GenerateSnowflakeId => "generate_snowflake_id",
        }
    }
}

/// What was seen of a step that happened.
#[derive(Debug, Clone)]
pub struct Seen {
    /// For people.
    pub words: String,
    /// For programs: an object.
    pub evidence: Value,
}

/// How a step ended: seen, or why not.
pub type Ended = Result<Seen, String>;

/// Everything that was seen.
#[derive(Debug, Default)]
pub struct Report {
    ended: Vec<(Step, Ended)>,
    /// Why a step was not played.
    trouble: Option<String>,
}

impl Report {
    /// Of a play that did not begin.
    pub(super) fn never_begun(trouble: String) -> Self {
        Self { ended: Vec::new(), trouble: Some(trouble) }
    }

    pub(super) fn add(&mut self, step: Step, ended: Ended) {
        self.ended.push((step, ended));
    }

    /// How a step ended; a step that was not played did not happen.
    pub fn of(&self, step: Step) -> Ended {
        let found = self.ended.iter().find(|(of, _)| *of == step);
        let not_played = || Err(self.trouble.clone().unwrap_or_else(|| "it was not played".to_owned()));
        found.map_or_else(not_played, |(_, ended)| ended.clone())
    }

    /// The steps that did not happen, with why.
    #[must_use]
    pub fn failures(&self) -> Vec<(Step, String)> {
        Step::ALL.into_iter().filter_map(|step| self.of(step).err().map(|error| (step, error))).collect()
    }

    /// One object: a key for each step in the order of the flow. Written by hand, since the order matters.
    #[must_use]
    pub fn json(&self) -> String {
        let one = |step: Step| {
            let (key, value) = (json!(step.name()), shown(&self.of(step)));
            format!("{key}:{value}")
        };
        format!("{{{}}}", Step::ALL.map(one).join(","))
    }
}

/// `ok` first, then what was seen.
fn shown(ended: &Ended) -> String {
    match ended {
        Ok(seen) => {
            let nothing = Map::new();
            let evidence = seen.evidence.as_object().unwrap_or(&nothing);
            let rest: String = evidence.iter().map(|(key, value)| format!(",{}:{value}", json!(key))).collect();
            format!("{{\"ok\":true{rest}}}")
        }
        Err(error) => format!("{{\"ok\":false,\"error\":{}}}", json!(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_has_every_step_in_the_order_of_the_flow_and_a_step_that_was_not_played_is_not_ok() {
        let mut report = Report::default();
        report.add(Step::Post, Ok(Seen { words: String::new(), evidence: json!({"status": 200}) }));
        let text = report.json();
        let at = |step: Step| text.find(&format!("\"{}\":{{\"ok\":", step.name())).unwrap();
        assert!(Step::ALL.map(at).is_sorted());
        assert!(text.contains("\"post\":{\"ok\":true,\"status\":200}"), "{text}");
        assert!(serde_json::from_str::<Value>(&text).is_ok() && !text.contains('\n'));
        assert_eq!(report.failures().len(), 12);
    }

    #[test]
    fn every_step_is_played_once() {
        let mut played = Step::PLAYED;
        played.sort();
        assert_eq!(played, Step::ALL);
    }
}
