//! Transactions, conflicts and ids.

use super::fixtures::*;
use super::{Shared, on_every_backend};
use handoff_domain::assignee::Assignee;
use handoff_domain::id::{MAX_SAFE_INTEGER, ProjectId};
use handoff_domain::organization::{DiscordUserId, UserEmail};
use handoff_domain::outbox::OutboxTask;
use handoff_domain::page::PageRequest;
use handoff_domain::port::StoreError;
use handoff_domain::port::store::StoreResult;
use handoff_domain::text::EmailAddress;

on_every_backend![
    a_transaction_that_is_dropped_leaves_nothing_behind,
    what_an_open_transaction_wrote_is_seen_in_it_and_by_nobody_else_until_the_commit,
    an_id_of_zero_is_given_one_that_nobody_has,
    the_largest_id_is_kept_and_counting_goes_on_after_it,
    every_conflict_says_which_rule_it_broke,
    a_commit_after_a_conflict_keeps_what_came_before_or_says_that_it_did_not,
    the_last_event_never_moves_backwards_and_numbers_are_not_given_twice,
];

async fn a_transaction_that_is_dropped_leaves_nothing_behind(store: Shared) {
    world(&store).await;
    let mut uow = begin(&store).await;
    uow.insert_project(&project(0, "loom")).await.unwrap();
    uow.delete_assignments(&[GROUP]).await.unwrap();
    uow.arm(&[arm(2, OutboxTask::DeleteSubscription { hook: HOOK })]).await.unwrap();
    drop(uow);
    assert_eq!(store.projects(ADAS, PageRequest::first()).await.unwrap().items.len(), 1);
    assert_eq!(store.group(ADAS, GROUP).await.unwrap().unwrap().assignee, Some(Assignee::User(ADA)));
    assert_eq!(store.outbox(ADAS, None, PageRequest::first()).await.unwrap().items.len(), 1);
}

async fn what_an_open_transaction_wrote_is_seen_in_it_and_by_nobody_else_until_the_commit(store: Shared) {
    people(&store).await;
    let mut uow = begin(&store).await;
    uow.set_user_active(ADA, false).await.unwrap();
    assert!(!uow.users(&[ADA]).await.unwrap()[0].active);
    assert!(store.member(ADAS, ADA).await.unwrap().unwrap().user.active);
    uow.commit().await.unwrap();
    assert!(!store.member(ADAS, ADA).await.unwrap().unwrap().user.active);
}

async fn an_id_of_zero_is_given_one_that_nobody_has(store: Shared) {
    people(&store).await;
    let mut uow = begin(&store).await;
    let given = uow.insert_project(&project(0, "loom")).await.unwrap();
    assert!(given > PROJECT);
    assert_eq!(uow.insert_project(&project(1000, "card")).await.unwrap(), ProjectId::new(1000));
    assert!(uow.insert_project(&project(0, "punch")).await.unwrap() > ProjectId::new(1000));
    uow.commit().await.unwrap();
    assert_eq!(store.project(ADAS, given).await.unwrap().unwrap().id, given);
    let mut uow = begin(&store).await;
    let organization = uow.insert_organization(&organization(0, "others")).await.unwrap();
    let user = uow.insert_user(&user(0, "Eve")).await.unwrap();
    let team = uow.insert_team(&team(0, organization, "others")).await.unwrap();
    assert!(organization > BOBS && user > BOB && team > TEAM);
}

async fn the_largest_id_is_kept_and_counting_goes_on_after_it(store: Shared) {
    people(&store).await;
    let mut uow = begin(&store).await;
    let largest = ProjectId::new(MAX_SAFE_INTEGER);
    let kept = uow.insert_project(&project(largest.get(), "loom")).await.unwrap();
    assert_eq!(kept, largest);
    assert!(uow.insert_project(&project(0, "punch")).await.unwrap() > largest);
}

