//! Trouble from below, on SQLite: a disk that is full, and a path with odd characters.

use super::{NOW, ORGANIZATION, delivery, organization, raw};
use handoff_database::{Database, DatabaseOptions};
use handoff_domain::delivery::NewDelivery;
use handoff_domain::id::{OrganizationId, OutboxId, WorkItemNumber};
use handoff_domain::organization::{ChannelId, MessageId, Organization};
use handoff_domain::outbox::{OutboxArm, OutboxTask};
use handoff_domain::page::PageRequest;
use handoff_domain::port::store::StoreResult;
use handoff_domain::port::{Appended, Inbox, InboxError, Reader, Store, StoreError, UnitOfWork};
use handoff_domain::slug::Slug;
use handoff_tests::database::TestDatabase;
use sea_orm::ConnectionTrait;
use std::path::{Path, PathBuf};
use std::process::Command;
use tokio::task::JoinSet;
use uuid::Uuid;

handoff_tests::on_sqlite![
    what_is_committed_after_the_database_ended_a_transaction_by_itself_is_kept,
    deliveries_of_a_commit_that_the_database_ended_by_itself_are_kept_without_those_to_blame,
    what_is_committed_after_the_disk_was_full_is_kept,
    a_file_is_opened_by_exactly_the_name_that_is_given,
];

/// Inserts an organization of this id.
async fn insert(uow: &mut dyn UnitOfWork, id: i64) -> StoreResult<OrganizationId> {
    let slug = Slug::parse(&format!("o{id}")).unwrap();
    uow.insert_organization(&Organization { id: OrganizationId::new(id), slug, ..organization() }).await
}

/// The ids of the organizations that somebody else sees.
async fn committed(place: &TestDatabase) -> Vec<i64> {
    let database = place.open().await.unwrap();
    let seen = database.organizations(PageRequest::first()).await.unwrap().items;
    database.close().await.unwrap();
    seen.iter().map(|one| one.id.get()).collect()
}

/// How many deliveries somebody else sees.
async fn delivered(place: &TestDatabase) -> i64 {
    let table = raw(place).await;
    let count = super::number(&table, "SELECT count(*) AS n FROM deliveries").await;
    table.close().await.unwrap();
    count
}

/// Has the database end a transaction that inserts such a row: a full disk is one of its reasons.
async fn end_at(place: &TestDatabase, table: &str, when: &str) {
    let trigger =
        format!("CREATE TRIGGER ends BEFORE INSERT ON {table} WHEN {when} BEGIN SELECT RAISE(ROLLBACK, 'ended'); END");
    let connection = raw(place).await;
    connection.execute_unprepared(&trigger).await.unwrap();
    connection.close().await.unwrap();
}

async fn what_is_committed_after_the_database_ended_a_transaction_by_itself_is_kept(place: TestDatabase) {
    end_at(&place, "organizations", "NEW.id = 99").await;
    let database = place.open().await.unwrap();
    for round in 1..=3 {
        let mut ended = database.begin().await.unwrap();
        insert(ended.as_mut(), 10 + round).await.unwrap();
        assert!(insert(ended.as_mut(), 99).await.is_err());
        // There is no transaction any more that this would be a part of.
        assert!(insert(ended.as_mut(), 20 + round).await.is_err());
        assert!(ended.commit().await.is_err());
        // The driver still counts the one that ended, and rolls this back to where it began, not to an end.
        let mut dropped = database.begin().await.unwrap();
        insert(dropped.as_mut(), 30 + round).await.unwrap();
        drop(dropped);
        let mut kept = database.begin().await.unwrap();
        insert(kept.as_mut(), round).await.unwrap();
        kept.commit().await.unwrap();
        assert_eq!(committed(&place).await, (1..=round).collect::<Vec<_>>(), "before anybody closes it");
    }
    let mut ended = database.begin().await.unwrap();
    assert!(insert(ended.as_mut(), 99).await.is_err());
    drop(ended);
    let mut kept = database.begin().await.unwrap();
    insert(kept.as_mut(), 4).await.unwrap();
    kept.commit().await.unwrap();
    database.close().await.unwrap();
    assert_eq!(committed(&place).await, [1, 2, 3, 4]);
}

