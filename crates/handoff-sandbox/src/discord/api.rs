//! The HTTP API under `/api/v10`: what happens to every request, whatever it asks for.

mod answer;
mod applications;
mod channels;
mod guilds;
mod messages;
mod operation;
mod threads;

use std::sync::{Arc, MutexGuard};

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use self::answer::Answer;
use self::operation::Operation;
use super::error::{ApiError, Failure};
use super::id::Snowflake;
use super::log::LoggedRequest;
use super::state::World;
use super::{Shared, validate};
use crate::fault::Fault;
use crate::server::{hang_up, stall};

/// Discord refuses larger requests (Discord docs, create message).
const MAX_BODY: usize = 25 * 1024 * 1024;

/// A request, read whole.
#[derive(Debug)]
struct Call {
    method: String,
    path: String,
    query: Option<String>,
    content_type: Option<String>,
    /// The token behind `Bot `.
    token: Option<String>,
    /// `None`: larger than allowed, or broken off.
    body: Option<Bytes>,
    operation: Result<Operation, ApiError>,
}

/// What an endpoint works with.
struct Context<'a> {
    world: &'a mut World,
    bot: Snowflake,
    now_us: i64,
    call: &'a Call,
}

/// What an endpoint answers: a status and a JSON body, if any.
type Outcome = Result<(StatusCode, Option<Value>), Failure>;

/// Answers one request to the API.
pub(super) async fn serve(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let call = Call::read(request).await;
    let name = call.operation.as_ref().map_or("unknown", Operation::name);
    shared.check_request(&call);
    let fault = shared.faults.take(name);
    match fault {
        Some(Fault::Delay(duration)) => shared.clock.sleep(duration).await,
        Some(Fault::RefuseBefore { status }) => return shared.lose(&call, status),
        Some(Fault::Html) => return shared.lose(&call, StatusCode::NON_AUTHORITATIVE_INFORMATION.as_u16()),
        _ => {}
    }
    let answer = shared.perform(&call, fault);
    shared.check_answer(&call, &answer);
    match fault {
        Some(Fault::Drop) => hang_up(),
        Some(Fault::FailAfter { status }) => Answer::of_proxy(status).into_response(),
        Some(Fault::Stall) => {
            let mut response = stall();
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.header_map();
            response
        }
        _ => answer.into_response(),
    }
}

impl Call {
    async fn read(request: Request) -> Self {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().to_owned();
        let header = |name| header_text(&parts.headers, name);
        Self {
            operation: Operation::of(&parts.method, &path),
            method: parts.method.as_str().to_owned(),
            path,
            query: parts.uri.query().map(str::to_owned),
            content_type: header(CONTENT_TYPE),
            token: header(AUTHORIZATION).and_then(|value| value.strip_prefix("Bot ").map(str::to_owned)),
            body: to_bytes(body, MAX_BODY).await.ok(),
        }
    }

    fn json(&self) -> Result<Value, ApiError> {
        let body = self.body.as_ref().ok_or(ApiError::TOO_LARGE)?;
        validate::parse(self.content_type.as_deref(), body)
    }

    fn logged(&self, bot: Option<Snowflake>, at_us: i64, status: Option<u16>) -> LoggedRequest {
        LoggedRequest {
            at_us,
            method: self.method.clone(),
            path: self.path.clone(),
            operation: self.operation.as_ref().ok().map(Operation::name),
            bot,
            status,
        }
    }
}

