//! Which operation a request asks for.

use http::Method;
use serde_json::json;

use crate::discord::error::ApiError;
use crate::discord::id::Snowflake;
use crate::discord::rate_limit::{BucketKey, Family};

/// An operation of the API, with the ids in its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    GetCurrentUser,
    GetCurrentApplication,
    PutCommands { application: Snowflake },
    CreateDm,
    GetGuild { guild: Snowflake },
    GetGuildChannels { guild: Snowflake },
    GetGuildRoles { guild: Snowflake },
    GetGuildMember { guild: Snowflake, user: Snowflake },
    GetChannel { channel: Snowflake },
    GetMessages { channel: Snowflake },
    GetMessage { channel: Snowflake, message: Snowflake },
    CreateMessage { channel: Snowflake },
    EditMessage { channel: Snowflake, message: Snowflake },
    DeleteMessage { channel: Snowflake, message: Snowflake },
    StartThread { channel: Snowflake, message: Snowflake },
}

impl Operation {
    /// The operation that `method` on `path` asks for.
    pub(super) fn of(method: &Method, path: &str) -> Result<Self, ApiError> {
        let path = path.strip_prefix("/api/v10/").ok_or(ApiError::NOT_FOUND)?;
        let segments: Vec<&str> = path.split('/').collect();
        let is = |wanted: Method, operation: Self| {
            if *method == wanted { Ok(operation) } else { Err(ApiError::METHOD_NOT_ALLOWED) }
        };
        match segments.as_slice() {
            ["applications", "@me"] => is(Method::GET, Self::GetCurrentApplication),
            ["applications", application, "commands"] => {
                let application = id("application_id", application)?;
                is(Method::PUT, Self::PutCommands { application })
            }
            ["users", "@me"] => is(Method::GET, Self::GetCurrentUser),
            ["users", "@me", "channels"] => is(Method::POST, Self::CreateDm),
            ["guilds", guild, rest @ ..] => {
                let guild = id("guild_id", guild)?;
                match rest {
                    [] => is(Method::GET, Self::GetGuild { guild }),
                    ["channels"] => is(Method::GET, Self::GetGuildChannels { guild }),
                    ["roles"] => is(Method::GET, Self::GetGuildRoles { guild }),
                    ["members", user] => {
                        let user = id("user_id", user)?;
                        is(Method::GET, Self::GetGuildMember { guild, user })
                    }
                    _ => Err(ApiError::NOT_FOUND),
                }
            }
            ["channels", channel, rest @ ..] => Self::of_channel(method, id("channel_id", channel)?, rest),
            _ => Err(ApiError::NOT_FOUND),
        }
    }

    fn of_channel(method: &Method, channel: Snowflake, rest: &[&str]) -> Result<Self, ApiError> {
        let message = match rest {
            ["messages", message, ..] => Some(id("message_id", message)?),
            _ => None,
        };
        match (rest, message, method) {
            ([], _, &Method::GET) => Ok(Self::GetChannel { channel }),
            (["messages"], _, &Method::GET) => Ok(Self::GetMessages { channel }),
            (["messages"], _, &Method::POST) => Ok(Self::CreateMessage { channel }),
            (["messages", _], Some(message), &Method::GET) => Ok(Self::GetMessage { channel, message }),
            (["messages", _], Some(message), &Method::PATCH) => Ok(Self::EditMessage { channel, message }),
            (["messages", _], Some(message), &Method::DELETE) => Ok(Self::DeleteMessage { channel, message }),
            (["messages", _, "threads"], Some(message), &Method::POST) => Ok(Self::StartThread { channel, message }),
            ([] | ["messages"] | ["messages", _] | ["messages", _, "threads"], ..) => Err(ApiError::METHOD_NOT_ALLOWED),
            _ => Err(ApiError::NOT_FOUND),
        }
    }

    /// The name in logs and fault plans.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::GetCurrentUser => "get_current_user",
            Self::GetCurrentApplication => "get_current_application",
            Self::PutCommands { .. } => "put_commands",
            Self::CreateDm => "create_dm",
            Self::GetGuild { .. } => "get_guild",
            Self::GetGuildChannels { .. } => "get_guild_channels",
            Self::GetGuildRoles { .. } => "get_guild_roles",
            Self::GetGuildMember { .. } => "get_guild_member",
            Self::GetChannel { .. } => "get_channel",
            Self::GetMessages { .. } => "get_messages",
            Self::GetMessage { .. } => "get_message",
            Self::CreateMessage { .. } => "create_message",
            Self::EditMessage { .. } => "edit_message",
            Self::DeleteMessage { .. } => "delete_message",
            Self::StartThread { .. } => "start_thread",
        }
    }

    /// The bucket that the operation is counted in.
    pub(super) fn bucket(&self) -> BucketKey {
        let (family, major) = match *self {
            Self::CreateMessage { channel } => (Family::CreateMessage, Some(channel)),
            Self::EditMessage { channel, .. } => (Family::EditMessage, Some(channel)),
            Self::DeleteMessage { channel, .. } => (Family::DeleteMessage, Some(channel)),
            Self::GetChannel { channel }
            | Self::GetMessages { channel }
            | Self::GetMessage { channel, .. }
            | Self::StartThread { channel, .. } => (Family::Other(self.name()), Some(channel)),
            Self::GetGuild { guild }
            | Self::GetGuildChannels { guild }
            | Self::GetGuildRoles { guild }
            | Self::GetGuildMember { guild, .. } => (Family::Other(self.name()), Some(guild)),
            Self::GetCurrentUser | Self::GetCurrentApplication | Self::PutCommands { .. } | Self::CreateDm => {
                (Family::Other(self.name()), None)
            }
        };
        BucketKey { family, major }
    }
}

fn id(name: &str, text: &str) -> Result<Snowflake, ApiError> {
    text.parse().map_err(|_| {
        let error = json!({ "code": "NUMBER_TYPE_COERCE", "message": "Value is not snowflake." });
        ApiError::invalid_form(json!({ name: { "_errors": [error] } }))
    })
}
