//! The flow from a work item's assignee to the channel: each through the real webhook.

use handoff::running::Loops;
use handoff_tests::instance::Setup;
use handoff_tests::scene::Scene;
use handoff_tests::sight::Change;

#[tokio::test]
async fn whom_azure_devops_assigns_has_the_group_shows_on_its_card_and_is_mentioned() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    let before = scene.card(&group);
    assert_eq!(before.assignee, "Nobody");
    assert_eq!(before.title, format!("{} · The mill stops", group.short_id));

    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;

    let ada = scene.member(&scene.ada);
    assert_eq!(scene.assignee(&group).await, Some(ada.user));
    assert_eq!(scene.changes(&group).await, [Change::to(ada.user, None)]);
    let card = scene.card(&group);
    assert_eq!((card.message, card.edits), (before.message, before.edits + 1));
    assert_eq!(card.assignee, format!("Ada Lovelace · <@{}>", ada.discord));
    assert_eq!(scene.mentioned(&group), [ada.discord]);
    scene.finish().await;
}

#[tokio::test]
async fn the_history_says_which_work_item_made_the_change_and_who_made_it_there() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    let (ada, bob) = (scene.ada.identity, scene.bob.identity);
    scene
        .azure
        .update_work_item(item, |change| {
            change.assign(ada).by(bob);
        })
        .unwrap();
    scene.settle().await;

    let entries = scene.activities(&group).await;
    let kinds: Vec<&str> = entries.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["created", "linked", "assigned"]);
    let source = &entries[2]["source"];
    assert_eq!(source["from"], "tracker");
    assert_eq!(source["by"], scene.member(&scene.bob).user);
    assert_eq!(source["integration"], scene.tenant.integration.as_str());
    scene.finish().await;
}

#[tokio::test]
async fn who_assigns_themselves_in_azure_devops_is_not_mentioned() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    let ada = scene.ada.identity;
    scene
        .azure
        .update_work_item(item, |change| {
            change.assign(ada).by(ada);
        })
        .unwrap();
    scene.settle().await;

    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user));
    assert!(scene.card(&group).assignee.starts_with("Ada Lovelace"));
    assert!(scene.pings(&group).is_empty());
    scene.finish().await;
}

#[tokio::test]
async fn somebody_else_takes_over_on_the_same_card_and_only_they_are_mentioned() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    let before = scene.card(&group);
    scene.assign_in_azure(item, &scene.bob);
    scene.settle().await;

    let (ada, bob) = (scene.member(&scene.ada), scene.member(&scene.bob));
    assert_eq!(scene.assignee(&group).await, Some(bob.user));
    assert_eq!(scene.changes(&group).await, [Change::to(ada.user, None), Change::to(bob.user, Some(ada.user))]);
    let card = scene.card(&group);
    assert_eq!((card.message, card.edits), (before.message, before.edits + 1));
    assert_eq!(card.assignee, format!("Bob Ross · <@{}>", bob.discord));
    assert_eq!(scene.mentioned(&group), [ada.discord, bob.discord]);
    scene.finish().await;
}

#[tokio::test]
async fn a_change_that_leaves_the_assignee_alone_says_nothing() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    let before = (scene.activities(&group).await, scene.card(&group), scene.pings(&group));

    // Azure DevOps makes a revision of this, in which the assignee is named once more.
    scene
        .azure
        .update_work_item(item, |change| {
            change.set("System.Tags", "urgent");
        })
        .unwrap();
    assert!(!scene.azure.assign_work_item(item, scene.ada.identity).unwrap());
    scene.settle().await;

    assert_eq!((scene.activities(&group).await, scene.card(&group), scene.pings(&group)), before);
    assert_eq!(scene.tenant.delivery_states(&scene).await["applied"], 2);
    scene.finish().await;
}

#[tokio::test]
async fn the_same_person_again_through_our_api_says_nothing() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    let before = (scene.activities(&group).await, scene.card(&group), scene.pings(&group));

    let ada = serde_json::json!({"type": "user", "id": scene.member(&scene.ada).user});
    scene.api.change(reqwest::Method::PUT, &format!("{}/assignee", group.at), ada).await;
    scene.settle().await;
    assert_eq!((scene.activities(&group).await, scene.card(&group), scene.pings(&group)), before);
    scene.finish().await;
}

