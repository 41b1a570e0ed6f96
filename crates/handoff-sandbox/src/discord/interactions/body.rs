//! The interaction object that is sent (docs, interaction structure).

use serde_json::{Value, json};

use crate::discord::id::Snowflake;
use crate::discord::permissions::in_guild;
use crate::discord::render;
use crate::discord::state::World;

/// The largest file that may be attached, which Discord always tells.
const ATTACHMENT_LIMIT: u64 = 10 * 1024 * 1024;

/// Who does it, where, with which application.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) user: Snowflake,
    pub(super) channel: Snowflake,
    pub(super) application: Snowflake,
}

/// An interaction of this type and data; `message` is the one that a component is on.
pub(super) fn interaction(
    world: &mut World,
    setting: Setting,
    kind: u8,
    data: &Value,
    message: Option<Value>,
    now_us: i64,
) -> Value {
    let id = world.ids.next(now_us);
    let mut json = json!({
        "id": id,
        "application_id": setting.application,
        "type": kind,
        "token": format!("token-of-{id}"),
        "version": 1,
        "data": data,
        "channel_id": setting.channel,
        "locale": "en-US",
        "entitlements": [],
        "context": 0,
        "attachment_size_limit": ATTACHMENT_LIMIT,
    });
    if let Some(channel) = world.channels.get(&setting.channel) {
        json["channel"] = render::channel(world, channel);
        json["app_permissions"] = json!(world.permissions(channel, setting.application));
        if let Some(guild) = channel.guild.and_then(|guild| world.guilds.get(&guild)) {
            json["guild_id"] = json!(guild.id);
            json["guild_locale"] = json!("en-US");
            json["guild"] = json!({ "id": guild.id, "locale": "en-US", "features": [] });
            json["authorizing_integration_owners"] = json!({ "0": guild.id });
            if let (Some(user), Some(member)) = (world.users.get(&setting.user), guild.members.get(&setting.user)) {
                json["member"] = render::member(user, member);
                let in_channel = world.permissions(channel, setting.user);
                json["member"]["permissions"] = json!(in_channel | in_guild(guild, setting.user));
            }
        }
    }
    if let Some(message) = message {
        json["message"] = message;
    }
    json
}
