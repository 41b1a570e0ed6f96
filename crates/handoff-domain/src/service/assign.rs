//! Assign: puts a user or a team on a group, with all that follows. Pure; see
//! [`Assignments`](super::Assignments) for the use case around it.

use super::change_set::{ChangeSet, Surroundings, Told};
use crate::assignee::{ActivityKind, Assignee, ChangeSource, Decision};
use crate::port::store::GroupState;
use crate::time::Timestamp;

/// What assigning did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assigned {
    /// It was theirs already: nothing changed and nothing is said.
    Unchanged,
    /// It was nobody's before.
    New,
    /// It was somebody else's before.
    Reassigned,
}

/// Puts `to` on the group: assignee, decision, history, followers, cards, and a mention of the person
/// where they are linked and did not do it themselves.
///
/// `decided_at` is when it was decided: now, or the time of the tracker's revision.
pub fn assign(
    state: &GroupState,
    to: Assignee,
    source: ChangeSource,
    decided_at: Timestamp,
    around: &Surroundings<'_>,
    changes: &mut ChangeSet,
) -> Assigned {
    let previous = state.assignee;
    if previous == Some(to) {
        return Assigned::Unchanged;
    }
    changes.set_assignee(state, to, Decision { value: Some(to), at: decided_at, source });
    let activity = changes.record(state, ActivityKind::Assigned { assignee: to, previous }, source, around);
    if let Some(previous) = previous.filter(|previous| !stays_follower(*previous, to, around)) {
        changes.unfollow(state.group.id, previous);
    }
    changes.follow(state, to);
    changes.refresh_cards(state, around);
    changes.converge(state, &source, Told::Assignee, around);
    if let Assignee::User(user) = to
        && is_mentioned(state, user, source, around)
    {
        changes.ping(state, user, activity, around);
    }
    match previous {
        None => Assigned::New,
        Some(_) => Assigned::Reassigned,
    }
}

/// A former assignee goes on following when they are in the team that has it now, or when their team's
/// member has it now (as the reference does).
fn stays_follower(previous: Assignee, now: Assignee, around: &Surroundings<'_>) -> bool {
    match (previous, now) {
        (Assignee::User(user), Assignee::Team(team)) | (Assignee::Team(team), Assignee::User(user)) => {
            around.team_members.contains(&(team, user))
        }
        _ => false,
    }
}

