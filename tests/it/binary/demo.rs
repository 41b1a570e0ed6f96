//! The demonstration: that it shows every step, and that a step which does not happen is not shown as if it did.

use super::program::Program;
use handoff::demo::{Report, Stage, Step, play};
use handoff_sandbox::fault::Fault;
use serde_json::Value;
use std::time::Duration;

/// How long a step that cannot happen is waited for.
const PATIENCE: Duration = Duration::from_millis(1500);

#[test]
fn played_once_it_prints_the_evidence_of_thirteen_steps_in_their_order() {
    let ended = Program::new().run(&["demo", "--once", "--json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout.lines().count(), 1);
    let evidence = ended.json();
    let at = |step: Step| ended.stdout.find(&format!("\"{}\":{{\"ok\":true,", step.name()));
    let order: Vec<Option<usize>> = Step::ALL.map(at).to_vec();
    assert!(order.is_sorted() && !order.contains(&None), "{}", ended.stdout);
    assert_eq!(evidence.as_object().unwrap().len(), Step::ALL.len());
    assert_eq!(evidence["post"]["notification"]["status"], 200);
    let card = |name: &str| evidence["send_message"][name]["id"].clone();
    assert!(card("card").is_string());
    assert_eq!(card("card"), card("card_after_reassign"));
    assert_eq!(evidence["generate_snowflake_id"]["decoded"]["version"], 16);
}

#[test]
fn a_port_that_is_taken_ends_it_with_words() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = Program::new().run(&["demo", "--once", "--port", &port]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains(&port), "{}", ended.stderr);
}

/// Plays on a stage where something is broken.
async fn played(break_it: impl FnOnce(&Stage)) -> Report {
    handoff::prepare_tls();
    let stage = Stage::open(0).await.unwrap();
    break_it(&stage);
    let report = play(&stage, PATIENCE, |_, _| {}).await.unwrap();
    stage.close().await.unwrap();
    report
}

fn failed(report: &Report) -> Vec<&'static str> {
    report.failures().iter().map(|(step, _)| step.name()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_subscription_nothing_that_azure_devops_begins_is_shown() {
    let report =
        played(|stage| stage.azure.faults().always("create_subscription", Fault::RefuseBefore { status: 403 })).await;
    let failed = failed(&report);
    for step in [Step::CreateSubscription, Step::Post, Step::HandleUpdatedWorkitem, Step::SyncGroupAssigneeInbound] {
        assert!(failed.contains(&step.name()), "{failed:?}");
    }
    assert!(report.of(Step::SaveProject).is_ok());
    let json: Value = serde_json::from_str(&report.json()).unwrap();
    assert_eq!(json["create_subscription"]["ok"], false);
    assert!(json["create_subscription"]["error"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_that_do_not_arrive_are_missed() {
    let report = played(|stage| stage.azure.faults().always("deliver", Fault::Drop)).await;
    let failed = failed(&report);
    assert!(report.of(Step::SaveProject).is_ok(), "{failed:?}");
    for step in
        [Step::CreateSubscription, Step::Post, Step::HandleUpdatedWorkitem, Step::HandleAssignTo, Step::Deassign]
    {
        assert!(failed.contains(&step.name()), "{failed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_discord_does_not_take_are_missed() {
    let report = played(|stage| {
        stage.discord.faults().always("create_message", Fault::RefuseBefore { status: 500 });
    })
    .await;
    assert!(failed(&report).contains(&"send_message"), "{:?}", report.failures());
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_that_are_not_edited_and_hooks_that_are_not_deleted_are_missed() {
    let report = played(|stage| {
        stage.discord.faults().always("edit_message", Fault::RefuseBefore { status: 500 });
        stage.azure.faults().always("delete_subscription", Fault::RefuseBefore { status: 503 });
    })
    .await;
    let failed = failed(&report);
    for step in [Step::SendMessage, Step::Deassign, Step::DeleteProject] {
        assert!(failed.contains(&step.name()), "{failed:?}");
    }
    assert!(report.of(Step::HandleAssignTo).is_ok() && report.of(Step::CreateSubscription).is_ok(), "{failed:?}");
}
