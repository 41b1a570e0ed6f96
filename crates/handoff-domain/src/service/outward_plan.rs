//! What a work item should be made to say: the latest decision of the groups linked with it, where it does
//! not agree already; and where it does, what the groups that decided earlier are to hear of that. Pure, but
//! for the reading.

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
    pub(super) decided: Decided,
}

/// When something was decided, and by whom, where that was one of our users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decided {
    pub(super) at: Timestamp,
    pub(super) by: Option<UserId>,
}

impl<T> From<&Decision<T>> for Decided {
    fn from(decision: &Decision<T>) -> Self {
        Self { at: decision.at, by: decision.source.actor() }
    }
}

/// What is to be done about one field.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Field<T> {
    /// Nobody decided since the work item spoke.
    Quiet,
    /// The work item says what was decided last.
    Agrees(Decided),
    Differs(Wanted<T>),
}

impl<T> Field<T> {
    fn split(self) -> (Option<Wanted<T>>, Option<Decided>) {
        match self {
            Self::Quiet => (None, None),
            Self::Agrees(decided) => (None, Some(decided)),
            Self::Differs(wanted) => (Some(wanted), None),
        }
    }
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

/// Decisions that a work item agrees with, later than what it said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Affirmed {
    pub(super) assignee: Option<Decided>,
    pub(super) state: Option<Decided>,
}

/// What is to be done about a work item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) issue: ExternalIssue,
    /// The links through the installation that writes.
    pub(super) links: Vec<GroupLink>,
    pub(super) assignee: Option<Wanted<Option<WantedUser>>>,
    pub(super) state: Option<Wanted<Wording>>,
    /// What it says already as it was decided last, where groups may have decided otherwise before.
    pub(super) affirmed: Affirmed,
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
    let is_shared = linked.len() > 1;
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
    let (assignee, assignee_agrees) = wanted_assignee(uow, &issue, &members).await?.split();
    let (state, state_agrees) = wanted_state(&issue, &members, &workflows, installation).split();
    let affirmed = Affirmed { assignee: assignee_agrees, state: state_agrees };
    let affirmed = if is_shared { affirmed } else { Affirmed::default() };
    Ok(Some(Plan { issue, links, assignee, state, affirmed, connected }))
}

async fn wanted_assignee(
    uow: &mut dyn UnitOfWork,
    issue: &ExternalIssue,
    members: &[Member],
) -> Result<Field<Option<WantedUser>>, StoreError> {
    let outward = |(linked, state): &Member| state.issue_sync && linked.toggles.outbound_assignee;
    let last = latest(members, issue, issue.assignee_changed_at, |member| {
        member.1.decision.as_ref().filter(|_| outward(member))
    });
    let (Some(last), Some((linked, _))) = (last, members.first()) else { return Ok(Field::Quiet) };
    let decided = Decided::from(last);
    let user = match last.value {
        None if issue.assignee.is_none() => return Ok(Field::Agrees(decided)),
        None => return Ok(Field::Differs(Wanted { value: None, decided })),
        // A team is nobody in particular: the tracker keeps whom it has.
        Some(Assignee::Team(_)) => return Ok(Field::Quiet),
        Some(Assignee::User(user)) => user,
    };
    let organization = linked.link.organization;
    if let Some(present) = &issue.assignee {
        let matches = uow.match_people(&[(organization, issue.integration, present.clone())]).await?;
        if best_match(&matches.iter().collect::<Vec<_>>()) == Ok(user) {
            return Ok(Field::Agrees(decided));
        }
    }
    let found = uow.users(&[user]).await?.into_iter().next();
    let name = found.map(|found| found.name.as_str().to_owned()).unwrap_or_default();
    let identities = uow.identities_of(organization, issue.integration, user).await?;
    Ok(Field::Differs(Wanted { value: Some(WantedUser { user, name, identities }), decided }))
}

fn wanted_state(
    issue: &ExternalIssue,
    members: &[Member],
    workflows: &Workflows,
    installation: InstallationId,
) -> Field<Wording> {
    let outward = |(linked, state): &Member| state.issue_sync && linked.toggles.outbound_status;
    let last = latest(members, issue, issue.state_changed_at, |member| {
        member.1.status_decision.as_ref().filter(|_| outward(member))
    });
    let Some(last) = last else { return Field::Quiet };
    let decided = Decided::from(last);
    if workflows.meaning_of(issue, installation) == Some(last.value) {
        return Field::Agrees(decided);
    }
    let value = match workflows.state_for(last.value, issue, installation) {
        Some(Some(state)) => Wording::State(state),
        Some(None) => Wording::None(last.value),
        None => Wording::Unknown,
    };
    Field::Differs(Wanted { value, decided })
}
