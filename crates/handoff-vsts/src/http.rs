//! Sending: bounded in time and size, without redirects, and the classes that answers fall into.

use crate::address::{AddressPolicy, CollectionAddress, GuardedResolver, RefusedIp};
use crate::entra::Entra;
use crate::json;
use crate::operation::Operation;
use crate::pace::{Pace, asked_wait, date_of};
use crate::wire::Refusal;
use handoff_domain::credential::Credential;
use handoff_domain::id::{InstallationId, IntegrationId};
use handoff_domain::port::Clock;
use handoff_domain::port::tracker::TrackerError;
use handoff_domain::secret::Secret;
use handoff_domain::text::tamed;
use handoff_domain::time::Timestamp;
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Method, StatusCode};
use reqwest::redirect::Policy;
use serde_json::Value;
use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tracing::Instrument as _;

/// The largest answer read, in bytes. Two hundred work items with the fields that we ask for are far
/// below it.
pub(crate) const MAX_ANSWER: usize = 8 * 1024 * 1024;
/// Longest reason kept of a refusal, in characters.
pub(crate) const MAX_REASON: usize = 300;
/// Longest cause kept of a failure to reach it, in characters.
const MAX_CAUSE: usize = 160;
/// Collections whose clocks are remembered; past this they are learned afresh.
const MAX_SKEWS: usize = 10_000;
const USER_AGENT: &str = concat!("handoff/", env!("CARGO_PKG_VERSION"));

/// 404s with these exceptions are about the collection or the path, not about the thing asked for.
const NO_SUCH_PLACE: [&str; 3] =
    ["HostDoesNotExistException", "CollectionDoesNotExistException", "VssResourceNotFoundException"];
/// 404s with these are about the project that the path leads through.
const NO_SUCH_PROJECT: [&str; 2] = ["ProjectDoesNotExistException", "ProjectDoesNotExistWithNameException"];
/// A 404 with this is a collection that is there, and stopped for servicing.
const STOPPED: &str = "HostShutdownException";

/// The client could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The process has no TLS provider; the binary installs one before anything else.
    #[error("no TLS provider is installed in this process")]
    NoTlsProvider,
    /// The HTTP client refused its settings, or found no root certificates.
    #[error("the HTTP client could not be made")]
    Client(#[source] reqwest::Error),
}

/// One call.
pub(crate) struct Call<'a> {
    pub(crate) operation: Operation,
    pub(crate) method: Method,
    pub(crate) address: &'a CollectionAddress,
    /// Below the collection's address, with the query.
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    pub(crate) credential: &'a Credential,
    /// Whose pace and clock it is; nobody's before there is an installation.
    pub(crate) at: Option<(IntegrationId, InstallationId)>,
}

/// What came back, as far as it is not an error of its own.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// A good answer; empty for 204.
    Body(Vec<u8>),
    /// There is no such thing.
    NoSuchThing,
    /// There is no such project, as Azure DevOps itself says.
    NoSuchProject,
    /// Nothing is known about the thing: no such collection or path, or what answers is not Azure DevOps.
    NoSuchPlace,
}

