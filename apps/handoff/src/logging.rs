//! Logs: text or JSON lines on standard error, filtered as configured.

use crate::config::LogConfig;
use crate::failure::Failure;
use std::io::{IsTerminal, stderr};
use tracing_subscriber::EnvFilter;

/// Begins to log. Done once in a process.
///
/// # Errors
/// When the filter cannot be read, or logging has begun already.
pub fn begin(log: &LogConfig) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&log.filter).map_err(Failure::misconfigured)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    let begun = match log.format.as_str() {
        "json" => builder.json().try_init(),
        _ => builder.with_ansi(stderr().is_terminal()).try_init(),
    };
    begun.map_err(|error| anyhow::anyhow!("logging cannot begin: {error}").into())
}
