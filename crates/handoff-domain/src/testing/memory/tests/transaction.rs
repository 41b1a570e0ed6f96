//! Transactions, conflicts and ids.

use super::super::Transaction;
use super::*;
use crate::assignee::{FollowReason, Follower};
use crate::organization::{DiscordUserId, UserEmail};
use crate::page::PageRequest;
use crate::port::store::{GroupTx, StoreResult};
use crate::port::{Inbox, Reader, StoreError};
use crate::text::EmailAddress;
use futures::FutureExt;

#[tokio::test]
async fn a_transaction_that_is_dropped_leaves_nothing_behind() {
    let store = world().await;
    let mut uow = begin(&store).await;
    uow.insert_project(&project(0, "loom")).await.unwrap();
    uow.delete_assignments(&[GROUP]).await.unwrap();
    uow.arm(&[arm(2, OutboxTask::DeleteSubscription { hook: HOOK })]).await.unwrap();
    drop(uow);
    assert_eq!(store.projects(ADAS, PageRequest::first()).await.unwrap().items.len(), 1);
    assert_eq!(store.group(ADAS, GROUP).await.unwrap().unwrap().assignee, Some(Assignee::User(ADA)));
    assert_eq!(store.outbox(ADAS, None, PageRequest::first()).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn what_an_open_transaction_wrote_is_seen_in_it_and_by_nobody_else_until_the_commit() {
    let store = people().await;
    let mut uow = begin(&store).await;
    uow.set_user_active(ADA, false).await.unwrap();
    assert!(!uow.users(&[ADA]).await.unwrap()[0].active);
    assert!(store.member(ADAS, ADA).await.unwrap().unwrap().user.active);
    uow.commit().await.unwrap();
    assert!(!store.member(ADAS, ADA).await.unwrap().unwrap().user.active);
}

#[tokio::test]
async fn a_second_writer_waits_for_the_first() {
    let store = people().await;
    let first = begin(&store).await;
    let mut second = store.begin();
    assert!((&mut second).now_or_never().is_none());
    assert!(Inbox::purge(&store, NOW, 1).now_or_never().is_none());
    drop(first);
    assert!(second.now_or_never().is_some());
}

#[tokio::test]
async fn an_id_of_zero_is_given_one_that_nobody_has() {
    let store = people().await;
    let mut uow = begin(&store).await;
    let given = uow.insert_project(&project(0, "loom")).await.unwrap();
    assert!(given > PROJECT);
    assert_eq!(uow.insert_project(&project(1000, "card")).await.unwrap(), ProjectId::new(1000));
    assert!(uow.insert_project(&project(0, "punch")).await.unwrap() > ProjectId::new(1000));
    uow.commit().await.unwrap();
    assert_eq!(store.project(ADAS, given).await.unwrap().unwrap().id, given);
}

#[tokio::test]
async fn every_conflict_says_which_rule_it_broke() {
    fn rule<T>(done: StoreResult<T>) -> String {
        match done {
            Err(StoreError::Conflict { constraint }) => constraint,
            _ => "no conflict".to_owned(),
        }
    }
    let store = world().await;
    let mut uow = begin(&store).await;
    let address = EmailAddress::parse("ada@example.org").unwrap();
    let email = |user| UserEmail { user, address: address.clone(), verified: true };
    let discord = DiscordUserId::new(9);
    uow.put_user_email(&email(ADA)).await.unwrap();
    uow.set_user_discord(ADA, discord).await.unwrap();
    let broken = [
        ("organization_pkey", rule(uow.insert_organization(&organization(1, "others")).await)),
        ("organization_slug", rule(uow.insert_organization(&organization(0, "adas")).await)),
        ("user_pkey", rule(uow.insert_user(&user(3, "Eve")).await)),
        ("user_discord", rule(uow.set_user_discord(BOB, discord).await)),
        ("user_email_verified", rule(uow.put_user_email(&email(BOB)).await)),
        ("team_pkey", rule(uow.insert_team(&team(5, ADAS, "others")).await)),
        ("team_slug", rule(uow.insert_team(&team(0, ADAS, "engines")).await)),
        ("project_pkey", rule(uow.insert_project(&project(6, "loom")).await)),
        ("project_slug", rule(uow.insert_project(&project(0, "mill")).await)),
        ("installation_integration", rule(uow.insert_installation(&installation(2, ADAS)).await)),
        ("external_issue_number", rule(uow.put_external_issues(&[issue(2, ITEM.get())]).await)),
        ("group_link_pair", rule(uow.insert_link(&link(2, GROUP, ISSUE)).await)),
        ("identity_mapping_identity", rule(uow.insert_mapping(&mapping(2, Some("g7"), None, BOB)).await)),
        ("guild_pkey", rule(uow.insert_guild(&guild()).await)),
        ("route_channel", rule(uow.insert_route(&route(2, 1)).await)),
        ("message_subject", rule(uow.put_message_record(&card(2)).await)),
    ];
    for (expected, said) in broken {
        assert_eq!(said, expected);
    }
    assert_eq!(rule(uow.insert_team(&team(0, BOBS, "engines")).await), "no conflict");
    assert_eq!(rule(uow.insert_mapping(&mapping(2, Some("g8"), None, ADA)).await), "no conflict");
    assert_eq!(rule(uow.set_user_discord(ADA, discord).await), "no conflict");
}

#[tokio::test]
async fn the_last_event_never_moves_backwards_and_numbers_are_not_given_twice() {
    let store = people().await;
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

#[tokio::test]
async fn who_follows_already_stays_as_they_are_and_goes_only_for_their_own_reason() {
    let mut uow = people().await.transaction().await;
    let who = Assignee::User(ADA);
    let row = |reason| Follower { group: GROUP, organization: ADAS, who, reason, following: true };
    let reason = |uow: &Transaction| uow.state.followers.get(&(GROUP, who)).map(|row| row.reason);
    uow.add_followers(&[row(FollowReason::Subscribed), row(FollowReason::Assigned)]).await.unwrap();
    uow.remove_followers(&[(GROUP, who)], FollowReason::Assigned).await.unwrap();
    assert_eq!(reason(&uow), Some(FollowReason::Subscribed));
    uow.remove_followers(&[(GROUP, who)], FollowReason::Subscribed).await.unwrap();
    assert_eq!(reason(&uow), None);
    uow.add_followers(&[row(FollowReason::Assigned)]).await.unwrap();
    uow.remove_followers(&[(GROUP, who)], FollowReason::Assigned).await.unwrap();
    assert_eq!(reason(&uow), None);
}
