//! A whole instance in memory, Azure DevOps and Discord played by mocks, and a client for its router.

use crate::{ApiState, InteractionLimits, InteractionWebhook, Lifecycle, WebhookLimits, Webhooks, router};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use handoff_domain::hook::{EventType, HookStatus};
use handoff_domain::id::{OrganizationId, WorkItemNumber};
use handoff_domain::interaction::Reply;
use handoff_domain::organization::{ChannelId, GuildId};
use handoff_domain::port::tracker::{Classified, RemoteCollection, RemoteProject, RemoteSubscription};
use handoff_domain::port::{
    ChannelDescription, ChatInbound, InboundHeaders, InboundRefusal, Inbox, Reader, Received, TrackerError,
};
use handoff_domain::service::Assignments;
use handoff_domain::service::access_codes::AccessCodes;
use handoff_domain::service::create_subscription::Subscriptions;
use handoff_domain::service::delete_project::DeleteProject;
use handoff_domain::service::essentials::Essentials;
use handoff_domain::service::groups::Groups;
use handoff_domain::service::guilds::Guilds;
use handoff_domain::service::import_people::ImportPeople;
use handoff_domain::service::installations::Installations;
use handoff_domain::service::interactions::Interactions;
use handoff_domain::service::link_work_item::LinkWorkItem;
use handoff_domain::service::mappings::Mappings;
use handoff_domain::service::organizations::Organizations;
use handoff_domain::service::post::Post;
use handoff_domain::service::projects::Projects;
use handoff_domain::service::prove_public_url::ProvePublicUrl;
use handoff_domain::service::replay::Replay;
use handoff_domain::service::routes::Routes;
use handoff_domain::service::save_project::SaveProject;
use handoff_domain::service::teams::Teams;
use handoff_domain::service::tokens::Tokens;
use handoff_domain::service::tracking_rules::TrackingRules;
use handoff_domain::service::users::Users;
use handoff_domain::testing::{
    ContextBox, EchoAddress, FixedClock, MemoryCache, MemoryStore, MockChatMessenger, MockTrackerInbound,
    MockWorkItemTracker, SequentialEntropy, SilentWake,
};
use handoff_domain::text::Name;
use handoff_domain::time::Timestamp;
use handoff_domain::work_item::{AzureProjectId, Snapshot};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tower::ServiceExt;

pub(super) const COLLECTION: &str = "22222222-2222-2222-2222-222222222222";
pub(super) const AZURE_PROJECT: &str = "11111111-1111-1111-1111-111111111111";
pub(super) const GUILD: u64 = 1_100_000_000_000_000_001;
/// A channel that only some read.
pub(super) const QUIET: u64 = 1_100_000_000_000_000_010;
/// A channel that everyone reads.
pub(super) const LOUD: u64 = 1_100_000_000_000_000_011;
/// A channel that the bot may not write to.
pub(super) const SHUT: u64 = 1_100_000_000_000_000_012;
/// A channel of a guild that nobody added.
pub(super) const FOREIGN: u64 = 1_100_000_000_000_000_013;

pub(super) struct World {
    pub(super) state: Arc<ApiState>,
    pub(super) store: MemoryStore,
    pub(super) router: Router,
    /// A token of the instance.
    pub(super) token: String,
    /// Address and password of each hook that Azure DevOps was asked for.
    pub(super) hooks: Arc<Mutex<Vec<(String, String)>>>,
}

/// An answer, read.
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) json: Value,
}

