//! Deliveries of several connected projects as one list: newest first, page by page, without gaps or repeats.

use super::fixtures::*;
use super::{Shared, on_every_backend};
use handoff_domain::delivery::{DeliveryState, NewDelivery};
use handoff_domain::id::DeliveryId;
use handoff_domain::integration::ConnectedProject;
use handoff_domain::page::PageRequest;
use handoff_domain::work_item::AzureProjectId;
use tokio::task::JoinSet;

on_every_backend![
    deliveries_of_several_projects_are_listed_newest_first_without_gaps_or_repeats,
    an_organization_sees_the_deliveries_of_all_its_projects_however_many_they_are,
];

const DELIVERIES: u16 = 250;

/// The project that a delivery is of: mostly the first, in a run the second, now and then the third; every
/// ninth is of one that nobody connected.
fn project_of(n: u16) -> u16 {
    match n {
        n if n.is_multiple_of(9) => 4,
        n if n.is_multiple_of(7) => 3,
        100..160 => 2,
        _ => 1,
    }
}

fn azure(project: u16) -> AzureProjectId {
    AzureProjectId::parse(&format!("11111111-2222-3333-4444-{project:012}")).unwrap()
}

fn state_of(n: u16) -> DeliveryState {
    if n.is_multiple_of(3) { DeliveryState::Quarantined } else { DeliveryState::Pending }
}

/// All that an organization is shown, a page at a time.
async fn listed(store: &Shared, state: Option<DeliveryState>, limit: u16) -> Vec<DeliveryId> {
    let mut page = PageRequest { after: None, limit };
    let mut found: Vec<DeliveryId> = Vec::new();
    loop {
        let next = store.deliveries(ADAS, state, page).await.unwrap();
        assert!(next.items.len() == usize::from(limit) || !next.more, "only the last page may be short");
        found.extend(next.items.iter().map(|one| one.id));
        if !next.more {
            return found;
        }
        page.after = found.last().copied();
    }
}

async fn deliveries_of_several_projects_are_listed_newest_first_without_gaps_or_repeats(store: Shared) {
    tracker(&store).await;
    let mut uow = begin(&store).await;
    assert!(uow.delete_connected_project(INSTALLATION, &azure_project()).await.unwrap());
    for project in 1..=3 {
        let connection = ConnectedProject { azure_project: azure(project), ..connected() };
        uow.put_connected_project(&connection).await.unwrap();
    }
    // What others connected changes nothing.
    uow.insert_installation(&installation(2, BOBS)).await.unwrap();
    for project in [1, 4] {
        let installation = installation(2, BOBS).id;
        let theirs =
            ConnectedProject { organization: BOBS, installation, azure_project: azure(project), ..connected() };
        uow.put_connected_project(&theirs).await.unwrap();
    }
    uow.commit().await.unwrap();
    let append = |n: u16| {
        let (store, of) = (store.clone(), azure(project_of(n)));
        let new = NewDelivery { azure_project: of, state: state_of(n), ..delivery(n, n.into()) };
        async move { store.append(new).await.unwrap() }
    };
    (1..=DELIVERIES).map(append).collect::<JoinSet<_>>().join_all().await;
    for state in [None, Some(DeliveryState::Pending), Some(DeliveryState::Quarantined), Some(DeliveryState::Dead)] {
        let own =
            (1..=DELIVERIES).rev().filter(|n| project_of(*n) != 4 && state.is_none_or(|state| state == state_of(*n)));
        let expected: Vec<DeliveryId> = own.map(|n| delivery(n, 0).id).collect();
        for limit in [1, 7, PageRequest::<DeliveryId>::DEFAULT, PageRequest::<DeliveryId>::MAX] {
            assert_eq!(listed(&store, state, limit).await, expected, "{state:?} by {limit}");
        }
    }
}

async fn an_organization_sees_the_deliveries_of_all_its_projects_however_many_they_are(store: Shared) {
    tracker(&store).await;
    // SQLite joins 500 questions at most.
    let mut uow = begin(&store).await;
    for project in 1..=600 {
        let connection = ConnectedProject { azure_project: azure(project), ..connected() };
        uow.put_connected_project(&connection).await.unwrap();
    }
    uow.commit().await.unwrap();
    let own = [1, 100, 101, 300, 500, 501, 600, 42, 2];
    for (n, project) in (1..).zip(own) {
        store.append(NewDelivery { azure_project: azure(project), ..delivery(n, n.into()) }).await.unwrap();
    }
    let expected: Vec<DeliveryId> = (1..=9).rev().map(|n| delivery(n, 0).id).collect();
    for limit in [2, 50] {
        assert_eq!(listed(&store, None, limit).await, expected);
    }
}
