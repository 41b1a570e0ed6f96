//! The calls: what we ask of Azure DevOps, and what its answers mean.

use crate::address::{AddressPolicy, CollectionAddress};
use crate::directory::{self, Directory};
use crate::entra;
use crate::http::{Call, Http, Reply, SetupError, unavailable};
use crate::inbound::guid;
use crate::json;
use crate::operation::Operation;
use crate::people;
use crate::snapshot::{self, Beside, project_in};
use crate::subscription::{remote_subscription, same_url, subscription_body, subscription_path};
use crate::wiql;
use crate::wire::{self, ConnectionData, FIELDS, List, Project, SubscriptionsFound, WorkItem};
use crate::write;
use async_trait::async_trait;
use handoff_domain::credential::Credential;
use handoff_domain::id::{IntegrationId, Revision, WorkItemNumber};
use handoff_domain::person::Person;
use handoff_domain::port::Clock;
use handoff_domain::port::tracker::{
    NewSubscription, NewWorkItem, RemoteCollection, RemoteProject, RemoteSubscription, RemoteTeam, TrackerConnection,
    TrackerError, WorkItemChange, WorkItemTracker,
};
use handoff_domain::text::{EmailAddress, Name, tamed};
use handoff_domain::tracking::TrackingFilter;
use handoff_domain::work_item::{AzureProjectId, Snapshot};
use handoff_domain::workflow::{StateCategory, Workflow, WorkflowState};
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Most work items in one batch (description of Work Items, Get Work Items Batch).
const BATCH: usize = 200;
/// The largest number of a work item, which is a signed 32-bit number there (same source).
const MAX_WORK_ITEM: i64 = i32::MAX as i64;
/// Projects asked for at once.
const PROJECTS_PAGE: usize = 100;
/// How many of the newest comments are looked through.
const COMMENTS: usize = 200;
/// Pages of projects read at most.
const MAX_PROJECT_PAGES: usize = 100;

/// How Azure DevOps is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AzureSettings {
    /// Which addresses may be called.
    pub addresses: AddressPolicy,
    /// How long a connection may take to be made, the look-up of its name included.
    pub connect_timeout: Duration,
    /// How long a whole call may take, its answer's body included.
    pub call_timeout: Duration,
    /// The version of the REST API asked for. Older Servers know older ones only: 5.0, 6.0, 7.0.
    pub api_version: String,
    /// Where service principals sign in, without a path: another in sovereign clouds.
    pub sign_in_url: String,
}

impl Default for AzureSettings {
    fn default() -> Self {
        Self {
            addresses: AddressPolicy::default(),
            connect_timeout: Duration::from_secs(5),
            call_timeout: Duration::from_secs(30),
            api_version: "7.1".to_owned(),
            sign_in_url: entra::PUBLIC_CLOUD.to_owned(),
        }
    }
}

/// Azure DevOps over its REST API. Keeps to the throttling headers, separately for each installation.
pub struct AzureDevOps {
    http: Http,
    addresses: AddressPolicy,
    api_version: String,
    directory: Directory,
}

/// What is asked: everything of a call but where and as whom.
pub(crate) struct Question {
    operation: Operation,
    method: Method,
    /// Below the collection's address, without the version.
    path: String,
    body: Option<Value>,
}

impl Question {
    pub(crate) fn get(operation: Operation, path: impl Into<String>) -> Self {
        Self { operation, method: Method::GET, path: path.into(), body: None }
    }

    pub(crate) fn post(operation: Operation, path: &str, body: Value) -> Self {
        Self { operation, method: Method::POST, path: path.to_owned(), body: Some(body) }
    }
}

impl AzureDevOps {
    /// A client; nothing is called yet.
    ///
    /// # Errors
    /// [`SetupError`] when the process has no TLS provider, or the HTTP client cannot be made.
    pub fn new(settings: AzureSettings, clock: Arc<dyn Clock>) -> Result<Self, SetupError> {
        let AzureSettings { addresses, connect_timeout, call_timeout, api_version, sign_in_url } = settings;
        let http = Http::new(&addresses, &sign_in_url, connect_timeout, call_timeout, clock)?;
        Ok(Self { http, addresses, api_version, directory: Directory::default() })
    }

    pub(crate) async fn ask(&self, at: &TrackerConnection, question: Question) -> Result<Reply, TrackerError> {
        let address = self.addresses.check(&at.base_url)?;
        let call = self.call(&address, &at.credential, question);
        self.http.send(Call { at: Some((at.integration, at.installation)), ..call }).await
    }

