//! Connecting: with a service principal, with an address that is proved first, and with the people of the
//! project's teams.

#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

use async_trait::async_trait;
use handoff_domain::port::{OwnAnswer, PublicAddress};
use handoff_sandbox::azure::{IdentityId, NewIdentity, NewServicePrincipal, PatRights};
use handoff_tests::instance::Setup;
use handoff_tests::scene::{Scene, person};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const TENANT: &str = "contoso.example";
const CLIENT: &str = "6731de76-14a6-49ae-97bc-6eba6914391e";
const SECRET: &str = "a-client-secret";

fn principal(secret: &str) -> Value {
    json!({"tenant": TENANT, "client_id": CLIENT, "client_secret": secret})
}

/// A service principal that is a member of the board's organization.
fn register(scene: &Scene) {
    let identity = scene.azure.add_identity(NewIdentity::domain_account("Handoff app", CLIENT));
    let new = NewServicePrincipal {
        tenant: TENANT.to_owned(),
        client_id: CLIENT.to_owned(),
        client_secret: SECRET.to_owned(),
    };
    scene.azure.add_service_principal(new, identity, PatRights::full());
}

fn installation(scene: &Scene) -> String {
    format!("{}/installations/{}", scene.tenant.at, scene.tenant.installation)
}

#[tokio::test]
async fn an_installation_changes_to_a_service_principal_and_work_goes_on() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    register(&scene);
    let path = installation(&scene);
    for (credential, words) in [
        (principal("wrong"), "the client secret is wrong"),
        (json!({"tenant": "elsewhere.example", "client_id": CLIENT, "client_secret": "x"}), "no such tenant"),
    ] {
        let refused = scene.api.call(Method::PATCH, &path, &json!({"credential": credential})).await;
        assert_eq!((refused.status, refused.json["code"].as_str()), (422, Some("tracker_not_signed_in")));
        assert!(refused.json["detail"].as_str().unwrap().contains(words), "{}", refused.json);
    }
    for credential in
        [json!({"tenant": "a/b", "client_id": CLIENT, "client_secret": "x"}), json!(7), json!({"tenant": "x"})]
    {
        let refused = scene.api.call(Method::PATCH, &path, &json!({"credential": credential})).await;
        assert_eq!(refused.status, 422, "{}", refused.json);
    }
    let ends = "2027-01-31T00:00:00Z";
    let change = json!({"credential": principal(SECRET), "credential_expires_at": ends});
    let changed = scene.api.change(Method::PATCH, &path, change).await;
    assert_eq!(changed["credential_expires_at"], ends);
    assert!(!changed.to_string().contains(SECRET));

    scene.azure.revoke_pat(handoff_tests::scene::PAT);
    scene.azure.revoke_access_tokens();
    scene.assign_in_azure(item, &scene.zoe);
    scene.settle().await;
    let waiting = scene.tenant.unresolved(&scene).await;
    let person = &waiting[0]["unresolved"]["person"];
    assert_eq!(person["identity_id"], scene.zoe.identity.to_string(), "it was read with the principal");
    assert_eq!(scene.assignee(&group).await, None);

    let forgotten = scene.api.change(Method::PATCH, &path, json!({"credential_expires_at": null})).await;
    assert_eq!(forgotten["credential_expires_at"], Value::Null);
    scene.finish().await;
}

#[tokio::test]
async fn a_collection_is_installed_with_a_service_principal() {
    let scene = Scene::new().await;
    register(&scene);
    let other = scene.api.post("/organizations", json!({"name": "Other"})).await;
    let path = format!("/organizations/{}/installations", other["id"]);
    let made = scene.api.post(&path, json!({"base_url": scene.board.url, "credential": principal(SECRET)})).await;
    assert_eq!(made["integration"]["id"], scene.tenant.integration.as_str());
    let id = made["id"].as_str().unwrap();
    assert_eq!(scene.api.list(&format!("{path}/{id}/available-projects")).await.len(), 1);
    scene.finish().await;
}

/// Ourselves, until somebody else sits at our address.
struct Hijacked {
    ours: Arc<dyn PublicAddress>,
    is_taken: Arc<AtomicBool>,
}

