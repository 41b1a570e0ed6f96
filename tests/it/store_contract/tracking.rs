//! Tracking rules, the work items that they gave groups to, imported teams, and who is unresolved, by person.

use super::fixtures::*;
use super::{Shared, on_every_backend};
use handoff_domain::id::{IntegrationId, LinkId, ProjectId, TrackingRuleId, WorkItemNumber};
use handoff_domain::page::PageRequest;
use handoff_domain::person::{Unresolved, UnresolvedPerson, UnresolvedReason};
use handoff_domain::tracking::{TrackedItem, TrackingFilter, TrackingRule};
use handoff_domain::work_item::AzureProjectId;
use uuid::Uuid;

on_every_backend![
    a_rule_reads_back_as_it_was_written_changes_and_goes,
    the_rules_of_a_hidden_project_are_not_seen_and_a_connection_takes_its_rules_along,
    one_group_for_each_work_item_and_project_by_rule_or_by_link,
    a_connection_that_a_rule_needs_is_needed,
    an_import_remembers_its_team_once,
    the_end_of_a_credential_is_kept_and_forgotten,
    unresolved_people_are_counted_by_person_reason_and_tracker_page_by_page,
];

const OTHER: ProjectId = ProjectId::new(7);

fn rule(id: u128, project: ProjectId) -> TrackingRule {
    TrackingRule {
        id: TrackingRuleId::from_uuid(Uuid::from_u128(id)),
        organization: ADAS,
        installation: INSTALLATION,
        integration: INTEGRATION,
        azure_project: azure_project(),
        project,
        filter: TrackingFilter::parse(Some("Bug"), Some("Pay\\Mill"), None).unwrap(),
        created_at: NOW,
    }
}

fn item(project: ProjectId, number: i64) -> TrackedItem {
    TrackedItem {
        organization: ADAS,
        project,
        integration: INTEGRATION,
        number: WorkItemNumber::new(number),
        group: GROUP,
    }
}

async fn a_rule_reads_back_as_it_was_written_changes_and_goes(store: Shared) {
    tracker(&store).await;
    let mut uow = begin(&store).await;
    uow.put_tracking_rule(&rule(1, PROJECT)).await.unwrap();
    uow.put_tracking_rule(&rule(2, PROJECT)).await.unwrap();
    let changed = TrackingRule { filter: TrackingFilter::default(), ..rule(2, PROJECT) };
    uow.put_tracking_rule(&changed).await.unwrap();
    let both = vec![rule(1, PROJECT), changed];
    assert_eq!(uow.tracking_rules_of(INSTALLATION, &azure_project()).await.unwrap(), both);
    let elsewhere = AzureProjectId::parse("99999999-2222-3333-4444-555555555555").unwrap();
    assert_eq!(uow.tracking_rules_about(&[elsewhere.clone(), azure_project()]).await.unwrap(), both);
    assert!(uow.tracking_rules_about(&[elsewhere]).await.unwrap().is_empty());
    uow.commit().await.unwrap();

    let page = store.tracking_rules(ADAS, PageRequest { after: None, limit: 1 }).await.unwrap();
    assert_eq!((page.items.as_slice(), page.more), (&both[..1], true));
    let rest = store.tracking_rules(ADAS, PageRequest { after: Some(both[0].id), limit: 1 }).await.unwrap();
    assert_eq!((rest.items.as_slice(), rest.more), (&both[1..], false));
    assert_eq!(store.tracking_rule(ADAS, both[0].id).await.unwrap().as_ref(), both.first());
    assert_eq!(store.tracking_rule(BOBS, both[0].id).await.unwrap(), None);
    assert!(store.tracking_rules(BOBS, PageRequest::first()).await.unwrap().items.is_empty());

    let mut uow = begin(&store).await;
    assert_eq!(uow.delete_tracking_rule(BOBS, both[0].id).await.unwrap(), None);
    assert_eq!(uow.delete_tracking_rule(ADAS, both[0].id).await.unwrap().as_ref(), both.first());
    assert_eq!(uow.delete_tracking_rule(ADAS, both[0].id).await.unwrap(), None);
    assert_eq!(uow.delete_tracking_rules_of(PROJECT).await.unwrap(), both[1..]);
    assert!(uow.delete_tracking_rules_of(PROJECT).await.unwrap().is_empty());
}

async fn the_rules_of_a_hidden_project_are_not_seen_and_a_connection_takes_its_rules_along(store: Shared) {
    tracker(&store).await;
    let mut uow = begin(&store).await;
    uow.insert_project(&project(7, "other")).await.unwrap();
    uow.put_tracking_rule(&rule(1, PROJECT)).await.unwrap();
    uow.put_tracking_rule(&rule(2, OTHER)).await.unwrap();
    uow.hide_project(ADAS, OTHER, NOW).await.unwrap();
    assert_eq!(uow.tracking_rules_of(INSTALLATION, &azure_project()).await.unwrap(), [rule(1, PROJECT)]);
    assert_eq!(uow.tracking_rules_about(&[azure_project()]).await.unwrap(), [rule(1, PROJECT)]);
    uow.delete_project(OTHER).await.unwrap();
    assert!(uow.delete_connected_project(INSTALLATION, &azure_project()).await.unwrap());
    uow.commit().await.unwrap();
    assert!(store.tracking_rules(ADAS, PageRequest::first()).await.unwrap().items.is_empty());
}

