//! Who gets in: every route, without a token and with another organization's.

use super::world::{AZURE_PROJECT, World};
use serde_json::{Value, json};

/// An id that nothing has.
const NOTHING: &str = "00000000-0000-7000-8000-000000000000";

/// Every method of every path. `{o}` is an organization, `{p}` a project, `{u}` a user, `{t}` a team,
/// `{id}` an id that nothing has.
const ROUTES: &[(&str, &str)] = &[
    ("GET", "/organizations"),
    ("POST", "/organizations"),
    ("GET", "/organizations/{o}"),
    ("GET", "/organizations/{o}/users"),
    ("POST", "/organizations/{o}/users"),
    ("GET", "/organizations/{o}/users/{u}"),
    ("PATCH", "/organizations/{o}/users/{u}"),
    ("PUT", "/organizations/{o}/users/{u}/emails/a@b.c"),
    ("GET", "/organizations/{o}/teams"),
    ("POST", "/organizations/{o}/teams"),
    ("GET", "/organizations/{o}/teams/{t}"),
    ("GET", "/organizations/{o}/teams/{t}/members"),
    ("PUT", "/organizations/{o}/teams/{t}/members/{u}"),
    ("DELETE", "/organizations/{o}/teams/{t}/members/{u}"),
    ("GET", "/organizations/{o}/projects"),
    ("POST", "/organizations/{o}/projects"),
    ("GET", "/organizations/{o}/projects/{p}"),
    ("DELETE", "/organizations/{o}/projects/{p}"),
    ("GET", "/organizations/{o}/projects/{p}/teams"),
    ("PUT", "/organizations/{o}/projects/{p}/teams/{t}"),
    ("DELETE", "/organizations/{o}/projects/{p}/teams/{t}"),
    ("PUT", "/organizations/{o}/projects/{p}/notification-settings/{u}"),
    ("GET", "/organizations/{o}/projects/{p}/groups"),
    ("POST", "/organizations/{o}/projects/{p}/groups"),
    ("GET", "/organizations/{o}/groups/{id}"),
    ("GET", "/organizations/{o}/groups/{id}/assignee"),
    ("PUT", "/organizations/{o}/groups/{id}/assignee"),
    ("DELETE", "/organizations/{o}/groups/{id}/assignee"),
    ("GET", "/organizations/{o}/groups/{id}/activity"),
    ("GET", "/organizations/{o}/groups/{id}/links"),
    ("POST", "/organizations/{o}/groups/{id}/links"),
    ("GET", "/organizations/{o}/links/{id}"),
    ("DELETE", "/organizations/{o}/links/{id}"),
    ("GET", "/organizations/{o}/unresolved"),
    ("GET", "/organizations/{o}/integrations"),
    ("GET", "/organizations/{o}/installations"),
    ("POST", "/organizations/{o}/installations"),
    ("GET", "/organizations/{o}/installations/{id}"),
    ("PATCH", "/organizations/{o}/installations/{id}"),
    ("GET", "/organizations/{o}/installations/{id}/available-projects"),
    ("GET", "/organizations/{o}/installations/{id}/projects"),
    ("POST", "/organizations/{o}/installations/{id}/projects"),
    ("GET", "/organizations/{o}/installations/{id}/projects/{id}"),
    ("DELETE", "/organizations/{o}/installations/{id}/projects/{id}"),
    ("GET", "/organizations/{o}/installations/{id}/hooks"),
    ("GET", "/organizations/{o}/installations/{id}/projects/{id}/people"),
    ("POST", "/organizations/{o}/installations/{id}/projects/{id}/people/import"),
    ("GET", "/organizations/{o}/tracking-rules"),
    ("POST", "/organizations/{o}/tracking-rules"),
    ("GET", "/organizations/{o}/tracking-rules/{id}"),
    ("PUT", "/organizations/{o}/tracking-rules/{id}"),
    ("DELETE", "/organizations/{o}/tracking-rules/{id}"),
    ("GET", "/organizations/{o}/unresolved-people"),
    ("POST", "/organizations/{o}/installations/{id}/projects/{id}/reconcile"),
    ("POST", "/organizations/{o}/installations/{id}/projects/{id}/rotate"),
    ("GET", "/organizations/{o}/identity-mappings"),
    ("POST", "/organizations/{o}/identity-mappings"),
    ("GET", "/organizations/{o}/identity-mappings/{id}"),
    ("DELETE", "/organizations/{o}/identity-mappings/{id}"),
    ("GET", "/organizations/{o}/guilds"),
    ("POST", "/organizations/{o}/guilds"),
    ("GET", "/organizations/{o}/projects/{p}/routes"),
    ("POST", "/organizations/{o}/projects/{p}/routes"),
    ("GET", "/organizations/{o}/routes/{id}"),
    ("PATCH", "/organizations/{o}/routes/{id}"),
    ("DELETE", "/organizations/{o}/routes/{id}"),
    ("GET", "/organizations/{o}/deliveries"),
    ("GET", "/organizations/{o}/deliveries/{id}"),
    ("POST", "/organizations/{o}/deliveries/{id}/replay"),
    ("GET", "/organizations/{o}/outbox"),
    ("POST", "/organizations/{o}/outbox/{id}/replay"),
];

fn routes() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROUTES.iter().copied()
}