#[async_trait]
impl PublicAddress for Hijacked {
    async fn fetch(&self, url: &str) -> Result<OwnAnswer, String> {
        if self.is_taken.load(Ordering::SeqCst) {
            return Ok(OwnAnswer { status: 404, server: "nginx".to_owned(), body: b"<html>".to_vec() });
        }
        self.ours.fetch(url).await
    }
}

#[tokio::test]
async fn no_hook_is_made_at_an_address_where_somebody_else_answers() {
    let is_taken = Arc::new(AtomicBool::new(false));
    let taken = is_taken.clone();
    let scene = Scene::with(Setup::default(), |ports| {
        ports.own_address = Arc::new(Hijacked { ours: ports.own_address.clone(), is_taken: taken });
    })
    .await;
    let before = scene.azure.request_count("create_subscription");
    assert_eq!(before, 3, "our own address was proved over real HTTP");
    is_taken.store(true, Ordering::SeqCst);
    let project = json!({"azure_project": scene.board.project.to_string()});
    let refused = scene.api.call(Method::POST, &format!("{}/projects", installation(&scene)), &project).await;
    assert_eq!(refused.status, 422);
    let said = refused.json["detail"].as_str().unwrap();
    assert!(said.contains("public_url") && said.contains("status 404 from nginx"), "{said}");
    assert_eq!(scene.azure.request_count("create_subscription"), before);
    scene.finish().await;
}

fn people_path(scene: &Scene) -> String {
    format!("{}/projects/{}/people", installation(scene), scene.board.project)
}

/// What becomes of somebody.
fn becomes<'a>(preview: &'a Value, name: &str) -> (&'a str, &'a Value) {
    let people = preview["people"].as_array().unwrap();
    let found: Vec<&Value> = people.iter().filter(|one| one["display_name"] == name).collect();
    assert_eq!(found.len(), 1, "{name} in {preview:#}");
    (found[0]["becomes"].as_str().unwrap(), &found[0]["user"])
}

#[tokio::test]
async fn the_people_of_the_teams_are_looked_at_then_imported_and_what_waits_for_them_is_applied() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.assign_in_azure(item, &scene.zoe);
    scene.settle().await;
    let add = |new: NewIdentity| scene.azure.add_identity(new);
    let crew = add(NewIdentity::group("[Payments]\\Crew"));
    let guest = add(NewIdentity::person("Gus Guest", "gus_x.org#EXT#@contoso.onmicrosoft.com"));
    let domain = add(NewIdentity::domain_account("Dora Domain", r"CORP\dora"));
    let twins: Vec<IdentityId> =
        ["Tim Twin", "Tom Twin"].map(|name| add(NewIdentity::person(name, "twin@example.org"))).to_vec();
    let first =
        scene.azure.add_team(scene.board.project, "First", &[scene.ada.identity, scene.zoe.identity, crew]).unwrap();
    let mut second = vec![scene.zoe.identity, guest, domain];
    second.extend(&twins);
    scene.azure.add_team(scene.board.project, "Second", &second).unwrap();

    let preview = scene.api.get(&people_path(&scene)).await;
    assert_eq!(preview["teams"].as_array().unwrap().len(), 2);
    assert_eq!(becomes(&preview, "Ada Lovelace"), ("known", &json!(scene.member(&scene.ada).user)));
    for (name, expected) in [
        ("Zoe Who", "new_user"),
        ("Gus Guest", "new_user"),
        ("Dora Domain", "new_user"),
        ("Tim Twin", "left_out"),
        ("Tom Twin", "left_out"),
        ("[Payments]\\Crew", "left_out"),
    ] {
        assert_eq!(becomes(&preview, name).0, expected, "{name}");
    }
    let before = scene.api.list(&format!("{}/users", scene.tenant.at)).await.len();
    assert_eq!(before, 3, "nothing was written");

    let import = format!("{}/import", people_path(&scene));
    let done = scene.api.change(Method::POST, &import, json!({"project": scene.tenant.project})).await;
    let team = done["team"].as_i64().unwrap();
    assert_eq!(done, json!({"team": team, "users": 3, "mappings": 4, "members": 4, "left_out": 3}));
    scene.settle().await;
    let zoe = becomes(&scene.api.get(&people_path(&scene)).await, "Zoe Who").1.as_i64();
    assert!(zoe.is_some());
    assert_eq!(scene.assignee(&group).await, zoe, "what waited for her is applied");

    let again = scene.api.change(Method::POST, &import, json!({"project": scene.tenant.project})).await;
    assert_eq!(again, json!({"team": team, "users": 0, "mappings": 0, "members": 4, "left_out": 3}), "nothing twice");
    let users = scene.api.list(&format!("{}/users", scene.tenant.at)).await;
    assert_eq!(users.len(), before + 3);
    let gus = users.iter().find(|user| user["name"] == "Gus Guest").unwrap();
    assert_eq!(gus["emails"], json!([]), "a guest's sign-in name is no address");
    let zoes = users.iter().find(|user| user["name"] == "Zoe Who").unwrap();
    assert_eq!(zoes["emails"][0]["verified"], false, "what a tracker tells proves nothing");

    let only = scene.api.get(&format!("{}?teams={first}", people_path(&scene))).await;
    assert_eq!(only["people"].as_array().unwrap().len(), 3);
    scene.settle().await;
    scene.finish().await;
}

