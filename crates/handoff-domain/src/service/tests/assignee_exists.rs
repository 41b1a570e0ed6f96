//! Whether a group has an assignee: the cache first, the store where it remembers nothing, and nobody else's group.

use super::fixtures::{ADA, ORGANIZATION, TICKET, group, state};
use crate::assignee::Assignee;
use crate::id::OrganizationId;
use crate::port::read::GroupView;
use crate::service::UseCaseError;
use crate::service::assignee_exists::{AssigneeExists, assignee_exists};
use crate::slug::Slug;
use crate::testing::{MockAssigneeExistsCache, MockReader};

/// A reader of a group that Ada has.
fn reader() -> MockReader {
    let mut reader = MockReader::new();
    reader.expect_group().returning(|organization, _| {
        let of = state(Some(ADA));
        let slug = Slug::parse("backend").unwrap();
        let view = GroupView { group: of.group, project_slug: slug, assignee: of.assignee };
        Ok((organization == ORGANIZATION).then_some(view))
    });
    reader
}

fn cache(remembers: Option<bool>) -> MockAssigneeExistsCache {
    let mut cache = MockAssigneeExistsCache::new();
    cache.expect_begin_fill().returning(|| TICKET);
    cache.expect_get().return_const(remembers);
    cache
}

#[tokio::test]
async fn what_is_remembered_is_answered_and_not_filled_again() {
    let mut cache = cache(Some(true));
    cache.expect_fill().never();
    let found = assignee_exists(ORGANIZATION, group(), &reader(), &cache).await;
    let assignee = Some(Assignee::User(ADA));
    assert_eq!(found, Ok(AssigneeExists { assigned: true, remembered: true, assignee }));
}

#[tokio::test]
async fn what_is_not_remembered_is_read_and_filled_under_a_ticket_taken_before() {
    let mut cache = cache(None);
    cache.expect_fill().withf(|ticket, rows| *ticket == TICKET && rows == [(group(), true)]).times(1).return_const(());
    let found = assignee_exists(ORGANIZATION, group(), &reader(), &cache).await;
    let assignee = Some(Assignee::User(ADA));
    assert_eq!(found, Ok(AssigneeExists { assigned: true, remembered: false, assignee }));
}

#[tokio::test]
async fn another_organizations_group_is_nobodys_and_fills_nothing() {
    let mut cache = cache(Some(true));
    cache.expect_fill().never();
    let found = assignee_exists(OrganizationId::new(99), group(), &reader(), &cache).await;
    assert_eq!(found, Err(UseCaseError::NotFound { what: "group" }));
}
