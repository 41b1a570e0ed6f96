//! Integrations, installations, hooks, mirrored work items, links and identities.

use super::{at, azure_project, from_json, json, name};
use crate::error::{Stored, damaged};
use crate::table::{
    connected_projects, external_issues, group_links, hooks, identity_mappings, installations, integrations,
    tracking_rules,
};
use handoff_domain::hook::{EventType, Hook, HookStatus};
use handoff_domain::id::{
    ExternalIssueId, GroupId, HookId, InstallationId, IntegrationId, LinkId, MappingId, OrganizationId, ProjectId,
    Revision, TrackingRuleId, UserId, WorkItemNumber,
};
use handoff_domain::integration::{ConnectedProject, Installation, Integration, Toggles};
use handoff_domain::person::{IdentityMapping, Person, Unresolved};
use handoff_domain::port::store::StoreResult;
use handoff_domain::secret::Sealed;
use handoff_domain::time::Timestamp;
use handoff_domain::tracking::{TrackingFilter, TrackingRule};
use handoff_domain::work_item::{ExternalIssue, GroupLink};
use sea_orm::{FromQueryResult, QueryResult};

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
            siblings: row.siblings,
        },
        credential_expires_at: row.credential_expires_at.map(at),
        created_at: at(row.created_at),
    }
}

/// The toggles in a row of an installation, whatever else is in it.
pub(crate) fn toggles_in(row: &QueryResult) -> StoreResult<Toggles> {
    installations::Model::from_query_result(row, "").stored().map(|found| installation(found).toggles)
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
        siblings: one.toggles.siblings,
        created_at: one.created_at.as_micros(),
        credential_expires_at: one.credential_expires_at.map(Timestamp::as_micros),
    }
}

pub(crate) fn connected_project(row: &connected_projects::Model) -> StoreResult<ConnectedProject> {
    Ok(ConnectedProject {
        organization: OrganizationId::new(row.organization_id),
        installation: InstallationId::from_uuid(row.installation_id),
        integration: IntegrationId::from_uuid(row.integration_id),
        azure_project: azure_project(&row.azure_project)?,
        name: name(&row.name)?,
        state_map: row.state_map.as_deref().map(from_json).transpose()?.unwrap_or_default(),
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
        checked_at: row.checked_at.map(at),
        unseen: row.unseen,
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
        checked_at: hook.checked_at.map(Timestamp::as_micros),
        unseen: hook.unseen.clone(),
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
        area_path: row.area_path,
        tags: from_json(&row.tags)?,
        url: row.url,
        changed_at: at(row.changed_at),
        observed_at: at(row.observed_at),
        deleted: row.deleted,
        assignee_changed_at: at(row.assignee_changed_at),
        state_changed_at: at(row.state_changed_at),
        pending: row.pending.as_deref().map(from_json).transpose()?,
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
        area_path: issue.area_path.clone(),
        tags: json(&issue.tags)?,
        url: issue.url.clone(),
        changed_at: issue.changed_at.as_micros(),
        observed_at: issue.observed_at.as_micros(),
        deleted: issue.deleted,
        assignee_changed_at: issue.assignee_changed_at.as_micros(),
        state_changed_at: issue.state_changed_at.as_micros(),
        pending: issue.pending.as_ref().map(json).transpose()?,
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
        problem: row.problem.clone(),
        created_at: at(row.created_at),
    })
}

/// The columns of somebody unresolved: as JSON, what they are found by, and what they are listed by.
pub(crate) fn unresolved_columns(unresolved: Option<&Unresolved>) -> StoreResult<[Option<String>; 4]> {
    let Some(one) = unresolved else { return Ok([None, None, None, None]) };
    let Person { identity_id, unique_name, .. } = &one.person;
    Ok([Some(json(one)?), identity_id.clone(), unique_name.clone(), Some(one.key())])
}

pub(crate) fn group_link_row(link: &GroupLink) -> StoreResult<group_links::Model> {
    let [unresolved, unresolved_identity, unresolved_name, unresolved_key] =
        unresolved_columns(link.unresolved.as_ref())?;
    Ok(group_links::Model {
        id: link.id.get(),
        organization_id: link.organization.get(),
        group_id: link.group.get(),
        external_issue_id: link.external_issue.get(),
        installation_id: link.installation.get(),
        unresolved,
        unresolved_identity,
        unresolved_name,
        problem: link.problem.clone(),
        created_at: link.created_at.as_micros(),
        unresolved_key,
    })
}

pub(crate) fn tracking_rule(row: tracking_rules::Model) -> StoreResult<TrackingRule> {
    Ok(TrackingRule {
        id: TrackingRuleId::from_uuid(row.id),
        organization: OrganizationId::new(row.organization_id),
        installation: InstallationId::from_uuid(row.installation_id),
        integration: IntegrationId::from_uuid(row.integration_id),
        azure_project: azure_project(&row.azure_project)?,
        project: ProjectId::new(row.project_id),
        filter: TrackingFilter { work_item_type: row.work_item_type, area_path: row.area_path, tag: row.tag },
        created_at: at(row.created_at),
    })
}

pub(crate) fn tracking_rule_row(rule: &TrackingRule) -> tracking_rules::Model {
    tracking_rules::Model {
        id: rule.id.get(),
        organization_id: rule.organization.get(),
        installation_id: rule.installation.get(),
        integration_id: rule.integration.get(),
        azure_project: rule.azure_project.as_str().to_owned(),
        project_id: rule.project.get(),
        work_item_type: rule.filter.work_item_type.clone(),
        area_path: rule.filter.area_path.clone(),
        tag: rule.filter.tag.clone(),
        created_at: rule.created_at.as_micros(),
    }
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
