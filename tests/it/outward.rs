//! What is decided here reaches Azure DevOps: once, on the present revision, and never against a later word
//! from there.

mod interleavings;
mod made_there;
mod refused;
mod several_links;
mod status;

use handoff_sandbox::azure::NewIdentity;
use handoff_tests::leftovers::Expected;
use handoff_tests::scene::{Person, Scene};
use handoff_tests::sight::Change;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// The usual scene, whose installation carries assignees outward.
pub(crate) async fn outward() -> Scene {
    Scene::letting_through(&["outbound_assignee"]).await
}

#[tokio::test]
async fn whom_our_api_assigns_has_the_work_item_by_one_write_and_is_told_once() {
    let scene = outward().await;
    let (item, group) = scene.linked("The mill stops").await;
    let before = scene.item(item).rev;
    scene.assign_here(&group, &scene.ada).await;
    scene.settle().await;

    let ada = scene.member(&scene.ada);
    assert_eq!(scene.assignee_there(item).as_deref(), Some(scene.ada.address.as_str()));
    assert_eq!(scene.item(item).rev, before + 1);
    assert_eq!(scene.changes(&group).await, [Change::to(ada.user, None)]);
    assert_eq!(scene.mentioned(&group), [ada.discord]);
    assert_eq!(scene.link_of(&group).await["work_item"]["revision"], before + 1);

    scene.deassign_here(&group).await;
    scene.settle().await;
    assert_eq!(scene.assignee_there(item), None);
    assert_eq!(scene.item(item).rev, before + 2);
    assert_eq!(scene.changes(&group).await, [Change::to(ada.user, None), Change::Unassigned { from: ada.user }]);
    scene.finish().await;
}

#[tokio::test]
async fn with_the_toggle_off_nothing_is_written_and_switching_it_on_catches_up() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.advance(Duration::from_secs(60)).await;
    scene.assign_here(&group, &scene.ada).await;
    scene.settle().await;
    assert_eq!(scene.assignee_there(item), None);
    scene.tenant.toggle(&scene, "outbound_assignee", true).await;
    scene.settle().await;
    assert_eq!(scene.assignee_there(item).as_deref(), Some(scene.ada.address.as_str()));
    scene.finish().await;
}

#[tokio::test]
async fn what_azure_devops_said_is_not_written_back_there_nor_to_the_groups_other_work_items() {
    let scene = outward().await;
    let (item, group) = scene.linked("The mill stops").await;
    let other = scene.work_item("The same from another side");
    scene.tenant.link(&scene, &group, other).await;
    scene.settle().await;
    let (first, second) = (scene.item(item).rev, scene.item(other).rev);
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user));
    assert_eq!((scene.item(item).rev, scene.item(other).rev), (first + 1, second));

    // Unless the installation says so.
    scene.tenant.toggle(&scene, "siblings", true).await;
    scene.advance(Duration::from_secs(10)).await;
    scene.assign_in_azure(item, &scene.bob);
    scene.settle().await;
    assert_eq!(scene.assignee_there(other).as_deref(), Some(scene.bob.address.as_str()));
    assert_eq!((scene.item(item).rev, scene.item(other).rev), (first + 2, second + 1));
    scene.finish().await;
}

#[tokio::test]
async fn a_team_is_not_written_and_azure_devops_keeps_whom_it_has() {
    let scene = outward().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.assign_here(&group, &scene.ada).await;
    scene.settle().await;
    let before = scene.item(item).rev;
    let team = json!({"type": "team", "id": scene.tenant.team});
    scene.api.change(Method::PUT, &format!("{}/assignee", group.at), team).await;
    scene.settle().await;
    assert_eq!(
        (scene.assignee_there(item).as_deref(), scene.item(item).rev),
        (Some(scene.ada.address.as_str()), before)
    );
    scene.finish().await;
}

