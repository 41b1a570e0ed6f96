//! The ids in our buttons, selects and forms, and the values in choices: `verb:group`, `user:7`. They say what
//! is asked for, never who may.

use handoff_domain::assignee::Assignee;
use handoff_domain::id::{GroupId, TeamId, UserId};
use handoff_domain::interaction::CardAction;
use std::fmt;

const PICK: &str = "pick";
const FIND: &str = "find";
/// The field of the form that asks for a name.
pub(crate) const NAME_FIELD: &str = "name";

/// An id of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CustomId {
    /// A button of a card.
    Button(CardAction, GroupId),
    /// The choice between candidates.
    Pick(GroupId),
    /// The form that asks for a name.
    Find(GroupId),
}

impl CustomId {
    /// Reads one; `None` for what we never made.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (verb, group) = text.split_once(':')?;
        let group = group.parse().ok()?;
        match verb {
            PICK => Some(Self::Pick(group)),
            FIND => Some(Self::Find(group)),
            verb => CardAction::from_stored(verb).map(|action| Self::Button(action, group)),
        }
    }
}

impl fmt::Display for CustomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Button(action, group) => write!(f, "{}:{group}", action.as_str()),
            Self::Pick(group) => write!(f, "{PICK}:{group}"),
            Self::Find(group) => write!(f, "{FIND}:{group}"),
        }
    }
}

/// The value of a choice.
pub(crate) fn value_of(assignee: Assignee) -> String {
    match assignee {
        Assignee::User(user) => format!("user:{user}"),
        Assignee::Team(team) => format!("team:{team}"),
    }
}

/// Reads the value of a choice; `None` for what we never made.
pub(crate) fn assignee_of(value: &str) -> Option<Assignee> {
    match value.split_once(':')? {
        ("user", id) => id.parse::<UserId>().ok().map(Assignee::User),
        ("team", id) => id.parse::<TeamId>().ok().map(Assignee::Team),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn what_we_make_we_read_and_nothing_else() {
        let group = GroupId::from_uuid(Uuid::from_u128(7));
        for id in [
            CustomId::Button(CardAction::Take, group),
            CustomId::Button(CardAction::Choose, group),
            CustomId::Button(CardAction::Archive, group),
            CustomId::Pick(group),
            CustomId::Find(group),
        ] {
            assert_eq!(CustomId::parse(&id.to_string()), Some(id));
            assert!(id.to_string().len() <= 100, "a custom id has at most 100 characters");
        }
        for foreign in ["", ":", "take", "take:", "take:7", "drop:00000000-0000-0000-0000-000000000007", "é:é"] {
            assert_eq!(CustomId::parse(foreign), None, "{foreign}");
        }
        for assignee in [Assignee::User(UserId::new(7)), Assignee::Team(TeamId::new(7))] {
            assert_eq!(assignee_of(&value_of(assignee)), Some(assignee));
        }
        for foreign in ["", "7", "user:", "user:-7", "user:0", "role:7", "Ada"] {
            assert_eq!(assignee_of(foreign), None, "{foreign}");
        }
    }
}
