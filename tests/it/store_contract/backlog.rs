//! Routes as they change, and what waits to be told in their summaries.

use super::fixtures::*;
use super::{Shared, on_every_backend};
use handoff_domain::assignee::Assignee;
use handoff_domain::chat::{BacklogEntry, CardPlace, MessageKind, MessageRecord, RouteMode};
use handoff_domain::id::{ActivityId, GroupId, MessageRecordId, RouteId};
use handoff_domain::page::PageRequest;
use std::time::Duration;
use uuid::Uuid;

on_every_backend![
    a_route_is_changed_but_for_where_it_goes,
    routes_are_told_in_pages,
    what_was_told_lately_is_counted_without_cards_and_summaries,
    a_backlog_is_taken_told_and_dropped,
    a_backlog_goes_with_its_groups_and_with_its_route,
    the_cards_of_a_users_groups_are_told_in_pages,
    a_card_that_was_given_up_is_counted_and_forgotten,
];

fn entry(group: GroupId, activity: u128) -> BacklogEntry {
    BacklogEntry { organization: ADAS, route: ROUTE, group, activity: ActivityId::from_uuid(Uuid::from_u128(activity)) }
}

fn summary(id: u128) -> MessageRecordId {
    MessageRecordId::from_uuid(Uuid::from_u128(id))
}

