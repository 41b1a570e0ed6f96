//! Payloads as the cloud and Servers send them, made smaller, with sample people.

use serde_json::{Value, json};

pub(super) const COLLECTION: &str = "6b5b2a44-9b3c-4a27-9f0e-0c6d4d6f9a01";
pub(super) const PROJECT: &str = "8d3c2e1a-7c55-4f1e-b1d4-3a0f6f2f1b02";
pub(super) const ADA: &str = "d291b0c4-a05c-4ea6-8df1-4b41d5f39eff";
const EVENT: &str = "03c164c2-8912-4d5e-8009-3707d5f83734";

/// `workitem.updated` of version 1.0 from the cloud: people as text, `revisedBy` as an object.
pub(super) fn cloud() -> Value {
    let base = "https://dev.azure.com/contoso/";
    let item = format!("{base}{PROJECT}/_apis/wit/workItems/31");
    json!({
        "subscriptionId": "f0c23515-bcd1-4e30-9613-56a0a129c732",
        "notificationId": 17,
        "id": EVENT,
        "eventType": "workitem.updated",
        "publisherId": "tfs",
        "message": null,
        "detailedMessage": null,
        "resource": {
            "id": 7,
            "workItemId": 31,
            "rev": 5,
            "revisedBy": {
                "id": ADA,
                "name": "Ada Lovelace <Ada@example.org>",
                "displayName": "Ada Lovelace",
                "uniqueName": "Ada@example.org",
                "descriptor": "aad.ZDI5MWIwYzQ",
                "url": format!("{base}_apis/Identities/{ADA}"),
            },
            "revisedDate": "9999-01-01T00:00:00Z",
            "fields": {
                "System.Rev": {"oldValue": 4, "newValue": 5},
                "System.AssignedTo": {"newValue": "Ada Lovelace <Ada@example.org>"},
            },
            "_links": {
                "self": {"href": format!("{item}/updates/7")},
                "html": {"href": format!("{base}{PROJECT}/_workitems/edit/31")},
            },
            "url": format!("{item}/updates/7"),
            "revision": {
                "id": 31,
                "rev": 5,
                "fields": {
                    "System.AreaPath": r"Payments\Web",
                    "System.Tags": "Backend; urgent",
                    "System.TeamProject": "Payments",
                    "System.WorkItemType": "Bug",
                    "System.State": "Active",
                    "System.AssignedTo": "Ada Lovelace <Ada@example.org>",
                    "System.ChangedDate": "2026-03-01T08:00:00.25Z",
                    "System.ChangedBy": "Ada Lovelace <Ada@example.org>",
                    "System.Title": "It hurts",
                },
                "_links": {"self": {"href": format!("{item}/revisions/5")}},
                "url": format!("{item}/revisions/5"),
            },
        },
        "resourceVersion": "1.0",
        "resourceContainers": {
            "collection": {"id": COLLECTION, "baseUrl": base},
            "account": {"id": "a6a1f3d0-0000-4000-8000-000000000001", "baseUrl": base},
            "project": {"id": PROJECT, "baseUrl": base},
        },
        "createdDate": "2026-03-01T08:00:01.1234567Z",
    })
}

/// The same from a Server: `DOMAIN\user`, a server in the place of the account, ids in capitals, and
/// addresses without the project.
pub(super) fn server() -> Value {
    let base = "https://tfs.contoso.com/tfs/Default/";
    let mut event = cloud();
    event["resource"]["revisedBy"] = json!({
        "id": ADA.to_uppercase(),
        "name": r"Ada Lovelace <FABRIKAM\ada>",
        "displayName": "Ada Lovelace",
        "uniqueName": r"FABRIKAM\ada",
        "descriptor": "win.Uy0xLTUtMjE",
    });
    event["resource"]["_links"] = json!({"self": {"href": format!("{base}_apis/wit/workItems/31/updates/7")}});
    event["resource"]["url"] = json!(format!("{base}_apis/wit/workItems/31/updates/7"));
    let revision = &mut event["resource"]["revision"];
    revision["fields"]["System.AssignedTo"] = json!(r"Ada Lovelace <FABRIKAM\ada>");
    revision["fields"]["System.ChangedBy"] = json!(r"Ada Lovelace <FABRIKAM\ada>");
    revision["fields"]["System.State"] = json!("Aktiv");
    revision["url"] = json!(format!("{base}_apis/wit/workItems/31/revisions/5"));
    revision["_links"] = Value::Null;
    event["resourceContainers"] = json!({
        "collection": {"id": COLLECTION.to_uppercase(), "baseUrl": base},
        "server": {"id": "a6a1f3d0-0000-4000-8000-000000000002", "baseUrl": "https://tfs.contoso.com/tfs/"},
        "project": {"id": PROJECT.to_uppercase(), "baseUrl": base},
    });
    event
}

/// The same in version 5.1: people as objects.
pub(super) fn with_objects() -> Value {
    let mut event = cloud();
    let ada = json!({
        "displayName": "Ada Lovelace",
        "url": "https://example.org/x",
        "_links": {"avatar": {"href": "https://example.org/a"}},
        "id": ADA,
        "uniqueName": "Ada@example.org",
        "imageUrl": "https://example.org/i",
        "descriptor": "aad.ZDI5MWIwYzQ",
    });
    event["resource"]["revision"]["fields"]["System.AssignedTo"] = ada.clone();
    event["resource"]["revision"]["fields"]["System.ChangedBy"] = ada;
    event["resourceVersion"] = json!("5.1-preview.3");
    event
}

/// Any event but an update: the resource is the work item itself.
pub(super) fn flat(event_type: &str) -> Value {
    let mut event = cloud();
    event["eventType"] = json!(event_type);
    event["resource"] = event["resource"]["revision"].clone();
    event
}

/// The sample that "Test" sends for an update, in the form with everything of it.
pub(super) fn sample() -> Value {
    let base = "http://fabrikam-fiber-inc.visualstudio.com/DefaultCollection/_apis/wit/workItems/5";
    json!({
        "subscriptionId": "00000000-0000-0000-0000-000000000000",
        "id": "27646e0e-b520-4d2b-9411-bba7524947cd",
        "eventType": "workitem.updated",
        "resource": {
            "id": 2,
            "workItemId": 0,
            "rev": 2,
            "revisedBy": null,
            "revisedDate": "0001-01-01T00:00:00",
            "fields": {"System.AssignedTo": {"oldValue": "unassigned", "newValue": "Jamal Hartnett"}},
            "url": format!("{base}/updates/2"),
            "revision": {"id": 5, "rev": 2, "fields": {"System.Title": "Some great new idea!"}},
        },
        "resourceContainers": {"collection": {"id": "c12d0eb8-e382-443b-9f9c-c52cba5014c2"}},
    })
}
