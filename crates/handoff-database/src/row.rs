//! Rows as nouns and nouns as rows.

use crate::error::damaged;
use crate::table::{
    activities, api_tokens, assignments, connected_projects, decisions, deliveries, external_issues, followers,
    group_links, guilds, hooks, identity_mappings, installations, integrations, issue_groups, messages, organizations,
    outbox, projects, routes, teams, user_emails, users,
};
use handoff_domain::assignee::{Activity, Assignee, Assignment, Decision, Follower};
use handoff_domain::chat::{Guild, MessageKind, MessageRecord, Route, RouteMode};
use handoff_domain::delivery::{ClaimedDelivery, DeliveryRecord, DeliveryState};
use handoff_domain::group::{Group, GroupStatus, Level};
use handoff_domain::hook::{EventType, Hook, HookStatus};
use handoff_domain::id::{
    ActivityId, DeliveryId, ExternalIssueId, GroupId, HookId, InstallationId, IntegrationId, LinkId, MappingId,
    MessageRecordId, OrganizationId, OutboxId, ProjectId, Revision, RouteId, TeamId, TokenId, UserId, WorkItemNumber,
};
use handoff_domain::integration::{ConnectedProject, Installation, Integration, Toggles};
use handoff_domain::organization::{ChannelId, DiscordUserId, GuildId, MessageId, Organization, Team, User, UserEmail};
use handoff_domain::outbox::{ClaimedTask, OutboxRecord, OutboxState};
use handoff_domain::person::{IdentityMapping, Unresolved};
use handoff_domain::port::store::StoreResult;
use handoff_domain::project::Project;
use handoff_domain::secret::Sealed;
use handoff_domain::slug::Slug;
use handoff_domain::text::{EmailAddress, Name};
use handoff_domain::time::Timestamp;
use handoff_domain::token::ApiToken;
use handoff_domain::work_item::{AzureProjectId, ExternalIssue, GroupLink};
use sea_orm::FromQueryResult;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

pub(crate) fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

pub(crate) fn name(text: &str) -> StoreResult<Name> {
    Name::parse(text).map_err(|_| damaged("name"))
}

pub(crate) fn slug(text: &str) -> StoreResult<Slug> {
    Slug::parse(text).map_err(|_| damaged("slug"))
}

pub(crate) fn azure_project(text: &str) -> StoreResult<AzureProjectId> {
    AzureProjectId::parse(text).ok_or_else(|| damaged("Azure DevOps project id"))
}

pub(crate) fn json<T: Serialize>(value: &T) -> StoreResult<String> {
    serde_json::to_string(value).map_err(|_| damaged("value to be written"))
}

pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> StoreResult<T> {
    serde_json::from_str(text).map_err(|_| damaged("value"))
}

