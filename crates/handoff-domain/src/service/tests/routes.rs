//! Routes: one that is switched on again brings the cards it has up to date, in the same unit of work.

use super::fixtures::{NOW, ORGANIZATION, PROJECT, commits, disk_full, essentials, reader, store, unless};
use crate::chat::{Guild, Route, RouteMode};
use crate::id::{GroupId, RouteId};
use crate::organization::{ChannelId, GuildId};
use crate::outbox::{OutboxTask, Released};
use crate::port::chat::ChannelDescription;
use crate::route::RouteFilter;
use crate::service::UseCaseError;
use crate::service::routes::{RouteChange, Routes};
use crate::testing::{MockChatMessenger, MockUnitOfWork};
use crate::text::Name;
use std::sync::Arc;
use uuid::Uuid;

/// As many groups as are armed at once, and one more.
const GROUPS: u128 = 201;

fn route(disabled: bool) -> Route {
    Route {
        id: RouteId::from_uuid(Uuid::from_u128(7)),
        organization: ORGANIZATION,
        project: PROJECT,
        guild: GuildId::new(5).unwrap(),
        channel: ChannelId::new(6).unwrap(),
        mode: RouteMode::Card,
        ids_only: false,
        filter: RouteFilter::default(),
        quiet_hours: None,
        disabled: disabled.then(|| "off".to_owned()),
        created_at: NOW,
    }
}

async fn switched(on: bool, uows: Vec<MockUnitOfWork>, wakes: bool) -> Result<Route, UseCaseError> {
    let mut chat = MockChatMessenger::new();
    chat.expect_describe_channel().returning(|_| {
        let (name, guild) = ("issues".to_owned(), GuildId::new(5).unwrap());
        Ok(Some(ChannelDescription { guild, name, unusable: None, no_threads: None, visible_to_everyone: false }))
    });
    let mut reader = reader();
    reader.expect_route().returning(move |_, _| Ok(Some(route(on))));
    reader.expect_guilds().returning(|organization| {
        let (id, name) = (GuildId::new(5).unwrap(), Name::parse("The guild").unwrap());
        Ok(vec![Guild { id, organization, name, created_at: NOW }])
    });
    let service = Routes { base: essentials(store(uows), reader, wakes), chat: Arc::new(chat) };
    let change = RouteChange { enabled: Some(on), ..RouteChange::default() };
    service.change(ORGANIZATION, route(on).id, &change).await.map(|saved| saved.route)
}

/// What waits on the route is looked at anew.
fn releases(uow: &mut MockUnitOfWork, fails: &'static str) {
    uow.expect_release()
        .withf(|organization, rows, at| {
            (*organization, *rows, *at) == (ORGANIZATION, Released::telling(route(true).id), NOW)
        })
        .times(1)
        .returning(move |_, _, _| unless(fails, "release"));
}

fn enabling(fails: &'static str) -> MockUnitOfWork {
    let mut uow = MockUnitOfWork::new();
    uow.expect_update_route().withf(|route| route.disabled.is_none()).returning(|_| Ok(true));
    releases(&mut uow, fails);
    uow.expect_forget_given_up().returning(|_| Ok(()));
    uow.expect_arm()
        .withf(|rows| matches!(rows, [row] if matches!(row.task, OutboxTask::Summary { .. })))
        .times(usize::from(fails != "release"))
        .returning(|_| Ok(()));
    uow.expect_groups_with_card().returning(move |_, after, limit| {
        let first = after.map_or(1, |after| after.get().as_u128() + 1);
        let groups = (first..=GROUPS).map(|n| GroupId::from_uuid(Uuid::from_u128(n)));
        unless(fails, "groups").map(|()| groups.take(usize::from(limit)).collect())
    });
    uow.expect_arm()
        .withf(|rows| {
            rows.len() <= 200
                && rows.iter().all(|row| {
                    matches!(row.task, OutboxTask::Card { route: on, .. } if on == route(true).id)
                        && row.project == Some(PROJECT)
                })
        })
        .times(if fails.is_empty() { 2..=2 } else { 0..=2 })
        .returning(move |_| unless(fails, "arm"));
    commits(&mut uow, fails);
    uow
}

#[tokio::test]
async fn switching_a_route_on_arms_the_cards_that_it_has_in_bounded_batches() {
    assert_eq!(switched(true, vec![enabling("")], true).await, Ok(route(false)));
}

#[tokio::test]
async fn where_the_cards_cannot_be_armed_the_route_stays_off() {
    for fails in ["release", "groups", "arm", "commit"] {
        assert_eq!(
            switched(true, vec![enabling(fails)], false).await,
            Err(UseCaseError::Store(disk_full())),
            "{fails}"
        );
    }
}

#[tokio::test]
async fn switching_a_route_off_arms_nothing() {
    let mut uow = MockUnitOfWork::new();
    uow.expect_update_route().withf(|route| route.disabled.is_some()).times(1).returning(|_| Ok(true));
    releases(&mut uow, "");
    commits(&mut uow, "");
    assert!(switched(false, vec![uow], true).await.unwrap().disabled.is_some());
}
