//! A large project is deleted while the worker that takes it apart dies again and again and its people go
//! on assigning: in the end nothing of it is left.

use handoff_domain::assignee::{Activity, ActivityKind, Assignee, Assignment, ChangeSource, Decision};
use handoff_domain::assignee::{FollowReason, Follower};
use handoff_domain::group::{Group, GroupStatus, Level};
use handoff_domain::id::{ActivityId, GroupId, OrganizationId, ProjectId, UserId};
use handoff_domain::port::Clock;
use handoff_domain::text::Name;
use handoff_tests::crash::dying_after;
use handoff_tests::instance::Setup;
use handoff_tests::scene::Scene;
use handoff_tests::sql;
use handoff_worker::Workers;
use reqwest::Method;
use serde_json::{Value, json};

const GROUPS: usize = 5_000;
/// The number of the first of them, past those that are made through the API.
const FIRST_NUMBER: usize = 1_000;
/// Groups written in one transaction.
const BATCH: usize = 500;
/// What hangs on a project.
const TABLES: [&str; 13] = [
    "projects",
    "project_teams",
    "notification_settings",
    "issue_groups",
    "assignments",
    "decisions",
    "activities",
    "followers",
    "external_issues",
    "group_links",
    "routes",
    "messages",
    "connected_projects",
];

/// Writes so many groups of Ada's past the API.
async fn fill(scene: &Scene) {
    let (organization, project) = (OrganizationId::new(scene.tenant.id), ProjectId::new(scene.tenant.project));
    let ada = Assignee::User(UserId::new(scene.member(&scene.ada).user));
    let source = ChangeSource::Api { by: None };
    for batch in 0..GROUPS / BATCH {
        let mut uow = scene.ports.store.begin().await.unwrap();
        let (mut assignments, mut decisions, mut activities, mut followers) = (vec![], vec![], vec![], vec![]);
        for n in 0..BATCH {
            let at = scene.clock.now();
            let id = GroupId::generate(at, scene.ports.entropy.as_ref());
            let group = Group {
                id,
                organization,
                project,
                number: i64::try_from(FIRST_NUMBER + batch * BATCH + n).unwrap(),
                title: Name::parse("One of many").unwrap(),
                level: Level::Info,
                status: GroupStatus::Unresolved,
                last_event_at: at,
                created_at: at,
            };
            uow.insert_group(&group).await.unwrap();
            assignments.push(Assignment { group: id, organization, project, assignee: ada, assigned_at: at });
            decisions.push((id, Decision { value: Some(ada), at, source }));
            let kind = ActivityKind::Assigned { assignee: ada, previous: None };
            let entry = ActivityId::generate(at, scene.ports.entropy.as_ref());
            activities.push(Activity { id: entry, organization, project, group: id, kind, source: Some(source), at });
            let reason = FollowReason::Assigned;
            followers.push(Follower { group: id, organization, who: ada, reason, following: true });
        }
        uow.put_assignments(&assignments).await.unwrap();
        uow.put_decisions(&decisions).await.unwrap();
        uow.insert_activities(&activities).await.unwrap();
        uow.add_followers(&followers).await.unwrap();
        uow.commit().await.unwrap();
    }
}

/// As the worker's loop does it: call after call, until nothing is left.
async fn taking_apart(worker: &Workers) {
    while worker.delete_project.purge_projects().await.unwrap() > 0 {}
}

async fn a_large_project_is_deleted(setup: Setup) {
    let scene = Scene::with(setup, |_| {}).await;
    let mut linked = Vec::new();
    for n in 0..6 {
        linked.push(scene.linked(&format!("Linked {n}")).await);
    }
    let project = format!("{}/projects/{}", scene.tenant.at, scene.tenant.project);
    let setting = format!("{project}/notification-settings/{}", scene.member(&scene.bob).user);
    scene.api.change(Method::PUT, &setting, json!({"mention": false})).await;
    fill(&scene).await;
    assert_eq!(sql::count(&scene.backing, "issue_groups").await, i64::try_from(GROUPS).unwrap() + 6);

    let slug = scene.api.get(&project).await["slug"].as_str().unwrap().to_owned();
    scene.api.change(Method::DELETE, &project, Value::Null).await;
    assert_eq!(scene.api.call(Method::GET, &project, &Value::Null).await.status, 404);
    assert_eq!(scene.api.call(Method::GET, &linked[0].1.at, &Value::Null).await.status, 404);

    let worker = scene.another_replica();
    let mut deaths = 0;
    let mut waits = 5;
    while dying_after(waits, taking_apart(&worker)).await.is_none() {
        deaths += 1;
        waits += 12;
        // People and trackers go on meanwhile; for them there is no such project.
        let (item, group) = &linked[deaths % linked.len()];
        scene.assign_in_azure(*item, if deaths % 2 == 0 { &scene.ada } else { &scene.bob });
        scene.azure.settle().await;
        scene.work().await;
        let to_bob = json!({"type": "user", "id": scene.member(&scene.bob).user});
        let refused = scene.api.call(Method::PUT, &format!("{}/assignee", group.at), &to_bob).await;
        assert_eq!(refused.status, 404, "{}", refused.json);
    }
    assert!(deaths > 4, "{deaths}");
    scene.settle().await;

    for table in TABLES {
        assert_eq!(sql::count(&scene.backing, table).await, 0, "{table}");
    }
    assert!(scene.azure.subscriptions().is_empty(), "no hook is needed any more");
    for (_, group) in &linked {
        assert_eq!(scene.card(group).status, "Closed");
        assert!(scene.pings(group).is_empty());
    }
    let again = json!({"name": "Backend", "slug": slug});
    assert_eq!(scene.api.post(&format!("{}/projects", scene.tenant.at), again).await["slug"], slug.as_str());
    scene.finish().await;
}

#[tokio::test]
async fn a_large_project_is_taken_apart_by_workers_that_die_while_it_is_still_assigned() {
    a_large_project_is_deleted(Setup::default()).await;
}

#[tokio::test]
async fn a_large_project_on_postgresql_is_taken_apart_by_workers_that_die_while_it_is_still_assigned() {
    if let Some(setup) = Setup::on_postgres().await {
        a_large_project_is_deleted(setup).await;
    }
}
