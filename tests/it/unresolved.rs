//! The people who are nobody here: listed by person with what waits for each, and everything that makes them
//! known applies the work items again.
#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

use handoff_sandbox::azure::{NewIdentity, Process, WorkItemKey};
use handoff_tests::leftovers::Expected;
use handoff_tests::scene::{Group, Person, Scene, person};
use handoff_tests::sql::count;
use reqwest::Method;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

async fn people(scene: &Scene) -> Vec<Value> {
    scene.api.list(&format!("{}/unresolved-people", scene.tenant.at)).await
}

/// A linked work item that somebody has who is nobody here.
async fn waiting(scene: &Scene, title: &str, who: &Person) -> (WorkItemKey, Group) {
    let (item, group) = scene.linked(title).await;
    scene.assign_in_azure(item, who);
    scene.settle().await;
    (item, group)
}

#[tokio::test]
async fn people_are_listed_once_for_each_reason_with_some_of_what_waits_and_page_by_page() {
    let mut scene = Scene::new().await;
    let zoe = scene.zoe.clone();
    let otto = person(&scene, "Otto Outside");
    scene.add_user(&otto).await;
    let mut groups = Vec::new();
    for number in 0..7 {
        groups.push(waiting(&scene, &format!("zoe's {number}"), &zoe).await.1.id);
    }
    let (_, ottos) = waiting(&scene, "otto's", &otto).await;
    let mut found = people(&scene).await;
    found.sort_by_key(|one| one["links"].as_i64());
    assert_eq!(found.len(), 2, "{found:#?}");
    assert_eq!(
        (found[0]["reason"].as_str(), found[0]["groups"][0].as_str()),
        (Some("outside_project"), Some(&*ottos.id))
    );
    assert_eq!((found[1]["reason"].as_str(), found[1]["links"].as_i64()), (Some("unknown"), Some(7)));
    assert_eq!(found[1]["person"]["display_name"], "Zoe Who");
    assert!(found[1]["meaning"].as_str().unwrap().contains("Map it"));
    let named: Vec<&str> = found[1]["groups"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert_eq!(named, groups[..5], "the oldest of them");

    let path = format!("{}/unresolved-people?limit=1", scene.tenant.at);
    let page = scene.api.call(Method::GET, &path, &Value::Null).await;
    assert_eq!(page.json["items"].as_array().unwrap().len(), 1);
    let next = page.header("link").strip_prefix("</api/v1").unwrap().split_once('>').unwrap().0.to_owned();
    let second = scene.api.call(Method::GET, &next, &Value::Null).await;
    assert_eq!(second.json["items"].as_array().unwrap().len(), 1);
    assert_ne!(second.json["items"][0]["reason"], page.json["items"][0]["reason"]);
    assert_eq!(second.header("link"), "");
    let bad = format!("{}/unresolved-people?cursor=x", scene.tenant.at);
    assert_eq!(scene.api.call(Method::GET, &bad, &Value::Null).await.status, 400);
    scene.finish().await;
}

#[tokio::test]
async fn giving_a_project_to_a_team_applies_what_waits_for_its_members() {
    let mut scene = Scene::new().await;
    let otto = person(&scene, "Otto Outside");
    let member = scene.add_user(&otto).await;
    let team = scene.api.post(&format!("{}/teams", scene.tenant.at), json!({"name": "Others"})).await;
    let team = team["id"].as_i64().unwrap();
    let path = format!("{}/teams/{team}/members/{}", scene.tenant.at, member.user);
    scene.api.change(Method::PUT, &path, Value::Null).await;
    let (_, group) = waiting(&scene, "The mill stops", &otto).await;
    assert_eq!(scene.assignee(&group).await, None);
    let path = format!("{}/projects/{}/teams/{team}", scene.tenant.at, scene.tenant.project);
    scene.api.change(Method::PUT, &path, Value::Null).await;
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(member.user));
    assert!(people(&scene).await.is_empty());
    scene.finish().await;
}