async fn every_conflict_says_which_rule_it_broke(store: Shared) {
    fn rule<T>(done: StoreResult<T>) -> String {
        match done {
            Err(StoreError::Conflict { constraint }) => constraint,
            Err(other) => other.to_string(),
            Ok(_) => "no conflict".to_owned(),
        }
    }
    // In a unit of its own: a conflict may have spoilt the one it happened in.
    macro_rules! broken_by {
        ($method:ident($($argument:expr),+)) => {{
            let mut uow = begin(&store).await;
            rule(uow.$method($($argument),+).await)
        }};
    }
    world(&store).await;
    let address = EmailAddress::parse("ada@example.org").unwrap();
    let email = |user| UserEmail { user, address: address.clone(), verified: true };
    let discord = DiscordUserId::new(9);
    let mut uow = begin(&store).await;
    uow.put_user_email(&email(ADA)).await.unwrap();
    uow.set_user_discord(ADA, discord).await.unwrap();
    uow.insert_mapping(&mapping(3, None, Some("corp\\ada"), ADA)).await.unwrap();
    uow.insert_token(&token(1)).await.unwrap();
    uow.commit().await.unwrap();
    let broken = [
        ("organization_pkey", broken_by!(insert_organization(&organization(1, "others")))),
        ("organization_slug", broken_by!(insert_organization(&organization(0, "adas")))),
        ("user_pkey", broken_by!(insert_user(&user(3, "Eve")))),
        ("user_discord", broken_by!(set_user_discord(BOB, discord))),
        ("user_email_verified", broken_by!(put_user_email(&email(BOB)))),
        ("team_pkey", broken_by!(insert_team(&team(5, ADAS, "others")))),
        ("team_slug", broken_by!(insert_team(&team(0, ADAS, "engines")))),
        ("project_pkey", broken_by!(insert_project(&project(6, "loom")))),
        ("project_slug", broken_by!(insert_project(&project(0, "mill")))),
        ("installation_integration", broken_by!(insert_installation(&installation(2, ADAS)))),
        ("external_issue_number", broken_by!(put_external_issues(&[issue(2, ITEM.get())]))),
        ("group_link_pair", broken_by!(insert_link(&link(2, GROUP, ISSUE)))),
        ("identity_mapping_identity", broken_by!(insert_mapping(&mapping(2, Some("g7"), None, BOB)))),
        ("identity_mapping_identity", broken_by!(insert_mapping(&mapping(2, None, Some("corp\\ada"), BOB)))),
        ("guild_pkey", broken_by!(insert_guild(&guild()))),
        ("route_channel", broken_by!(insert_route(&route(2, 1)))),
        ("message_subject", broken_by!(put_message_record(&card(2)))),
        ("api_token_digest", broken_by!(insert_token(&token(2)))),
    ];
    for (expected, said) in broken {
        assert_eq!(said, expected);
    }
    let fine = [
        broken_by!(insert_team(&team(0, BOBS, "engines"))),
        broken_by!(insert_mapping(&mapping(2, Some("g8"), None, ADA))),
        broken_by!(insert_mapping(&mapping(2, Some("g8"), Some("corp\\ada"), ADA))),
        broken_by!(set_user_discord(ADA, discord)),
        broken_by!(put_user_email(&UserEmail { verified: false, ..email(BOB) })),
    ];
    assert_eq!(fine, ["no conflict"; 5]);
}

async fn a_commit_after_a_conflict_keeps_what_came_before_or_says_that_it_did_not(store: Shared) {
    people(&store).await;
    let mut uow = begin(&store).await;
    let loom = uow.insert_project(&project(0, "loom")).await.unwrap();
    let taken = uow.insert_project(&project(0, "mill")).await;
    assert!(taken.is_err_and(|error| error.is_conflict_with("project_slug")));
    let committed = uow.commit().await.is_ok();
    assert_eq!(store.project(ADAS, loom).await.unwrap().is_some(), committed);
}

async fn the_last_event_never_moves_backwards_and_numbers_are_not_given_twice(store: Shared) {
    people(&store).await;
    let mut uow = begin(&store).await;
    uow.insert_group(&group(1, 1)).await.unwrap();
    uow.touch_groups(&[GROUP], seconds(5)).await.unwrap();
    uow.touch_groups(&[GROUP], seconds(2)).await.unwrap();
    assert_eq!(uow.lock_groups(&[GROUP, GROUP]).await.unwrap()[0].group.last_event_at, seconds(5));
    assert_eq!(uow.groups_seen_since(PROJECT, seconds(5), None, 10).await.unwrap(), [GROUP]);
    assert!(uow.groups_seen_since(PROJECT, seconds(6), None, 10).await.unwrap().is_empty());
    assert!(uow.groups_seen_since(PROJECT, NOW, Some(GROUP), 10).await.unwrap().is_empty());
    let numbers = [uow.next_group_number(PROJECT).await.unwrap(), uow.next_group_number(PROJECT).await.unwrap()];
    assert_eq!(numbers, [Some(1), Some(2)]);
    assert_eq!(uow.next_group_number(ProjectId::new(99)).await.unwrap(), None);
}
