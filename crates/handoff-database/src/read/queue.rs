//! Deliveries and outbox rows, as shown to people: newest first.

use super::{Order, page, page_of};
use crate::error::Stored;
use crate::row::{self, DeliverySummary};
use crate::sql::Sql;
use crate::table::outbox;
use handoff_domain::delivery::{DeliveryRecord, DeliveryState};
use handoff_domain::id::{DeliveryId, OrganizationId, OutboxId};
use handoff_domain::outbox::{OutboxRecord, OutboxState};
use handoff_domain::page::{Page, PageRequest};
use handoff_domain::port::store::StoreResult;
use sea_orm::{ConnectionTrait, FromQueryResult};
use std::cmp::Reverse;
use uuid::Uuid;

/// A delivery without its payload, which may be megabytes.
const WITHOUT_PAYLOAD: &str = "SELECT d.id, d.hook_id, d.integration_id, d.azure_project, d.event_type, d.work_item, \
     d.state, d.reason, d.attempts, d.duplicates, d.received_at, d.finished_at FROM deliveries d WHERE ";
/// Connected projects asked about in one statement: SQLite joins 500 queries at most.
const PROJECTS: usize = 100;

/// Page by page of each project that the organization connected, and of those pages the newest rows: an
/// index finds each, where one question about all would look at everybody's deliveries.
pub(super) async fn deliveries(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    state: Option<DeliveryState>,
    asked: PageRequest<DeliveryId>,
) -> StoreResult<Page<DeliveryRecord>> {
    let own =
        Sql::new("SELECT DISTINCT integration_id, azure_project FROM connected_projects WHERE organization_id = ");
    let own = own.bind(organization.get()).models::<Concerned>(on).await?;
    let mut newest: Vec<DeliverySummary> = Vec::new();
    for chunk in own.chunks(PROJECTS) {
        let mut sql = Sql::default();
        for (position, project) in chunk.iter().enumerate() {
            sql = sql.text(if position == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" });
            sql = sql.text(WITHOUT_PAYLOAD).text("d.integration_id = ").bind(project.integration_id);
            sql = sql.text(" AND d.azure_project = ").bind(project.azure_project.clone());
            if let Some(state) = state {
                sql = sql.text(" AND d.state = ").bind(state.as_str());
            }
            let after = asked.after.map(DeliveryId::get);
            sql = page_of(sql, "d.id", Order::NewestFirst, after, asked.limit).text(") AS of_project");
        }
        newest.extend(sql.models::<DeliverySummary>(on).await?);
    }
    newest.sort_by_key(|one| Reverse(one.id));
    newest.truncate(usize::from(asked.limit) + 1);
    page(newest, asked.limit, row::delivery)
}

/// An Azure DevOps project that an organization connected.
#[derive(Debug, FromQueryResult)]
struct Concerned {
    integration_id: Uuid,
    azure_project: String,
}

pub(super) async fn delivery(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    id: DeliveryId,
) -> StoreResult<Option<(DeliveryRecord, Vec<u8>)>> {
    let own = Sql::new("SELECT d.* FROM deliveries d WHERE d.id = ").bind(id.get()).text(
        " AND EXISTS (SELECT 1 FROM connected_projects c WHERE c.integration_id = d.integration_id \
         AND c.azure_project = d.azure_project AND c.organization_id = ",
    );
    super::first(own.bind(organization.get()).text(")").one(on).await?, |found| {
        let summary = DeliverySummary::from_query_result(found, "").stored()?;
        Ok((row::delivery(summary)?, found.try_get("", "payload").stored()?))
    })
}

pub(super) async fn outbox(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    state: Option<OutboxState>,
    asked: PageRequest<OutboxId>,
) -> StoreResult<Page<OutboxRecord>> {
    let mut own = Sql::new("SELECT * FROM outbox WHERE organization_id = ").bind(organization.get());
    if let Some(state) = state {
        own = own.text(" AND state = ").bind(state.as_str());
    }
    let own = page_of(own, "id", Order::NewestFirst, asked.after.map(OutboxId::get), asked.limit);
    let found = own.models::<outbox::Model>(on).await?;
    let Page { items, more } = Page::from_one_more(found, asked.limit);
    // What a newer version wrote cannot be shown by this one; the rest of the page can.
    let readable = items.iter().filter_map(|found| row::outbox_record(found).ok()).collect();
    Ok(Page { items: readable, more })
}