fn is_mentioned(state: &GroupState, user: crate::id::UserId, source: ChangeSource, around: &Surroundings<'_>) -> bool {
    source.may_mention()
        && source.actor() != Some(user)
        && around.users.get(&user).is_some_and(|user| user.discord.is_some())
        && !around.muted.contains(&(user, state.group.project))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{RouteMode, RouteRef};
    use crate::id::{OrganizationId, ProjectId, RouteId, TeamId, UserId};
    use crate::organization::{DiscordUserId, User};
    use crate::service::deassign::deassign;
    use crate::service::tests::fixtures::{NOW, group, group_state, user};
    use crate::testing::SequentialEntropy;
    use std::collections::{HashMap, HashSet};
    use uuid::Uuid;

    const ADA: Assignee = Assignee::User(UserId::new(1));
    const BOB: Assignee = Assignee::User(UserId::new(2));
    const TEAM: Assignee = Assignee::Team(TeamId::new(7));
    const API: ChangeSource = ChangeSource::Api { by: None };

    fn state(assignee: Option<Assignee>) -> GroupState {
        group_state(group(), OrganizationId::new(1), ProjectId::new(1), assignee)
    }

    /// One route that pings, one that does not, one of another project; Ada is linked, Bob is not.
    fn around(entropy: &SequentialEntropy) -> Surroundings<'_> {
        let route = |id: u128, project: i64, mode| RouteRef {
            id: RouteId::from_uuid(Uuid::from_u128(id)),
            project: ProjectId::new(project),
            mode,
        };
        let user = |id: i64, discord| User { discord, ..user(UserId::new(id)) };
        Surroundings {
            now: NOW,
            entropy,
            routes: vec![
                route(1, 1, RouteMode::CardAndPing),
                route(2, 1, RouteMode::Card),
                route(3, 2, RouteMode::CardAndPing),
            ],
            users: HashMap::from([(UserId::new(1), user(1, DiscordUserId::new(99))), (UserId::new(2), user(2, None))]),
            team_members: HashSet::from([(TeamId::new(7), UserId::new(1))]),
            muted: HashSet::new(),
            outward: Vec::new(),
        }
    }

    /// What assigning arms, by kind.
    fn armed(before: Option<Assignee>, to: Assignee, source: ChangeSource) -> (Assigned, Vec<&'static str>) {
        let entropy = SequentialEntropy::default();
        let mut changes = ChangeSet::default();
        let done = assign(&state(before), to, source, NOW, &around(&entropy), &mut changes);
        (done, changes.armed_kinds())
    }

    #[test]
    fn a_new_assignee_who_is_linked_is_mentioned_once_and_every_card_of_the_project_follows() {
        assert_eq!(armed(None, ADA, API), (Assigned::New, vec!["card", "card", "ping"]));
        assert_eq!(armed(Some(BOB), ADA, API), (Assigned::Reassigned, vec!["card", "card", "ping"]));
    }

    #[test]
    fn the_same_assignee_again_changes_nothing_and_says_nothing() {
        let entropy = SequentialEntropy::default();
        let mut changes = ChangeSet::default();
        let done = assign(&state(Some(ADA)), ADA, API, NOW, &around(&entropy), &mut changes);
        assert_eq!((done, changes.is_empty()), (Assigned::Unchanged, true));
    }

    #[test]
    fn nobody_is_mentioned_for_their_own_action_or_unlinked_or_as_a_team() {
        let own = ChangeSource::Discord { by: UserId::new(1) };
        for (to, source) in [(ADA, own), (BOB, API), (TEAM, API)] {
            assert_eq!(armed(None, to, source), (Assigned::New, vec!["card", "card"]), "{to:?}");
        }
    }

    #[test]
    fn who_muted_the_project_is_not_mentioned() {
        let entropy = SequentialEntropy::default();
        let mut around = around(&entropy);
        around.muted.insert((UserId::new(1), ProjectId::new(1)));
        let mut changes = ChangeSet::default();
        assign(&state(None), ADA, API, NOW, &around, &mut changes);
        assert_eq!(changes.armed_kinds(), ["card", "card"]);
    }

    #[test]
    fn a_former_assignee_goes_on_following_only_as_a_member_of_the_team_that_has_it_now() {
        for (before, to, dropped) in [(ADA, TEAM, false), (TEAM, ADA, false), (BOB, TEAM, true), (ADA, BOB, true)] {
            let entropy = SequentialEntropy::default();
            let mut changes = ChangeSet::default();
            assign(&state(Some(before)), to, API, NOW, &around(&entropy), &mut changes);
            assert_eq!(changes.drops_a_follower(), dropped, "{before:?} to {to:?}");
        }
    }

    #[test]
    fn deassigning_updates_the_cards_mentions_nobody_and_drops_the_follower() {
        let entropy = SequentialEntropy::default();
        let mut changes = ChangeSet::default();
        assert!(deassign(&state(Some(ADA)), API, NOW, &around(&entropy), &mut changes));
        assert_eq!(changes.armed_kinds(), ["card", "card"]);
        assert!(changes.drops_a_follower());
    }

    #[test]
    fn who_had_the_group_only_in_between_does_not_follow_it() {
        let entropy = SequentialEntropy::default();
        let around = around(&entropy);
        let mut changes = ChangeSet::default();
        let mut state = state(None);
        for to in [BOB, ADA] {
            assign(&state, to, API, NOW, &around, &mut changes);
            changes.overlay(&mut state);
        }
        assert_eq!(changes.followers_to_be(), [ADA]);
    }

    #[test]
    fn what_is_decided_in_one_moment_stands_in_the_history_in_its_order() {
        /// Whose later bytes are smaller: the order of ids must not come from chance.
        struct Falling(std::sync::atomic::AtomicU8);
        impl crate::port::Entropy for Falling {
            fn fill(&self, buffer: &mut [u8]) {
                buffer.fill(self.0.fetch_sub(1, std::sync::atomic::Ordering::Relaxed));
            }
        }
        let (entropy, of_around) = (Falling(u8::MAX.into()), SequentialEntropy::default());
        let around = Surroundings { entropy: &entropy, ..around(&of_around) };
        let mut changes = ChangeSet::default();
        let kind = |work_item| ActivityKind::Linked { work_item };
        let ids: Vec<_> = (1..=20).map(|n| changes.record(&state(None), kind(n), API, &around)).collect();
        assert!(ids.is_sorted(), "{ids:?}");
    }

    #[test]
    fn deassigning_what_is_nobodys_does_nothing() {
        let entropy = SequentialEntropy::default();
        let mut changes = ChangeSet::default();
        assert!(!deassign(&state(None), API, NOW, &around(&entropy), &mut changes));
        assert!(changes.is_empty());
    }

    #[test]
    fn a_second_decision_in_one_unit_of_work_sees_the_first() {
        let entropy = SequentialEntropy::default();
        let around = around(&entropy);
        let mut changes = ChangeSet::default();
        let mut state = state(None);
        assign(&state, ADA, API, NOW, &around, &mut changes);
        changes.overlay(&mut state);
        assert_eq!(state.assignee, Some(ADA));
        assert_eq!(assign(&state, ADA, API, NOW, &around, &mut changes), Assigned::Unchanged);
        assert!(deassign(&state, API, NOW, &around, &mut changes));
        changes.overlay(&mut state);
        assert_eq!(state.assignee, None);
    }
}
