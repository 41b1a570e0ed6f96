//! Writing to work items: patch documents, always conditional on a revision.

use handoff_domain::id::Revision;
use handoff_domain::person::Person;
use handoff_domain::port::tracker::{NewWorkItem, TrackerError, WorkItemChange};
use serde_json::{Value, json};

/// A work item with more revisions is not changed over REST any more: it answers 500 for ever (Azure DevOps
/// blog, "Work item revision limits").
pub(crate) const MAX_REVISIONS: i64 = 10_000;

/// The patch document of a change (description of Work Items, Update).
pub(crate) fn patch(base: Revision, change: &WorkItemChange) -> Value {
    let mut operations = vec![json!({"op": "test", "path": "/rev", "value": base.get()})];
    match &change.assignee {
        Some(Some(person)) => operations.push(json!({"op": "add", "path": ASSIGNED_TO, "value": sign_in_name(person)})),
        Some(None) => operations.push(json!({"op": "remove", "path": ASSIGNED_TO})),
        None => {}
    }
    if let Some(state) = &change.state {
        operations.push(json!({"op": "add", "path": "/fields/System.State", "value": state}));
    }
    Value::Array(operations)
}

/// The patch document of a new work item (description of Work Items, Create).
pub(crate) fn creation(new: &NewWorkItem) -> Value {
    let add = |field: &str, value: &str| json!({"op": "add", "path": format!("/fields/{field}"), "value": value});
    json!([
        add("System.Title", &new.title),
        add("System.Description", &html(&new.description)),
        add("System.Tags", &new.tag),
    ])
}

/// A text as HTML that shows it and nothing else.
pub(crate) fn html(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            '\n' => html.push_str("<br>"),
            c if is_deceptive(c) => {}
            c => html.push(c),
        }
    }
    html
}

/// Control characters, and those that turn the direction of a text.
const fn is_deceptive(c: char) -> bool {
    matches!(c, '\0'..='\x08' | '\x0b'..='\x1f' | '\x7f'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

const ASSIGNED_TO: &str = "/fields/System.AssignedTo";

/// How a person is named in a write: by the sign-in name, else by the identity's id. Display names are not
/// unique.
pub(crate) fn sign_in_name(person: &Person) -> &str {
    let known = person.unique_name.as_deref().or(person.identity_id.as_deref());
    known.unwrap_or(&person.display_name)
}

/// A failure of a write, where the number of revisions explains it.
pub(crate) fn explained(error: TrackerError, base: Revision) -> TrackerError {
    match error {
        TrackerError::Unavailable { .. } if base.get() >= MAX_REVISIONS => TrackerError::Rejected {
            reason: format!("the work item has {} revisions, and takes no more over REST", base.get()),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: Option<&str>, unique: Option<&str>) -> Option<Person> {
        Person::from_identity(id, unique, Some("Ada"), false)
    }

    #[test]
    fn a_change_tests_the_revision_first_and_names_people_by_what_is_unique() {
        let change = |assignee, state: Option<&str>| WorkItemChange { assignee, state: state.map(str::to_owned) };
        let test = json!({"op": "test", "path": "/rev", "value": 7});
        for (given, expected) in [
            (
                change(Some(person(Some("g"), Some("ada@x.org"))), None),
                json!([test, {"op": "add", "path": "/fields/System.AssignedTo", "value": "ada@x.org"}]),
            ),
            (
                change(Some(person(Some("g"), None)), None),
                json!([test, {"op": "add", "path": "/fields/System.AssignedTo", "value": "g"}]),
            ),
            (
                change(Some(None), Some("Done")),
                json!([
                    test,
                    {"op": "remove", "path": "/fields/System.AssignedTo"},
                    {"op": "add", "path": "/fields/System.State", "value": "Done"},
                ]),
            ),
        ] {
            assert_eq!(patch(Revision::new(7), &given), expected);
        }
    }

    #[test]
    fn a_text_is_shown_in_html_as_it_is_and_does_nothing() {
        assert_eq!(html("<b onclick='x'>&\"\n@all\u{202e}\0"), "&lt;b onclick=&#39;x&#39;&gt;&amp;&quot;<br>@all");
    }

    #[test]
    fn only_too_many_revisions_turn_an_outage_into_a_refusal() {
        let outage = TrackerError::Unavailable { reason: "it answered 500".to_owned() };
        assert_eq!(explained(outage.clone(), Revision::new(MAX_REVISIONS - 1)), outage);
        let refused = explained(outage, Revision::new(MAX_REVISIONS));
        assert!(matches!(refused, TrackerError::Rejected { reason } if reason.contains("10000 revisions")));
    }
}
