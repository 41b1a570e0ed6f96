//! `POST /webhooks/vsts/{hook_id}`: what Azure DevOps delivers.
//!
//! Promises: nothing of the body is read before the caller is authenticated; an authenticated caller
//! is answered 200, 410 or 503 and nothing else, at most two seconds after the end of the body; what is
//! answered 200 is on disk. Memory for bodies is bounded over all callers.

use crate::memory::{Held, Memory};
use crate::problem::Problem;
use crate::state::ApiState;
use axum::body::Body as HttpBody;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::{CONNECTION, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures::FutureExt;
use handoff_domain::port::{Appended, InboundHeaders};
use handoff_domain::service::post::{Answer, Body, KEPT_OF_OVERSIZED, MAX_BODY, Post};
use http_body_util::BodyExt;
use serde::Serialize;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Asks Azure DevOps to come again after this long.
const COME_AGAIN: Duration = Duration::from_secs(10);

/// How long and how much a delivery may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookLimits {
    /// To authenticate the caller.
    pub authenticate: Duration,
    /// Between two pieces of a body; a client that stalls longer is cut.
    pub stall: Duration,
    /// For a whole body.
    pub body: Duration,
    /// To store and answer, from the end of the body.
    pub answer: Duration,
    /// To read on, after an answer that needs no body, so that the answer reaches the sender.
    pub parting: Duration,
    /// Bytes read of an oversized body before it is answered unread.
    pub drained: usize,
    /// Bytes of bodies held at once, over all callers.
    pub memory: usize,
}

impl Default for WebhookLimits {
    fn default() -> Self {
        Self {
            authenticate: Duration::from_millis(1500),
            stall: Duration::from_secs(10),
            body: Duration::from_secs(60),
            answer: Duration::from_millis(1800),
            parting: Duration::from_millis(400),
            drained: 256 * 1024 * 1024,
            memory: 256 * 1024 * 1024,
        }
    }
}

/// Receives deliveries over HTTP.
pub struct Webhooks {
    post: Arc<Post>,
    limits: WebhookLimits,
    memory: Memory,
}

impl Webhooks {
    /// Hands to `post` what arrives within `limits`.
    #[must_use]
    pub fn new(post: Arc<Post>, limits: WebhookLimits) -> Self {
        Self { post, limits, memory: Memory::of(limits.memory) }
    }
}

/// The webhook's route.
pub(crate) fn routes() -> Router<Arc<ApiState>> {
    Router::new().route("/webhooks/vsts/{hook_id}", post(deliver))
}

/// How a request ended: what is answered, and the word that counts it.
struct Outcome {
    answer: Answer,
    word: &'static str,
    /// The body was not read to its end: the connection cannot be used again.
    cut: bool,
}

impl Outcome {
    const fn of(answer: Answer, word: &'static str) -> Self {
        Self { answer, word, cut: false }
    }

    const fn cut(answer: Answer, word: &'static str) -> Self {
        Self { answer, word, cut: true }
    }
}

async fn deliver(
    State(state): State<Arc<ApiState>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let named = path.map(|Path(text)| text).unwrap_or_default();
    let received = AssertUnwindSafe(state.webhooks.receive(state.lifecycle.is_draining(), &named, request));
    let outcome = received.catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!("receiving a delivery panicked");
        Outcome::cut(Answer::Unavailable, "panicked")
    });
    metrics::counter!("handoff_webhook_deliveries_total", "outcome" => outcome.word).increment(1);
    answered(&outcome)
}

impl Webhooks {
    async fn receive(&self, draining: bool, hook: &str, request: Request) -> Outcome {
        let (parts, body) = request.into_parts();
        if draining {
            self.part_from(body).await;
            return Outcome::cut(Answer::Unavailable, "draining");
        }
        let headers = inbound(&parts.headers);
        let authenticated = timeout(self.limits.authenticate, self.post.authenticate_named(hook, &headers)).await;
        let caller = match authenticated.unwrap_or(Err(Answer::Unavailable)) {
            Ok(caller) => caller,
            Err(Answer::Unauthorized) => return Outcome::cut(Answer::Unauthorized, "unauthorized"),
            Err(answer) => {
                self.part_from(body).await;
                return Outcome::cut(answer, word_of(answer));
            }
        };
        let arrived = timeout(self.limits.body, self.read(body)).await.unwrap_or(Err("stalled"));
        let (body, _memory) = match arrived {
            Ok(arrived) => arrived,
            Err(word) => return Outcome::cut(Answer::Unavailable, word),
        };
        let oversized = matches!(body, Body::Oversized(_));
        let stored = timeout(self.limits.answer, self.post.receive(&caller, body)).await;
        match stored {
            Ok(Answer::Quarantined) if oversized => Outcome::of(Answer::Quarantined, "oversized"),
            Ok(answer) => Outcome::of(answer, word_of(answer)),
            Err(_) => Outcome::of(Answer::Unavailable, "too_slow"),
        }
    }

