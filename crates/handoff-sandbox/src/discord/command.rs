//! Drives a simulator from another process: JSON under `/_sim`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::control::{Control, ControlError};
use super::id::Snowflake;
use super::permissions::{OverwriteTarget, Permissions};
use super::state::ChannelKind;
use crate::fault::Fault;

/// A change to a simulator, sent to `POST /_sim/commands` as `{"do": "add_guild", "name": "Fabrikam"}`.
/// Each does what the method of the same name on [`Control`] does; ids are strings, times milliseconds.
/// The answer is `{"id": …}` where something was made, else `{}`; 404 for an unknown id.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
#[expect(missing_docs, reason = "each field is the parameter of the method of the same name")]
pub enum Command {
    AddBot {
        token: String,
        name: String,
    },
    RevokeToken {
        token: String,
    },
    AddUser {
        name: String,
    },
    AddGuild {
        name: String,
    },
    AddMember {
        guild: Snowflake,
        user: Snowflake,
    },
    RemoveMember {
        guild: Snowflake,
        user: Snowflake,
    },
    AddRole {
        guild: Snowflake,
        name: String,
        permissions: Permissions,
        mentionable: bool,
    },
    SetRolePermissions {
        guild: Snowflake,
        role: Snowflake,
        permissions: Permissions,
    },
    GiveRole {
        guild: Snowflake,
        user: Snowflake,
        role: Snowflake,
    },
    AddChannel {
        guild: Snowflake,
        kind: ChannelKind,
        name: String,
    },
    AddThread {
        parent: Snowflake,
        kind: ChannelKind,
        name: String,
    },
    AddDirectMessage {
        user: Snowflake,
    },
    SetPermissions {
        channel: Snowflake,
        target: OverwriteTarget,
        allow: Permissions,
        deny: Permissions,
    },
    DeleteChannel {
        channel: Snowflake,
    },
    DeleteMessage {
        channel: Snowflake,
        message: Snowflake,
    },
    ArchiveThread {
        thread: Snowflake,
        locked: bool,
    },
    Say {
        channel: Snowflake,
        user: Snowflake,
        content: String,
    },
    ExhaustGlobal {
        bot: Snowflake,
        for_ms: u64,
    },
    ExhaustShared {
        channel_or_guild: Snowflake,
        for_ms: u64,
    },
    /// One fault for the next call of an operation, or, with `always`, for every call.
    AddFault {
        operation: String,
        fault: Fault,
        #[serde(default)]
        always: bool,
    },
    ClearFaults,
    /// Moves the clock forward.
    Advance {
        by_ms: u64,
    },
}

impl Command {
    /// Does it, and returns the id of what was made.
    ///
    /// # Errors
    /// When it names something that is not there.
    pub fn run(self, control: &Control) -> Result<Option<Snowflake>, ControlError> {
        match self {
            Self::AddBot { token, name } => return Ok(Some(control.add_bot(&token, &name))),
            Self::AddUser { name } => return Ok(Some(control.add_user(&name))),
            Self::AddGuild { name } => return Ok(Some(control.add_guild(&name))),
            Self::AddRole { guild, name, permissions, mentionable } => {
                return control.add_role(guild, &name, permissions, mentionable).map(Some);
            }
            Self::AddChannel { guild, kind, name } => return control.add_channel(guild, kind, &name).map(Some),
            Self::AddThread { parent, kind, name } => return control.add_thread(parent, kind, &name).map(Some),
            Self::AddDirectMessage { user } => return control.add_direct_message(user).map(Some),
            Self::Say { channel, user, content } => return control.say(channel, user, &content).map(Some),
            Self::RevokeToken { token } => control.revoke_token(&token),
            Self::AddMember { guild, user } => control.add_member(guild, user)?,
            Self::RemoveMember { guild, user } => control.remove_member(guild, user)?,
            Self::SetRolePermissions { guild, role, permissions } => {
                control.set_role_permissions(guild, role, permissions)?
            }
            Self::GiveRole { guild, user, role } => control.give_role(guild, user, role)?,
            Self::SetPermissions { channel, target, allow, deny } => {
                control.set_permissions(channel, target, allow, deny)?
            }
            Self::DeleteChannel { channel } => control.delete_channel(channel)?,
            Self::DeleteMessage { channel, message } => control.delete_message(channel, message)?,
            Self::ArchiveThread { thread, locked } => control.archive_thread(thread, locked)?,
            Self::ExhaustGlobal { bot, for_ms } => control.exhaust_global(bot, Duration::from_millis(for_ms)),
            Self::ExhaustShared { channel_or_guild, for_ms } => {
                control.exhaust_shared(channel_or_guild, Duration::from_millis(for_ms))
            }
            Self::AddFault { operation, fault, always: true } => control.faults().always(&operation, fault),
            Self::AddFault { operation, fault, .. } => control.faults().push_next(&operation, fault),
            Self::ClearFaults => control.faults().clear(),
            Self::Advance { by_ms } => control.clock().advance(Duration::from_millis(by_ms)),
        }
        Ok(None)
    }
}

/// `POST /_sim/commands`.
pub(super) async fn run(State(shared): State<Arc<Shared>>, command: Result<Json<Command>, JsonRejection>) -> Response {
    let Json(command) = match command {
        Ok(command) => command,
        Err(rejection) => return refusal(StatusCode::BAD_REQUEST, &rejection.body_text()),
    };
    match command.run(&Control::new(shared)) {
        Ok(Some(id)) => Json(json!({ "id": id })).into_response(),
        Ok(None) => Json(json!({})).into_response(),
        Err(error) => refusal(StatusCode::NOT_FOUND, &error.to_string()),
    }
}

fn refusal(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}

/// `GET /_sim/channels/{id}/messages`: as [`Control::messages`].
pub(super) async fn messages(State(shared): State<Arc<Shared>>, Path(channel): Path<Snowflake>) -> Json<Value> {
    Json(json!(Control::new(shared).messages(channel)))
}

/// `GET /_sim/requests`: as [`Control::requests`].
pub(super) async fn requests(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!(Control::new(shared).requests()))
}

/// `GET /_sim/stats`: as [`Control::stats`].
pub(super) async fn stats(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!(Control::new(shared).stats()))
}
