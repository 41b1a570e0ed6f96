//! What is kept when the program stops, and what is never made anew.

use super::program::{Program, Serving, contoso};
use handoff_sandbox::azure::{AzureOptions, AzureSim, Hosting, NewIdentity, PatRights, Process};
use handoff_sandbox::clock::SimClock;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::task::JoinSet;

/// Deliveries under way at a time.
const AT_ONCE: usize = 16;
/// Deliveries answered before the program is asked to stop.
const BEFORE_STOPPING: usize = 200;

/// A collection with a project, for a program that may call it.
struct Collection {
    azure: AzureSim,
    url: String,
    id: String,
    project: String,
}

impl Collection {
    async fn new() -> Self {
        let azure = AzureSim::start(AzureOptions::new(SimClock::real())).await.unwrap();
        let collection = azure.add_collection("contoso", Hosting::Cloud);
        let project = azure.add_project(collection, "Backend", Process::Agile).unwrap();
        let ada = azure.add_identity(NewIdentity::person("Ada", "ada@contoso.example"));
        azure.set_pat("pat", ada, PatRights::full());
        let url = azure.collection_url(collection).unwrap();
        Self { url, id: collection.to_string(), project: project.to_string(), azure }
    }

    fn program(&self) -> Program {
        Program::new()
            .with("HANDOFF_AZURE__ALLOWED_HOSTS", &self.azure.addr().to_string())
            .with("HANDOFF_AZURE__ALLOW_HTTP", "true")
            .reachable()
            .with("HANDOFF_AZURE__ALLOW_PRIVATE_ADDRESSES", "true")
    }

    /// Installs the collection and connects its project: address and password of the hook of updates.
    async fn connect(&self, serving: &Serving, token: &Value) -> (String, String) {
        serving.make(token, "/organizations", contoso()).await;
        let installation = json!({"base_url": self.url, "credential": "pat"});
        let installation = serving.make(token, "/organizations/contoso/installations", installation).await;
        let id = installation["id"].as_str().unwrap();
        let path = format!("/organizations/contoso/installations/{id}/projects");
        serving.make(token, &path, json!({"azure_project": self.project})).await;
        let held = self.azure.subscriptions();
        let updates = held.iter().find(|one| one.event_type == "workitem.updated").unwrap();
        let input = |name: &str| updates.consumer_inputs[name].clone();
        (input("url"), input("basicAuthPassword"))
    }

    fn event(&self, work_item: i64) -> Value {
        json!({
            "id": "80aec560-7512-4a54-86ae-d48cb4a0fd63",
            "eventType": "workitem.updated",
            "resource": {"id": 1, "workItemId": work_item, "rev": 2, "revision": {"rev": 2, "fields": {}}},
            "resourceContainers": {"collection": {"id": self.id}, "project": {"id": self.project}},
        })
    }
}

/// Posts one delivery after another, each of another work item, until nobody listens any more. Returns those
/// that were answered 200; any other answer but 503 is wrong.
async fn deliver(
    client: Client,
    collection: Arc<Collection>,
    hook: (String, String),
    next: Arc<AtomicI64>,
    answered: Arc<Mutex<BTreeSet<i64>>>,
) {
    loop {
        let number = next.fetch_add(1, Ordering::SeqCst);
        let request = client.post(&hook.0).basic_auth("handoff", Some(&hook.1)).json(&collection.event(number));
        match request.send().await.map(|answer| answer.status()) {
            Ok(StatusCode::OK) => drop(answered.lock().unwrap().insert(number)),
            Ok(StatusCode::SERVICE_UNAVAILABLE) => {}
            Ok(other) => panic!("a delivery was answered {other}"),
            Err(_) => return,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_was_answered_200_outlives_the_stop_in_the_midst_of_a_load() {
    let collection = Arc::new(Collection::new().await);
    let program = collection.program();
    let token = program.token(&[]);
    let serving = program.serve();
    let hook = collection.connect(&serving, &token).await;
    let (next, answered) = (Arc::new(AtomicI64::new(1000)), Arc::new(Mutex::new(BTreeSet::new())));
    let mut senders = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (client, hook) = (serving.client.clone(), hook.clone());
        senders.spawn(deliver(client, collection.clone(), hook, next.clone(), answered.clone()));
    }
    while answered.lock().unwrap().len() < BEFORE_STOPPING {
        tokio::task::yield_now().await;
    }
    serving.signal("-TERM");
    senders.join_all().await;
    let ended = serving.wait();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let stored = stored_work_items(&program.serve(), &token).await;
    let answered = answered.lock().unwrap();
    let lost: Vec<&i64> = answered.difference(&stored).collect();
    assert!(lost.is_empty(), "of {} answered 200, lost: {lost:?}", answered.len());
}

async fn stored_work_items(serving: &Serving, token: &Value) -> BTreeSet<i64> {
    let mut path = format!("{}/api/v1/organizations/contoso/deliveries?limit=100", serving.url);
    let mut stored = BTreeSet::new();
    loop {
        let request = serving.client.get(&path).bearer_auth(token["token"].as_str().unwrap());
        let answer = request.send().await.unwrap();
        let link = answer.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        let page: Value = answer.json().await.unwrap();
        stored.extend(page["items"].as_array().unwrap().iter().filter_map(|one| one["work_item"].as_i64()));
        let Some(link) = link else { return stored };
        path = format!("{}{}", serving.url, link.split(['<', '>']).nth(1).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_signal_waits_for_a_request_under_way_and_a_second_does_not() {
    let program = Program::new();
    let token = program.token(&[]);
    let serving = program.serve();
    let mut stream = TcpStream::connect(serving.url.trim_start_matches("http://")).unwrap();
    let head = format!(
        "POST /api/v1/organizations HTTP/1.1\r\nhost: handoff\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{",
        token["token"].as_str().unwrap()
    );
    stream.write_all(head.as_bytes()).unwrap();
    serving.get(&token, "/organizations").await;
    serving.signal("-TERM");
    while serving.client.get(format!("{}/healthz", serving.url)).send().await.is_ok() {
        tokio::task::yield_now().await;
    }
    serving.signal("-INT");
    let ended = serving.wait();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("second signal"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_key_is_not_made_anew_where_secrets_were_sealed_with_it() {
    let collection = Collection::new().await;
    let program = collection.program();
    let token = program.token(&[]);
    let serving = program.serve();
    collection.connect(&serving, &token).await;
    assert_eq!(serving.stop().code, Some(0));
    let key = program.file("data/handoff.key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    let ended = program.run(&["serve"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("restore it from a backup") && !key.exists(), "{}", ended.stderr);
    std::fs::write(&key, kept).unwrap();
    assert_eq!(program.run(&["serve"]).code, Some(2), "others may read it");
}