#[tokio::test]
async fn a_large_team_is_imported_page_by_page_and_in_batches_even_by_two_at_once() {
    let scene = Scene::new().await;
    let many: Vec<IdentityId> =
        (0..120).map(|number| person(&scene, &format!("Worker Number{number}")).identity).collect();
    scene.azure.add_team(scene.board.project, "Many", &many).unwrap();
    let import = format!("{}/import", people_path(&scene));
    let body = json!({});
    let (one, other) =
        tokio::join!(scene.api.call(Method::POST, &import, &body), scene.api.call(Method::POST, &import, &body));
    assert_eq!((one.status, other.status), (200, 200), "{} {}", one.json, other.json);
    assert_eq!(one.json["users"].as_i64().unwrap() + other.json["users"].as_i64().unwrap(), 120);
    assert_eq!(scene.api.list(&format!("{}/users", scene.tenant.at)).await.len(), 123);
    assert_eq!(scene.api.list(&format!("{}/teams", scene.tenant.at)).await.len(), 2);
    scene.settle().await;
    scene.finish().await;
}

#[tokio::test]
async fn an_import_that_cannot_be_is_refused_in_words() {
    let scene = Scene::new().await;
    let nothing = "00000000-0000-4000-8000-000000000001";
    let people = people_path(&scene);
    let elsewhere = format!("{}/projects/{nothing}/people", installation(&scene));
    for (method, path, body, words) in [
        (Method::GET, elsewhere.clone(), Value::Null, "connected project"),
        (Method::POST, format!("{elsewhere}/import"), json!({}), "connected project"),
        (Method::GET, format!("{people}?teams={nothing}"), Value::Null, "team in Azure DevOps"),
        (Method::POST, format!("{people}/import"), json!({"project": 4711}), "project"),
    ] {
        let answer = scene.api.call(method, &path, &body).await;
        assert_eq!(answer.status, 404, "{path} {}", answer.json);
        assert!(answer.json["detail"].as_str().unwrap().contains(words), "{}", answer.json);
    }
    let none = scene.api.change(Method::POST, &format!("{people}/import"), json!({})).await;
    assert_eq!(none["team"], Value::Null, "there is nobody");

    let robot = scene.azure.add_identity(NewIdentity::person("Blind", "blind@example.org"));
    scene.azure.set_pat("blind", robot, PatRights { read_projects: false, ..PatRights::full() });
    scene.api.change(Method::PATCH, &installation(&scene), json!({"credential": "blind"})).await;
    let refused = scene.api.call(Method::GET, &people, &Value::Null).await;
    assert_eq!((refused.status, refused.json["code"].as_str()), (422, Some("tracker_forbidden")));
    assert!(refused.json["detail"].as_str().unwrap().contains("Project and Team (Read)"), "{}", refused.json);
    scene.settle().await;
    scene.finish().await;
}
