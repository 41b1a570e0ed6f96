//! Projects, groups, and what hangs on a group.

use super::{assignee_of, at, columns_of, from_json, json, name, slug, who_of};
use crate::error::damaged;
use crate::table::{activities, assignments, decisions, followers, issue_groups, projects};
use handoff_domain::assignee::{Activity, Assignment, Decision, Follower};
use handoff_domain::group::{Group, GroupStatus, Level};
use handoff_domain::id::{ActivityId, GroupId, OrganizationId, ProjectId};
use handoff_domain::port::store::StoreResult;
use handoff_domain::project::Project;

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

/// The decision about its status, where there was one.
pub(crate) fn status_decision(row: &issue_groups::Model) -> StoreResult<Option<Decision<GroupStatus>>> {
    let (Some(decided_at), Some(source)) = (row.status_decided_at, row.status_source.as_deref()) else {
        return Ok(None);
    };
    let value = GroupStatus::from_stored(&row.status).ok_or_else(|| damaged("status"))?;
    Ok(Some(Decision { value, at: at(decided_at), source: from_json(source)? }))
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
        status_decided_at: None,
        status_source: None,
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