/// Discord's ids are below 2^63 (their type sees to it).
pub(crate) fn signed(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

pub(crate) fn discord<T>(make: fn(u64) -> Option<T>, stored: i64) -> StoreResult<T> {
    u64::try_from(stored).ok().and_then(make).ok_or_else(|| damaged("Discord id"))
}

/// The columns of an assignee: user, team.
pub(crate) fn columns_of(assignee: Option<Assignee>) -> (Option<i64>, Option<i64>) {
    match assignee {
        Some(Assignee::User(id)) => (Some(id.get()), None),
        Some(Assignee::Team(id)) => (None, Some(id.get())),
        None => (None, None),
    }
}

pub(crate) fn assignee_of(user: Option<i64>, team: Option<i64>) -> Option<Assignee> {
    user.map(|id| Assignee::User(UserId::new(id))).or_else(|| team.map(|id| Assignee::Team(TeamId::new(id))))
}

/// The columns of a follower: kind, id.
pub(crate) fn who_of(assignee: Assignee) -> (&'static str, i64) {
    match assignee {
        Assignee::User(id) => ("user", id.get()),
        Assignee::Team(id) => ("team", id.get()),
    }
}

pub(crate) fn organization(row: organizations::Model) -> StoreResult<Organization> {
    Ok(Organization {
        id: OrganizationId::new(row.id),
        slug: slug(&row.slug)?,
        name: name(&row.name)?,
        issue_sync: row.issue_sync,
        created_at: at(row.created_at),
    })
}

pub(crate) fn user(row: users::Model) -> StoreResult<User> {
    Ok(User {
        id: UserId::new(row.id),
        name: name(&row.name)?,
        active: row.active,
        discord: row.discord.map(|id| discord(DiscordUserId::new, id)).transpose()?,
        created_at: at(row.created_at),
    })
}

pub(crate) fn user_email(row: &user_emails::Model) -> StoreResult<UserEmail> {
    Ok(UserEmail {
        user: UserId::new(row.user_id),
        address: EmailAddress::parse(&row.address).map_err(|_| damaged("address"))?,
        verified: row.verified,
    })
}

pub(crate) fn team(row: teams::Model) -> StoreResult<Team> {
    Ok(Team {
        id: TeamId::new(row.id),
        organization: OrganizationId::new(row.organization_id),
        slug: slug(&row.slug)?,
        name: name(&row.name)?,
        created_at: at(row.created_at),
    })
}

pub(crate) fn api_token(row: api_tokens::Model) -> StoreResult<ApiToken> {
    Ok(ApiToken {
        id: TokenId::from_uuid(row.id),
        name: name(&row.name)?,
        organization: row.organization_id.map(OrganizationId::new),
        digest: row.digest,
        created_at: at(row.created_at),
        expires_at: row.expires_at.map(at),
        revoked_at: row.revoked_at.map(at),
    })
}

pub(crate) fn project(row: projects::Model) -> StoreResult<Project> {
    Ok(Project {
        id: ProjectId::new(row.id),
        organization: OrganizationId::new(row.organization_id),
        slug: slug(&row.slug)?,
        name: name(&row.name)?,
        created_at: at(row.created_at),
    })
}

pub(crate) fn group(row: issue_groups::Model) -> StoreResult<Group> {
    Ok(Group {
        id: GroupId::from_uuid(row.id),
        organization: OrganizationId::new(row.organization_id),
        project: ProjectId::new(row.project_id),
        number: row.number,
        title: name(&row.title)?,
        level: Level::from_stored(&row.level).ok_or_else(|| damaged("level"))?,
        status: GroupStatus::from_stored(&row.status).ok_or_else(|| damaged("status"))?,
        last_event_at: at(row.last_event_at),
        created_at: at(row.created_at),
    })
}

pub(crate) fn group_row(group: &Group) -> issue_groups::Model {
    issue_groups::Model {
        id: group.id.get(),
        organization_id: group.organization.get(),
        project_id: group.project.get(),
        number: group.number,
        title: group.title.as_str().to_owned(),
        level: group.level.as_str().to_owned(),
        status: group.status.as_str().to_owned(),
        last_event_at: group.last_event_at.as_micros(),
        created_at: group.created_at.as_micros(),
    }
}

pub(crate) fn assignment_row(one: &Assignment) -> assignments::Model {
    let (user_id, team_id) = columns_of(Some(one.assignee));
    assignments::Model {
        group_id: one.group.get(),
        organization_id: one.organization.get(),
        project_id: one.project.get(),
        user_id,
        team_id,
        assigned_at: one.assigned_at.as_micros(),
    }
}

pub(crate) fn decision(row: &decisions::Model) -> StoreResult<Decision> {
    Ok(Decision {
        value: assignee_of(row.user_id, row.team_id),
        at: at(row.decided_at),
        source: from_json(&row.source)?,
    })
}

pub(crate) fn decision_row(group: GroupId, one: &Decision) -> StoreResult<decisions::Model> {
    let (user_id, team_id) = columns_of(one.value);
    let (decided_at, source) = (one.at.as_micros(), json(&one.source)?);
    Ok(decisions::Model { group_id: group.get(), user_id, team_id, decided_at, source })
}

pub(crate) fn activity(row: &activities::Model) -> StoreResult<Activity> {
    Ok(Activity {
        id: ActivityId::from_uuid(row.id),
        organization: OrganizationId::new(row.organization_id),
        project: ProjectId::new(row.project_id),
        group: GroupId::from_uuid(row.group_id),
        kind: from_json(&row.kind)?,
        source: row.source.as_deref().map(from_json).transpose()?,
        at: at(row.at),
    })
}

pub(crate) fn activity_row(one: &Activity) -> StoreResult<activities::Model> {
    Ok(activities::Model {
        id: one.id.get(),
        organization_id: one.organization.get(),
        project_id: one.project.get(),
        group_id: one.group.get(),
        kind: json(&one.kind)?,
        source: one.source.as_ref().map(json).transpose()?,
        at: one.at.as_micros(),
    })
}

pub(crate) fn follower_row(one: &Follower) -> followers::Model {
    let (who_kind, who_id) = who_of(one.who);
    followers::Model {
        group_id: one.group.get(),
        who_kind: who_kind.to_owned(),
        who_id,
        organization_id: one.organization.get(),
        reason: one.reason.as_str().to_owned(),
        following: one.following,
    }
}

pub(crate) fn integration(row: integrations::Model) -> StoreResult<Integration> {
    Ok(Integration {
        id: IntegrationId::from_uuid(row.id),
        collection_id: row.collection_id,
        name: name(&row.name)?,
        base_url: row.base_url,
        created_at: at(row.created_at),
    })
}

pub(crate) fn installation(row: installations::Model) -> Installation {
    Installation {
        id: InstallationId::from_uuid(row.id),
        organization: OrganizationId::new(row.organization_id),
        integration: IntegrationId::from_uuid(row.integration_id),
        credential: Sealed(row.credential),
        toggles: Toggles {
            inbound_assignee: row.inbound_assignee,
            outbound_assignee: row.outbound_assignee,
            inbound_status: row.inbound_status,
            outbound_status: row.outbound_status,
            comments: row.comments,
        },
        created_at: at(row.created_at),
    }
}

pub(crate) fn installation_row(one: &Installation) -> installations::Model {
    installations::Model {
        id: one.id.get(),
        organization_id: one.organization.get(),
        integration_id: one.integration.get(),
        credential: one.credential.0.clone(),
        inbound_assignee: one.toggles.inbound_assignee,
        outbound_assignee: one.toggles.outbound_assignee,
        inbound_status: one.toggles.inbound_status,
        outbound_status: one.toggles.outbound_status,
        comments: one.toggles.comments,
        created_at: one.created_at.as_micros(),
    }
}

pub(crate) fn connected_project(row: &connected_projects::Model) -> StoreResult<ConnectedProject> {
    Ok(ConnectedProject {
        organization: OrganizationId::new(row.organization_id),
        installation: InstallationId::from_uuid(row.installation_id),
        integration: IntegrationId::from_uuid(row.integration_id),
        azure_project: azure_project(&row.azure_project)?,
        name: name(&row.name)?,
        created_at: at(row.created_at),
    })
}

pub(crate) fn hook(row: hooks::Model) -> StoreResult<Hook> {
    Ok(Hook {
        id: HookId::from_uuid(row.id),
        organization: OrganizationId::new(row.organization_id),
        installation: InstallationId::from_uuid(row.installation_id),
        integration: IntegrationId::from_uuid(row.integration_id),
        azure_project: azure_project(&row.azure_project)?,
        event_type: EventType::from_stored(&row.event_type).ok_or_else(|| damaged("event type"))?,
        secret: Sealed(row.secret),
        subscription_id: row.subscription_id,
        status: HookStatus::from_stored(&row.status).ok_or_else(|| damaged("hook status"))?,
        created_at: at(row.created_at),
        updated_at: at(row.updated_at),
    })
}

pub(crate) fn hook_row(hook: &Hook) -> hooks::Model {
    hooks::Model {
        id: hook.id.get(),
        organization_id: hook.organization.get(),
        installation_id: hook.installation.get(),
        integration_id: hook.integration.get(),
        azure_project: hook.azure_project.as_str().to_owned(),
        event_type: hook.event_type.as_str().to_owned(),
        secret: hook.secret.0.clone(),
        subscription_id: hook.subscription_id.clone(),
        status: hook.status.as_str().to_owned(),
        created_at: hook.created_at.as_micros(),
        updated_at: hook.updated_at.as_micros(),
    }
}

pub(crate) fn external_issue(row: external_issues::Model) -> StoreResult<ExternalIssue> {
    Ok(ExternalIssue {
        id: ExternalIssueId::from_uuid(row.id),
        integration: IntegrationId::from_uuid(row.integration_id),
        number: WorkItemNumber::new(row.number),
        azure_project: azure_project(&row.azure_project)?,
        revision: Revision::new(row.revision),
        title: row.title,
        work_item_type: row.work_item_type,
        state: row.state,
        assignee: row.assignee.as_deref().map(from_json).transpose()?,
        url: row.url,
        changed_at: at(row.changed_at),
        observed_at: at(row.observed_at),
        deleted: row.deleted,
    })
}

pub(crate) fn external_issue_row(issue: &ExternalIssue) -> StoreResult<external_issues::Model> {
    Ok(external_issues::Model {
        id: issue.id.get(),
        integration_id: issue.integration.get(),
        number: issue.number.get(),
        azure_project: issue.azure_project.as_str().to_owned(),
        revision: issue.revision.get(),
        title: issue.title.clone(),
        work_item_type: issue.work_item_type.clone(),
        state: issue.state.clone(),
        assignee: issue.assignee.as_ref().map(json).transpose()?,
        url: issue.url.clone(),
        changed_at: issue.changed_at.as_micros(),
        observed_at: issue.observed_at.as_micros(),
        deleted: issue.deleted,
    })
}

pub(crate) fn group_link(row: &group_links::Model) -> StoreResult<GroupLink> {
    Ok(GroupLink {
        id: LinkId::from_uuid(row.id),
        organization: OrganizationId::new(row.organization_id),
        group: GroupId::from_uuid(row.group_id),
        external_issue: ExternalIssueId::from_uuid(row.external_issue_id),
        installation: InstallationId::from_uuid(row.installation_id),
        unresolved: row.unresolved.as_deref().map(from_json).transpose()?,
        created_at: at(row.created_at),
    })
}

/// The columns of somebody unresolved: as JSON, and what they are found by.
pub(crate) fn unresolved_columns(
    unresolved: Option<&Unresolved>,
) -> StoreResult<(Option<String>, Option<String>, Option<String>)> {
    let Some(one) = unresolved else { return Ok((None, None, None)) };
    Ok((Some(json(one)?), one.person.identity_id.clone(), one.person.unique_name.clone()))
}

pub(crate) fn group_link_row(link: &GroupLink) -> StoreResult<group_links::Model> {
    let (unresolved, unresolved_identity, unresolved_name) = unresolved_columns(link.unresolved.as_ref())?;
    Ok(group_links::Model {
        id: link.id.get(),
        organization_id: link.organization.get(),
        group_id: link.group.get(),
        external_issue_id: link.external_issue.get(),
        installation_id: link.installation.get(),
        unresolved,
        unresolved_identity,
        unresolved_name,
        created_at: link.created_at.as_micros(),
    })
}

pub(crate) fn mapping(row: identity_mappings::Model) -> IdentityMapping {
    IdentityMapping {
        id: MappingId::from_uuid(row.id),
        organization: OrganizationId::new(row.organization_id),
        integration: IntegrationId::from_uuid(row.integration_id),
        identity_id: row.identity_id,
        unique_name: row.unique_name,
        user: UserId::new(row.user_id),
        created_at: at(row.created_at),
    }
}

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
        disabled: row.disabled,
        created_at: at(row.created_at),
    })
}

