//! Assign and Deassign as use cases: one unit of work each, then the caches and the wake-ups.

use super::assign::{Assigned, assign};
use super::change_set::{ChangeSet, Surroundings};
use super::deassign::deassign;
use super::error::{UseCaseError, rerun};
use super::invalidate_assignee_exists_cache::{Forget, invalidate_assignee_exists_cache};
use crate::assignee::{Assignee, ChangeSource, Decision};
use crate::id::{GroupId, OrganizationId, ProjectId, TeamId, UserId};
use crate::port::store::GroupState;
use crate::port::{
    AssigneeExistsCache, Clock, Entropy, FillTicket, OwnershipDebounce, Store, StoreError, UnitOfWork, Wake,
};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Assigns groups and takes them back.
#[derive(Clone)]
pub struct Assignments {
    /// Where groups are kept.
    pub store: Arc<dyn Store>,
    /// Remembers whether groups are assigned.
    pub cache: Arc<dyn AssigneeExistsCache>,
    /// Remembers which groups' ownership was evaluated.
    pub debounce: Arc<dyn OwnershipDebounce>,
    /// Wakes the sender.
    pub wake: Arc<dyn Wake>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For ids.
    pub entropy: Arc<dyn Entropy>,
}

impl Assignments {
    /// Puts a user or a team on a group. The same assignee again changes nothing and says nothing.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a group in the organization, [`UseCaseError::Refused`]
    /// for an inactive user or one (or a team) outside the group's project.
    pub async fn assign(
        &self,
        organization: OrganizationId,
        group: GroupId,
        to: Assignee,
        source: ChangeSource,
    ) -> Result<Assigned, UseCaseError> {
        let ticket = self.ticket().await;
        let (done, changes) = rerun(|| self.try_assign(organization, group, to, source)).await?;
        self.tell(ticket, &changes).await;
        Ok(done)
    }

    /// Takes a group from its assignee; `false` if it was nobody's, and then nothing happened.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a group in the organization.
    pub async fn deassign(
        &self,
        organization: OrganizationId,
        group: GroupId,
        source: ChangeSource,
    ) -> Result<bool, UseCaseError> {
        let ticket = self.ticket().await;
        let (done, changes) = rerun(|| self.try_deassign(organization, group, source)).await?;
        self.tell(ticket, &changes).await;
        Ok(done)
    }

    async fn try_assign(
        &self,
        organization: OrganizationId,
        group: GroupId,
        to: Assignee,
        source: ChangeSource,
    ) -> Result<(Assigned, ChangeSet), UseCaseError> {
        let mut uow = self.store.begin().await?;
        let state = locked(uow.as_mut(), organization, group).await?;
        let mut changes = ChangeSet::default();
        if state.assignee == Some(to) {
            return Ok((Assigned::Unchanged, changes));
        }
        check_assignable(uow.as_mut(), state.group.project, to).await?;
        let around = self.look_around(uow.as_mut(), &state, Some(to)).await?;
        let decided_at = Decision::after(state.decision.as_ref(), around.now);
        let done = assign(&state, to, source, decided_at, &around, &mut changes);
        changes.write(uow.as_mut()).await?;
        uow.commit().await?;
        Ok((done, changes))
    }

    async fn try_deassign(
        &self,
        organization: OrganizationId,
        group: GroupId,
        source: ChangeSource,
    ) -> Result<(bool, ChangeSet), UseCaseError> {
        let mut uow = self.store.begin().await?;
        let state = locked(uow.as_mut(), organization, group).await?;
        let mut changes = ChangeSet::default();
        if state.assignee.is_none() {
            return Ok((false, changes));
        }
        let around = self.look_around(uow.as_mut(), &state, None).await?;
        let decided_at = Decision::after(state.decision.as_ref(), around.now);
        deassign(&state, source, decided_at, &around, &mut changes);
        changes.write(uow.as_mut()).await?;
        uow.commit().await?;
        Ok((true, changes))
    }

