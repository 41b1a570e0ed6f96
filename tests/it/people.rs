//! Whom an assignee in Azure DevOps is, and who must not be guessed: the group keeps its assignee, the
//! card names who is not mapped, and what makes them known applies the work item again.

use handoff_sandbox::azure::{IdentityId, NewIdentity, WorkItemKey};
use handoff_tests::scene::{Group, Person, Scene, person};
use handoff_tests::sight::Change;
use handoff_tests::tenant::Member;

/// A work item that Ada has, told to everybody.
async fn adas(scene: &Scene) -> (WorkItemKey, Group) {
    let (item, group) = scene.linked("The mill stops").await;
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    (item, group)
}

/// The work item is theirs in Azure DevOps, and the group is Ada's still, said to nobody.
async fn assert_waits(scene: &Scene, group: &Group, who: &Person, reason: &str) {
    let ada = scene.member(&scene.ada);
    assert_eq!(scene.assignee(group).await, Some(ada.user));
    assert_eq!(scene.changes(group).await, [Change::to(ada.user, None)]);
    assert_eq!(scene.mentioned(group), [ada.discord]);
    let card = scene.card(group);
    assert!(card.assignee.starts_with("Ada Lovelace"), "{card:?}");
    assert!(card.work_items.ends_with(&format!("Azure: {} (not mapped)", who.name)), "{card:?}");
    let waiting = scene.tenant.unresolved(scene).await;
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    assert_eq!(waiting[0]["group"], group.id.as_str());
    assert_eq!(waiting[0]["unresolved"]["reason"], reason);
    assert_eq!(waiting[0]["unresolved"]["person"]["display_name"], who.name.as_str());
}

/// They have it now, on the same card, and nobody waits any more.
async fn assert_followed(scene: &Scene, group: &Group, who: &Person, member: Member) {
    let ada = scene.member(&scene.ada);
    assert_eq!(scene.assignee(group).await, Some(member.user));
    assert_eq!(scene.changes(group).await, [Change::to(ada.user, None), Change::to(member.user, Some(ada.user))]);
    let card = scene.card(group);
    assert_eq!(card.assignee, format!("{} · <@{}>", who.name, member.discord));
    assert!(!card.work_items.contains("not mapped"), "{card:?}");
    assert_eq!(scene.mentioned(group), [ada.discord, member.discord]);
    assert!(scene.tenant.unresolved(scene).await.is_empty());
}

#[tokio::test]
async fn whom_nobody_knows_leaves_the_group_alone_until_a_mapping_says_who_they_are() {
    let mut scene = Scene::new().await;
    let (item, group) = adas(&scene).await;
    let (zoe, before) = (scene.zoe.clone(), scene.card(&group));
    scene.assign_in_azure(item, &zoe);
    scene.settle().await;
    assert_waits(&scene, &group, &zoe, "unknown").await;
    assert_eq!(scene.card(&group).message, before.message);

    let member = scene.add_user_without_address(&zoe).await;
    scene.settle().await;
    assert_waits(&scene, &group, &zoe, "unknown").await;
    scene.tenant.map(&scene, "unique_name", &zoe.address, member).await;
    scene.settle().await;
    assert_followed(&scene, &group, &zoe, member).await;
    assert_eq!(scene.card(&group).message, before.message);
    scene.finish().await;
}

#[tokio::test]
async fn a_mapping_of_the_identity_that_only_a_read_tells_counts_as_well() {
    let mut scene = Scene::new().await;
    let (item, group) = adas(&scene).await;
    let zoe = scene.zoe.clone();
    let member = scene.add_user_without_address(&zoe).await;
    // The payload of a webhook names people as `Name <address>`; the identity is in the work item only.
    scene.tenant.map(&scene, "identity_id", &zoe.identity.to_string(), member).await;
    scene.assign_in_azure(item, &zoe);
    scene.settle().await;
    assert_followed(&scene, &group, &zoe, member).await;
    scene.finish().await;
}

