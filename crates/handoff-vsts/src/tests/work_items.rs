//! Reading work items, against the simulator.

use super::scene::{START, Scene};
use handoff_domain::hook::EventType;
use handoff_domain::id::{Revision, WorkItemNumber};
use handoff_domain::person::Person;
use handoff_domain::port::tracker::{TrackerError, WorkItemTracker};
use handoff_domain::work_item::Snapshot;
use handoff_sandbox::azure::Hosting;
use handoff_sandbox::fault::Fault;
use std::time::Duration;

#[tokio::test]
async fn a_work_item_is_read_with_its_people_as_identities() {
    for hosting in [Hosting::Cloud, Hosting::Server] {
        let scene = Scene::with(hosting).await;
        let (key, number) = scene.bug("It hurts");
        scene.clock.advance(Duration::from_secs(2));
        let changed = scene.azure.update_work_item(key, |changes| {
            changes.assign(scene.ada).set("System.Tags", "a; b");
        });
        assert!(changed.unwrap());
        let seen = scene.client.work_item(&scene.at, number).await.unwrap().unwrap();
        let ada = Person {
            identity_id: Some(scene.ada.to_string()),
            unique_name: Some("ada@example.org".to_owned()),
            display_name: "Ada Lovelace".to_owned(),
            is_container: false,
        };
        let expected = Snapshot {
            number,
            revision: Revision::new(2),
            azure_project: Some(scene.azure_project()),
            title: "It hurts".to_owned(),
            work_item_type: "Bug".to_owned(),
            state: "New".to_owned(),
            assignee: Some(ada),
            area_path: Some("Payments".to_owned()),
            tags: vec!["a".to_owned(), "b".to_owned()],
            changed_by: seen.changed_by.clone(),
            changed_at: Some(START.plus(Duration::from_secs(2))),
            url: Some(format!("{}{}/_workitems/edit/{number}", scene.at.base_url, scene.project)),
        };
        assert!(seen.changed_by.is_some());
        assert_eq!(seen, expected);
        scene.azure.unassign_work_item(key).unwrap();
        let seen = scene.client.work_item(&scene.at, number).await.unwrap().unwrap();
        assert_eq!((seen.assignee, seen.revision), (None, Revision::new(3)));
        scene.kept_to_the_description();
    }
}

#[tokio::test]
async fn a_work_item_that_is_deleted_or_was_never_there_is_none() {
    let scene = Scene::new().await;
    let (key, number) = scene.bug("Gone");
    scene.azure.delete_work_item(key).unwrap();
    for number in [number, WorkItemNumber::new(4711), WorkItemNumber::new(i64::from(i32::MAX) + 1)] {
        assert_eq!(scene.client.work_item(&scene.at, number).await, Ok(None));
    }
    assert_eq!(scene.azure.request_count("get_work_item"), 2, "a number that cannot be is not asked for");
}

#[tokio::test]
async fn any_number_is_read_in_batches_without_those_that_are_gone() {
    let scene = Scene::new().await;
    let mut wanted = Vec::new();
    for n in 0..450 {
        let (key, number) = scene.bug(&format!("Number {n}"));
        if n % 10 == 0 {
            scene.azure.delete_work_item(key).unwrap();
        }
        wanted.push(number);
    }
    wanted.extend([WorkItemNumber::new(9999), WorkItemNumber::new(1 << 40), wanted[1]]);
    let seen = scene.client.work_items(&scene.at, &wanted).await.unwrap();
    assert_eq!(seen.len(), 405);
    assert!(seen.iter().all(|one| one.azure_project == Some(scene.azure_project())));
    assert_eq!(scene.azure.request_count("work_items_batch"), 3);
    assert_eq!(scene.azure.request_count("get_project"), 0);
    assert_eq!(scene.client.work_items(&scene.at, &[]).await, Ok(Vec::new()));
    assert_eq!(scene.azure.request_count("work_items_batch"), 3);
    scene.kept_to_the_description();
}

#[tokio::test]
async fn a_batch_refused_for_one_of_its_items_is_halved() {
    let scene = Scene::new().await;
    let numbers: Vec<WorkItemNumber> = (0..4).map(|n| scene.bug(&format!("Number {n}")).1).collect();
    for _ in 0..2 {
        scene.azure.faults().push_next("work_items_batch", Fault::RefuseBefore { status: 404 });
    }
    let seen = scene.client.work_items(&scene.at, &numbers).await.unwrap();
    assert_eq!(seen.len(), 4);
    assert_eq!(scene.azure.request_count("work_items_batch"), 5);
    scene.azure.faults().always("work_items_batch", Fault::RefuseBefore { status: 404 });
    assert_eq!(scene.client.work_items(&scene.at, &numbers).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_batch_that_fails_half_way_fails_as_a_whole() {
    let scene = Scene::new().await;
    let numbers: Vec<WorkItemNumber> = (0..201).map(|n| scene.bug(&format!("Number {n}")).1).collect();
    scene.azure.faults().push_next("work_items_batch", Fault::Delay(Duration::ZERO));
    scene.azure.faults().push_next("work_items_batch", Fault::RefuseBefore { status: 500 });
    let failed = scene.client.work_items(&scene.at, &numbers).await.unwrap_err();
    assert!(matches!(failed, TrackerError::Unavailable { .. }), "what was not read must not look deleted");
}

#[tokio::test]
async fn what_the_hook_says_and_what_a_read_says_is_the_same() {
    let scene = Scene::new().await;
    let receiver = super::reach::Canned::start(200, "application/json", "").await;
    let url = format!("{}/webhooks/vsts/1", receiver.base_url());
    scene.client.create_subscription(&scene.at, &scene.subscription(&url)).await.unwrap();
    let (key, number) = scene.bug("It hurts");
    scene.azure.assign_work_item(key, scene.ada).unwrap();
    scene.azure.settle().await;
    let (headers, body) = receiver.last();
    use handoff_domain::port::tracker::{TrackerEvent, TrackerInbound};
    let secret = handoff_domain::secret::Secret::new("hook-secret");
    assert!(crate::AzureInbound.authenticate(&headers, &secret));
    let Ok(TrackerEvent::Updated { snapshot: Some(heard) }) =
        crate::AzureInbound.decode(EventType::WorkItemUpdated, &body)
    else {
        panic!("no snapshot");
    };
    let read = scene.client.work_item(&scene.at, number).await.unwrap().unwrap();
    let same_person =
        |a: &Option<Person>, b: &Option<Person>| handoff_domain::person::same_person(a.as_ref(), b.as_ref());
    assert!(same_person(&heard.assignee, &read.assignee) && same_person(&heard.changed_by, &read.changed_by));
    let people = |one: &Snapshot| Snapshot { assignee: None, changed_by: None, ..one.clone() };
    assert_eq!(people(&heard), people(&read));
}
