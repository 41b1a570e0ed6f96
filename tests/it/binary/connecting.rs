//! `connect vsts` from outside: everything given, nothing given, a right that is missing, and a service that runs.

use super::program::{Ended, Program, contoso};
use handoff_sandbox::azure::{AzureOptions, AzureSim, Hosting, NewIdentity, PatRights, Process, ProjectId};
use handoff_sandbox::clock::SimClock;
use reqwest::Method;
use serde_json::{Value, json};

/// A board with a team of one, and a program that may call it, with an organization and a token for its API.
async fn scene() -> (AzureSim, ProjectId, Program, Value) {
    let azure = AzureSim::start(AzureOptions::new(SimClock::real())).await.unwrap();
    let collection = azure.add_collection("fabrikam", Hosting::Cloud);
    let project = azure.add_project(collection, "Payments", Process::Agile).unwrap();
    let ada = azure.add_identity(NewIdentity::person("Ada Lovelace", "ada@example.org"));
    azure.add_team(project, "Engines", &[ada]).unwrap();
    azure.set_pat("good-token", ada, PatRights::full());
    azure.set_pat("no-hooks", ada, PatRights::without_hooks());
    azure.set_pat("no-items", ada, PatRights { read_work_items: false, ..PatRights::full() });
    azure.set_pat("no-edit", ada, PatRights::read_only());
    let program = Program::new()
        .reachable()
        .with("HANDOFF_AZURE__ALLOWED_HOSTS", &azure.addr().to_string())
        .with("HANDOFF_AZURE__ALLOW_HTTP", "true")
        .with("HANDOFF_AZURE__ALLOW_PRIVATE_ADDRESSES", "true")
        .with("HANDOFF_LOG__FILTER", "error");
    for token in ["good-token", "no-hooks", "no-items", "no-edit", "wrong"] {
        std::fs::write(program.file(token), format!("{token}\n")).unwrap();
    }
    let token = program.token(&[]);
    let serving = program.serve();
    serving.make(&token, "/organizations", contoso()).await;
    assert_eq!(serving.stop().code, Some(0));
    (azure, project, program, token)
}

fn connect(program: &Program, azure: &AzureSim, token: &str, more: &[&str]) -> Ended {
    let url = format!("{}/fabrikam", azure.base_url());
    let given = ["connect", "vsts", "--json", "--organization", "contoso", "--base-url", &url, "--token-file", token];
    program.run(&[&given, more].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn with_everything_given_it_connects_makes_the_hooks_and_imports_the_people() {
    let (azure, project, program, token) = scene().await;
    let more = ["--project", "payments", "--expires", "2027-01-31", "--import-people"];
    let ended = connect(&program, &azure, "good-token", &more);
    assert_eq!(ended.code, Some(0), "{} {}", ended.stdout, ended.stderr);
    let done = ended.json();
    assert_eq!(done["projects"], json!([{"id": project.to_string(), "name": "Payments", "hooks": 3}]));
    assert_eq!((&done["people"][0]["users"], &done["people"][0]["mappings"]), (&json!(1), &json!(1)));
    assert_eq!(done["credential_expires_at"], "2027-01-31T00:00:00Z");
    assert_eq!(azure.subscriptions().len(), 3);
    assert!(!ended.stdout.contains("good-token") && !ended.stderr.contains("good-token"));

    let again = connect(&program, &azure, "good-token", &["--all-projects"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(again.json()["installation"], done["installation"], "the same again makes nothing twice");
    let serving = program.serve();
    let shown = serving.get(&token, "/organizations/contoso/installations").await;
    assert_eq!(shown["items"].as_array().unwrap().len(), 1);
    assert_eq!(serving.get(&token, "/organizations/contoso/users").await["items"][0]["name"], "Ada Lovelace");

    let beside = connect(&program, &azure, "good-token", &["--all-projects"]);
    assert_eq!(beside.code, Some(1));
    assert!(beside.stderr.contains("connect through its API"), "{}", beside.stderr);
    let (status, _) = serving.ask(&token, Method::GET, "/organizations/contoso", Value::Null).await;
    assert_eq!(status, 200);
    serving.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_is_missing_is_told_apart_and_has_its_exit_code() {
    let (azure, _, program, _) = scene().await;
    for (token, code, words) in [
        ("wrong", 4, "refused the credential"),
        ("no-items", 4, "may not read work items"),
        ("no-hooks", 4, "may not see service hooks"),
        ("no-edit", 4, "Edit subscriptions"),
        ("nowhere", 2, "cannot be read"),
    ] {
        let ended = connect(&program, &azure, token, &["--all-projects"]);
        assert_eq!(ended.code, Some(code), "{token}: {}", ended.stderr);
        assert!(ended.stderr.contains(words), "{token}: {}", ended.stderr);
    }
    assert!(azure.subscriptions().is_empty());
    for (more, code, words) in [
        (&["--project", "nothing"][..], 1, "no project"),
        (&[], 2, "--project or --all-projects"),
        (&["--all-projects", "--expires", "soon"], 2, "--expires"),
        (&["--all-projects", "--import-people", "--into", "nothing"], 1, "no project"),
    ] {
        let ended = connect(&program, &azure, "good-token", more);
        assert_eq!(ended.code, Some(code), "{more:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(words), "{more:?}: {}", ended.stderr);
    }
    let asked = program.run(&["connect", "vsts"]);
    assert_eq!(asked.code, Some(2), "nobody can be asked: {}", asked.stderr);
    assert!(asked.stderr.contains("--organization must be given"), "{}", asked.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_where_somebody_else_answers_gets_no_hook() {
    let (azure, _, program, _) = scene().await;
    let program = program.with("HANDOFF_PUBLIC_URL", &azure.base_url());
    let ended = connect(&program, &azure, "good-token", &["--all-projects"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert!(ended.stderr.contains("something else answers there: status"), "{}", ended.stderr);
    assert!(azure.subscriptions().is_empty());
}
