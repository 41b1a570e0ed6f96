//! What the adapter promises beyond the store's contract: migrations, durability, and waiting that ends.
#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

mod backlog;
mod dropped;
mod durability;
mod followers;
mod leases;
mod locks;
mod migrations;
mod repeats;
mod trouble;
mod unreadable;
mod waiting;

use handoff_domain::delivery::{DeliveryState, NewDelivery};
use handoff_domain::hook::EventType;
use handoff_domain::id::{DeliveryId, HookId, IntegrationId, OrganizationId, WorkItemNumber};
use handoff_domain::organization::Organization;
use handoff_domain::slug::Slug;
use handoff_domain::text::Name;
use handoff_domain::time::Timestamp;
use handoff_domain::work_item::AzureProjectId;
use handoff_tests::database::TestDatabase;
use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, Statement};
use std::time::Duration;
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const ORGANIZATION: OrganizationId = OrganizationId::new(1);

fn organization() -> Organization {
    Organization {
        id: ORGANIZATION,
        slug: Slug::parse("contoso").unwrap(),
        name: Name::parse("Contoso").unwrap(),
        issue_sync: true,
        created_at: NOW,
    }
}

/// A delivery of a work item of its own.
fn delivery(number: u32) -> NewDelivery {
    NewDelivery {
        id: DeliveryId::from_uuid(Uuid::from_u128(number.into())),
        hook: HookId::from_uuid(Uuid::from_u128(1)),
        integration: IntegrationId::from_uuid(Uuid::from_u128(1)),
        azure_project: AzureProjectId::parse("11111111-2222-3333-4444-555555555555").unwrap(),
        event_type: Some(EventType::WorkItemUpdated),
        work_item: Some(WorkItemNumber::new(number.into())),
        idempotency_key: Some(format!("update {number}")),
        payload: vec![0; 4096],
        state: DeliveryState::Pending,
        reason: None,
        received_at: NOW,
        arm: None,
    }
}

/// One connection to the database, past the adapter.
async fn raw(place: &TestDatabase) -> DatabaseConnection {
    let mut options = ConnectOptions::new(place.url());
    options.max_connections(1).sqlx_logging(false);
    sea_orm::Database::connect(options).await.unwrap()
}

/// The number that a query calls `n`.
async fn number(on: &DatabaseConnection, query: &str) -> i64 {
    let query = Statement::from_string(on.get_database_backend(), query);
    on.query_one_raw(query).await.unwrap().unwrap().try_get("", "n").unwrap()
}

/// Until this many wait for a lock of PostgreSQL in this database.
async fn until_waiting(on: &DatabaseConnection, count: i64) {
    const WAITING: &str = "SELECT count(*) AS n FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    while number(on, WAITING).await < count {
        looks.tick().await;
    }
}
