//! What the tests of several use cases share: a group, its people, an installation with its hooks, a work
//! item, and units of work of which one write fails.

use crate::assignee::Assignee;
use crate::group::{Group, GroupStatus, Level};
use crate::hook::{EventType, Hook, HookStatus};
use crate::id::{
    ExternalIssueId, GroupId, HookId, InstallationId, IntegrationId, OrganizationId, ProjectId, Revision, UserId,
    WorkItemNumber,
};
use crate::integration::{Installation, Integration, Toggles};
use crate::organization::User;
use crate::person::Person;
use crate::port::store::{GroupState, StoreResult};
use crate::port::{FillTicket, StoreError};
use crate::secret::{Sealed, Secret};
use crate::service::Assignments;
use crate::service::essentials::Essentials;
use crate::testing::{
    FixedClock, MockAssigneeExistsCache, MockOwnershipDebounce, MockReader, MockSecretBox, MockStore, MockUnitOfWork,
    MockWake, SequentialEntropy,
};
use crate::text::Name;
use crate::time::Timestamp;
use crate::work_item::{AzureProjectId, ExternalIssue, Snapshot};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
pub(crate) const ORGANIZATION: OrganizationId = OrganizationId::new(1);
pub(crate) const PROJECT: ProjectId = ProjectId::new(2);
pub(crate) const ADA: UserId = UserId::new(3);
pub(crate) const BOB: UserId = UserId::new(4);
pub(crate) const TICKET: FillTicket = FillTicket { epoch: 7 };
pub(crate) const ITEM: WorkItemNumber = WorkItemNumber::new(42);

pub(crate) fn group() -> GroupId {
    GroupId::from_uuid(Uuid::from_u128(1))
}

/// An open group of this project.
pub(crate) fn group_state(
    id: GroupId,
    organization: OrganizationId,
    project: ProjectId,
    assignee: Option<Assignee>,
) -> GroupState {
    let group = Group {
        id,
        organization,
        project,
        number: 1,
        title: Name::parse("It breaks").unwrap(),
        level: Level::Error,
        status: GroupStatus::Unresolved,
        last_event_at: NOW,
        created_at: NOW,
    };
    GroupState { group, assignee, decision: None, status_decision: None, issue_sync: false }
}

/// [`group`], with Bob or with nobody.
pub(crate) fn state(assignee: Option<UserId>) -> GroupState {
    group_state(group(), ORGANIZATION, PROJECT, assignee.map(Assignee::User))
}

pub(crate) fn user(id: UserId) -> User {
    User { id, name: Name::parse("Somebody").unwrap(), active: true, discord: None, created_at: NOW }
}

pub(crate) fn integration() -> IntegrationId {
    IntegrationId::from_uuid(Uuid::from_u128(11))
}

pub(crate) fn installation() -> InstallationId {
    InstallationId::from_uuid(Uuid::from_u128(12))
}

pub(crate) fn azure_project() -> AzureProjectId {
    AzureProjectId::parse("11111111-1111-1111-1111-111111111111").unwrap()
}

/// A reader that knows the installation.
pub(crate) fn reader() -> MockReader {
    let mut reader = MockReader::new();
    reader.expect_installation().returning(|organization, id| {
        let installed = Installation {
            id,
            organization,
            integration: integration(),
            credential: Sealed(b"token".to_vec()),
            toggles: Toggles::default(),
            credential_expires_at: None,
            created_at: NOW,
        };
        let collection = Integration {
            id: integration(),
            collection_id: "22222222-2222-2222-2222-222222222222".to_owned(),
            name: Name::parse("contoso").unwrap(),
            base_url: "https://dev.azure.com/contoso/".to_owned(),
            created_at: NOW,
        };
        Ok((id == installation() && organization == ORGANIZATION).then_some((installed, collection)))
    });
    reader
}

/// Seals nothing, truly.
pub(crate) fn secrets() -> MockSecretBox {
    let mut secrets = MockSecretBox::new();
    secrets.expect_seal().returning(|secret, _| Ok(Sealed(secret.expose().as_bytes().to_vec())));
    secrets.expect_open().returning(|sealed, _| Ok(Secret::new(String::from_utf8_lossy(&sealed.0).into_owned())));
    secrets
}

pub(crate) fn hook(event_type: EventType, status: HookStatus, subscription: Option<&str>) -> Hook {
    Hook {
        id: HookId::from_uuid(Uuid::from_u128(20 + event_type as u128)),
        organization: ORGANIZATION,
        installation: installation(),
        integration: integration(),
        azure_project: azure_project(),
        event_type,
        secret: Sealed(b"right".to_vec()),
        subscription_id: subscription.map(str::to_owned),
        status,
        created_at: NOW,
        updated_at: NOW,
        checked_at: Some(NOW),
        unseen: None,
    }
}

