//! Who the people of a tracker are, and what a card shows of them.

use super::fixtures::*;
use super::{Shared, on_every_backend};
use handoff_domain::hook::HookStatus;
use handoff_domain::id::UserId;
use handoff_domain::organization::{DiscordUserId, UserEmail};
use handoff_domain::person::Person;
use handoff_domain::port::UnitOfWork;
use handoff_domain::port::store::MatchedBy;
use handoff_domain::text::EmailAddress;

on_every_backend![
    a_person_is_found_by_mapped_identity_by_mapped_name_and_by_a_members_verified_address,
    the_links_that_wait_for_a_person_are_found_by_identity_name_and_address,
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

async fn the_links_that_wait_for_a_person_are_found_by_identity_name_and_address(store: Shared) {
    world(&store).await;
    let mut uow = begin(&store).await;
    for (asked, count) in [
        (person(Some("g1"), None), 1),
        (person(None, Some("eve@example.org")), 1),
        (person(Some("g2"), Some("eve@example.org")), 0),
        (person(None, None), 0),
    ] {
        let found = uow.links_waiting_for(ADAS, INTEGRATION, &asked).await.unwrap();
        assert_eq!(found.len(), count, "{asked:?}");
    }
    let eve = address("eve@example.org");
    assert!(uow.links_waiting_for(BOBS, INTEGRATION, &person(Some("g1"), None)).await.unwrap().is_empty());
    assert_eq!(uow.links_waiting_for_address(ADAS, &eve).await.unwrap()[0].2, ITEM);
    assert!(uow.links_waiting_for_address(BOBS, &eve).await.unwrap().is_empty());
    uow.set_unresolved(&[(LINK, None)]).await.unwrap();
    assert!(uow.links_waiting_for_address(ADAS, &eve).await.unwrap().is_empty());
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
