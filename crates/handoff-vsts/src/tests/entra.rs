//! Service principals of Microsoft Entra, against the simulator: one token for many calls, another when it is
//! refused, and refusals in words.

use super::scene::{Scene, client_of, local_settings};
use crate::client::{AzureDevOps, AzureSettings};
use handoff_domain::credential::Credential;
use handoff_domain::port::tracker::{TrackerConnection, TrackerError, WorkItemTracker};
use handoff_sandbox::azure::{NewServicePrincipal, PatRights};
use handoff_sandbox::fault::Fault;
use std::time::Duration;

const TENANT: &str = "contoso.example";
const CLIENT: &str = "6731de76-14a6-49ae-97bc-6eba6914391e";
const SECRET: &str = "the-secret";

/// A scene whose client signs in at the simulator, and its connection as that principal.
async fn scene() -> (Scene, AzureDevOps, TrackerConnection) {
    let scene = Scene::new().await;
    let principal = NewServicePrincipal {
        tenant: TENANT.to_owned(),
        client_id: CLIENT.to_owned(),
        client_secret: SECRET.to_owned(),
    };
    scene.azure.add_service_principal(principal, scene.ada, PatRights::full());
    let settings = AzureSettings { sign_in_url: scene.azure.base_url(), ..local_settings() };
    let client = client_of(settings, &scene.clock);
    let at = as_principal(&scene, TENANT, CLIENT, SECRET);
    (scene, client, at)
}

fn as_principal(scene: &Scene, tenant: &str, client: &str, secret: &str) -> TrackerConnection {
    TrackerConnection { credential: Credential::service_principal(tenant, client, secret).unwrap(), ..scene.at.clone() }
}

fn tokens(scene: &Scene) -> usize {
    scene.azure.request_count("entra_token")
}

#[tokio::test]
async fn one_token_serves_many_calls_and_another_is_had_shortly_before_it_ends() {
    let (scene, client, at) = scene().await;
    for _ in 0..3 {
        assert_eq!(client.projects(&at).await.unwrap().len(), 1);
    }
    assert_eq!(tokens(&scene), 1);
    scene.clock.advance(Duration::from_secs(3300));
    assert_eq!(client.projects(&at).await.unwrap().len(), 1);
    assert_eq!(tokens(&scene), 2);
    scene.kept_to_the_description();
}

#[tokio::test]
async fn calls_that_come_together_wait_for_one_token() {
    let (scene, client, at) = scene().await;
    let (a, b, c) = tokio::join!(client.projects(&at), client.projects(&at), client.projects(&at));
    assert!([a, b, c].iter().all(Result::is_ok));
    assert_eq!(tokens(&scene), 1);
}

#[tokio::test]
async fn a_token_that_is_refused_is_fetched_anew_once_and_then_believed_to_be_bad() {
    let (scene, client, at) = scene().await;
    client.projects(&at).await.unwrap();
    scene.azure.revoke_access_tokens();
    assert_eq!(client.projects(&at).await.unwrap().len(), 1);
    assert_eq!(tokens(&scene), 2);

    scene.azure.faults().always("list_projects", Fault::RefuseBefore { status: 401 });
    assert_eq!(client.projects(&at).await, Err(TrackerError::Unauthorized));
    assert_eq!(tokens(&scene), 3, "one more try and no more");
}

#[tokio::test]
async fn every_refusal_of_entra_says_what_to_do_and_is_not_tried_again_at_once() {
    let (scene, client, _) = scene().await;
    let other_client = "00000000-0000-4000-8000-000000000001";
    for (tenant, id, secret, words) in [
        (TENANT, CLIENT, "hush-hush", "the client secret is wrong"),
        (TENANT, other_client, SECRET, "no application with this client id"),
        ("elsewhere.example", CLIENT, SECRET, "no such tenant"),
    ] {
        let at = as_principal(&scene, tenant, id, secret);
        let before = tokens(&scene);
        for _ in 0..2 {
            let refused = client.projects(&at).await.unwrap_err();
            let said = refused.to_string();
            assert!(matches!(refused, TrackerError::NotSignedIn { .. }) && said.contains(words), "{said}");
            assert!(!said.contains(secret) || secret == SECRET, "{said}");
        }
        assert_eq!(tokens(&scene), before + 1);
    }
    scene.azure.expire_client_secret(CLIENT);
    let expired = client.collection(&scene.at.base_url, &as_principal(&scene, TENANT, CLIENT, SECRET).credential).await;
    assert!(expired.unwrap_err().to_string().contains("has expired"));
}

#[tokio::test]
async fn an_outage_of_entra_is_transient() {
    let (scene, client, at) = scene().await;
    scene.azure.faults().push_next("entra_token", Fault::RefuseBefore { status: 503 });
    assert!(client.projects(&at).await.unwrap_err().is_transient());
    assert_eq!(client.projects(&at).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_sign_in_is_asked_only_at_an_address_that_may_be_called() {
    let (scene, _, at) = scene().await;
    let settings = AzureSettings { sign_in_url: "https://169.254.169.254".to_owned(), ..local_settings() };
    let refused = client_of(settings, &scene.clock).projects(&at).await.unwrap_err();
    assert!(matches!(refused, TrackerError::UnsafeAddress { .. }), "{refused}");
}
