//! Users of an organization: making one, changing one, and the addresses that trackers know them by.

use super::error::{UseCaseError, rerun};
use super::essentials::{Essentials, arm_cards_of};
use crate::id::{OrganizationId, UserId};
use crate::organization::{DiscordUserId, Role, User, UserEmail};
use crate::port::StoreError;
use crate::port::read::Member;
use crate::text::{EmailAddress, Name};

/// The most addresses a user is made with.
pub const MAX_EMAILS: usize = 16;

/// A user to be made a member of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMember {
    /// Shown to people.
    pub name: Name,
    /// What they may do.
    pub role: Role,
    /// Their addresses, each with whether it is known to be theirs; at most [`MAX_EMAILS`].
    pub emails: Vec<(EmailAddress, bool)>,
    /// Their Discord account.
    pub discord: Option<DiscordUserId>,
}

/// What is to be changed of a user; `None` stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UserChange {
    /// Activates or deactivates.
    pub active: Option<bool>,
    /// Links a Discord account, or unlinks it.
    pub discord: Option<Option<DiscordUserId>>,
}

/// Makes and changes users.
#[derive(Clone)]
pub struct Users {
    /// The shared ports.
    pub base: Essentials,
}

impl Users {
    /// Makes a user who is an active member of the organization. Work items that wait for one of their
    /// verified addresses are read again.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such an organization, [`UseCaseError::Conflict`] when the
    /// Discord account or a verified address is somebody else's, [`UseCaseError::Refused`] for too many
    /// addresses.
    pub async fn create(&self, organization: OrganizationId, new: &NewMember) -> Result<Member, UseCaseError> {
        if new.emails.len() > MAX_EMAILS {
            return Err(UseCaseError::Refused(format!("a user has at most {MAX_EMAILS} addresses")));
        }
        let saved = self.base.save_with_new_id::<User, _, _, _>(|id| self.insert(organization, new, id)).await;
        let member = saved.map_err(named)?.ok_or(UseCaseError::NotFound { what: "organization" })?;
        self.base.wake.outbox();
        Ok(member)
    }

    /// One transaction; `None` without such an organization.
    async fn insert(
        &self,
        organization: OrganizationId,
        new: &NewMember,
        id: i64,
    ) -> Result<Option<Member>, StoreError> {
        let mut uow = self.base.store.begin().await?;
        if !uow.lock_organization(organization).await? {
            return Ok(None);
        }
        let mut user = User {
            id: UserId::new(id),
            name: new.name.clone(),
            active: true,
            discord: new.discord,
            created_at: self.base.clock.now(),
        };
        user.id = uow.insert_user(&user).await?;
        uow.put_membership(organization, user.id, new.role).await?;
        let of = |(address, verified): &(EmailAddress, bool)| UserEmail {
            user: user.id,
            address: address.clone(),
            verified: *verified,
        };
        let emails: Vec<UserEmail> = new.emails.iter().map(of).collect();
        for email in &emails {
            uow.put_user_email(email).await?;
        }
        self.base.arm_waiting(uow.as_mut(), organization, &[user.id]).await?;
        uow.commit().await?;
        Ok(Some(Member { user, role: new.role, emails }))
    }

    /// Changes a member. Somebody who is active again gets what waits for them.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a member, [`UseCaseError::Conflict`] when the Discord
    /// account is somebody else's.
    pub async fn change(
        &self,
        organization: OrganizationId,
        id: UserId,
        change: UserChange,
    ) -> Result<Member, UseCaseError> {
        self.member(organization, id).await?;
        rerun(|| self.try_change(organization, id, change)).await.map_err(|error| named(error.into()))?;
        self.base.wake.outbox();
        self.member(organization, id).await
    }

    async fn try_change(&self, organization: OrganizationId, id: UserId, change: UserChange) -> Result<(), StoreError> {
        let mut uow = self.base.store.begin().await?;
        if let Some(active) = change.active {
            uow.set_user_active(id, active).await?;
        }
        if let Some(discord) = change.discord {
            uow.set_user_discord(id, discord).await?;
            arm_cards_of(uow.as_mut(), id, self.base.clock.as_ref(), self.base.entropy.as_ref()).await?;
        }
        if change.active == Some(true) {
            self.base.arm_waiting(uow.as_mut(), organization, &[id]).await?;
        }
        uow.commit().await
    }

    /// Adds an address to a member, or changes whether it is known to be theirs. Work items that wait
    /// for a verified address are read again. The same again changes nothing.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a member, [`UseCaseError::Conflict`] when somebody else
    /// has verified the address.
    pub async fn put_email(
        &self,
        organization: OrganizationId,
        id: UserId,
        address: &EmailAddress,
        verified: bool,
    ) -> Result<Member, UseCaseError> {
        let member = self.member(organization, id).await?;
        let is_new = member.emails.iter().all(|email| email.address != *address);
        if is_new && member.emails.len() >= MAX_EMAILS {
            return Err(UseCaseError::Refused(format!("a user has at most {MAX_EMAILS} addresses")));
        }
        let email = UserEmail { user: id, address: address.clone(), verified };
        rerun(|| self.try_put_email(organization, &email)).await.map_err(|error| named(error.into()))?;
        self.base.wake.outbox();
        self.member(organization, id).await
    }

    async fn try_put_email(&self, organization: OrganizationId, email: &UserEmail) -> Result<(), StoreError> {
        let mut uow = self.base.store.begin().await?;
        uow.put_user_email(email).await?;
        if email.verified {
            self.base.arm_waiting(uow.as_mut(), organization, &[email.user]).await?;
        }
        uow.commit().await
    }

    /// One member.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a member in the organization.
    pub async fn member(&self, organization: OrganizationId, id: UserId) -> Result<Member, UseCaseError> {
        self.base.reader.member(organization, id).await?.ok_or(UseCaseError::NotFound { what: "user" })
    }
}

/// Says in words which rule of the schema was broken.
fn named(error: UseCaseError) -> UseCaseError {
    let conflict = |why: &str| UseCaseError::Conflict(why.to_owned());
    match error {
        UseCaseError::Store(error) if error.is_conflict_with("user_discord") => {
            conflict("this Discord account is linked with somebody else")
        }
        UseCaseError::Store(error) if error.is_conflict_with("user_email_verified") => {
            conflict("somebody else has verified this address")
        }
        other => other,
    }
}
