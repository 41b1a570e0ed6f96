//! Linking accounts and claiming guilds, by codes that somebody made through the API. Wrong codes are counted
//! for each account, and too many are not looked at for a while.

use super::Interactions;
use super::halt::Halt;
use crate::access_code::{AccessCode, CodeKind, digest_of};
use crate::chat::Guild;
use crate::interaction::{Interaction, Notice, Reply};
use crate::organization::GuildId;
use crate::port::{StoreError, UnitOfWork};
use crate::service::error::{UseCaseError, rerun};
use crate::service::essentials::arm_cards_of;
use crate::text::Name;

impl Interactions {
    /// `/link`
    pub(super) async fn link(&self, interaction: &Interaction, code: &str) -> Result<Reply, Halt> {
        let notice = rerun(|| self.try_link(interaction, code)).await;
        notice.map(Reply::Say).map_err(|halt| on_conflict(halt, "user_discord", Notice::AccountTaken))
    }

    async fn try_link(&self, interaction: &Interaction, code: &str) -> Result<Notice, Halt> {
        let mut uow = self.assignments.store.begin().await?;
        let code = match self.presented(uow.as_mut(), interaction, code, CodeKind::Link).await? {
            Ok(code) => code,
            Err(notice) => return kept(uow, notice).await,
        };
        let Some(user) = code.purpose.user() else { return Err(Notice::CodeWrong.into()) };
        let user = uow.users(&[user]).await?.into_iter().next().ok_or(Notice::CodeWrong)?;
        if !user.active {
            return Err(Notice::Inactive.into());
        }
        let before = uow.user_by_discord(interaction.account).await?;
        if before.is_some_and(|other| other.id != user.id) {
            return Err(Notice::AccountTaken.into());
        }
        uow.set_user_discord(user.id, Some(interaction.account)).await?;
        let (clock, entropy) = (self.assignments.clock.as_ref(), self.assignments.entropy.as_ref());
        arm_cards_of(uow.as_mut(), user.id, clock, entropy).await?;
        uow.commit().await?;
        self.assignments.wake.outbox();
        tracing::info!(organization = %code.organization, user = %user.id, "a Discord account was linked by a code");
        Ok(Notice::Linked { name: user.name.into() })
    }

    /// `/unlink`
    pub(super) async fn unlink(&self, interaction: &Interaction) -> Result<Reply, Halt> {
        rerun(|| self.try_unlink(interaction)).await.map(Reply::Say)
    }

    async fn try_unlink(&self, interaction: &Interaction) -> Result<Notice, Halt> {
        let mut uow = self.assignments.store.begin().await?;
        if !uow.remember_interaction(interaction.id).await? {
            return Ok(Notice::DoneBefore);
        }
        let user = uow.user_by_discord(interaction.account).await?.ok_or(Notice::NotLinked)?;
        uow.set_user_discord(user.id, None).await?;
        let (clock, entropy) = (self.assignments.clock.as_ref(), self.assignments.entropy.as_ref());
        arm_cards_of(uow.as_mut(), user.id, clock, entropy).await?;
        uow.commit().await?;
        self.assignments.wake.outbox();
        tracing::info!(user = %user.id, "a Discord account was unlinked by its owner");
        Ok(Notice::Unlinked)
    }

    /// `/claim`
    pub(super) async fn claim(&self, interaction: &Interaction, code: &str) -> Result<Reply, Halt> {
        let place = interaction.place.ok_or(Notice::NotInGuild)?;
        if !place.may_manage {
            return Err(Notice::MayNotManage.into());
        }
        let owned = self.reader.guild(place.guild).await?;
        let name = match &owned {
            Some(guild) => guild.name.clone(),
            None => self.guild_name(place.guild).await?,
        };
        let notice = rerun(|| self.try_claim(interaction, place.guild, owned.as_ref(), &name, code)).await;
        notice.map(Reply::Say).map_err(|halt| on_conflict(halt, "guild_pkey", Notice::GuildTaken))
    }

    /// What Discord calls the guild; its id where Discord does not say for now.
    async fn guild_name(&self, guild: GuildId) -> Result<Name, Halt> {
        let uninvited = || Notice::Refused("the bot is not in this server; invite it, then try again".to_owned());
        match self.chat.guild_name(guild).await {
            Ok(name) => Ok(name.ok_or_else(uninvited)?),
            Err(error) => {
                tracing::warn!(%error, %guild, "the name of a guild could not be asked for");
                Name::parse(&guild.to_string()).map_err(|_| Halt::Said(Notice::Failed))
            }
        }
    }

    async fn try_claim(
        &self,
        interaction: &Interaction,
        id: GuildId,
        owned: Option<&Guild>,
        name: &Name,
        code: &str,
    ) -> Result<Notice, Halt> {
        let mut uow = self.assignments.store.begin().await?;
        let code = match self.presented(uow.as_mut(), interaction, code, CodeKind::Claim).await? {
            Ok(code) => code,
            Err(notice) => return kept(uow, notice).await,
        };
        let organization = code.organization;
        match owned {
            Some(guild) if guild.organization == organization => return Err(Notice::ClaimedBefore.into()),
            Some(_) => return Err(Notice::GuildTaken.into()),
            None => {}
        }
        let created_at = self.assignments.clock.now();
        uow.insert_guild(&Guild { id, organization, name: name.clone(), created_at }).await?;
        uow.commit().await?;
        tracing::info!(%organization, guild = %id, "a guild was claimed by a code");
        let found = self.reader.organization(organization).await?;
        Ok(Notice::Claimed { organization: found.map(|one| one.name.into()).unwrap_or_default() })
    }

    /// The code that was typed, taken: good for nobody else once this is committed. Otherwise what to say;
    /// then the unit of work holds that a wrong one was typed.
    async fn presented(
        &self,
        uow: &mut dyn UnitOfWork,
        interaction: &Interaction,
        typed: &str,
        kind: CodeKind,
    ) -> Result<Result<AccessCode, Notice>, Halt> {
        let now = self.assignments.clock.now();
        if !uow.remember_interaction(interaction.id).await? {
            return Err(Notice::DoneBefore.into());
        }
        let wrong = uow.lock_wrong_codes(interaction.account, now).await?.at(now);
        if !wrong.may_try() {
            return Err(Notice::TooManyWrongCodes.into());
        }
        let found = uow.take_access_code(&digest_of(typed), kind).await?;
        if let Some(code) = found.filter(|code| code.is_live(now)) {
            return Ok(Ok(code));
        }
        uow.put_wrong_codes(interaction.account, wrong.one_more()).await?;
        Ok(Err(Notice::CodeWrong))
    }
}

/// Commits, and says it.
async fn kept(uow: Box<dyn UnitOfWork>, notice: Notice) -> Result<Notice, Halt> {
    uow.commit().await?;
    Ok(notice)
}

/// Says in words that a rule of the schema was broken: somebody else was faster.
fn on_conflict(halt: Halt, constraint: &str, notice: Notice) -> Halt {
    match halt {
        Halt::Failed(UseCaseError::Store(StoreError::Conflict { constraint: broken })) if broken == constraint => {
            Halt::Said(notice)
        }
        other => other,
    }
}
