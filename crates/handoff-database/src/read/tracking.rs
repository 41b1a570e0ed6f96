//! Tracking rules, and the people for whom links wait.

use super::{Order, page, page_of};
use crate::error::{Stored, damaged};
use crate::read::tracker::{linked, with_issue};
use crate::row;
use crate::sql::Sql;
use crate::table::tracking_rules;
use handoff_domain::id::{IntegrationId, OrganizationId, TrackingRuleId};
use handoff_domain::page::{Page, PageRequest};
use handoff_domain::person::{UnresolvedKey, UnresolvedPerson};
use handoff_domain::port::store::StoreResult;
use handoff_domain::tracking::TrackingRule;
use sea_orm::{ConnectionTrait, QueryResult};
use std::collections::HashMap;

/// The organization's rules of visible projects.
fn own_rules(organization: OrganizationId) -> Sql {
    Sql::new(
        "SELECT r.* FROM tracking_rules r JOIN projects p ON p.id = r.project_id \
         WHERE p.hidden_at IS NULL AND r.organization_id = ",
    )
    .bind(organization.get())
}

pub(super) async fn tracking_rules(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    asked: PageRequest<TrackingRuleId>,
) -> StoreResult<Page<TrackingRule>> {
    let after = asked.after.map(TrackingRuleId::get);
    let own = page_of(own_rules(organization), "r.id", Order::OldestFirst, after, asked.limit);
    page(own.models::<tracking_rules::Model>(on).await?, asked.limit, row::tracking_rule)
}

pub(super) async fn tracking_rule(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    id: TrackingRuleId,
) -> StoreResult<Option<TrackingRule>> {
    let own = own_rules(organization).text(" AND r.id = ").bind(id.get());
    own.models::<tracking_rules::Model>(on).await?.into_iter().next().map(row::tracking_rule).transpose()
}

/// Two queries: how many links wait for each, and the oldest of them.
pub(super) async fn unresolved_people(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    asked: PageRequest<UnresolvedKey>,
) -> StoreResult<Page<UnresolvedPerson>> {
    let counted = Page::from_one_more(counts(on, organization, &asked).await?, asked.limit);
    let mut people = examples(on, organization, &counted.items).await?;
    let items = counted.items.into_iter().map(|(key, links)| {
        let one = people.remove(&key).ok_or_else(|| damaged("unresolved person"));
        one.map(|one| UnresolvedPerson { links, ..one })
    });
    Ok(Page { items: items.collect::<StoreResult<_>>()?, more: counted.more })
}

async fn counts(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    asked: &PageRequest<UnresolvedKey>,
) -> StoreResult<Vec<(UnresolvedKey, u64)>> {
    let query = Sql::new(
        "SELECT l.unresolved_key AS who, e.integration_id AS integration, COUNT(*) AS links FROM group_links l \
         JOIN external_issues e ON e.id = l.external_issue_id JOIN issue_groups g ON g.id = l.group_id \
         JOIN projects p ON p.id = g.project_id \
         WHERE p.hidden_at IS NULL AND l.unresolved IS NOT NULL AND l.organization_id = ",
    );
    let mut query = query.bind(organization.get());
    if let Some(after) = &asked.after {
        query = query.text(" AND (l.unresolved_key > ").bind(after.who.as_str()).text(" OR (l.unresolved_key = ");
        query =
            query.bind(after.who.as_str()).text(" AND e.integration_id > ").bind(after.integration.get()).text("))");
    }
    let query = query.text(" GROUP BY l.unresolved_key, e.integration_id ORDER BY who, integration LIMIT ");
    let read = |found: &QueryResult| {
        let links: i64 = found.try_get("", "links").stored()?;
        Ok((key(found)?, u64::try_from(links).unwrap_or(0)))
    };
    query.bind(i64::from(asked.limit) + 1).all(on).await?.iter().map(read).collect()
}

fn key(found: &QueryResult) -> StoreResult<UnresolvedKey> {
    let integration = found.try_get("", "integration").stored()?;
    Ok(UnresolvedKey { who: found.try_get("", "who").stored()?, integration: IntegrationId::from_uuid(integration) })
}

/// Each of these people with the groups of their oldest links.
async fn examples(
    on: &impl ConnectionTrait,
    organization: OrganizationId,
    counted: &[(UnresolvedKey, u64)],
) -> StoreResult<HashMap<UnresolvedKey, UnresolvedPerson>> {
    let oldest = linked(organization).text(" AND l.unresolved IS NOT NULL AND l.id IN (SELECT id FROM (SELECT w.id, ");
    let oldest = oldest.text(
        "ROW_NUMBER() OVER (PARTITION BY w.unresolved_key, f.integration_id ORDER BY w.id) AS place \
         FROM group_links w JOIN external_issues f ON f.id = w.external_issue_id \
         JOIN issue_groups h ON h.id = w.group_id JOIN projects q ON q.id = h.project_id \
         WHERE q.hidden_at IS NULL AND w.unresolved IS NOT NULL AND w.organization_id = ",
    );
    let oldest = oldest.bind(organization.get()).text(" AND w.unresolved_key IN ");
    let oldest = oldest.list(counted.iter().map(|(key, _)| key.who.as_str())).text(") AS ranked WHERE place <= ");
    let most = i64::try_from(UnresolvedPerson::GROUPS).unwrap_or(i64::MAX);
    let mut people: HashMap<UnresolvedKey, UnresolvedPerson> = HashMap::new();
    for found in oldest.bind(most).text(") ORDER BY l.id").all(on).await? {
        let (link, issue) = with_issue(&found)?;
        let unresolved = link.unresolved.ok_or_else(|| damaged("unresolved person"))?;
        let key = UnresolvedKey { who: unresolved.key(), integration: issue.integration };
        let integration = issue.integration;
        let new = || UnresolvedPerson { integration, unresolved, links: 0, groups: Vec::new() };
        people.entry(key).or_insert_with(new).groups.push(link.group);
    }
    Ok(people)
}
