//! Organizations, users, teams and tokens in a unit of work.

use crate::error::{Stored, damaged};
use crate::row;
use crate::sql::{CHUNK, Sql, locking};
use crate::table::{api_tokens, memberships, organizations, team_members, teams, user_emails, users};
use crate::transaction::Transaction;
use async_trait::async_trait;
use handoff_domain::id::{OrganizationId, TeamId, TokenId, UserId};
use handoff_domain::organization::{DiscordUserId, Organization, Role, Team, User, UserEmail};
use handoff_domain::port::store::{StoreResult, TenancyTx};
use handoff_domain::time::Timestamp;
use handoff_domain::token::ApiToken;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel, QueryFilter,
};

/// A given id is kept; zero becomes the next one, past every id that was given. PostgreSQL's counter does
/// not see those, and is moved past them, by one transaction at a time: giving and counting ids of a table
/// wait for each other there.
pub(crate) async fn id_or_next(
    on: &impl ConnectionTrait,
    given: i64,
    table: &'static str,
) -> StoreResult<ActiveValue<i64>> {
    if on.get_database_backend() == DbBackend::Postgres {
        Sql::new("SELECT pg_advisory_xact_lock(hashtext(").bind(table).text("))").one(on).await?;
    } else if given == 0 {
        return Ok(ActiveValue::NotSet);
    }
    if given != 0 {
        return Ok(ActiveValue::Set(given));
    }
    let next = Sql::new("SELECT setval(counter, GREATEST(nextval(counter), (SELECT coalesce(max(id), 0) + 1 FROM ");
    let next = next.text(table).text("))) AS id FROM (SELECT pg_get_serial_sequence(").bind(table);
    let row = next.text(", 'id')::regclass AS counter) the_table").one(on).await?;
    row.ok_or_else(|| damaged("counter"))?.try_get("", "id").stored().map(ActiveValue::Set)
}

#[async_trait]
impl TenancyTx for Transaction {
    async fn insert_organization(&mut self, new: &Organization) -> StoreResult<OrganizationId> {
        let id = id_or_next(&self.0, new.id.get(), "organizations").await?;
        let row = organizations::ActiveModel {
            id,
            slug: ActiveValue::Set(new.slug.as_str().to_owned()),
            name: ActiveValue::Set(new.name.as_str().to_owned()),
            issue_sync: ActiveValue::Set(new.issue_sync),
            created_at: ActiveValue::Set(new.created_at.as_micros()),
        };
        row.insert(&self.0).await.stored().map(|row| OrganizationId::new(row.id))
    }

    async fn lock_organization(&mut self, id: OrganizationId) -> StoreResult<bool> {
        let lock = locking(&self.0, " FOR NO KEY UPDATE");
        let row = Sql::new("SELECT id FROM organizations WHERE id = ").bind(id.get()).text(lock);
        row.one(&self.0).await.map(|row| row.is_some())
    }

    async fn insert_user(&mut self, new: &User) -> StoreResult<UserId> {
        let id = id_or_next(&self.0, new.id.get(), "users").await?;
        let row = users::ActiveModel {
            id,
            name: ActiveValue::Set(new.name.as_str().to_owned()),
            active: ActiveValue::Set(new.active),
            discord: ActiveValue::Set(new.discord.map(|id| row::signed(id.get()))),
            created_at: ActiveValue::Set(new.created_at.as_micros()),
        };
        row.insert(&self.0).await.stored().map(|row| UserId::new(row.id))
    }

    async fn set_user_active(&mut self, id: UserId, active: bool) -> StoreResult<bool> {
        let update = Sql::new("UPDATE users SET active = ").bind(active).text(" WHERE id = ").bind(id.get());
        update.count(&self.0).await.map(|changed| changed > 0)
    }

    async fn set_user_discord(&mut self, id: UserId, discord: Option<DiscordUserId>) -> StoreResult<bool> {
        let discord = discord.map(|id| row::signed(id.get()));
        let update = Sql::new("UPDATE users SET discord = ").bind(discord).text(" WHERE id = ").bind(id.get());
        update.count(&self.0).await.map(|changed| changed > 0)
    }

