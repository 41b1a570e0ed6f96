//! Observe: order comes from revisions, and only a change against the mirror reaches the groups.

use super::fixtures::{ADA, BOB, NOW, group_state, integration, mirror, snapshot, user};
use crate::assignee::{Assignee, ChangeSource, Decision};
use crate::id::{GroupId, InstallationId, LinkId, OrganizationId, ProjectId, Revision};
use crate::integration::Toggles;
use crate::person::Person;
use crate::port::store::{GroupState, MatchedBy, PersonMatch};
use crate::service::ChangeSet;
use crate::service::observe::{Observation, Observed, Origin, observe};
use crate::testing::{FixedClock, MockUnitOfWork, SequentialEntropy};
use crate::work_item::{ExternalIssue, GroupLink, LinkedGroup, Snapshot};
use std::time::Duration;
use uuid::Uuid;

fn group(n: u128) -> GroupId {
    GroupId::from_uuid(Uuid::from_u128(100 + n))
}

/// The `n`th of the groups linked with the work item: each of an organization of its own.
fn linked(n: u128, inbound_assignee: bool) -> LinkedGroup {
    LinkedGroup {
        link: GroupLink {
            id: LinkId::from_uuid(Uuid::from_u128(200 + n)),
            organization: OrganizationId::new(i64::try_from(n).unwrap() + 1),
            group: group(n),
            external_issue: mirror(1, None).id,
            installation: InstallationId::from_uuid(Uuid::from_u128(300 + n)),
            unresolved: None,
            problem: None,
            created_at: NOW,
        },
        toggles: Toggles { inbound_assignee, ..Toggles::default() },
    }
}

fn state(n: u128, decided_ago: Option<u64>) -> GroupState {
    let organization = OrganizationId::new(i64::try_from(n).unwrap() + 1);
    GroupState {
        decision: decided_ago.map(|seconds| Decision {
            value: Some(Assignee::User(BOB)),
            at: NOW.minus(Duration::from_secs(seconds)),
            source: ChangeSource::Api { by: None },
        }),
        ..group_state(group(n), organization, ProjectId::new(1), Some(Assignee::User(BOB)))
    }
}

/// A world of groups linked with one work item, in which `ada@x.org` is Ada and nobody else is known.
struct World {
    mirror: Option<ExternalIssue>,
    links: Vec<LinkedGroup>,
    states: Vec<GroupState>,
}

impl World {
    fn of_one(mirror: ExternalIssue) -> Self {
        Self { mirror: Some(mirror), links: vec![linked(0, true)], states: vec![state(0, None)] }
    }

    async fn sees(self, snapshot: Snapshot, origin: Origin) -> (Observed, ChangeSet) {
        let mut uow = MockUnitOfWork::new();
        uow.expect_lock_external_issues().returning(move |_| Ok(self.mirror.iter().cloned().collect()));
        uow.expect_links_of().returning(move |_| Ok(self.links.clone()));
        uow.expect_lock_groups().returning(move |_| Ok(self.states.clone()));
        uow.expect_routes_of().returning(|_| Ok(Vec::new()));
        uow.expect_outward_links().returning(|_| Ok(Vec::new()));
        uow.expect_muted().returning(|_| Ok(Default::default()));
        uow.expect_project_members().returning(|pairs| Ok(pairs.iter().copied().collect()));
        uow.expect_match_people().returning(|questions| {
            let known = |person: &Person| person.unique_name.as_deref() == Some("ada@x.org");
            let asked = questions.iter().enumerate().filter(|(_, (_, _, person))| known(person));
            Ok(asked.map(|(question, _)| PersonMatch { question, user: ADA, by: MatchedBy::Address }).collect())
        });
        uow.expect_users().returning(|ids| Ok(ids.iter().map(|id| user(*id)).collect()));
        let seen = Observation { integration: integration(), snapshot, origin, clock_offset_micros: 0 };
        let entropy = SequentialEntropy::default();
        let (outcomes, changes) = observe(&mut uow, &[seen], &FixedClock::at(NOW), &entropy).await.unwrap();
        (outcomes[0], changes)
    }
}

