//! The sample that Azure DevOps posts when a person presses "Test": the Fabrikam work item.

use serde_json::{Value, json};

/// The id that every sample of `workitem.updated` has.
const UPDATED_EVENT_ID: &str = "27646e0e-b520-4d2b-9411-bba7524947cd";
const BASE_URL: &str = "http://fabrikam-fiber-inc.visualstudio.com/DefaultCollection/";
const NO_SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";

/// The sample event of a type. Containers have no `baseUrl`, the work item has the number 0.
pub(crate) fn sample(event_type: &str) -> Value {
    let fields = json!({
        "System.AreaPath": "FabrikamCloud",
        "System.TeamProject": "FabrikamCloud",
        "System.IterationPath": r"FabrikamCloud\Release 1\Sprint 1",
        "System.WorkItemType": "Bug",
        "System.State": "New",
        "System.Reason": "New defect reported",
        "System.CreatedDate": "2014-07-15T16:48:44.663Z",
        "System.CreatedBy": "Jamal Hartnett",
        "System.ChangedDate": "2014-07-15T16:48:44.663Z",
        "System.ChangedBy": "Jamal Hartnett",
        "System.Title": "Some great new idea!",
        "Microsoft.VSTS.Common.Severity": "3 - Medium",
    });
    let resource = if event_type == "workitem.updated" {
        json!({
            "id": 2,
            "workItemId": 0,
            "rev": 2,
            "revisedBy": null,
            "revisedDate": "0001-01-01T00:00:00",
            "fields": {
                "System.Rev": {"oldValue": "1", "newValue": "2"},
                "System.AuthorizedDate": {"oldValue": "2014-07-15T16:48:44.663Z", "newValue": "2014-07-15T17:42:44.663Z"},
                "System.State": {"oldValue": "New", "newValue": "Approved"},
                "System.AssignedTo": {"oldValue": "unassigned", "newValue": "Jamal Hartnett"},
            },
            "_links": {"self": {"href": format!("{BASE_URL}_apis/wit/workItems/5/updates/2")}},
            "url": format!("{BASE_URL}_apis/wit/workItems/5/updates/2"),
            "revision": {
                "id": 5,
                "rev": 2,
                "fields": fields,
                "url": format!("{BASE_URL}_apis/wit/workItems/5/revisions/2"),
            },
        })
    } else {
        json!({"id": 5, "rev": 1, "fields": fields, "url": format!("{BASE_URL}_apis/wit/workItems/5")})
    };
    json!({
        "subscriptionId": NO_SUBSCRIPTION,
        "notificationId": 1,
        "id": UPDATED_EVENT_ID,
        "eventType": event_type,
        "publisherId": "tfs",
        "message": {"text": "Bug #5 (Some great new idea!) updated by Jamal Hartnett."},
        "detailedMessage": {"text": "Bug #5 (Some great new idea!) updated by Jamal Hartnett."},
        "resource": resource,
        "resourceVersion": "1.0",
        "resourceContainers": {
            "collection": {"id": "c12d0eb8-e382-443b-9f9c-c52cba5014c2"},
            "account": {"id": "f844ec47-a9db-4511-8281-8b63f4eaf94e"},
            "project": {"id": "be9b3917-87e6-42a4-a549-2bc06a7a878f"},
        },
        "createdDate": "2016-09-19T13:03:27.3156388Z",
    })
}
