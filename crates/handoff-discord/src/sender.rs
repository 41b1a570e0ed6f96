//! Sends requests to Discord, one at a time in each lane, when the limits allow it.
//!
//! It promises: no request is sent while an earlier answer says to wait; a request whose outcome is not
//! known is never sent again from here; a caller waits [`MAX_WAIT`] at most for limits, and is told
//! otherwise when to come back; after the token was refused one request in a quarter of an hour is sent.

use crate::errors::{Failure, MAX_RETRY_AFTER, Refusal, UNSAID_RETRY_AFTER, retry, seconds};
use crate::limits::{Admission, BucketReport, Lane, Limits, Report, Scope, TOKEN_PAUSE, Ticket, TokenReport};
use crate::request::Call;
use crate::settings::{DiscordSettings, SettingsError};
use handoff_domain::port::{ChatError, Clock};
use handoff_domain::time::Timestamp;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex as Turn;
use tracing::Instrument;
use url::Url;

/// How long a request waits for limits, in its lane and by itself, before its caller is sent away: a bit
/// more than the five seconds that message buckets are reported to last.
const MAX_WAIT: Duration = Duration::from_secs(6);
/// How often one request is sent: only a 429, which has no effect, is followed by another try.
const MAX_ATTEMPTS: usize = 3;
/// The longest answer that is read. A page of a hundred messages stays well below.
const MAX_ANSWER: usize = 8 * 1024 * 1024;
/// Beyond so many lanes, those that nobody waits in are forgotten.
const SWEEP_AT: usize = 1024;
/// Discord asks for this form (documentation, reference, User Agent), with an address where the bot has
/// one.
const USER_AGENT: &str = concat!("DiscordBot (handoff, ", env!("CARGO_PKG_VERSION"), ")");

/// Sends for one bot token.
pub(crate) struct Sender {
    http: reqwest::Client,
    api_base: String,
    authorization: HeaderValue,
    clock: Arc<dyn Clock>,
    limits: Mutex<Limits>,
    lanes: Mutex<HashMap<Lane, Arc<Turn<()>>>>,
}

