//! Sets that name something twice: the last word counts, as if they had come one by one.

use super::fixtures::*;
use super::{Shared, on_every_backend};
use handoff_domain::assignee::{Assignee, Decision, FollowReason, Follower};
use handoff_domain::id::{ExternalIssueId, Revision};
use handoff_domain::person::{Unresolved, UnresolvedReason};
use handoff_domain::work_item::ExternalIssue;

on_every_backend![
    of_a_work_item_that_is_mirrored_twice_in_one_set_the_last_counts,
    of_a_group_that_is_assigned_twice_in_one_set_the_last_counts,
    of_a_group_that_is_decided_twice_in_one_set_the_last_counts,
    of_a_link_that_is_set_twice_in_one_set_the_last_counts,
    one_who_follows_twice_in_one_set_is_no_conflict,
];

async fn of_a_work_item_that_is_mirrored_twice_in_one_set_the_last_counts(store: Shared) {
    world(&store).await;
    let seen = |id, revision| ExternalIssue {
        revision: Revision::new(revision),
        title: format!("of {revision}"),
        ..issue(id, if id == 1 { ITEM.get() } else { 7 })
    };
    // One that is there and one that is not.
    let mut uow = begin(&store).await;
    uow.put_external_issues(&[seen(2, 8), seen(1, 3), seen(2, 9), seen(1, 5), seen(1, 4)]).await.unwrap();
    uow.commit().await.unwrap();
    let mut uow = begin(&store).await;
    let keys = [seen(1, 0), seen(2, 0)].map(|one| (INTEGRATION, one.number));
    assert_eq!(uow.lock_external_issues(&keys).await.unwrap(), [seen(1, 4), seen(2, 9)]);
}

async fn of_a_group_that_is_assigned_twice_in_one_set_the_last_counts(store: Shared) {
    world(&store).await;
    let (user, team) = (Assignee::User(ADA), Assignee::Team(TEAM));
    let mut uow = begin(&store).await;
    uow.insert_group(&group(2, 2)).await.unwrap();
    let set = [(2, team), (1, user), (1, team), (2, user)];
    let rows = set.map(|(id, who)| assigned(group(id, 0).id, who));
    uow.put_assignments(&rows).await.unwrap();
    uow.commit().await.unwrap();
    for (id, expected) in [(1, team), (2, user)] {
        assert_eq!(store.group(ADAS, group(id, 0).id).await.unwrap().unwrap().assignee, Some(expected));
    }
}

async fn of_a_group_that_is_decided_twice_in_one_set_the_last_counts(store: Shared) {
    world(&store).await;
    let decided = |value| (GROUP, Decision { value, ..decision() });
    let mut uow = begin(&store).await;
    for last in [Some(Assignee::User(ADA)), Some(Assignee::Team(TEAM)), None] {
        let set = [decided(None), decided(Some(Assignee::User(ADA))), decided(last)];
        uow.put_decisions(&set).await.unwrap();
        let state = uow.lock_groups(&[GROUP]).await.unwrap().remove(0);
        assert_eq!(state.decision.map(|decision| decision.value), Some(last));
    }
}

async fn of_a_link_that_is_set_twice_in_one_set_the_last_counts(store: Shared) {
    world(&store).await;
    let who = |id: &str| Some(Unresolved { person: person(Some(id), None), reason: UnresolvedReason::Unknown });
    // Many, so that PostgreSQL does not happen to keep the last one.
    let set: Vec<_> = (100..400).map(|n| (LINK, who(&format!("g{n}")))).collect();
    let issues: [ExternalIssueId; 1] = [ISSUE];
    let mut uow = begin(&store).await;
    uow.insert_mapping(&mapping(6, Some("g6"), None, ADA)).await.unwrap();
    uow.insert_mapping(&mapping(100, Some("g100"), None, BOB)).await.unwrap();
    for last in [who("g5"), None, who("g6")] {
        uow.set_unresolved(&[&set[..], &[(LINK, last.clone())]].concat()).await.unwrap();
        assert_eq!(uow.links_of(&issues).await.unwrap()[0].link.unresolved, last);
        assert!(uow.items_waiting_for(ADAS, &[BOB]).await.unwrap().is_empty());
    }
    assert_eq!(uow.items_waiting_for(ADAS, &[ADA, BOB]).await.unwrap(), [(INTEGRATION, INSTALLATION, ITEM)]);
}

async fn one_who_follows_twice_in_one_set_is_no_conflict(store: Shared) {
    world(&store).await;
    let row = |reason| Follower { group: GROUP, organization: ADAS, who: Assignee::User(ADA), reason, following: true };
    let mut uow = begin(&store).await;
    uow.add_followers(&[row(FollowReason::Assigned), row(FollowReason::Subscribed)]).await.unwrap();
    uow.commit().await.unwrap();
}
