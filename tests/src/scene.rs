//! A scene for a test: a board in Azure DevOps with people, an organization of ours that follows it, and
//! verbs for what people do.

use crate::instance::{Instance, Setup};
use crate::served::Served;
use crate::tenant::{Member, Tenant};
use handoff::wiring::Ports;
use handoff_sandbox::azure::{
    CollectionId, Hosting, IdentityId, NewIdentity, NewWorkItem, PatRights, Process, ProjectId, SubscriptionId,
    WorkItemKey,
};
use handoff_sandbox::discord::Snowflake;
use std::ops::Deref;

/// The access token of every installation.
pub const PAT: &str = "a-personal-access-token";

/// Somebody in Azure DevOps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their name there, and with us where they are known.
    pub name: String,
    /// Their sign-in name, a mail address.
    pub address: String,
    /// Their identity there.
    pub identity: IdentityId,
}

/// A project in Azure DevOps.
#[derive(Debug, Clone)]
pub struct Board {
    /// Its collection.
    pub collection: CollectionId,
    /// The project.
    pub project: ProjectId,
    /// The collection's address.
    pub url: String,
}

/// A group of an organization.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its path in the API.
    pub at: String,
    /// Its id.
    pub id: String,
    /// Such as `BACKEND-42`.
    pub short_id: String,
    /// The channel with its card.
    pub channel: Snowflake,
}

/// An instance with a board and an organization that follows it. Ada, Bob and Cleo are in the team of its
/// project and known in Discord; Zoe is nobody we know.
pub struct Scene {
    instance: Instance,
    /// In Azure DevOps.
    pub board: Board,
    /// With us.
    pub tenant: Tenant,
    /// A member.
    pub ada: Person,
    /// A member.
    pub bob: Person,
    /// A member.
    pub cleo: Person,
    /// No member.
    pub zoe: Person,
}

impl Deref for Scene {
    type Target = Instance;

    fn deref(&self) -> &Instance {
        &self.instance
    }
}

impl Scene {
    /// The usual scene.
    pub async fn new() -> Self {
        Self::with(Setup::default(), |_| {}).await
    }

    /// The usual scene in an instance that is set up otherwise.
    pub async fn with(setup: Setup, change: impl FnOnce(&mut Ports)) -> Self {
        let instance = Instance::start_with(setup, change).await;
        let board = Board::set_up(&instance, "fabrikam");
        let [ada, bob, cleo, zoe] =
            ["Ada Lovelace", "Bob Ross", "Cleo Nile", "Zoe Who"].map(|name| person(&instance, name));
        let mut tenant = Tenant::set_up(&instance, &board, "Contoso").await;
        for known in [&ada, &bob, &cleo] {
            tenant.add_member(&instance, known).await;
        }
        Self { instance, board, tenant, ada, bob, cleo, zoe }
    }

    /// The instance, to be changed as a whole.
    pub const fn instance_mut(&mut self) -> &mut Instance {
        &mut self.instance
    }

    /// The instance, to be finished.
    #[must_use]
    pub fn into_instance(self) -> Instance {
        self.instance
    }

    /// Ends the test; see [`Instance::finish`].
    pub async fn finish(self) {
        self.instance.finish().await;
    }

    /// A bug on the board.
    ///
    /// # Panics
    /// When the simulator refuses it.
    #[must_use]
    pub fn work_item(&self, title: &str) -> WorkItemKey {
        self.azure.add_work_item(self.board.project, &NewWorkItem::new("Bug", title)).unwrap()
    }

    /// A bug on the board and a group that is linked with it, all told to everybody.
    pub async fn linked(&self, title: &str) -> (WorkItemKey, Group) {
        let item = self.work_item(title);
        let group = self.tenant.group(self, title).await;
        self.tenant.link(self, &group, item).await;
        self.settle().await;
        (item, group)
    }

    /// Assigns a work item, as somebody at the board does.
    ///
    /// # Panics
    /// When the simulator refuses it.
    pub fn assign_in_azure(&self, item: WorkItemKey, to: &Person) {
        self.azure.assign_work_item(item, to.identity).unwrap();
    }

    /// Takes a work item from whoever has it.
    ///
    /// # Panics
    /// When the simulator refuses it.
    pub fn unassign_in_azure(&self, item: WorkItemKey) {
        self.azure.unassign_work_item(item).unwrap();
    }

    /// Makes somebody a user of the scene's organization, in no team yet.
    pub async fn add_user(&mut self, person: &Person) -> Member {
        self.tenant.add_user(&self.instance, person).await
    }

    /// Makes somebody a user in the team of the project, of whom no address is known.
    pub async fn add_user_without_address(&mut self, person: &Person) -> Member {
        let member = self.tenant.add_user_without_address(&self.instance, person).await;
        self.tenant.join_team(&self.instance, member).await;
        member
    }

    /// Makes somebody a user in the team of the project.
    pub async fn add_member(&mut self, person: &Person) -> Member {
        self.tenant.add_member(&self.instance, person).await
    }

    /// The member that somebody is in the scene's organization.
    #[must_use]
    pub fn member(&self, person: &Person) -> Member {
        self.tenant.member(person)
    }

    /// The subscription in Azure DevOps of an event type.
    ///
    /// # Panics
    /// Unless there is exactly one.
    #[must_use]
    pub fn hook(&self, event_type: &str) -> SubscriptionId {
        let hooks: Vec<_> =
            self.azure.subscriptions().into_iter().filter(|hook| hook.event_type == event_type).collect();
        assert_eq!(hooks.len(), 1, "{hooks:#?}");
        hooks[0].id
    }
}

impl Board {
    /// A collection of the cloud with a project, and a token for it.
    ///
    /// # Panics
    /// When the simulator refuses it.
    #[must_use]
    pub fn set_up(instance: &Served, name: &str) -> Self {
        let azure = &instance.azure;
        let collection = azure.add_collection(name, Hosting::Cloud);
        let project = azure.add_project(collection, "Payments", Process::Agile).unwrap();
        let robot = azure.add_identity(NewIdentity::person("Handoff", &format!("handoff@{name}.example")));
        azure.set_pat(PAT, robot, PatRights::full());
        Self { collection, project, url: azure.collection_url(collection).unwrap() }
    }
}

/// Somebody new in Azure DevOps, whose address is made from their name.
#[must_use]
pub fn person(instance: &Served, name: &str) -> Person {
    let address = format!("{}@example.org", name.to_lowercase().replace(' ', "."));
    let identity = instance.azure.add_identity(NewIdentity::person(name, &address));
    Person { name: name.to_owned(), address, identity }
}