    async fn put_user_email(&mut self, email: &UserEmail) -> StoreResult<()> {
        let row = user_emails::Model {
            user_id: email.user.get(),
            address: email.address.as_str().to_owned(),
            verified: email.verified,
        };
        let upsert = OnConflict::columns([user_emails::Column::UserId, user_emails::Column::Address])
            .update_column(user_emails::Column::Verified)
            .to_owned();
        let insert = user_emails::Entity::insert(row.into_active_model()).on_conflict(upsert);
        insert.exec_without_returning(&self.0).await.stored().map(|_| ())
    }

    async fn put_membership(&mut self, organization: OrganizationId, user: UserId, role: Role) -> StoreResult<()> {
        let row = memberships::Model {
            organization_id: organization.get(),
            user_id: user.get(),
            role: role.as_str().to_owned(),
        };
        let upsert = OnConflict::columns([memberships::Column::OrganizationId, memberships::Column::UserId])
            .update_column(memberships::Column::Role)
            .to_owned();
        let insert = memberships::Entity::insert(row.into_active_model()).on_conflict(upsert);
        insert.exec_without_returning(&self.0).await.stored().map(|_| ())
    }

    async fn insert_team(&mut self, new: &Team) -> StoreResult<TeamId> {
        let id = id_or_next(&self.0, new.id.get(), "teams").await?;
        let row = teams::ActiveModel {
            id,
            organization_id: ActiveValue::Set(new.organization.get()),
            slug: ActiveValue::Set(new.slug.as_str().to_owned()),
            name: ActiveValue::Set(new.name.as_str().to_owned()),
            created_at: ActiveValue::Set(new.created_at.as_micros()),
        };
        row.insert(&self.0).await.stored().map(|row| TeamId::new(row.id))
    }

    async fn add_team_member(&mut self, team: TeamId, user: UserId) -> StoreResult<()> {
        let insert = Sql::new("INSERT INTO team_members (team_id, user_id) VALUES ")
            .list([team.get(), user.get()])
            .text(" ON CONFLICT DO NOTHING");
        insert.count(&self.0).await.map(|_| ())
    }

    async fn remove_team_member(&mut self, team: TeamId, user: UserId) -> StoreResult<bool> {
        let delete = Sql::new("DELETE FROM team_members WHERE team_id = ").bind(team.get());
        delete.text(" AND user_id = ").bind(user.get()).count(&self.0).await.map(|gone| gone > 0)
    }

    async fn users(&mut self, ids: &[UserId]) -> StoreResult<Vec<User>> {
        let mut found = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK) {
            let wanted = users::Column::Id.is_in(chunk.iter().map(|id| id.get()));
            let rows = users::Entity::find().filter(wanted).all(&self.0).await.stored()?;
            found.extend(rows.into_iter().map(row::user).collect::<StoreResult<Vec<_>>>()?);
        }
        Ok(found)
    }

    async fn team_members(&mut self, ids: &[TeamId]) -> StoreResult<Vec<(TeamId, UserId)>> {
        let mut found = Vec::new();
        for chunk in ids.chunks(CHUNK) {
            let wanted = team_members::Column::TeamId.is_in(chunk.iter().map(|id| id.get()));
            let rows = team_members::Entity::find().filter(wanted).all(&self.0).await.stored()?;
            found.extend(rows.into_iter().map(|row| (TeamId::new(row.team_id), UserId::new(row.user_id))));
        }
        Ok(found)
    }

    async fn insert_token(&mut self, new: &ApiToken) -> StoreResult<()> {
        let row = api_tokens::Model {
            id: new.id.get(),
            name: new.name.as_str().to_owned(),
            organization_id: new.organization.map(OrganizationId::get),
            digest: new.digest.clone(),
            created_at: new.created_at.as_micros(),
            expires_at: new.expires_at.map(Timestamp::as_micros),
            revoked_at: new.revoked_at.map(Timestamp::as_micros),
        };
        let insert = api_tokens::Entity::insert(row.into_active_model());
        insert.exec_without_returning(&self.0).await.stored().map(|_| ())
    }

    async fn revoke_token(&mut self, id: TokenId, at: Timestamp) -> StoreResult<bool> {
        let update = Sql::new("UPDATE api_tokens SET revoked_at = ").bind(at.as_micros()).text(" WHERE id = ");
        let update = update.bind(id.get()).text(" AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ");
        update.bind(at.as_micros()).text(")").count(&self.0).await.map(|changed| changed > 0)
    }
}
