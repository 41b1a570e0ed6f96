//! Handle Assign To: what a tracker's assignee means for a group: assign, deassign, nothing, or
//! unresolved. Pure.

use crate::id::{ProjectId, UserId};
use crate::organization::User;
use crate::person::{Person, Unresolved, UnresolvedReason};
use crate::port::store::PersonMatch;
use std::collections::{HashMap, HashSet};

/// What is known of the users that a tracker's people may be.
#[derive(Debug, Default)]
pub struct KnownPeople {
    /// The users, active or not.
    pub users: HashMap<UserId, User>,
    /// Who is in a team of which project.
    pub members: HashSet<(UserId, ProjectId)>,
}

/// What the tracker's assignee means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssignTo {
    /// The group is theirs.
    Assign(UserId),
    /// The group is nobody's.
    Deassign,
    /// The group keeps its assignee, and somebody must say who this is.
    Unresolved(Unresolved),
}

/// Decides what the tracker's assignee means for a group of `project`. `matches` are those of this
/// person in the group's organization.
#[must_use]
pub fn handle_assign_to(
    assignee: Option<&Person>,
    matches: &[&PersonMatch],
    project: ProjectId,
    known: &KnownPeople,
) -> AssignTo {
    let Some(person) = assignee else {
        return AssignTo::Deassign;
    };
    let unresolved = |reason| AssignTo::Unresolved(Unresolved { person: person.clone(), reason });
    if person.is_container {
        return unresolved(UnresolvedReason::Container);
    }
    let user = match best_match(matches) {
        Ok(user) => user,
        Err(reason) => return unresolved(reason),
    };
    match known.users.get(&user) {
        None => unresolved(UnresolvedReason::Unknown),
        Some(found) if !found.active => unresolved(UnresolvedReason::Inactive),
        Some(_) if !known.members.contains(&(user, project)) => unresolved(UnresolvedReason::OutsideProject),
        Some(_) => AssignTo::Assign(user),
    }
}

/// The one user of the strongest kind of match: a mapping by identity id, then by sign-in name, then a
/// verified address. Two users of one kind are ambiguous, which is reported and never guessed.
///
/// # Errors
/// Why there is no such user.
pub fn best_match(matches: &[&PersonMatch]) -> Result<UserId, UnresolvedReason> {
    let strongest = matches.iter().map(|m| m.by).min().ok_or(UnresolvedReason::Unknown)?;
    let users: HashSet<UserId> = matches.iter().filter(|m| m.by == strongest).map(|m| m.user).collect();
    let mut users = users.into_iter();
    match (users.next(), users.next()) {
        (Some(user), None) => Ok(user),
        _ => Err(UnresolvedReason::Ambiguous),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::store::MatchedBy;
    use crate::text::Name;
    use crate::time::Timestamp;

    const PROJECT: ProjectId = ProjectId::new(1);

    fn known() -> KnownPeople {
        let user = |id: i64, active| User {
            id: UserId::new(id),
            name: Name::parse("Somebody").unwrap(),
            active,
            discord: None,
            created_at: Timestamp::from_micros(0),
        };
        KnownPeople {
            users: [user(1, true), user(2, false), user(3, true)].into_iter().map(|u| (u.id, u)).collect(),
            members: [(UserId::new(1), PROJECT), (UserId::new(2), PROJECT)].into_iter().collect(),
        }
    }

    fn meaning(text: &str, matches: &[(i64, MatchedBy)]) -> AssignTo {
        let person = Person::from_text(text);
        let matches: Vec<PersonMatch> =
            matches.iter().map(|(user, by)| PersonMatch { question: 0, user: UserId::new(*user), by: *by }).collect();
        let matches: Vec<&PersonMatch> = matches.iter().collect();
        handle_assign_to(person.as_ref(), &matches, PROJECT, &known())
    }

    fn reason(meaning: AssignTo) -> Option<UnresolvedReason> {
        match meaning {
            AssignTo::Unresolved(unresolved) => Some(unresolved.reason),
            _ => None,
        }
    }

    #[test]
    fn nobody_in_the_tracker_means_deassign() {
        assert_eq!(meaning("", &[]), AssignTo::Deassign);
    }

    #[test]
    fn a_known_active_member_means_assign() {
        assert_eq!(meaning("A <a@x>", &[(1, MatchedBy::Address)]), AssignTo::Assign(UserId::new(1)));
    }

    #[test]
    fn whoever_must_not_be_guessed_is_unresolved_with_the_reason() {
        use MatchedBy::{Address, IdentityId};
        assert_eq!(reason(meaning("A <a@x>", &[])), Some(UnresolvedReason::Unknown));
        assert_eq!(reason(meaning("A <a@x>", &[(2, Address)])), Some(UnresolvedReason::Inactive));
        assert_eq!(reason(meaning("A <a@x>", &[(3, Address)])), Some(UnresolvedReason::OutsideProject));
        assert_eq!(reason(meaning("A <a@x>", &[(1, Address), (3, Address)])), Some(UnresolvedReason::Ambiguous));
        assert_eq!(reason(meaning("A <a@x>", &[(9, IdentityId)])), Some(UnresolvedReason::Unknown));
    }

    #[test]
    fn a_mapping_of_the_identity_beats_an_address() {
        let matches = [(3, MatchedBy::Address), (1, MatchedBy::IdentityId)];
        assert_eq!(meaning("A <a@x>", &matches), AssignTo::Assign(UserId::new(1)));
    }

    #[test]
    fn a_group_of_people_is_nobody() {
        let team = Person::from_identity(Some("g"), None, Some("Team"), true);
        let found = PersonMatch { question: 0, user: UserId::new(1), by: MatchedBy::IdentityId };
        let meaning = handle_assign_to(team.as_ref(), &[&found], PROJECT, &known());
        assert_eq!(reason(meaning), Some(UnresolvedReason::Container));
    }
}
