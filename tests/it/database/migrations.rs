//! Migrations: seen before they run, and run once, whoever starts first.

use super::organization;
use handoff_domain::id::OrganizationId;
use handoff_domain::organization::Organization;
use handoff_domain::page::PageRequest;
use handoff_domain::port::{Reader, Store};
use handoff_domain::slug::Slug;
use handoff_tests::database::{Kind, TestDatabase};
use sea_orm::{ConnectionTrait, Statement};
use tokio::task::JoinSet;

handoff_tests::on_each_database![
    opening_with_pending_migrations_names_them_and_writes_nothing,
    of_several_that_migrate_at_once_one_runs_each_migration_and_the_others_find_it_done,
    a_database_that_is_up_to_date_has_nothing_to_migrate,
    texts_sort_byte_by_byte_whatever_the_language_of_the_server,
];

/// The names of the tables.
async fn tables(of: &TestDatabase) -> Vec<String> {
    let query = match of.kind() {
        Kind::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        Kind::Postgres => "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
    };
    texts(of, query).await
}

async fn texts(of: &TestDatabase, query: &str) -> Vec<String> {
    let connection = sea_orm::Database::connect(of.url()).await.unwrap();
    let query = Statement::from_string(connection.get_database_backend(), query);
    let rows = connection.query_all_raw(query).await.unwrap();
    rows.iter().map(|row| row.try_get("", "name").unwrap()).collect()
}

async fn opening_with_pending_migrations_names_them_and_writes_nothing(other: TestDatabase) {
    let place = TestDatabase::bare(other.kind()).await.unwrap().unwrap();
    let database = place.open().await.unwrap();
    let pending = database.pending_migrations().await.unwrap();
    assert!(pending.contains(&"m20261123_000001_initial".to_owned()), "{pending:?}");
    assert!(database.organizations(PageRequest::first()).await.is_err());
    assert!(tables(&place).await.is_empty());
    assert_eq!(database.migrate().await.unwrap(), pending);
    assert!(database.pending_migrations().await.unwrap().is_empty());
    assert!(tables(&place).await.contains(&"organizations".to_owned()));
    database.close().await.unwrap();
}

async fn of_several_that_migrate_at_once_one_runs_each_migration_and_the_others_find_it_done(other: TestDatabase) {
    let place = TestDatabase::bare(other.kind()).await.unwrap().unwrap();
    let mut handles = Vec::new();
    for _ in 0..4 {
        handles.push(place.open().await.unwrap());
    }
    let pending = handles[0].pending_migrations().await.unwrap();
    let migrations = handles.iter().cloned().map(|one| async move { one.migrate().await.unwrap() });
    let mut ran = migrations.collect::<JoinSet<_>>().join_all().await;
    ran.sort_unstable();
    assert_eq!(ran, [vec![], vec![], vec![], pending.clone()]);
    let mut recorded = texts(&place, "SELECT version AS name FROM seaql_migrations").await;
    recorded.sort_unstable();
    assert_eq!(recorded, pending);
    for one in handles {
        assert!(one.pending_migrations().await.unwrap().is_empty());
        one.close().await.unwrap();
    }
}

async fn a_database_that_is_up_to_date_has_nothing_to_migrate(place: TestDatabase) {
    let database = place.open().await.unwrap();
    assert!(database.pending_migrations().await.unwrap().is_empty());
    assert!(database.migrate().await.unwrap().is_empty());
    assert!(database.organizations(PageRequest::first()).await.unwrap().items.is_empty());
    database.close().await.unwrap();
}

async fn texts_sort_byte_by_byte_whatever_the_language_of_the_server(place: TestDatabase) {
    let database = place.open().await.unwrap();
    let mut slugs = ["a-b", "ab", "a-b-c", "abc", "a1", "a-1", "b", "a0"];
    for (id, slug) in (1..).zip(slugs) {
        let mut uow = database.begin().await.unwrap();
        let slug = Slug::parse(slug).unwrap();
        uow.insert_organization(&Organization { id: OrganizationId::new(id), slug, ..organization() }).await.unwrap();
        uow.commit().await.unwrap();
    }
    slugs.sort_unstable();
    assert_eq!(texts(&place, "SELECT slug AS name FROM organizations ORDER BY slug").await, slugs);
    database.close().await.unwrap();
}
