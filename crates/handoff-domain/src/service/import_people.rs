//! Import People: the members of an Azure DevOps project's teams become users of ours without sign-in, in one
//! team, each with a mapping by identity id. Looked at first, then confirmed.
//!
//! Whom somebody is here is said by a mapping, then by a verified address; who may be two is reported and left
//! alone. An address that a tracker tells is kept unverified: it proves nothing to other organizations. Doing it
//! again makes nothing twice; it is done in bounded batches, and what was done stays when one fails.

use super::connection::{connected_project, connection};
use super::error::{MAX_RUNS, UseCaseError};
use super::essentials::Essentials;
use super::handle_assign_to::best_match;
use super::save_with_snowflake_id::SnowflakeModel;
use crate::id::{InstallationId, IntegrationId, MappingId, OrganizationId, ProjectId, TeamId, UserId};
use crate::integration::ConnectedProject;
use crate::organization::{Role, Team, User, UserEmail};
use crate::person::{IdentityMapping, Person, UnresolvedReason};
use crate::port::store::{MatchedBy, PersonMatch};
use crate::port::tracker::RemoteTeam;
use crate::port::{SecretBox, SequenceError, StoreError, UnitOfWork, WorkItemTracker};
use crate::text::{EmailAddress, Name, tamed};
use crate::work_item::AzureProjectId;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// The most people of one import.
pub const MAX_PEOPLE: usize = 1000;
/// The most teams whose members are asked for.
pub const MAX_TEAMS: usize = 100;
/// People written in one transaction.
const BATCH: usize = 50;
/// How long new ids are waited for at a time, and how often for one batch.
const WAIT: Duration = Duration::from_secs(1);
const MAX_WAITS: usize = 30;
/// What the sign-in name of a guest holds: it is no address of theirs.
const GUEST_MARK: &str = "#ext#";

/// Imports people.
#[derive(Clone)]
pub struct ImportPeople {
    /// The shared ports.
    pub base: Essentials,
    /// Azure DevOps.
    pub tracker: Arc<dyn WorkItemTracker>,
    /// Opens credentials.
    pub secrets: Arc<dyn SecretBox>,
}

/// Whose people are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportFrom {
    /// Through which installation.
    pub installation: InstallationId,
    /// The connected project.
    pub azure_project: AzureProjectId,
    /// The ids of the teams there; all of them where none is named.
    pub teams: Vec<String>,
}

/// What an import would make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportPreview {
    /// The teams there that were asked.
    pub teams: Vec<RemoteTeam>,
    /// The team of ours that they are put in, where there is one already.
    pub team: Option<TeamId>,
    /// Everybody, each once, by name.
    pub people: Vec<ImportedPerson>,
}

/// Somebody there, and what an import makes of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedPerson {
    /// Who.
    pub person: Person,
    /// What becomes of them.
    pub becomes: Becomes,
}

/// What an import makes of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Becomes {
    /// A new user with a mapping.
    NewUser,
    /// The user that they are, by this; a mapping is made where there is none by identity id.
    Known {
        /// Who.
        user: UserId,
        /// What says so.
        by: MatchedBy,
    },
    /// Nobody, for this reason.
    LeftOut(LeftOut),
}

/// Why somebody is not imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// More than one user fits, or more than one of the identities has this address.
    Ambiguous,
    /// A group of people.
    Container,
    /// Azure DevOps tells no id of the identity.
    NoIdentity,
}

/// What an import made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportDone {
    /// The team that everybody is in; `None` when there was nobody to import.
    pub team: Option<TeamId>,
    /// New users.
    pub users: usize,
    /// New mappings.
    pub mappings: usize,
    /// People who are in the team now, new there or not.
    pub members: usize,
    /// People who were left out.
    pub left_out: usize,
}

/// Everybody who was found, and where.
struct Found {
    connected: ConnectedProject,
    teams: Vec<RemoteTeam>,
    people: Vec<Person>,
}

impl ImportPeople {
    /// What an import would make; nothing is written.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such an installation, connected project or team,
    /// [`UseCaseError::Refused`] for too many, [`UseCaseError::Tracker`] as Azure DevOps answers.
    pub async fn preview(
        &self,
        organization: OrganizationId,
        from: &ImportFrom,
    ) -> Result<ImportPreview, UseCaseError> {
        let found = self.find(organization, from).await?;
        let mut uow = self.base.store.begin().await?;
        let integration = found.connected.integration;
        let people = judged(uow.as_mut(), organization, integration, &found.people, &found.people).await?;
        let team = uow.imported_team(organization, integration, &from.azure_project).await?;
        Ok(ImportPreview { teams: found.teams, team, people })
    }