    fn call<'a>(&self, address: &'a CollectionAddress, credential: &'a Credential, question: Question) -> Call<'a> {
        let Question { operation, method, path, body } = question;
        let glue = if path.contains('?') { '&' } else { '?' };
        let preview = if operation.is_preview() { "-preview" } else { "" };
        let path = format!("{path}{glue}api-version={}{preview}", self.api_version);
        Call { operation, method, address, path, body, credential, at: None }
    }

    async fn batch(
        &self,
        at: &TrackerConnection,
        numbers: &[WorkItemNumber],
    ) -> Result<Option<Vec<WorkItem>>, TrackerError> {
        let ids: Vec<i64> = numbers.iter().map(|number| number.get()).collect();
        let body = json!({"ids": ids, "fields": FIELDS, "errorPolicy": "omit"});
        let question = Question::post(Operation::WorkItems, "_apis/wit/workitemsbatch", body);
        let list: List<WorkItem> = match self.ask(at, question).await? {
            Reply::NoSuchThing => return Ok(None),
            reply => whole(Operation::WorkItems, reply)?,
        };
        let items = list.value.into_iter().map(|item| match item {
            json::Loose::Nothing => Ok(None),
            json::Loose::Object(item) => Ok(Some(item)),
            _ => Err(unavailable("it answered something else than work items")),
        });
        Ok(Some(items.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect()))
    }

    /// Snapshots of what was read. Projects that the answers only name are looked up, once each.
    async fn snapshots(&self, at: &TrackerConnection, items: &[WorkItem]) -> Result<Vec<Snapshot>, TrackerError> {
        let mut projects: BTreeMap<String, Option<AzureProjectId>> = BTreeMap::new();
        let mut snapshots = Vec::with_capacity(items.len());
        for item in items {
            let project = match item.url.text().and_then(project_in) {
                Some(project) => Some(project),
                None => self.named_project(at, item, &mut projects).await?,
            };
            snapshots.push(built(at, item, project)?);
        }
        Ok(snapshots)
    }

    async fn named_project(
        &self,
        at: &TrackerConnection,
        item: &WorkItem,
        known: &mut BTreeMap<String, Option<AzureProjectId>>,
    ) -> Result<Option<AzureProjectId>, TrackerError> {
        let Some(name) = item.fields.object().and_then(|fields| fields.team_project.text()) else {
            return Ok(None);
        };
        if let Some(known) = known.get(name) {
            return Ok(known.clone());
        }
        let found = self.project(at, name).await?;
        known.insert(name.to_owned(), found.clone());
        Ok(found)
    }

    async fn project(&self, at: &TrackerConnection, name: &str) -> Result<Option<AzureProjectId>, TrackerError> {
        let path = format!("_apis/projects/{}", utf8_percent_encode(name, NON_ALPHANUMERIC));
        match self.ask(at, Question::get(Operation::Project, path)).await? {
            Reply::Body(body) => {
                let project: Project = understood(&body)?;
                Ok(project.id.text().and_then(AzureProjectId::parse))
            }
            Reply::NoSuchThing | Reply::NoSuchProject | Reply::NoSuchPlace => Ok(None),
        }
    }
}

#[async_trait]
impl WorkItemTracker for AzureDevOps {
    async fn collection(&self, base_url: &str, credential: &Credential) -> Result<RemoteCollection, TrackerError> {
        let address = self.addresses.check(base_url)?;
        // Its description is still a preview, so that a version would have to say so; reading needs none.
        let question = Question::get(Operation::Collection, "_apis/connectionData");
        let call = Call { path: question.path.clone(), ..self.call(&address, credential, question) };
        let data: ConnectionData = match self.http.send(call).await? {
            // Whoever gives an address is to hear that it leads nowhere; it may be mistyped.
            Reply::NoSuchPlace => return Err(TrackerError::NotFound { what: Operation::Collection.thing() }),
            reply => whole(Operation::Collection, reply)?,
        };
        let id = data.instance_id.text().and_then(guid);
        let id = id.ok_or_else(|| unavailable("it does not say which collection it is"))?;
        if data.deployment_id.text().and_then(guid).as_ref() == Some(&id) {
            let reason = "it is the address of the Server, not of one of its collections".to_owned();
            return Err(TrackerError::UnsafeAddress { reason });
        }
        let name = Name::parse(&tamed(&address.name, Name::MAX)).map_err(|_| unavailable("its name cannot be read"))?;
        Ok(RemoteCollection { id, name, base_url: address.url })
    }