/// How a call is signed in.
#[derive(Clone, Copy)]
enum SignIn<'a> {
    /// A personal access token.
    Basic(&'a Secret),
    /// An access token of Entra.
    Bearer(&'a Secret),
}

/// An answer before it is classified.
struct Heard {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Heard {
    /// Whether it is one of the answers to a token that is not good.
    fn is_refusal(&self) -> bool {
        matches!(self.status.as_u16(), 203 | 302 | 303 | 401)
    }
}

/// Sends calls.
pub(crate) struct Http {
    entra: Entra,
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
    call_timeout: Duration,
    pace: Pace,
    /// How far our clock is ahead, in microseconds.
    skews: Mutex<HashMap<IntegrationId, i64>>,
}

impl Http {
    pub(crate) fn new(
        policy: &AddressPolicy,
        sign_in_url: &str,
        connect_timeout: Duration,
        call_timeout: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SetupError> {
        // Without one, reqwest panics while it builds a client.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(SetupError::NoTlsProvider);
        }
        let client = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(GuardedResolver { allow_private: policy.allow_private_addresses }))
            .connect_timeout(connect_timeout)
            .timeout(call_timeout)
            .build()
            .map_err(SetupError::Client)?;
        let entra = Entra::new(client.clone(), sign_in_url, policy, clock.clone());
        Ok(Self { entra, client, clock, call_timeout, pace: Pace::default(), skews: Mutex::default() })
    }

    pub(crate) fn clock_offset_micros(&self, integration: IntegrationId) -> Option<i64> {
        self.skews.lock().unwrap_or_else(PoisonError::into_inner).get(&integration).copied()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Sends a call when its installation may, and classifies the answer.
    ///
    /// # Errors
    /// [`TrackerError`].
    pub(crate) async fn send(&self, call: Call<'_>) -> Result<Reply, TrackerError> {
        let span = tracing::debug_span!("azure_devops", operation = call.operation.name());
        let sent = async {
            let Some((integration, installation)) = call.at else {
                return self
                    .exchange(&call, None)
                    .await
                    .and_then(|heard| classified(call.operation, heard, self.clock.now()));
            };
            let lane = self.pace.lane(installation);
            let _turn = lane.enter(call.credential, self.clock.as_ref(), self.call_timeout).await?;
            let heard = self.exchange(&call, Some(integration)).await.inspect_err(|error| {
                if matches!(error, TrackerError::NotSignedIn { .. }) {
                    lane.learn(Some(error), None, call.credential, self.clock.now());
                }
            })?;
            let now = self.clock.now();
            let wait = asked_wait(&heard.headers, now);
            let reply = classified(call.operation, heard, now);
            lane.learn(reply.as_ref().err(), wait, call.credential, now);
            reply
        };
        sent.instrument(span).await
    }

    /// Sends a call signed in. An access token that is refused is fetched anew, once.
    async fn exchange(&self, call: &Call<'_>, integration: Option<IntegrationId>) -> Result<Heard, TrackerError> {
        let principal = match call.credential {
            Credential::Token(token) => return self.send_as(call, integration, SignIn::Basic(token)).await,
            Credential::ServicePrincipal(principal) => principal,
        };
        let token = self.entra.token(principal, None).await?;
        let heard = self.send_as(call, integration, SignIn::Bearer(&token)).await?;
        if !heard.is_refusal() {
            return Ok(heard);
        }
        let another = self.entra.token(principal, Some(&token)).await?;
        self.send_as(call, integration, SignIn::Bearer(&another)).await
    }

    async fn send_as(
        &self,
        call: &Call<'_>,
        integration: Option<IntegrationId>,
        sign_in: SignIn<'_>,
    ) -> Result<Heard, TrackerError> {
        let url = format!("{}{}", call.address.url, call.path);
        let mut request = self
            .client
            .request(call.method.clone(), url)
            .header(ACCEPT, "application/json")
            // Asks for 401 in the place of a redirect to the sign-in page.
            .header("x-tfs-fedauthredirect", "Suppress");
        request = match sign_in {
            SignIn::Basic(token) => request.basic_auth("", Some(token.expose())),
            SignIn::Bearer(token) => request.bearer_auth(token.expose()),
        };
        if let Some(body) = &call.body {
            // Said first: a media type that is there is left as it is.
            request = request.header(CONTENT_TYPE, call.operation.media_type()).json(body);
        }
        let sent_at = self.clock.now();
        let mut response = request.send().await.map_err(|error| self.failure(&error, &call.address.host))?;
        let (status, headers) = (response.status(), response.headers().clone());
        if let (Some(integration), Some(theirs)) = (integration, date_of(&headers)) {
            self.learn_skew(integration, sent_at, theirs);
        }
        tracing::debug!(status = status.as_u16(), "Azure DevOps answered");
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failure(&error, &call.address.host))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(unavailable(format!("an answer larger than {MAX_ANSWER} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Heard { status, headers, body })
    }

    /// Their `Date` is compared with the middle of the time that the request took. It is cut to whole
    /// seconds, and so is what we learn from it.
    fn learn_skew(&self, integration: IntegrationId, sent_at: Timestamp, theirs: Timestamp) {
        let (sent, heard) = (sent_at.as_micros(), self.clock.now().as_micros());
        let middle = sent.saturating_add(heard.saturating_sub(sent) / 2);
        let mut skews = self.skews.lock().unwrap_or_else(PoisonError::into_inner);
        if skews.len() >= MAX_SKEWS && !skews.contains_key(&integration) {
            skews.clear();
        }
        skews.insert(integration, middle.saturating_sub(theirs.as_micros()));
    }

    /// Why there was no whole answer. Built from the innermost cause: the outer ones show addresses.
    fn failure(&self, error: &reqwest::Error, host: &str) -> TrackerError {
        if error.is_timeout() {
            return unavailable(format!("no answer from {host} within {} s", self.call_timeout.as_secs()));
        }
        let mut cause: Option<&(dyn Error + 'static)> = error.source();
        let mut innermost = None;
        while let Some(one) = cause {
            if let Some(refused) = one.downcast_ref::<RefusedIp>() {
                return TrackerError::UnsafeAddress { reason: refused.words().to_owned() };
            }
            innermost = Some(one);
            cause = one.source();
        }
        let why = innermost.map(|cause| format!(": {}", tamed(&cause.to_string(), MAX_CAUSE))).unwrap_or_default();
        let what = if error.is_connect() { "no connection to" } else { "the connection broke to" };
        unavailable(format!("{what} {host}{why}"))
    }
}

pub(crate) fn unavailable(reason: impl Into<String>) -> TrackerError {
    TrackerError::Unavailable { reason: reason.into() }
}

/// What an answer means. Bad credentials are answered with 401, 302, 203, or a sign-in page and 200.
fn classified(operation: Operation, heard: Heard, now: Timestamp) -> Result<Reply, TrackerError> {
    let Heard { status, headers, body } = heard;
    let is_html = is_html(&headers, &body);
    match status.as_u16() {
        203 | 302 | 303 | 401 => Err(TrackerError::Unauthorized),
        200..=299 if is_html => Err(TrackerError::Unauthorized),
        200..=299 => Ok(Reply::Body(body)),
        300..=399 => Err(TrackerError::Rejected {
            reason: "it has moved elsewhere; connect with its present address".to_owned(),
        }),
        403 => Err(TrackerError::Forbidden { needed: operation.needed().to_owned() }),
        404 if is_html => Ok(Reply::NoSuchPlace),
        404 => missing(&body),
        429 => Err(TrackerError::Throttled { retry_after: asked_wait(&headers, now) }),
        503 if headers.contains_key(RETRY_AFTER) => {
            Err(TrackerError::Throttled { retry_after: asked_wait(&headers, now) })
        }
        412 => Err(TrackerError::Stale),
        400 | 409 if is_about_the_revision(&body) => Err(TrackerError::Stale),
        408 | 500.. => Err(unavailable(format!("it answered {}", status.as_u16()))),
        _ => Err(TrackerError::Rejected { reason: reason_of(status, &body) }),
    }
}

fn is_html(headers: &HeaderMap, body: &[u8]) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("text/html") || body.trim_ascii_start().first() == Some(&b'<')
}

/// What a 404 is about.
fn missing(body: &[u8]) -> Result<Reply, TrackerError> {
    let Ok(refusal) = json::read::<Refusal>(body) else { return Ok(Reply::NoSuchPlace) };
    match refusal.type_key.text() {
        Some(STOPPED) => Err(unavailable("the collection is stopped for servicing")),
        Some(key) if NO_SUCH_PLACE.contains(&key) => Ok(Reply::NoSuchPlace),
        Some(key) if NO_SUCH_PROJECT.contains(&key) => Ok(Reply::NoSuchProject),
        _ => Ok(Reply::NoSuchThing),
    }
}

/// Some Servers say with 400 or 409 that a work item has another revision than the one that was tested.
fn is_about_the_revision(body: &[u8]) -> bool {
    let refusal: Refusal = json::read(body).unwrap_or_default();
    let key = refusal.type_key.text().is_some_and(|key| key == "WorkItemRevisionMismatchException");
    key || refusal.message.text().is_some_and(|message| message.starts_with("TF26071"))
}

fn reason_of(status: StatusCode, body: &[u8]) -> String {
    let refusal: Refusal = json::read(body).unwrap_or_default();
    match refusal.message.text().map(|message| tamed(message, MAX_REASON)).filter(|message| !message.is_empty()) {
        Some(message) => message,
        None => format!("status {} without a reason", status.as_u16()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Result<Reply, TrackerError> {
        let headers = headers.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect();
        let status = StatusCode::from_u16(status).unwrap();
        classified(
            Operation::WorkItem,
            Heard { status, headers, body: body.as_bytes().to_vec() },
            Timestamp::from_seconds(0),
        )
    }

    #[test]
    fn every_answer_falls_into_a_class() {
        let html = [("content-type", "Text/HTML; charset=utf-8")];
        let unauthorized = || Err(TrackerError::Unauthorized);
        let secs = |n| Some(Duration::from_secs(n));
        for (reply, expected) in [
            (answer(200, &[], "{}"), Ok(Reply::Body(b"{}".to_vec()))),
            (answer(204, &[], ""), Ok(Reply::Body(Vec::new()))),
            (answer(203, &html, "<html>"), unauthorized()),
            (answer(203, &[], "{}"), unauthorized()),
            (answer(200, &html, ""), unauthorized()),
            (answer(200, &[], "\r\n <!DOCTYPE html>"), unauthorized()),
            (answer(302, &[], ""), unauthorized()),
            (answer(401, &[], "{}"), unauthorized()),
            (answer(404, &[], r#"{"typeKey":"WorkItemUnauthorizedAccessException"}"#), Ok(Reply::NoSuchThing)),
            (answer(404, &[], "{}"), Ok(Reply::NoSuchThing)),
            (answer(404, &[], r#"{"typeKey":"HostDoesNotExistException"}"#), Ok(Reply::NoSuchPlace)),
            (
                answer(404, &[], r#"{"typeKey":"HostShutdownException"}"#),
                Err(unavailable("the collection is stopped for servicing")),
            ),
            (answer(404, &[], r#"{"typeKey":"ProjectDoesNotExistException"}"#), Ok(Reply::NoSuchProject)),
            (answer(404, &html, "<html>"), Ok(Reply::NoSuchPlace)),
            (answer(404, &[], ""), Ok(Reply::NoSuchPlace)),
            (answer(429, &[("retry-after", "7")], ""), Err(TrackerError::Throttled { retry_after: secs(7) })),
            (answer(429, &[], ""), Err(TrackerError::Throttled { retry_after: None })),
            (answer(503, &[("retry-after", "7")], ""), Err(TrackerError::Throttled { retry_after: secs(7) })),
            (answer(503, &html, "<html>"), Err(unavailable("it answered 503"))),
            (answer(500, &[], ""), Err(unavailable("it answered 500"))),
            (answer(408, &[], ""), Err(unavailable("it answered 408"))),
            (
                answer(400, &[], r#"{"message":"TF401320:\u0000 no"}"#),
                Err(TrackerError::Rejected { reason: "TF401320:  no".to_owned() }),
            ),
            (answer(412, &[], ""), Err(TrackerError::Stale)),
            (answer(400, &[], r#"{"message":"TF26071: changed"}"#), Err(TrackerError::Stale)),
            (answer(409, &[], r#"{"typeKey":"WorkItemRevisionMismatchException"}"#), Err(TrackerError::Stale)),
            (answer(409, &[], "x"), Err(TrackerError::Rejected { reason: "status 409 without a reason".to_owned() })),
        ] {
            assert_eq!(reply, expected);
        }
        assert!(matches!(answer(301, &[], ""), Err(TrackerError::Rejected { .. })));
        assert!(
            matches!(answer(403, &html, "<"), Err(TrackerError::Forbidden { needed }) if needed.contains("View work"))
        );
    }

    #[test]
    fn a_reason_is_bounded() {
        let body = format!(r#"{{"message":"{}"}}"#, "x".repeat(5000));
        let Err(TrackerError::Rejected { reason }) = answer(400, &[], &body) else { panic!("not rejected") };
        assert_eq!(reason.len(), MAX_REASON);
    }
}
