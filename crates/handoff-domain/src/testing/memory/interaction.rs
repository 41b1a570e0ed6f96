//! What people do in Discord.

use super::Transaction;
use super::state::{State, unless};
use crate::access_code::{AccessCode, CodeKind};
use crate::interaction::WrongCodes;
use crate::organization::{DiscordUserId, InteractionId, User};
use crate::port::store::{InteractionTx, StoreResult};
use crate::time::Timestamp;
use async_trait::async_trait;

impl State {
    /// The user whose account this is.
    pub(super) fn user_of_account(&self, account: DiscordUserId) -> Option<&User> {
        self.users.values().find(|user| user.discord == Some(account))
    }
}

#[async_trait]
impl InteractionTx for Transaction {
    async fn remember_interaction(&mut self, id: InteractionId) -> StoreResult<bool> {
        Ok(self.write().interactions.insert(id))
    }

    async fn user_by_discord(&mut self, account: DiscordUserId) -> StoreResult<Option<User>> {
        Ok(self.state.user_of_account(account).cloned())
    }

    async fn put_access_code(&mut self, code: &AccessCode) -> StoreResult<()> {
        let same = |one: &AccessCode| one.organization == code.organization && one.purpose == code.purpose;
        let state = self.write();
        state.access_codes.retain(|_, one| !same(one));
        unless(state.access_codes.contains_key(&code.digest), "access_code_pkey")?;
        state.access_codes.insert(code.digest.clone(), code.clone());
        Ok(())
    }

    async fn take_access_code(&mut self, digest: &[u8], kind: CodeKind) -> StoreResult<Option<AccessCode>> {
        if self.state.access_codes.get(digest).is_none_or(|code| code.purpose.kind() != kind) {
            return Ok(None);
        }
        Ok(self.write().access_codes.remove(digest))
    }

    async fn lock_wrong_codes(&mut self, account: DiscordUserId, now: Timestamp) -> StoreResult<WrongCodes> {
        Ok(*self.write().wrong_codes.entry(account).or_insert(WrongCodes::none(now)))
    }

    async fn put_wrong_codes(&mut self, account: DiscordUserId, wrong: WrongCodes) -> StoreResult<()> {
        if let Some(known) = self.write().wrong_codes.get_mut(&account) {
            *known = wrong;
        }
        Ok(())
    }

    async fn forget_interactions(&mut self, interactions: Timestamp, codes: Timestamp, limit: u16) -> StoreResult<u64> {
        let limit = usize::from(limit);
        let state = self.write();
        let old: Vec<_> =
            state.interactions.iter().filter(|id| id.made_at() < interactions).take(limit).copied().collect();
        let expired = state.access_codes.values().filter(|code| code.expires_at < codes).take(limit);
        let expired: Vec<_> = expired.map(|code| code.digest.clone()).collect();
        let wrong = state.wrong_codes.iter().filter(|(_, wrong)| wrong.since < codes).take(limit);
        let wrong: Vec<_> = wrong.map(|(account, _)| *account).collect();
        let gone = old.len() + expired.len() + wrong.len();
        for id in old {
            state.interactions.remove(&id);
        }
        for digest in expired {
            state.access_codes.remove(&digest);
        }
        for account in wrong {
            state.wrong_codes.remove(&account);
        }
        Ok(u64::try_from(gone).unwrap_or(u64::MAX))
    }
}
