//! Setting the scene: collections, projects, people, teams and tokens.

use super::AzureHandle;
use crate::azure::auth::{Caller, PatRights, UnauthorizedForm};
use crate::azure::entra::NewServicePrincipal;
use crate::azure::ids::{CollectionId, IdentityId, ProjectId, TeamId};
use crate::azure::people::{NewIdentity, SimIdentity};
use crate::azure::projects::{Collection, Hosting, Process, Project, Team};
use crate::azure::refusal::Refusal;

impl AzureHandle {
    /// Adds an organization (cloud) or a project collection (Server). Its name is the first segment
    /// of its paths.
    #[must_use]
    pub fn add_collection(&self, name: &str, hosting: Hosting) -> CollectionId {
        self.with(|state, _| {
            let id = CollectionId(state.ids.next());
            let host_id = state.ids.next();
            let collection = Collection { id, host_id, name: name.to_owned(), hosting, last_work_item: 0 };
            state.collections.insert(id, collection);
            id
        })
    }

    /// The URL of a collection, with a trailing slash.
    ///
    /// # Errors
    /// When there is no such collection.
    pub fn collection_url(&self, id: CollectionId) -> Result<String, Refusal> {
        self.with(|state, _| Ok(state.base_url(state.collection(id)?)))
    }

    /// Adds a project.
    ///
    /// # Errors
    /// When there is no such collection.
    pub fn add_project(&self, collection: CollectionId, name: &str, process: Process) -> Result<ProjectId, Refusal> {
        self.with(|state, now_us| {
            state.collection(collection)?;
            let id = ProjectId(state.ids.next());
            let project = Project { id, collection, name: name.to_owned(), process, created_us: now_us };
            state.projects.insert(id, project);
            Ok(id)
        })
    }

    /// Adds a person or a group, known in every collection.
    #[must_use]
    pub fn add_identity(&self, identity: NewIdentity) -> IdentityId {
        self.with(|state, _| {
            let id = IdentityId(state.ids.next());
            state.people.add(SimIdentity::new(id, identity));
            id
        })
    }

    /// A person or a group.
    ///
    /// # Errors
    /// When there is no such identity.
    pub fn identity(&self, id: IdentityId) -> Result<SimIdentity, Refusal> {
        self.with(|state, _| state.people.get(id).cloned().ok_or_else(Refusal::unknown_identity))
    }

    /// Changes a person: another name or address, or gone from the directory.
    ///
    /// # Errors
    /// When there is no such identity.
    pub fn update_identity(&self, id: IdentityId, change: impl FnOnce(&mut NewIdentity)) -> Result<(), Refusal> {
        self.with(|state, _| {
            let identity = state.people.get_mut(id).ok_or_else(Refusal::unknown_identity)?;
            change(&mut identity.details);
            Ok(())
        })
    }

    /// Adds a team with its members.
    ///
    /// # Errors
    /// When there is no such project or identity.
    pub fn add_team(&self, project: ProjectId, name: &str, members: &[IdentityId]) -> Result<TeamId, Refusal> {
        self.with(|state, _| {
            state.project(project)?;
            if members.iter().any(|member| state.people.get(*member).is_none()) {
                return Err(Refusal::unknown_identity());
            }
            let id = TeamId(state.ids.next());
            let team = Team { id, project, name: name.to_owned(), members: members.to_vec() };
            state.teams.insert(id, team);
            Ok(id)
        })
    }

    /// Replaces the members of a team.
    ///
    /// # Errors
    /// When there is no such team.
    pub fn set_team_members(&self, team: TeamId, members: &[IdentityId]) -> Result<(), Refusal> {
        self.with(|state, _| {
            let team = state.teams.get_mut(&team).ok_or_else(|| Refusal::unknown_team(&team.to_string()))?;
            team.members = members.to_vec();
            Ok(())
        })
    }

    /// Makes a personal access token of someone valid, with these rights.
    pub fn set_pat(&self, token: &str, identity: IdentityId, rights: PatRights) {
        self.with(|state, _| state.tokens.add(token, Caller { identity, rights }));
    }

    /// Makes a personal access token invalid.
    pub fn revoke_pat(&self, token: &str) {
        self.with(|state, _| state.tokens.revoke(token));
    }

    /// Makes a service principal that signs in with Entra and is someone here, with these rights.
    pub fn add_service_principal(&self, principal: NewServicePrincipal, identity: IdentityId, rights: PatRights) {
        self.with(|state, _| state.entra.add(principal, Caller { identity, rights }));
    }

    /// The secret of a service principal is good no more, as after its last day.
    pub fn expire_client_secret(&self, client_id: &str) {
        self.with(|state, _| state.entra.expire_secret(client_id));
    }

    /// Makes every access token of Entra invalid; new ones can be had.
    pub fn revoke_access_tokens(&self) {
        self.with(|state, _| state.entra.revoke_tokens());
    }

    /// Chooses how bad credentials are answered.
    pub fn set_unauthorized_form(&self, form: UnauthorizedForm) {
        self.with(|state, _| state.unauthorized_form = form);
    }
}