#[tokio::test]
async fn an_unassigned_work_item_leaves_its_group_to_nobody_without_a_word_to_anybody() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    let before = scene.card(&group);
    scene.unassign_in_azure(item);
    scene.settle().await;

    let ada = scene.member(&scene.ada);
    assert_eq!(scene.assignee(&group).await, None);
    assert_eq!(scene.changes(&group).await, [Change::to(ada.user, None), Change::Unassigned { from: ada.user }]);
    let card = scene.card(&group);
    assert_eq!((card.message, card.edits, card.assignee.as_str()), (before.message, before.edits + 1, "Nobody"));
    assert_eq!(scene.mentioned(&group), [ada.discord]);
    scene.finish().await;
}

#[tokio::test]
async fn a_group_that_is_linked_first_takes_the_assignee_of_its_work_item_without_a_mention() {
    let scene = Scene::new().await;
    let item = scene.work_item("The mill stops");
    scene.assign_in_azure(item, &scene.ada);
    let group = scene.tenant.group(&scene, "The mill stops").await;
    scene.tenant.link(&scene, &group, item).await;
    scene.settle().await;

    let ada = scene.member(&scene.ada);
    assert_eq!(scene.changes(&group).await, [Change::to(ada.user, None)]);
    assert_eq!(scene.activities(&group).await.last().unwrap()["source"]["from"], "baseline");
    assert!(scene.card(&group).assignee.starts_with("Ada Lovelace"));
    assert!(scene.pings(&group).is_empty());
    scene.finish().await;
}

#[tokio::test]
async fn five_groups_on_one_work_item_follow_together_each_with_its_own_card_and_mention() {
    let scene = Scene::new().await;
    let item = scene.work_item("The mill stops");
    let mut groups = Vec::new();
    for n in 1..=5 {
        let group = scene.tenant.group(&scene, &format!("Symptom {n}")).await;
        scene.tenant.link(&scene, &group, item).await;
        groups.push(group);
    }
    scene.settle().await;
    let before: Vec<_> = groups.iter().map(|group| scene.card(group)).collect();

    scene.assign_in_azure(item, &scene.cleo);
    scene.settle().await;

    let cleo = scene.member(&scene.cleo);
    for (group, before) in groups.iter().zip(before) {
        assert_eq!(scene.assignee(group).await, Some(cleo.user));
        assert_eq!(scene.changes(group).await, [Change::to(cleo.user, None)]);
        let card = scene.card(group);
        assert_eq!((card.message, card.edits), (before.message, before.edits + 1));
        assert_eq!(card.assignee, format!("Cleo Nile · <@{}>", cleo.discord));
        assert_eq!(scene.mentioned(group), [cleo.discord]);
    }
    // One delivery told all five.
    assert_eq!(scene.tenant.delivery_states(&scene).await, [("applied".to_owned(), 1)].into());
    scene.finish().await;
}

#[tokio::test]
async fn the_card_follows_title_and_state_of_the_work_item_and_says_when_it_is_gone() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    let first = scene.card(&group);
    assert!(first.work_items.ends_with("The mill stops · New"), "{first:?}");

    scene
        .azure
        .update_work_item(item, |change| {
            change.title("The mill *burns*").state("Active");
        })
        .unwrap();
    scene.settle().await;
    let card = scene.card(&group);
    assert_eq!(card.message, first.message);
    assert!(card.work_items.ends_with(r"The mill \*burns\* · Active"), "{card:?}");

    scene.azure.delete_work_item(item).unwrap();
    scene.settle().await;
    assert!(scene.card(&group).work_items.ends_with("deleted in Azure DevOps"), "{:?}", scene.card(&group));

    scene.azure.restore_work_item(item).unwrap();
    scene.settle().await;
    assert!(scene.card(&group).work_items.ends_with("· Active"), "{:?}", scene.card(&group));
    assert_eq!(scene.changes(&group).await, []);
    scene.finish().await;
}

#[tokio::test]
async fn the_loops_do_by_themselves_what_the_other_tests_do_by_hand() {
    let scene = Scene::with(Setup { loops: Loops::Run, ..Setup::default() }, |_| {}).await;
    let item = scene.work_item("The mill stops");
    let group = scene.tenant.group(&scene, "The mill stops").await;
    scene.tenant.link(&scene, &group, item).await;
    scene.assign_in_azure(item, &scene.ada);
    let ada = scene.member(&scene.ada);
    scene.eventually("Ada is mentioned", || scene.mentioned(&group) == [ada.discord]).await;
    scene.eventually("the card shows her", || scene.card(&group).assignee.starts_with("Ada")).await;
    assert_eq!(scene.assignee(&group).await, Some(ada.user));
    scene.eventually_at_rest().await;
    scene.finish().await;
}
