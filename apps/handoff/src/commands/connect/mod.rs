//! `connect`: the other sides, one file each.

mod ask;
mod discord;
mod vsts;

use crate::config::Config;
use crate::failure::Failure;
use crate::output::Output;
use clap::Subcommand;

/// What to connect with.
#[derive(Debug, Subcommand)]
pub enum Connect {
    /// Check the bot, register its commands, and say how to invite it and where its interactions go.
    #[command(after_help = discord::HELP)]
    Discord,
    /// Connect projects of Azure DevOps: guided on a terminal, or with everything given.
    #[command(after_help = vsts::HELP)]
    Vsts(Box<vsts::VstsArgs>),
}

/// Does what is asked.
pub(super) async fn run(config: &Config, connect: Connect, output: Output) -> Result<(), Failure> {
    match connect {
        Connect::Discord => discord::connect(config, output).await,
        Connect::Vsts(args) => vsts::connect(config, &args, output).await,
    }
}
