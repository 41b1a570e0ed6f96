//! The commands: one file each.

mod config;
pub mod connect;
mod migrate;
mod reconcile;
mod serve;
mod token;

use crate::command_line::{Command, CommandLine, ConfigCommand};
use crate::config::Config;
use crate::failure::Failure;
use crate::output::Output;
use crate::parts::Parts;
use crate::{demo, logging, prepare_tls};
use std::future::Future;
use tokio::runtime::Builder;

/// Does what the command line says; what it serves has these parts.
///
/// # Errors
/// Why it could not be done.
pub fn run(command_line: CommandLine, output: Output, parts: Parts) -> Result<(), Failure> {
    let load = || Config::load(command_line.config.as_deref());
    match command_line.command {
        Command::Config(ConfigCommand::Check) => config::check(load()?.1, output),
        Command::Demo(args) => on_all_cores(demo::run(args, output)),
        Command::Serve => {
            let (config, _) = load()?;
            logging::begin(&config.log)?;
            on_all_cores(serve::serve(config, output, parts))
        }
        Command::Migrate(args) => {
            let (config, _) = load()?;
            logging::begin(&config.log)?;
            on_this_thread(migrate::migrate(&config, args.check, output))
        }
        Command::Reconcile(args) => {
            let (config, _) = load()?;
            logging::begin(&config.log)?;
            on_this_thread(reconcile::reconcile(&config, &args, output))
        }
        Command::Connect(command) => {
            let (config, _) = load()?;
            logging::begin(&config.log)?;
            on_all_cores(async move { connect::run(&config, command, output).await })
        }
        Command::Token(command) => {
            let (config, _) = load()?;
            logging::begin(&config.log)?;
            on_this_thread(token::run(&config, command, output))
        }
    }
}

/// For what serves.
fn on_all_cores(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    prepare_tls();
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    // Whoever asked twice to stop waits for nothing more.
    runtime.shutdown_background();
    done
}

/// For what asks the database a question or two.
fn on_this_thread(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    prepare_tls();
    Builder::new_current_thread().enable_all().build()?.block_on(work)
}
