//! Users, guilds, roles, members and channels as the API answers them.

use serde_json::{Value, json};

use super::id::{Snowflake, timestamp};
use super::permissions::OverwriteTarget;
use super::state::{Channel, Guild, Member, Role, User, World};

/// A user object.
pub(super) fn user(user: &User) -> Value {
    json!({
        "id": user.id,
        "username": user.name,
        "global_name": null,
        "discriminator": "0",
        "avatar": null,
        "bot": user.is_bot,
        "public_flags": 0,
        "flags": 0,
        "primary_guild": null,
    })
}

/// The user object that a bot gets of itself.
pub(super) fn current_user(bot: &User) -> Value {
    let mut json = user(bot);
    json["mfa_enabled"] = json!(false);
    json["locale"] = json!("en-US");
    json["verified"] = json!(true);
    json
}

/// A guild object.
pub(super) fn guild(guild: &Guild) -> Value {
    json!({
        "id": guild.id,
        "name": guild.name,
        "icon": null,
        "description": null,
        "home_header": null,
        "splash": null,
        "discovery_splash": null,
        "features": [],
        "banner": null,
        "owner_id": guild.owner,
        "application_id": null,
        "region": "deprecated",
        "afk_channel_id": null,
        "afk_timeout": 300,
        "system_channel_id": null,
        "system_channel_flags": 0,
        "widget_enabled": false,
        "widget_channel_id": null,
        "verification_level": 0,
        "roles": roles(guild),
        "default_message_notifications": 0,
        "mfa_level": 0,
        "explicit_content_filter": 0,
        "max_presences": null,
        "max_members": 500_000,
        "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25,
        "vanity_url_code": null,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "preferred_locale": "en-US",
        "rules_channel_id": null,
        "safety_alerts_channel_id": null,
        "public_updates_channel_id": null,
        "premium_progress_bar_enabled": false,
        "nsfw": false,
        "nsfw_level": 0,
        "emojis": [],
        "stickers": [],
        "incidents_data": null,
    })
}

/// All roles of a guild.
pub(super) fn roles(guild: &Guild) -> Vec<Value> {
    (0..).zip(guild.roles.values()).map(|(position, of)| role(of, position)).collect()
}

fn role(role: &Role, position: u32) -> Value {
    json!({
        "id": role.id,
        "name": role.name,
        "permissions": role.permissions,
        "position": position,
        "color": 0,
        "colors": { "primary_color": 0, "secondary_color": null, "tertiary_color": null },
        "hoist": false,
        "managed": false,
        "mentionable": role.mentionable,
        "icon": null,
        "unicode_emoji": null,
        "flags": 0,
    })
}

/// A member object.
pub(super) fn member(of: &User, member: &Member) -> Value {
    json!({
        "user": user(of),
        "nick": null,
        "avatar": null,
        "banner": null,
        "roles": member.roles,
        "joined_at": timestamp(member.joined_us),
        "premium_since": null,
        "communication_disabled_until": null,
        "flags": 0,
        "pending": false,
        "deaf": false,
        "mute": false,
    })
}

/// A channel object: of a guild, a thread or a direct message.
pub(super) fn channel(world: &World, channel: &Channel) -> Value {
    let last_message = channel.messages.keys().next_back();
    let mut json = json!({
        "id": channel.id,
        "type": channel.kind.number(),
        "flags": 0,
        "last_message_id": last_message,
    });
    if let Some(guild) = channel.guild {
        json["guild_id"] = json!(guild);
        json["name"] = json!(channel.name);
    }
    if let Some(thread) = &channel.thread {
        json["parent_id"] = json!(thread.parent);
        json["owner_id"] = json!(thread.owner);
        json["message_count"] = json!(channel.messages.len());
        json["total_message_sent"] = json!(thread.sent);
        json["member_count"] = json!(1);
        json["rate_limit_per_user"] = json!(0);
        json["thread_metadata"] = json!({
            "archived": thread.archived,
            "archive_timestamp": timestamp(thread.archive_changed_us),
            "auto_archive_duration": thread.auto_archive_minutes,
            "locked": thread.locked,
            "create_timestamp": timestamp(thread.created_us),
        });
    } else if let Some(guild) = channel.guild {
        json["parent_id"] = Value::Null;
        json["position"] = json!(position(world, channel));
        json["permission_overwrites"] = channel
            .overwrites
            .iter()
            .map(|overwrite| {
                let (id, kind) = match overwrite.target {
                    OverwriteTarget::Everyone => (guild, 0),
                    OverwriteTarget::Role(role) => (role, 0),
                    OverwriteTarget::Member(member) => (member, 1),
                };
                json!({ "id": id, "type": kind, "allow": overwrite.allow, "deny": overwrite.deny })
            })
            .collect();
    }
    if let Some(recipient) = channel.recipient {
        json["recipients"] = world.users.get(&recipient).map(user).into_iter().collect();
    }
    json
}

fn position(world: &World, channel: &Channel) -> usize {
    let is_before = |other: &Snowflake| {
        world.channels.get(other).is_some_and(|other| other.guild == channel.guild && other.thread.is_none())
    };
    world.channels.range(..channel.id).filter(|(id, _)| is_before(id)).count()
}