pub(crate) fn route_row(route: &Route) -> routes::Model {
    routes::Model {
        id: route.id.get(),
        organization_id: route.organization.get(),
        project_id: route.project.get(),
        guild_id: signed(route.guild.get()),
        channel: signed(route.channel.get()),
        mode: route.mode.as_str().to_owned(),
        ids_only: route.ids_only,
        disabled: route.disabled.clone(),
        created_at: route.created_at.as_micros(),
    }
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
    }
}

pub(crate) fn claimed_delivery(row: deliveries::Model) -> StoreResult<ClaimedDelivery> {
    let event_type = row.event_type.as_deref().and_then(EventType::from_stored);
    Ok(ClaimedDelivery {
        id: DeliveryId::from_uuid(row.id),
        token: row.lease_token.ok_or_else(|| damaged("lease"))?,
        hook: HookId::from_uuid(row.hook_id),
        integration: IntegrationId::from_uuid(row.integration_id),
        azure_project: azure_project(&row.azure_project)?,
        event_type: event_type.ok_or_else(|| damaged("event type"))?,
        work_item: row.work_item.map(WorkItemNumber::new).ok_or_else(|| damaged("work item number"))?,
        payload: row.payload,
        attempts: u32::try_from(row.attempts).unwrap_or(0),
        received_at: at(row.received_at),
    })
}