/// Who the group is with after these changes.
fn assignee_after(mut state: GroupState, changes: &ChangeSet) -> Option<Assignee> {
    changes.overlay(&mut state);
    state.assignee
}

const READ: Origin = Origin::Read { begun_at: NOW, second_look: false };

#[tokio::test]
async fn a_newer_revision_that_names_another_person_reassigns_the_group_and_advances_the_mirror() {
    let world = World::of_one(mirror(5, Some("Bob <bob@x.org>")));
    let (outcome, changes) = world.sees(snapshot(6, Some("Ada <ADA@x.org>")), Origin::Delivery).await;
    assert_eq!(outcome, Observed::Applied);
    assert_eq!(assignee_after(state(0, None), &changes), Some(Assignee::User(ADA)));
    assert_eq!(changes.mirror_of(mirror(5, None).id).map(|issue| issue.revision), Some(Revision::new(6)));
}

#[tokio::test]
async fn the_mirror_takes_over_the_area_path_and_the_tags() {
    let moved = Snapshot { area_path: Some(r"Shop\Web".to_owned()), tags: vec!["a".to_owned()], ..snapshot(6, None) };
    let (_, changes) = World::of_one(mirror(5, None)).sees(moved, Origin::Delivery).await;
    let kept = changes.mirror_of(mirror(5, None).id).unwrap();
    assert_eq!((kept.area_path.as_deref(), kept.tags.as_slice()), (Some(r"Shop\Web"), ["a".to_owned()].as_slice()));
}

#[tokio::test]
async fn the_same_or_an_older_revision_changes_nothing() {
    for revision in [4, 5] {
        let world = World::of_one(mirror(5, Some("Bob <bob@x.org>")));
        let (outcome, changes) = world.sees(snapshot(revision, Some("Ada <ada@x.org>")), Origin::Delivery).await;
        assert_eq!((outcome, changes.is_empty()), (Observed::Superseded, true), "{revision}");
    }
}

#[tokio::test]
async fn a_revision_that_leaves_the_assignee_alone_is_no_assignment() {
    let world = World::of_one(mirror(5, Some("Ada <ada@x.org>")));
    let (outcome, changes) = world.sees(snapshot(6, Some("Ada L. <ada@x.org>")), Origin::Delivery).await;
    assert_eq!(outcome, Observed::Applied);
    assert_eq!(assignee_after(state(0, None), &changes), Some(Assignee::User(BOB)), "Bob stays");
}

#[tokio::test]
async fn nobody_in_the_tracker_takes_the_group_from_its_assignee() {
    let world = World::of_one(mirror(5, Some("Bob <bob@x.org>")));
    let (_, changes) = world.sees(snapshot(6, None), Origin::Delivery).await;
    assert_eq!(assignee_after(state(0, None), &changes), None);
}

#[tokio::test]
async fn an_unknown_person_leaves_the_assignee_advances_the_mirror_and_makes_us_read_the_item() {
    let world = World::of_one(mirror(5, None));
    let (_, changes) = world.sees(snapshot(6, Some("Eve <eve@x.org>")), Origin::Delivery).await;
    assert_eq!(assignee_after(state(0, None), &changes), Some(Assignee::User(BOB)));
    assert_eq!(changes.mirror_of(mirror(5, None).id).map(|issue| issue.revision), Some(Revision::new(6)));
    assert_eq!(changes.armed_kinds(), ["refresh_work_item"]);
}

#[tokio::test]
async fn a_work_item_that_nobody_linked_is_ignored() {
    let world = World { mirror: None, links: Vec::new(), states: Vec::new() };
    let (outcome, changes) = world.sees(snapshot(6, None), Origin::Delivery).await;
    assert_eq!((outcome, changes.is_empty()), (Observed::NotLinked, true));
}