impl Answered {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with(None, WebhookLimits::default()).await
    }

    /// With an inbox other than the store's, and other limits.
    pub(super) async fn with(inbox: Option<Arc<dyn Inbox>>, limits: WebhookLimits) -> Self {
        let store = MemoryStore::new();
        let hooks = Arc::new(Mutex::new(Vec::new()));
        let state = state(&store, inbox, limits, &hooks);
        let (_, secret) = state.tokens.create(Name::parse("tests").unwrap(), None, None).await.unwrap();
        let token = secret.expose().to_owned();
        Self { router: router(state.clone()), state, store, token, hooks }
    }

    /// A token that is good for one organization.
    pub(super) async fn token_of(&self, organization: i64) -> String {
        let name = Name::parse("bound").unwrap();
        let of = Some(OrganizationId::new(organization));
        self.state.tokens.create(name, of, None).await.unwrap().1.expose().to_owned()
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Answered {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Answered { status, headers, json: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }

    pub(super) async fn call_as(&self, token: Option<&str>, method: &str, path: &str, body: &Value) -> Answered {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = if body.is_null() {
            Body::empty()
        } else {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        };
        self.send(request.body(body).unwrap()).await
    }

    /// As the instance.
    pub(super) async fn call(&self, method: &str, path: &str, body: Value) -> Answered {
        self.call_as(Some(&self.token), method, &format!("/api/v1{path}"), &body).await
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        let answer = self.call("GET", path, Value::Null).await;
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.json);
        answer.json
    }

    /// Makes something; checks that it can be read where the answer says it is.
    pub(super) async fn make(&self, path: &str, body: Value) -> Value {
        let answer = self.call("POST", path, body).await;
        assert_eq!(answer.status, 201, "POST {path}: {}", answer.json);
        let location = answer.header("location");
        assert!(location.starts_with("/api/v1/organizations/"), "POST {path}");
        let read = self.call_as(Some(&self.token), "GET", location, &Value::Null).await;
        assert_eq!(read.status, 200, "POST {path} says {location}: {}", read.json);
        answer.json
    }

    /// An organization with Ada in the team of a project, and a group in it.
    pub(super) async fn furnished(&self, name: &str) -> Furnished {
        let organization = self.make("/organizations", json!({"name": name})).await["id"].as_i64().unwrap();
        let at = format!("/organizations/{organization}");
        let email = format!("ada@{name}.example.org");
        let ada = json!({"name": "Ada Lovelace", "emails": [{"address": email, "verified": true}]});
        let user = self.make(&format!("{at}/users"), ada).await["id"].as_i64().unwrap();
        let team = self.make(&format!("{at}/teams"), json!({"name": "Engines"})).await["id"].as_i64().unwrap();
        let put = self.call("PUT", &format!("{at}/teams/{team}/members/{user}"), Value::Null).await;
        assert_eq!(put.status, 204);
        let project = self.make(&format!("{at}/projects"), json!({"name": "Mill", "teams": [team]})).await;
        let project = project["id"].as_i64().unwrap();
        let group = self.make(&format!("{at}/projects/{project}/groups"), json!({"title": "It stops"})).await;
        let group = group["id"].as_str().unwrap().to_owned();
        Furnished { organization, at, user, team, project, group }
    }

    /// Installs the collection and connects its project; returns the installation.
    pub(super) async fn connected(&self, at: &str) -> Value {
        let made = json!({"base_url": "https://dev.azure.com/contoso", "credential": "pat-1234567890"});
        let installation = self.make(&format!("{at}/installations"), made).await;
        let id = installation["id"].as_str().unwrap();
        self.make(&format!("{at}/installations/{id}/projects"), json!({"azure_project": AZURE_PROJECT})).await;
        installation
    }
}

pub(super) struct Furnished {
    pub(super) organization: i64,
    /// `/organizations/7`
    pub(super) at: String,
    pub(super) user: i64,
    pub(super) team: i64,
    pub(super) project: i64,
    pub(super) group: String,
}

