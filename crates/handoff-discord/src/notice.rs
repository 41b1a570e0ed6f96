//! What is said to one person, in words. Names and titles are encoded; the rest is ours.

use crate::encode;
use handoff_domain::group::GroupStatus;
use handoff_domain::interaction::{Listed, NotUnderstood, Notice};

// Lengths in UTF-16 units of the encoded text: a list of twenty stays below the 2000 of a message's content.
const MAX_SHORT_ID: usize = 40;
const MAX_TITLE: usize = 45;
const MAX_NAME: usize = 200;
const MAX_REASON: usize = 1000;

const HELP: &str = "\
Handoff keeps who is working on what the same in Azure DevOps and here. The buttons of a card change its issue; \
these commands do too:
`/issue` shows an issue, `/mine` lists yours
`/assign` gives an issue to you, to somebody else or to a team; `/unassign` takes it back
`/link` links your account with your user, with a code that an admin of your organization makes for you; \
`/unlink` undoes it
`/claim` gives this server to an organization";

/// The words.
pub(crate) fn words(notice: &Notice) -> String {
    match notice {
        Notice::Help => HELP.to_owned(),
        Notice::Linked { name } => format!("Your account is linked with **{}** now.", of_name(name)),
        Notice::Claimed { organization } => {
            format!("This server belongs to **{}** now. Its routes can lead here.", of_name(organization))
        }
        Notice::Assigned { short_id, to } => format!("{} is assigned to **{}** now.", of_id(short_id), of_name(to)),
        Notice::AssignedBefore { short_id, to } => {
            format!("{} is assigned to **{}** already.", of_id(short_id), of_name(to))
        }
        Notice::Unassigned { short_id } => format!("{} is nobody's now.", of_id(short_id)),
        Notice::NobodysBefore { short_id } => format!("{} is nobody's already.", of_id(short_id)),
        Notice::StatusBefore { short_id, status } => {
            format!("{} is {} already.", of_id(short_id), of_status(*status))
        }
        Notice::NobodyFound { name } if name.trim().is_empty() => {
            "Nobody can be assigned: the project has no team, and so no members.".to_owned()
        }
        Notice::NobodyFound { name } => {
            format!("Nobody in the project is called “{}”.", encode::markdown(name, MAX_NAME))
        }
        Notice::Mine { issues, more } => mine(issues, *more),
        Notice::Refused(why) => sentence(&encode::markdown(why, MAX_REASON)),
        Notice::NotUnderstood(why) => not_understood(*why).to_owned(),
        other => fixed(other).to_owned(),
    }
}

/// What needs no names.
const fn fixed(notice: &Notice) -> &'static str {
    match notice {
        Notice::NotLinked => {
            "Your Discord account is linked with nobody here. Ask an admin of your organization for a code, and \
             type `/link` with it."
        }
        Notice::Unlinked => "Your account is linked with nobody any more.",
        Notice::AccountTaken => "Your account is linked with another user. Type `/unlink` first, then try again.",
        Notice::CodeWrong => {
            "This code is unknown, used or expired. A code is good once and for ten minutes; ask for a new one."
        }
        Notice::TooManyWrongCodes => "These were too many wrong codes. Try again in ten minutes.",
        Notice::Inactive => "Your user is inactive; an admin of your organization can activate it.",
        Notice::NotInGuild => "This can only be done in a server.",
        Notice::GuildUnclaimed => {
            "This server belongs to no organization yet. Somebody who may manage it types `/claim` with a code \
             that an admin of the organization makes."
        }
        Notice::ClaimedBefore => "This server belongs to the organization already.",
        Notice::GuildTaken => "This server belongs to another organization.",
        Notice::MayNotManage => "Only somebody who may manage this server can do that.",
        Notice::NoSuchIssue => "There is no such issue.",
        Notice::NoAccess => "You have no access to this issue: you are in no team of its project.",
        Notice::DoneBefore => "This was done before; it is not done twice.",
        Notice::TooOld => "This is too old; do it again.",
        Notice::TryAgain => "This takes too long just now, and nothing was done. Try again in a moment.",
        _ => "Something went wrong here, and nothing was done. It was logged.",
    }
}

const fn not_understood(why: NotUnderstood) -> &'static str {
    match why {
        NotUnderstood::Kind => "This kind of request is not understood here.",
        NotUnderstood::Component => "This button or form is not known here; use the issue's newest card.",
        NotUnderstood::Command => "This command is not known here. `/help` lists those that are.",
        NotUnderstood::Incomplete => "Something is missing in this request. `/help` lists what can be done.",
    }
}

fn mine(issues: &[Listed], more: bool) -> String {
    if issues.is_empty() {
        return "No open issue is assigned to you.".to_owned();
    }
    let line = |one: &Listed| format!("{} {}", of_id(&one.short_id), encode::markdown(&one.title, MAX_TITLE));
    let mut lines: Vec<String> = issues.iter().map(line).collect();
    if more {
        lines.push("and more".to_owned());
    }
    lines.join("\n")
}

fn of_id(short_id: &str) -> String {
    format!("**{}**", encode::markdown(short_id, MAX_SHORT_ID))
}

fn of_name(name: &str) -> String {
    let name = encode::markdown(name, MAX_NAME);
    if name.is_empty() { "somebody".to_owned() } else { name }
}

const fn of_status(status: GroupStatus) -> &'static str {
    match status {
        GroupStatus::Unresolved => "unresolved",
        GroupStatus::Resolved => "resolved",
        GroupStatus::Archived => "archived",
    }
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_titles_stand_for_themselves() {
        let linked = words(&Notice::Linked { name: "<@1> **x**".to_owned() });
        assert_eq!(linked, r"Your account is linked with **\<\@1\> \*\*x\*\*** now.");
        let refused = words(&Notice::Refused("the user is in no team of the project".to_owned()));
        assert_eq!(refused, "The user is in no team of the project.");
        assert!(words(&Notice::NotLinked).contains("/link"));
        assert_eq!(words(&Notice::Failed), "Something went wrong here, and nothing was done. It was logged.");
    }

    #[test]
    fn the_longest_list_is_within_the_limit() {
        let nasty = "*😀".repeat(300);
        let one = Listed { short_id: nasty.clone(), title: nasty };
        let issues = vec![one; handoff_domain::interaction::MAX_LISTED];
        assert!(encode::units(&words(&Notice::Mine { issues, more: true })) <= 2000);
        assert!(encode::units(HELP) <= 2000);
    }
}
