//! Post In Thread: tells a change of a group, once, in the thread on its card.

use super::error::UseCaseError;
use super::send_message::{SendMessage, Sent, card_of, shown_as};
use super::tell_later::tells;
use crate::assignee::{ActivityKind, Assignee};
use crate::chat::{CardAssignee, CardSource, Message, MessageKind, ThreadChange, ThreadPost};
use crate::id::{ActivityId, GroupId, RouteId, UserId, WorkItemNumber};
use crate::outbox::ClaimedTask;
use crate::port::StoreError;
use crate::project::Project;
use crate::route::RouteEvent;
use std::ops::ControlFlow;

impl SendMessage {
    /// Tells a change in the thread of the group's card. Who is to be mentioned is, if the group is still
    /// theirs.
    ///
    /// # Errors
    /// As [`SendMessage::send_card`]; [`UseCaseError::TryAgain`] while there is no card.
    pub async fn post_in_thread(
        &self,
        lease: &ClaimedTask,
        place: (GroupId, RouteId),
        activity: ActivityId,
        change: &ActivityKind,
        mention: Option<UserId>,
    ) -> Result<Sent, UseCaseError> {
        let (group, route) = place;
        let Some(event) = RouteEvent::of(change) else { return Ok(Sent::Obsolete) };
        let Some(source) = self.source(group, route).await? else { return Ok(Sent::Obsolete) };
        let given_up = source.record.as_ref().is_some_and(|record| record.given_up);
        if source.route.disabled.is_some() || given_up || !tells(&source, event) {
            return Ok(Sent::Obsolete);
        }
        let record = match self.begin_telling(lease, &source, MessageKind::ThreadPost, activity).await? {
            ControlFlow::Continue(record) => record,
            ControlFlow::Break(sent) => return Ok(sent),
        };
        let Some(card) = source.record.as_ref().and_then(|record| record.message) else {
            return Err(UseCaseError::TryAgain("the group's card is not there yet".to_owned()));
        };
        let Some(change) = self.change_as_told(&source, change).await? else { return Ok(Sent::Obsolete) };
        let still_theirs = mention.is_some_and(|user| source.assignee == Some(Assignee::User(user)));
        let message = Message::ThreadPost(ThreadPost {
            card,
            short_id: Project::short_id(&source.project_slug, source.group.number),
            title: (!source.route.ids_only).then(|| source.group.title.as_str().to_owned()),
            change,
            mention: source.assignee_discord.filter(|_| still_theirs),
        });
        let done = self.create(lease, record, &message, None, false).await;
        self.disable_unusable(&source.route, done).await
    }

    async fn change_as_told(
        &self,
        source: &CardSource,
        change: &ActivityKind,
    ) -> Result<Option<ThreadChange>, StoreError> {
        Ok(match change {
            ActivityKind::Assigned { assignee, .. } => {
                Some(ThreadChange::Assignee(self.assignee_as_shown(source, *assignee).await?))
            }
            ActivityKind::Unassigned { .. } => Some(ThreadChange::Assignee(CardAssignee::Nobody)),
            ActivityKind::StatusChanged { to, .. } => Some(ThreadChange::Status(*to)),
            ActivityKind::Linked { work_item } => Some(ThreadChange::Linked(WorkItemNumber::new(*work_item))),
            ActivityKind::Unlinked { work_item } => Some(ThreadChange::Unlinked(WorkItemNumber::new(*work_item))),
            ActivityKind::Created | ActivityKind::Commented { .. } | ActivityKind::MirrorRewound { .. } => None,
        })
    }

    /// Somebody who was given the group, and may have it no more.
    async fn assignee_as_shown(&self, source: &CardSource, assignee: Assignee) -> Result<CardAssignee, StoreError> {
        if source.assignee == Some(assignee) {
            return Ok(card_of(source).assignee);
        }
        let (name, discord) = match assignee {
            Assignee::User(id) => {
                let mut uow = self.store.begin().await?;
                let user = uow.users(&[id]).await?.into_iter().next();
                (user.as_ref().map(|user| user.name.to_string()), user.and_then(|user| user.discord))
            }
            Assignee::Team(id) => {
                let team = self.reader.team(source.group.organization, id).await?;
                (team.map(|team| team.name.to_string()), None)
            }
        };
        Ok(shown_as(assignee, name, discord, source.route.ids_only))
    }
}
