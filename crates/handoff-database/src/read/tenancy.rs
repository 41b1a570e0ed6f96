//! Organizations, their people and their teams.

use super::{Order, page, page_of};
use crate::error::{Stored, damaged};
use crate::row;
use crate::sql::Sql;
use crate::table::{api_tokens, organizations, teams, user_emails, users};
use handoff_domain::id::{OrganizationId, TeamId, UserId};
use handoff_domain::organization::{Organization, Role, Team, User, UserEmail};
use handoff_domain::page::{Page, PageRequest};
use handoff_domain::port::read::Member;
use handoff_domain::port::store::StoreResult;
use handoff_domain::slug::Slug;
use handoff_domain::token::ApiToken;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QueryResult};
use std::collections::HashMap;

pub(super) async fn token_by_digest(on: &impl ConnectionTrait, digest: &[u8]) -> StoreResult<Option<ApiToken>> {
    let same = api_tokens::Column::Digest.eq(digest.to_vec());
    let found = api_tokens::Entity::find().filter(same).one(on).await.stored()?;
    found.map(row::api_token).transpose()
}

pub(super) async fn organizations(
    on: &impl ConnectionTrait,
    asked: PageRequest<OrganizationId>,
) -> StoreResult<Page<Organization>> {
    let all = Sql::new("SELECT * FROM organizations WHERE 1 = 1");
    let all = page_of(all, "id", Order::OldestFirst, asked.after.map(OrganizationId::get), asked.limit);
    page(all.models::<organizations::Model>(on).await?, asked.limit, row::organization)
}

pub(super) async fn organization(on: &impl ConnectionTrait, id: OrganizationId) -> StoreResult<Option<Organization>> {
    let found = organizations::Entity::find_by_id(id.get()).one(on).await.stored()?;
    found.map(row::organization).transpose()
}

pub(super) async fn organization_by_slug(on: &impl ConnectionTrait, slug: &Slug) -> StoreResult<Option<Organization>> {
    let same = organizations::Column::Slug.eq(slug.as_str());
    let found = organizations::Entity::find().filter(same).one(on).await.stored()?;
    found.map(row::organization).transpose()
}

fn members_of(organization: OrganizationId) -> Sql {
    Sql::new("SELECT u.*, m.role FROM users u JOIN memberships m ON m.user_id = u.id WHERE m.organization_id = ")
        .bind(organization.get())
}

fn user_with_role(found: &QueryResult) -> StoreResult<(User, Role)> {
    let role: String = found.try_get("", "role").stored()?;
    let role = Role::from_stored(&role).ok_or_else(|| damaged("role"))?;
    Ok((row::user(users::Model::from_query_result(found, "").stored()?)?, role))
}

async fn with_emails(on: &impl ConnectionTrait, users: Vec<(User, Role)>) -> StoreResult<Vec<Member>> {
    use user_emails::Column;
    let ids = users.iter().map(|(user, _)| user.id.get());
    let found = user_emails::Entity::find().filter(Column::UserId.is_in(ids)).order_by_asc(Column::Address).all(on);
    let mut emails: HashMap<UserId, Vec<UserEmail>> = HashMap::new();
    for email in found.await.stored()? {
        let email = row::user_email(&email)?;
        emails.entry(email.user).or_default().push(email);
    }
    let member = |(user, role): (User, Role)| {
        let emails = emails.remove(&user.id).unwrap_or_default();
        Member { user, role, emails }
    };
    Ok(users.into_iter().map(member).collect())
}

pub(super) async fn members(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    asked: PageRequest<UserId>,
) -> StoreResult<Page<Member>> {
    let after = asked.after.map(UserId::get);
    let rows = page_of(members_of(organization), "u.id", Order::OldestFirst, after, asked.limit).all(on).await?;
    let found = page(rows, asked.limit, |row| user_with_role(&row))?;
    Ok(Page { more: found.more, items: with_emails(on, found.items).await? })
}

pub(super) async fn member(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    id: UserId,
) -> StoreResult<Option<Member>> {
    let found = members_of(organization).text(" AND u.id = ").bind(id.get()).one(on).await?;
    let Some(found) = super::first(found, user_with_role)? else { return Ok(None) };
    Ok(with_emails(on, vec![found]).await?.pop())
}

pub(super) async fn teams(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    asked: PageRequest<TeamId>,
) -> StoreResult<Page<Team>> {
    let own = Sql::new("SELECT * FROM teams WHERE organization_id = ").bind(organization.get());
    let own = page_of(own, "id", Order::OldestFirst, asked.after.map(TeamId::get), asked.limit);
    page(own.models::<teams::Model>(on).await?, asked.limit, row::team)
}

pub(super) async fn team(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    id: TeamId,
) -> StoreResult<Option<Team>> {
    let own = teams::Column::OrganizationId.eq(organization.get());
    let found = teams::Entity::find_by_id(id.get()).filter(own).one(on).await.stored()?;
    found.map(row::team).transpose()
}

pub(super) async fn team_users(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    team: TeamId,
    asked: PageRequest<UserId>,
) -> StoreResult<Page<User>> {
    let of_team = Sql::new(
        "SELECT u.* FROM users u JOIN team_members m ON m.user_id = u.id JOIN teams t ON t.id = m.team_id \
         WHERE t.organization_id = ",
    );
    let of_team = of_team.bind(organization.get()).text(" AND t.id = ").bind(team.get());
    let of_team = page_of(of_team, "u.id", Order::OldestFirst, asked.after.map(UserId::get), asked.limit);
    page(of_team.models::<users::Model>(on).await?, asked.limit, row::user)
}