fn state(
    store: &MemoryStore,
    inbox: Option<Arc<dyn Inbox>>,
    limits: WebhookLimits,
    hooks: &Arc<Mutex<Vec<(String, String)>>>,
) -> Arc<ApiState> {
    let shared = Arc::new(store.clone());
    let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(1_800_000_000)));
    let entropy = Arc::new(SequentialEntropy::default());
    let (wake, secrets) = (Arc::new(SilentWake), Arc::new(ContextBox));
    let cache = Arc::new(MemoryCache::new(clock.clone()));
    let tracker = Arc::new(tracker(hooks.clone()));
    let chat = Arc::new(chat());
    let reader: Arc<dyn Reader> = shared.clone();
    let base = Essentials {
        store: shared.clone(),
        reader: reader.clone(),
        wake: wake.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        snowflakes: None,
    };
    let assignments = Assignments {
        store: shared.clone(),
        cache: cache.clone(),
        debounce: cache.clone(),
        wake: wake.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
    };
    let subscriptions = Subscriptions {
        store: shared.clone(),
        reader: reader.clone(),
        tracker: tracker.clone(),
        secrets: secrets.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        public_url: Some("https://handoff.example.org".to_owned()),
    };
    let proof = ProvePublicUrl {
        address: Arc::new(EchoAddress { secrets: secrets.clone() }),
        secrets: secrets.clone(),
        entropy: entropy.clone(),
        public_url: Some("https://handoff.example.org".to_owned()),
    };
    let interactions = InteractionWebhook::new(
        Arc::new(OnlyPings),
        Interactions { assignments: assignments.clone(), reader: reader.clone(), chat: chat.clone() },
        InteractionLimits { answer: Duration::from_millis(500), body: 192 * 1024, memory: 256 * 1024 },
    );
    let inbox = inbox.unwrap_or_else(|| shared.clone());
    let post = Post::new(
        reader.clone(),
        inbox,
        Arc::new(inbound()),
        secrets.clone(),
        wake.clone(),
        clock.clone(),
        entropy.clone(),
    );
    let save = Arc::new(SaveProject::new(shared.clone(), clock.clone(), entropy.clone(), None));
    Arc::new(ApiState {
        lifecycle: Lifecycle::new(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        reader: reader.clone(),
        webhooks: Webhooks::new(Arc::new(post), limits),
        interactions: Some(interactions),
        access_codes: AccessCodes { base: base.clone() },
        tokens: Tokens { base: base.clone() },
        organizations: Organizations { base: base.clone() },
        users: Users { base: base.clone() },
        teams: Teams { base: base.clone() },
        projects: Projects { base: base.clone(), save },
        delete_project: DeleteProject {
            store: shared.clone(),
            reader: reader.clone(),
            cache: cache.clone(),
            debounce: cache,
            wake,
            clock,
            entropy,
        },
        groups: Groups { assignments: assignments.clone() },
        links: LinkWorkItem { assignments, reader, secrets: secrets.clone(), tracker: tracker.clone() },
        import_people: ImportPeople { base: base.clone(), tracker: tracker.clone(), secrets: secrets.clone() },
        tracking_rules: TrackingRules { base: base.clone() },
        installations: Installations { base: base.clone(), tracker, secrets, subscriptions, proof },
        mappings: Mappings { base: base.clone() },
        guilds: Guilds { base: base.clone(), chat: chat.clone() },
        routes: Routes { base: base.clone(), chat },
        replay: Replay { base, outbox: shared },
    })
}

fn tracker(hooks: Arc<Mutex<Vec<(String, String)>>>) -> MockWorkItemTracker {
    let mut tracker = MockWorkItemTracker::new();
    tracker.expect_collection().returning(|base_url, credential| {
        if credential.to_stored().expose() == "wrong" {
            return Err(TrackerError::Unauthorized);
        }
        Ok(RemoteCollection {
            id: COLLECTION.to_owned(),
            name: Name::parse("contoso").unwrap(),
            base_url: format!("{base_url}/"),
        })
    });
    let id = || AzureProjectId::parse(AZURE_PROJECT).unwrap();
    tracker
        .expect_projects()
        .returning(move |_| Ok(vec![RemoteProject { id: id(), name: Name::parse("Board").unwrap() }]));
    tracker.expect_teams().returning(|_, _| Ok(Vec::new()));
    tracker.expect_find_subscriptions().returning(|_, _| Ok(Vec::new()));
    tracker.expect_create_subscription().returning(move |_, new| {
        let mut hooks = hooks.lock().unwrap();
        hooks.push((new.url.clone(), new.secret.expose().to_owned()));
        let (id, url) = (format!("s{}", hooks.len()), Some(new.url.clone()));
        Ok(RemoteSubscription { id, status: HookStatus::Enabled, url })
    });
    tracker.expect_clock_offset_micros().return_const(None);
    tracker.expect_work_item().returning(|_, number| Ok((number.get() < 1000).then(|| snapshot(number))));
    tracker
}

