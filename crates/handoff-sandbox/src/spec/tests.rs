//! The checks against small descriptions written here, and against the official ones where a folder is
//! given.

use std::fs;

use serde_json::json;
use tempfile::TempDir;

use super::*;

const SWAGGER: &str = r##"{
  "swagger": "2.0",
  "paths": {
    "/{organization}/_apis/hooks/subscriptions": {
      "post": {
        "consumes": ["application/json"],
        "parameters": [
          {"in": "body", "name": "body", "required": true, "schema": {"$ref": "#/definitions/Subscription"}},
          {"$ref": "#/parameters/api-Version"}
        ],
        "responses": {"200": {"schema": {"$ref": "#/definitions/Subscription"}}}
      },
      "get": {
        "parameters": [{"$ref": "#/parameters/api-Version"}],
        "responses": {"200": {"schema": {"type": "array", "items": {"$ref": "#/definitions/Subscription"}}}}
      }
    },
    "/{organization}/{project}/_apis/wit/workitems/{id}": {
      "patch": {
        "consumes": ["application/json-patch+json"],
        "parameters": [
          {"in": "body", "name": "body", "required": true, "schema": {"$ref": "#/definitions/JsonPatchDocument"}},
          {"in": "query", "name": "$expand", "type": "string", "enum": ["none", "all"]},
          {"$ref": "#/parameters/api-Version"}
        ],
        "responses": {}
      }
    }
  },
  "parameters": {"api-Version": {"in": "query", "name": "api-version", "required": true, "type": "string"}},
  "definitions": {
    "Subscription": {
      "type": "object",
      "properties": {
        "id": {"type": "string"},
        "publisherInputs": {"type": "object", "additionalProperties": {"type": "string"}},
        "probationRetries": {"type": "string", "format": "byte"},
        "status": {"enum": ["enabled", "onProbation"]}
      }
    },
    "JsonPatchDocument": {
      "type": "object",
      "allOf": [{"type": "array", "items": {"$ref": "#/definitions/JsonPatchOperation"}}],
      "properties": {}
    },
    "JsonPatchOperation": {
      "type": "object",
      "properties": {
        "op": {"enum": ["add", "test"]},
        "path": {"type": "string"},
        "value": {"type": "object"}
      }
    }
  }
}"##;

fn azure() -> SpecCheck {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("azure-devops")).unwrap();
    fs::write(folder.path().join("azure-devops/hooks.json"), format!("\u{feff}{SWAGGER}")).unwrap();
    SpecCheck::load_azure(folder.path()).unwrap()
}

fn official() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the folder of the official descriptions is given to the tests")]
    let folder = std::env::var_os("HANDOFF_API_SPECS");
    if folder.is_none() {
        eprintln!("skipped: HANDOFF_API_SPECS names no folder with the official descriptions");
    }
    folder.map(PathBuf::from)
}

fn create_subscription(check: &SpecCheck, body: &Value) -> Result<(), Vec<String>> {
    check.check_request(
        "POST",
        "/fabrikam/_apis/hooks/subscriptions",
        Some("api-version=7.1"),
        Some("application/json; charset=utf-8"),
        body.to_string().as_bytes(),
    )
}

fn patch(check: &SpecCheck, path: &str, query: &str, body: &Value) -> Result<(), Vec<String>> {
    let content_type = Some("application/json-patch+json");
    check.check_request("PATCH", path, Some(query), content_type, body.to_string().as_bytes())
}

#[test]
fn a_wrong_type_in_a_swagger_body_is_found() {
    let check = azure();
    create_subscription(&check, &json!({"publisherInputs": {"projectId": "p"}})).unwrap();
    let violations = create_subscription(&check, &json!({"publisherInputs": {"projectId": 7}})).unwrap_err();
    assert!(violations[0].contains("/publisherInputs/projectId"), "{violations:?}");
}

#[test]
fn a_misspelt_property_in_a_request_is_found_and_in_an_answer_allowed() {
    let check = azure();
    let body = json!({"publisherInput": {}});
    assert!(create_subscription(&check, &body).is_err());
    let path = "/fabrikam/_apis/hooks/subscriptions";
    check.check_response("POST", path, 200, body.to_string().as_bytes()).unwrap();
}

#[test]
fn swagger_is_loosened_where_the_service_differs() {
    let check = azure();
    create_subscription(&check, &json!({"id": null, "probationRetries": 2, "status": "Enabled"})).unwrap();
    let path = "/fabrikam/_apis/hooks/subscriptions";
    let list = json!({"count": 1, "value": [{"id": "a"}]}).to_string();
    check.check_response("GET", path, 200, list.as_bytes()).unwrap();
    let wrong = json!({"count": 1, "value": [{"id": 1}]}).to_string();
    assert!(check.check_response("GET", path, 200, wrong.as_bytes()).is_err());
    assert!(check.check_response("GET", path, 200, b"[]").is_err());
}

