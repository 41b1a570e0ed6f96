//! Handoff as a program: the command line, the configuration, the wiring and the life of an instance. What is
//! ambient (time, randomness, keys, the environment) meets the ports here.

pub mod chat_without_token;
pub mod command_line;
pub mod commands;
pub mod config;
pub mod database;
pub mod database_lock;
pub mod demo;
pub mod environment;
pub mod failure;
pub mod instance;
pub mod key_file;
pub mod logging;
pub mod output;
pub mod parts;
pub mod running;
pub mod secret_box;
pub mod signals;
pub mod wiring;

use clap::Parser;
use command_line::CommandLine;
use output::Output;
use parts::Parts;
use std::process::ExitCode;

/// Sets TLS up for the whole process; once is enough, and again does no harm. Clients cannot be made before.
pub fn prepare_tls() {
    // Refused only where one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Runs the program with the process's arguments, and says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    main_with(Parts::default())
}

/// As [`main`], serving with these parts.
#[must_use]
pub fn main_with(parts: Parts) -> ExitCode {
    let command_line = CommandLine::parse();
    let output = Output::new(command_line.json);
    match commands::run(command_line, output, parts) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failed(&failure);
            failure.code().into()
        }
    }
}
