//! Where the client may not go, and answers that no Azure DevOps would give.

use super::scene::{START, client_of, connection, local_settings};
use crate::address::AddressPolicy;
use crate::client::{AzureDevOps, AzureSettings};
use crate::http::MAX_ANSWER;
use handoff_domain::id::WorkItemNumber;
use handoff_domain::port::tracker::{InboundHeaders, TrackerConnection, TrackerError, WorkItemTracker};
use handoff_domain::work_item::AzureProjectId;
use handoff_sandbox::clock::SimClock;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The largest request that is read.
const MAX_REQUEST: usize = 1024 * 1024;

type Received = Arc<Mutex<Vec<(InboundHeaders, Vec<u8>)>>>;

/// A server that answers every request alike and remembers what came.
pub(super) struct Canned {
    address: std::net::SocketAddr,
    received: Received,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Canned {
    pub(super) async fn start(status: u16, kind: &str, body: impl Into<String>) -> Self {
        let body = body.into();
        let head = format!("content-type: {kind}\r\ncontent-length: {}\r\n", body.len());
        Self::raw(format!("HTTP/1.1 {status} x\r\n{head}connection: close\r\n\r\n{body}")).await
    }

    /// Answers with these bytes.
    pub(super) async fn raw(answer: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Received::default();
        let answer = Arc::new(answer);
        let serving = tokio::spawn({
            let received = Arc::clone(&received);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, Arc::clone(&answer), Arc::clone(&received)));
                }
            }
        });
        Self { address, received, serving }
    }

    pub(super) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn last(&self) -> (InboundHeaders, Vec<u8>) {
        self.received.lock().unwrap().last().cloned().unwrap()
    }

    fn count(&self) -> usize {
        self.received.lock().unwrap().len()
    }

    fn connection(&self) -> TrackerConnection {
        connection(format!("{}/fabrikam/", self.base_url()), 1, "the-token")
    }
}

async fn serve(mut stream: TcpStream, answer: Arc<String>, received: Received) {
    let mut bytes = Vec::new();
    let (head, length) = loop {
        let mut chunk = [0_u8; 8192];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(_) if bytes.len() > MAX_REQUEST => return,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
        }
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let length =
            headers(&head).get("content-length").and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
        let length: usize = length.unwrap_or(0);
        if bytes.len() >= end + 4 + length {
            break (head, end + 4);
        }
    };
    received.lock().unwrap().push((headers(&head), bytes.split_off(length)));
    // The caller may hang up in the middle of a long answer.
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

fn headers(head: &str) -> InboundHeaders {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    InboundHeaders(lines.map(|(name, value)| (name.to_lowercase(), value.as_bytes().to_vec())).collect())
}

fn local_client() -> AzureDevOps {
    client_of(local_settings(), &SimClock::manual(START.as_micros()))
}

fn strict_client(policy: AddressPolicy) -> AzureDevOps {
    let settings = AzureSettings { addresses: policy, ..AzureSettings::default() };
    client_of(settings, &SimClock::manual(START.as_micros()))
}

async fn outcome(client: &AzureDevOps, at: &TrackerConnection) -> TrackerError {
    client.work_item(at, WorkItemNumber::new(7)).await.unwrap_err()
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let target = Canned::start(200, "application/json", "{}").await;
    for (status, expected) in [(302, true), (303, true), (301, false), (307, false), (308, false)] {
        let location = format!("HTTP/1.1 {status} x\r\nlocation: {}/\r\ncontent-length: 0\r\n\r\n", target.base_url());
        let server = Canned::raw(location).await;
        let error = outcome(&local_client(), &server.connection()).await;
        assert_eq!(error == TrackerError::Unauthorized, expected, "{status}: {error:?}");
        assert_eq!(matches!(error, TrackerError::Rejected { .. }), !expected, "{status}: {error:?}");
    }
    assert_eq!(target.count(), 0);
}

#[tokio::test]
async fn an_answer_past_the_limit_is_not_read_to_its_end() {
    let server = Canned::start(200, "application/json", " ".repeat(MAX_ANSWER + 1)).await;
    let error = outcome(&local_client(), &server.connection()).await;
    assert!(matches!(error, TrackerError::Unavailable { reason } if reason.contains("larger")));
}

#[tokio::test]
async fn an_answer_of_another_shape_is_an_outage_and_nothing_is_taken_for_deleted() {
    for body in [
        "",
        "not json",
        "[]",
        "{}",
        r#"{"id":8,"rev":1,"fields":{}}"#,
        r#"{"id":7,"rev":1}"#,
        r#"{"id":7,"rev":"1","fields":{"System.Title":"a","System.State":"b","System.WorkItemType":"c"}}"#,
        r#"{"id":7,"rev":1,"fields":{"System.Title":5,"System.State":"b","System.WorkItemType":"c"}}"#,
    ] {
        let server = Canned::start(200, "application/json", body).await;
        let error = outcome(&local_client(), &server.connection()).await;
        assert!(matches!(error, TrackerError::Unavailable { .. }), "{body}: {error:?}");
        let all = local_client().work_items(&server.connection(), &[WorkItemNumber::new(7)]).await;
        assert!(matches!(all, Err(TrackerError::Unavailable { .. })), "{body}: {all:?}");
    }
}