async fn deliveries_of_a_commit_that_the_database_ended_by_itself_are_kept_without_those_to_blame(place: TestDatabase) {
    end_at(&place, "deliveries", "NEW.work_item = 99").await;
    let database = place.open().await.unwrap();
    // One in ten has the id of the first: it is refused, and its transaction goes on.
    database.append(delivery(1000)).await.unwrap();
    let append = |n: u32| {
        let database = database.clone();
        let work_item = Some(WorkItemNumber::new(if n.is_multiple_of(10) { 99 } else { 1 }));
        let id = delivery(if n % 10 == 5 { 1000 } else { n }).id;
        async move { database.append(NewDelivery { id, work_item, ..delivery(n) }).await }
    };
    let said = (0..50).map(append).collect::<JoinSet<_>>().join_all().await;
    assert_eq!(said.iter().filter(|said| **said == Ok(Appended::New)).count(), 40);
    assert_eq!(delivered(&place).await, 41, "before anybody closes it");
    database.close().await.unwrap();
    assert_eq!(delivered(&place).await, 41);
}

/// The test in which a process of its own plays the one whose disk is full.
const PLAYED: &str = "database::trouble::a_process_that_may_write_no_large_files";

async fn what_is_committed_after_the_disk_was_full_is_kept(place: TestDatabase) {
    let folder = file(&place).parent().unwrap().to_owned();
    let program = std::env::current_exe().unwrap();
    // 2 MiB, or 4, as the shell counts; a write beyond fails as one on a full disk does.
    let limited = r#"trap '' XFSZ && ulimit -f 4096 && exec "$@""#;
    let played = tokio::task::spawn_blocking(move || {
        let mut shell = Command::new("sh");
        shell.args(["-c", limited, "sh"]).arg(program).args([PLAYED, "--exact", "--ignored", "--nocapture"]);
        shell.current_dir(folder).output().unwrap()
    });
    let played = played.await.unwrap();
    assert!(played.status.success(), "{played:?}");
    assert!(String::from_utf8_lossy(&played.stdout).contains("1 passed"), "{played:?}");
    assert_eq!((committed(&place).await, delivered(&place).await), (vec![2], 1));
}

#[tokio::test]
#[ignore = "another test runs it, in a process that may write no large files"]
async fn a_process_that_may_write_no_large_files() {
    assert!(Path::new("handoff.db").exists());
    let database = Database::open(&DatabaseOptions::new("sqlite:handoff.db")).await.unwrap();
    let mut full = database.begin().await.unwrap();
    insert(full.as_mut(), 1).await.unwrap();
    let large = |n: u128| {
        let task = OutboxTask::CloseCard {
            channel: ChannelId::new(1).unwrap(),
            message: MessageId::new(1).unwrap(),
            short_id: "MILL-1".to_owned(),
            title: "x".repeat(400_000),
        };
        OutboxArm {
            id: OutboxId::from_uuid(Uuid::from_u128(n)),
            organization: ORGANIZATION,
            project: None,
            task,
            due_at: NOW,
        }
    };
    let said = full.arm(&(1..=40).map(large).collect::<Vec<_>>()).await;
    assert!(matches!(said, Err(StoreError::Unavailable(_))), "{said:?}");
    assert!(matches!(full.commit().await, Err(StoreError::Unavailable(_))));
    let large = NewDelivery { payload: vec![0; 16 * 1024 * 1024], ..delivery(1) };
    let said = database.append(large).await;
    assert!(matches!(said, Err(InboxError::Unavailable(StoreError::Unavailable(_)))), "{said:?}");
    let mut dropped = database.begin().await.unwrap();
    insert(dropped.as_mut(), 3).await.unwrap();
    drop(dropped);
    let mut kept = database.begin().await.unwrap();
    insert(kept.as_mut(), 2).await.unwrap();
    kept.commit().await.unwrap();
    assert_eq!(database.append(delivery(2)).await, Ok(Appended::New));
    database.close().await.unwrap();
}

fn file(place: &TestDatabase) -> PathBuf {
    PathBuf::from(place.url().trim_start_matches("sqlite:"))
}

async fn a_file_is_opened_by_exactly_the_name_that_is_given(place: TestDatabase) {
    let folder = file(&place).parent().unwrap().join("new folder");
    let names = ["a b.db", "%41.db", "#.db", "%41#%20b&c=d+e;f.db", "%.db", "'\"\\.db", "\u{e4}\u{1f600}.db", "A.db"];
    for name in names {
        let path = folder.join(name);
        // Nobody's but its own: the first to open it finds nothing in it, the second what the first left.
        for (address, is_known) in [("sqlite:", false), ("sqlite://", true)] {
            let options = DatabaseOptions::new(format!("{address}{}", path.display()));
            let database = Database::open(&options).await.unwrap();
            assert_eq!(database.pending_migrations().await.unwrap().is_empty(), is_known, "{name}");
            database.migrate().await.unwrap();
            database.close().await.unwrap();
        }
    }
    let made = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut made: Vec<String> = made.filter(|name| name.ends_with(".db")).collect();
    let mut names = names.map(str::to_owned);
    made.sort_unstable();
    names.sort_unstable();
    assert_eq!(made, names);
}