fn snapshot(number: WorkItemNumber) -> Snapshot {
    Snapshot {
        number,
        revision: handoff_domain::id::Revision::new(1),
        azure_project: AzureProjectId::parse(AZURE_PROJECT),
        title: "The mill stops".to_owned(),
        work_item_type: "Bug".to_owned(),
        state: "New".to_owned(),
        assignee: handoff_domain::person::Person::from_text("Grace Hopper <grace@navy.example>"),
        area_path: None,
        tags: Vec::new(),
        changed_by: None,
        changed_at: None,
        url: None,
    }
}

/// What has a header `signed` may be; it is where the body is `ping` and anything behind it.
struct OnlyPings;

impl ChatInbound for OnlyPings {
    fn may_be_signed(&self, headers: &InboundHeaders) -> bool {
        headers.get("signed").is_some()
    }

    fn receive(&self, _: &InboundHeaders, body: &[u8]) -> Result<Received, InboundRefusal> {
        if body.starts_with(b"ping") { Ok(Received::Ping) } else { Err(InboundRefusal::Unauthorized) }
    }

    fn encode(&self, _: &Reply) -> Vec<u8> {
        b"{}".to_vec()
    }
}

fn chat() -> MockChatMessenger {
    let mut chat = MockChatMessenger::new();
    let guild = || GuildId::new(GUILD).unwrap();
    chat.expect_guild_name().returning(move |id| Ok((id == guild()).then(|| Name::parse("The guild").unwrap())));
    chat.expect_describe_channel().returning(move |channel: ChannelId| {
        let found = [QUIET, LOUD, SHUT, FOREIGN].contains(&channel.get());
        Ok(found.then(|| ChannelDescription {
            guild: if channel.get() == FOREIGN { GuildId::new(GUILD + 1).unwrap() } else { guild() },
            name: "issues".to_owned(),
            unusable: (channel.get() == SHUT).then(|| "the bot may not send messages there".to_owned()),
            no_threads: (channel.get() == LOUD).then(|| "the bot may not begin threads there".to_owned()),
            visible_to_everyone: channel.get() == LOUD,
        }))
    });
    chat
}

/// The password is the header `secret`; a body says in plain words what it is.
fn inbound() -> MockTrackerInbound {
    let mut inbound = MockTrackerInbound::new();
    inbound
        .expect_authenticate()
        .returning(|headers, secret| headers.get("secret") == Some(secret.expose().as_bytes()));
    inbound.expect_classify().returning(|body| match body {
        b"test" => Classified::TestNotification,
        b"unused" => Classified::Unused { event_type: "build.complete".to_owned() },
        b"panic" => panic!("a defect"),
        _ if body.starts_with(b"event") => Classified::Event {
            event_type: EventType::WorkItemUpdated,
            collection_id: Some(if body == b"event elsewhere" { AZURE_PROJECT } else { COLLECTION }.to_owned()),
            azure_project: AzureProjectId::parse(AZURE_PROJECT),
            work_item: WorkItemNumber::from_wire(42),
            update: Some(3),
            event_id: None,
        },
        _ => Classified::Malformed { reason: "not JSON".to_owned() },
    });
    inbound
}
