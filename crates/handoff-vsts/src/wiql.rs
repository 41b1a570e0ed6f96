//! Work Item Query Language, as far as tracking rules need it (Azure DevOps docs, "Work Item Query Language
//! (WIQL) syntax reference"). A query answers numbers only, and is paged by them.

use crate::json::Loose;
use handoff_domain::id::WorkItemNumber;
use handoff_domain::tracking::TrackingFilter;
use serde::Deserialize;

/// The answer to a query.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Found {
    work_items: Option<Vec<Loose<Reference>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reference {
    id: Loose,
}

impl Found {
    /// The numbers in the answer, the largest first, at most `limit`.
    pub(crate) fn numbers(&self, limit: u16) -> Vec<WorkItemNumber> {
        let found = self.work_items.iter().flatten().filter_map(Loose::object);
        let mut numbers: Vec<_> =
            found.filter_map(|one| one.id.integer()).filter_map(WorkItemNumber::from_wire).collect();
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        numbers.dedup();
        numbers.truncate(usize::from(limit));
        numbers
    }
}

/// The query for the work items of a rule, in the project that the address names.
pub(crate) fn query(filter: &TrackingFilter, below: Option<WorkItemNumber>) -> String {
    let mut conditions = vec!["[System.TeamProject] = @project".to_owned()];
    if let Some(work_item_type) = &filter.work_item_type {
        conditions.push(format!("[System.WorkItemType] = {}", quoted(work_item_type)));
    }
    if let Some(area_path) = &filter.area_path {
        conditions.push(format!("[System.AreaPath] UNDER {}", quoted(area_path)));
    }
    if let Some(tag) = &filter.tag {
        conditions.push(format!("[System.Tags] CONTAINS {}", quoted(tag)));
    }
    if let Some(below) = below {
        conditions.push(format!("[System.Id] < {below}"));
    }
    format!("SELECT [System.Id] FROM WorkItems WHERE {} ORDER BY [System.Id] DESC", conditions.join(" AND "))
}

/// A text in a query: a quote in it is written twice.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_says_every_condition_and_no_text_breaks_out_of_it() {
        assert_eq!(
            query(&TrackingFilter::default(), None),
            "SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project ORDER BY [System.Id] DESC"
        );
        let filter = TrackingFilter::parse(Some("Bug"), Some("Payments\\Mill"), Some("it's' OR 1=1")).unwrap();
        assert_eq!(
            query(&filter, Some(WorkItemNumber::new(7))),
            "SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project AND [System.WorkItemType] = 'Bug' \
             AND [System.AreaPath] UNDER 'Payments\\Mill' AND [System.Tags] CONTAINS 'it''s'' OR 1=1' \
             AND [System.Id] < 7 ORDER BY [System.Id] DESC"
        );
    }

    #[test]
    fn numbers_are_read_from_whatever_came() {
        let found: Found =
            serde_json::from_str(r#"{"workItems":[{"id":3},{"id":9},null,{"id":-1},{"id":"x"}]}"#).unwrap();
        assert_eq!(found.numbers(5), [WorkItemNumber::new(9), WorkItemNumber::new(3)]);
        assert_eq!(found.numbers(1).len(), 1);
        assert!(serde_json::from_str::<Found>("{}").unwrap().numbers(5).is_empty());
    }
}
