//! What a person may see: through the teams that they and a project share.

use super::project::{group_view, visible_groups};
use super::{Order, first, page, page_of};
use crate::row;
use crate::sql::Sql;
use crate::table::users;
use handoff_domain::group::GroupStatus;
use handoff_domain::id::{OrganizationId, ProjectId, UserId};
use handoff_domain::organization::User;
use handoff_domain::page::{Page, PageRequest};
use handoff_domain::port::read::GroupView;
use handoff_domain::port::store::StoreResult;
use handoff_domain::slug::Slug;
use sea_orm::ConnectionTrait;

/// Escapes what a pattern would not take as itself.
const ESCAPE: char = '\\';

/// Appended to a condition on groups `g`: one of the project's teams has the user.
fn seen_by(groups: Sql, user: UserId) -> Sql {
    let groups = groups.text(
        " AND EXISTS (SELECT 1 FROM project_teams j JOIN team_members m ON m.team_id = j.team_id \
         WHERE j.project_id = g.project_id AND m.user_id = ",
    );
    groups.bind(user.get()).text(")")
}

/// The latest event first.
async fn latest(on: &impl ConnectionTrait, groups: Sql, limit: u16) -> StoreResult<Vec<GroupView>> {
    let groups = groups.text(" ORDER BY g.last_event_at DESC, g.id DESC LIMIT ").bind(i64::from(limit));
    groups.all(on).await?.iter().map(group_view).collect()
}

pub(super) async fn is_project_member(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    user: UserId,
    project: ProjectId,
) -> StoreResult<bool> {
    let joined = Sql::new(
        "SELECT 1 AS found FROM projects p JOIN project_teams j ON j.project_id = p.id \
         JOIN team_members m ON m.team_id = j.team_id WHERE p.hidden_at IS NULL AND p.organization_id = ",
    );
    let joined = joined.bind(organization.get()).text(" AND p.id = ").bind(project.get());
    let joined = joined.text(" AND m.user_id = ").bind(user.get()).text(" LIMIT 1").one(on).await?;
    Ok(joined.is_some())
}

pub(super) async fn project_users(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    project: ProjectId,
    asked: PageRequest<UserId>,
) -> StoreResult<Page<User>> {
    let of_project = Sql::new(
        "SELECT u.* FROM users u WHERE u.active AND EXISTS (SELECT 1 FROM projects p \
         JOIN project_teams j ON j.project_id = p.id JOIN team_members m ON m.team_id = j.team_id \
         WHERE m.user_id = u.id AND p.hidden_at IS NULL AND p.organization_id = ",
    );
    let of_project = of_project.bind(organization.get()).text(" AND p.id = ").bind(project.get()).text(")");
    let of_project = page_of(of_project, "u.id", Order::OldestFirst, asked.after.map(UserId::get), asked.limit);
    page(of_project.models::<users::Model>(on).await?, asked.limit, row::user)
}

pub(super) async fn group_by_number(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    slug: &Slug,
    number: i64,
) -> StoreResult<Option<GroupView>> {
    let one = visible_groups(organization).text(" AND p.slug = ").bind(slug.as_str());
    first(one.text(" AND g.number = ").bind(number).one(on).await?, group_view)
}

pub(super) async fn groups_assigned_to(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    user: UserId,
    limit: u16,
) -> StoreResult<Vec<GroupView>> {
    let theirs = visible_groups(organization).text(" AND a.user_id = ").bind(user.get());
    let theirs = theirs.text(" AND g.status = ").bind(GroupStatus::Unresolved.as_str());
    latest(on, seen_by(theirs, user), limit).await
}

pub(super) async fn groups_matching(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    user: UserId,
    text: &str,
    limit: u16,
) -> StoreResult<Vec<GroupView>> {
    let text = literally(&text.to_ascii_lowercase());
    let matching = seen_by(visible_groups(organization), user).text(" AND (p.slug || '-' || g.number LIKE ");
    let matching = matching.bind(format!("{text}%")).text(" ESCAPE '\\' OR lower(g.title) LIKE ");
    let matching = matching.bind(format!("%{text}%")).text(" ESCAPE '\\')");
    latest(on, matching, limit).await
}

/// A text as a pattern that only the text itself matches.
fn literally(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | ESCAPE) {
            pattern.push(ESCAPE);
        }
        pattern.push(c);
    }
    pattern
}
