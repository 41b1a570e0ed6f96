//! Save Project: a slug is found under the lock, and nobody hears of a slug that they did not choose.

use super::fixtures::{NOW, ORGANIZATION, commits, disk_full, store, unless};
use crate::id::ProjectId;
use crate::port::StoreError;
use crate::project::Project;
use crate::service::UseCaseError;
use crate::service::save_project::{NewProject, SaveProject};
use crate::slug::Slug;
use crate::testing::{FixedClock, MockUnitOfWork, SequentialEntropy};
use crate::text::Name;
use std::sync::Arc;

async fn saved(uow: MockUnitOfWork, slug: Option<&str>) -> Result<Project, UseCaseError> {
    let new = NewProject {
        organization: ORGANIZATION,
        name: Name::parse("Shop").unwrap(),
        slug: slug.map(|slug| Slug::parse(slug).unwrap()),
        id: None,
    };
    let (clock, entropy) = (Arc::new(FixedClock::at(NOW)), Arc::new(SequentialEntropy::default()));
    SaveProject::new(Arc::new(store(vec![uow])), clock, entropy, None).save_project(&new).await
}

/// A unit of work in which the slugs for which `taken` are taken.
fn unit_of_work(taken: fn(&Slug) -> bool, fails: &'static str) -> MockUnitOfWork {
    let mut uow = MockUnitOfWork::new();
    uow.expect_lock_organization().returning(move |_| unless(fails, "lock").map(|()| true));
    uow.expect_taken_slugs().returning(move |_, slugs| Ok(slugs.iter().filter(|slug| taken(slug)).cloned().collect()));
    uow.expect_insert_project().returning(move |_| unless(fails, "insert").map(|()| ProjectId::new(9)));
    commits(&mut uow, fails);
    uow
}

#[tokio::test]
async fn a_name_gives_its_slug_or_the_first_alternative_that_is_free() {
    let free = saved(unit_of_work(|_| false, ""), None).await.unwrap();
    assert_eq!((free.slug.as_str(), free.id), ("shop", ProjectId::new(9)));
    let second = saved(unit_of_work(|slug| slug.as_str() == "shop", ""), None).await.unwrap();
    assert!(second.slug.as_str().starts_with("shop-"), "{}", second.slug);
}

#[tokio::test]
async fn when_every_candidate_is_taken_nothing_is_inserted_and_no_conflict_is_told_of_a_slug_never_chosen() {
    let mut uow = unit_of_work(|_| true, "slug");
    uow.expect_insert_project().never();
    assert!(matches!(saved(uow, None).await, Err(UseCaseError::TryAgain(_))));
}

#[tokio::test]
async fn a_chosen_slug_that_is_taken_is_a_conflict() {
    let mut uow = MockUnitOfWork::new();
    uow.expect_lock_organization().returning(|_| Ok(true));
    uow.expect_insert_project().returning(|_| Err(StoreError::Conflict { constraint: "project_slug".to_owned() }));
    uow.expect_commit().never();
    assert!(matches!(saved(uow, Some("shop")).await, Err(UseCaseError::Conflict(_))));
}

#[tokio::test]
async fn without_the_organization_and_after_any_failure_nothing_is_committed() {
    let mut absent = MockUnitOfWork::new();
    absent.expect_lock_organization().returning(|_| Ok(false));
    absent.expect_commit().never();
    assert_eq!(saved(absent, None).await, Err(UseCaseError::NotFound { what: "organization" }));
    for fails in ["lock", "insert", "commit"] {
        let done = saved(unit_of_work(|_| false, fails), None).await;
        assert_eq!(done, Err(UseCaseError::Store(disk_full())), "{fails}");
    }
}