#[tokio::test]
async fn linking_switching_the_toggle_on_and_replay_apply_what_azure_devops_says() {
    let scene = Scene::new().await;
    let ada = scene.member(&scene.ada).user;
    let item = scene.work_item("Linked late");
    scene.assign_in_azure(item, &scene.ada);
    let group = scene.tenant.group(&scene, "Linked late").await;
    scene.tenant.link(&scene, &group, item).await;
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(ada), "linking");

    scene.tenant.toggle(&scene, "inbound_assignee", false).await;
    scene.assign_in_azure(item, &scene.bob);
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(ada));
    scene.tenant.toggle(&scene, "inbound_assignee", true).await;
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.bob).user), "the toggle");

    let delivery = scene.tenant.deliveries(&scene, "applied").await[0]["id"].as_str().unwrap().to_owned();
    scene
        .azure
        .set_subscription_status(
            scene.hook("workitem.updated"),
            handoff_sandbox::azure::SubscriptionStatus::DisabledByUser,
        )
        .unwrap();
    scene.assign_in_azure(item, &scene.cleo);
    let path = format!("{}/deliveries/{delivery}/replay", scene.tenant.at);
    scene.api.change(Method::POST, &path, Value::Null).await;
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.cleo).user), "replay");
    let lost = Expected { hooks_in_trouble: true, ..Expected::default() };
    scene.into_instance().finish_expecting(&lost).await;
}

#[tokio::test]
async fn a_work_item_moved_to_a_connected_project_is_followed_there() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("It moves").await;
    let other = scene.azure.add_project(scene.board.collection, "Shipping", Process::Agile).unwrap();
    let projects = format!("{}/installations/{}/projects", scene.tenant.at, scene.tenant.installation);
    scene.api.post(&projects, json!({"azure_project": other.to_string()})).await;
    scene.azure.move_work_item(item, other).unwrap();
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user));
    let links = scene.api.list(&format!("{}/links", group.at)).await;
    assert_eq!(
        (links[0]["state"].as_str(), &links[0]["work_item"]["azure_project"]),
        (Some("good"), &json!(other.to_string()))
    );
    scene.finish().await;
}

#[tokio::test]
async fn a_work_item_moved_out_of_sight_says_so_and_connecting_its_project_catches_up() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("It moves").await;
    let other = scene.azure.add_project(scene.board.collection, "Shipping", Process::Agile).unwrap();
    scene.azure.move_work_item(item, other).unwrap();
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    let links = || async { scene.api.list(&format!("{}/links", group.at)).await };
    assert_eq!(links().await[0]["state"], "good", "nothing is heard of it yet");
    // Whatever reads it learns where it is: here, the toggle.
    for on in [false, true] {
        scene.tenant.toggle(&scene, "inbound_assignee", on).await;
    }
    scene.settle().await;
    let link = links().await.remove(0);
    assert_eq!(link["state"], "not_connected", "{link:#}");
    assert!(link["meaning"].as_str().unwrap().contains("Connect that project"));

    scene.assign_in_azure(item, &scene.bob);
    let projects = format!("{}/installations/{}/projects", scene.tenant.at, scene.tenant.installation);
    scene.api.post(&projects, json!({"azure_project": other.to_string()})).await;
    scene.settle().await;
    assert_eq!(links().await[0]["state"], "good");
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.bob).user), "what was missed is read");
    scene.finish().await;
}

#[tokio::test]
async fn a_guest_is_known_by_their_identity_and_somebody_renamed_stays_who_they_are() {
    let mut scene = Scene::new().await;
    let guest_name = "gus_example.org#EXT#@contoso.onmicrosoft.com";
    let identity = scene.azure.add_identity(NewIdentity::person("Gus Guest", guest_name));
    let gus = Person { name: "Gus Guest".to_owned(), address: guest_name.to_owned(), identity };
    let (item, group) = waiting(&scene, "A guest's", &gus).await;
    assert_eq!(people(&scene).await[0]["reason"], "unknown");
    let member = scene.add_user_without_address(&gus).await;
    scene.tenant.map(&scene, "identity_id", &identity.to_string(), member).await;
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(member.user));

    scene.assign_in_azure(item, &scene.ada);
    scene.azure.update_identity(identity, |details| details.unique_name = "gus@elsewhere.example".to_owned()).unwrap();
    scene.assign_in_azure(item, &gus);
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(member.user), "renamed");
    scene.finish().await;
}

