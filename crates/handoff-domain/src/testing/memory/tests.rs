//! What is true of the store in memory only, or seen only from inside it. The rules of every store are
//! in `tests/it/store_contract`.

mod doubles;

use super::{MemoryStore, Transaction};
use crate::assignee::{Assignee, FollowReason, Follower};
use crate::id::{GroupId, OrganizationId, UserId};
use crate::port::store::GroupTx;
use crate::port::{Inbox, Store};
use crate::time::Timestamp;
use futures::FutureExt;
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const GROUP: GroupId = GroupId::from_uuid(Uuid::from_u128(1));

#[tokio::test]
async fn a_second_writer_waits_for_the_first() {
    let store = MemoryStore::new();
    let first = store.begin().await.unwrap();
    let mut second = store.begin();
    assert!((&mut second).now_or_never().is_none());
    assert!(Inbox::purge(&store, NOW, 1).now_or_never().is_none());
    drop(first);
    assert!(second.now_or_never().is_some());
}

#[tokio::test]
async fn who_follows_already_stays_as_they_are_and_goes_only_for_their_own_reason() {
    let mut uow = MemoryStore::new().transaction().await;
    let (organization, who) = (OrganizationId::new(1), Assignee::User(UserId::new(3)));
    let row = |reason| Follower { group: GROUP, organization, who, reason, following: true };
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