    /// Imports them, and gives the project to the team where one is named.
    ///
    /// # Errors
    /// As [`ImportPeople::preview`], and [`UseCaseError::NotFound`] without such a project.
    pub async fn import(
        &self,
        organization: OrganizationId,
        from: &ImportFrom,
        project: Option<ProjectId>,
    ) -> Result<ImportDone, UseCaseError> {
        if let Some(project) = project {
            let found = self.base.reader.project(organization, project).await?;
            found.ok_or(UseCaseError::NotFound { what: "project" })?;
        }
        let found = self.find(organization, from).await?;
        let mut done = ImportDone::default();
        if found.people.is_empty() {
            return Ok(done);
        }
        let team = self.team_for(organization, &found.connected).await?;
        done.team = Some(team);
        for batch in found.people.chunks(BATCH) {
            let made = self.batch(organization, &found, batch, team).await?;
            done.users += made.users;
            done.mappings += made.mappings;
            done.members += made.members;
            done.left_out += made.left_out;
        }
        if let Some(project) = project {
            self.give_project(organization, project, team).await?;
        }
        self.base.wake.outbox();
        Ok(done)
    }

    async fn find(&self, organization: OrganizationId, from: &ImportFrom) -> Result<Found, UseCaseError> {
        let at = connection(self.base.reader.as_ref(), self.secrets.as_ref(), organization, from.installation).await?;
        let reader = self.base.reader.as_ref();
        let connected = connected_project(reader, organization, from.installation, &from.azure_project).await?;
        let mut teams = self.tracker.teams(&at, &from.azure_project).await?;
        if !from.teams.is_empty() {
            let chosen: HashSet<String> = from.teams.iter().map(|id| id.to_lowercase()).collect();
            teams.retain(|team| chosen.contains(&team.id));
            if teams.len() < chosen.len() {
                return Err(UseCaseError::NotFound { what: "team in Azure DevOps" });
            }
        }
        if teams.len() > MAX_TEAMS {
            return Err(UseCaseError::Refused(format!("there are more than {MAX_TEAMS} teams; choose some of them")));
        }
        let mut people: BTreeMap<(String, String), Person> = BTreeMap::new();
        for team in &teams {
            for person in self.tracker.team_members(&at, &from.azure_project, &team.id).await? {
                let who = person.identity_id.clone().or_else(|| person.unique_name.clone()).unwrap_or_default();
                people.entry((person.display_name.to_lowercase(), who)).or_insert(person);
            }
            if people.len() > MAX_PEOPLE {
                let said = format!("the teams have more than {MAX_PEOPLE} members; choose some of the teams");
                return Err(UseCaseError::Refused(said));
            }
        }
        Ok(Found { connected, teams, people: people.into_values().collect() })
    }

    /// The team of an earlier import, or a new one with the name of the Azure DevOps project.
    async fn team_for(
        &self,
        organization: OrganizationId,
        connected: &ConnectedProject,
    ) -> Result<TeamId, UseCaseError> {
        let candidates = self.base.slug_candidates(None, &connected.name);
        for slug in &candidates {
            let insert = |id| async move {
                let mut uow = self.base.store.begin().await?;
                if !uow.lock_organization(organization).await? {
                    return Ok(None);
                }
                let (integration, azure_project) = (connected.integration, &connected.azure_project);
                if let Some(team) = uow.imported_team(organization, integration, azure_project).await? {
                    return Ok(Some(team));
                }
                let team = Team {
                    id: TeamId::new(id),
                    organization,
                    slug: slug.clone(),
                    name: connected.name.clone(),
                    created_at: self.base.clock.now(),
                };
                let team = uow.insert_team(&team).await?;
                uow.insert_imported_team(organization, integration, azure_project, team).await?;
                uow.commit().await.map(|()| Some(team))
            };
            match self.base.save_with_new_id::<Team, _, _, _>(insert).await {
                Err(UseCaseError::Store(error)) if error.is_conflict_with("team_slug") => {}
                done => return done?.ok_or(UseCaseError::NotFound { what: "organization" }),
            }
        }
        Err(Essentials::no_slug_left(None, "team"))
    }

    /// Writes a batch of people; again when somebody else made one of them known at the same time.
    async fn batch(
        &self,
        organization: OrganizationId,
        found: &Found,
        batch: &[Person],
        team: TeamId,
    ) -> Result<ImportDone, UseCaseError> {
        let mut run = 1;
        loop {
            let new = self.count_new(organization, found, batch).await?;
            let ids = self.ids_for(new).await?;
            match self.try_batch(organization, found, batch, team, ids).await {
                Err(error) if run < MAX_RUNS && is_worth_another_run(&error) => run += 1,
                done => return Ok(done?),
            }
        }
    }

