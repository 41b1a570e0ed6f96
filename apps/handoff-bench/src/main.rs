//! Measures Handoff: each figure beside its limit and a peer of the same run.

mod figure;
mod intake;
mod latency;
mod load;
mod peer;
mod process;
mod stage;
mod start;

use clap::{Parser, Subcommand};
use figure::Figure;
use std::path::PathBuf;
use std::process::ExitCode;

/// Measures Handoff. Build it first: `cargo build --release -p handoff -p handoff-bench`.
#[derive(Parser)]
#[command(version)]
struct CommandLine {
    /// The binary to measure; the one beside this program where none is named.
    #[arg(long, global = true, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// How soon `handoff serve` is ready on an SQLite database that exists, and what it holds in memory then.
    Start {
        /// How often it is started.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        runs: u32,
    },
    /// How long it takes from a change in Azure DevOps to the message in Discord, both simulated.
    Latency {
        /// How many changes are made.
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        changes: u32,
        /// How many of them in a second. Discord takes fifty requests a second from a bot, and a change is two:
        /// the card and the mention.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=24))]
        rate: u32,
    },
    /// How many deliveries a second are taken in on SQLite, each on disk before its answer.
    Intake {
        /// How many connections post at once.
        #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1024))]
        connections: u32,
        /// How many bytes a delivery has.
        #[arg(long, default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1024..=1_048_576))]
        bytes: u32,
        /// How often each is measured.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
        rounds: u32,
        /// For how many seconds each time.
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=600))]
        seconds: u32,
    },
    /// Reads bodies and answers 200: what `intake` compares with.
    #[command(hide = true)]
    Peer,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "this program's whole purpose is to print figures")]
fn main() -> ExitCode {
    let line = CommandLine::parse();
    match measure(&line) {
        Ok(figures) => {
            if line.json {
                println!("{}", serde_json::Value::from_iter(figures.iter().map(Figure::to_json)));
            } else {
                print!("{}", figure::table(&figures));
            }
            ExitCode::from(u8::from(figures.iter().any(Figure::is_over)))
        }
        Err(error) => {
            eprintln!("handoff-bench: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn measure(line: &CommandLine) -> anyhow::Result<Vec<Figure>> {
    let binary = process::binary(line.binary.as_deref())?;
    match line.command {
        Command::Start { runs } => start::measure(&binary, runs),
        Command::Latency { changes, rate } => latency::measure(&binary, changes, rate),
        Command::Intake { connections, bytes, rounds, seconds } => {
            let bytes = usize::try_from(bytes)?;
            intake::measure(&binary, intake::Plan { connections, bytes, rounds, seconds })
        }
        Command::Peer => peer::serve().map(|()| Vec::new()),
    }
}