#[tokio::test]
async fn who_is_found_in_the_directory_by_another_sign_in_name_is_written_and_known_from_then_on() {
    let mut scene = outward().await;
    let guest = scene.azure.add_identity(NewIdentity {
        mail_address: Some("gus@x.org".to_owned()),
        ..NewIdentity::person("Gus Guest", "gus_x.org#EXT#@fabrikam.example")
    });
    let gus = Person { name: "Gus Guest".to_owned(), address: "gus@x.org".to_owned(), identity: guest };
    let member = scene.add_member(&gus).await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.assign_here(&group, &gus).await;
    scene.settle().await;
    assert_eq!(scene.assignee_there(item).as_deref(), Some("gus_x.org#EXT#@fabrikam.example"));
    assert_eq!(scene.assignee(&group).await, Some(member.user));
    assert_eq!(scene.link_of(&group).await["unresolved"], Value::Null);
    let mappings = scene.api.list(&format!("{}/identity-mappings", scene.tenant.at)).await;
    assert_eq!(mappings.iter().map(|one| &one["user"]).collect::<Vec<_>>(), [&json!(member.user)]);
    scene.finish().await;
}

#[tokio::test]
async fn whoever_is_learned_by_a_write_gets_what_waited_for_them_too() {
    let mut scene = outward().await;
    let guest = scene.azure.add_identity(NewIdentity {
        mail_address: Some("gus@x.org".to_owned()),
        ..NewIdentity::person("Gus Guest", "gus_x.org#EXT#@fabrikam.example")
    });
    let gus = Person { name: "Gus Guest".to_owned(), address: "gus@x.org".to_owned(), identity: guest };
    let member = scene.add_member(&gus).await;
    let (waiting, other) = scene.linked("It waits").await;
    scene.assign_in_azure(waiting, &gus);
    scene.settle().await;
    assert_eq!(scene.assignee(&other).await, None, "nobody knows that identity");
    let (_, group) = scene.linked("The mill stops").await;
    scene.assign_here(&group, &gus).await;
    scene.settle().await;
    assert_eq!(scene.assignee(&other).await, Some(member.user));
    scene.finish().await;
}

#[tokio::test]
async fn who_is_nobody_or_several_people_there_is_reported_on_the_link_and_never_guessed() {
    let mut scene = outward().await;
    let (item, group) = scene.linked("The mill stops").await;
    let before = scene.item(item).rev;
    let unknown = Person { name: "Una Known".to_owned(), address: "una@x.org".to_owned(), ..scene.ada.clone() };
    scene.add_member(&unknown).await;
    scene.assign_here(&group, &unknown).await;
    scene.settle().await;
    let problem = scene.problem_of(&group).await.unwrap();
    assert!(problem.contains("knows nobody with an address of Una Known"), "{problem}");
    assert_eq!(scene.item(item).rev, before);

    let twins: Vec<_> = ["twin1@fabrikam.example", "twin2@fabrikam.example"]
        .map(|name| {
            let mail_address = Some("una@x.org".to_owned());
            scene.azure.add_identity(NewIdentity { mail_address, ..NewIdentity::person("Una Known", name) })
        })
        .into();
    scene.advance(Duration::from_secs(60)).await;
    let refused = json!({"toggles": {"outbound_assignee": false}});
    let path = format!("{}/installations/{}", scene.tenant.at, scene.tenant.installation);
    scene.api.change(Method::PATCH, &path, refused).await;
    scene.tenant.toggle(&scene, "outbound_assignee", true).await;
    scene.settle().await;
    let problem = scene.problem_of(&group).await.unwrap();
    assert!(problem.contains("several people"), "{problem}");

    // Who says which of them it is sees it written.
    let member = scene.member(&unknown);
    scene.tenant.map(&scene, "identity_id", &twins[1].to_string(), member).await;
    scene.settle().await;
    assert_eq!(scene.assignee_there(item).as_deref(), Some("twin2@fabrikam.example"));
    assert_eq!(scene.problem_of(&group).await, None);
    scene.finish().await;
}

#[tokio::test]
async fn a_work_item_that_takes_no_more_revisions_is_given_up_on_and_says_so() {
    let scene = outward().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.azure.count_revisions_as(item, 10_000).unwrap();
    scene.assign_here(&group, &scene.ada).await;
    scene.settle().await;
    let problem = scene.problem_of(&group).await.unwrap();
    assert!(problem.contains("10000 revisions"), "{problem}");
    let dead = scene.api.list(&format!("{}/outbox?state=dead", scene.tenant.at)).await;
    assert_eq!(dead.iter().map(|row| &row["task"]).collect::<Vec<_>>(), ["converge_work_item"]);
    let expected = Expected { dead_rows: 1, ..Expected::default() };
    scene.into_instance().finish_expecting(&expected).await;
}
