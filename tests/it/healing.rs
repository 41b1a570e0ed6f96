//! What a person does when something outside went wrong comes to a good end: a project connected again, a
//! new credential, a route switched on again.

use handoff_sandbox::azure::{NewIdentity, PatRights, SubscriptionStatus};
use handoff_sandbox::fault::Fault;
use handoff_tests::leftovers::Expected;
use handoff_tests::scene::{PAT, Scene};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const UPDATED: &str = "workitem.updated";
const HOUR: Duration = Duration::from_secs(3600);

/// The hooks that are the answer.
async fn connect_again(scene: &Scene) -> Value {
    let projects = format!("{}/installations/{}/projects", scene.tenant.at, scene.tenant.installation);
    let project = json!({"azure_project": scene.board.project.to_string()});
    scene.api.post(&projects, project).await["items"].take()
}

/// What the API shows of the hook for changes.
async fn shown(scene: &Scene) -> Value {
    let hooks = format!("{}/installations/{}/hooks", scene.tenant.at, scene.tenant.installation);
    let mut found = scene.api.list(&hooks).await;
    found.retain(|hook| hook["event_type"] == UPDATED);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

#[tokio::test]
async fn a_hook_that_azure_devops_gave_up_on_is_replaced_by_connecting_again_and_what_it_missed_is_applied() {
    for status in [SubscriptionStatus::DisabledBySystem, SubscriptionStatus::DisabledByInactiveIdentity] {
        let scene = Scene::new().await;
        let (item, group) = scene.linked("The mill stops").await;
        let (old, known) = (scene.hook(UPDATED), shown(&scene).await);
        scene.azure.set_subscription_status(old, status).unwrap();
        scene.assign_in_azure(item, &scene.ada);
        scene.settle().await;
        assert_eq!(scene.assignee(&group).await, None, "the event is lost");

        assert_eq!(connect_again(&scene).await.as_array().unwrap().len(), 3);
        scene.settle().await;
        assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user));
        assert_ne!(scene.hook(UPDATED), old);
        let hook = shown(&scene).await;
        assert_ne!(hook["id"], known["id"]);
        assert_eq!(hook["status"], "enabled");

        scene.assign_in_azure(item, &scene.bob);
        scene.settle().await;
        assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.bob).user), "the new one delivers");
        let lost = Expected { hooks_in_trouble: true, ..Expected::default() };
        scene.into_instance().finish_expecting(&lost).await;
    }
}

#[tokio::test]
async fn a_hook_that_a_person_switched_off_is_replaced_when_somebody_connects_again() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    let hook = scene.hook(UPDATED);
    scene.azure.set_subscription_status(hook, SubscriptionStatus::DisabledByUser).unwrap();
    scene.assign_in_azure(item, &scene.ada);
    let before = shown(&scene).await;
    connect_again(&scene).await;
    scene.settle().await;
    assert_ne!(scene.hook(UPDATED), hook);
    let now = shown(&scene).await;
    assert_ne!(now["id"], before["id"]);
    assert_eq!(now["status"], "enabled");
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user), "what was missed is read");
    let lost = Expected { hooks_in_trouble: true, ..Expected::default() };
    scene.into_instance().finish_expecting(&lost).await;
}

#[tokio::test]
async fn a_revoked_credential_is_exchanged_for_one_that_the_collection_takes_and_work_goes_on() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    let at = format!("{}/installations/{}", scene.tenant.at, scene.tenant.installation);
    scene.azure.revoke_pat(PAT);
    let seen = scene.api.call(Method::GET, &format!("{at}/available-projects"), &Value::Null).await;
    assert_eq!((seen.status, seen.json["code"].as_str()), (422, Some("tracker_unauthorized")));
    let wrong = scene.api.call(Method::PATCH, &at, &json!({"credential": "nobodys"})).await;
    assert_eq!((wrong.status, wrong.json["code"].as_str()), (422, Some("tracker_unauthorized")));

    let robot = scene.azure.add_identity(NewIdentity::person("Handoff again", "again@fabrikam.example"));
    scene.azure.set_pat("a-new-token", robot, PatRights::full());
    let changed = scene.api.change(Method::PATCH, &at, json!({"credential": "a-new-token"})).await;
    assert!(!changed.to_string().contains("a-new-token"));
    assert_eq!(scene.api.list(&format!("{at}/available-projects")).await.len(), 1, "at once");
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user));
    scene.finish().await;
}