#[tokio::test]
async fn a_collection_that_is_stopped_takes_nothing_and_loses_nothing() {
    let project = AzureProjectId::parse("8d3c2e1a-7c55-4f1e-b1d4-3a0f6f2f1b02").unwrap();
    let (client, number, subscription) = (local_client(), WorkItemNumber::new(7), uuid::Uuid::nil().to_string());
    for (kind, body) in [
        ("text/html", "<html>Service unavailable</html>"),
        ("application/json", ""),
        ("application/json", "not json"),
        ("application/json", r#"{"typeKey":"HostShutdownException"}"#),
        ("application/json", r#"{"typeKey":"HostDoesNotExistException"}"#),
    ] {
        let server = Canned::start(404, kind, body).await;
        let at = server.connection();
        let said = client.add_comment(&at, &project, number, "hello").await;
        let deleted = client.delete_subscription(&at, &subscription).await;
        let read = client.work_item(&at, number).await.map(|_| ());
        for error in [said, deleted, read].map(Result::unwrap_err) {
            assert!(error.is_transient(), "{body}: {error:?}");
        }
    }
}

#[tokio::test]
async fn what_azure_devops_itself_says_is_not_there_is_not_there() {
    let project = AzureProjectId::parse("8d3c2e1a-7c55-4f1e-b1d4-3a0f6f2f1b02").unwrap();
    let (client, number, subscription) = (local_client(), WorkItemNumber::new(7), uuid::Uuid::nil().to_string());
    for (body, what) in [
        (r#"{"typeKey":"WorkItemUnauthorizedAccessException"}"#, "work item"),
        (r#"{"typeKey":"ProjectDoesNotExistException"}"#, "project"),
    ] {
        let server = Canned::start(404, "application/json", body).await;
        let at = server.connection();
        let said = client.add_comment(&at, &project, number, "hello").await;
        assert_eq!(said, Err(TrackerError::NotFound { what }));
        assert_eq!(client.delete_subscription(&at, &subscription).await, Ok(()));
    }
}

#[tokio::test]
async fn half_a_character_in_a_title_is_read() {
    let body = r#"{"id":7,"rev":1,"fields":{"System.Title":"\ud800x","System.State":"b","System.WorkItemType":"c"}}"#;
    let server = Canned::start(200, "application/json", body).await;
    let seen = local_client().work_item(&server.connection(), WorkItemNumber::new(7)).await.unwrap().unwrap();
    assert_eq!((seen.title.as_str(), seen.azure_project), ("\u{FFFD}x", None));
    assert_eq!(seen.url, Some(format!("{}/fabrikam/_workitems/edit/7", server.base_url())));
}

#[tokio::test]
async fn a_project_that_is_only_named_is_looked_up_once() {
    let fields = r#"{"System.Title":"a","System.State":"b","System.WorkItemType":"c","System.TeamProject":"My Own"}"#;
    let project = "8d3c2e1a-7c55-4f1e-b1d4-3a0f6f2f1b02";
    // One answer that is both a list of work items and a project.
    let body = format!(
        r#"{{"id":"{project}","value":[{{"id":7,"rev":1,"fields":{fields}}},{{"id":8,"rev":1,"fields":{fields}}},null]}}"#
    );
    let server = Canned::start(200, "application/json", body).await;
    let numbers = [7, 8, 9].map(WorkItemNumber::new);
    let seen = local_client().work_items(&server.connection(), &numbers).await.unwrap();
    let projects: Vec<_> = seen.iter().map(|one| one.azure_project.as_ref().map(|project| project.as_str())).collect();
    assert_eq!(projects, [Some(project), Some(project)]);
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn a_private_address_is_refused_when_it_is_written_and_when_a_name_leads_to_it() {
    let server = Canned::start(200, "application/json", "{}").await;
    let port = server.address.port();
    let policy = AddressPolicy {
        allowed_hosts: vec!["127.0.0.1".to_owned(), "localhost".to_owned()],
        allow_private_addresses: false,
        allow_http: true,
    };
    for host in ["127.0.0.1", "localhost"] {
        let at = connection(format!("http://{host}:{port}/fabrikam/"), 1, "the-token");
        match outcome(&strict_client(policy.clone()), &at).await {
            TrackerError::UnsafeAddress { reason } => {
                assert!(reason.contains("azure.allow_private_addresses"), "{host}: {reason}");
            }
            other => panic!("{host}: {other:?}"),
        }
    }
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn an_address_outside_the_rules_is_refused_at_every_call() {
    let client = strict_client(AddressPolicy::default());
    for base_url in ["http://dev.azure.com/contoso/", "https://evil.example/contoso/", "https://dev.azure.com/"] {
        let error = outcome(&client, &connection(base_url, 1, "the-token")).await;
        assert!(matches!(error, TrackerError::UnsafeAddress { .. }), "{base_url}: {error:?}");
    }
}

#[tokio::test]
async fn nobody_at_home_is_an_outage_that_names_the_host_and_no_secret() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let at = connection(format!("http://{address}/fabrikam/"), 1, "the-token");
    match outcome(&local_client(), &at).await {
        TrackerError::Unavailable { reason } => {
            assert!(reason.contains("no connection to 127.0.0.1") && !reason.contains("the-token"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_token_is_sent_as_password_without_a_name_and_a_sign_in_page_is_declined() {
    let server = Canned::start(404, "application/json", "{}").await;
    assert_eq!(local_client().work_item(&server.connection(), WorkItemNumber::new(7)).await, Ok(None));
    let (headers, _) = server.last();
    assert_eq!(headers.get("authorization"), Some(b"Basic OnRoZS10b2tlbg==".as_slice()));
    assert_eq!(headers.get("x-tfs-fedauthredirect"), Some(b"Suppress".as_slice()));
}
