//! What somebody asks for: by the kind of interaction, and by our own ids and commands.

use super::wire::{self, Data, Sent};
use crate::commands::{
    ASSIGN, CLAIM, CODE_OPTION, HELP, ISSUE, ISSUE_OPTION, LINK, MINE, UNASSIGN, UNLINK, USER_OPTION,
};
use crate::custom_id::{CustomId, NAME_FIELD, assignee_of};
use handoff_domain::interaction::{Asked, NotUnderstood, Wanted};

/// Never fails: what is none of ours is said to be so.
pub(super) fn asked(kind: u64, sent: &Sent) -> Asked {
    let data = sent.data();
    let decoded = match kind {
        wire::COMMAND => command(&data),
        wire::COMPONENT => component(&data, sent),
        wire::AUTOCOMPLETE => Ok(suggestion(&data)),
        wire::FORM => form(&data),
        _ => Err(NotUnderstood::Kind),
    };
    decoded.unwrap_or_else(Asked::NotUnderstood)
}

fn command(data: &Data) -> Result<Asked, NotUnderstood> {
    let given = |name: &str| data.option(name).ok_or(NotUnderstood::Incomplete);
    Ok(match data.name.as_deref() {
        Some(LINK) => Asked::Link { code: given(CODE_OPTION)? },
        Some(UNLINK) => Asked::Unlink,
        Some(CLAIM) => Asked::Claim { code: given(CODE_OPTION)? },
        Some(HELP) => Asked::Help,
        Some(ISSUE) => Asked::Issue { short_id: given(ISSUE_OPTION)? },
        Some(ASSIGN) => Asked::Assign { short_id: given(ISSUE_OPTION)?, to: data.option(USER_OPTION).map(wanted) },
        Some(UNASSIGN) => Asked::Unassign { short_id: given(ISSUE_OPTION)? },
        Some(MINE) => Asked::Mine,
        Some(_) => return Err(NotUnderstood::Command),
        None => return Err(NotUnderstood::Incomplete),
    })
}

/// The value of a suggestion that was taken, or what somebody typed instead.
fn wanted(text: String) -> Wanted {
    assignee_of(&text).map_or(Wanted::Named(text), Wanted::Suggested)
}

fn component(data: &Data, sent: &Sent) -> Result<Asked, NotUnderstood> {
    match data.custom_id.as_deref().and_then(CustomId::parse).ok_or(NotUnderstood::Component)? {
        CustomId::Button(action, group) => Ok(Asked::Press { action, group, on: sent.surface() }),
        CustomId::Pick(group) => {
            let picked = data.values.first().ok_or(NotUnderstood::Incomplete)?;
            let assignee = assignee_of(picked).ok_or(NotUnderstood::Component)?;
            Ok(Asked::Pick { group, assignee })
        }
        CustomId::Find(_) => Err(NotUnderstood::Component),
    }
}

fn form(data: &Data) -> Result<Asked, NotUnderstood> {
    match data.custom_id.as_deref().and_then(CustomId::parse) {
        Some(CustomId::Find(group)) => {
            Ok(Asked::Find { group, name: data.field(NAME_FIELD).ok_or(NotUnderstood::Incomplete)? })
        }
        _ => Err(NotUnderstood::Component),
    }
}

fn suggestion(data: &Data) -> Asked {
    match (data.name.as_deref(), data.focused()) {
        (Some(ISSUE | ASSIGN | UNASSIGN), Some((ISSUE_OPTION, text))) => Asked::SuggestIssues { text },
        (Some(ASSIGN), Some((USER_OPTION, text))) => {
            Asked::SuggestAssignees { short_id: data.option(ISSUE_OPTION).unwrap_or_default(), text }
        }
        _ => Asked::SuggestNothing,
    }
}