/// How long the writer may be held on a busy machine.
const SOON: Duration = Duration::from_secs(3);

/// Fills the scene with two thousand people in a team, and ten thousand links of groups that they decided, each in
/// trouble.
async fn crowd(scene: &Scene, team: i64) -> DatabaseConnection {
    let database = Database::connect(&scene.backing.url).await.unwrap();
    let (organization, project) = (scene.tenant.id, scene.tenant.project);
    let n = |last: u32| format!("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {last})");
    let id = |kind: u8| format!("unhex(printf('{kind:02x}%030x', i))");
    let people = n(2_000);
    let links = n(10_000);
    let (issue, group) = (id(1), id(2));
    let fill = [
        format!(
            "INSERT INTO users (id, name, active, created_at) {people} SELECT 1000000 + i, 'p' || i, true, 0 FROM n"
        ),
        format!("INSERT INTO memberships {people} SELECT {organization}, 1000000 + i, 'member' FROM n"),
        format!("INSERT INTO team_members {people} SELECT {team}, 1000000 + i FROM n"),
        format!("INSERT INTO user_emails {people} SELECT 1000000 + i, 'p' || i || '@example.org', true FROM n"),
        format!(
            "INSERT INTO identity_mappings {people} SELECT {}, {organization}, (SELECT id FROM integrations), 'g' || i, \
             'p' || i || '@example.org', 1000000 + i, 0 FROM n",
            id(4)
        ),
        format!(
            "INSERT INTO issue_groups (id, organization_id, project_id, number, title, level, status, last_event_at, \
             created_at) {links} SELECT {group}, {organization}, {project}, 1000 + i, 'x', 'error', 'unresolved', 0, 0 \
             FROM n"
        ),
        format!(
            "INSERT INTO decisions (group_id, user_id, decided_at, source) {links} SELECT {group}, 1000000 + i % 2000 \
             + 1, 0, '{{}}' FROM n"
        ),
        format!(
            "INSERT INTO external_issues (id, integration_id, number, azure_project, revision, title, work_item_type, \
             state, tags, changed_at, observed_at, deleted, assignee_changed_at, state_changed_at) {links} \
             SELECT {issue}, (SELECT id FROM integrations), 1000 + i, '{}', 1, 'x', 'Bug', 'New', '[]', 0, 0, false, 0, \
             0 FROM n",
            scene.board.project
        ),
        format!(
            "INSERT INTO group_links (id, organization_id, group_id, external_issue_id, installation_id, problem, \
             created_at) {links} SELECT {}, {organization}, {group}, {issue}, (SELECT id FROM installations), 'nobody', 0 \
             FROM n",
            id(3)
        ),
    ];
    for sql in fill {
        database.execute_unprepared(&sql).await.unwrap();
    }
    database
}

#[tokio::test]
async fn a_crowd_with_as_much_trouble_holds_up_nobody_and_the_trouble_of_others_is_left_alone() {
    let scene = Scene::new().await;
    let team = scene.api.post(&format!("{}/teams", scene.tenant.at), json!({"name": "Others"})).await;
    let team = team["id"].as_i64().unwrap();
    let database = crowd(&scene, team).await;
    let armed = async || count(&scene.backing, "outbox WHERE state = 'pending'").await;

    // Ada's word is in none of it.
    let path = format!("{}/users/{}/emails/ada@new.example", scene.tenant.at, scene.member(&scene.ada).user);
    let one = scene.api.change(Method::PUT, &path, json!({"verified": true}));
    timeout(SOON, one).await.unwrap();
    assert_eq!(armed().await, 0);

    let path = format!("{}/projects/{}/teams/{team}", scene.tenant.at, scene.tenant.project);
    timeout(SOON, scene.api.change(Method::PUT, &path, Value::Null)).await.unwrap();
    assert_eq!(armed().await, 10_000);
    database.execute_unprepared("DELETE FROM outbox WHERE state = 'pending'").await.unwrap();
    database.close().await.unwrap();
    scene.finish().await;
}
