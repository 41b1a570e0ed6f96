//! The people who are nobody here: listed by person with what waits for each, and everything that makes them
//! known applies the work items again.

use handoff_sandbox::azure::{NewIdentity, Process, WorkItemKey};
use handoff_tests::leftovers::Expected;
use handoff_tests::scene::{Group, Person, Scene, person};
use reqwest::Method;
use serde_json::{Value, json};

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
