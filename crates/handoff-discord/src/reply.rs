//! The answer to an interaction, as Discord takes it (documentation, receiving and responding).

use crate::buttons::{self, ACTION_ROW};
use crate::custom_id::{CustomId, NAME_FIELD, value_of};
use crate::{card, encode, notice};
use handoff_domain::assignee::Assignee;
use handoff_domain::chat::Card;
use handoff_domain::id::GroupId;
use handoff_domain::interaction::{Candidate, Reply, Suggestion};
use serde_json::{Value, json};

/// Kinds of answers.
const PONG: u8 = 1;
const MESSAGE: u8 = 4;
const LATER_UPDATE: u8 = 6;
const UPDATE: u8 = 7;
const SUGGESTIONS: u8 = 8;
const FORM: u8 = 9;

/// The flag of a message that only one person sees.
const EPHEMERAL: u32 = 1 << 6;
/// Types of components.
const TEXT_SELECT: u8 = 3;
const TEXT_INPUT: u8 = 4;
const LABEL: u8 = 18;
/// The style of a field with one line.
const SHORT: u8 = 1;

/// The most characters of an option's label, of a suggestion's name, and of a name that is looked for.
const MAX_CHOICE: usize = 100;
/// The most characters of a form's title.
const MAX_TITLE: usize = 45;
const MAX_SHORT_ID: usize = 100;

/// The JSON of an answer.
pub(crate) fn json(reply: &Reply) -> Value {
    match reply {
        Reply::Pong => json!({"type": PONG}),
        Reply::Quiet => json!({"type": LATER_UPDATE}),
        Reply::Say(said) => private(json!({"content": notice::words(said)})),
        Reply::Show(shown) => private(of_card(shown)),
        Reply::Update(shown) => json!({"type": UPDATE, "data": of_card(shown)}),
        Reply::Choose { group, short_id, candidates, more } => private(choice(*group, short_id, candidates, *more)),
        Reply::AskName { group, short_id } => json!({"type": FORM, "data": form(*group, short_id)}),
        Reply::Suggest(suggestions) => {
            let choices: Vec<Value> = suggestions.iter().map(suggestion).collect();
            json!({"type": SUGGESTIONS, "data": {"choices": choices}})
        }
    }
}

/// A message that only whoever asked sees, and that mentions nobody.
fn private(mut data: Value) -> Value {
    data["flags"] = json!(EPHEMERAL);
    data["allowed_mentions"] = json!({"parse": []});
    json!({"type": MESSAGE, "data": data})
}

fn of_card(shown: &Card) -> Value {
    json!({"embeds": [card::embed(shown, None)], "components": buttons::of_card(shown)})
}

fn choice(group: GroupId, short_id: &str, candidates: &[Candidate], more: bool) -> Value {
    let options: Vec<Value> = candidates.iter().map(option).collect();
    let mut content = format!("Who is to have **{}**?", encode::markdown(short_id, MAX_SHORT_ID));
    if more {
        content.push_str(&format!(
            " These are the first {}; there are more who fit. For one of those, enter more of their name.",
            options.len()
        ));
    }
    let select = json!({
        "type": TEXT_SELECT,
        "custom_id": CustomId::Pick(group).to_string(),
        "placeholder": "Choose a person or a team",
        "options": options,
    });
    json!({"content": content, "components": [{"type": ACTION_ROW, "components": [select]}]})
}

fn option(candidate: &Candidate) -> Value {
    let mut option = json!({"label": label(&candidate.name, ""), "value": value_of(candidate.assignee)});
    if matches!(candidate.assignee, Assignee::Team(_)) {
        option["description"] = json!("Team");
    }
    option
}

fn form(group: GroupId, short_id: &str) -> Value {
    let input = json!({
        "type": TEXT_INPUT,
        "custom_id": NAME_FIELD,
        "style": SHORT,
        "min_length": 1,
        "max_length": MAX_CHOICE,
        "required": true,
    });
    json!({
        "custom_id": CustomId::Find(group).to_string(),
        "title": encode::plain(&format!("Assign {short_id}"), MAX_TITLE),
        "components": [{"type": LABEL, "label": "Name of a person or a team, or a part of it", "component": input}],
    })
}

fn suggestion(suggestion: &Suggestion) -> Value {
    match suggestion {
        Suggestion::Issue { short_id, title } => {
            json!({"name": label(&format!("{short_id} · {title}"), ""), "value": short_id})
        }
        Suggestion::Assignee(Candidate { assignee, name }) => {
            let kind = if matches!(assignee, Assignee::Team(_)) { " (team)" } else { "" };
            json!({"name": label(name, kind), "value": value_of(*assignee)})
        }
    }
}

/// A text with its kind behind it, shown as it is; never empty.
fn label(text: &str, kind: &str) -> String {
    let text = encode::plain(text, MAX_CHOICE - encode::units(kind));
    if text.is_empty() { format!("(no name){kind}") } else { format!("{text}{kind}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use handoff_domain::id::{TeamId, UserId};
    use handoff_domain::interaction::Notice;
    use uuid::Uuid;

    #[test]
    fn words_are_seen_by_one_person_and_mention_nobody() {
        let said = json(&Reply::Say(Notice::NoSuchIssue));
        assert_eq!((&said["type"], &said["data"]["flags"]), (&json!(4), &json!(64)));
        assert_eq!(said["data"]["allowed_mentions"], json!({"parse": []}));
        assert_eq!(json(&Reply::Pong), json!({"type": 1}));
        assert_eq!(json(&Reply::Quiet), json!({"type": 6}));
    }

    #[test]
    fn the_nastiest_choice_is_within_every_limit() {
        let nasty = "*<@1>😀\u{202e}".repeat(100);
        let group = GroupId::from_uuid(Uuid::from_u128(1));
        let user = Candidate { assignee: Assignee::User(UserId::new(1)), name: nasty.clone() };
        let team = Candidate { assignee: Assignee::Team(TeamId::new(2)), name: "\u{200b}".to_owned() };
        let candidates = vec![user.clone(), team.clone()];
        let shown = json(&Reply::Choose { group, short_id: nasty.clone(), candidates, more: true });
        let options = &shown["data"]["components"][0]["components"][0]["options"];
        assert_eq!((&options[1]["label"], &options[1]["value"]), (&json!("(no name)"), &json!("team:2")));
        assert!(encode::units(options[0]["label"].as_str().unwrap()) <= 100);
        assert!(encode::units(shown["data"]["content"].as_str().unwrap()) < 2000);
        let asked = json(&Reply::AskName { group, short_id: nasty.clone() });
        assert!(encode::units(asked["data"]["title"].as_str().unwrap()) <= 45);
        let suggested = json(&Reply::Suggest(vec![
            Suggestion::Assignee(user),
            Suggestion::Assignee(team),
            Suggestion::Issue { short_id: "BACKEND-42".to_owned(), title: nasty },
        ]));
        for choice in suggested["data"]["choices"].as_array().unwrap() {
            let name = encode::units(choice["name"].as_str().unwrap());
            assert!((1..=100).contains(&name), "{choice}");
        }
        assert_eq!(suggested["data"]["choices"][1]["name"], "(no name) (team)");
    }
}
