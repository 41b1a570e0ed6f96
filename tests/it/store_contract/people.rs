//! Who the people of a tracker are, and what a card shows of them.

use super::fixtures::*;
use super::{Shared, on_every_backend};
use handoff_domain::assignee::{Assignee, Decision};
use handoff_domain::hook::HookStatus;
use handoff_domain::id::UserId;
use handoff_domain::organization::{DiscordUserId, UserEmail};
use handoff_domain::person::{Person, Unresolved, UnresolvedReason};
use handoff_domain::port::UnitOfWork;
use handoff_domain::port::store::MatchedBy;
use handoff_domain::text::EmailAddress;

on_every_backend![
    a_person_is_found_by_mapped_identity_by_mapped_name_and_by_a_members_verified_address,
    the_work_items_that_wait_for_people_are_found_by_identity_name_and_verified_address,
    the_work_items_in_trouble_are_found_by_whom_their_groups_decided_on_if_they_are_known,
    a_card_shows_the_group_its_assignee_and_its_work_items_by_number,
    a_deleted_hook_still_answers_to_its_webhook_and_to_nobody_else,
];

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

/// Who the people are, by name and id of the question asked of Ada's organization.
async fn matched(uow: &mut dyn UnitOfWork, person: Person) -> Vec<(UserId, MatchedBy)> {
    let nobody = (ADAS, INTEGRATION, self::person(None, Some("nobody@example.org")));
    let found = uow.match_people(&[nobody, (ADAS, INTEGRATION, person)]).await.unwrap();
    assert!(found.iter().all(|one| one.question == 1));
    let mut found: Vec<_> = found.into_iter().map(|one| (one.user, one.by)).collect();
    found.sort_unstable_by_key(|(_, by)| *by);
    found
}

async fn a_person_is_found_by_mapped_identity_by_mapped_name_and_by_a_members_verified_address(store: Shared) {
    tracker(&store).await;
    let mut uow = begin(&store).await;
    let uow = uow.as_mut();
    uow.insert_mapping(&mapping(1, Some("g1"), Some("ada@example.org"), ADA)).await.unwrap();
    uow.insert_mapping(&mapping(2, None, Some("corp\\bob"), BOB)).await.unwrap();
    for (user, own, verified) in [(ADA, "ada@example.org", true), (ADA, "new@example.org", false)] {
        uow.put_user_email(&UserEmail { user, address: address(own), verified }).await.unwrap();
    }
    let foreign = UserEmail { user: BOB, address: address("bob@example.org"), verified: true };
    uow.put_user_email(&foreign).await.unwrap();
    let by_address = (ADA, MatchedBy::Address);
    for (asked, found) in [
        (person(Some("g1"), None), vec![(ADA, MatchedBy::IdentityId)]),
        (person(None, Some("ada@example.org")), vec![(ADA, MatchedBy::UniqueName), by_address]),
        (person(Some("g2"), Some("ada@example.org")), vec![by_address]),
        (person(Some("g2"), Some("corp\\bob")), vec![(BOB, MatchedBy::UniqueName)]),
        (person(None, Some("new@example.org")), vec![]),
        (person(None, Some("bob@example.org")), vec![]),
        (person(None, None), vec![]),
    ] {
        assert_eq!(matched(uow, asked.clone()).await, found, "{asked:?}");
    }
    let of_bobs = [(BOBS, INTEGRATION, person(Some("g1"), None))];
    assert!(uow.match_people(&of_bobs).await.unwrap().is_empty());
}

/// Whether the one work item waits for one of these users of Ada's organization.
async fn waits_for(uow: &mut dyn UnitOfWork, users: &[UserId]) -> bool {
    let found = uow.items_waiting_for(ADAS, users).await.unwrap();
    assert!(found.is_empty() || found == [(INTEGRATION, INSTALLATION, ITEM)], "{found:?}");
    !found.is_empty()
}

