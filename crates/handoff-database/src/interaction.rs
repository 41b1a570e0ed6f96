//! What people do in Discord, in a unit of work: which interactions were acted on, codes, and wrong ones.

use crate::error::{Stored, damaged};
use crate::row;
use crate::sql::{Sql, locking};
use crate::table::users;
use crate::transaction::Transaction;
use async_trait::async_trait;
use handoff_domain::access_code::{AccessCode, CodeKind, CodePurpose};
use handoff_domain::id::{OrganizationId, UserId};
use handoff_domain::interaction::WrongCodes;
use handoff_domain::organization::{DiscordUserId, InteractionId, User};
use handoff_domain::port::store::{InteractionTx, StoreResult};
use handoff_domain::time::Timestamp;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryResult};

/// The user whose account this is.
pub(crate) async fn user_by_discord(on: &impl ConnectionTrait, account: DiscordUserId) -> StoreResult<Option<User>> {
    let theirs = users::Column::Discord.eq(row::signed(account.get()));
    users::Entity::find().filter(theirs).one(on).await.stored()?.map(row::user).transpose()
}

fn access_code(found: &QueryResult) -> StoreResult<AccessCode> {
    let kind: String = found.try_get("", "kind").stored()?;
    let user: Option<i64> = found.try_get("", "user_id").stored()?;
    let purpose = match (CodeKind::from_stored(&kind), user) {
        (Some(CodeKind::Link), Some(user)) => CodePurpose::Link { user: UserId::new(user) },
        (Some(CodeKind::Claim), None) => CodePurpose::Claim,
        _ => return Err(damaged("access code")),
    };
    let organization: i64 = found.try_get("", "organization_id").stored()?;
    Ok(AccessCode {
        digest: found.try_get("", "digest").stored()?,
        organization: OrganizationId::new(organization),
        purpose,
        expires_at: Timestamp::from_micros(found.try_get("", "expires_at").stored()?),
    })
}

#[async_trait]
impl InteractionTx for Transaction {
    async fn remember_interaction(&mut self, id: InteractionId) -> StoreResult<bool> {
        let insert = Sql::new("INSERT INTO interactions (id) VALUES (").bind(row::signed(id.get()));
        insert.text(") ON CONFLICT (id) DO NOTHING").count(&self.0).await.map(|made| made > 0)
    }

    async fn user_by_discord(&mut self, account: DiscordUserId) -> StoreResult<Option<User>> {
        user_by_discord(&self.0, account).await
    }

    async fn put_access_code(&mut self, code: &AccessCode) -> StoreResult<()> {
        let (kind, user) = (code.purpose.kind().as_str(), code.purpose.user().map(UserId::get));
        let before = Sql::new("DELETE FROM access_codes WHERE organization_id = ").bind(code.organization.get());
        let before = before.text(" AND kind = ").bind(kind).text(" AND coalesce(user_id, 0) = ");
        before.bind(user.unwrap_or(0)).count(&self.0).await?;
        let insert = Sql::new("INSERT INTO access_codes (digest, kind, organization_id, user_id, expires_at) VALUES (");
        let insert = insert.bind(code.digest.clone()).text(", ").bind(kind).text(", ");
        let insert = insert.bind(code.organization.get()).text(", ").bind(user).text(", ");
        insert.bind(code.expires_at.as_micros()).text(")").count(&self.0).await.map(|_| ())
    }

    async fn take_access_code(&mut self, digest: &[u8], kind: CodeKind) -> StoreResult<Option<AccessCode>> {
        let take = Sql::new("DELETE FROM access_codes WHERE digest = ").bind(digest.to_vec());
        let take = take.text(" AND kind = ").bind(kind.as_str());
        let taken = take.text(" RETURNING digest, kind, organization_id, user_id, expires_at").one(&self.0).await?;
        taken.as_ref().map(access_code).transpose()
    }

    async fn lock_wrong_codes(&mut self, account: DiscordUserId, now: Timestamp) -> StoreResult<WrongCodes> {
        let account = row::signed(account.get());
        let first = Sql::new("INSERT INTO wrong_codes (account, wrong, since) VALUES (").bind(account);
        let first = first.text(", 0, ").bind(now.as_micros()).text(") ON CONFLICT (account) DO NOTHING");
        first.count(&self.0).await?;
        let held = Sql::new("SELECT wrong, since FROM wrong_codes WHERE account = ").bind(account);
        let held = held.text(locking(&self.0, " FOR UPDATE")).one(&self.0).await?;
        let Some(held) = held else { return Ok(WrongCodes::none(now)) };
        Ok(WrongCodes {
            count: held.try_get("", "wrong").stored()?,
            since: Timestamp::from_micros(held.try_get("", "since").stored()?),
        })
    }

    async fn put_wrong_codes(&mut self, account: DiscordUserId, wrong: WrongCodes) -> StoreResult<()> {
        let update = Sql::new("UPDATE wrong_codes SET wrong = ").bind(wrong.count).text(", since = ");
        let update = update.bind(wrong.since.as_micros()).text(" WHERE account = ").bind(row::signed(account.get()));
        update.count(&self.0).await.map(|_| ())
    }

    async fn forget_interactions(&mut self, interactions: Timestamp, codes: Timestamp, limit: u16) -> StoreResult<u64> {
        let (limit, codes) = (i64::from(limit), codes.as_micros());
        let old = Sql::new("DELETE FROM interactions WHERE id IN (SELECT id FROM interactions WHERE id < ");
        let old = old.bind(InteractionId::least_at(interactions)).text(" ORDER BY id LIMIT ").bind(limit).text(")");
        let expired =
            Sql::new("DELETE FROM access_codes WHERE digest IN (SELECT digest FROM access_codes WHERE expires_at < ");
        let expired = expired.bind(codes).text(" ORDER BY expires_at LIMIT ").bind(limit).text(")");
        let wrong =
            Sql::new("DELETE FROM wrong_codes WHERE account IN (SELECT account FROM wrong_codes WHERE since < ");
        let wrong = wrong.bind(codes).text(" ORDER BY since LIMIT ").bind(limit).text(")");
        Ok(old.count(&self.0).await? + expired.count(&self.0).await? + wrong.count(&self.0).await?)
    }
}