/// The mirror of [`ITEM`], last written a hundred seconds ago.
pub(crate) fn mirror(revision: i64, assignee: Option<&str>) -> ExternalIssue {
    ExternalIssue {
        id: ExternalIssueId::from_uuid(Uuid::from_u128(2)),
        integration: integration(),
        number: ITEM,
        azure_project: azure_project(),
        revision: Revision::new(revision),
        title: "It breaks".to_owned(),
        work_item_type: "Bug".to_owned(),
        state: "Active".to_owned(),
        assignee: assignee.and_then(Person::from_text),
        area_path: None,
        tags: Vec::new(),
        url: None,
        changed_at: NOW.minus(Duration::from_secs(100)),
        observed_at: NOW.minus(Duration::from_secs(100)),
        deleted: false,
        assignee_changed_at: NOW.minus(Duration::from_secs(100)),
        state_changed_at: NOW.minus(Duration::from_secs(100)),
        pending: None,
    }
}

/// [`ITEM`] as it was changed ten seconds ago.
pub(crate) fn snapshot(revision: i64, assignee: Option<&str>) -> Snapshot {
    Snapshot {
        number: ITEM,
        revision: Revision::new(revision),
        azure_project: None,
        title: "It breaks".to_owned(),
        work_item_type: "Bug".to_owned(),
        state: "Active".to_owned(),
        assignee: assignee.and_then(Person::from_text),
        area_path: None,
        tags: Vec::new(),
        changed_by: None,
        changed_at: Some(NOW.minus(Duration::from_secs(10))),
        url: None,
    }
}

pub(crate) fn disk_full() -> StoreError {
    StoreError::Unavailable("the disk is full".to_owned())
}

/// Answers for a write by its name.
pub(crate) fn unless(fails: &str, write: &str) -> StoreResult<()> {
    if write == fails { Err(disk_full()) } else { Ok(()) }
}

/// The unit of work commits once, unless one of its writes fails: then never. `commit` may be what fails.
pub(crate) fn commits(uow: &mut MockUnitOfWork, fails: &'static str) {
    match fails {
        "" => drop(uow.expect_commit().times(1).returning(|| Ok(()))),
        "commit" => drop(uow.expect_commit().returning(|| Err(disk_full()))),
        _ => drop(uow.expect_commit().never()),
    }
}

/// Every write that a change of a group's assignee may bring.
pub(crate) fn writes(uow: &mut MockUnitOfWork, fails: &'static str) {
    uow.expect_put_external_issues().returning(move |_| unless(fails, "mirror"));
    uow.expect_set_unresolved().returning(move |_| unless(fails, "unresolved"));
    uow.expect_put_assignments().returning(move |_| unless(fails, "assignment"));
    uow.expect_delete_assignments().returning(move |_| unless(fails, "deletion"));
    uow.expect_put_decisions().returning(move |_| unless(fails, "decision"));
    uow.expect_insert_activities().returning(move |_| unless(fails, "activity"));
    uow.expect_remove_followers().returning(move |_, _| unless(fails, "old follower"));
    uow.expect_add_followers().returning(move |_| unless(fails, "new follower"));
    uow.expect_touch_groups().returning(move |_, _| unless(fails, "touch"));
    uow.expect_arm().returning(move |_| unless(fails, "arm"));
}

/// Hands out these units of work in their order, and no more.
pub(crate) fn store(uows: Vec<MockUnitOfWork>) -> MockStore {
    let uows = Mutex::new(VecDeque::from(uows));
    let mut store = MockStore::new();
    store.expect_begin().returning(move || match uows.lock().unwrap().pop_front() {
        Some(uow) => Ok(Box::new(uow)),
        None => panic!("one unit of work too many"),
    });
    store
}

/// The ports of a small service, with a wake-up that may come only where `wakes`.
pub(crate) fn essentials(store: MockStore, reader: MockReader, wakes: bool) -> Essentials {
    let mut wake = MockWake::new();
    wake.expect_outbox().times(if wakes { 1..=9 } else { 0..=0 }).return_const(());
    Essentials {
        store: Arc::new(store),
        reader: Arc::new(reader),
        wake: Arc::new(wake),
        clock: Arc::new(FixedClock::at(NOW)),
        entropy: Arc::new(SequentialEntropy::default()),
        snowflakes: None,
    }
}

/// Caches that must not be told anything.
pub(crate) fn untold() -> (MockAssigneeExistsCache, MockOwnershipDebounce) {
    let (mut cache, mut debounce) = (MockAssigneeExistsCache::new(), MockOwnershipDebounce::new());
    cache.expect_begin_fill().returning(|| TICKET);
    cache.expect_fill().never();
    cache.expect_invalidate().never();
    debounce.expect_forget().never();
    (cache, debounce)
}

/// With a wake-up that may come only where `wakes`.
pub(crate) fn assignments(
    store: MockStore,
    (cache, debounce): (MockAssigneeExistsCache, MockOwnershipDebounce),
    wakes: bool,
) -> Assignments {
    let mut wake = MockWake::new();
    wake.expect_outbox().times(if wakes { 1..=9 } else { 0..=0 }).return_const(());
    Assignments {
        store: Arc::new(store),
        cache: Arc::new(cache),
        debounce: Arc::new(debounce),
        wake: Arc::new(wake),
        clock: Arc::new(FixedClock::at(NOW)),
        entropy: Arc::new(SequentialEntropy::default()),
    }
}
