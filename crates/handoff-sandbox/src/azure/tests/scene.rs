//! The scene that the tests play in: a simulator, a token, a project, and a receiver of hooks.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::azure::{
    AzureOptions, AzureSim, CollectionId, Hosting, IdentityId, NewIdentity, NewWorkItem, PatRights, Process, ProjectId,
    SubscriptionId, WorkItemKey,
};
use crate::client::plain_client;
use crate::clock::SimClock;
use crate::server::{SimServer, stall};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use reqwest::{Client, Method};
use serde_json::{Value, json};

/// 2026-03-01T08:00:00Z.
pub(super) const START_US: i64 = 1_772_352_000_000_000;
pub(super) const TOKEN: &str = "the-token";
pub(super) const PASSWORD: &str = "the-password";

pub(super) struct Scene {
    pub(super) azure: AzureSim,
    pub(super) client: Client,
    pub(super) collection: CollectionId,
    pub(super) project: ProjectId,
    pub(super) ada: IdentityId,
    pub(super) grace: IdentityId,
    pub(super) receiver: Receiver,
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: http::HeaderMap,
    pub(super) body: Value,
}

impl Scene {
    pub(super) async fn new() -> Self {
        Self::with(Hosting::Cloud, |_| {}).await
    }

    pub(super) async fn with(hosting: Hosting, adjust: impl FnOnce(&mut AzureOptions)) -> Self {
        let mut options = AzureOptions::new(SimClock::manual(START_US));
        options.delivery_timeout = Duration::from_millis(300);
        adjust(&mut options);
        let azure = AzureSim::start(options).await.unwrap();
        let collection = azure.add_collection("fabrikam", hosting);
        let project = azure.add_project(collection, "Payments", Process::Agile).unwrap();
        let ada = azure.add_identity(match hosting {
            Hosting::Cloud => NewIdentity::person("Ada Lovelace", "ada@example.org"),
            Hosting::Server => NewIdentity::domain_account("Ada Lovelace", r"FABRIKAM\ada"),
        });
        let grace = azure.add_identity(NewIdentity::person("Grace Hopper", "grace@example.org"));
        azure.set_pat(TOKEN, ada, PatRights::full());
        Self {
            azure,
            client: plain_client().unwrap(),
            collection,
            project,
            ada,
            grace,
            receiver: Receiver::start().await,
        }
    }

    pub(super) fn bug(&self) -> WorkItemKey {
        self.azure.add_work_item(self.project, &NewWorkItem::new("Bug", "It hurts")).unwrap()
    }

    /// A call with the token; `path` below the collection, without `api-version`.
    pub(super) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.call_with(TOKEN, method, path, body).await.unwrap()
    }

    pub(super) async fn call_with(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<Answer> {
        let glue = if path.contains('?') { '&' } else { '?' };
        let version = if path.contains("/comments") || path.contains("/graph/") { "7.1-preview.1" } else { "7.1" };
        let url = format!("{}/fabrikam/{path}{glue}api-version={version}", self.azure.base_url());
        let mut request =
            self.client.request(Method::from_bytes(method.as_bytes()).unwrap(), url).basic_auth("", Some(token));
        if let Some(body) = body {
            let kind = if body.is_array() { "application/json-patch+json" } else { "application/json" };
            request = request.header("content-type", kind).body(body.to_string());
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await?;
        Ok(Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) })
    }

    pub(super) fn subscription_body(&self, event_type: &str) -> Value {
        json!({
            "publisherId": "tfs",
            "eventType": event_type,
            "resourceVersion": "1.0",
            "consumerId": "webHooks",
            "consumerActionId": "httpRequest",
            "publisherInputs": {"projectId": self.project.to_string()},
            "consumerInputs": {
                "url": self.receiver.url(),
                "basicAuthUsername": "handoff",
                "basicAuthPassword": PASSWORD,
                "resourceDetailsToSend": "all",
                "messagesToSend": "none",
                "detailedMessagesToSend": "none",
            },
        })
    }

    pub(super) async fn subscribe(&self, event_type: &str) -> SubscriptionId {
        self.subscribe_as(self.subscription_body(event_type)).await
    }

    pub(super) async fn subscribe_as(&self, body: Value) -> SubscriptionId {
        let answer = self.call("POST", "_apis/hooks/subscriptions", Some(body)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        SubscriptionId(answer.body["id"].as_str().unwrap().parse().unwrap())
    }

    pub(super) async fn wait(&self, seconds: u64) {
        self.azure.advance(Duration::from_secs(seconds)).await;
    }
}

/// A receiver of hooks that remembers what came and answers as told.
pub(super) struct Receiver {
    server: SimServer,
    shared: Arc<Mutex<Received>>,
}

#[derive(Default)]
struct Received {
    bodies: Vec<Value>,
    authorization: Vec<String>,
    /// For the next requests; 200 after them.
    script: VecDeque<u16>,
    standing: Option<u16>,
}

/// In a script: the receiver begins an answer and never ends it.
pub(super) const SILENCE: u16 = 0;

impl Receiver {
    async fn start() -> Self {
        let shared = Arc::new(Mutex::new(Received::default()));
        let router = Router::new().fallback(receive).with_state(Arc::clone(&shared));
        Self { server: SimServer::start(0, router).await.unwrap(), shared }
    }

    pub(super) fn url(&self) -> String {
        format!("{}/hook", self.server.base_url())
    }

    /// Answers the next deliveries like this, then 200 again.
    pub(super) fn answer(&self, statuses: &[u16]) {
        self.shared.lock().unwrap().script.extend(statuses);
    }

    /// Answers every delivery like this.
    pub(super) fn answer_always(&self, status: u16) {
        self.shared.lock().unwrap().standing = Some(status);
    }

    pub(super) fn bodies(&self) -> Vec<Value> {
        self.shared.lock().unwrap().bodies.clone()
    }

    pub(super) fn count(&self) -> usize {
        self.shared.lock().unwrap().bodies.len()
    }

    pub(super) fn last(&self) -> Value {
        self.bodies().last().cloned().unwrap()
    }

    pub(super) fn authorization(&self) -> Vec<String> {
        self.shared.lock().unwrap().authorization.clone()
    }
}

async fn receive(State(shared): State<Arc<Mutex<Received>>>, request: Request) -> Response {
    let authorization = request.headers().get("authorization").cloned();
    let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap();
    let mut received = shared.lock().unwrap();
    received.bodies.push(serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into()));
    received.authorization.push(authorization.map_or_else(String::new, |value| value.to_str().unwrap().to_owned()));
    let status = received.script.pop_front().or(received.standing).unwrap_or(200);
    if status == SILENCE {
        return stall();
    }
    StatusCode::from_u16(status).unwrap().into_response()
}
