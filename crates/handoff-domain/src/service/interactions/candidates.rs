//! Who can be assigned: the active members of the project's teams, and the teams.

use super::halt::Halt;
use super::{Actor, Interactions, short_id};
use crate::assignee::Assignee;
use crate::id::{GroupId, UserId};
use crate::interaction::{Candidate, Interaction, MAX_CHOICES, Notice, Reply, Suggestion};
use crate::page::PageRequest;
use crate::port::StoreError;
use crate::port::read::GroupView;

/// Pages of members that are looked through at most: twenty thousand people.
const MAX_PAGES: usize = 200;

impl Interactions {
    /// The button "Assign…": a choice, or, of more people than fit one, a form that asks for a name.
    pub(super) async fn offer(&self, interaction: &Interaction, group: GroupId) -> Result<Reply, Halt> {
        let actor = self.actor(interaction).await?;
        let view = self.group_of(&actor, group).await?;
        let found = self.candidates(&actor, &view, "").await?;
        if found.len() > MAX_CHOICES {
            return Ok(Reply::AskName { group, short_id: short_id(&view) });
        }
        Ok(choice(&view, found, ""))
    }

    /// The form's answer: a choice of those who are called that.
    pub(super) async fn find(&self, interaction: &Interaction, group: GroupId, name: &str) -> Result<Reply, Halt> {
        let actor = self.actor(interaction).await?;
        let view = self.group_of(&actor, group).await?;
        let found = self.candidates(&actor, &view, name).await?;
        Ok(choice(&view, found, name))
    }

    /// The one candidate of this name; else what to answer: a choice, or that there is nobody.
    pub(super) async fn only_candidate(
        &self,
        actor: &Actor,
        view: &GroupView,
        name: &str,
    ) -> Result<Result<Assignee, Reply>, Halt> {
        let found = self.candidates(actor, view, name).await?;
        let wanted = folded(name);
        let exact: Vec<&Candidate> = found.iter().filter(|one| folded(&one.name) == wanted).collect();
        Ok(match (exact.as_slice(), found.as_slice()) {
            ([one], _) => Ok(one.assignee),
            ([], [one]) => Ok(one.assignee),
            _ => Err(choice(view, found, name)),
        })
    }

    /// Suggestions for the assignee of a command.
    pub(super) async fn suggest_assignees(
        &self,
        interaction: &Interaction,
        named: &str,
        text: &str,
    ) -> Result<Reply, Halt> {
        let actor = self.actor(interaction).await?;
        let view = self.group_named(&actor, named).await?;
        let found = self.candidates(&actor, &view, text).await?;
        Ok(Reply::Suggest(found.into_iter().take(MAX_CHOICES).map(Suggestion::Assignee).collect()))
    }

    /// All whose name holds this, in whatever case: who is called just that first, then whose name begins with
    /// it, each by name.
    async fn candidates(&self, actor: &Actor, view: &GroupView, name: &str) -> Result<Vec<Candidate>, StoreError> {
        let wanted = folded(name);
        let project = view.group.project;
        let teams = self.reader.project_teams(actor.organization, project).await?.into_iter();
        let mut found: Vec<Candidate> = teams
            .map(|team| Candidate { assignee: Assignee::Team(team.id), name: team.name.into() })
            .filter(|one| folded(&one.name).contains(&wanted))
            .collect();
        let mut after: Option<UserId> = None;
        for _ in 0..MAX_PAGES {
            let page = PageRequest { after, limit: PageRequest::<UserId>::MAX };
            let page = self.reader.project_users(actor.organization, project, page).await?;
            after = page.items.last().map(|user| user.id);
            let users = page.items.into_iter();
            let users = users.map(|user| Candidate { assignee: Assignee::User(user.id), name: user.name.into() });
            found.extend(users.filter(|one| folded(&one.name).contains(&wanted)));
            if !page.more {
                break;
            }
        }
        found.sort_by_cached_key(|one| {
            let name = folded(&one.name);
            (name != wanted, !name.starts_with(&wanted), name, one.assignee)
        });
        Ok(found)
    }
}

fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

fn choice(view: &GroupView, mut candidates: Vec<Candidate>, name: &str) -> Reply {
    if candidates.is_empty() {
        return Reply::Say(Notice::NobodyFound { name: name.to_owned() });
    }
    let more = candidates.len() > MAX_CHOICES;
    candidates.truncate(MAX_CHOICES);
    Reply::Choose { group: view.group.id, short_id: short_id(view), candidates, more }
}
