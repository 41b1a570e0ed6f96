//! Projects, teams and people over the API.

use crate::azure::{Hosting, NewIdentity, Process};
use serde_json::{Value, json};

use super::scene::Scene;

#[tokio::test]
async fn a_projects_teams_and_members_can_be_listed_by_name_and_by_id() {
    let scene = Scene::new().await;
    let everyone = scene.azure.add_identity(NewIdentity::group("Everyone"));
    let team = scene.azure.add_team(scene.project, "Payments Team", &[scene.ada, everyone]).unwrap();
    let projects = scene.call("GET", "_apis/projects", None).await.body;
    assert_eq!((&projects["count"], &projects["value"][0]["name"]), (&json!(1), &json!("Payments")));
    let teams = scene.call("GET", "_apis/projects/Payments/teams", None).await.body;
    assert_eq!(teams["value"][0]["id"], team.to_string());
    let path = format!("_apis/projects/{}/teams/Payments%20Team/members", scene.project);
    let members = scene.call("GET", &path, None).await.body;
    assert_eq!(members["value"][0]["identity"]["uniqueName"], "ada@example.org");
    assert_eq!(members["value"][1]["identity"]["isContainer"], true);
}

#[tokio::test]
async fn graph_users_come_in_pages_and_only_from_the_cloud() {
    let scene = Scene::with(Hosting::Cloud, |options| options.graph_page_size = 2).await;
    let first = scene.call("GET", "_apis/graph/users?subjectTypes=aad,msa", None).await;
    assert_eq!(first.body["value"].as_array().map(Vec::len), Some(2));
    let token = first.headers["x-ms-continuationtoken"].to_str().unwrap();
    let path = format!("_apis/graph/users?subjectTypes=aad,msa&continuationToken={token}");
    let second = scene.call("GET", &path, None).await;
    assert_eq!(second.body["value"][0]["mailAddress"], "grace@example.org");
    assert!(!second.headers.contains_key("x-ms-continuationtoken"));
    let server = Scene::with(Hosting::Server, |_| {}).await;
    assert_eq!(server.call("GET", "_apis/graph/users", None).await.status, 404);
}

#[tokio::test]
async fn identities_are_found_by_id_by_name_and_by_address() {
    let scene = Scene::new().await;
    let id = format!("_apis/identities?identityIds={}", scene.grace);
    for path in [
        id.as_str(),
        "_apis/identities?searchFilter=MailAddress&filterValue=GRACE@example.org",
        "_apis/identities?searchFilter=General&filterValue=Grace%20Hopper",
    ] {
        let found = scene.call("GET", path, None).await.body;
        assert_eq!(found["value"][0]["id"], scene.grace.to_string(), "{path}");
        assert_eq!(found["value"][0]["properties"]["Mail"]["$value"], "grace@example.org");
    }
    let nobody = scene.call("GET", "_apis/identities?searchFilter=General&filterValue=nobody", None).await;
    assert_eq!(nobody.body["count"], 0);
}

#[tokio::test]
async fn connection_data_says_who_calls_and_which_collection_answers() {
    let scene = Scene::new().await;
    let data = scene.call("GET", "_apis/connectionData", None).await.body;
    assert_eq!(data["authenticatedUser"]["id"], scene.ada.to_string());
    assert_eq!(data["instanceId"], scene.collection.to_string());
    assert_eq!(data["deploymentType"], "hosted");
}

#[tokio::test]
async fn states_have_categories_and_basic_has_no_bug() {
    let scene = Scene::new().await;
    let _ = scene.azure.add_project(scene.collection, "Simple", Process::Basic).unwrap();
    let categories = |body: &Value| -> Vec<String> {
        body["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|state| format!("{}={}", state["name"], state["category"]).replace('"', ""))
            .collect()
    };
    let bug = scene.call("GET", "Payments/_apis/wit/workitemtypes/Bug/states", None).await.body;
    assert_eq!(categories(&bug), ["New=Proposed", "Active=InProgress", "Resolved=Resolved", "Closed=Completed"]);
    let issue = scene.call("GET", "Simple/_apis/wit/workitemtypes/Issue/states", None).await.body;
    assert_eq!(categories(&issue), ["To Do=Proposed", "Doing=InProgress", "Done=Completed"]);
    let none = scene.call("GET", "Simple/_apis/wit/workitemtypes/Bug/states", None).await;
    assert_eq!(none.status, 404);
}
