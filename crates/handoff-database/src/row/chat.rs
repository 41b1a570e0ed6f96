//! Guilds, routes and messages.

use super::{at, discord, from_json, json, name, signed};
use crate::error::damaged;
use crate::table::{guilds, messages, routes};
use handoff_domain::chat::{Guild, MessageKind, MessageRecord, Route, RouteMode};
use handoff_domain::id::{GroupId, MessageRecordId, OrganizationId, ProjectId, RouteId};
use handoff_domain::organization::{ChannelId, GuildId, MessageId};
use handoff_domain::port::store::StoreResult;
use handoff_domain::time::Timestamp;

pub(crate) fn guild(row: &guilds::Model) -> StoreResult<Guild> {
    Ok(Guild {
        id: discord(GuildId::new, row.id)?,
        organization: OrganizationId::new(row.organization_id),
        name: name(&row.name)?,
        created_at: at(row.created_at),
    })
}

pub(crate) fn route(row: routes::Model) -> StoreResult<Route> {
    Ok(Route {
        id: RouteId::from_uuid(row.id),
        organization: OrganizationId::new(row.organization_id),
        project: ProjectId::new(row.project_id),
        guild: discord(GuildId::new, row.guild_id)?,
        channel: discord(ChannelId::new, row.channel)?,
        mode: RouteMode::from_stored(&row.mode).ok_or_else(|| damaged("route mode"))?,
        ids_only: row.ids_only,
        filter: from_json(&row.filter)?,
        quiet_hours: row.quiet_hours.as_deref().map(from_json).transpose()?,
        disabled: row.disabled,
        created_at: at(row.created_at),
    })
}

pub(crate) fn route_row(route: &Route) -> StoreResult<routes::Model> {
    Ok(routes::Model {
        id: route.id.get(),
        organization_id: route.organization.get(),
        project_id: route.project.get(),
        guild_id: signed(route.guild.get()),
        channel: signed(route.channel.get()),
        mode: route.mode.as_str().to_owned(),
        ids_only: route.ids_only,
        filter: json(&route.filter)?,
        quiet_hours: route.quiet_hours.as_ref().map(json).transpose()?,
        disabled: route.disabled.clone(),
        created_at: route.created_at.as_micros(),
    })
}

pub(crate) fn message(row: messages::Model) -> StoreResult<MessageRecord> {
    Ok(MessageRecord {
        id: MessageRecordId::from_uuid(row.id),
        organization: OrganizationId::new(row.organization_id),
        group: GroupId::from_uuid(row.group_id),
        route: RouteId::from_uuid(row.route_id),
        kind: MessageKind::from_stored(&row.kind).ok_or_else(|| damaged("message kind"))?,
        subject: row.subject,
        channel: discord(ChannelId::new, row.channel)?,
        message: row.message.map(|id| discord(MessageId::new, id)).transpose()?,
        nonce: row.nonce,
        nonce_at: at(row.nonce_at),
        digest: row.digest,
        reposted_at: row.reposted_at.map(at),
        given_up: row.given_up,
    })
}

pub(crate) fn message_row(record: &MessageRecord) -> messages::Model {
    messages::Model {
        id: record.id.get(),
        organization_id: record.organization.get(),
        group_id: record.group.get(),
        route_id: record.route.get(),
        kind: record.kind.as_str().to_owned(),
        subject: record.subject.clone(),
        channel: signed(record.channel.get()),
        message: record.message.map(|id| signed(id.get())),
        nonce: record.nonce.clone(),
        nonce_at: record.nonce_at.as_micros(),
        digest: record.digest.clone(),
        reposted_at: record.reposted_at.map(Timestamp::as_micros),
        given_up: record.given_up,
    }
}
