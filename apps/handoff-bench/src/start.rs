//! How soon an instance is ready, and what it holds in memory when it has nothing to do.

use crate::figure::{Figure, Limit};
use crate::process::{Served, duration_of};
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

/// Ready on an SQLite database that exists, in milliseconds.
const READY_MS: f64 = 200.0;
/// Resident memory of an idle instance, in MiB.
const RESIDENT_MIB: f64 = 40.0;
/// How long an instance is left alone before its memory is looked at.
const IDLE: Duration = Duration::from_secs(2);

/// Starts the binary `runs` times on one database; the peer is the same binary that only says its version.
pub(crate) fn measure(binary: &Path, runs: u32) -> anyhow::Result<Vec<Figure>> {
    let data = tempfile::tempdir()?;
    // The first start makes the database.
    drop(Served::start(binary, data.path())?);
    let (mut ready, mut bare, mut resident) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        bare.push(millis(duration_of(Command::new(binary).arg("--version"))?));
        let (served, took) = Served::start(binary, data.path())?;
        ready.push(millis(took));
        drop(served);
    }
    let (served, _) = Served::start(binary, data.path())?;
    for _ in 0..3 {
        sleep(IDLE);
        resident.push(served.resident_mib()?);
    }
    Ok(vec![
        Figure {
            name: "serve is ready, database exists",
            unit: "ms",
            measured: ready,
            limit: Some(Limit::median(READY_MS)),
        },
        Figure { name: "the same binary says its version", unit: "ms", measured: bare, limit: None },
        Figure {
            name: "resident memory, idle",
            unit: "MiB",
            measured: resident,
            limit: Some(Limit::median(RESIDENT_MIB)),
        },
    ])
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