#[tokio::test]
async fn without_a_live_token_every_route_and_every_path_that_is_none_is_401() {
    let world = World::new().await;
    let unknown = format!("hnd_{}", "0".repeat(64));
    for (method, path) in routes().chain([("GET", "/nothing"), ("BREW", "/organizations")]) {
        let path = format!("/api/v1{path}");
        for token in [None, Some(unknown.as_str()), Some("hnd_short"), Some(&world.token[1..])] {
            let answer = world.call_as(token, method, &path, &Value::Null).await;
            assert_eq!(answer.status, 401, "{method} {path} {token:?}");
            assert!(answer.header("www-authenticate").starts_with("Bearer"), "{method} {path}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
        }
    }
}

#[tokio::test]
async fn another_organizations_token_is_told_of_every_route_that_there_is_no_such_organization() {
    let world = World::new().await;
    let (ours, theirs) = (world.furnished("ours").await, world.furnished("theirs").await);
    let token = world.token_of(theirs.organization).await;
    for (method, path) in routes().filter(|(_, path)| path.contains("{o}")) {
        for named in [ours.organization.to_string(), "ours".to_owned(), "nobodys".to_owned()] {
            let path = path.replace("{o}", &named).replace("{p}", &ours.project.to_string());
            let path = path.replace("{u}", &ours.user.to_string()).replace("{t}", &ours.team.to_string());
            let path = format!("/api/v1{}", path.replace("{id}", NOTHING));
            let answer = world.call_as(Some(&token), method, &path, &json!({})).await;
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.json);
            assert_eq!(answer.json["detail"], "there is no such organization", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_table_names_only_routes_that_exist() {
    let world = World::new().await;
    let ours = world.furnished("ours").await;
    for (method, path) in routes() {
        let path = path.replace("{o}", "ours").replace("{p}", &ours.project.to_string());
        let path = path.replace("{u}", "77777").replace("{t}", "77777").replace("{id}", NOTHING);
        if method == "DELETE" && path.ends_with(&format!("/projects/{}", ours.project)) {
            continue; // It would delete the project that later lines need; another test calls it.
        }
        let answer = world.call(method, &path, json!({"?": 1})).await;
        assert_ne!(answer.status, 405, "{method} {path}");
        assert_ne!(answer.json["detail"], "there is no such path", "{method} {path}");
        assert!(!answer.status.is_server_error(), "{method} {path}: {}", answer.json);
    }
}

#[tokio::test]
async fn what_belongs_to_another_organization_is_not_found_by_its_id() {
    let world = World::new().await;
    let (ours, theirs) = (world.furnished("ours").await, world.furnished("theirs").await);
    let token = world.token_of(theirs.organization).await;
    let installation = world.connected(&ours.at).await;
    let mapped = json!({"integration": installation["integration"]["id"], "unique_name": "a@b.c", "user": ours.user});
    let mapping = world.make(&format!("{}/identity-mappings", ours.at), mapped).await;
    for thing in [
        format!("users/{}", ours.user),
        format!("teams/{}", ours.team),
        format!("projects/{}", ours.project),
        format!("groups/{}", ours.group),
        format!("groups/{}/activity", ours.group),
        format!("groups/{}/links", ours.group),
        format!("teams/{}/members", ours.team),
        format!("installations/{}", installation["id"].as_str().unwrap()),
        format!("installations/{}/projects/{AZURE_PROJECT}", installation["id"].as_str().unwrap()),
        format!("identity-mappings/{}", mapping["id"].as_str().unwrap()),
    ] {
        assert_eq!(world.call("GET", &format!("{}/{thing}", ours.at), Value::Null).await.status, 200, "{thing}");
        let path = format!("/api/v1{}/{thing}", theirs.at);
        assert_eq!(world.call_as(Some(&token), "GET", &path, &Value::Null).await.status, 404, "{path}");
    }
    let assign = format!("/api/v1{}/groups/{}/assignee", theirs.at, ours.group);
    let body = json!({"type": "user", "id": ours.user});
    assert_eq!(world.call_as(Some(&token), "PUT", &assign, &body).await.status, 404);
    let join = format!("/api/v1{}/teams/{}/members/{}", theirs.at, theirs.team, ours.user);
    assert_eq!(world.call_as(Some(&token), "PUT", &join, &Value::Null).await.status, 404);
    let give = format!("/api/v1{}/projects/{}/teams/{}", theirs.at, theirs.project, ours.team);
    assert_eq!(world.call_as(Some(&token), "PUT", &give, &Value::Null).await.status, 404);
}

#[tokio::test]
async fn a_bound_token_sees_its_own_organization_and_makes_none() {
    let world = World::new().await;
    let (_, theirs) = (world.furnished("ours").await, world.furnished("theirs").await);
    let token = world.token_of(theirs.organization).await;
    let listed = world.call_as(Some(&token), "GET", "/api/v1/organizations", &Value::Null).await;
    let slugs: Vec<&str> =
        listed.json["items"].as_array().unwrap().iter().map(|o| o["slug"].as_str().unwrap()).collect();
    assert_eq!(slugs, ["theirs"]);
    let made = world.call_as(Some(&token), "POST", "/api/v1/organizations", &json!({"name": "Another"})).await;
    assert_eq!((made.status.as_u16(), made.json["code"].as_str()), (403, Some("forbidden")));
    let guilds = format!("/api/v1{}/guilds", theirs.at);
    let claimed = world.call_as(Some(&token), "POST", &guilds, &json!({"id": super::world::GUILD.to_string()})).await;
    assert_eq!(claimed.status, 403, "a guild is given, not taken");
}