#[test]
fn a_patch_document_is_a_list_with_any_value() {
    let check = azure();
    let document =
        json!([{"op": "test", "path": "/rev", "value": 3}, {"op": "add", "path": "/fields/a", "value": "b"}]);
    for path in ["/fabrikam/Web/_apis/wit/workItems/7", "/fabrikam/_apis/wit/workitems/7"] {
        patch(&check, path, "api-version=7.1&$expand=All", &document).unwrap();
    }
    let path = "/fabrikam/_apis/wit/workitems/7";
    assert!(patch(&check, path, "api-version=7.1", &document[0]).is_err());
    assert!(patch(&check, path, "api-version=7.1", &json!([{"op": "put"}])).is_err());
    assert!(patch(&check, path, "api-version=7.1&$expand=some", &document).is_err());
}

#[test]
fn a_missing_parameter_a_wrong_content_type_and_an_unknown_operation_are_found() {
    let check = azure();
    let path = "/fabrikam/_apis/hooks/subscriptions";
    assert!(check.check_request("GET", path, None, None, b"").is_err());
    assert!(check.check_request("GET", path, Some("api-version=7.1&top=3"), None, b"").is_err());
    let query = Some("api-version=7.1");
    assert!(check.check_request("POST", path, query, Some("text/plain"), b"{}").is_err());
    assert!(check.check_request("POST", path, query, Some("application/json"), b"").is_err());
    assert!(check.check_request("POST", path, query, Some("application/json"), b"{").is_err());
    assert!(check.check_request("GET", "/fabrikam/_apis/hooks/hook", query, None, b"").is_err());
    check.check_request("GET", "/fabrikam/_apis/projects", None, None, b"").unwrap();
}

#[test]
fn a_folder_without_descriptions_is_an_error() {
    let folder = TempDir::new().unwrap();
    assert!(matches!(SpecCheck::load_discord(folder.path()), Err(SpecError::Read { .. })));
    fs::create_dir(folder.path().join("azure-devops")).unwrap();
    assert!(matches!(SpecCheck::load_azure(folder.path()), Err(SpecError::Empty { .. })));
}

#[test]
fn discords_own_description_accepts_a_message_and_finds_what_is_wrong_with_others() {
    let Some(folder) = official() else { return };
    let check = SpecCheck::load_discord(&folder).unwrap();
    let send = |path: &str, body: Value| {
        check.check_request("POST", path, None, Some("application/json"), body.to_string().as_bytes())
    };
    let path = "/api/v10/channels/123/messages";
    let button = json!({"type": 2, "style": 1, "label": "Assign to me", "custom_id": "assign:1"});
    let message = json!({
        "content": "hello", "nonce": "abc", "enforce_nonce": true, "allowed_mentions": {"parse": []},
        "embeds": [{"title": "t", "color": 255, "fields": [{"name": "a", "value": "b", "inline": true}]}],
        "components": [{"type": 1, "components": [button]}],
    });
    send(path, message).unwrap();
    for wrong in [
        json!({"content": 7}),
        json!({"contents": "misspelt"}),
        json!({"embeds": [{"title": "t".repeat(257)}]}),
        json!({"nonce": "n".repeat(26)}),
        json!({"allowed_mentions": {"parse": ["people"]}}),
        json!({"components": [{"type": 1, "components": [{"type": 2, "label": "no style"}]}]}),
    ] {
        assert!(send(path, wrong.clone()).is_err(), "{wrong}");
    }
    assert!(send("/api/v10/channels/general/messages", json!({"content": "a"})).is_err());
    assert!(send("/api/v10/channels/123/posts", json!({"content": "a"})).is_err());
    let get = |query: &str| check.check_request("GET", path, Some(query), None, b"");
    get("limit=100&before=5").unwrap();
    assert!(get("limit=101").is_err());
    assert!(get("limit=many").is_err());
}

#[test]
fn azures_own_descriptions_accept_a_hook_and_a_patch_and_find_what_is_wrong_with_others() {
    let Some(folder) = official() else { return };
    let check = SpecCheck::load_azure(&folder).unwrap();
    let hook = json!({
        "publisherId": "tfs", "eventType": "workitem.updated", "resourceVersion": "1.0",
        "consumerId": "webHooks", "consumerActionId": "httpRequest",
        "publisherInputs": {"projectId": "8f0c"}, "consumerInputs": {"url": "https://example.org/hook"},
    });
    create_subscription(&check, &hook).unwrap();
    assert!(create_subscription(&check, &json!({"consumerInputs": {"url": 1}})).is_err());
    assert!(create_subscription(&check, &json!({"eventTypes": []})).is_err());
    let document = json!([{"op": "test", "path": "/rev", "value": 3}]);
    patch(&check, "/fabrikam/_apis/wit/workitems/7", "api-version=7.1", &document).unwrap();
    assert!(patch(&check, "/fabrikam/_apis/wit/workitems/7", "api-version=7.1", &json!([{"op": "set"}])).is_err());
    let batch = |body: Value| {
        let path = "/fabrikam/_apis/wit/workitemsbatch";
        let body = body.to_string();
        check.check_request("POST", path, Some("api-version=7.1"), Some("application/json"), body.as_bytes())
    };
    batch(json!({"ids": [1, 2], "errorPolicy": "Omit", "$expand": "None"})).unwrap();
    assert!(batch(json!({"ids": ["one"]})).is_err());
}
