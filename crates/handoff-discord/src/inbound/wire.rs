//! What Discord sends to the interactions endpoint, as far as we read it.

use handoff_domain::interaction::{Place, Surface};
use handoff_domain::organization::{ApplicationId, DiscordUserId, GuildId, InteractionId};
use serde::Deserialize;
use serde_json::Value;

/// Kinds of interactions (documentation, receiving and responding).
pub(crate) const PING: u64 = 1;
pub(crate) const COMMAND: u64 = 2;
pub(crate) const COMPONENT: u64 = 3;
pub(crate) const AUTOCOMPLETE: u64 = 4;
pub(crate) const FORM: u64 = 5;

/// The flag of a message that only one person sees.
const EPHEMERAL: u64 = 1 << 6;
/// Permissions that let a member manage the guild.
const ADMINISTRATOR: u64 = 1 << 3;
const MANAGE_GUILD: u64 = 1 << 5;

#[derive(Deserialize)]
struct Typed {
    #[serde(rename = "type", default)]
    kind: Value,
}

/// The kind of an interaction, whatever else is in it.
pub(crate) fn kind_of(body: &[u8]) -> Option<u64> {
    serde_json::from_slice::<Typed>(body).ok()?.kind.as_u64()
}

/// An interaction.
#[derive(Debug, Deserialize)]
pub(crate) struct Sent {
    pub(crate) id: InteractionId,
    #[serde(default)]
    pub(crate) application_id: Option<ApplicationId>,
    #[serde(default)]
    guild_id: Option<GuildId>,
    /// In a guild.
    #[serde(default)]
    member: Option<Member>,
    /// Outside one.
    #[serde(default)]
    user: Option<Account>,
    #[serde(default)]
    data: Value,
    /// Of a component: where it is.
    #[serde(default)]
    message: Value,
}

#[derive(Debug, Deserialize)]
struct Member {
    #[serde(default)]
    user: Option<Account>,
    /// What they may do in the channel, as the text of a number.
    #[serde(default)]
    permissions: Value,
}

#[derive(Debug, Deserialize)]
struct Account {
    id: DiscordUserId,
}

/// What belongs to its kind.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Data {
    #[serde(default)]
    pub(crate) custom_id: Option<String>,
    #[serde(default)]
    pub(crate) values: Vec<String>,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) options: Vec<Given>,
    #[serde(default)]
    components: Value,
}

/// An option of a command.
#[derive(Debug, Deserialize)]
pub(crate) struct Given {
    #[serde(default)]
    name: String,
    #[serde(default)]
    value: Value,
    /// It is being typed.
    #[serde(default)]
    focused: bool,
}

impl Sent {
    /// Who did it.
    pub(crate) fn account(&self) -> Option<DiscordUserId> {
        let in_guild = self.member.as_ref().and_then(|member| member.user.as_ref());
        in_guild.or(self.user.as_ref()).map(|account| account.id)
    }

    /// The guild it was done in.
    pub(crate) fn place(&self) -> Option<Place> {
        let guild = self.guild_id?;
        let permissions = self.member.as_ref().and_then(|member| member.permissions.as_str());
        let permissions: u64 = permissions.and_then(|text| text.parse().ok()).unwrap_or(0);
        Some(Place { guild, may_manage: permissions & (ADMINISTRATOR | MANAGE_GUILD) != 0 })
    }

    /// What belongs to its kind; nothing where it is of another form.
    pub(crate) fn data(&self) -> Data {
        Data::deserialize(&self.data).unwrap_or_default()
    }

    /// Where the component's message is.
    pub(crate) fn surface(&self) -> Surface {
        let flags = self.message["flags"].as_u64().unwrap_or(0);
        if flags & EPHEMERAL == 0 { Surface::Shared } else { Surface::Private }
    }
}

impl Data {
    /// The text of an option.
    pub(crate) fn option(&self, name: &str) -> Option<String> {
        self.options.iter().find(|given| given.name == name)?.value.as_str().map(str::to_owned)
    }

    /// The name of the option that is being typed, and what was typed so far.
    pub(crate) fn focused(&self) -> Option<(&str, String)> {
        let given = self.options.iter().find(|given| given.focused)?;
        Some((&given.name, given.value.as_str().unwrap_or_default().to_owned()))
    }

    /// The text of a form's field, in whatever rows and labels it stands.
    pub(crate) fn field(&self, custom_id: &str) -> Option<String> {
        find_field(&self.components, custom_id)
    }
}

fn find_field(components: &Value, custom_id: &str) -> Option<String> {
    match components {
        Value::Array(all) => all.iter().find_map(|one| find_field(one, custom_id)),
        Value::Object(one) if one.get("custom_id").is_some_and(|id| id == custom_id) => {
            one.get("value").and_then(Value::as_str).map(str::to_owned)
        }
        Value::Object(one) => ["components", "component"].iter().find_map(|key| find_field(one.get(*key)?, custom_id)),
        _ => None,
    }
}