async fn the_work_items_that_wait_for_people_are_found_by_identity_name_and_verified_address(store: Shared) {
    world(&store).await;
    let mut uow = begin(&store).await;
    let uow = uow.as_mut();
    assert!(!waits_for(uow, &[ADA]).await);
    for (mapped, waits) in [
        (mapping(2, Some("g1"), None, ADA), true),
        (mapping(2, None, Some("eve@example.org"), ADA), true),
        (mapping(2, Some("g2"), Some("eve@example.org"), ADA), false),
        (mapping(2, Some("g1"), None, BOB), false),
    ] {
        uow.insert_mapping(&mapped).await.unwrap();
        assert_eq!(waits_for(uow, &[ADA]).await, waits, "{mapped:?}");
        assert!(uow.items_waiting_for(BOBS, &[ADA]).await.unwrap().is_empty());
        assert!(uow.delete_mapping(ADAS, mapped.id).await.unwrap());
    }
    for (verified, waits) in [(false, false), (true, true)] {
        let email = UserEmail { user: ADA, address: address("eve@example.org"), verified };
        uow.put_user_email(&email).await.unwrap();
        assert_eq!(waits_for(uow, &[BOB, ADA]).await, waits);
    }
    assert!(!waits_for(uow, &[BOB]).await);
    assert!(!waits_for(uow, &[]).await);
    uow.set_unresolved(&[(LINK, None)]).await.unwrap();
    assert!(!waits_for(uow, &[ADA]).await);
    let nameless = Unresolved { person: person(None, Some("eve@example.org")), reason: UnresolvedReason::Unknown };
    uow.set_unresolved(&[(LINK, Some(nameless))]).await.unwrap();
    uow.insert_mapping(&mapping(2, Some("g2"), Some("eve@example.org"), BOB)).await.unwrap();
    assert!(waits_for(uow, &[BOB]).await, "only one of the two has an identity id");
}

async fn the_work_items_in_trouble_are_found_by_whom_their_groups_decided_on_if_they_are_known(store: Shared) {
    world(&store).await;
    let mut uow = begin(&store).await;
    let item = [(INTEGRATION, INSTALLATION, ITEM)];
    let decided = |user| (GROUP, Decision { value: Some(Assignee::User(user)), ..decision() });
    uow.put_decisions(&[decided(ADA)]).await.unwrap();
    assert!(uow.troubled_items(ADAS, &[ADA]).await.unwrap().is_empty(), "no trouble");
    uow.set_problems(&[(LINK, Some("nobody".to_owned()))]).await.unwrap();
    assert_eq!(uow.troubled_items(ADAS, &[BOB, ADA]).await.unwrap(), item);
    assert!(uow.troubled_items(ADAS, &[BOB]).await.unwrap().is_empty());
    assert!(uow.troubled_items(BOBS, &[ADA]).await.unwrap().is_empty());
    uow.put_decisions(&[decided(BOB)]).await.unwrap();
    assert!(uow.troubled_items(ADAS, &[ADA]).await.unwrap().is_empty(), "it is about somebody else");
    assert!(uow.troubled_items(ADAS, &[BOB]).await.unwrap().is_empty(), "nobody knows who Bob is");
    uow.put_user_email(&UserEmail { user: BOB, address: address("bob@example.org"), verified: true }).await.unwrap();
    assert_eq!(uow.troubled_items(ADAS, &[BOB]).await.unwrap(), item);
}

async fn a_card_shows_the_group_its_assignee_and_its_work_items_by_number(store: Shared) {
    world(&store).await;
    let mut uow = begin(&store).await;
    let discord = DiscordUserId::new(9);
    uow.set_user_discord(ADA, discord).await.unwrap();
    uow.put_external_issues(&[issue(2, 7)]).await.unwrap();
    uow.insert_link(&link(2, GROUP, issue(2, 7).id)).await.unwrap();
    let source = uow.card_source(GROUP, ROUTE).await.unwrap().unwrap();
    assert_eq!((source.assignee_name.as_deref(), source.assignee_discord), (Some("Ada"), discord));
    let numbers: Vec<i64> = source.work_items.iter().map(|(issue, _)| issue.number.get()).collect();
    assert_eq!((numbers, source.record), (vec![7, 42], Some(card(1))));
    assert_eq!(uow.card_source(GROUP, route(9, 9).id).await.unwrap(), None);
    assert!(uow.delete_route(ADAS, ROUTE).await.unwrap());
    uow.insert_route(&route(1, 1)).await.unwrap();
    assert_eq!(uow.card_source(GROUP, ROUTE).await.unwrap().unwrap().record, None);
    uow.set_route_disabled(ROUTE, Some("gone".to_owned())).await.unwrap();
    assert!(uow.routes_of(&[PROJECT]).await.unwrap().is_empty());
}

async fn a_deleted_hook_still_answers_to_its_webhook_and_to_nobody_else(store: Shared) {
    world(&store).await;
    let mut uow = begin(&store).await;
    uow.put_hook(&hook(HookStatus::Deleting)).await.unwrap();
    assert_eq!(uow.lock_hooks(INSTALLATION, &azure_project()).await.unwrap().len(), 1);
    uow.put_hook(&hook(HookStatus::Deleted)).await.unwrap();
    assert!(uow.lock_hooks(INSTALLATION, &azure_project()).await.unwrap().is_empty());
    uow.commit().await.unwrap();
    assert!(store.hooks(ADAS, INSTALLATION).await.unwrap().is_empty());
    assert_eq!(store.hook(HOOK).await.unwrap().map(|(_, collection)| collection).as_deref(), Some("c"));
}
