//! The process that is measured: found, started, waited for, looked at and stopped.

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The binary named, or the one beside this program.
pub(crate) fn binary(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    let binary = match named {
        Some(named) => named.to_owned(),
        None => std::env::current_exe().context("this program's own path")?.with_file_name("handoff"),
    };
    ensure!(binary.is_file(), "{} is not there; build it: cargo build --release", binary.display());
    Ok(binary)
}

/// Now, for durations.
#[expect(clippy::disallowed_methods, reason = "a bench measures the time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// How long a program takes from its start to its end.
pub(crate) fn duration_of(command: &mut Command) -> anyhow::Result<Duration> {
    let begun = now();
    let ended = command.stdout(Stdio::null()).stderr(Stdio::null()).status().context("starting the binary")?;
    ensure!(ended.success(), "the binary ended with {ended}");
    Ok(begun.elapsed())
}

/// The binary with its data in this folder, where nothing else is configured.
pub(crate) fn command(binary: &Path, data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary);
    command.args(arguments).current_dir(data).env_clear();
    command.env("HANDOFF_DATA_DIR", data).env("HANDOFF_LISTEN", "127.0.0.1:0");
    command
}

/// `handoff serve` on a folder of its own. Killed when dropped.
pub(crate) struct Served(Child);

impl Served {
    /// Starts it and waits until it says that it is ready; says how long that took.
    pub(crate) fn start(binary: &Path, data: &Path) -> anyhow::Result<(Self, Duration)> {
        let begun = now();
        let (served, _) = Self::ready(&mut command(binary, data, &["serve", "--json"]))?;
        Ok((served, begun.elapsed()))
    }

    /// Starts what this command serves and waits until it says that it is ready; gives what it said.
    pub(crate) fn ready(command: &mut Command) -> anyhow::Result<(Self, Value)> {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().context("starting the binary")?;
        let stdout = child.stdout.take().context("its output")?;
        let served = Self(child);
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            if line.contains("\"ready\":true") {
                return Ok((served, serde_json::from_str(&line)?));
            }
        }
        bail!("the binary ended before it was ready; try it by hand: {command:?}")
    }

    /// What it holds in memory, in MiB (`VmRSS` of Linux).
    pub(crate) fn resident_mib(&self) -> anyhow::Result<f64> {
        Ok(self.proc("status", "VmRSS:")? / 1024.0)
    }

    /// The most that it has held in memory, in MiB (`VmHWM` of Linux).
    pub(crate) fn most_resident_mib(&self) -> anyhow::Result<f64> {
        Ok(self.proc("status", "VmHWM:")? / 1024.0)
    }

    /// What it has written to disks, in bytes.
    pub(crate) fn written(&self) -> anyhow::Result<f64> {
        self.proc("io", "write_bytes:")
    }

    /// The processor time that it has used, in seconds.
    pub(crate) fn processor_seconds(&self) -> anyhow::Result<f64> {
        /// Of the kernel's accounting, on every Linux that we know.
        const TICKS_A_SECOND: f64 = 100.0;
        let path = format!("/proc/{}/stat", self.0.id());
        let stat = std::fs::read_to_string(&path).with_context(|| path.clone())?;
        // After the name, which may hold anything but ends the last parenthesis: utime and stime are fields 14 and 15.
        let rest = stat.rsplit_once(')').context("no name")?.1;
        let ticks = rest.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
        Ok(ticks.sum::<Result<f64, _>>().context(path)? / TICKS_A_SECOND)
    }

    fn proc(&self, file: &str, name: &str) -> anyhow::Result<f64> {
        let path = format!("/proc/{}/{file}", self.0.id());
        let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
        line.trim().trim_end_matches("kB").trim().parse().with_context(|| name.to_owned())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
