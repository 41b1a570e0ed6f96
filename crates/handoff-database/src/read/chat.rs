//! Guilds and routes.

use crate::error::Stored;
use crate::row;
use crate::sql::Sql;
use crate::table::{guilds, messages, routes};
use handoff_domain::chat::{Guild, Route};
use handoff_domain::id::{OrganizationId, ProjectId, RouteId};
use handoff_domain::organization::GuildId;
use handoff_domain::page::{Page, PageRequest};
use handoff_domain::port::store::StoreResult;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};

pub(super) async fn guilds(on: &impl ConnectionTrait, organization: OrganizationId) -> StoreResult<Vec<Guild>> {
    let own = guilds::Column::OrganizationId.eq(organization.get());
    let found = guilds::Entity::find().filter(own).order_by_asc(guilds::Column::Id).all(on).await.stored()?;
    found.iter().map(row::guild).collect()
}

pub(super) async fn guild(on: &impl ConnectionTrait, id: GuildId) -> StoreResult<Option<Guild>> {
    let found = guilds::Entity::find_by_id(row::signed(id.get())).one(on).await.stored()?;
    found.as_ref().map(row::guild).transpose()
}

/// The routes of the organization's visible projects.
fn visible(organization: OrganizationId) -> Sql {
    Sql::new(
        "SELECT r.* FROM routes r JOIN projects p ON p.id = r.project_id \
         WHERE p.hidden_at IS NULL AND p.organization_id = ",
    )
    .bind(organization.get())
}

pub(super) async fn routes(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    project: ProjectId,
    page: PageRequest<RouteId>,
) -> StoreResult<Page<Route>> {
    let mut own = visible(organization).text(" AND p.id = ").bind(project.get());
    if let Some(after) = page.after {
        own = own.text(" AND r.id > ").bind(after.get());
    }
    let own = own.text(" ORDER BY r.id LIMIT ").bind(i64::from(page.limit) + 1);
    let found = own.models::<routes::Model>(on).await?.into_iter().map(row::route).collect::<StoreResult<_>>()?;
    Ok(Page::from_one_more(found, page.limit))
}

pub(super) async fn given_up_cards(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    route: RouteId,
) -> StoreResult<u64> {
    let own = messages::Column::OrganizationId.eq(organization.get());
    let of_route = messages::Column::RouteId.eq(route.get());
    let given_up = messages::Column::GivenUp.eq(true);
    messages::Entity::find().filter(own).filter(of_route).filter(given_up).count(on).await.stored()
}

pub(super) async fn route(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    id: RouteId,
) -> StoreResult<Option<Route>> {
    let own = visible(organization).text(" AND r.id = ").bind(id.get());
    own.models::<routes::Model>(on).await?.pop().map(row::route).transpose()
}
