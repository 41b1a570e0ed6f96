//! The scene in the simulators before the play: a collection with a project and people, a guild with a channel.

use super::client::{Http, text};
use super::stage::BOT_TOKEN;
use anyhow::Result;
use handoff_sandbox::discord::Permissions;
use serde_json::{Value, json};

/// The credential that Handoff is given.
pub(super) const PAT: &str = "demo-personal-access-token";

/// Somebody in Azure DevOps and, where they are linked, in Discord.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) address: &'static str,
    /// The identity in Azure DevOps.
    pub(super) identity: String,
    /// The account in Discord.
    pub(super) discord: String,
}

/// What is in the simulators.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) collection: String,
    pub(super) collection_url: String,
    pub(super) azure_project: String,
    /// In the team.
    pub(super) ada: Person,
    /// In the team.
    pub(super) grace: Person,
    /// A user who is in no team.
    pub(super) barbara: Person,
    /// Nobody whom Handoff knows.
    pub(super) konrad: Person,
    pub(super) guild: String,
    /// A channel that only the team and the bot can read.
    pub(super) channel: String,
}

impl Scene {
    /// Sets it.
    pub(super) async fn set(azure: &Http, discord: &Http) -> Result<Self> {
        let collection = azure.post("/_sim/collections", &json!({"name": "contoso", "hosting": "cloud"})).await?;
        let project = json!({"collection": collection["id"], "name": "Backend", "process": "agile"});
        let project = azure.post("/_sim/projects", &project).await?;
        let bot = made(discord, &json!({"do": "add_bot", "token": BOT_TOKEN, "name": "Handoff"})).await?;
        let guild = made(discord, &json!({"do": "add_guild", "name": "Contoso"})).await?;
        let channel = json!({"do": "add_channel", "guild": guild, "kind": "text", "name": "backend-issues"});
        let channel = made(discord, &channel).await?;
        allow(discord, &channel, &json!("everyone"), Permissions::NONE, Permissions::VIEW_CHANNEL).await?;
        allow(discord, &channel, &json!({"member": bot}), Permissions::VIEW_CHANNEL, Permissions::NONE).await?;
        let invited = Invited { azure, discord, guild: &guild, channel: &channel };
        let ada = invited.person("Ada Lovelace", "ada@contoso.example").await?;
        let pat = json!({"token": PAT, "identity": ada.identity});
        azure.post("/_sim/pats", &pat).await?;
        Ok(Self {
            collection: text(&collection["id"])?,
            collection_url: text(&collection["url"])?,
            azure_project: text(&project["id"])?,
            ada,
            grace: invited.person("Grace Hopper", "grace@contoso.example").await?,
            barbara: invited.person("Barbara Liskov", "barbara@contoso.example").await?,
            konrad: invited.person("Konrad Zuse", "konrad@elsewhere.example").await?,
            channel,
            guild,
        })
    }
}

/// Where people come in.
struct Invited<'a> {
    azure: &'a Http,
    discord: &'a Http,
    guild: &'a str,
    channel: &'a str,
}

impl Invited<'_> {
    async fn person(&self, name: &'static str, address: &'static str) -> Result<Person> {
        let identity = json!({"display_name": name, "unique_name": address, "mail_address": address});
        let identity = self.azure.post("/_sim/identities", &identity).await?;
        let user = made(self.discord, &json!({"do": "add_user", "name": name})).await?;
        let joins = json!({"do": "add_member", "guild": self.guild, "user": user});
        self.discord.post("/_sim/commands", &joins).await?;
        let member = json!({"member": user});
        allow(self.discord, self.channel, &member, Permissions::VIEW_CHANNEL, Permissions::NONE).await?;
        Ok(Person { name, address, identity: text(&identity["id"])?, discord: user })
    }
}

async fn made(discord: &Http, command: &Value) -> Result<String> {
    text(&discord.post("/_sim/commands", command).await?["id"])
}

async fn allow(discord: &Http, channel: &str, target: &Value, allow: Permissions, deny: Permissions) -> Result<()> {
    let command = json!({"do": "set_permissions", "channel": channel, "target": target, "allow": allow, "deny": deny});
    discord.post("/_sim/commands", &command).await.map(drop)
}
