//! Saving projects of one name at once, on real databases.
#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

use handoff_cache::InProcessSequence;
use handoff_database::Database;
use handoff_domain::id::{MAX_SAFE_INTEGER, OrganizationId};
use handoff_domain::organization::Organization;
use handoff_domain::page::PageRequest;
use handoff_domain::port::{Reader, Store};
use handoff_domain::project::Project;
use handoff_domain::service::generate_snowflake_id::SnowflakeIds;
use handoff_domain::service::save_project::{NewProject, SaveProject};
use handoff_domain::slug::Slug;
use handoff_domain::snowflake::{EPOCH_SECONDS, Region};
use handoff_domain::testing::{FixedClock, SequentialEntropy};
use handoff_domain::text::Name;
use handoff_domain::time::Timestamp;
use handoff_tests::database::TestDatabase;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

const ORGANIZATION: OrganizationId = OrganizationId::new(1);
const NOW: Timestamp = Timestamp::from_seconds(EPOCH_SECONDS + 1000);

handoff_tests::on_each_database![
    projects_of_one_name_saved_at_once_get_a_slug_each,
    projects_of_one_name_saved_at_once_get_a_slug_and_a_snowflake_each,
    projects_saved_at_once_by_two_instances_get_a_slug_and_an_id_each,
];

async fn filled(place: &TestDatabase) -> Database {
    let database = place.open().await.unwrap();
    let mut uow = database.begin().await.unwrap();
    let contoso = Organization {
        id: ORGANIZATION,
        slug: Slug::parse("contoso").unwrap(),
        name: Name::parse("Contoso").unwrap(),
        issue_sync: false,
        created_at: NOW,
    };
    uow.insert_organization(&contoso).await.unwrap();
    uow.commit().await.unwrap();
    database
}

/// The service on this database. Every instance is dealt the same "randomness", so that they clash.
fn service(database: &Database, snowflakes: bool) -> Arc<SaveProject> {
    let clock = Arc::new(FixedClock::at(NOW));
    let sequence = Arc::new(InProcessSequence::new(clock.as_ref()));
    clock.advance(Duration::from_secs(10));
    let ids = snowflakes.then(|| SnowflakeIds::new(Region::new(0).unwrap(), sequence, clock.clone()));
    let entropy = Arc::new(SequentialEntropy::default());
    Arc::new(SaveProject::new(Arc::new(database.clone()), clock, entropy, ids))
}

/// Saves sixteen projects of one name at once, in turn through each of these services.
async fn sixteen(services: &[Arc<SaveProject>]) -> Vec<Project> {
    let new = NewProject { organization: ORGANIZATION, name: Name::parse("Back End").unwrap(), slug: None, id: None };
    let save = |service: Arc<SaveProject>| {
        let new = new.clone();
        async move { service.save_project(&new).await.unwrap() }
    };
    let tasks = services.iter().cycle().take(16).map(|service| save(service.clone()));
    tasks.collect::<JoinSet<_>>().join_all().await
}

async fn assert_distinct(database: &Database, saved: Vec<Project>) {
    assert_eq!(saved.iter().map(|one| one.slug.as_str()).collect::<BTreeSet<_>>().len(), 16);
    assert!(saved.iter().any(|one| one.slug.as_str() == "back-end"));
    let stored = database.projects(ORGANIZATION, PageRequest::first()).await.unwrap().items;
    let by_id = |projects: Vec<Project>| projects.into_iter().map(|one| (one.id, one.slug)).collect::<BTreeSet<_>>();
    assert_eq!(by_id(stored), by_id(saved));
}

async fn projects_of_one_name_saved_at_once_get_a_slug_each(place: TestDatabase) {
    let database = filled(&place).await;
    let saved = sixteen(&[service(&database, false)]).await;
    assert_distinct(&database, saved).await;
}

async fn projects_of_one_name_saved_at_once_get_a_slug_and_a_snowflake_each(place: TestDatabase) {
    let database = filled(&place).await;
    let saved = sixteen(&[service(&database, true)]).await;
    assert!(saved.iter().all(|one| one.id.get() > 1 << 52 && one.id.get() <= MAX_SAFE_INTEGER));
    assert_distinct(&database, saved).await;
}

async fn projects_saved_at_once_by_two_instances_get_a_slug_and_an_id_each(place: TestDatabase) {
    let (one, other) = (filled(&place).await, place.open().await.unwrap());
    let saved = sixteen(&[service(&one, false), service(&other, false)]).await;
    assert_distinct(&one, saved).await;
}