/// The columns of a delivery that are shown: all but its payload.
#[derive(Debug, FromQueryResult)]
pub(crate) struct DeliverySummary {
    pub(crate) id: Uuid,
    hook_id: Uuid,
    integration_id: Uuid,
    azure_project: String,
    event_type: Option<String>,
    work_item: Option<i64>,
    state: String,
    reason: Option<String>,
    attempts: i32,
    duplicates: i32,
    received_at: i64,
    finished_at: Option<i64>,
}

pub(crate) fn delivery(row: DeliverySummary) -> StoreResult<DeliveryRecord> {
    Ok(DeliveryRecord {
        id: DeliveryId::from_uuid(row.id),
        hook: HookId::from_uuid(row.hook_id),
        integration: IntegrationId::from_uuid(row.integration_id),
        azure_project: azure_project(&row.azure_project)?,
        event_type: row.event_type.as_deref().and_then(EventType::from_stored),
        work_item: row.work_item.map(WorkItemNumber::new),
        state: DeliveryState::from_stored(&row.state).ok_or_else(|| damaged("delivery state"))?,
        reason: row.reason,
        attempts: u32::try_from(row.attempts).unwrap_or(0),
        duplicates: u32::try_from(row.duplicates).unwrap_or(0),
        received_at: at(row.received_at),
        finished_at: row.finished_at.map(at),
    })
}

pub(crate) fn claimed_task(row: &outbox::Model) -> StoreResult<ClaimedTask> {
    Ok(ClaimedTask {
        id: OutboxId::from_uuid(row.id),
        token: row.lease_token.ok_or_else(|| damaged("lease"))?,
        generation: row.generation,
        organization: OrganizationId::new(row.organization_id),
        task: from_json(&row.task)?,
        attempts: u32::try_from(row.attempts).unwrap_or(0),
    })
}

pub(crate) fn outbox_record(row: &outbox::Model) -> StoreResult<OutboxRecord> {
    Ok(OutboxRecord {
        id: OutboxId::from_uuid(row.id),
        task: from_json(&row.task)?,
        state: OutboxState::from_stored(&row.state).ok_or_else(|| damaged("outbox state"))?,
        attempts: u32::try_from(row.attempts).unwrap_or(0),
        due_at: at(row.due_at),
        reason: row.reason.clone(),
    })
}
