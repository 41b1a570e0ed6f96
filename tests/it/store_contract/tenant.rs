//! What the reader shows, to whom, and in which order.

use super::fixtures::*;
use super::{Shared, on_every_backend};
use handoff_domain::id::OrganizationId;
use handoff_domain::integration::{ConnectedProject, Toggles};
use handoff_domain::organization::UserEmail;
use handoff_domain::page::{Page, PageRequest};
use handoff_domain::port::store::StoreResult;
use handoff_domain::secret::Sealed;
use handoff_domain::text::EmailAddress;

on_every_backend![
    an_organization_sees_its_own_and_another_sees_nothing_of_it,
    an_organization_does_not_change_what_is_anothers,
    a_delivery_is_seen_by_everyone_who_connected_its_project_for_as_long_as_they_do,
    lists_go_by_id_and_histories_and_deliveries_newest_first_a_page_at_a_time,
    a_member_is_shown_with_their_addresses,
];

/// How much of every query about one of Ada's things this organization is shown.
async fn shown(store: &Shared, to: OrganizationId) -> Vec<(&'static str, usize)> {
    fn page<T>(found: StoreResult<Page<T>>) -> usize {
        found.unwrap().items.len()
    }
    let (row, of_item) = (delivery(1, 42).id, azure_project());
    vec![
        ("member", usize::from(store.member(to, ADA).await.unwrap().is_some())),
        ("teams", page(store.teams(to, PageRequest::first()).await)),
        ("team", usize::from(store.team(to, TEAM).await.unwrap().is_some())),
        ("team_users", page(store.team_users(to, TEAM, PageRequest::first()).await)),
        ("projects", page(store.projects(to, PageRequest::first()).await)),
        ("project", usize::from(store.project(to, PROJECT).await.unwrap().is_some())),
        ("project_by_slug", usize::from(store.project_by_slug(to, &slug("mill")).await.unwrap().is_some())),
        ("project_teams", store.project_teams(to, PROJECT).await.unwrap().len()),
        ("groups", page(store.groups(to, PROJECT, PageRequest::first()).await)),
        ("group", usize::from(store.group(to, GROUP).await.unwrap().is_some())),
        ("activities", page(store.activities(to, GROUP, PageRequest::first()).await)),
        ("integrations", page(store.integrations(to, PageRequest::first()).await)),
        ("installations", page(store.installations(to, PageRequest::first()).await)),
        ("installation", usize::from(store.installation(to, INSTALLATION).await.unwrap().is_some())),
        ("connected_projects", store.connected_projects(to, INSTALLATION).await.unwrap().len()),
        ("hooks", store.hooks(to, INSTALLATION).await.unwrap().len()),
        ("links", store.links(to, GROUP).await.unwrap().len()),
        ("link", usize::from(store.link(to, LINK).await.unwrap().is_some())),
        ("linked_work_items", store.linked_work_items(to, INTEGRATION, &of_item, None, 9).await.unwrap().len()),
        ("unresolved_links", page(store.unresolved_links(to, PageRequest::first()).await)),
        ("mappings", page(store.mappings(to, PageRequest::first()).await)),
        ("guilds", store.guilds(to).await.unwrap().len()),
        ("routes", store.routes(to, PROJECT).await.unwrap().len()),
        ("route", usize::from(store.route(to, ROUTE).await.unwrap().is_some())),
        ("deliveries", page(store.deliveries(to, None, PageRequest::first()).await)),
        ("delivery", usize::from(store.delivery(to, row).await.unwrap().is_some())),
        ("outbox", page(store.outbox(to, None, PageRequest::first()).await)),
    ]
}

async fn an_organization_sees_its_own_and_another_sees_nothing_of_it(store: Shared) {
    world(&store).await;
    for (query, count) in shown(&store, ADAS).await {
        assert_eq!(count, 1, "{query} of its own");
    }
    for (query, count) in shown(&store, BOBS).await {
        assert_eq!(count, 0, "{query} of another's");
    }
}

