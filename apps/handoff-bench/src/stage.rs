//! The stage of a measurement: the binary as a process between the two simulators in this one, and an
//! organization that has a project of Azure DevOps.

use crate::process::{Served, command};
use anyhow::{Context, ensure};
use handoff_sandbox::azure::{AzureOptions, AzureSim, Hosting, IdentityId, NewIdentity, PatRights, Process, ProjectId};
use handoff_sandbox::client::plain_client;
use handoff_sandbox::clock::SimClock;
use handoff_sandbox::discord::{DiscordOptions, DiscordSim, Snowflake};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::Path;
use tempfile::TempDir;

/// Deliveries of a hook under way at once.
const DELIVERIES: usize = 16;
const BOT: &str = "bench-bot-token";
const PAT: &str = "bench-personal-access-token";

/// The two sides, the process between them, and what it knows.
pub(crate) struct Stage {
    pub(crate) azure: AzureSim,
    pub(crate) discord: DiscordSim,
    pub(crate) served: Served,
    pub(crate) api: Api,
    /// The organization's path in the API.
    pub(crate) at: String,
    pub(crate) installation: Value,
    /// The project in Azure DevOps.
    pub(crate) board: ProjectId,
    pub(crate) guild: Snowflake,
    pub(crate) team: Value,
    pub(crate) people: [IdentityId; 2],
    /// Where its data is; removed at the end.
    _data: TempDir,
}

impl Stage {
    /// Starts everything.
    pub(crate) async fn set(binary: &Path) -> anyhow::Result<Self> {
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
        let (served, ready) = Served::ready(&mut configured(&["serve", "--json"]))?;
        let base = format!("http://{}/api/v1", ready["listen"].as_str().context("where it listens")?);
        let token = made["token"].as_str().context("the token")?.to_owned();
        let api = Api { client: plain_client()?, base, token };

        let collection = azure.add_collection("contoso", Hosting::Cloud);
        let board = azure.add_project(collection, "Backend", Process::Agile)?;
        let [robot, ada, bob] = ["Robot", "Ada", "Bob"]
            .map(|name| azure.add_identity(NewIdentity::person(name, &format!("{name}@contoso.example"))));
        azure.set_pat(PAT, robot, PatRights::full());
        discord.add_bot(BOT, "Handoff");
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
        let people = [ada, bob];
        Ok(Self { azure, discord, served, api, at, installation, board, guild, team, people, _data: data })
    }
}

/// Our API.
pub(crate) struct Api {
    client: Client,
    base: String,
    token: String,
}

impl Api {
    pub(crate) async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.call(Method::POST, path, &body).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.client.request(method.clone(), format!("{}{path}", self.base)).bearer_auth(&self.token);
        let answer = request.json(body).send().await?;
        let status = answer.status();
        let json: Value = answer.json().await.unwrap_or_default();
        ensure!(status.is_success(), "{method} {path} was answered {status}: {json}");
        Ok(json)
    }
}
