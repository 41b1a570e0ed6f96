//! The real program, from outside: what it prints, how it ends, and what it keeps.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test that called")]

mod demo;
mod files;
mod program;
mod reconcile;
mod stopping;

use program::{Program, contoso};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn it_becomes_ready_with_nothing_configured_and_says_how_to_begin() {
    let program = Program::new();
    let serving = program.serve();
    let ready = serving.client.get(format!("{}/readyz", serving.url)).send().await.unwrap();
    assert_eq!(ready.status(), 200);
    let ended = serving.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(program.file("data/handoff.db").exists() && program.file("data/handoff.key").exists());
}

#[test]
fn it_does_not_start_on_pending_migrations_when_told_not_to_run_them() {
    let program = Program::new().with("HANDOFF_DATABASE__MIGRATE_ON_START", "false");
    assert_eq!(program.run(&["serve"]).code, Some(3));
    for arguments in [&["serve"][..], &["migrate", "--check"], &["token", "create", "--name", "me"]] {
        let ended = program.run(arguments);
        assert_eq!(ended.code, Some(3), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("handoff migrate"), "{}", ended.stderr);
    }
    let applied = program.run(&["migrate", "--json"]).json();
    assert!(!applied["applied"].as_array().unwrap().is_empty(), "{applied}");
    assert_eq!(program.run(&["migrate", "--json"]).json(), json!({"applied": []}));
    assert_eq!(program.run(&["migrate", "--check"]).code, Some(0));
    assert_eq!(program.serve().stop().code, Some(0));
}

#[tokio::test]
async fn a_token_works_until_it_is_revoked_and_only_for_its_organization() {
    let program = Program::new();
    let token = program.token(&[]);
    let serving = program.serve();
    serving.make(&token, "/organizations", contoso()).await;
    serving.make(&token, "/organizations", json!({"name": "Fabrikam"})).await;
    let bound = program.token(&["--organization", "contoso", "--expires-days", "1"]);
    assert!(bound["expires_at"].is_string(), "{bound}");
    serving.get(&bound, "/organizations/contoso").await;
    let (status, _) = serving.ask(&bound, Method::GET, "/organizations/fabrikam", Value::Null).await;
    assert_eq!(status, 404);
    assert_eq!(program.run(&["token", "revoke", token["id"].as_str().unwrap()]).code, Some(0));
    let (status, _) = serving.ask(&token, Method::GET, "/organizations", Value::Null).await;
    assert_eq!(status, 401);
    assert_eq!(program.run(&["token", "revoke", token["id"].as_str().unwrap()]).code, Some(1));
    assert_eq!(program.run(&["token", "revoke", "x"]).code, Some(2));
    assert_eq!(program.run(&["token", "create", "--name", "me", "--organization", "nobody"]).code, Some(1));
}

#[test]
fn every_mistake_in_the_configuration_is_named_and_a_good_one_is_shown_without_secrets() {
    let program = Program::new().with("HANDOFF_DISCORD__TOKEN", "s3cret").with("HANDOFF_PUBLIC_URL", "http://h");
    std::fs::write(program.file("handoff.toml"), "listen = 5\nlog = { format = \"xml\" }\n[snowflke]\nregion = 1\n")
        .unwrap();
    for command in [["config", "check"].as_slice(), &["serve"], &["migrate"]] {
        let ended = program.run(command);
        assert_eq!(ended.code, Some(2), "{command:?}: {}", ended.stderr);
        for key in ["public_url", "log.format", "snowflke.region"] {
            assert!(ended.stderr.contains(key), "{key}: {}", ended.stderr);
        }
        assert!(!ended.stderr.contains("s3cret"));
    }
    let program = Program::new().with("HANDOFF_DISCORD__TOKEN", "s3cret");
    let shown = program.run(&["config", "check", "--json"]);
    assert_eq!(
        (shown.code, &shown.json()["settings"]["discord.token"]["from"]),
        (Some(0), &json!("HANDOFF_DISCORD__TOKEN"))
    );
    assert!(!shown.stdout.contains("s3cret"));
    assert_eq!(program.run(&["--config", "nowhere.toml", "serve"]).code, Some(2));
    assert_eq!(program.run(&["srve"]).code, Some(2));
}
