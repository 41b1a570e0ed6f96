//! What changes a group: buttons, picks and commands, each once for an interaction.

use super::halt::Halt;
use super::{Actor, Interactions, short_id};
use crate::assignee::{Assignee, ChangeSource};
use crate::group::GroupStatus;
use crate::id::{GroupId, OrganizationId};
use crate::interaction::{CardAction, Interaction, Notice, Reply, Surface, Wanted};
use crate::port::read::GroupView;
use crate::port::store::GroupState;
use crate::port::{StoreError, UnitOfWork};
use crate::service::assign::Assigned;
use crate::service::assignments::locked;
use crate::service::change_set::ChangeSet;
use crate::service::error::rerun;

/// What is to become of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Assign(Assignee),
    Deassign,
    Status(GroupStatus),
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Changed,
    /// It was that already.
    AsBefore,
    /// This interaction did it before.
    Repeated,
}

impl Interactions {
    /// A button of a card.
    pub(super) async fn press(
        &self,
        interaction: &Interaction,
        action: CardAction,
        group: GroupId,
        on: Surface,
    ) -> Result<Reply, Halt> {
        let actor = self.actor(interaction).await?;
        let view = self.group_of(&actor, group).await?;
        let change = match action.status() {
            Some(status) => Change::Status(status),
            None => Change::Assign(Assignee::User(actor.user.id)),
        };
        match self.change(interaction, &actor, &view, change).await? {
            Outcome::AsBefore => Ok(Reply::Say(self.as_before(&actor, &view, change).await?)),
            Outcome::Changed | Outcome::Repeated if on == Surface::Private => {
                let now = self.group_of(&actor, group).await?;
                Ok(Reply::Update(self.card(actor.organization, &now).await?))
            }
            Outcome::Changed | Outcome::Repeated => Ok(Reply::Quiet),
        }
    }

    /// A candidate that was picked.
    pub(super) async fn pick(
        &self,
        interaction: &Interaction,
        group: GroupId,
        assignee: Assignee,
    ) -> Result<Reply, Halt> {
        let actor = self.actor(interaction).await?;
        let view = self.group_of(&actor, group).await?;
        self.change_and_say(interaction, &actor, &view, Change::Assign(assignee)).await
    }

    /// `/assign`
    pub(super) async fn assign(
        &self,
        interaction: &Interaction,
        named: &str,
        to: Option<&Wanted>,
    ) -> Result<Reply, Halt> {
        let actor = self.actor(interaction).await?;
        let view = self.group_named(&actor, named).await?;
        let assignee = match to {
            None => Assignee::User(actor.user.id),
            Some(Wanted::Suggested(assignee)) => *assignee,
            Some(Wanted::Named(name)) => match self.only_candidate(&actor, &view, name).await? {
                Ok(assignee) => assignee,
                Err(choice) => return Ok(choice),
            },
        };
        self.change_and_say(interaction, &actor, &view, Change::Assign(assignee)).await
    }

    /// `/unassign`
    pub(super) async fn unassign(&self, interaction: &Interaction, named: &str) -> Result<Reply, Halt> {
        let actor = self.actor(interaction).await?;
        let view = self.group_named(&actor, named).await?;
        self.change_and_say(interaction, &actor, &view, Change::Deassign).await
    }

    async fn change_and_say(
        &self,
        interaction: &Interaction,
        actor: &Actor,
        view: &GroupView,
        change: Change,
    ) -> Result<Reply, Halt> {
        let notice = match (self.change(interaction, actor, view, change).await?, change) {
            (Outcome::Repeated, _) => Notice::DoneBefore,
            (Outcome::Changed, Change::Assign(to)) => {
                Notice::Assigned { short_id: short_id(view), to: self.name_of(actor.organization, to).await? }
            }
            (Outcome::Changed, _) => Notice::Unassigned { short_id: short_id(view) },
            (Outcome::AsBefore, _) => self.as_before(actor, view, change).await?,
        };
        Ok(Reply::Say(notice))
    }

    async fn as_before(&self, actor: &Actor, view: &GroupView, change: Change) -> Result<Notice, Halt> {
        let short_id = short_id(view);
        Ok(match change {
            Change::Assign(to) => Notice::AssignedBefore { short_id, to: self.name_of(actor.organization, to).await? },
            Change::Deassign => Notice::NobodysBefore { short_id },
            Change::Status(status) => Notice::StatusBefore { short_id, status },
        })
    }

    /// The name of somebody who has a group.
    pub(super) async fn name_of(&self, organization: OrganizationId, who: Assignee) -> Result<String, StoreError> {
        let name = match who {
            Assignee::User(user) => self.reader.member(organization, user).await?.map(|member| member.user.name),
            Assignee::Team(team) => self.reader.team(organization, team).await?.map(|team| team.name),
        };
        Ok(name.map(String::from).unwrap_or_default())
    }

    async fn change(
        &self,
        interaction: &Interaction,
        actor: &Actor,
        view: &GroupView,
        change: Change,
    ) -> Result<Outcome, Halt> {
        let ticket = self.assignments.ticket().await;
        let (outcome, changes) =
            rerun(|| self.try_change(interaction, actor.organization, view.group.id, change)).await?;
        self.assignments.tell(ticket, &changes).await;
        Ok(outcome)
    }

    /// One unit of work: the memory of the interaction, whether they may, and what follows. It is remembered
    /// where it changed nothing, too: done again later it might.
    async fn try_change(
        &self,
        interaction: &Interaction,
        organization: OrganizationId,
        group: GroupId,
        change: Change,
    ) -> Result<(Outcome, ChangeSet), Halt> {
        let mut uow = self.assignments.store.begin().await?;
        if !uow.remember_interaction(interaction.id).await? {
            return Ok((Outcome::Repeated, ChangeSet::default()));
        }
        let user = uow.user_by_discord(interaction.account).await?.ok_or(Notice::NotLinked)?;
        if !user.active {
            return Err(Notice::Inactive.into());
        }
        let state = locked(uow.as_mut(), organization, group).await?;
        if uow.project_members(&[(user.id, state.group.project)]).await?.is_empty() {
            return Err(Notice::NoAccess.into());
        }
        let source = ChangeSource::Discord { by: user.id };
        let (changed, changes) = self.apply(uow.as_mut(), &state, change, source).await?;
        uow.commit().await?;
        Ok((if changed { Outcome::Changed } else { Outcome::AsBefore }, changes))
    }

    async fn apply(
        &self,
        uow: &mut dyn UnitOfWork,
        state: &GroupState,
        change: Change,
        source: ChangeSource,
    ) -> Result<(bool, ChangeSet), Halt> {
        match change {
            Change::Assign(to) => {
                let (done, changes) = self.assignments.assign_locked(uow, state, to, source).await?;
                Ok((done != Assigned::Unchanged, changes))
            }
            Change::Deassign => Ok(self.assignments.deassign_locked(uow, state, source).await?),
            Change::Status(status) => Ok(self.assignments.set_status_locked(uow, state, status, source).await?),
        }
    }
}