    /// How many of them become new users, as it looks now.
    async fn count_new(
        &self,
        organization: OrganizationId,
        found: &Found,
        batch: &[Person],
    ) -> Result<usize, StoreError> {
        let mut uow = self.base.store.begin().await?;
        let judged = judged(uow.as_mut(), organization, found.connected.integration, &found.people, batch).await?;
        Ok(judged.iter().filter(|one| one.becomes == Becomes::NewUser).count())
    }

    /// Ids for as many users, where the database does not count: reserved before the transaction opens. Waits
    /// for new ones where all of the last minutes are given out.
    async fn ids_for(&self, count: usize) -> Result<Vec<i64>, UseCaseError> {
        let Some(ids) = &self.base.snowflakes else { return Ok(vec![0; count]) };
        let mut reserved = Vec::with_capacity(count);
        let mut waits = 0;
        while reserved.len() < count {
            match ids.generate_snowflake_id(User::TABLE).await {
                Ok(id) => reserved.push(id.get()),
                Err(SequenceError::Exhausted { .. }) if waits < MAX_WAITS => {
                    waits += 1;
                    self.base.clock.sleep(WAIT).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(reserved)
    }

    async fn try_batch(
        &self,
        organization: OrganizationId,
        found: &Found,
        batch: &[Person],
        team: TeamId,
        ids: Vec<i64>,
    ) -> Result<ImportDone, StoreError> {
        let integration = found.connected.integration;
        let mut uow = self.base.store.begin().await?;
        uow.lock_organization(organization).await?;
        let mut done = ImportDone::default();
        let mut users = Vec::new();
        let judged = judged(uow.as_mut(), organization, integration, &found.people, batch).await?;
        let mut ids = ids.into_iter();
        for one in judged {
            let (user, is_mapped) = match one.becomes {
                Becomes::LeftOut(_) => {
                    done.left_out += 1;
                    continue;
                }
                Becomes::Known { user, by } => (user, by == MatchedBy::IdentityId),
                Becomes::NewUser => {
                    done.users += 1;
                    // More are new than there were a moment ago: once more, with as many ids.
                    let id = ids.next().ok_or(StoreError::Retry)?;
                    (self.new_user(uow.as_mut(), organization, &one.person, id).await?, false)
                }
            };
            if !is_mapped {
                let mapping = self.mapping(organization, integration, &one.person, user);
                uow.insert_mapping(&mapping).await?;
                done.mappings += 1;
            }
            users.push(user);
            uow.add_team_member(team, user).await?;
            done.members += 1;
        }
        self.base.arm_waiting(uow.as_mut(), organization, &users).await?;
        uow.commit().await?;
        Ok(done)
    }

    async fn new_user(
        &self,
        uow: &mut dyn UnitOfWork,
        organization: OrganizationId,
        person: &Person,
        id: i64,
    ) -> Result<UserId, StoreError> {
        let user = User {
            id: UserId::new(id),
            name: Name::parse(&tamed(&person.display_name, Name::MAX)).unwrap_or_else(|_| Name::untitled()),
            active: true,
            discord: None,
            created_at: self.base.clock.now(),
        };
        let user = uow.insert_user(&user).await?;
        uow.put_membership(organization, user, Role::Member).await?;
        if let Some(address) = own_address(person) {
            uow.put_user_email(&UserEmail { user, address, verified: false }).await?;
        }
        Ok(user)
    }

    fn mapping(
        &self,
        organization: OrganizationId,
        integration: IntegrationId,
        person: &Person,
        user: UserId,
    ) -> IdentityMapping {
        let now = self.base.clock.now();
        IdentityMapping {
            id: MappingId::generate(now, self.base.entropy.as_ref()),
            organization,
            integration,
            identity_id: person.identity_id.clone(),
            unique_name: person.unique_name.clone(),
            user,
            created_at: now,
        }
    }

    async fn give_project(
        &self,
        organization: OrganizationId,
        project: ProjectId,
        team: TeamId,
    ) -> Result<(), UseCaseError> {
        super::error::rerun(|| async {
            let mut uow = self.base.store.begin().await?;
            let held = uow.hold_project(organization, project).await?;
            held.ok_or(UseCaseError::NotFound { what: "project" })?;
            uow.add_project_team(project, team).await?;
            let members = uow.team_members(&[team]).await?.into_iter().map(|(_, user)| user);
            self.base.arm_waiting(uow.as_mut(), organization, &members.collect::<Vec<_>>()).await?;
            uow.commit().await?;
            Ok(())
        })
        .await
    }
}

/// Whether the same batch may go better with what is there by now.
fn is_worth_another_run(error: &StoreError) -> bool {
    let taken = |name| error.is_conflict_with(name);
    *error == StoreError::Retry || taken("identity_mapping_identity") || taken(User::PRIMARY_KEY)
}

/// The address that a sign-in name is, where it is one of the person's own.
fn own_address(person: &Person) -> Option<EmailAddress> {
    person.address().filter(|address| !address.as_str().contains(GUEST_MARK))
}

/// What becomes of these people, who are some of `everybody`.
async fn judged(
    uow: &mut dyn UnitOfWork,
    organization: OrganizationId,
    integration: IntegrationId,
    everybody: &[Person],
    people: &[Person],
) -> Result<Vec<ImportedPerson>, StoreError> {
    if people.is_empty() {
        return Ok(Vec::new());
    }
    let questions: Vec<_> = people.iter().map(|person| (organization, integration, person.clone())).collect();
    let matches = uow.match_people(&questions).await?;
    let mut bearers: HashMap<&str, HashSet<&str>> = HashMap::new();
    for person in everybody {
        if let (Some(name), Some(id)) = (&person.unique_name, &person.identity_id) {
            bearers.entry(name).or_default().insert(id);
        }
    }
    let judged = people.iter().enumerate().map(|(number, person)| {
        let own: Vec<&PersonMatch> = matches.iter().filter(|one| one.question == number).collect();
        let is_shared = |name: &String| bearers.get(name.as_str()).is_some_and(|ids| ids.len() > 1);
        let becomes = becomes(person, &own, person.unique_name.as_ref().is_some_and(is_shared));
        ImportedPerson { person: person.clone(), becomes }
    });
    Ok(judged.collect())
}

/// What becomes of one person. `is_shared`: another identity has the same sign-in name. Pure.
fn becomes(person: &Person, matches: &[&PersonMatch], is_shared: bool) -> Becomes {
    if person.is_container {
        return Becomes::LeftOut(LeftOut::Container);
    }
    if person.identity_id.is_none() {
        return Becomes::LeftOut(LeftOut::NoIdentity);
    }
    let by = matches.iter().map(|one| one.by).min();
    if is_shared && by != Some(MatchedBy::IdentityId) {
        return Becomes::LeftOut(LeftOut::Ambiguous);
    }
    match (best_match(matches), by) {
        (Ok(user), Some(by)) => Becomes::Known { user, by },
        (Err(UnresolvedReason::Unknown), _) => Becomes::NewUser,
        _ => Becomes::LeftOut(LeftOut::Ambiguous),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somebody(id: Option<&str>, name: &str, is_container: bool) -> Person {
        Person {
            identity_id: id.map(str::to_owned),
            unique_name: Some(name.to_owned()),
            display_name: "Somebody".to_owned(),
            is_container,
        }
    }

    #[test]
    fn nobody_is_guessed() {
        use MatchedBy::{Address, IdentityId, UniqueName};
        let found = |user, by| PersonMatch { question: 0, user: UserId::new(user), by };
        let known = |user, by| Becomes::Known { user: UserId::new(user), by };
        let ada = || somebody(Some("g1"), "ada@example.org", false);
        for (person, matches, is_shared, expected) in [
            (ada(), vec![], false, Becomes::NewUser),
            (ada(), vec![found(1, Address)], false, known(1, Address)),
            (ada(), vec![found(1, IdentityId), found(2, Address)], false, known(1, IdentityId)),
            (ada(), vec![found(1, UniqueName), found(2, UniqueName)], false, Becomes::LeftOut(LeftOut::Ambiguous)),
            (ada(), vec![], true, Becomes::LeftOut(LeftOut::Ambiguous)),
            (ada(), vec![found(1, Address)], true, Becomes::LeftOut(LeftOut::Ambiguous)),
            (ada(), vec![found(1, IdentityId)], true, known(1, IdentityId)),
            (somebody(Some("g1"), "x", true), vec![], false, Becomes::LeftOut(LeftOut::Container)),
            (somebody(None, "x", false), vec![], false, Becomes::LeftOut(LeftOut::NoIdentity)),
        ] {
            let matches: Vec<&PersonMatch> = matches.iter().collect();
            assert_eq!(becomes(&person, &matches, is_shared), expected, "{person:?} {matches:?}");
        }
    }

    #[test]
    fn the_sign_in_name_of_a_guest_or_of_a_domain_is_no_address() {
        for (name, expected) in
            [("ada@example.org", true), ("ada_example.org#ext#@contoso.onmicrosoft.com", false), (r"corp\ada", false)]
        {
            assert_eq!(own_address(&somebody(Some("g1"), name, false)).is_some(), expected, "{name}");
        }
    }
}