/// An answer, read whole.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Sender {
    /// Prepares to send; asks nothing of the network.
    pub(crate) fn new(settings: &DiscordSettings, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let base = Url::parse(&settings.api_base).map_err(|_| SettingsError::ApiBase)?;
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(SettingsError::ApiBase);
        }
        let authorization = format!("Bot {}", settings.token.expose().trim());
        let mut authorization = HeaderValue::from_str(&authorization).map_err(|_| SettingsError::Token)?;
        authorization.set_sensitive(true);
        let http = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.timeout)
            .build()
            .map_err(SettingsError::Client)?;
        Ok(Self {
            http,
            api_base: settings.api_base.trim_end_matches('/').to_owned(),
            authorization,
            clock,
            limits: Mutex::default(),
            lanes: Mutex::default(),
        })
    }

    /// Sends a request when its turn has come, and gives the body of a successful answer.
    pub(crate) async fn send(&self, call: &Call) -> Result<Vec<u8>, Failure> {
        let Lane { operation, major } = call.lane;
        self.send_in_turn(call).instrument(tracing::debug_span!("discord", ?operation, ?major)).await
    }

    async fn send_in_turn(&self, call: &Call) -> Result<Vec<u8>, Failure> {
        let since = self.clock.now();
        let lane = self.lane(call.lane);
        let _turn = lane.lock().await;
        // Whoever is before us may have waited for Discord itself; a lease does not last for ever.
        if self.clock.now().since(since) > MAX_WAIT {
            return Err(retry("too many requests wait for this channel", Some(MAX_WAIT)).into());
        }
        let mut attempt = 1;
        loop {
            let ticket = self.admitted(call.lane, since).await?;
            let answer = match self.ask(call).await {
                Ok(answer) => answer,
                Err(error) => {
                    self.settle(ticket, None);
                    return Err(error.into());
                }
            };
            let refusal = self.learn(ticket, &answer);
            match refusal {
                None => return Ok(answer.body),
                Some(refusal) if refusal.status == 429 && attempt < MAX_ATTEMPTS => attempt += 1,
                Some(refusal) => return Err(Failure::Refused(refusal)),
            }
        }
    }

    fn lane(&self, lane: Lane) -> Arc<Turn<()>> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if lanes.len() >= SWEEP_AT {
            lanes.retain(|_, turn| Arc::strong_count(turn) > 1);
        }
        Arc::clone(lanes.entry(lane).or_default())
    }

    fn limits(&self) -> MutexGuard<'_, Limits> {
        // A panic elsewhere leaves the limits usable: every change to them is a single step.
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, ticket: Ticket, report: Option<&Report>) {
        self.limits().settle(ticket, self.clock.now(), report);
    }

    async fn admitted(&self, lane: Lane, since: Timestamp) -> Result<Ticket, ChatError> {
        loop {
            let (admission, now) = {
                let mut limits = self.limits();
                let now = self.clock.now();
                (limits.admit(lane, now), now)
            };
            let (left, reason) = match admission {
                Admission::Go(ticket) => return Ok(ticket),
                Admission::Unauthorized => return Err(ChatError::Unauthorized),
                Admission::Wait { left, reason } => (left, reason),
            };
            if now.since(since) + left > MAX_WAIT {
                return Err(retry(reason, Some(left)));
            }
            self.clock.sleep(left).await;
        }
    }

    async fn ask(&self, call: &Call) -> Result<Answer, ChatError> {
        let method = reqwest::Method::from_str(call.request.method().name());
        let method = method.map_err(|_| retry("no such method", None))?;
        let url = format!("{}/{}", self.api_base, call.request.path());
        let mut request = self.http.request(method, url).header(AUTHORIZATION, self.authorization.clone());
        if let Some(body) = call.request.body() {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_vec());
        }
        let mut response = request.send().await.map_err(|error| unanswered(&error))?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unanswered(&error))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(retry("Discord's answer is too long", None));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body })
    }

    /// Keeps what an answer tells about limits and the token; gives what is not a success.
    fn learn(&self, ticket: Ticket, answer: &Answer) -> Option<Refusal> {
        let mut refusal = match answer.status {
            200..=299 => None,
            status => Some(Refusal::read(status, &answer.body)),
        };
        let limited = refusal.as_mut().filter(|refusal| refusal.status == 429).map(|refusal| {
            let left = refusal.retry_after.or_else(|| number(&answer.headers, RETRY_AFTER.as_str()).and_then(seconds));
            let left = left.unwrap_or(UNSAID_RETRY_AFTER);
            refusal.retry_after = Some(left);
            (scope(&answer.headers, refusal), left)
        });
        if let Some((scope, left)) = limited {
            tracing::warn!(?scope, seconds = left.as_secs_f64(), "Discord limits the rate");
        }
        let token = match &refusal {
            Some(refusal) if refusal.is_about_token() => TokenReport::Refused,
            Some(refusal) if !refusal.is_discords() || refusal.status == 429 => TokenReport::Unknown,
            _ => TokenReport::Accepted,
        };
        if token == TokenReport::Refused {
            let minutes = TOKEN_PAUSE.as_secs() / 60;
            tracing::error!(minutes, "Discord refused the bot token; it is tried again when these are over");
        }
        self.settle(ticket, Some(&Report { status: answer.status, bucket: bucket(&answer.headers), limited, token }));
        refusal
    }
}

/// Whether the request took effect is not known. The words are ours: the client's own hold the address.
fn unanswered(error: &reqwest::Error) -> ChatError {
    let what = if error.is_timeout() {
        "Discord did not answer in time"
    } else if error.is_connect() {
        "Discord cannot be reached"
    } else {
        "the connection to Discord broke off"
    };
    retry(what, None)
}

/// Discord names the scope on its own 429s; one without is Cloudflare's and concerns the address.
fn scope(headers: &HeaderMap, refusal: &Refusal) -> Scope {
    let is_global = refusal.is_global || headers.contains_key("x-ratelimit-global");
    match headers.get("x-ratelimit-scope").and_then(|scope| scope.to_str().ok()) {
        _ if is_global => Scope::Everything,
        Some("user") => Scope::Route,
        Some("shared") => Scope::Shared,
        _ => Scope::Everything,
    }
}

fn bucket(headers: &HeaderMap) -> Option<BucketReport> {
    let name = headers.get("x-ratelimit-bucket")?.to_str().ok()?.to_owned();
    let remaining = headers.get("x-ratelimit-remaining")?.to_str().ok()?.parse().ok()?;
    let reset_after = number(headers, "x-ratelimit-reset-after").and_then(seconds)?.min(MAX_RETRY_AFTER);
    Some(BucketReport { name, remaining, reset_after })
}

fn number(headers: &HeaderMap, name: &str) -> Option<f64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}
