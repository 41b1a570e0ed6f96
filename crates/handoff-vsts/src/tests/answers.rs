//! Refused credentials, throttling, outages and clocks, against the simulator.

use super::scene::{PAT, Scene, client_of, connection, local_settings};
use handoff_domain::port::tracker::{TrackerConnection, TrackerError, WorkItemTracker};
use handoff_sandbox::azure::{PatRights, Throttle, UnauthorizedForm, Usage};
use handoff_sandbox::fault::Fault;
use std::time::Duration;

async fn ask(scene: &Scene, at: &TrackerConnection) -> Result<(), TrackerError> {
    scene.client.projects(at).await.map(|_| ())
}

fn asked(scene: &Scene) -> usize {
    scene.azure.request_count("list_projects")
}

#[tokio::test]
async fn a_wrong_token_is_unauthorized_in_each_of_its_forms_and_then_paused() {
    for form in [UnauthorizedForm::Unauthorized, UnauthorizedForm::Redirect, UnauthorizedForm::SignInPage] {
        let scene = Scene::new().await;
        scene.azure.set_unauthorized_form(form);
        let wrong = scene.as_token("wrong");
        for _ in 0..3 {
            assert_eq!(ask(&scene, &wrong).await, Err(TrackerError::Unauthorized), "{form:?}");
        }
        assert_eq!(asked(&scene), 1, "a refused token is not tried again at once");
        assert_eq!(ask(&scene, &scene.at).await, Ok(()), "another token of the installation is");
        let elsewhere =
            TrackerConnection { credential: wrong.credential.clone(), ..connection(&scene.at.base_url, 2, "") };
        assert_eq!(ask(&scene, &elsewhere).await, Err(TrackerError::Unauthorized));
        assert_eq!(asked(&scene), 3, "another installation is on its own");
    }
}

#[tokio::test]
async fn a_refused_token_is_tried_again_after_its_pause() {
    let scene = Scene::new().await;
    scene.azure.revoke_pat(PAT);
    assert_eq!(ask(&scene, &scene.at).await, Err(TrackerError::Unauthorized));
    scene.azure.set_pat(PAT, scene.ada, PatRights::full());
    assert_eq!(ask(&scene, &scene.at).await, Err(TrackerError::Unauthorized));
    scene.clock.advance(crate::pace::REFUSED_PAUSE);
    assert_eq!(ask(&scene, &scene.at).await, Ok(()));
}

#[tokio::test]
async fn a_new_installation_tries_its_token_every_time() {
    let scene = Scene::new().await;
    let wrong = scene.as_token("wrong");
    for _ in 0..2 {
        let refused = scene.client.collection(&wrong.base_url, &wrong.credential).await.unwrap_err();
        assert_eq!(refused, TrackerError::Unauthorized);
    }
    assert_eq!(scene.azure.request_count("connection_data"), 2);
}

#[tokio::test]
async fn a_sign_in_page_in_the_place_of_an_answer_is_unauthorized() {
    let scene = Scene::new().await;
    scene.azure.faults().push_next("list_projects", Fault::Html);
    assert_eq!(ask(&scene, &scene.at).await, Err(TrackerError::Unauthorized));
}

#[tokio::test]
async fn a_short_wait_is_kept_before_the_next_call_even_after_a_good_answer() {
    let scene = Scene::new().await;
    scene.azure.set_throttle(Throttle { retry_after_s: Some(5), ..Throttle::default() });
    let before = scene.clock.now_us();
    for _ in 0..3 {
        assert_eq!(ask(&scene, &scene.at).await, Ok(()));
    }
    assert_eq!(scene.clock.now_us() - before, 10_000_000);
    assert_eq!((asked(&scene), scene.azure.requests_during_cooldown()), (3, 0));
}

