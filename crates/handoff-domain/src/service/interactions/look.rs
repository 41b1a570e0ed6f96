//! What changes nothing: a card for one person, their list, and suggestions.

use super::halt::Halt;
use super::{Interactions, short_id};
use crate::assignee::Assignee;
use crate::chat::{Card, CardAssignee};
use crate::id::OrganizationId;
use crate::interaction::{Interaction, Listed, MAX_CHOICES, MAX_LISTED, Notice, Reply, Suggestion};
use crate::port::StoreError;
use crate::port::read::GroupView;
use crate::service::send_message::work_item_of;
use crate::text::tamed;

/// What is looked for of a text that somebody types.
const MAX_TYPED: usize = 100;

impl Interactions {
    /// `/issue`
    pub(super) async fn issue(&self, interaction: &Interaction, named: &str) -> Result<Reply, Halt> {
        let actor = self.actor(interaction).await?;
        let view = self.group_named(&actor, named).await?;
        Ok(Reply::Show(self.card(actor.organization, &view).await?))
    }

    /// `/mine`
    pub(super) async fn mine(&self, interaction: &Interaction) -> Result<Reply, Halt> {
        let actor = self.actor(interaction).await?;
        let limit = u16::try_from(MAX_LISTED + 1).unwrap_or(u16::MAX);
        let mut found = self.reader.groups_assigned_to(actor.organization, actor.user.id, limit).await?;
        let more = found.len() > MAX_LISTED;
        found.truncate(MAX_LISTED);
        let issues = found.iter().map(|view| Listed { short_id: short_id(view), title: title(view) }).collect();
        Ok(Reply::Say(Notice::Mine { issues, more }))
    }

    /// Suggestions for the issue of a command: what the person may see.
    pub(super) async fn suggest_issues(&self, interaction: &Interaction, text: &str) -> Result<Reply, Halt> {
        let actor = self.actor(interaction).await?;
        let limit = u16::try_from(MAX_CHOICES).unwrap_or(u16::MAX);
        let typed = tamed(text, MAX_TYPED);
        let found = self.reader.groups_matching(actor.organization, actor.user.id, &typed, limit).await?;
        let suggestion = |view: &GroupView| Suggestion::Issue { short_id: short_id(view), title: title(view) };
        Ok(Reply::Suggest(found.iter().map(suggestion).collect()))
    }

    /// A group's card for somebody who may see all of it.
    pub(super) async fn card(&self, organization: OrganizationId, view: &GroupView) -> Result<Card, StoreError> {
        let mut links = self.reader.links(organization, view.group.id).await?;
        links.sort_by_key(|(_, issue)| (issue.number, issue.id));
        let assignee = match view.assignee {
            None => CardAssignee::Nobody,
            Some(Assignee::User(user)) => {
                let user = self.reader.member(organization, user).await?.map(|member| member.user);
                let discord = user.as_ref().and_then(|user| user.discord);
                CardAssignee::User { name: user.map(|user| user.name.into()), discord }
            }
            Some(team @ Assignee::Team(_)) => CardAssignee::Team { name: self.name_of(organization, team).await? },
        };
        Ok(Card {
            group: Some(view.group.id),
            short_id: short_id(view),
            title: Some(title(view)),
            url: None,
            level: view.group.level,
            status: Some(view.group.status),
            assignee,
            work_items: links.iter().map(|(link, issue)| work_item_of(issue, link.unresolved.as_ref(), true)).collect(),
        })
    }
}

fn title(view: &GroupView) -> String {
    view.group.title.as_str().to_owned()
}