#[tokio::test]
async fn a_decision_of_the_group_that_is_later_than_the_revision_stands() {
    for (decided_ago, expected) in [(7, BOB), (8, ADA), (50, ADA)] {
        let mut world = World::of_one(mirror(5, None));
        world.states = vec![state(0, Some(decided_ago))];
        let (_, changes) = world.sees(snapshot(6, Some("Ada <ada@x.org>")), Origin::Delivery).await;
        let after = assignee_after(state(0, Some(decided_ago)), &changes);
        assert_eq!(after, Some(Assignee::User(expected)), "decided {decided_ago} s ago, changed 10 s ago");
    }
}

#[tokio::test]
async fn five_groups_of_as_many_organizations_follow_except_those_that_keep_the_tracker_out() {
    let inbound = |n: u128| n != 2;
    let mut world = World::of_one(mirror(5, None));
    world.links = (0..5).map(|n| linked(n, inbound(n))).collect();
    world.states = (0..5).map(|n| state(n, None)).collect();
    let (_, changes) = world.sees(snapshot(6, Some("Ada <ada@x.org>")), Origin::Delivery).await;
    for n in 0..5 {
        let expected = if inbound(n) { ADA } else { BOB };
        assert_eq!(assignee_after(state(n, None), &changes), Some(Assignee::User(expected)), "group {n}");
    }
}

#[tokio::test]
async fn a_read_that_shows_a_lower_revision_is_believed_at_the_second_look_and_a_delivery_never() {
    let lower = || snapshot(3, Some("Ada <ada@x.org>"));
    let (outcome, changes) = World::of_one(mirror(5, None)).sees(lower(), READ).await;
    assert_eq!((outcome, changes.is_empty()), (Observed::SecondLook, true));
    let again = Origin::Read { begun_at: NOW, second_look: true };
    let (outcome, changes) = World::of_one(mirror(5, None)).sees(lower(), again).await;
    assert_eq!(outcome, Observed::Rewound);
    assert_eq!(assignee_after(state(0, None), &changes), Some(Assignee::User(ADA)));
    assert_eq!(changes.mirror_of(mirror(5, None).id).map(|issue| issue.revision), Some(Revision::new(3)));
}

#[tokio::test]
async fn a_read_that_began_before_the_mirrors_last_write_rewinds_nothing() {
    let stale = Origin::Read { begun_at: NOW.minus(Duration::from_secs(100)), second_look: true };
    let (outcome, changes) = World::of_one(mirror(5, None)).sees(snapshot(3, None), stale).await;
    assert_eq!((outcome, changes.is_empty()), (Observed::Superseded, true));
}

#[tokio::test]
async fn a_read_of_the_same_revision_applies_the_mirror_again() {
    let world = World::of_one(mirror(5, Some("Ada <ada@x.org>")));
    let (outcome, changes) = world.sees(snapshot(5, Some("Ada <ada@x.org>")), READ).await;
    assert_eq!(outcome, Observed::Applied);
    assert_eq!(assignee_after(state(0, None), &changes), Some(Assignee::User(ADA)));
}

#[tokio::test]
async fn that_a_deleted_work_item_is_there_again_is_believed_only_of_a_read_that_began_after_it_was_missed() {
    let since = mirror(5, None).observed_at;
    let read = |begun_at| Origin::Read { begun_at, second_look: false };
    for (origin, deleted, armed) in [
        (Origin::Delivery, true, vec!["refresh_work_item"]),
        (read(since.minus(Duration::from_secs(1))), true, vec![]),
        (read(since), false, vec![]),
        (read(NOW), false, vec![]),
    ] {
        let mut world = World::of_one(mirror(5, None));
        world.mirror = world.mirror.map(|issue| ExternalIssue { deleted: true, ..issue });
        let (outcome, changes) = world.sees(snapshot(6, None), origin).await;
        let kept = changes.mirror_of(mirror(5, None).id).map(|issue| issue.deleted);
        assert_eq!((outcome, kept), (Observed::Applied, Some(deleted)), "{origin:?}");
        assert_eq!(changes.armed_kinds(), armed, "{origin:?}");
    }
}