#[tokio::test]
async fn a_long_wait_is_told_without_a_call_and_only_to_its_installation() {
    let scene = Scene::new().await;
    scene.azure.set_throttle(Throttle { retry_after_s: Some(30), refuse_next: 1, ..Throttle::default() });
    let throttled = |seconds| Err(TrackerError::Throttled { retry_after: Some(Duration::from_secs(seconds)) });
    assert_eq!(ask(&scene, &scene.at).await, throttled(30));
    scene.clock.advance(Duration::from_secs(10));
    assert_eq!(ask(&scene, &scene.at).await, throttled(20));
    assert_eq!(asked(&scene), 1);
    scene.azure.set_throttle(Throttle::default());
    assert_eq!(ask(&scene, &connection(&scene.at.base_url, 2, PAT)).await, Ok(()));
    scene.clock.advance(Duration::from_secs(20));
    assert_eq!(ask(&scene, &scene.at).await, Ok(()));
}

#[tokio::test]
async fn a_used_up_allowance_waits_for_its_reset() {
    let scene = Scene::new().await;
    let usage = |remaining| Usage { resource: "Core".into(), delay_s: 0.0, limit: 200, remaining, reset_in_s: 60 };
    scene.azure.set_throttle(Throttle { usage: Some(usage(1)), ..Throttle::default() });
    assert_eq!(ask(&scene, &scene.at).await, Ok(()));
    scene.azure.set_throttle(Throttle { usage: Some(usage(0)), ..Throttle::default() });
    assert_eq!(ask(&scene, &scene.at).await, Ok(()));
    let throttled = Err(TrackerError::Throttled { retry_after: Some(Duration::from_secs(60)) });
    assert_eq!(ask(&scene, &scene.at).await, throttled);
    scene.clock.advance(Duration::from_secs(60));
    assert_eq!(ask(&scene, &scene.at).await, Ok(()));
}

#[tokio::test]
async fn outages_are_told_apart_and_hold_no_secret() {
    let scene = Scene::new().await;
    for (fault, words) in [
        (Fault::RefuseBefore { status: 500 }, "500"),
        (Fault::FailAfter { status: 502 }, "502"),
        (Fault::RefuseBefore { status: 503 }, "503"),
        (Fault::Drop, "connection broke"),
    ] {
        scene.azure.faults().push_next("list_projects", fault);
        match ask(&scene, &scene.at).await {
            Err(TrackerError::Unavailable { reason }) => {
                assert!(reason.contains(words) && !reason.contains(PAT), "{fault:?}: {reason}");
            }
            other => panic!("{fault:?}: {other:?}"),
        }
    }
    assert_eq!(ask(&scene, &scene.at).await, Ok(()));
}

#[tokio::test]
async fn an_answer_that_never_ends_ends_with_the_time_for_it() {
    let mut scene = Scene::new().await;
    let settings = crate::AzureSettings { call_timeout: Duration::from_millis(300), ..local_settings() };
    scene.client = client_of(settings, &scene.clock);
    scene.azure.faults().push_next("list_projects", Fault::Stall);
    let ended = tokio::time::timeout(Duration::from_secs(10), ask(&scene, &scene.at)).await.unwrap();
    assert!(matches!(ended, Err(TrackerError::Unavailable { reason }) if reason.contains("no answer")));
}

#[tokio::test]
async fn the_clocks_are_compared_at_every_answer() {
    let scene = Scene::new().await;
    assert_eq!(scene.client.clock_offset_micros(scene.at.integration), None);
    assert_eq!(ask(&scene, &scene.at).await, Ok(()));
    assert_eq!(scene.client.clock_offset_micros(scene.at.integration), Some(0));
    scene.azure.set_date_skew(Duration::from_secs(90));
    scene.azure.faults().push_next("list_projects", Fault::RefuseBefore { status: 500 });
    assert!(ask(&scene, &scene.at).await.is_err());
    assert_eq!(scene.client.clock_offset_micros(scene.at.integration), Some(-90_000_000), "a bad answer tells it too");
    let other = handoff_domain::id::IntegrationId::from_uuid(uuid::Uuid::from_u128(2));
    assert_eq!(scene.client.clock_offset_micros(other), None);
}