async fn one_group_for_each_work_item_and_project_by_rule_or_by_link(store: Shared) {
    world(&store).await;
    let mut uow = begin(&store).await;
    uow.insert_project(&project(7, "other")).await.unwrap();
    uow.insert_tracked_item(&item(PROJECT, 7)).await.unwrap();
    uow.insert_tracked_item(&item(OTHER, 8)).await.unwrap();
    let foreign = IntegrationId::from_uuid(Uuid::from_u128(99));
    let asked: Vec<_> = [(INTEGRATION, 7), (INTEGRATION, 8), (INTEGRATION, ITEM.get()), (foreign, 7)]
        .map(|(of, number)| (of, WorkItemNumber::new(number)))
        .to_vec();
    let key = |project, number| (project, INTEGRATION, WorkItemNumber::new(number));
    let found = uow.tracked(&[PROJECT], &asked).await.unwrap();
    assert_eq!(found, [key(PROJECT, 7), key(PROJECT, ITEM.get())].into());
    let found = uow.tracked(&[PROJECT, OTHER], &asked).await.unwrap();
    assert_eq!(found, [key(PROJECT, 7), key(PROJECT, ITEM.get()), key(OTHER, 8)].into());
    assert!(uow.tracked(&[], &asked).await.unwrap().is_empty());
    assert!(uow.tracked(&[PROJECT], &[]).await.unwrap().is_empty());
    uow.commit().await.unwrap();

    let mut uow = begin(&store).await;
    let twice = uow.insert_tracked_item(&item(PROJECT, 7)).await.unwrap_err();
    assert!(twice.is_conflict_with("tracked_items_pkey"), "{twice}");
    drop(uow);
    let mut uow = begin(&store).await;
    uow.delete_groups(&[GROUP]).await.unwrap();
    assert!(uow.tracked(&[PROJECT, OTHER], &asked).await.unwrap().is_empty());
}

async fn a_connection_that_a_rule_needs_is_needed(store: Shared) {
    world(&store).await;
    let mut uow = begin(&store).await;
    uow.put_tracking_rule(&rule(1, PROJECT)).await.unwrap();
    uow.delete_link(ADAS, LINK).await.unwrap();
    assert!(uow.unneeded_connections(ADAS, &[ISSUE]).await.unwrap().is_empty());
    uow.delete_tracking_rule(ADAS, rule(1, PROJECT).id).await.unwrap();
    assert_eq!(uow.unneeded_connections(ADAS, &[ISSUE]).await.unwrap(), [connected()]);
}

async fn an_import_remembers_its_team_once(store: Shared) {
    tracker(&store).await;
    let mut uow = begin(&store).await;
    assert_eq!(uow.imported_team(ADAS, INTEGRATION, &azure_project()).await.unwrap(), None);
    uow.insert_imported_team(ADAS, INTEGRATION, &azure_project(), TEAM).await.unwrap();
    assert_eq!(uow.imported_team(ADAS, INTEGRATION, &azure_project()).await.unwrap(), Some(TEAM));
    assert_eq!(uow.imported_team(BOBS, INTEGRATION, &azure_project()).await.unwrap(), None);
    let twice = uow.insert_imported_team(ADAS, INTEGRATION, &azure_project(), TEAM).await.unwrap_err();
    assert!(twice.is_conflict_with("imported_teams_pkey"), "{twice}");
}

async fn the_end_of_a_credential_is_kept_and_forgotten(store: Shared) {
    tracker(&store).await;
    for at in [Some(seconds(5)), None] {
        let mut uow = begin(&store).await;
        assert!(!uow.set_credential_expiry(BOBS, INSTALLATION, Some(NOW)).await.unwrap());
        assert!(uow.set_credential_expiry(ADAS, INSTALLATION, at).await.unwrap());
        uow.commit().await.unwrap();
        let (found, _) = store.installation(ADAS, INSTALLATION).await.unwrap().unwrap();
        assert_eq!(found.credential_expires_at, at);
    }
}

async fn unresolved_people_are_counted_by_person_reason_and_tracker_page_by_page(store: Shared) {
    world(&store).await;
    let mut uow = begin(&store).await;
    let somebody = |id: Option<&str>, name: Option<&str>, reason| Unresolved { person: person(id, name), reason };
    let outside = somebody(Some("g1"), None, UnresolvedReason::OutsideProject);
    let shown = somebody(None, None, UnresolvedReason::Unknown);
    for number in 2..=9_u8 {
        let (id, of) = (u128::from(number), i64::from(number));
        uow.insert_group(&group(id, of)).await.unwrap();
        uow.put_external_issues(&[issue(id, of)]).await.unwrap();
        uow.insert_link(&link(id, group(id, of).id, issue(id, of).id)).await.unwrap();
    }
    let changed = [(8, Some(outside.clone())), (9, Some(shown.clone()))];
    let changed = changed.map(|(id, who)| (LinkId::from_uuid(Uuid::from_u128(id)), who));
    uow.set_unresolved(&changed).await.unwrap();
    uow.commit().await.unwrap();

    let mut found: Vec<UnresolvedPerson> = Vec::new();
    loop {
        let after = found.last().map(UnresolvedPerson::key);
        let page = store.unresolved_people(ADAS, PageRequest { after, limit: 1 }).await.unwrap();
        assert_eq!(page.items.len(), 1);
        found.extend(page.items);
        if !page.more {
            break;
        }
    }
    let first: Vec<_> = (1..=5).map(|id| group(id, 1).id).collect();
    let eve = link(1, GROUP, ISSUE).unresolved.unwrap();
    let one = |unresolved, links, groups| UnresolvedPerson { integration: INTEGRATION, unresolved, links, groups };
    assert_eq!(found, [one(outside, 1, vec![group(8, 8).id]), one(eve, 7, first), one(shown, 1, vec![group(9, 9).id])]);
    assert!(store.unresolved_people(BOBS, PageRequest::first()).await.unwrap().items.is_empty());
}
