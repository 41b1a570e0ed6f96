//! How many deliveries a second are taken in, each on disk before its answer, beside what a bare server and a bare
//! database do on the same cores: one after the other, in rounds.

use crate::figure::{Figure, Limit};
use crate::load::{Bodies, NUMBER, Post, Speed, post};
use crate::peer::Storage;
use crate::process::Served;
use crate::stage::Stage;
use anyhow::{Context, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use handoff_sandbox::azure::NewWorkItem;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// At full speed, deliveries a second.
const LEAST_A_SECOND: f64 = 10_000.0;
/// The same as a share of what the bare database does.
const LEAST_SHARE: f64 = 0.5;
/// At [`RATE`] a second, 95 of 100 are answered within this time.
const P95_MS: f64 = 5.0;
const RATE: u32 = 1_000;
/// Resident memory under load, in MiB.
const RESIDENT_MIB: f64 = 150.0;

/// What is to be measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) connections: u32,
    pub(crate) bytes: usize,
    pub(crate) rounds: u32,
    pub(crate) seconds: u32,
}

/// Measures intake on SQLite (WAL, `synchronous=FULL`).
pub(crate) fn measure(binary: &Path, plan: Plan) -> anyhow::Result<Vec<Figure>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let stage = Stage::set(binary).await?;
        let ours = Arc::new(ours(&stage, plan.bytes).await?);
        let (_bare, ready) = Served::ready(Command::new(std::env::current_exe()?).arg("peer"))?;
        let bare: SocketAddr = ready["listen"].as_str().context("where the peer listens")?.parse()?;
        let body = vec![b'x'; plan.bytes];
        let bare = Post { to: bare, path: "/".to_owned(), authorization: None, bodies: Bodies::of(body) };
        let bare = Arc::new(bare);
        let apart = tempfile::tempdir()?;
        let mut storage = Storage::open(binary, apart.path()).await?;
        let duration = Duration::from_secs(plan.seconds.into());
        let progress = ProgressBar::new(u64::from(plan.rounds) * 3 + 1);
        progress.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}")?);

        let (mut taken, mut served, mut stored, mut share) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut processor, mut written) = (Vec::new(), Vec::new());
        for _ in 0..plan.rounds {
            progress.set_message("a bare server");
            served.push(post(&bare, plan.connections, Speed::Full, duration).await?.rate());
            progress.inc(1);
            progress.set_message("a bare database");
            let rows = storage.write(plan.bytes, plan.connections, duration).await?;
            progress.inc(1);
            progress.set_message("handoff serve");
            let before = (stage.served.processor_seconds()?, stage.served.written()?);
            let answered = post(&ours, plan.connections, Speed::Full, duration).await?;
            let count = f64::from(u32::try_from(answered.took.len())?);
            processor.push((stage.served.processor_seconds()? - before.0) / count * 1_000_000.0);
            written.push((stage.served.written()? - before.1) / count / 1024.0);
            taken.push(answered.rate());
            stored.push(rows);
            share.push(answered.rate() / rows);
            progress.inc(1);
        }
        progress.set_message("handoff serve, at a fixed rate");
        let steady = post(&ours, plan.connections, Speed::Rate(RATE), duration * 2).await?;
        progress.finish_and_clear();
        let resident = vec![stage.served.most_resident_mib()?];
        let p95 = Limit::AtMost { percent: 95, value: P95_MS };
        Ok(vec![
            figure("taken in, full speed", "/s", taken, Some(Limit::AtLeast(LEAST_A_SECOND))),
            figure("rows in the bare database", "/s", stored, None),
            figure("share of the bare database", "", share, Some(Limit::AtLeast(LEAST_SHARE))),
            figure("answers of the bare server", "/s", served, None),
            figure("answered, 1,000 a second", "ms", steady.took, Some(p95)),
            figure("processor time of a delivery", "µs", processor, None),
            figure("written for a delivery", "KiB", written, None),
            figure("resident memory, at most", "MiB", resident, Some(Limit::median(RESIDENT_MIB))),
        ])
    })
}

const fn figure(name: &'static str, unit: &'static str, measured: Vec<f64>, limit: Option<Limit>) -> Figure {
    Figure { name, unit, measured, limit }
}

/// Deliveries of the stage's hook for updates, of so many bytes, all different.
async fn ours(stage: &Stage, bytes: usize) -> anyhow::Result<Post> {
    let item = stage.azure.add_work_item(stage.board, &NewWorkItem::new("Bug", "Load"))?;
    stage.azure.assign_work_item(item, stage.people[0])?;
    stage.azure.settle().await;
    let hooks = stage.azure.subscriptions();
    let hook = hooks.into_iter().find(|hook| hook.event_type == "workitem.updated").context("no hook")?;
    let told = stage.azure.last_notification(hook.id).context("nothing was delivered")?;
    let mut event: Value = serde_json::from_slice(&told.body)?;
    event["resource"]["id"] = json!(NUMBER);
    let length = serde_json::to_vec(&event)?.len();
    event["detailedMessage"]["text"] = json!("x".repeat(bytes.saturating_sub(length)));
    let bodies = Bodies::of(serde_json::to_vec(&event)?);
    let input = |name: &str| hook.consumer_inputs.get(name).cloned().unwrap_or_default();
    let url: Url = input("url").parse()?;
    let to = url.socket_addrs(|| None)?.into_iter().next().context("no address")?;
    ensure!(url.query().is_none(), "the hook's address has a query");
    let user = format!("{}:{}", input("basicAuthUsername"), input("basicAuthPassword"));
    let authorization = Some(format!("Basic {}", BASE64_STANDARD.encode(user)));
    Ok(Post { to, path: url.path().to_owned(), authorization, bodies })
}
