//! How long it takes from a change in Azure DevOps until Discord has the message: the binary as a process on
//! SQLite, between the two simulators in this one. Open loop: changes are made at their times, whether or not
//! earlier ones were told.

use crate::figure::Figure;
use crate::process::{Served, command, now};
use anyhow::{Context, bail, ensure};
use handoff_sandbox::azure::{
    AzureOptions, AzureSim, Hosting, IdentityId, NewIdentity, NewWorkItem, PatRights, Process, WorkItemKey,
};
use handoff_sandbox::client::plain_client;
use handoff_sandbox::clock::SimClock;
use handoff_sandbox::discord::{ChannelKind, DiscordOptions, DiscordSim, Snowflake};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// What half of the changes must keep to, in milliseconds.
const LIMIT_MS: f64 = 500.0;
/// Changes a minute in a group, each group in a project and a channel of its own.
const CHANGES_A_MINUTE: u32 = 8;
/// Deliveries of a hook under way at once.
const DELIVERIES: usize = 16;
/// How often and how long messages that are missing are waited for.
const LOOK: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two messages that are sent directly: below fifty a second.
const BETWEEN_DIRECT: Duration = Duration::from_millis(25);
const BOT: &str = "bench-bot-token";
const PEER: &str = "bench-peer-token";
const PAT: &str = "bench-personal-access-token";

/// A group, its work item and its channel.
struct Case {
    item: WorkItemKey,
    channel: Snowflake,
    /// When it changed, in microseconds on the simulators' clock.
    changed_us: Vec<i64>,
}

/// The two sides, and our API between them.
struct Stage {
    azure: AzureSim,
    discord: DiscordSim,
    people: [IdentityId; 2],
    cases: Vec<Case>,
}

/// Makes so many changes, so many a second; the peer is a message that is sent to the simulator directly.
pub(crate) fn measure(binary: &Path, changes: u32, rate: u32) -> anyhow::Result<Vec<Figure>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let data = tempfile::tempdir()?;
        let mut azure = AzureOptions::new(SimClock::real());
        azure.concurrent_deliveries = DELIVERIES;
        let azure = AzureSim::start(azure).await?;
        let discord = DiscordSim::start(DiscordOptions::new(SimClock::real())).await?;
        // Taken for a moment only: hooks are made with the address, so that it must be known before.
        let listen = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let configured = |arguments: &[&str]| {
            let mut command = command(binary, data.path(), arguments);
            command.env("HANDOFF_LISTEN", listen.to_string()).env("HANDOFF_PUBLIC_URL", format!("http://{listen}"));
            command.env("HANDOFF_AZURE__ALLOWED_HOSTS", azure.addr().to_string());
            command.env("HANDOFF_AZURE__ALLOW_HTTP", "true").env("HANDOFF_AZURE__ALLOW_PRIVATE_ADDRESSES", "true");
            command.env("HANDOFF_DISCORD__TOKEN", BOT);
            command.env("HANDOFF_DISCORD__API_BASE", format!("{}/api/v10", discord.base_url()));
            command
        };
        ensure!(configured(&["migrate"]).output()?.status.success(), "the database could not be made");
        let made = configured(&["token", "create", "--json", "--name", "bench"]).output()?;
        let made: Value = serde_json::from_slice(&made.stdout).context("the token")?;
        let (_served, ready) = Served::ready(&mut configured(&["serve", "--json"]))?;
        let base = format!("http://{}/api/v1", ready["listen"].as_str().context("where it listens")?);
        let token = made["token"].as_str().context("the token")?.to_owned();
        let api = Api { client: plain_client()?, base, token };
        let groups = usize::try_from((rate * 60).div_ceil(CHANGES_A_MINUTE))?;
        let mut stage = Stage::set(&api, azure, discord, groups).await?;
        let told = stage.change(changes, rate).await?;
        let direct = stage.direct().await?;
        Ok(vec![
            Figure { name: "from Azure DevOps to Discord", unit: "ms", measured: told, limit: Some(LIMIT_MS) },
            Figure { name: "a message sent directly", unit: "ms", measured: direct, limit: None },
        ])
    })
}

