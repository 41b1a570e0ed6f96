//! What a work item should be made to say: the latest decision of the groups linked with it, where it does
//! not agree already. Pure, but for the reading.

use super::handle_assign_to::best_match;
use super::workflows::{Workflows, workflows_of};
use crate::assignee::{Assignee, Decision};
use crate::group::GroupStatus;
use crate::id::{GroupId, InstallationId, IntegrationId, LinkId, UserId, WorkItemNumber};
use crate::port::store::{GroupState, KnownIdentities};
use crate::port::{StoreError, UnitOfWork};
use crate::time::Timestamp;
use crate::work_item::{ExternalIssue, GroupLink, LinkedGroup, hears_of};
use std::collections::HashMap;

/// One thing to write, and the decision that it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted<T> {
    pub(super) value: T,
    pub(super) decided_at: Timestamp,
    pub(super) by: Option<UserId>,
}

/// The user whom a work item should name, and how the tracker may know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WantedUser {
    pub(super) user: UserId,
    pub(super) name: String,
    pub(super) identities: KnownIdentities,
}

/// How a status is said in the work item's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wording {
    /// The state that says it.
    State(String),
    /// The type has no state that says it.
    None(GroupStatus),
    /// The type's states must be learned first.
    Unknown,
}

/// What is to be done about a work item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) issue: ExternalIssue,
    /// The links through the installation that writes.
    pub(super) links: Vec<GroupLink>,
    pub(super) assignee: Option<Wanted<Option<WantedUser>>>,
    pub(super) state: Option<Wanted<Wording>>,
    /// Whether the installation may write there at all.
    pub(super) connected: bool,
}

impl Plan {
    /// Whether the work item agrees already, or nobody decided otherwise.
    pub(super) fn is_agreed(&self) -> bool {
        self.assignee.is_none() && self.state.is_none()
    }

    /// The links that have a problem, which is over or another one now.
    pub(super) fn problems(&self, problem: Option<&str>) -> Vec<(LinkId, Option<String>)> {
        let other = self.links.iter().filter(|link| link.problem.as_deref() != problem);
        other.map(|link| (link.id, problem.map(str::to_owned))).collect()
    }
}

/// A linked group, with what it decided.
type Member = (LinkedGroup, GroupState);

/// The latest decision among groups that this work item hears of, where that is later than what the work item
/// itself said last, at `said_at`. It hears of nothing that was decided before the group was linked.
fn latest<'a, T>(
    members: &'a [Member],
    issue: &ExternalIssue,
    said_at: Timestamp,
    decision: impl Fn(&'a Member) -> Option<&'a Decision<T>>,
) -> Option<&'a Decision<T>> {
    let heard = |(linked, _): &Member, one: &Decision<T>| {
        one.at > linked.link.created_at && hears_of(&one.source, issue.integration, issue.id, linked.toggles.siblings)
    };
    let counts = members.iter().filter_map(|member| {
        let decision = decision(member).filter(|one| heard(member, one))?;
        Some((decision, member.1.group.id))
    });
    let last = counts.max_by_key(|(decision, group): &(&Decision<T>, GroupId)| (decision.at, *group));
    last.map(|(decision, _)| decision).filter(|decision| decision.at > said_at)
}

/// Reads what a work item should say, with everything locked that it follows from; `None` when there is
/// nothing of the kind: unknown, deleted, or linked through another installation.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn plan(
    uow: &mut dyn UnitOfWork,
    integration: IntegrationId,
    installation: InstallationId,
    number: WorkItemNumber,
) -> Result<Option<Plan>, StoreError> {
    let found = uow.lock_external_issues(&[(integration, number)]).await?.into_iter().next();
    let Some(issue) = found.filter(|issue| !issue.deleted) else { return Ok(None) };
    let mut linked = uow.links_of(&[issue.id]).await?;
    linked.retain(|one| one.link.installation == installation);
    if linked.is_empty() {
        return Ok(None);
    }
    let connected = uow.hold_connected_project(installation, &issue.azure_project).await?;
    let groups: Vec<GroupId> = linked.iter().map(|one| one.link.group).collect();
    let states = uow.lock_groups(&groups).await?;
    let states: HashMap<GroupId, GroupState> = states.into_iter().map(|state| (state.group.id, state)).collect();
    let told: Vec<_> = linked.iter().map(|one| (&issue, one)).collect();
    let workflows = workflows_of(uow, &told).await?;
    let links = linked.iter().map(|one| one.link.clone()).collect();
    let members: Vec<Member> =
        linked.into_iter().filter_map(|one| Some((one.clone(), states.get(&one.link.group)?.clone()))).collect();
    let assignee = wanted_assignee(uow, &issue, &members).await?;
    let state = wanted_state(&issue, &members, &workflows, installation);
    Ok(Some(Plan { issue, links, assignee, state, connected }))
}

async fn wanted_assignee(
    uow: &mut dyn UnitOfWork,
    issue: &ExternalIssue,
    members: &[Member],
) -> Result<Option<Wanted<Option<WantedUser>>>, StoreError> {
    let outward = |(linked, state): &Member| state.issue_sync && linked.toggles.outbound_assignee;
    let last = latest(members, issue, issue.assignee_changed_at, |member| {
        member.1.decision.as_ref().filter(|_| outward(member))
    });
    let (Some(last), Some((linked, _))) = (last, members.first()) else { return Ok(None) };
    let wanted = |value| Wanted { value, decided_at: last.at, by: last.source.actor() };
    let user = match last.value {
        None => return Ok(issue.assignee.is_some().then(|| wanted(None))),
        // A team is nobody in particular: the tracker keeps whom it has.
        Some(Assignee::Team(_)) => return Ok(None),
        Some(Assignee::User(user)) => user,
    };
    let organization = linked.link.organization;
    if let Some(present) = &issue.assignee {
        let matches = uow.match_people(&[(organization, issue.integration, present.clone())]).await?;
        if best_match(&matches.iter().collect::<Vec<_>>()) == Ok(user) {
            return Ok(None);
        }
    }
    let found = uow.users(&[user]).await?.into_iter().next();
    let name = found.map(|found| found.name.as_str().to_owned()).unwrap_or_default();
    let identities = uow.identities_of(organization, issue.integration, user).await?;
    Ok(Some(wanted(Some(WantedUser { user, name, identities }))))
}

fn wanted_state(
    issue: &ExternalIssue,
    members: &[Member],
    workflows: &Workflows,
    installation: InstallationId,
) -> Option<Wanted<Wording>> {
    let outward = |(linked, state): &Member| state.issue_sync && linked.toggles.outbound_status;
    let last = latest(members, issue, issue.state_changed_at, |member| {
        member.1.status_decision.as_ref().filter(|_| outward(member))
    })?;
    if workflows.meaning_of(issue, installation) == Some(last.value) {
        return None;
    }
    let wording = match workflows.state_for(last.value, issue, installation) {
        Some(Some(state)) => Wording::State(state),
        Some(None) => Wording::None(last.value),
        None => Wording::Unknown,
    };
    Some(Wanted { value: wording, decided_at: last.at, by: last.source.actor() })
}