    async fn projects(&self, connection: &TrackerConnection) -> Result<Vec<RemoteProject>, TrackerError> {
        let mut found: BTreeMap<AzureProjectId, RemoteProject> = BTreeMap::new();
        for page in 0..MAX_PROJECT_PAGES {
            let path = format!("_apis/projects?$top={PROJECTS_PAGE}&$skip={}", page * PROJECTS_PAGE);
            let reply = self.ask(connection, Question::get(Operation::Projects, path)).await?;
            let list: List<Project> = whole(Operation::Projects, reply)?;
            let (asked, known) = (list.value.len(), found.len());
            for project in list.value.iter().filter_map(json::Loose::object).filter_map(remote_project) {
                found.insert(project.id.clone(), project);
            }
            if asked < PROJECTS_PAGE || found.len() == known {
                return Ok(found.into_values().collect());
            }
        }
        let most = PROJECTS_PAGE * MAX_PROJECT_PAGES;
        Err(TrackerError::Rejected { reason: format!("it has more than {most} projects, which is past our limit") })
    }

    async fn teams(
        &self,
        connection: &TrackerConnection,
        azure_project: &AzureProjectId,
    ) -> Result<Vec<RemoteTeam>, TrackerError> {
        people::teams(self, connection, azure_project).await
    }

    async fn team_members(
        &self,
        connection: &TrackerConnection,
        azure_project: &AzureProjectId,
        team: &str,
    ) -> Result<Vec<Person>, TrackerError> {
        people::team_members(self, connection, azure_project, team).await
    }

    async fn find_work_items(
        &self,
        connection: &TrackerConnection,
        azure_project: &AzureProjectId,
        filter: &TrackingFilter,
        below: Option<WorkItemNumber>,
        limit: u16,
    ) -> Result<Vec<WorkItemNumber>, TrackerError> {
        let path = format!("{}/_apis/wit/wiql?$top={limit}", azure_project.as_str());
        let body = json!({"query": wiql::query(filter, below)});
        let reply = self.ask(connection, Question::post(Operation::FindWorkItems, &path, body)).await?;
        let found: wiql::Found = whole(Operation::FindWorkItems, reply)?;
        Ok(found.numbers(limit))
    }

    async fn create_subscription(
        &self,
        connection: &TrackerConnection,
        new: &NewSubscription,
    ) -> Result<RemoteSubscription, TrackerError> {
        let body = subscription_body(new);
        let question = Question::post(Operation::CreateSubscription, "_apis/hooks/subscriptions", body);
        let made: wire::Subscription = whole(Operation::CreateSubscription, self.ask(connection, question).await?)?;
        remote_subscription(&made).ok_or_else(|| unavailable("it answered a subscription without an id"))
    }

    async fn find_subscriptions(
        &self,
        connection: &TrackerConnection,
        url: &str,
    ) -> Result<Vec<RemoteSubscription>, TrackerError> {
        let condition = json!({"inputId": "url", "operator": "equals", "inputValue": url, "caseSensitive": false});
        let body = json!({
            "publisherId": "tfs",
            "consumerId": "webHooks",
            "consumerActionId": "httpRequest",
            "consumerInputFilters": [{"conditions": [condition]}],
        });
        let question = Question::post(Operation::FindSubscriptions, "_apis/hooks/subscriptionsquery", body);
        let answer: SubscriptionsFound = whole(Operation::FindSubscriptions, self.ask(connection, question).await?)?;
        // Compared again: what an old Server makes of the filter is not known.
        let ours = |one: &RemoteSubscription| one.url.as_deref().is_some_and(|theirs| same_url(theirs, url));
        let found = answer.results.iter().flatten().filter_map(json::Loose::object);
        Ok(found.filter_map(remote_subscription).filter(ours).collect())
    }

    async fn subscription(
        &self,
        connection: &TrackerConnection,
        id: &str,
    ) -> Result<Option<RemoteSubscription>, TrackerError> {
        let path = subscription_path(id)?;
        let found: wire::Subscription = match self.ask(connection, Question::get(Operation::Subscription, path)).await?
        {
            Reply::NoSuchThing => return Ok(None),
            reply => whole(Operation::Subscription, reply)?,
        };
        let found = remote_subscription(&found);
        found.map(Some).ok_or_else(|| unavailable("it answered a subscription without an id"))
    }