async fn an_organization_does_not_change_what_is_anothers(store: Shared) {
    world(&store).await;
    assert_eq!(store.mapping(BOBS, MAPPING).await.unwrap(), None);
    assert_eq!(store.mapping(ADAS, MAPPING).await.unwrap().map(|one| one.id), Some(MAPPING));
    let mut uow = begin(&store).await;
    assert_eq!(uow.hold_project(BOBS, PROJECT).await.unwrap(), None);
    assert_eq!(uow.hide_project(BOBS, PROJECT, NOW).await.unwrap(), None);
    assert!(!uow.set_toggles(BOBS, INSTALLATION, &Toggles::default()).await.unwrap());
    assert!(!uow.set_credential(BOBS, INSTALLATION, &Sealed(vec![9])).await.unwrap());
    assert_eq!(uow.delete_link(BOBS, LINK).await.unwrap(), None);
    assert!(!uow.delete_mapping(BOBS, MAPPING).await.unwrap());
    assert!(!uow.delete_route(BOBS, ROUTE).await.unwrap());
    assert!(uow.delete_link(ADAS, LINK).await.unwrap().is_some());
    assert!(uow.delete_mapping(ADAS, MAPPING).await.unwrap());
    assert!(uow.delete_route(ADAS, ROUTE).await.unwrap());
}

async fn a_delivery_is_seen_by_everyone_who_connected_its_project_for_as_long_as_they_do(store: Shared) {
    world(&store).await;
    let theirs = installation(2, BOBS);
    let mut uow = begin(&store).await;
    uow.insert_installation(&theirs).await.unwrap();
    let connection = ConnectedProject { organization: BOBS, installation: theirs.id, ..connected() };
    uow.put_connected_project(&connection).await.unwrap();
    uow.commit().await.unwrap();
    assert_eq!(store.deliveries(BOBS, None, PageRequest::first()).await.unwrap().items.len(), 1);
    let mut uow = begin(&store).await;
    assert!(uow.delete_connected_project(theirs.id, &azure_project()).await.unwrap());
    uow.commit().await.unwrap();
    assert!(store.deliveries(BOBS, None, PageRequest::first()).await.unwrap().items.is_empty());
}

async fn lists_go_by_id_and_histories_and_deliveries_newest_first_a_page_at_a_time(store: Shared) {
    world(&store).await;
    let mut uow = begin(&store).await;
    uow.insert_activities(&[activity(2), activity(3)]).await.unwrap();
    for (id, number) in [(3, 3), (2, 2)] {
        uow.insert_group(&group(id, number)).await.unwrap();
    }
    uow.commit().await.unwrap();
    store.append(delivery(2, 7)).await.unwrap();
    let mut page = PageRequest { after: None, limit: 2 };
    let first = store.groups(ADAS, PROJECT, page).await.unwrap();
    assert_eq!(first.items.iter().map(|one| one.group.number).collect::<Vec<_>>(), [1, 2]);
    page.after = first.items.last().map(|one| one.group.id);
    let second = store.groups(ADAS, PROJECT, page).await.unwrap();
    assert_eq!((first.more, second.items.len(), second.more), (true, 1, false));
    let mut page = PageRequest { after: None, limit: 2 };
    let first = store.activities(ADAS, GROUP, page).await.unwrap();
    assert_eq!(first.items, [activity(3), activity(2)]);
    page.after = first.items.last().map(|one| one.id);
    let second = store.activities(ADAS, GROUP, page).await.unwrap();
    assert_eq!((first.more, second.items, second.more), (true, vec![activity(1)], false));
    let deliveries = store.deliveries(ADAS, None, PageRequest::first()).await.unwrap().items;
    assert_eq!(deliveries.iter().map(|one| one.id).collect::<Vec<_>>(), [delivery(2, 7).id, delivery(1, 42).id]);
}

async fn a_member_is_shown_with_their_addresses(store: Shared) {
    people(&store).await;
    let email = UserEmail { user: ADA, address: EmailAddress::parse("ada@example.org").unwrap(), verified: true };
    let mut uow = begin(&store).await;
    uow.put_user_email(&email).await.unwrap();
    uow.commit().await.unwrap();
    assert_eq!(store.members(ADAS, PageRequest::first()).await.unwrap().items[0].emails, [email]);
}
