//! `demo`: the whole flow on this machine, with simulators of Azure DevOps and Discord, played by an outside
//! client over real HTTP. A step counts only if both sides show that it happened.

mod client;
mod furnish;
mod play;
mod report;
mod scene;
mod stage;
mod steps;

pub use play::play;
pub use report::{Ended, Report, Seen, Step};
pub use stage::Stage;

use crate::command_line::DemoArgs;
use crate::config::LogConfig;
use crate::failure::Failure;
use crate::logging;
use crate::output::Output;
use crate::signals::Signals;
use anyhow::anyhow;
use play::Play;
use serde_json::json;
use std::time::Duration;

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// Plays the flow; then stays up for people to click, unless it is to be played once.
///
/// # Errors
/// When a step did not happen.
pub async fn run(args: DemoArgs, output: Output) -> Result<(), Failure> {
    logging::begin(&LogConfig { format: "text".to_owned(), filter: "error".to_owned() })?;
    let mut signals = Signals::listen()?;
    let stage = Stage::open(args.port).await?;
    let performed = tokio::select! {
        performed = perform(&stage, args.once, output) => performed,
        () = signals.next() => return stage.close().await,
    };
    if performed.is_ok() && !args.once {
        signals.next().await;
    }
    let closed = tokio::select! {
        closed = stage.close() => closed,
        () = signals.next() => Ok(()),
    };
    performed.and(closed)
}

async fn perform(stage: &Stage, once: bool, output: Output) -> Result<(), Failure> {
    output.tell(&format!(
        "Handoff, Azure DevOps (simulated) and Discord (simulated) run; the instance is {}.\n",
        stage.url()
    ))?;
    let mut play = Play::begin(stage, PATIENCE).await;
    let report = match &mut play {
        Ok(play) => play.perform_all(|step, ended| show(step, ended, output)).await,
        Err(error) => Report::never_begun(format!("{error:#}")),
    };
    if output.is_json() {
        output.line(&report.json())?;
    }
    let failures = report.failures();
    if !failures.is_empty() {
        let names: Vec<&str> = failures.iter().map(|(step, _)| step.name()).collect();
        return Err(anyhow!("{} of {} steps did not happen: {}", names.len(), Step::ALL.len(), names.join(", ")).into());
    }
    output.tell("\nEvery step happened.")?;
    if !once {
        let mut play = play?;
        play.encore().await?;
        invite(stage, &play.scene.channel, output)?;
    }
    Ok(())
}

fn show(step: Step, ended: &Ended, output: Output) {
    match ended {
        // Where standard output is closed, the end of the play says so.
        Ok(seen) => drop(output.tell(&format!("  {:<33}{}", step.name(), seen.words))),
        Err(error) => output.complain(&format!("step {} failed: {error}", step.name())),
    }
}

fn invite(stage: &Stage, channel: &str, output: Output) -> Result<(), Failure> {
    let board = format!("{}/_sim/board", stage.azure.base_url());
    let channel = format!("{}/_sim/channels/{channel}", stage.discord.base_url());
    let (api, token) = (format!("{}/api/v1", stage.url()), stage.token.expose());
    let words = format!(
        "\nNow you: assign \"The mill squeaks\" on the board, and watch the channel.\n\
         \n  board    {board}\
         \n  channel  {channel}\
         \n  API      curl -H 'Authorization: Bearer {token}' {api}/organizations\n\
         \nCtrl-C ends it."
    );
    Ok(output.say(&words, &json!({"board": board, "channel": channel, "api": api, "token": token}))?)
}
