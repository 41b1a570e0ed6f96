//! Endpoints about users and guilds.

use serde_json::Value;

use super::{Context, Outcome, ok};
use crate::discord::error::ApiError;
use crate::discord::id::Snowflake;
use crate::discord::permissions::Permissions;
use crate::discord::render;
use crate::discord::state::Guild;

impl Context<'_> {
    pub(super) fn get_current_user(&self) -> Outcome {
        let bot = self.world.users.get(&self.bot).ok_or(ApiError::UNAUTHORIZED)?;
        ok(render::current_user(bot))
    }

    pub(super) fn get_guild(&self, guild: Snowflake) -> Outcome {
        ok(render::guild(self.guild(guild)?))
    }

    /// Only the channels that the bot sees; threads are not among them.
    pub(super) fn get_guild_channels(&self, guild: Snowflake) -> Outcome {
        self.guild(guild)?;
        let channels = self.world.channels.values().filter(|channel| {
            channel.guild == Some(guild)
                && channel.thread.is_none()
                && self.world.permissions(channel, self.bot).contains(Permissions::VIEW_CHANNEL)
        });
        ok(channels.map(|channel| render::channel(self.world, channel)).collect())
    }

    pub(super) fn get_guild_roles(&self, guild: Snowflake) -> Outcome {
        ok(Value::Array(render::roles(self.guild(guild)?)))
    }

    pub(super) fn get_guild_member(&self, guild: Snowflake, user: Snowflake) -> Outcome {
        let guild = self.guild(guild)?;
        let of = self.world.users.get(&user).ok_or(ApiError::UNKNOWN_USER)?;
        let member = guild.members.get(&user).ok_or(ApiError::UNKNOWN_MEMBER)?;
        ok(render::member(of, member))
    }

    /// A guild that the bot is in.
    fn guild(&self, guild: Snowflake) -> Result<&Guild, ApiError> {
        let guild = self.world.guilds.get(&guild).ok_or(ApiError::UNKNOWN_GUILD)?;
        if guild.members.contains_key(&self.bot) { Ok(guild) } else { Err(ApiError::MISSING_ACCESS) }
    }
}
