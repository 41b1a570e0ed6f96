//! `POST /webhooks/discord`: what people do in Discord.
//!
//! Promises: nothing of the body is understood before its signature was right, and without one the answer is
//! 401, where its form shows it without the body; memory for bodies is bounded over all callers, since anybody
//! may send what has the form; what is signed is answered 200 or, where it is no interaction at all, 400; all
//! of it within the three seconds that Discord waits. What there is no time for is not done.

use crate::memory::{Held, Memory};
use crate::problem::Problem;
use crate::state::ApiState;
use crate::webhook::inbound;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures::FutureExt;
use handoff_domain::interaction::{Interaction, Notice, Reply};
use handoff_domain::port::{ChatInbound, InboundRefusal, Received};
use handoff_domain::service::interactions::Interactions;
use http_body_util::BodyExt;
use std::future::{Future, pending};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long and how much an interaction may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InteractionLimits {
    /// From the head of the request to the answer. Discord waits three seconds (documentation, receiving and
    /// responding), the network included.
    pub answer: Duration,
    /// Bytes of a body.
    pub body: usize,
    /// Bytes of bodies held at once, over all callers.
    pub memory: usize,
}

impl Default for InteractionLimits {
    fn default() -> Self {
        Self { answer: Duration::from_millis(2500), body: 512 * 1024, memory: 32 * 1024 * 1024 }
    }
}

/// Hears interactions over HTTP.
pub struct InteractionWebhook {
    inbound: Arc<dyn ChatInbound>,
    interactions: Interactions,
    limits: InteractionLimits,
    memory: Memory,
}

/// When the time is up.
type Deadline<'a> = Pin<&'a mut (dyn Future<Output = ()> + Send)>;

impl InteractionWebhook {
    /// Hands to `interactions` what `inbound` verified.
    #[must_use]
    pub fn new(inbound: Arc<dyn ChatInbound>, interactions: Interactions, limits: InteractionLimits) -> Self {
        Self { inbound, interactions, limits, memory: Memory::of(limits.memory) }
    }

    async fn receive(&self, request: Request) -> Result<Response, Problem> {
        let mut deadline = pin!(async { drop(timeout(self.limits.answer, pending::<()>()).await) });
        let (parts, body) = request.into_parts();
        let headers = inbound(&parts.headers);
        if !self.inbound.may_be_signed(&headers) {
            return Err(unsigned());
        }
        let (body, _memory) = self.read(body, deadline.as_mut()).await?;
        let reply = match self.inbound.receive(&headers, &body) {
            Ok(Received::Ping) => Reply::Pong,
            Ok(Received::Interaction(interaction)) => self.answer(&interaction, deadline).await,
            Err(InboundRefusal::Unauthorized) => return Err(unsigned()),
            Err(InboundRefusal::Malformed(why)) => return Err(Problem::bad_request("malformed_interaction", why)),
        };
        let json = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        Ok((json, self.inbound.encode(&reply)).into_response())
    }

    async fn read(&self, body: Body, deadline: Deadline<'_>) -> Result<(Vec<u8>, Held), Problem> {
        tokio::select! {
            read = self.take_in(body) => read,
            () = deadline => {
                let detail = "the body did not arrive in time";
                Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", detail))
            }
        }
    }

    /// Memory is held until what is returned beside the body is dropped.
    async fn take_in(&self, mut body: Body) -> Result<(Vec<u8>, Held), Problem> {
        let (mut bytes, mut held) = (Vec::new(), Held::default());
        while let Some(frame) = body.frame().await {
            let unreadable = |_| Problem::bad_request("unreadable_body", "the body could not be read");
            let Ok(data) = frame.map_err(unreadable)?.into_data() else { continue };
            let whole = bytes.len() + data.len();
            if whole > self.limits.body {
                return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is too large"));
            }
            self.memory.reserve(&mut held, whole).map_err(|_| {
                let detail = "too many bodies are being read";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(self.limits.answer)
            })?;
            bytes.extend_from_slice(&data);
        }
        Ok((bytes, held))
    }

    /// What is dropped when the time is up is rolled back.
    async fn answer(&self, interaction: &Interaction, deadline: Deadline<'_>) -> Reply {
        let answered = AssertUnwindSafe(self.interactions.answer(interaction)).catch_unwind();
        tokio::select! {
            biased;
            reply = answered => reply.unwrap_or_else(|_| {
                tracing::error!("answering an interaction panicked");
                Interactions::instead(interaction, Notice::Failed)
            }),
            () = deadline => {
                tracing::warn!("an interaction was not answered in time, and is not done");
                Interactions::instead(interaction, Notice::TryAgain)
            }
        }
    }
}

fn unsigned() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "the signature is missing or wrong")
}

/// The endpoint's route.
pub(crate) fn routes() -> Router<Arc<ApiState>> {
    Router::new().route("/webhooks/discord", post(receive))
}

async fn receive(State(state): State<Arc<ApiState>>, request: Request) -> Response {
    let Some(webhook) = &state.interactions else {
        let detail = "interactions are off: discord.public_key and discord.application_id are not set";
        return Problem::new(StatusCode::NOT_FOUND, "interactions_off", detail).into_response();
    };
    let response = webhook.receive(request).await.unwrap_or_else(IntoResponse::into_response);
    let status = response.status().as_u16().to_string();
    metrics::counter!("handoff_interactions_total", "status" => status).increment(1);
    response
}
