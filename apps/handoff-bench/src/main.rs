//! Measures Handoff: each figure beside its limit and a peer of the same run.

mod figure;
mod latency;
mod process;
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
    }
}
