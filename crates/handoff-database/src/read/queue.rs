//! Deliveries and outbox rows, as shown to people: newest first.

use super::{Order, page, page_of};
use crate::error::Stored;
use crate::row::{self, DeliverySummary};
use crate::sql::Sql;
use crate::table::{deliveries, outbox};
use handoff_domain::delivery::{DeliveryRecord, DeliveryState};
use handoff_domain::id::{DeliveryId, OrganizationId, OutboxId};
use handoff_domain::outbox::{OutboxRecord, OutboxState};
use handoff_domain::page::{Page, PageRequest};
use handoff_domain::port::store::StoreResult;
use sea_orm::{ConnectionTrait, FromQueryResult};

/// A delivery without its payload, which may be megabytes.
const WITHOUT_PAYLOAD: &str = "d.id, d.hook_id, d.integration_id, d.azure_project, d.event_type, d.work_item, d.state, \
     d.reason, d.attempts, d.duplicates, d.received_at, d.finished_at";

/// The deliveries about projects that the organization connected.
fn concerning(columns: &str, organization: OrganizationId) -> Sql {
    let sql = Sql::new("SELECT ").text(columns).text(
        " FROM deliveries d WHERE EXISTS (SELECT 1 FROM connected_projects c WHERE c.integration_id = d.integration_id \
         AND c.azure_project = d.azure_project AND c.organization_id = ",
    );
    sql.bind(organization.get()).text(")")
}

pub(super) async fn deliveries(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    state: Option<DeliveryState>,
    asked: PageRequest<DeliveryId>,
) -> StoreResult<Page<DeliveryRecord>> {
    let mut own = concerning(WITHOUT_PAYLOAD, organization);
    if let Some(state) = state {
        own = own.text(" AND d.state = ").bind(state.as_str());
    }
    let own = page_of(own, "d.id", Order::NewestFirst, asked.after.map(DeliveryId::get), asked.limit);
    page(own.models::<DeliverySummary>(on).await?, asked.limit, row::delivery)
}

pub(super) async fn delivery(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    id: DeliveryId,
) -> StoreResult<Option<(DeliveryRecord, Vec<u8>)>> {
    let own = concerning("d.*", organization).text(" AND d.id = ").bind(id.get());
    super::first(own.one(on).await?, |found| {
        let whole = deliveries::Model::from_query_result(found, "").stored()?;
        let summary = DeliverySummary::from_query_result(found, "").stored()?;
        Ok((row::delivery(summary)?, whole.payload))
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
    page(own.models::<outbox::Model>(on).await?, asked.limit, |found| row::outbox_record(&found))
}