    async fn delete_subscription(&self, connection: &TrackerConnection, id: &str) -> Result<(), TrackerError> {
        let path = subscription_path(id)?;
        let question = Question { method: Method::DELETE, ..Question::get(Operation::DeleteSubscription, path) };
        match self.ask(connection, question).await? {
            Reply::Body(_) | Reply::NoSuchThing | Reply::NoSuchProject => Ok(()),
            // It may be there when its collection is again.
            Reply::NoSuchPlace => Err(nowhere()),
        }
    }

    async fn work_item(
        &self,
        connection: &TrackerConnection,
        number: WorkItemNumber,
    ) -> Result<Option<Snapshot>, TrackerError> {
        if number.get() > MAX_WORK_ITEM {
            return Ok(None);
        }
        let path = format!("_apis/wit/workitems/{number}?fields={}", FIELDS.join(","));
        let item: WorkItem = match self.ask(connection, Question::get(Operation::WorkItem, path)).await? {
            Reply::NoSuchThing => return Ok(None),
            reply => whole(Operation::WorkItem, reply)?,
        };
        if item.id.integer() != Some(number.get()) {
            return Err(unavailable("it answered another work item than the one asked for"));
        }
        Ok(self.snapshots(connection, &[item]).await?.pop())
    }

    async fn work_items(
        &self,
        connection: &TrackerConnection,
        numbers: &[WorkItemNumber],
    ) -> Result<Vec<Snapshot>, TrackerError> {
        let wanted: BTreeSet<WorkItemNumber> =
            numbers.iter().copied().filter(|number| number.get() <= MAX_WORK_ITEM).collect();
        let wanted: Vec<WorkItemNumber> = wanted.into_iter().collect();
        let mut pending: Vec<&[WorkItemNumber]> = wanted.chunks(BATCH).rev().collect();
        let mut snapshots = Vec::with_capacity(wanted.len());
        while let Some(batch) = pending.pop() {
            match self.batch(connection, batch).await? {
                Some(items) => snapshots.extend(self.snapshots(connection, &items).await?),
                // A server that does not omit what is missing refuses the whole batch: halved until
                // what is missing stands alone.
                None if batch.len() > 1 => {
                    let (first, second) = batch.split_at(batch.len() / 2);
                    pending.extend([second, first]);
                }
                None => {}
            }
        }
        Ok(snapshots)
    }

    async fn update_work_item(
        &self,
        connection: &TrackerConnection,
        number: WorkItemNumber,
        base: Revision,
        change: &WorkItemChange,
    ) -> Result<Snapshot, TrackerError> {
        let path = format!("_apis/wit/workitems/{number}");
        let body = Some(write::patch(base, change));
        let question = Question { operation: Operation::UpdateWorkItem, method: Method::PATCH, path, body };
        let reply = self.ask(connection, question).await.map_err(|error| write::explained(error, base))?;
        let item: WorkItem = whole(Operation::UpdateWorkItem, reply)?;
        let snapshot = self.snapshots(connection, &[item]).await?.pop();
        snapshot.ok_or_else(|| unavailable("it answered nothing to a write"))
    }

    async fn create_work_item(
        &self,
        connection: &TrackerConnection,
        azure_project: &AzureProjectId,
        new: &NewWorkItem,
    ) -> Result<Snapshot, TrackerError> {
        let kind = utf8_percent_encode(&new.work_item_type, NON_ALPHANUMERIC);
        let path = format!("{}/_apis/wit/workitems/${kind}", azure_project.as_str());
        let question = Question::post(Operation::CreateWorkItem, &path, write::creation(new));
        let item: WorkItem = whole(Operation::CreateWorkItem, self.ask(connection, question).await?)?;
        let snapshot = self.snapshots(connection, &[item]).await?.pop();
        snapshot.ok_or_else(|| unavailable("it answered nothing to a new work item"))
    }

    async fn add_comment(
        &self,
        connection: &TrackerConnection,
        azure_project: &AzureProjectId,
        number: WorkItemNumber,
        text: &str,
    ) -> Result<(), TrackerError> {
        let path = format!("{}/_apis/wit/workItems/{number}/comments", azure_project.as_str());
        let question = Question::post(Operation::AddComment, &path, json!({"text": write::html(text)}));
        let _: json::Loose = whole(Operation::AddComment, self.ask(connection, question).await?)?;
        Ok(())
    }

    async fn has_comment(
        &self,
        connection: &TrackerConnection,
        azure_project: &AzureProjectId,
        number: WorkItemNumber,
        text: &str,
    ) -> Result<bool, TrackerError> {
        let project = azure_project.as_str();
        let path = format!("{project}/_apis/wit/workItems/{number}/comments?$top={COMMENTS}&order=desc");
        let reply = self.ask(connection, Question::get(Operation::Comments, path)).await?;
        let found: wire::Comments = whole(Operation::Comments, reply)?;
        let texts = found.comments.iter().flatten().filter_map(json::Loose::object);
        Ok(texts.filter_map(|comment| comment.text.text()).any(|said| said.contains(text)))
    }

