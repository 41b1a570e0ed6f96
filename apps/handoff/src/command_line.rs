//! The command line.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed
  2  the command line or the configuration is wrong
  3  the database waits for migrations

Every setting may also be a variable: HANDOFF_LISTEN, HANDOFF_DISCORD__TOKEN, HANDOFF_DATABASE__URL_FILE …

Examples:
  handoff demo                                   see the whole flow, on this machine alone
  handoff token create --name me                 make a token for the API
  handoff serve                                  run, with SQLite in the folder data/
  HANDOFF_DATABASE__URL=postgres://… handoff migrate";

/// Keeps who is working on what the same in Azure DevOps, in issue groups and in Discord.
#[derive(Debug, Parser)]
#[command(name = "handoff", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub struct CommandLine {
    /// The configuration file; handoff.toml of this folder, if it is there, where none is named.
    #[arg(long, global = true, value_name = "FILE", env = "HANDOFF_CONFIG")]
    pub config: Option<PathBuf>,
    /// Print JSON, one object a line, instead of words.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run: webhooks, API and background work, until SIGTERM or SIGINT.
    #[command(after_help = "A first signal lets what is under way finish; a second ends at once.")]
    Serve,
    /// Play the whole flow on this machine, with simulators of Azure DevOps and Discord.
    #[command(after_help = "Examples:\n  handoff demo                 play, then stay up with pages to click\n  \
                            handoff demo --once --json   the evidence of each step on one line")]
    Demo(DemoArgs),
    /// Bring the database to this version.
    #[command(after_help = "Examples:\n  handoff migrate\n  handoff migrate --check   exits 3 while some are pending")]
    Migrate(MigrateArgs),
    /// Read every linked work item in Azure DevOps, and say what was not as we had it.
    #[command(after_help = RECONCILE_HELP)]
    Reconcile(ReconcileArgs),
    /// Make and revoke tokens for the API.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// How to play.
#[derive(Debug, Clone, Copy, Args)]
pub struct DemoArgs {
    /// Play, and end: with 0 only if every step really happened.
    #[arg(long)]
    pub once: bool,
    /// Where Handoff listens on 127.0.0.1; any free port where none is named.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
}

/// How to migrate.
#[derive(Debug, Clone, Copy, Args)]
pub struct MigrateArgs {
    /// Only say which are pending.
    #[arg(long)]
    pub check: bool,
}

const RECONCILE_HELP: &str = "\
It may run beside a service on PostgreSQL. An SQLite file is for one process: while the service runs on it, the command
names the calls of the API that make the service do the same. Cards in Discord are brought up to date by the service.

Examples:
  handoff reconcile
  handoff reconcile --organization contoso --project Payments --json";

/// What to read.
#[derive(Debug, Clone, Args)]
pub struct ReconcileArgs {
    /// Only what this organization connected; everybody's where none is named.
    #[arg(long, value_name = "SLUG_OR_ID")]
    pub organization: Option<String>,
    /// Only this project of Azure DevOps.
    #[arg(long, value_name = "GUID_OR_NAME")]
    pub project: Option<String>,
}

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it, this once.
    #[command(after_help = "Examples:\n  handoff token create --name me\n  \
                            handoff token create --name ci --organization contoso --expires-days 90 --json")]
    Create {
        /// Whose or what it is for.
        #[arg(long)]
        name: String,
        /// Good for this organization only (slug or id); for the whole instance where none is named.
        #[arg(long, value_name = "SLUG_OR_ID")]
        organization: Option<String>,
        /// Days until it stops working; never where not given.
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
        expires_days: Option<u32>,
    },
    /// Make a token stop working, at once.
    Revoke {
        /// Its id, as `token create` printed it.
        id: String,
    },
}

/// What to do with the configuration.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ConfigCommand {
    /// Say what is wrong with it, or show every setting and where it comes from.
    Check,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
