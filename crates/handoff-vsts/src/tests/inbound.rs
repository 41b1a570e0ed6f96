//! What service hooks bring, good and bad.

use super::payload::{ADA, COLLECTION, PROJECT, cloud, flat, sample, server, with_objects};
use crate::inbound::AzureInbound;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use handoff_domain::hook::EventType;
use handoff_domain::id::{Revision, WorkItemNumber};
use handoff_domain::person::Person;
use handoff_domain::port::tracker::{Classified, DecodeError, InboundHeaders, TrackerEvent, TrackerInbound};
use handoff_domain::secret::Secret;
use handoff_domain::time::Timestamp;
use handoff_domain::work_item::{AzureProjectId, Snapshot};
use serde_json::{Value, json};

fn bytes(event: &Value) -> Vec<u8> {
    event.to_string().into_bytes()
}

fn classify(event: &Value) -> Classified {
    AzureInbound.classify(&bytes(event))
}

fn decode(event: &Value) -> Result<TrackerEvent, DecodeError> {
    AzureInbound.decode(EventType::WorkItemUpdated, &bytes(event))
}

fn snapshot(event: &Value) -> Snapshot {
    match decode(event) {
        Ok(TrackerEvent::Updated { snapshot: Some(snapshot) }) => *snapshot,
        other => panic!("no snapshot: {other:?}"),
    }
}

fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut event = cloud();
    change(&mut event);
    event
}

fn ada(id: Option<&str>, unique: &str) -> Person {
    Person {
        identity_id: id.map(ToOwned::to_owned),
        unique_name: Some(unique.to_owned()),
        display_name: "Ada Lovelace".to_owned(),
        is_container: false,
    }
}

fn authorized(header: impl Into<Vec<u8>>) -> InboundHeaders {
    InboundHeaders(vec![("host".to_owned(), b"x".to_vec()), ("authorization".to_owned(), header.into())])
}

fn basic(scheme: &str, pair: &str) -> InboundHeaders {
    authorized(format!("{scheme} {}", STANDARD.encode(pair)))
}

#[test]
fn only_the_secret_as_password_authenticates_whatever_the_name_and_the_case_of_the_scheme() {
    let secret = Secret::new("s3cr:et");
    for good in [basic("Basic", "handoff:s3cr:et"), basic("bASIC", ":s3cr:et"), basic("basic", "else:s3cr:et")] {
        assert!(AzureInbound.authenticate(&good, &secret), "{good:?}");
    }
    for bad in [
        InboundHeaders::default(),
        authorized(""),
        authorized("Basic"),
        authorized("Basic !!!"),
        authorized(b"Basic \xff".to_vec()),
        authorized("s3cr:et"),
        basic("Bearer", "handoff:s3cr:et"),
        basic("Basic", "s3cret"),
        basic("Basic", "handoff:"),
        basic("Basic", "handoff:s3cr:e"),
        basic("Basic", "handoff:s3cr:ett"),
        basic("Basic", "handoff:S3CR:ET"),
        basic("Basic", &format!("{}:s3cr:et", "x".repeat(10_000))),
    ] {
        assert!(!AzureInbound.authenticate(&bad, &secret), "{bad:?}");
    }
    assert!(!AzureInbound.authenticate(&basic("Basic", "handoff:"), &Secret::new("")), "an empty secret is none");
}

#[test]
fn an_update_is_classified_alike_from_the_cloud_and_from_a_server() {
    for event in [cloud(), server(), with_objects()] {
        let expected = Classified::Event {
            event_type: EventType::WorkItemUpdated,
            collection_id: Some(COLLECTION.to_owned()),
            azure_project: AzureProjectId::parse(PROJECT),
            work_item: Some(WorkItemNumber::new(31)),
            update: Some(7),
            event_id: Some("03c164c2-8912-4d5e-8009-3707d5f83734".to_owned()),
        };
        assert_eq!(classify(&event), expected);
    }
}

