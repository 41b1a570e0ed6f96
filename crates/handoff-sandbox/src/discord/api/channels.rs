//! Endpoints about channels, and who may see them.

use serde_json::json;

use super::{Context, Outcome, ok};
use crate::discord::error::ApiError;
use crate::discord::id::Snowflake;
use crate::discord::permissions::Permissions;
use crate::discord::render;
use crate::discord::state::Channel;

impl Context<'_> {
    pub(super) fn get_channel(&self, channel: Snowflake) -> Outcome {
        let (channel, _) = self.visible(channel)?;
        ok(render::channel(self.world, channel))
    }

    /// A direct message can be opened; sending into it is refused, see [`Context::create_message`].
    pub(super) fn create_dm(&mut self) -> Outcome {
        let body = self.call.json()?;
        let recipient = body["recipient_id"].as_str().and_then(|id| id.parse().ok());
        let recipient = recipient.filter(|user| self.world.users.contains_key(user));
        let recipient = recipient.ok_or_else(|| {
            let error = json!({ "code": "NUMBER_TYPE_COERCE", "message": "Value is not snowflake." });
            ApiError::invalid_form(json!({ "recipient_id": { "_errors": [error] } }))
        })?;
        let id = self.world.open_direct_message(recipient, self.now_us);
        let channel = self.world.channels.get(&id).ok_or(ApiError::UNKNOWN_CHANNEL)?;
        ok(render::channel(self.world, channel))
    }

    /// A channel that the bot sees, and what it may do there.
    pub(super) fn visible(&self, channel: Snowflake) -> Result<(&Channel, Permissions), ApiError> {
        let channel = self.world.channels.get(&channel).ok_or(ApiError::UNKNOWN_CHANNEL)?;
        if channel.guild.is_none() {
            return Ok((channel, Permissions::VIEW_CHANNEL | Permissions::READ_MESSAGE_HISTORY));
        }
        let permissions = self.world.permissions(channel, self.bot);
        if permissions.contains(Permissions::VIEW_CHANNEL) {
            Ok((channel, permissions))
        } else {
            Err(ApiError::MISSING_ACCESS)
        }
    }
}