    async fn workflow(
        &self,
        connection: &TrackerConnection,
        azure_project: &AzureProjectId,
        work_item_type: &str,
    ) -> Result<Option<Workflow>, TrackerError> {
        let kind = utf8_percent_encode(work_item_type, NON_ALPHANUMERIC);
        let path = format!("{}/_apis/wit/workitemtypes/{kind}/states", azure_project.as_str());
        let list: List<wire::State> = match self.ask(connection, Question::get(Operation::Workflow, path)).await? {
            Reply::NoSuchThing => return Ok(None),
            reply => whole(Operation::Workflow, reply)?,
        };
        Ok(Some(Workflow(list.value.iter().filter_map(json::Loose::object).filter_map(workflow_state).collect())))
    }

    async fn find_people(
        &self,
        connection: &TrackerConnection,
        address: &EmailAddress,
    ) -> Result<Vec<Person>, TrackerError> {
        let (of, now) = (connection.installation, self.http.now());
        if let Some(people) = self.directory.remembered(of, address, now) {
            return Ok(people);
        }
        let collection = self.addresses.check(&connection.base_url)?;
        let directory = directory::directory_of(&collection);
        let mut people: Vec<Person> = Vec::new();
        for filter in directory::FILTERS {
            let question = Question::get(Operation::People, directory::search(filter, address));
            let call = self.call(&directory, &connection.credential, question);
            let reply = self.http.send(Call { at: Some((connection.integration, of)), ..call }).await?;
            let list: List<directory::Found> = whole(Operation::People, reply)?;
            for found in list.value.iter().filter_map(json::Loose::object).filter_map(|one| one.with_address(address)) {
                if !people.iter().any(|known| known.is_same(&found)) {
                    people.push(found);
                }
            }
        }
        self.directory.remember(of, address, &people, now);
        Ok(people)
    }

    fn clock_offset_micros(&self, integration: IntegrationId) -> Option<i64> {
        self.http.clock_offset_micros(integration)
    }
}

/// A good answer, read.
pub(crate) fn whole<T: DeserializeOwned>(operation: Operation, reply: Reply) -> Result<T, TrackerError> {
    match reply {
        Reply::Body(body) => understood(&body),
        Reply::NoSuchThing => Err(TrackerError::NotFound { what: operation.thing() }),
        Reply::NoSuchProject => Err(TrackerError::NotFound { what: "project" }),
        Reply::NoSuchPlace => Err(nowhere()),
    }
}

/// A collection that answered once is out of reach, not gone: it may be stopped, moved, or behind something
/// that answers in its place.
fn nowhere() -> TrackerError {
    unavailable("no collection answers at its address; it may be stopped for servicing, moved or deleted")
}

fn understood<T: DeserializeOwned>(body: &[u8]) -> Result<T, TrackerError> {
    json::read(body).map_err(|error| unavailable(format!("its answer is {error}")))
}

/// A work item that lacks what a snapshot needs fails the read: left out, it would count as deleted.
fn built(at: &TrackerConnection, item: &WorkItem, project: Option<AzureProjectId>) -> Result<Snapshot, TrackerError> {
    let number = item.id.integer().and_then(WorkItemNumber::from_wire);
    let number = number.ok_or_else(|| unavailable("it answered a work item without a number"))?;
    let beside = Beside { azure_project: project, base_url: Some(&at.base_url), ..Beside::default() };
    match snapshot::snapshot(number, item, beside) {
        Ok(Some(snapshot)) => Ok(snapshot),
        Ok(None) => Err(unavailable(format!("work item {number} came without its fields"))),
        Err(error) => Err(unavailable(format!("work item {number} cannot be read: {error}"))),
    }
}

/// A category that we do not know leaves the state without a meaning.
fn workflow_state(state: &wire::State) -> Option<WorkflowState> {
    let category = StateCategory::from_stored(state.category.text()?)?;
    Some(WorkflowState { name: tamed(state.name.text()?, Snapshot::MAX_WORD), category })
}

fn remote_project(project: &Project) -> Option<RemoteProject> {
    let id = AzureProjectId::parse(project.id.text()?)?;
    let name = Name::parse(&tamed(project.name.text()?, Name::MAX)).ok()?;
    Some(RemoteProject { id, name })
}