    async fn look_around(
        &self,
        uow: &mut dyn UnitOfWork,
        state: &GroupState,
        to: Option<Assignee>,
    ) -> Result<Surroundings<'_>, StoreError> {
        let concerned: Vec<(ProjectId, Assignee)> =
            [state.assignee, to].into_iter().flatten().map(|who| (state.group.project, who)).collect();
        let about = About { projects: &[state.group.project], groups: &[state.group.id], people: &concerned };
        look_around(uow, &about, self.clock.as_ref(), self.entropy.as_ref()).await
    }

    /// To be taken before a unit of work begins whose changes are told afterwards.
    pub async fn ticket(&self) -> FillTicket {
        self.cache.begin_fill().await
    }

    /// Tells the caches and workers what was committed.
    pub async fn tell(&self, ticket: FillTicket, changes: &ChangeSet) {
        let (store, cache, clock) = (self.store.as_ref(), self.cache.as_ref(), self.clock.as_ref());
        for group in changes.unassigned_groups() {
            // Of one group the store is not asked: nothing can fail.
            drop(invalidate_assignee_exists_cache(Forget::Group(group), store, cache, clock).await);
        }
        changes.after_commit(ticket, self.cache.as_ref(), self.debounce.as_ref(), self.wake.as_ref()).await;
    }
}

/// The group, locked; only of this organization.
///
/// # Errors
/// [`UseCaseError::NotFound`] without such a group in the organization.
pub(super) async fn locked(
    uow: &mut dyn UnitOfWork,
    organization: OrganizationId,
    group: GroupId,
) -> Result<GroupState, UseCaseError> {
    let found = uow.lock_groups(&[group]).await?.into_iter().next();
    found.filter(|state| state.group.organization == organization).ok_or(UseCaseError::NotFound { what: "group" })
}

/// Refuses who must not be given work of this project.
async fn check_assignable(uow: &mut dyn UnitOfWork, project: ProjectId, to: Assignee) -> Result<(), UseCaseError> {
    let refused = |why: &str| Err(UseCaseError::Refused(why.to_owned()));
    match to {
        Assignee::User(user) => {
            let active = uow.users(&[user]).await?.into_iter().next().map(|user| user.active);
            if active == Some(false) {
                return refused("the user is inactive");
            }
            if active.is_none() || uow.project_members(&[(user, project)]).await?.is_empty() {
                return refused("the user is in no team of the project");
            }
        }
        Assignee::Team(team) => {
            if uow.project_teams(&[(team, project)]).await?.is_empty() {
                return refused("the team does not have the project");
            }
        }
    }
    Ok(())
}

/// What a decision is about.
#[derive(Debug, Clone, Copy, Default)]
pub struct About<'a> {
    /// The projects of the groups.
    pub projects: &'a [ProjectId],
    /// The groups whose decisions may be told outward.
    pub groups: &'a [GroupId],
    /// Who may lose a group or get one, in which project.
    pub people: &'a [(ProjectId, Assignee)],
}

/// Reads what deciding needs about these projects, groups and people, in a handful of statements.
///
/// # Errors
/// [`StoreError`].
pub async fn look_around<'a>(
    uow: &mut dyn UnitOfWork,
    about: &About<'_>,
    clock: &dyn Clock,
    entropy: &'a dyn Entropy,
) -> Result<Surroundings<'a>, StoreError> {
    let mut users: HashSet<(UserId, ProjectId)> = HashSet::new();
    let mut teams: HashSet<TeamId> = HashSet::new();
    for (project, who) in about.people {
        match who {
            Assignee::User(user) => drop(users.insert((*user, *project))),
            Assignee::Team(team) => drop(teams.insert(*team)),
        }
    }
    let pairs: Vec<(UserId, ProjectId)> = users.iter().copied().collect();
    let ids: HashSet<UserId> = users.iter().map(|(user, _)| *user).collect();
    let ids: Vec<UserId> = ids.into_iter().collect();
    let teams: Vec<TeamId> = teams.into_iter().collect();
    let routes = uow.routes_of(about.projects).await?;
    let outward = if about.groups.is_empty() { Vec::new() } else { uow.outward_links(about.groups).await? };
    let found = if ids.is_empty() { Vec::new() } else { uow.users(&ids).await? };
    let muted = if pairs.is_empty() { HashSet::new() } else { uow.muted(&pairs).await? };
    let members = if teams.is_empty() { Vec::new() } else { uow.team_members(&teams).await? };
    Ok(Surroundings {
        now: clock.now(),
        entropy,
        routes,
        users: found.into_iter().map(|user| (user.id, user)).collect::<HashMap<_, _>>(),
        team_members: members.into_iter().collect(),
        muted,
        outward,
    })
}