#[test]
fn the_other_events_have_the_work_items_number_as_their_resources_id_and_no_update() {
    for name in ["workitem.created", "workitem.deleted", "workitem.restored"] {
        match classify(&flat(name)) {
            Classified::Event { event_type, work_item, update, .. } => {
                assert_eq!((event_type.as_str(), work_item, update), (name, Some(WorkItemNumber::new(31)), None));
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn the_sample_of_test_is_told_by_any_of_its_signs() {
    let mut by_id = cloud();
    by_id["id"] = json!("27646E0E-b520-4d2b-9411-bba7524947cd");
    let mut by_url = flat("workitem.created");
    by_url["resource"]["url"] =
        json!("https://fabrikam-fiber-inc.visualstudio.com/DefaultCollection/_apis/wit/workItems/5");
    let mut flat_zero = flat("workitem.deleted");
    flat_zero["resource"]["id"] = json!(0);
    for event in [sample(), by_id, by_url, flat_zero, with(|event| event["resource"]["workItemId"] = json!(0))] {
        assert_eq!(classify(&event), Classified::TestNotification, "{event}");
    }
    let mut lookalike = cloud();
    lookalike["resource"]["url"] =
        json!("https://evil.example/?x=http://fabrikam-fiber-inc.visualstudio.com/DefaultCollection/");
    assert!(matches!(classify(&lookalike), Classified::Event { .. }));
}

#[test]
fn an_event_type_that_we_do_not_use_is_named_and_bounded() {
    for (name, shown) in [
        ("workitem.commented".to_owned(), "workitem.commented".to_owned()),
        ("git.push".to_owned(), "git.push".to_owned()),
        ("x".repeat(1000), "x".repeat(64)),
        ("a\0b".to_owned(), "a b".to_owned()),
    ] {
        let event = with(|event| event["eventType"] = json!(name));
        assert_eq!(classify(&event), Classified::Unused { event_type: shown });
    }
}

#[test]
fn what_names_no_work_item_is_an_event_without_one() {
    for bad in [json!(null), json!(-1), json!("31"), json!(31.0), json!(31.5), json!(9_007_199_254_740_992_i64)] {
        let event = with(|event| event["resource"]["workItemId"] = bad.clone());
        assert!(matches!(classify(&event), Classified::Event { work_item: None, .. }), "{bad}");
    }
    for bad in [json!({}), json!([]), json!(true), json!(u64::MAX), json!(1e300)] {
        let event = with(|event| event["resource"]["workItemId"] = bad.clone());
        assert!(matches!(classify(&event), Classified::Event { work_item: None, .. }), "{bad}");
        let event = with(|event| event["resource"] = bad.clone());
        assert!(matches!(classify(&event), Classified::Event { work_item: None, update: None, .. }), "{bad}");
        let event = with(|event| event["resourceContainers"] = bad.clone());
        assert!(
            matches!(classify(&event), Classified::Event { collection_id: None, azure_project: None, .. }),
            "{bad}"
        );
        let event = with(|event| event["resource"]["id"] = bad.clone());
        assert!(matches!(classify(&event), Classified::Event { update: None, .. }), "{bad}");
    }
}

#[test]
fn what_is_no_event_is_malformed_with_a_reason() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let bodies: [&[u8]; 12] = [
        b"",
        b"\0",
        b"\xff\xfe",
        b"not json",
        b"null",
        b"[]",
        b"7",
        b"{}",
        br#"{"eventType":null}"#,
        br#"{"eventType":5}"#,
        br#"{"eventType":"workitem.updated","eventType":"workitem.deleted"}"#,
        deep.as_bytes(),
    ];
    for body in bodies {
        match AzureInbound.classify(body) {
            Classified::Malformed { reason } => assert!(!reason.is_empty() && reason.len() < 200),
            other => panic!("{other:?}"),
        }
        for event_type in [EventType::WorkItemUpdated, EventType::WorkItemCreated] {
            assert!(AzureInbound.decode(event_type, body).is_err());
        }
    }
}

#[test]
fn broken_text_and_deep_nesting_beside_what_we_read_hide_nothing() {
    let whole = cloud().to_string();
    for broken in [
        br#""\ud800 half a character""#.to_vec(),
        b"\"\xff\xfe\"".to_vec(),
        format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)).into_bytes(),
    ] {
        let mut body = br#"{"extra":"#.to_vec();
        body.extend(&broken);
        body.push(b',');
        body.extend(&whole.as_bytes()[1..]);
        assert!(matches!(AzureInbound.classify(&body), Classified::Event { work_item: Some(_), .. }));
        assert!(AzureInbound.decode(EventType::WorkItemUpdated, &body).is_ok());
    }
    for broken in [b"\\ud800".as_slice(), b"\xff", b"\\u0000"] {
        let at = whole.find("It hurts").unwrap();
        let mut body = whole.as_bytes().to_vec();
        body.splice(at..at + "It hurts".len(), broken.iter().copied().chain(*b" hurts"));
        assert!(matches!(AzureInbound.classify(&body), Classified::Event { work_item: Some(_), .. }));
        match AzureInbound.decode(EventType::WorkItemUpdated, &body) {
            Ok(TrackerEvent::Updated { snapshot: Some(snapshot) }) => assert!(snapshot.title.ends_with("hurts")),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_description_of_megabytes_three_times_over_is_read_all_the_same() {
    let html = "<p>&nbsp;\"quoted\" \u{1F600}</p>".repeat(150_000);
    let event = with(|event| {
        event["resource"]["fields"]["System.Description"] = json!({"oldValue": html, "newValue": html});
        event["resource"]["revision"]["fields"]["System.Description"] = json!(html);
    });
    assert!(bytes(&event).len() > 12 * 1024 * 1024);
    assert!(matches!(classify(&event), Classified::Event { work_item: Some(_), .. }));
    assert_eq!(snapshot(&event).title, "It hurts");
}

#[test]
fn a_body_cut_anywhere_is_never_a_panic() {
    let body = bytes(&cloud());
    for end in 0..body.len() {
        assert!(matches!(AzureInbound.classify(&body[..end]), Classified::Malformed { .. }));
        assert!(AzureInbound.decode(EventType::WorkItemUpdated, &body[..end]).is_err());
    }
    for at in 0..body.len() {
        for byte in [0, b'"', b'\\', b'{', 0xFF] {
            let mut changed = body.clone();
            changed[at] = byte;
            let _ = AzureInbound.classify(&changed);
            let _ = AzureInbound.decode(EventType::WorkItemUpdated, &changed);
        }
    }
}

#[test]
fn an_update_from_the_cloud_becomes_a_snapshot() {
    let expected = Snapshot {
        number: WorkItemNumber::new(31),
        revision: Revision::new(5),
        azure_project: AzureProjectId::parse(PROJECT),
        title: "It hurts".to_owned(),
        work_item_type: "Bug".to_owned(),
        state: "Active".to_owned(),
        assignee: Some(ada(Some(ADA), "ada@example.org")),
        area_path: Some(r"Payments\Web".to_owned()),
        tags: vec!["Backend".to_owned(), "urgent".to_owned()],
        changed_by: Some(ada(Some(ADA), "ada@example.org")),
        changed_at: Timestamp::parse_rfc3339("2026-03-01T08:00:00.25Z"),
        url: Some(format!("https://dev.azure.com/contoso/{PROJECT}/_workitems/edit/31")),
    };
    assert_eq!(snapshot(&cloud()), expected);
    assert_eq!(snapshot(&with_objects()), expected);
    match AzureInbound.decode(EventType::WorkItemCreated, &bytes(&flat("workitem.created"))) {
        Ok(TrackerEvent::Updated { snapshot: Some(snapshot) }) => {
            let unknown_id = Some(ada(None, "ada@example.org"));
            assert_eq!(*snapshot, Snapshot { assignee: unknown_id.clone(), changed_by: unknown_id, ..expected });
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_update_from_a_server_becomes_a_snapshot() {
    let seen = snapshot(&server());
    assert_eq!(seen.assignee, Some(ada(Some(ADA), r"fabrikam\ada")));
    assert_eq!(seen.state, "Aktiv");
    assert_eq!(seen.azure_project, AzureProjectId::parse(PROJECT));
    assert_eq!(seen.url.as_deref(), Some("https://tfs.contoso.com/tfs/Default/_workitems/edit/31"));
}

#[test]
fn somebody_elses_change_lends_its_identity_to_nobody() {
    let event =
        with(|event| event["resource"]["revision"]["fields"]["System.AssignedTo"] = json!("Grace <grace@example.org>"));
    let seen = snapshot(&event);
    assert_eq!(seen.assignee.and_then(|person| person.identity_id), None);
    assert_eq!(seen.changed_by.and_then(|person| person.identity_id).as_deref(), Some(ADA));
}

#[test]
fn nobody_has_it_in_every_form_of_nobody() {
    for nobody in [Value::Null, json!(""), json!("  "), json!({}), json!({"displayName": ""})] {
        let event = with(|event| event["resource"]["revision"]["fields"]["System.AssignedTo"] = nobody.clone());
        assert_eq!(snapshot(&event).assignee, None, "{nobody}");
    }
    let event = with(|event| {
        event["resource"]["revision"]["fields"].as_object_mut().unwrap().remove("System.AssignedTo");
    });
    assert_eq!(snapshot(&event).assignee, None);
}

#[test]
fn without_what_a_snapshot_needs_the_item_must_be_read() {
    for (pointer, key) in [
        ("/resource", "revision"),
        ("/resource/revision", "fields"),
        ("/resource/revision/fields", "System.Title"),
        ("/resource/revision/fields", "System.State"),
        ("/resource/revision/fields", "System.WorkItemType"),
    ] {
        for value in [None, Some(Value::Null)] {
            let event = with(|event| {
                let object = event.pointer_mut(pointer).and_then(Value::as_object_mut).unwrap();
                object.remove(key);
                if let Some(value) = value.clone() {
                    object.insert(key.to_owned(), value);
                }
            });
            assert_eq!(decode(&event), Ok(TrackerEvent::Updated { snapshot: None }), "{pointer}/{key}");
        }
    }
}

#[test]
fn a_field_of_the_wrong_type_is_named() {
    for (pointer, named) in [
        ("/resource", "resource"),
        ("/resource/workItemId", "workItemId"),
        ("/resource/revision", "resource.revision"),
        ("/resource/revision/id", "id"),
        ("/resource/revision/rev", "rev"),
        ("/resource/revision/fields", "fields"),
        ("/resource/revision/fields/System.Title", "System.Title"),
        ("/resource/revision/fields/System.State", "System.State"),
        ("/resource/revision/fields/System.WorkItemType", "System.WorkItemType"),
        ("/resource/revision/fields/System.AssignedTo", "System.AssignedTo"),
        ("/resource/revision/fields/System.ChangedBy", "System.ChangedBy"),
        ("/resource/revision/fields/System.ChangedDate", "System.ChangedDate"),
    ] {
        for bad in [json!([1]), json!(true), json!(1.5), json!(9_007_199_254_740_992_i64)] {
            let event = with(|event| *event.pointer_mut(pointer).unwrap() = bad.clone());
            let DecodeError(reason) = decode(&event).unwrap_err();
            assert!(reason.contains(named) && reason.len() < 200, "{pointer}={bad}: {reason}");
        }
    }
}

#[test]
fn an_odd_value_beside_what_decides_is_no_reason_to_refuse() {
    for pointer in [
        "/resource/revisedBy",
        "/resource/_links",
        "/resource/_links/html/href",
        "/resource/revision/_links",
        "/resource/revision/url",
        "/resource/fields",
        "/resourceContainers",
        "/resourceContainers/project/id",
        "/notificationId",
        "/createdDate",
    ] {
        for odd in [json!(null), json!([1]), json!(true), json!("x"), json!({"x": 1})] {
            let event = with(|event| *event.pointer_mut(pointer).unwrap() = odd.clone());
            assert_eq!(snapshot(&event).title, "It hurts", "{pointer}={odd}");
        }
    }
}

#[test]
fn the_revision_of_the_update_stands_in_for_one_that_is_missing() {
    let event = with(|event| event["resource"]["revision"]["rev"] = Value::Null);
    assert_eq!(snapshot(&event).revision, Revision::new(5));
}

#[test]
fn text_is_tamed_and_bounded() {
    let event = with(|event| {
        event["resource"]["revision"]["fields"]["System.Title"] = json!(format!("a\0b\n{}", "é".repeat(1000)));
        event["resource"]["revision"]["fields"]["System.State"] = json!("s".repeat(1000));
        event["resource"]["revision"]["fields"]["System.ChangedDate"] = json!("yesterday");
    });
    let seen = snapshot(&event);
    assert!(seen.title.starts_with("a b é") && seen.title.chars().count() == Snapshot::MAX_TITLE);
    assert_eq!(seen.state.len(), Snapshot::MAX_WORD);
    assert_eq!(seen.changed_at, None);
}

#[test]
fn deleted_and_restored_are_settled_by_reading() {
    for event_type in [EventType::WorkItemDeleted, EventType::WorkItemRestored] {
        let event = flat(event_type.as_str());
        assert_eq!(AzureInbound.decode(event_type, &bytes(&event)), Ok(TrackerEvent::Settle));
    }
}
