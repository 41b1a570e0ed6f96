//! Guilds: adding one to an organization.

use super::error::{UseCaseError, rerun};
use super::essentials::Essentials;
use crate::chat::Guild;
use crate::id::OrganizationId;
use crate::organization::GuildId;
use crate::port::{ChatMessenger, StoreError};
use std::sync::Arc;

/// Adds guilds.
#[derive(Clone)]
pub struct Guilds {
    /// The shared ports.
    pub base: Essentials,
    /// Discord.
    pub chat: Arc<dyn ChatMessenger>,
}

impl Guilds {
    /// Gives a guild that the bot is in to an organization. Whoever calls this vouches that the guild is
    /// the organization's.
    ///
    /// # Errors
    /// [`UseCaseError::Refused`] when the bot is not in it, [`UseCaseError::Conflict`] when it belongs to
    /// an organization already, [`UseCaseError::Chat`] as Discord answers.
    pub async fn create(&self, organization: OrganizationId, id: GuildId) -> Result<Guild, UseCaseError> {
        let name = self.chat.guild_name(id).await.map_err(UseCaseError::Chat)?;
        let name = name.ok_or_else(|| {
            UseCaseError::Refused("the bot is not in this guild; invite it there, then try again".to_owned())
        })?;
        let guild = Guild { id, organization, name, created_at: self.base.clock.now() };
        let saved = rerun(|| async {
            let mut uow = self.base.store.begin().await?;
            uow.insert_guild(&guild).await?;
            uow.commit().await
        });
        saved.await.map_err(|error: StoreError| {
            if error.is_conflict_with("guild_pkey") {
                UseCaseError::Conflict("the guild belongs to an organization already".to_owned())
            } else {
                error.into()
            }
        })?;
        Ok(guild)
    }
}
