//! Service hooks, collections and projects, against the simulator.

use super::scene::{HOOK_URL, Scene};
use handoff_domain::hook::HookStatus;
use handoff_domain::port::tracker::{TrackerError, WorkItemTracker};
use handoff_sandbox::azure::{Hosting, PatRights, Process, SubscriptionStatus};
use handoff_sandbox::fault::Fault;

#[tokio::test]
async fn a_subscription_is_made_found_read_and_deleted() {
    let scene = Scene::new().await;
    let (client, at) = (&scene.client, &scene.at);
    let made = client.create_subscription(at, &scene.subscription(HOOK_URL)).await.unwrap();
    assert_eq!((made.status, made.url.as_deref()), (HookStatus::Enabled, Some(HOOK_URL)));
    let held = scene.azure.subscriptions().pop().unwrap();
    assert_eq!((held.event_type.as_str(), held.resource_version.as_deref()), ("workitem.updated", Some("1.0")));
    assert_eq!(held.publisher_inputs["projectId"], scene.project.to_string());
    for (input, value) in [
        ("basicAuthUsername", "handoff"),
        ("basicAuthPassword", "hook-secret"),
        ("resourceDetailsToSend", "all"),
        ("messagesToSend", "none"),
        ("detailedMessagesToSend", "none"),
    ] {
        assert_eq!(held.consumer_inputs[input], value, "{input}");
    }
    client.create_subscription(at, &scene.subscription("https://handoff.example.org/webhooks/vsts/2")).await.unwrap();
    assert_eq!(client.find_subscriptions(at, HOOK_URL).await.unwrap(), std::slice::from_ref(&made));
    assert_eq!(client.find_subscriptions(at, "https://handoff.example.org/webhooks/vsts/3").await.unwrap(), []);
    assert_eq!(client.subscription(at, &made.id).await.unwrap(), Some(made.clone()));
    client.delete_subscription(at, &made.id).await.unwrap();
    assert_eq!(client.subscription(at, &made.id).await.unwrap(), None);
    client.delete_subscription(at, &made.id).await.unwrap();
    assert_eq!(scene.azure.subscriptions().len(), 1);
    scene.kept_to_the_description();
}

#[tokio::test]
async fn every_status_is_told() {
    let scene = Scene::new().await;
    let made = scene.client.create_subscription(&scene.at, &scene.subscription(HOOK_URL)).await.unwrap();
    let id = scene.azure.subscriptions()[0].id;
    for (theirs, ours) in [
        (SubscriptionStatus::OnProbation, HookStatus::OnProbation),
        (SubscriptionStatus::DisabledByUser, HookStatus::DisabledByUser),
        (SubscriptionStatus::DisabledBySystem, HookStatus::DisabledBySystem),
        (SubscriptionStatus::DisabledByInactiveIdentity, HookStatus::DisabledByInactiveIdentity),
        (SubscriptionStatus::Enabled, HookStatus::Enabled),
    ] {
        scene.azure.set_subscription_status(id, theirs).unwrap();
        let seen = scene.client.subscription(&scene.at, &made.id).await.unwrap();
        assert_eq!(seen.map(|seen| seen.status), Some(ours));
    }
}

#[tokio::test]
async fn a_missing_right_is_named_and_is_no_outage() {
    let scene = Scene::new().await;
    let reader = scene.with_rights("reader", PatRights::read_only());
    let none = scene.with_rights("none", PatRights::without_hooks());
    let needed = |error: TrackerError| match error {
        TrackerError::Forbidden { needed } => needed,
        other => panic!("{other:?}"),
    };
    let refused = scene.client.create_subscription(&reader, &scene.subscription(HOOK_URL)).await.unwrap_err();
    assert!(needed(refused).contains("Edit subscriptions"));
    let refused = scene.client.find_subscriptions(&none, HOOK_URL).await.unwrap_err();
    assert!(needed(refused).contains("View subscriptions"));
    assert_eq!(scene.client.find_subscriptions(&reader, HOOK_URL).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_creation_whose_answer_is_lost_is_an_outage_and_can_be_found() {
    let scene = Scene::new().await;
    scene.azure.faults().push_next("create_subscription", Fault::Drop);
    let lost = scene.client.create_subscription(&scene.at, &scene.subscription(HOOK_URL)).await.unwrap_err();
    assert!(lost.is_transient(), "{lost:?}");
    assert_eq!(scene.client.find_subscriptions(&scene.at, HOOK_URL).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_it_refuses_is_rejected_in_its_own_words() {
    let scene = Scene::new().await;
    let refused = scene.client.create_subscription(&scene.at, &scene.subscription("not an address")).await;
    match refused {
        Err(TrackerError::Rejected { reason }) => assert!(reason.contains("'url'"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_collection_and_its_projects_describe_themselves() {
    for hosting in [Hosting::Cloud, Hosting::Server] {
        let scene = Scene::with(hosting).await;
        let found = scene.client.collection(scene.at.base_url.trim_end_matches('/'), &scene.at.credential).await;
        let found = found.unwrap();
        assert_eq!(found.id, scene.collection.to_string());
        assert_eq!((found.name.as_str(), found.base_url.as_str()), ("fabrikam", scene.at.base_url.as_str()));
        let projects = scene.client.projects(&scene.at).await.unwrap();
        assert_eq!(projects.len(), 1);
        assert_eq!((&projects[0].id, projects[0].name.as_str()), (&scene.azure_project(), "Payments"));
    }
}

#[tokio::test]
async fn projects_are_read_page_by_page() {
    let scene = Scene::new().await;
    for n in 0..250 {
        scene.azure.add_project(scene.collection, &format!("Project {n}"), Process::Basic).unwrap();
    }
    assert_eq!(scene.client.projects(&scene.at).await.unwrap().len(), 251);
    assert_eq!(scene.azure.request_count("list_projects"), 3);
    scene.kept_to_the_description();
}

#[tokio::test]
async fn a_collection_that_is_not_there_says_nothing_about_the_things_in_it() {
    let mut scene = Scene::new().await;
    scene.at.base_url = format!("{}/nowhere/", scene.azure.base_url());
    let id = uuid::Uuid::nil().to_string();
    let number = handoff_domain::id::WorkItemNumber::new(1);
    for error in [
        scene.client.subscription(&scene.at, &id).await.unwrap_err(),
        scene.client.work_item(&scene.at, number).await.unwrap_err(),
        scene.client.work_items(&scene.at, &[number]).await.unwrap_err(),
        scene.client.projects(&scene.at).await.unwrap_err(),
        scene.client.delete_subscription(&scene.at, &id).await.unwrap_err(),
    ] {
        assert!(error.is_transient(), "{error:?}");
    }
    // Who asks for the collection itself may have mistyped it.
    let asked = scene.client.collection(&scene.at.base_url, &scene.at.credential).await;
    assert_eq!(asked.unwrap_err(), TrackerError::NotFound { what: "collection" });
}
