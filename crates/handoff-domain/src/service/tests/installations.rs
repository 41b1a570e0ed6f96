//! Installations: a credential is saved only once the collection it is for has taken it.

use super::fixtures::{
    NOW, ORGANIZATION, azure_project, commits, disk_full, essentials, installation, integration, reader, secrets,
    store, unless,
};
use crate::integration::{ConnectedProject, Integration, Toggles};
use crate::outbox::Released;
use crate::port::TrackerError;
use crate::port::tracker::RemoteCollection;
use crate::secret::Secret;
use crate::service::UseCaseError;
use crate::service::create_subscription::Subscriptions;
use crate::service::installations::{Change, Installations};
use crate::service::prove_public_url::ProvePublicUrl;
use crate::testing::{EchoAddress, FixedClock, MockReader, MockUnitOfWork, MockWorkItemTracker, SequentialEntropy};
use crate::text::Name;
use crate::workflow::StateMap;
use std::sync::Arc;

const COLLECTION: &str = "22222222-2222-2222-2222-222222222222";

/// Changes the credential where the tracker says this about the new one.
async fn changed(
    answer: Result<&'static str, TrackerError>,
    uows: Vec<MockUnitOfWork>,
    wakes: bool,
) -> Result<(), UseCaseError> {
    let mut tracker = MockWorkItemTracker::new();
    tracker
        .expect_collection()
        .withf(|base_url, credential| {
            base_url == "https://dev.azure.com/contoso/" && credential.to_stored().expose() == "new"
        })
        .times(1)
        .return_once(move |base_url, _| {
            let name = Name::parse("contoso").unwrap();
            answer.map(|id| RemoteCollection { id: id.to_owned(), name, base_url: base_url.to_owned() })
        });
    let mut reader = reader();
    reader.expect_connected_projects().returning(|organization, installation| {
        Ok(vec![ConnectedProject {
            organization,
            installation,
            integration: integration(),
            azure_project: azure_project(),
            name: Name::parse("Shop").unwrap(),
            state_map: StateMap::default(),
            created_at: NOW,
        }])
    });
    let service = service(uows, reader, tracker, wakes);
    let change = Change { credential: Some(Secret::new("new").into()), ..Change::default() };
    service.change(ORGANIZATION, installation(), &change).await.map(|_| ())
}

fn service(uows: Vec<MockUnitOfWork>, reader: MockReader, tracker: MockWorkItemTracker, wakes: bool) -> Installations {
    let base = essentials(store(uows), reader, wakes);
    let (tracker, secrets) = (Arc::new(tracker), Arc::new(secrets()));
    let subscriptions = Subscriptions {
        store: base.store.clone(),
        reader: base.reader.clone(),
        tracker: tracker.clone(),
        secrets: secrets.clone(),
        clock: Arc::new(FixedClock::at(NOW)),
        entropy: Arc::new(SequentialEntropy::default()),
        public_url: Some(String::new()),
    };
    let proof = ProvePublicUrl {
        address: Arc::new(EchoAddress { secrets: secrets.clone() }),
        secrets: secrets.clone(),
        entropy: Arc::new(SequentialEntropy::default()),
        public_url: Some(String::new()),
    };
    Installations { base, tracker, secrets, subscriptions, proof }
}

#[tokio::test]
async fn a_collection_is_not_installed_from_another_address_than_the_one_it_is_known_under() {
    let asked = "https://elsewhere.example/contoso/";
    let mut tracker = MockWorkItemTracker::new();
    tracker.expect_collection().returning(|base_url, _| {
        let name = Name::parse("contoso").unwrap();
        Ok(RemoteCollection { id: COLLECTION.to_owned(), name, base_url: base_url.to_owned() })
    });
    let mut uow = MockUnitOfWork::new();
    uow.expect_put_integration().returning(|new| {
        let base_url = "https://dev.azure.com/contoso/".to_owned();
        Ok(Integration { base_url, ..new.clone() })
    });
    uow.expect_insert_installation().never();
    uow.expect_commit().never();
    let done = service(vec![uow], reader(), tracker, false)
        .create(ORGANIZATION, asked, &Secret::new("new").into(), None)
        .await;
    assert!(matches!(done, Err(UseCaseError::Conflict(_))), "{done:?}");
}

fn saving(fails: &'static str) -> MockUnitOfWork {
    let mut uow = MockUnitOfWork::new();
    uow.expect_set_toggles()
        .withf(|_, _, toggles| *toggles == Toggles::default())
        .returning(move |_, _, _| unless(fails, "toggles").map(|()| true));
    uow.expect_set_credential()
        .withf(|organization, id, sealed| *organization == ORGANIZATION && *id == installation() && sealed.0 == b"new")
        .returning(move |_, _, _| unless(fails, "credential").map(|()| true));
    uow.expect_set_credential_expiry()
        .withf(|_, _, at| at.is_none())
        .returning(move |_, _, _| unless(fails, "expiry").map(|()| true));
    // Hooks whose own account lost its access are healed with it.
    uow.expect_look_with_new_credential()
        .withf(|id, _| *id == installation())
        .returning(move |_, _| unless(fails, "look"));
    // Whatever was refused to the old one is tried with it.
    uow.expect_release()
        .withf(|organization, rows, at| {
            (*organization, *rows, *at) == (ORGANIZATION, Released::by_credential(installation()), NOW)
        })
        .returning(move |_, _, _| unless(fails, "release"));
    uow.expect_arm()
        .withf(|rows| rows.len() == 1 && rows[0].task.kind() == "reconcile_project")
        .returning(move |_| unless(fails, "arm"));
    commits(&mut uow, fails);
    uow
}

#[tokio::test]
async fn a_credential_that_the_same_collection_takes_is_saved_and_what_was_missed_is_read() {
    assert_eq!(changed(Ok(COLLECTION), vec![saving("")], true).await, Ok(()));
}

#[tokio::test]
async fn a_credential_that_is_refused_or_of_another_collection_changes_nothing() {
    let refused = changed(Err(TrackerError::Unauthorized), Vec::new(), false).await;
    assert_eq!(refused, Err(UseCaseError::Tracker(TrackerError::Unauthorized)));
    let other = changed(Ok("33333333-3333-3333-3333-333333333333"), Vec::new(), false).await;
    assert!(matches!(other, Err(UseCaseError::Conflict(_))), "{other:?}");
}

#[tokio::test]
async fn whichever_write_of_a_credential_fails_nothing_is_committed_and_nobody_woken() {
    for fails in ["toggles", "credential", "look", "expiry", "release", "arm", "commit"] {
        let done = changed(Ok(COLLECTION), vec![saving(fails)], false).await;
        assert_eq!(done, Err(UseCaseError::Store(disk_full())), "{fails}");
    }
}

#[test]
fn nothing_but_what_the_tracker_says_of_assignees_is_let_through_unasked() {
    let inbound_only = Toggles {
        inbound_assignee: true,
        outbound_assignee: false,
        inbound_status: false,
        outbound_status: false,
        comments: false,
        siblings: false,
    };
    assert_eq!(Toggles::default(), inbound_only);
}
