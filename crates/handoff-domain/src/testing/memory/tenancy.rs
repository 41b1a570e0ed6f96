//! Organizations, users, teams and tokens.

use super::Transaction;
use super::state::unless;
use crate::id::{OrganizationId, TeamId, TokenId, UserId};
use crate::organization::{DiscordUserId, Organization, Role, Team, User, UserEmail};
use crate::port::store::{StoreResult, TenancyTx};
use crate::time::Timestamp;
use crate::token::ApiToken;
use async_trait::async_trait;
use std::collections::BTreeSet;

impl Transaction {
    fn discord_taken(&self, by_other_than: UserId, discord: Option<DiscordUserId>) -> bool {
        let mut users = self.state.users.values();
        discord.is_some() && users.any(|user| user.discord == discord && user.id != by_other_than)
    }
}

#[async_trait]
impl TenancyTx for Transaction {
    async fn insert_organization(&mut self, new: &Organization) -> StoreResult<OrganizationId> {
        let known = &self.state.organizations;
        unless(known.contains_key(&new.id), "organization_pkey")?;
        unless(known.values().any(|one| one.slug == new.slug), "organization_slug")?;
        let state = self.write();
        let id = OrganizationId::new(state.id_or_next(new.id.get()));
        state.organizations.insert(id, Organization { id, ..new.clone() });
        Ok(id)
    }

    async fn lock_organization(&mut self, id: OrganizationId) -> StoreResult<bool> {
        Ok(self.state.organizations.contains_key(&id))
    }

    async fn insert_user(&mut self, new: &User) -> StoreResult<UserId> {
        unless(self.state.users.contains_key(&new.id), "user_pkey")?;
        unless(self.discord_taken(new.id, new.discord), "user_discord")?;
        let state = self.write();
        let id = UserId::new(state.id_or_next(new.id.get()));
        state.users.insert(id, User { id, ..new.clone() });
        Ok(id)
    }

    async fn set_user_active(&mut self, id: UserId, active: bool) -> StoreResult<bool> {
        Ok(self.write().users.get_mut(&id).map(|user| user.active = active).is_some())
    }

    async fn set_user_discord(&mut self, id: UserId, discord: Option<DiscordUserId>) -> StoreResult<bool> {
        if !self.state.users.contains_key(&id) {
            return Ok(false);
        }
        unless(self.discord_taken(id, discord), "user_discord")?;
        Ok(self.write().users.get_mut(&id).map(|user| user.discord = discord).is_some())
    }

    async fn put_user_email(&mut self, email: &UserEmail) -> StoreResult<()> {
        let owner = self.state.owner_of(&email.address);
        unless(email.verified && owner.is_some_and(|owner| owner != email.user), "user_email_verified")?;
        self.write().emails.insert((email.user, email.address.clone()), email.verified);
        Ok(())
    }

    async fn put_membership(&mut self, organization: OrganizationId, user: UserId, role: Role) -> StoreResult<()> {
        self.write().memberships.insert((organization, user), role);
        Ok(())
    }

    async fn insert_team(&mut self, new: &Team) -> StoreResult<TeamId> {
        let known = &self.state.teams;
        unless(known.contains_key(&new.id), "team_pkey")?;
        let same = |team: &Team| team.organization == new.organization && team.slug == new.slug;
        unless(known.values().any(same), "team_slug")?;
        let state = self.write();
        let id = TeamId::new(state.id_or_next(new.id.get()));
        state.teams.insert(id, Team { id, ..new.clone() });
        Ok(id)
    }

    async fn add_team_member(&mut self, team: TeamId, user: UserId) -> StoreResult<()> {
        self.write().team_members.insert((team, user));
        Ok(())
    }

    async fn remove_team_member(&mut self, team: TeamId, user: UserId) -> StoreResult<bool> {
        Ok(self.write().team_members.remove(&(team, user)))
    }

    async fn users(&mut self, ids: &[UserId]) -> StoreResult<Vec<User>> {
        let ids: BTreeSet<&UserId> = ids.iter().collect();
        Ok(ids.into_iter().filter_map(|id| self.state.users.get(id).cloned()).collect())
    }

    async fn team_members(&mut self, ids: &[TeamId]) -> StoreResult<Vec<(TeamId, UserId)>> {
        Ok(self.state.team_members.iter().filter(|(team, _)| ids.contains(team)).copied().collect())
    }

    async fn insert_token(&mut self, new: &ApiToken) -> StoreResult<()> {
        let known = &self.state.tokens;
        unless(known.contains_key(&new.id), "api_token_pkey")?;
        unless(known.values().any(|token| token.digest == new.digest), "api_token_digest")?;
        self.write().tokens.insert(new.id, new.clone());
        Ok(())
    }

    async fn revoke_token(&mut self, id: TokenId, at: Timestamp) -> StoreResult<bool> {
        let works = self.state.tokens.get(&id).is_some_and(|token| token.is_live(at));
        if works && let Some(token) = self.write().tokens.get_mut(&id) {
            token.revoked_at = Some(at);
        }
        Ok(works)
    }
}