async fn a_route_is_changed_but_for_where_it_goes(store: Shared) {
    world(&store).await;
    let mut changed = store.route(ADAS, ROUTE).await.unwrap().unwrap();
    changed.mode = RouteMode::Thread;
    changed.ids_only = true;
    changed.filter = serde_json::from_str(r#"{"events":["assigned"],"tags":["a"],"area_paths":["S\\T"]}"#).unwrap();
    changed.quiet_hours =
        Some(serde_json::from_str(r#"{"from":"22:00","to":"07:00","time_zone":"Europe/Berlin"}"#).unwrap());
    changed.disabled = Some("off".to_owned());
    let mut uow = begin(&store).await;
    assert!(uow.update_route(&changed).await.unwrap());
    let absent = RouteId::from_uuid(Uuid::from_u128(99));
    assert!(!uow.update_route(&handoff_domain::chat::Route { id: absent, ..changed.clone() }).await.unwrap());
    uow.commit().await.unwrap();
    assert_eq!(store.route(ADAS, ROUTE).await.unwrap(), Some(changed));
}

async fn routes_are_told_in_pages(store: Shared) {
    world(&store).await;
    let mut uow = begin(&store).await;
    for n in 2..=5 {
        uow.insert_route(&route(u128::from(n), 900 + n)).await.unwrap();
    }
    uow.commit().await.unwrap();
    let page = PageRequest { after: None, limit: 3 };
    let first = store.routes(ADAS, PROJECT, page).await.unwrap();
    let page = PageRequest { after: first.items.last().map(|route| route.id), limit: 3 };
    let second = store.routes(ADAS, PROJECT, page).await.unwrap();
    assert_eq!((first.items.len(), first.more, second.items.len(), second.more), (3, true, 2, false));
    assert!(store.routes(BOBS, PROJECT, PageRequest::first()).await.unwrap().items.is_empty());
}

async fn what_was_told_lately_is_counted_without_cards_and_summaries(store: Shared) {
    world(&store).await;
    let mut uow = begin(&store).await;
    let kinds = [MessageKind::Card, MessageKind::Ping, MessageKind::ThreadPost, MessageKind::Summary];
    for (id, kind) in (1_u128..).zip(kinds) {
        for (n, at) in [(0, seconds(0)), (100, seconds(60))] {
            let subject = (id + n).to_string();
            uow.put_message_record(&MessageRecord { kind, subject, nonce_at: at, ..card(id + n) }).await.unwrap();
        }
    }
    assert_eq!(uow.told_since(ROUTE, seconds(-1)).await.unwrap(), 4);
    assert_eq!(uow.told_since(ROUTE, seconds(0)).await.unwrap(), 2);
    assert_eq!(uow.told_since(ROUTE, seconds(60)).await.unwrap(), 0);
    assert_eq!(uow.told_since(RouteId::from_uuid(Uuid::from_u128(99)), seconds(-1)).await.unwrap(), 0);
}

async fn a_backlog_is_taken_told_and_dropped(store: Shared) {
    world(&store).await;
    let other = group(2, 2);
    let mut uow = begin(&store).await;
    uow.insert_group(&other).await.unwrap();
    assert_eq!(uow.take_backlog(ROUTE, summary(7), 10).await.unwrap(), 0);
    uow.put_backlog(&[entry(GROUP, 1), entry(other.id, 2), entry(GROUP, 3)]).await.unwrap();
    uow.put_backlog(&[entry(GROUP, 1)]).await.unwrap();
    assert_eq!(uow.summary_source(ROUTE).await.unwrap().unwrap().taken, None);
    assert_eq!(uow.take_backlog(ROUTE, summary(8), 2).await.unwrap(), 2);
    uow.put_backlog(&[entry(GROUP, 1)]).await.unwrap();
    let taken = uow.summary_source(ROUTE).await.unwrap().unwrap().taken;
    assert_eq!(taken, Some((summary(8), vec![(GROUP, group(1, 1).number), (other.id, 2)])));
    uow.drop_backlog(ROUTE, summary(8)).await.unwrap();
    assert_eq!(uow.summary_source(ROUTE).await.unwrap().unwrap().taken, None);
    assert_eq!(uow.take_backlog(ROUTE, summary(9), 10).await.unwrap(), 1);
    uow.commit().await.unwrap();
}

async fn a_backlog_goes_with_its_groups_and_with_its_route(store: Shared) {
    world(&store).await;
    let other = group(2, 2);
    let mut uow = begin(&store).await;
    uow.insert_group(&other).await.unwrap();
    uow.put_backlog(&[entry(GROUP, 1), entry(other.id, 2)]).await.unwrap();
    uow.delete_groups(&[other.id]).await.unwrap();
    assert_eq!(uow.take_backlog(ROUTE, summary(8), 10).await.unwrap(), 1);
    assert!(uow.delete_route(ADAS, ROUTE).await.unwrap());
    assert_eq!(uow.summary_source(ROUTE).await.unwrap(), None);
    uow.commit().await.unwrap();
}

async fn the_cards_of_a_users_groups_are_told_in_pages(store: Shared) {
    world(&store).await;
    let mut uow = begin(&store).await;
    uow.insert_route(&route(2, 902)).await.unwrap();
    let second = RouteId::from_uuid(Uuid::from_u128(2));
    for (id, who) in
        [(1, Assignee::User(ADA)), (2, Assignee::User(ADA)), (3, Assignee::User(BOB)), (4, Assignee::Team(TEAM))]
    {
        let of = group(id, i64::try_from(id).unwrap());
        if id > 1 {
            uow.insert_group(&of).await.unwrap();
        }
        uow.put_assignments(&[assigned(of.id, who)]).await.unwrap();
        for (n, on) in [(0, ROUTE), (10, second)] {
            let record = MessageRecord { group: of.id, route: on, ..card(id + n) };
            uow.put_message_record(&record).await.unwrap();
        }
    }
    let place = |id: u128, route| CardPlace { group: group(id, 0).id, route, organization: ADAS, project: PROJECT };
    let all = [place(1, ROUTE), place(1, second), place(2, ROUTE), place(2, second)];
    assert_eq!(uow.cards_of_user(ADA, None, 3).await.unwrap(), all[..3]);
    assert_eq!(uow.cards_of_user(ADA, Some(all[2]), 3).await.unwrap(), all[3..]);
    uow.set_route_disabled(second, Some("off".to_owned())).await.unwrap();
    assert_eq!(uow.cards_of_user(ADA, None, 10).await.unwrap(), [all[0], all[2]]);
    uow.commit().await.unwrap();
}

async fn a_card_that_was_given_up_is_counted_and_forgotten(store: Shared) {
    world(&store).await;
    let record = MessageRecord { reposted_at: Some(NOW.minus(Duration::from_secs(1))), given_up: true, ..card(1) };
    let mut uow = begin(&store).await;
    uow.put_message_record(&record).await.unwrap();
    let found = uow.message_record(GROUP, ROUTE, MessageKind::Card, "").await.unwrap();
    assert_eq!(found.as_ref(), Some(&record));
    uow.commit().await.unwrap();
    assert_eq!(store.given_up_cards(ADAS, ROUTE).await.unwrap(), 1);
    assert_eq!(store.given_up_cards(BOBS, ROUTE).await.unwrap(), 0);
    let mut uow = begin(&store).await;
    uow.forget_given_up(ROUTE).await.unwrap();
    let found = uow.message_record(GROUP, ROUTE, MessageKind::Card, "").await.unwrap();
    assert_eq!(found, Some(MessageRecord { reposted_at: None, given_up: false, ..record }));
    uow.commit().await.unwrap();
    assert_eq!(store.given_up_cards(ADAS, ROUTE).await.unwrap(), 0);
}
