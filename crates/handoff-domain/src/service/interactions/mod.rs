//! What people do in Discord, from the verified interaction to its answer.
//!
//! Promises: whoever acts is known by the account that Discord signed, never by anything in a button or a
//! form; they need access to the group's project, in the organization that owns the guild; a group of another
//! organization is answered like one that does not exist. What changes something is done once for each
//! interaction, in one unit of work with the memory of it.

mod accounts;
mod act;
mod candidates;
mod halt;
mod look;

use super::assignments::Assignments;
use crate::id::{GroupId, OrganizationId};
use crate::interaction::{
    Asked, CardAction, INTERACTION_RETENTION, INTERACTIONS_KEPT, Interaction, Notice, Reply, WrongCodes,
};
use crate::organization::User;
use crate::port::read::GroupView;
use crate::port::{ChatMessenger, Reader, StoreError};
use crate::project::Project;
use crate::slug::Slug;
use halt::Halt;
use std::sync::Arc;

/// Answers interactions.
#[derive(Clone)]
pub struct Interactions {
    /// Changes groups; lends the store, the time and randomness.
    pub assignments: Assignments,
    /// Looks at what is there.
    pub reader: Arc<dyn Reader>,
    /// Tells the name of a guild.
    pub chat: Arc<dyn ChatMessenger>,
}

/// Somebody we know, in the organization that the guild belongs to.
struct Actor {
    organization: OrganizationId,
    user: User,
}

impl Interactions {
    /// Answers. Whatever goes wrong becomes an answer too.
    pub async fn answer(&self, interaction: &Interaction) -> Reply {
        let now = self.assignments.clock.now();
        let answered = if now.since(interaction.id.made_at()) > INTERACTION_RETENTION {
            Err(Notice::TooOld.into())
        } else {
            self.dispatch(interaction).await
        };
        answered.unwrap_or_else(|halt| Self::instead(interaction, halt.notice()))
    }

    /// What is answered in the place of an answer. While somebody types, only suggestions can be shown.
    #[must_use]
    pub fn instead(interaction: &Interaction, notice: Notice) -> Reply {
        if interaction.asked.is_suggestion() { Reply::Suggest(Vec::new()) } else { Reply::Say(notice) }
    }

    async fn dispatch(&self, interaction: &Interaction) -> Result<Reply, Halt> {
        match &interaction.asked {
            Asked::Press { action: CardAction::Choose, group, .. } => self.offer(interaction, *group).await,
            Asked::Press { action, group, on } => self.press(interaction, *action, *group, *on).await,
            Asked::Pick { group, assignee } => self.pick(interaction, *group, *assignee).await,
            Asked::Find { group, name } => self.find(interaction, *group, name).await,
            Asked::Link { code } => self.link(interaction, code).await,
            Asked::Unlink => self.unlink(interaction).await,
            Asked::Claim { code } => self.claim(interaction, code).await,
            Asked::Help => Ok(Reply::Say(Notice::Help)),
            Asked::Issue { short_id } => self.issue(interaction, short_id).await,
            Asked::Assign { short_id, to } => self.assign(interaction, short_id, to.as_ref()).await,
            Asked::Unassign { short_id } => self.unassign(interaction, short_id).await,
            Asked::Mine => self.mine(interaction).await,
            Asked::SuggestIssues { text } => self.suggest_issues(interaction, text).await,
            Asked::SuggestAssignees { short_id, text } => self.suggest_assignees(interaction, short_id, text).await,
            Asked::SuggestNothing => Ok(Reply::Suggest(Vec::new())),
            Asked::NotUnderstood(why) => Ok(Reply::Say(Notice::NotUnderstood(*why))),
        }
    }

    /// Who does it, and for which organization.
    async fn actor(&self, interaction: &Interaction) -> Result<Actor, Halt> {
        let place = interaction.place.ok_or(Notice::NotInGuild)?;
        let guild = self.reader.guild(place.guild).await?.ok_or(Notice::GuildUnclaimed)?;
        let user = self.reader.user_by_discord(interaction.account).await?.ok_or(Notice::NotLinked)?;
        if !user.active {
            return Err(Notice::Inactive.into());
        }
        Ok(Actor { organization: guild.organization, user })
    }

    /// The group of a button or form, where the actor may see it.
    async fn group_of(&self, actor: &Actor, group: GroupId) -> Result<GroupView, Halt> {
        let found = self.reader.group(actor.organization, group).await?;
        self.accessible(actor, found).await
    }

    /// The group of a short id, where the actor may see it.
    async fn group_named(&self, actor: &Actor, short_id: &str) -> Result<GroupView, Halt> {
        let found = match parsed(short_id) {
            Some((slug, number)) => self.reader.group_by_number(actor.organization, &slug, number).await?,
            None => None,
        };
        self.accessible(actor, found).await
    }

    async fn accessible(&self, actor: &Actor, found: Option<GroupView>) -> Result<GroupView, Halt> {
        let view = found.ok_or(Notice::NoSuchIssue)?;
        let member = self.reader.is_project_member(actor.organization, actor.user.id, view.group.project).await?;
        if member { Ok(view) } else { Err(Notice::NoAccess.into()) }
    }

    /// Forgets interactions, codes and wrong codes that are of no account any more, at most `limit` of each.
    /// How many went.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget(&self, limit: u16) -> Result<u64, StoreError> {
        let now = self.assignments.clock.now();
        let mut uow = self.assignments.store.begin().await?;
        let gone = uow.forget_interactions(now.minus(INTERACTIONS_KEPT), now.minus(WrongCodes::WINDOW), limit).await?;
        uow.commit().await?;
        Ok(gone)
    }
}

/// The short id of a group.
fn short_id(view: &GroupView) -> String {
    Project::short_id(&view.project_slug, view.group.number)
}

/// The slug and number of a short id, in whatever case it was typed.
fn parsed(short_id: &str) -> Option<(Slug, i64)> {
    let (slug, number) = short_id.trim().trim_start_matches('#').rsplit_once('-')?;
    let slug = Slug::parse(&slug.to_lowercase()).ok()?;
    number.parse().ok().filter(|number| *number > 0).map(|number| (slug, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_id_is_read_in_any_case_and_anything_else_names_nothing() {
        for typed in ["BACKEND-42", " backend-42 ", "Backend-42", "#backend-42"] {
            let (slug, number) = parsed(typed).unwrap();
            assert_eq!((slug.as_str(), number), ("backend", 42), "{typed}");
        }
        assert_eq!(
            parsed("WEB-API-7").map(|(slug, number)| (slug.as_str().to_owned(), number)),
            Some(("web-api".to_owned(), 7))
        );
        for typed in
            ["", "-", "BACKEND", "BACKEND-", "BACKEND-x", "BACKEND-0", "-7", "a b-7", "BACKEND-99999999999999999999"]
        {
            assert!(parsed(typed).is_none(), "{typed}");
        }
    }
}
