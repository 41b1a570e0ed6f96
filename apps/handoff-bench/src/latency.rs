//! How long it takes from a change in Azure DevOps until Discord has the message: the binary as a process on
//! SQLite, between the two simulators in this one. Open loop: changes are made at their times, whether or not
//! earlier ones were told.

use crate::figure::{Figure, Limit};
use crate::process::now;
use crate::stage::Stage;
use anyhow::{Context, bail, ensure};
use handoff_sandbox::azure::{NewWorkItem, WorkItemKey};
use handoff_sandbox::client::plain_client;
use handoff_sandbox::discord::{ChannelKind, Snowflake};
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// What half of the changes must keep to, in milliseconds.
const LIMIT_MS: f64 = 500.0;
/// Changes a minute in a group, each group in a project and a channel of its own.
const CHANGES_A_MINUTE: u32 = 8;
/// How often and how long messages that are missing are waited for.
const LOOK: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two messages that are sent directly: below fifty a second.
const BETWEEN_DIRECT: Duration = Duration::from_millis(25);
const PEER: &str = "bench-peer-token";

/// A group, its work item and its channel.
struct Case {
    item: WorkItemKey,
    channel: Snowflake,
    /// When it changed, in microseconds on the simulators' clock.
    changed_us: Vec<i64>,
}

/// The groups of a stage.
struct Cases {
    stage: Stage,
    cases: Vec<Case>,
}

/// Makes so many changes, so many a second; the peer is a message that is sent to the simulator directly.
pub(crate) fn measure(binary: &Path, changes: u32, rate: u32) -> anyhow::Result<Vec<Figure>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let groups = usize::try_from((rate * 60).div_ceil(CHANGES_A_MINUTE))?;
        let mut cases = Cases::make(Stage::set(binary).await?, groups).await?;
        let told = cases.change(changes, rate).await?;
        let direct = cases.direct().await?;
        let limit = Some(Limit::median(LIMIT_MS));
        Ok(vec![
            Figure { name: "from Azure DevOps to Discord", unit: "ms", measured: told, limit },
            Figure { name: "a message sent directly", unit: "ms", measured: direct, limit: None },
        ])
    })
}

impl Cases {
    /// So many groups, each linked, with its card in a channel of its own.
    async fn make(stage: Stage, groups: usize) -> anyhow::Result<Self> {
        let Stage { azure, discord, api, at, installation, board, guild, team, .. } = &stage;
        discord.add_bot(PEER, "Peer");
        let mut cases = Vec::new();
        for n in 0..groups {
            let channel = discord.add_channel(*guild, ChannelKind::Text, &format!("channel-{n}"))?;
            let project = json!({"name": format!("Project {n}"), "teams": [team]});
            let project = api.post(&format!("{at}/projects"), project).await?["id"].take();
            let route = json!({"channel_id": channel.to_string(), "mode": "card_and_ping"});
            api.post(&format!("{at}/projects/{project}/routes"), route).await?;
            let group = json!({"title": format!("Symptom {n}")});
            let group = api.post(&format!("{at}/projects/{project}/groups"), group).await?["id"].take();
            let item = azure.add_work_item(*board, &NewWorkItem::new("Bug", &format!("Symptom {n}")))?;
            let link = json!({"installation": installation, "work_item": item.number});
            api.post(&format!("{at}/groups/{}/links", group.as_str().context("a group")?), link).await?;
            cases.push(Case { item, channel, changed_us: Vec::new() });
        }
        let made = Self { stage, cases };
        let has_card = |case: &Case| !made.stage.discord.messages(case.channel).is_empty();
        made.until("every group has its card", has_card).await?;
        Ok(made)
    }

    /// Makes the changes, waits until all are told, and says how long each took, in milliseconds.
    async fn change(&mut self, changes: u32, rate: u32) -> anyhow::Result<Vec<f64>> {
        let mut times = interval(Duration::from_secs(1) / rate);
        times.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let groups = self.cases.len();
        for n in 0..usize::try_from(changes)? {
            times.tick().await;
            let (case, to) = (&mut self.cases[n % groups], self.stage.people[n / groups % 2]);
            case.changed_us.push(self.stage.azure.clock().now_us());
            ensure!(self.stage.azure.assign_work_item(case.item, to)?, "a change that changes nothing");
        }
        self.until("every change is told", |case| self.told(case).len() >= case.changed_us.len()).await?;
        let mut took = Vec::new();
        for case in &self.cases {
            let told = self.told(case);
            ensure!(told.len() == case.changed_us.len(), "a change was told twice");
            took.extend(told.iter().zip(&case.changed_us).map(|(told, changed)| millis(told - changed)));
        }
        Ok(took)
    }

    /// When each mention of a channel was there.
    fn told(&self, case: &Case) -> Vec<i64> {
        let mentions =
            self.stage.discord.messages(case.channel).into_iter().filter(|message| !message.mentions.is_empty());
        mentions.map(|message| message.created_us).collect()
    }

    async fn until(&self, what: &str, holds: impl Fn(&Case) -> bool) -> anyhow::Result<()> {
        let begun = now();
        let mut looks = interval(LOOK);
        while !self.cases.iter().all(&holds) {
            if begun.elapsed() > PATIENCE {
                bail!("not within {} s: {what}", PATIENCE.as_secs());
            }
            looks.tick().await;
        }
        Ok(())
    }

    /// A message to each channel, by another bot: what a request to the simulator takes by itself.
    async fn direct(&self) -> anyhow::Result<Vec<f64>> {
        let client = plain_client()?;
        let mut took = Vec::new();
        let mut times = interval(BETWEEN_DIRECT);
        for case in &self.cases {
            times.tick().await;
            let address = format!("{}/api/v10/channels/{}/messages", self.stage.discord.base_url(), case.channel);
            let request = client.post(address).header("authorization", format!("Bot {PEER}"));
            let begun = now();
            let answer = request.json(&json!({"content": "x"})).send().await?;
            took.push(begun.elapsed().as_secs_f64() * 1000.0);
            ensure!(answer.status().is_success(), "the simulator answered {}", answer.status());
        }
        Ok(took)
    }
}

fn millis(micros: i64) -> f64 {
    let micros = u64::try_from(micros).unwrap_or_default();
    Duration::from_micros(micros).as_secs_f64() * 1000.0
}