#[tokio::test]
async fn what_an_expired_credential_kept_waiting_is_done_at_once_with_a_new_one() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    let at = format!("{}/installations/{}", scene.tenant.at, scene.tenant.installation);
    let reconcile = format!("{at}/projects/{}/reconcile", scene.board.project);
    scene.settle().await;
    scene.azure.revoke_pat(PAT);
    scene.api.change(Method::POST, &reconcile, Value::Null).await;
    // The reading is refused again and again, and waits longer each time.
    for _ in 0..12 {
        scene.work().await;
        scene.advance(HOUR).await;
    }
    scene.work().await;
    let lost = scene.hook(UPDATED);
    scene.azure.set_subscription_status(lost, SubscriptionStatus::DisabledByUser).unwrap();
    scene.assign_in_azure(item, &scene.ada);
    let robot = scene.azure.add_identity(NewIdentity::person("Handoff again", "again@fabrikam.example"));
    scene.azure.set_pat("a-new-token", robot, PatRights::full());
    scene.api.change(Method::PATCH, &at, json!({"credential": "a-new-token"})).await;
    scene.work().await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user), "without waiting");
    scene.settle().await;
    let lost = Expected { hooks_in_trouble: true, ..Expected::default() };
    scene.into_instance().finish_expecting(&lost).await;
}

#[tokio::test]
async fn a_reading_that_waits_for_another_try_is_done_at_once_when_somebody_asks_for_it() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    let hook = scene.hook(UPDATED);
    let at = format!("{}/installations/{}", scene.tenant.at, scene.tenant.installation);
    let reconcile = format!("{at}/projects/{}/reconcile", scene.board.project);
    scene.azure.set_subscription_status(hook, SubscriptionStatus::DisabledByUser).unwrap();
    scene.assign_in_azure(item, &scene.ada);
    for asked in ["get_work_item", "work_items_batch"] {
        scene.azure.faults().always(asked, Fault::RefuseBefore { status: 503 });
    }
    scene.api.change(Method::POST, &reconcile, Value::Null).await;
    for _ in 0..6 {
        scene.work().await;
        scene.advance(Duration::from_secs(60)).await;
    }
    scene.work().await;
    scene.azure.faults().clear();
    scene.work().await;
    assert_eq!(scene.assignee(&group).await, None, "it waits for its next try");
    scene.api.change(Method::POST, &reconcile, Value::Null).await;
    scene.work().await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user));
    scene.settle().await;
    let lost = Expected { hooks_in_trouble: true, ..Expected::default() };
    scene.into_instance().finish_expecting(&lost).await;
}

#[tokio::test]
async fn a_route_that_is_switched_on_again_shows_the_present_on_the_cards_that_it_has() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    let routes = scene.api.list(&format!("{}/projects/{}/routes", scene.tenant.at, scene.tenant.project)).await;
    let route = format!("{}/routes/{}", scene.tenant.at, routes[0]["id"].as_str().unwrap());
    scene.api.change(Method::PATCH, &route, json!({"enabled": false})).await;
    scene.assign_in_azure(item, &scene.bob);
    scene.settle().await;
    let before = scene.card(&group);
    assert!(before.assignee.starts_with("Ada Lovelace"), "{before:?}");

    scene.api.change(Method::PATCH, &route, json!({"enabled": true})).await;
    scene.settle().await;
    let card = scene.card(&group);
    assert!(card.assignee.starts_with("Bob Ross"), "{card:?}");
    assert_eq!((card.message, card.edits), (before.message, before.edits + 1));
    assert_eq!(scene.mentioned(&group).len(), 1, "nobody is mentioned late");
    scene.finish().await;
}

#[tokio::test]
async fn where_something_was_made_it_can_be_read() {
    let scene = Scene::new().await;
    let installation = format!("{}/installations/{}", scene.tenant.at, scene.tenant.installation);
    let user = scene.member(&scene.ada).user;
    for (path, body) in [
        (format!("{installation}/projects"), json!({"azure_project": scene.board.project.to_string()})),
        (
            format!("{}/identity-mappings", scene.tenant.at),
            json!({"integration": scene.tenant.integration, "unique_name": "ada@elsewhere.example", "user": user}),
        ),
    ] {
        let made = scene.api.call(Method::POST, &path, &body).await;
        assert_eq!(made.status, 201, "{}", made.json);
        let location = made.header("location").strip_prefix("/api/v1").unwrap().to_owned();
        scene.api.get(&location).await;
    }
    scene.settle().await;
    scene.finish().await;
}