#[tokio::test]
async fn a_verified_address_makes_somebody_known_and_one_that_is_not_verified_does_not() {
    let mut scene = Scene::new().await;
    let (item, group) = adas(&scene).await;
    let zoe = scene.zoe.clone();
    scene.assign_in_azure(item, &zoe);
    scene.settle().await;
    let member = scene.add_user_without_address(&zoe).await;
    // Addresses are compared without regard to capitals.
    let path = format!("{}/users/{}/emails/{}", scene.tenant.at, member.user, zoe.address.to_uppercase());
    for (verified, known) in [(false, false), (true, true)] {
        scene.api.change(reqwest::Method::PUT, &path, serde_json::json!({"verified": verified})).await;
        scene.settle().await;
        match known {
            false => assert_waits(&scene, &group, &zoe, "unknown").await,
            true => assert_followed(&scene, &group, &zoe, member).await,
        }
    }
    scene.finish().await;
}

#[tokio::test]
async fn somebody_outside_the_projects_teams_waits_until_they_join_one() {
    let mut scene = Scene::new().await;
    let (item, group) = adas(&scene).await;
    let otto = person(&scene, "Otto Outside");
    let member = scene.add_user(&otto).await;
    scene.assign_in_azure(item, &otto);
    scene.settle().await;
    assert_waits(&scene, &group, &otto, "outside_project").await;

    scene.tenant.join_team(&scene, member).await;
    scene.settle().await;
    assert_followed(&scene, &group, &otto, member).await;
    scene.finish().await;
}

#[tokio::test]
async fn somebody_inactive_waits_until_they_are_active_again() {
    let mut scene = Scene::new().await;
    let (item, group) = adas(&scene).await;
    let ina = person(&scene, "Ina Inactive");
    let member = scene.add_user(&ina).await;
    scene.tenant.join_team(&scene, member).await;
    scene.tenant.set_active(&scene, member, false).await;
    scene.assign_in_azure(item, &ina);
    scene.settle().await;
    assert_waits(&scene, &group, &ina, "inactive").await;

    scene.tenant.set_active(&scene, member, true).await;
    scene.settle().await;
    assert_followed(&scene, &group, &ina, member).await;
    scene.finish().await;
}

#[tokio::test]
async fn who_is_not_mapped_is_forgotten_as_soon_as_somebody_known_has_the_work_item() {
    let scene = Scene::new().await;
    let (item, group) = adas(&scene).await;
    scene.assign_in_azure(item, &scene.zoe);
    scene.settle().await;
    scene.assign_in_azure(item, &scene.bob);
    scene.settle().await;
    assert_followed(&scene, &group, &scene.bob, scene.member(&scene.bob)).await;
    scene.finish().await;
}

#[tokio::test]
async fn a_name_shared_by_two_people_is_told_apart_by_their_addresses() {
    let mut scene = Scene::new().await;
    let (item, group) = adas(&scene).await;
    let twin = |address: &str, identity: IdentityId| Person {
        name: "Alex Twin".to_owned(),
        address: address.to_owned(),
        identity,
    };
    let identity = |address: &str| scene.azure.add_identity(NewIdentity::person("Alex Twin", address));
    let first = twin("alex.one@example.org", identity("alex.one@example.org"));
    let second = twin("alex.two@example.org", identity("alex.two@example.org"));
    scene.add_member(&first).await;
    let member = scene.add_member(&second).await;
    scene.assign_in_azure(item, &second);
    scene.settle().await;
    assert_followed(&scene, &group, &second, member).await;
    scene.finish().await;
}

#[tokio::test]
async fn a_group_of_people_in_azure_devops_is_nobody_and_is_named_on_the_card() {
    let scene = Scene::new().await;
    let (item, group) = adas(&scene).await;
    let crew = Person {
        name: "[Payments]\\Crew".to_owned(),
        address: String::new(),
        identity: scene.azure.add_identity(NewIdentity::group("[Payments]\\Crew")),
    };
    scene.assign_in_azure(item, &crew);
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user));
    let waiting = scene.tenant.unresolved(&scene).await;
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    assert!(scene.card(&group).work_items.ends_with("(not mapped)"), "{:?}", scene.card(&group));
    scene.finish().await;
}
