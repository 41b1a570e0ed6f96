//! `connect discord`, against the simulator.

use super::program::Program;
use handoff_sandbox::clock::SimClock;
use handoff_sandbox::discord::{DiscordOptions, DiscordSim, Snowflake};
use serde_json::Value;
use std::path::PathBuf;

const TOKEN: &str = "a-bot-token";

#[expect(clippy::disallowed_methods, reason = "where the official descriptions are is a setting of the test run")]
async fn discord() -> (DiscordSim, Snowflake) {
    let mut options = DiscordOptions::new(SimClock::real());
    options.specs = std::env::var_os("HANDOFF_API_SPECS").map(PathBuf::from);
    let sim = DiscordSim::start(options).await.unwrap();
    let bot = sim.add_bot(TOKEN, "Handoff");
    (sim, bot)
}

fn program(sim: &DiscordSim, token: &str, application: &str, key: &str) -> Program {
    Program::new()
        .with("HANDOFF_DISCORD__API_BASE", &format!("{}/api/v10", sim.base_url()))
        .with("HANDOFF_DISCORD__TOKEN", token)
        .with("HANDOFF_DISCORD__APPLICATION_ID", application)
        .with("HANDOFF_DISCORD__PUBLIC_KEY", key)
}

async fn run(program: Program, arguments: &'static [&'static str]) -> super::program::Ended {
    tokio::task::spawn_blocking(move || program.run(arguments)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_checks_the_bot_registers_the_commands_and_says_how_to_invite_it() {
    let (sim, bot) = discord().await;
    let (bot, key) = (bot.to_string(), sim.public_key());
    let connected = run(program(&sim, TOKEN, &bot, &key.to_uppercase()), &["connect", "discord", "--json"]).await;
    assert_eq!(connected.code, Some(0), "{}", connected.stderr);
    let report = connected.json();
    assert_eq!((&report["application"]["id"], &report["commands"]), (&Value::from(bot.clone()), &Value::from(8)));
    let invite = report["invite_url"].as_str().unwrap();
    assert!(invite.contains(&format!("client_id={bot}")) && invite.contains("permissions=309237730304"), "{invite}");
    assert!(invite.ends_with("scope=bot+applications.commands"), "{invite}");
    assert!(report["routes"].is_null() && report["routes_not_looked_at"].is_string(), "there is no database: {report}");
    let words = run(program(&sim, TOKEN, &bot, &key), &["connect", "discord"]).await;
    assert!(words.stdout.contains("8 commands are registered"), "{}", words.stdout);
    assert_eq!(sim.request_count("put_commands"), 2);
    assert!(!connected.stdout.contains(TOKEN) && !words.stdout.contains(TOKEN));

    let other_key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    for (token, application, key, code) in [
        ("another-token", bot.as_str(), key.as_str(), 4),
        (TOKEN, "7", key.as_str(), 2),
        (TOKEN, bot.as_str(), other_key, 2),
        (TOKEN, bot.as_str(), "abc", 2),
    ] {
        let ended = run(program(&sim, token, application, key), &["connect", "discord"]).await;
        assert_eq!(ended.code, Some(code), "{application} {key}: {}", ended.stderr);
        assert!(!ended.stderr.contains(token), "{}", ended.stderr);
    }
    let bare = run(Program::new(), &["connect", "discord"]).await;
    assert_eq!(bare.code, Some(2));
    assert!(bare.stderr.contains("discord.public_key"), "{}", bare.stderr);
    assert_eq!(sim.request_count("put_commands"), 2);
    assert!(sim.spec_violations().is_empty(), "{:#?}", sim.spec_violations());
}
