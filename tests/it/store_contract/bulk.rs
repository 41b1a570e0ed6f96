//! Sets larger than a database binds in one statement (SQLite 32,766 values, PostgreSQL 65,535).

use super::fixtures::*;
use super::{Shared, on_databases};
use handoff_domain::assignee::{Assignee, FollowReason, Follower};
use handoff_domain::id::{ExternalIssueId, GroupId, LinkId, ProjectId, TeamId, UserId, WorkItemNumber};
use handoff_domain::outbox::{Lane, OutboxTask};
use handoff_domain::page::PageRequest;
use handoff_domain::port::Outbox;
use handoff_domain::slug::Slug;
use uuid::Uuid;

/// More ids than SQLite binds. What is right there is right on PostgreSQL: both get the same chunks.
const MANY: u32 = 33_000;
/// Rows of six values and more, which PostgreSQL does not bind together either.
const ROWS: u32 = 11_000;
/// Rows of six values and more, which SQLite does not bind together; fewer, as each is made by itself.
const GROUPS: u32 = 5_500;

on_databases![
    questions_about_more_ids_than_a_statement_binds_are_answered,
    rows_that_bind_more_than_a_statement_does_are_written,
    groups_past_the_limit_are_assigned_touched_locked_and_deleted_in_one_call_each,
];

fn id(n: u32) -> Uuid {
    Uuid::from_u128(u128::from(n))
}

fn ids<T>(make: impl Fn(u32) -> T) -> Vec<T> {
    (1..=MANY).map(make).collect()
}

async fn questions_about_more_ids_than_a_statement_binds_are_answered(store: Shared) {
    world(&store).await;
    let mut uow = begin(&store).await;
    let groups = ids(|n| GroupId::from_uuid(id(n)));
    let issues = ids(|n| ExternalIssueId::from_uuid(id(n)));
    let users = ids(|n| UserId::new(n.into()));
    let pairs = ids(|n| (UserId::new(n.into()), PROJECT));
    assert_eq!(uow.lock_groups(&groups).await.unwrap().len(), 1);
    uow.touch_groups(&groups, seconds(1)).await.unwrap();
    assert_eq!(uow.users(&users).await.unwrap().len(), 2);
    assert_eq!(uow.team_members(&ids(|n| TeamId::new(n.into()))).await.unwrap(), [(TEAM, ADA)]);
    assert_eq!(uow.project_members(&pairs).await.unwrap().len(), 1);
    assert_eq!(uow.project_teams(&ids(|n| (TeamId::new(n.into()), PROJECT))).await.unwrap().len(), 1);
    assert!(uow.muted(&pairs).await.unwrap().is_empty());
    assert_eq!(uow.routes_of(&ids(|n| ProjectId::new(n.into()))).await.unwrap().len(), 1);
    let slugs: Vec<Slug> = (1..=MANY).map(|n| slug(&format!("s{n}"))).chain([slug("mill")]).collect();
    assert_eq!(uow.taken_slugs(ADAS, &slugs).await.unwrap().len(), 1);
    let items = ids(|n| (INTEGRATION, WorkItemNumber::new(n.into())));
    assert_eq!(uow.lock_external_issues(&items).await.unwrap().len(), 1);
    assert_eq!(uow.links_of(&issues).await.unwrap().len(), 1);
    uow.set_unresolved(&ids(|n| (LinkId::from_uuid(id(n)), None))).await.unwrap();
    assert!(uow.unneeded_connections(ADAS, &issues).await.unwrap().is_empty());
    let strangers = ids(|n| (ADAS, INTEGRATION, person(Some(&format!("g{n}")), None)));
    assert_eq!(uow.match_people(&strangers).await.unwrap()[0].question, 6);
    let followers = ids(|n| (GROUP, Assignee::User(UserId::new(n.into()))));
    uow.remove_followers(&followers, FollowReason::Assigned).await.unwrap();
    uow.delete_assignments(&groups).await.unwrap();
    uow.delete_groups(&groups).await.unwrap();
    uow.delete_unlinked_external_issues(&issues).await.unwrap();
    uow.commit().await.unwrap();
    assert!(store.groups(ADAS, PROJECT, PageRequest::first()).await.unwrap().items.is_empty());
}

async fn rows_that_bind_more_than_a_statement_does_are_written(store: Shared) {
    world(&store).await;
    let rows = 2..=ROWS;
    let follower = |n: u32| {
        let who = Assignee::User(UserId::new(n.into()));
        Follower { group: GROUP, organization: ADAS, who, reason: FollowReason::Assigned, following: true }
    };
    let task = |n: u32| OutboxTask::RefreshWorkItem {
        integration: INTEGRATION,
        installation: INSTALLATION,
        work_item: WorkItemNumber::new(n.into()),
    };
    let mut uow = begin(&store).await;
    let issues: Vec<_> = rows.clone().map(|n| issue(n.into(), 1000 + i64::from(n))).collect();
    uow.put_external_issues(&issues).await.unwrap();
    uow.insert_activities(&rows.clone().map(|n| activity(n.into())).collect::<Vec<_>>()).await.unwrap();
    uow.add_followers(&rows.clone().map(follower).collect::<Vec<_>>()).await.unwrap();
    uow.arm(&rows.clone().map(|n| arm(n.into(), task(n))).collect::<Vec<_>>()).await.unwrap();
    uow.commit().await.unwrap();
    let mut uow = begin(&store).await;
    let keys: Vec<_> = issues.iter().map(|issue| (INTEGRATION, issue.number)).collect();
    assert_eq!(uow.lock_external_issues(&keys).await.unwrap(), issues);
    drop(uow);
    let claimed = Outbox::claim(&*store, Lane::Tracker, NOW, seconds(60), u16::MAX).await.unwrap();
    let armed_before = 1;
    assert_eq!(claimed.len() + armed_before, usize::try_from(ROWS).unwrap(), "the first is the card of the world");
    assert!(claimed.is_sorted_by(|one, next| one.token < next.token));
}

async fn groups_past_the_limit_are_assigned_touched_locked_and_deleted_in_one_call_each(store: Shared) {
    people(&store).await;
    let groups: Vec<GroupId> = (1..=GROUPS).map(|n| GroupId::from_uuid(id(n))).collect();
    let mut uow = begin(&store).await;
    for (n, _) in (1..).zip(&groups) {
        uow.insert_group(&group(n, i64::try_from(n).unwrap())).await.unwrap();
    }
    let to = |assignee| groups.iter().map(|group| assigned(*group, assignee)).collect::<Vec<_>>();
    uow.put_assignments(&to(Assignee::User(ADA))).await.unwrap();
    uow.put_assignments(&to(Assignee::Team(TEAM))).await.unwrap();
    let decided: Vec<_> = groups.iter().map(|group| (*group, decision())).collect();
    uow.put_decisions(&decided).await.unwrap();
    uow.touch_groups(&groups, seconds(9)).await.unwrap();
    let states = uow.lock_groups(&groups).await.unwrap();
    assert_eq!(states.iter().map(|state| state.group.id).collect::<Vec<_>>(), groups);
    assert!(states.iter().all(|state| state.assignee == Some(Assignee::Team(TEAM))));
    assert!(states.iter().all(|state| state.decision == Some(decision())));
    assert!(states.iter().all(|state| state.group.last_event_at == seconds(9)));
    uow.delete_groups(&groups).await.unwrap();
    assert!(uow.lock_groups(&groups).await.unwrap().is_empty());
}