    /// Reads a body whole, or the beginning of one that is too large while the rest is read past.
    /// Memory is held until what is returned beside it is dropped.
    async fn read(&self, mut body: HttpBody) -> Result<(Body, Held), &'static str> {
        let mut bytes = Vec::new();
        let mut held = Held::default();
        loop {
            let frame = timeout(self.limits.stall, body.frame()).await.map_err(|_| "stalled")?;
            let Some(frame) = frame else { return Ok((Body::Whole(bytes), held)) };
            let Ok(data) = frame.map_err(|_| "broken_off")?.into_data() else { continue };
            if bytes.len() + data.len() > MAX_BODY {
                let missing = KEPT_OF_OVERSIZED.saturating_sub(bytes.len()).min(data.len());
                bytes.extend_from_slice(&data[..missing]);
                bytes.truncate(KEPT_OF_OVERSIZED);
                bytes.shrink_to_fit();
                drop(held);
                self.read_past(body).await?;
                return Ok((Body::Oversized(bytes), Held::default()));
            }
            self.memory.reserve(&mut held, bytes.len() + data.len()).map_err(|_| "out_of_memory")?;
            bytes.extend_from_slice(&data);
        }
    }

    /// Reads what is left of an oversized body, within bounds, keeping nothing: a sender that cannot
    /// finish would not read the answer.
    async fn read_past(&self, mut body: HttpBody) -> Result<(), &'static str> {
        let mut read = 0_usize;
        while read < self.limits.drained {
            match timeout(self.limits.stall, body.frame()).await.map_err(|_| "stalled")? {
                Some(frame) => {
                    let frame = frame.map_err(|_| "broken_off")?;
                    read = read.saturating_add(frame.data_ref().map_or(1, bytes::Bytes::len));
                }
                None => break,
            }
        }
        Ok(())
    }

    /// Reads a body for a moment before an answer that does not depend on it.
    async fn part_from(&self, mut body: HttpBody) {
        let rest = async {
            let mut read = 0_usize;
            while let Some(Ok(frame)) = body.frame().await {
                read = read.saturating_add(frame.data_ref().map_or(1, bytes::Bytes::len));
                if read > MAX_BODY {
                    break;
                }
            }
        };
        // Running out of time is as good as reaching the end: the answer goes out either way.
        let _ = timeout(self.limits.parting, rest).await;
    }
}

/// The headers as the tracker's adapter takes them.
pub(crate) fn inbound(headers: &HeaderMap) -> InboundHeaders {
    InboundHeaders(headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect())
}

const fn word_of(answer: Answer) -> &'static str {
    match answer {
        Answer::Stored(Appended::New) => "stored",
        Answer::Stored(Appended::Duplicate) => "duplicate",
        Answer::Ignored => "ignored",
        Answer::Quarantined => "quarantined",
        Answer::Unauthorized => "unauthorized",
        Answer::Gone => "gone",
        Answer::Unavailable => "unavailable",
    }
}

#[derive(Serialize)]
struct Received {
    outcome: &'static str,
}

fn answered(outcome: &Outcome) -> Response {
    let mut response = match outcome.answer {
        Answer::Unauthorized => {
            Problem::unauthorized("Basic realm=\"handoff\"", "the hook or its password is unknown").into_response()
        }
        Answer::Gone => Problem::new(StatusCode::GONE, "gone", "this hook was deleted").into_response(),
        Answer::Unavailable => {
            let code = (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "the delivery was not stored; send it again");
            Problem::new(code.0, code.1, code.2).retry_after(COME_AGAIN).into_response()
        }
        Answer::Stored(_) | Answer::Ignored | Answer::Quarantined => {
            Json(Received { outcome: outcome.word }).into_response()
        }
    };
    if outcome.cut {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