impl Stage {
    /// An organization with so many groups, each linked, with its card in a channel of its own.
    async fn set(api: &Api, azure: AzureSim, discord: DiscordSim, groups: usize) -> anyhow::Result<Self> {
        let collection = azure.add_collection("contoso", Hosting::Cloud);
        let board = azure.add_project(collection, "Backend", Process::Agile)?;
        let [robot, ada, bob] = ["Robot", "Ada", "Bob"]
            .map(|name| azure.add_identity(NewIdentity::person(name, &format!("{name}@contoso.example"))));
        azure.set_pat(PAT, robot, PatRights::full());
        discord.add_bot(BOT, "Handoff");
        discord.add_bot(PEER, "Peer");
        let guild = discord.add_guild("Contoso");

        let organization = api.post("/organizations", json!({"name": "Contoso", "issue_sync": true})).await?;
        let at = format!("/organizations/{}", organization["id"]);
        let team = api.post(&format!("{at}/teams"), json!({"name": "Engines"})).await?["id"].take();
        for name in ["Ada", "Bob"] {
            let account = discord.add_user(name);
            discord.add_member(guild, account)?;
            let address = json!({"address": format!("{name}@contoso.example"), "verified": true});
            let user = json!({"name": name, "emails": [address], "discord_id": account.to_string()});
            let user = api.post(&format!("{at}/users"), user).await?["id"].take();
            api.call(Method::PUT, &format!("{at}/teams/{team}/members/{user}"), &Value::Null).await?;
        }
        let installation = json!({"base_url": azure.collection_url(collection)?, "credential": PAT});
        let installation = api.post(&format!("{at}/installations"), installation).await?["id"].take();
        let installed = format!("{at}/installations/{}", installation.as_str().context("an installation")?);
        api.post(&format!("{installed}/projects"), json!({"azure_project": board.to_string()})).await?;
        api.post(&format!("{at}/guilds"), json!({"id": guild.to_string()})).await?;
        let mut cases = Vec::new();
        for n in 0..groups {
            let channel = discord.add_channel(guild, ChannelKind::Text, &format!("channel-{n}"))?;
            let project = json!({"name": format!("Project {n}"), "teams": [team]});
            let project = api.post(&format!("{at}/projects"), project).await?["id"].take();
            let route = json!({"channel_id": channel.to_string(), "mode": "card_and_ping"});
            api.post(&format!("{at}/projects/{project}/routes"), route).await?;
            let group = json!({"title": format!("Symptom {n}")});
            let group = api.post(&format!("{at}/projects/{project}/groups"), group).await?["id"].take();
            let item = azure.add_work_item(board, &NewWorkItem::new("Bug", &format!("Symptom {n}")))?;
            let link = json!({"installation": installation, "work_item": item.number});
            api.post(&format!("{at}/groups/{}/links", group.as_str().context("a group")?), link).await?;
            cases.push(Case { item, channel, changed_us: Vec::new() });
        }
        let stage = Self { azure, discord, people: [ada, bob], cases };
        stage.until("every group has its card", |case| !stage.discord.messages(case.channel).is_empty()).await?;
        Ok(stage)
    }

    /// Makes the changes, waits until all are told, and says how long each took, in milliseconds.
    async fn change(&mut self, changes: u32, rate: u32) -> anyhow::Result<Vec<f64>> {
        let mut times = interval(Duration::from_secs(1) / rate);
        times.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let groups = self.cases.len();
        for n in 0..usize::try_from(changes)? {
            times.tick().await;
            let (case, to) = (&mut self.cases[n % groups], self.people[n / groups % 2]);
            case.changed_us.push(self.azure.clock().now_us());
            ensure!(self.azure.assign_work_item(case.item, to)?, "a change that changes nothing");
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
        let mentions = self.discord.messages(case.channel).into_iter().filter(|message| !message.mentions.is_empty());
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
            let address = format!("{}/api/v10/channels/{}/messages", self.discord.base_url(), case.channel);
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

/// Our API.
struct Api {
    client: Client,
    base: String,
    token: String,
}

impl Api {
    async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.call(Method::POST, path, &body).await
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.client.request(method.clone(), format!("{}{path}", self.base)).bearer_auth(&self.token);
        let answer = request.json(body).send().await?;
        let status = answer.status();
        let json: Value = answer.json().await.unwrap_or_default();
        ensure!(status.is_success(), "{method} {path} was answered {status}: {json}");
        Ok(json)
    }
}
