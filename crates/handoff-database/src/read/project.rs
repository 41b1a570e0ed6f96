//! Projects, their groups and what happened to those.

use super::{Order, page, page_of};
use crate::error::Stored;
use crate::project::doomed_project;
use crate::row;
use crate::sql::Sql;
use crate::table::{activities, issue_groups, projects, teams};
use handoff_domain::assignee::Activity;
use handoff_domain::id::{ActivityId, GroupId, OrganizationId, ProjectId};
use handoff_domain::organization::Team;
use handoff_domain::page::{Page, PageRequest};
use handoff_domain::port::read::GroupView;
use handoff_domain::port::store::{DoomedProject, StoreResult};
use handoff_domain::project::Project;
use handoff_domain::slug::Slug;
use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult};

fn visible_projects(organization: OrganizationId) -> Sql {
    Sql::new("SELECT * FROM projects WHERE hidden_at IS NULL AND organization_id = ").bind(organization.get())
}

async fn one_project(on: &impl ConnectionTrait, sql: Sql) -> StoreResult<Option<Project>> {
    sql.models::<projects::Model>(on).await?.pop().map(row::project).transpose()
}

pub(super) async fn projects(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    asked: PageRequest<ProjectId>,
) -> StoreResult<Page<Project>> {
    let after = asked.after.map(ProjectId::get);
    let own = page_of(visible_projects(organization), "id", Order::OldestFirst, after, asked.limit);
    page(own.models::<projects::Model>(on).await?, asked.limit, row::project)
}

pub(super) async fn project(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    id: ProjectId,
) -> StoreResult<Option<Project>> {
    one_project(on, visible_projects(organization).text(" AND id = ").bind(id.get())).await
}

pub(super) async fn project_by_slug(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    slug: &Slug,
) -> StoreResult<Option<Project>> {
    one_project(on, visible_projects(organization).text(" AND slug = ").bind(slug.as_str())).await
}

pub(super) async fn project_teams(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    project: ProjectId,
) -> StoreResult<Vec<Team>> {
    let joined = Sql::new(
        "SELECT t.* FROM teams t JOIN project_teams j ON j.team_id = t.id JOIN projects p ON p.id = j.project_id \
         WHERE p.hidden_at IS NULL AND p.organization_id = ",
    );
    let joined = joined.bind(organization.get()).text(" AND t.organization_id = ").bind(organization.get());
    let joined = joined.text(" AND p.id = ").bind(project.get()).text(" ORDER BY t.id");
    joined.models::<teams::Model>(on).await?.into_iter().map(row::team).collect()
}

pub(super) async fn doomed_projects(on: &impl ConnectionTrait, limit: u16) -> StoreResult<Vec<DoomedProject>> {
    let hidden = Sql::new("SELECT * FROM projects WHERE hidden_at IS NOT NULL ORDER BY hidden_at, id LIMIT ");
    let hidden = hidden.bind(i64::from(limit)).models::<projects::Model>(on).await?;
    hidden.into_iter().map(doomed_project).collect()
}

pub(super) fn visible_groups(organization: OrganizationId) -> Sql {
    Sql::new(
        "SELECT g.*, p.slug AS project_slug, a.user_id, a.team_id FROM issue_groups g \
         JOIN projects p ON p.id = g.project_id LEFT JOIN assignments a ON a.group_id = g.id \
         WHERE p.hidden_at IS NULL AND g.organization_id = ",
    )
    .bind(organization.get())
}

pub(super) fn group_view(found: &QueryResult) -> StoreResult<GroupView> {
    let project_slug: String = found.try_get("", "project_slug").stored()?;
    let (user, team) = (found.try_get("", "user_id").stored()?, found.try_get("", "team_id").stored()?);
    Ok(GroupView {
        group: row::group(issue_groups::Model::from_query_result(found, "").stored()?)?,
        project_slug: row::slug(&project_slug)?,
        assignee: row::assignee_of(user, team),
    })
}

pub(super) async fn groups(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    project: ProjectId,
    asked: PageRequest<GroupId>,
) -> StoreResult<Page<GroupView>> {
    let own = visible_groups(organization).text(" AND g.project_id = ").bind(project.get());
    let own = page_of(own, "g.id", Order::OldestFirst, asked.after.map(GroupId::get), asked.limit);
    page(own.all(on).await?, asked.limit, |row| group_view(&row))
}

pub(super) async fn group(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    id: GroupId,
) -> StoreResult<Option<GroupView>> {
    super::first(visible_groups(organization).text(" AND g.id = ").bind(id.get()).one(on).await?, group_view)
}

pub(super) async fn activities(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    group: GroupId,
    asked: PageRequest<ActivityId>,
) -> StoreResult<Page<Activity>> {
    let of_group = Sql::new(
        "SELECT a.* FROM activities a JOIN projects p ON p.id = a.project_id \
         WHERE p.hidden_at IS NULL AND a.organization_id = ",
    );
    let of_group = of_group.bind(organization.get()).text(" AND a.group_id = ").bind(group.get());
    let of_group = page_of(of_group, "a.id", Order::NewestFirst, asked.after.map(ActivityId::get), asked.limit);
    page(of_group.models::<activities::Model>(on).await?, asked.limit, |found| row::activity(&found))
}