fn header_text(headers: &HeaderMap, name: http::HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

impl Shared {
    fn check_request(&self, call: &Call) {
        let Some(spec) = &self.spec else { return };
        let body = call.body.as_deref().unwrap_or_default();
        let checked =
            spec.check_request(&call.method, &call.path, call.query.as_deref(), call.content_type.as_deref(), body);
        if let Err(violations) = checked {
            self.world().log.record_violations(violations);
        }
    }

    /// The simulator's own answers have to be as described too.
    fn check_answer(&self, call: &Call, answer: &Answer) {
        let (Some(spec), Some(body)) = (&self.spec, &answer.json) else {
            return;
        };
        let body = body.to_string();
        let status = answer.status.as_u16();
        if let Err(violations) = spec.check_response(&call.method, &call.path, status, body.as_bytes()) {
            self.world().log.record_violations(violations);
        }
    }

    /// Answers with `status` and without any effect, as a proxy in front of Discord would.
    fn lose(&self, call: &Call, status: u16) -> Response {
        let answer = Answer::of_proxy(status);
        let now_us = self.clock.now_us();
        let mut world = self.world();
        let bot = call.token.as_ref().and_then(|token| world.tokens.get(token).copied());
        world.log.record(call.logged(bot, now_us, Some(answer.status.as_u16())));
        answer.into_response()
    }

    /// Lets the request take effect. What is logged is the answer that the caller will see.
    fn perform(&self, call: &Call, fault: Option<Fault>) -> Answer {
        let now_us = self.clock.now_us();
        let mut world: MutexGuard<'_, World> = self.world();
        let bot = call.token.as_ref().and_then(|token| world.tokens.get(token).copied());
        let answer = answer(&mut world, call, bot, now_us);
        if answer.counts_as_invalid() {
            world.limiter.count_invalid(now_us);
        }
        let status = match fault {
            Some(Fault::Drop) => None,
            Some(Fault::FailAfter { status }) => Some(status),
            _ => Some(answer.status.as_u16()),
        };
        world.log.record(call.logged(bot, now_us, status));
        answer
    }
}

fn answer(world: &mut World, call: &Call, bot: Option<Snowflake>, now_us: i64) -> Answer {
    if let Err(left_us) = world.limiter.admit_address(now_us) {
        return Answer::of_ban(left_us);
    }
    let Some(bot) = bot else {
        return Answer::of_error(&ApiError::UNAUTHORIZED);
    };
    let operation = match &call.operation {
        Ok(operation) => *operation,
        Err(error) => return Answer::of_error(error),
    };
    let bucket = match world.limiter.admit(bot, operation.bucket(), now_us) {
        Ok(bucket) => bucket,
        Err(limited) => return Answer::of_limit(&limited),
    };
    let mut context = Context { world, bot, now_us, call };
    let answer = match context.execute(operation) {
        Ok((status, json)) => Answer::new(status, json),
        Err(Failure::Api(error)) => Answer::of_error(&error),
        Err(Failure::Limited(limited)) => Answer::of_limit(&limited),
    };
    answer.with_bucket(&bucket)
}

impl Context<'_> {
    fn execute(&mut self, operation: Operation) -> Outcome {
        match operation {
            Operation::GetCurrentUser => self.get_current_user(),
            Operation::GetCurrentApplication => self.get_current_application(),
            Operation::PutCommands { application } => self.put_commands(application),
            Operation::CreateDm => self.create_dm(),
            Operation::GetGuild { guild } => self.get_guild(guild),
            Operation::GetGuildChannels { guild } => self.get_guild_channels(guild),
            Operation::GetGuildRoles { guild } => self.get_guild_roles(guild),
            Operation::GetGuildMember { guild, user } => self.get_guild_member(guild, user),
            Operation::GetChannel { channel } => self.get_channel(channel),
            Operation::GetMessages { channel } => self.get_messages(channel),
            Operation::GetMessage { channel, message } => self.get_message(channel, message),
            Operation::CreateMessage { channel } => self.create_message(channel),
            Operation::EditMessage { channel, message } => self.edit_message(channel, message),
            Operation::DeleteMessage { channel, message } => self.delete_message(channel, message),
            Operation::StartThread { channel, message } => self.start_thread(channel, message),
        }
    }
}

/// A successful answer with a body.
fn ok(json: Value) -> Outcome {
    Ok((StatusCode::OK, Some(json)))
}
