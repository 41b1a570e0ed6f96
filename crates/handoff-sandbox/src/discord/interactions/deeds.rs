//! What people do: click, choose, fill a form, type a command. Only what Discord would let them.

use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

use super::answer::{self, AUTOCOMPLETE, COMMAND, COMPONENT, EPHEMERAL, FORM, On};
use super::body::{Setting, interaction};
use super::{Answered, Form, InteractionError, PrivateMessage};
use crate::discord::control::{Control, unknown};
use crate::discord::id::Snowflake;
use crate::discord::permissions::{Permissions, in_guild};
use crate::discord::state::World;

const BUTTON: u64 = 2;
const TEXT_SELECT: u64 = 3;
/// The type of an option that is a text.
const TEXT: u64 = 3;

/// Something that somebody does, sent to `POST /_sim/interactions` as
/// `{"do": "click", "user": "…", "message": "…", "custom_id": "…"}`. Each does what the method of the same name on
/// [`Control`] does. The answer is an [`Answered`], or an `error` with 409.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
#[expect(missing_docs, reason = "each field is the parameter of the method of the same name")]
pub enum Deed {
    Click {
        user: Snowflake,
        message: Snowflake,
        custom_id: String,
    },
    Choose {
        user: Snowflake,
        message: Snowflake,
        custom_id: String,
        value: String,
    },
    Submit {
        user: Snowflake,
        fields: BTreeMap<String, String>,
    },
    Command {
        user: Snowflake,
        channel: Snowflake,
        name: String,
        #[serde(default)]
        options: BTreeMap<String, String>,
    },
    Autocomplete {
        user: Snowflake,
        channel: Snowflake,
        name: String,
        options: BTreeMap<String, String>,
        focused: String,
    },
}

/// An interaction that is ready to be sent.
struct Ready {
    setting: Setting,
    kind: u8,
    on: Option<On>,
    body: Value,
}

impl Control {
    /// Does it.
    ///
    /// # Errors
    /// [`InteractionError`].
    pub async fn perform(&self, deed: Deed) -> Result<Answered, InteractionError> {
        fn pairs(options: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
            options.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
        }
        match deed {
            Deed::Click { user, message, custom_id } => self.click(user, message, &custom_id).await,
            Deed::Choose { user, message, custom_id, value } => self.choose(user, message, &custom_id, &value).await,
            Deed::Submit { user, fields } => self.submit(user, &pairs(&fields)).await,
            Deed::Command { user, channel, name, options } => {
                self.command(user, channel, &name, &pairs(&options)).await
            }
            Deed::Autocomplete { user, channel, name, options, focused } => {
                self.autocomplete(user, channel, &name, &pairs(&options), &focused).await
            }
        }
    }

    /// The answers that somebody, and nobody else, sees; the oldest first.
    #[must_use]
    pub fn private_messages(&self, user: Snowflake) -> Vec<PrivateMessage> {
        self.with(|world, _| world.interactions.private.values().filter(|one| one.user == user).cloned().collect())
    }

    /// Somebody clicks a button of a message, of a channel or of their own.
    ///
    /// # Errors
    /// [`InteractionError`].
    pub async fn click(
        &self,
        user: Snowflake,
        message: Snowflake,
        custom_id: &str,
    ) -> Result<Answered, InteractionError> {
        self.component(user, message, custom_id, None).await
    }

    /// Somebody chooses the option of a select by its value.
    ///
    /// # Errors
    /// [`InteractionError`].
    pub async fn choose(
        &self,
        user: Snowflake,
        message: Snowflake,
        custom_id: &str,
        value: &str,
    ) -> Result<Answered, InteractionError> {
        self.component(user, message, custom_id, Some(value)).await
    }

    async fn component(
        &self,
        user: Snowflake,
        message: Snowflake,
        custom_id: &str,
        value: Option<&str>,
    ) -> Result<Answered, InteractionError> {
        let ready = self.with(|world, now_us| component(world, user, message, custom_id, value, now_us))?;
        self.send(ready).await
    }

    /// Somebody fills the form that is open before them, and sends it.
    ///
    /// # Errors
    /// [`InteractionError`].
    pub async fn submit(&self, user: Snowflake, fields: &[(&str, &str)]) -> Result<Answered, InteractionError> {
        let ready = self.with(|world, now_us| submitted(world, user, fields, now_us))?;
        self.send(ready).await
    }

    /// Somebody types a command in a channel.
    ///
    /// # Errors
    /// [`InteractionError`].
    pub async fn command(
        &self,
        user: Snowflake,
        channel: Snowflake,
        name: &str,
        options: &[(&str, &str)],
    ) -> Result<Answered, InteractionError> {
        let ready = self.with(|world, now_us| typed(world, user, channel, name, options, None, now_us))?;
        self.send(ready).await
    }

    /// Somebody is about to type a command, and sees what is suggested for the option `focused`.
    ///
    /// # Errors
    /// [`InteractionError`].
    pub async fn autocomplete(
        &self,
        user: Snowflake,
        channel: Snowflake,
        name: &str,
        options: &[(&str, &str)],
        focused: &str,
    ) -> Result<Answered, InteractionError> {
        let ready = self.with(|world, now_us| typed(world, user, channel, name, options, Some(focused), now_us))?;
        self.send(ready).await
    }

    async fn send(&self, ready: Ready) -> Result<Answered, InteractionError> {
        if self.interactions_endpoint().is_none() {
            return Err(InteractionError::NoEndpoint);
        }
        let request = self.signed(ready.body.to_string().as_bytes());
        let answer = self.send_raw(&request).await.map_err(InteractionError::Failed)?;
        let Ready { setting, kind, on, body } = ready;
        self.with(|world, now_us| answer::take(world, setting, kind, on, &body, answer, now_us))
    }
}

/// Refuses who does not see the channel.
fn check_sight(world: &World, user: Snowflake, channel: Snowflake) -> Result<(), InteractionError> {
    let place = world.channels.get(&channel).ok_or(unknown("channel", channel))?;
    let sees = world.permissions(place, user).contains(Permissions::VIEW_CHANNEL);
    if sees { Ok(()) } else { Err(InteractionError::NotVisible) }
}

fn component(
    world: &mut World,
    user: Snowflake,
    message: Snowflake,
    custom_id: &str,
    value: Option<&str>,
    now_us: i64,
) -> Result<Ready, InteractionError> {
    let (setting, on, components, shown) = found(world, user, message)?;
    check_sight(world, user, setting.channel)?;
    let nothing = || InteractionError::NothingToClick(custom_id.to_owned());
    let mut all = components.iter().filter_map(|row| row["components"].as_array()).flatten();
    let component = all.find(|one| one["custom_id"] == custom_id && one["disabled"] != true).ok_or_else(nothing)?;
    let kind = component["type"].as_u64().unwrap_or(0);
    let data = match (kind, value) {
        (BUTTON, None) => json!({ "custom_id": custom_id, "component_type": BUTTON, "id": component["id"] }),
        (TEXT_SELECT, Some(value)) => {
            let mut options = component["options"].as_array().into_iter().flatten();
            options.find(|option| option["value"] == value).ok_or_else(nothing)?;
            json!({
                "custom_id": custom_id, "component_type": TEXT_SELECT, "id": component["id"], "values": [value],
            })
        }
        _ => return Err(nothing()),
    };
    let body = interaction(world, setting, COMPONENT, &data, Some(shown), now_us);
    Ok(Ready { setting, kind: COMPONENT, on: Some(on), body })
}

/// A message that the person may see: its place, its components, and itself as the API shows it.
fn found(
    world: &World,
    user: Snowflake,
    message: Snowflake,
) -> Result<(Setting, On, Vec<Value>, Value), InteractionError> {
    if let Some(private) = world.interactions.private.get(&message) {
        if private.user != user {
            return Err(InteractionError::NotVisible);
        }
        let setting = Setting { user, channel: private.channel, application: private.application };
        let shown = json!({
            "id": private.id, "type": 0, "channel_id": private.channel, "content": private.content,
            "embeds": private.embeds, "components": private.components, "flags": EPHEMERAL,
        });
        return Ok((setting, On::Private(message), private.components.clone(), shown));
    }
    let in_channel = world.channels.values().find_map(|channel| channel.messages.get(&message));
    let found = in_channel.ok_or(unknown("message", message))?;
    let setting = Setting { user, channel: found.channel, application: found.author };
    Ok((setting, On::Shared(message), found.components.clone(), found.to_json(world, false)))
}

fn submitted(
    world: &mut World,
    user: Snowflake,
    fields: &[(&str, &str)],
    now_us: i64,
) -> Result<Ready, InteractionError> {
    let form = world.interactions.forms.remove(&user).ok_or(InteractionError::Form("none is open".to_owned()))?;
    let Form { application, channel, custom_id, inputs } = form;
    let filled = |input: &Value| {
        let field = input["custom_id"].as_str().unwrap_or_default();
        let value = fields.iter().find(|(name, _)| *name == field).map_or("", |(_, value)| *value);
        let length = value.chars().count() as u64;
        let least = input["min_length"].as_u64().unwrap_or(u64::from(input["required"] != false));
        let most = input["max_length"].as_u64().unwrap_or(4000);
        if !(least..=most).contains(&length) {
            return Err(InteractionError::Form(format!("{field} has {length} characters")));
        }
        let component = json!({ "type": 4, "id": 2, "custom_id": field, "value": value });
        Ok(json!({ "type": 18, "id": 1, "component": component }))
    };
    let components = inputs.iter().map(filled).collect::<Result<Vec<Value>, _>>()?;
    let setting = Setting { user, channel, application };
    let data = json!({ "custom_id": custom_id, "components": components });
    let body = interaction(world, setting, FORM, &data, None, now_us);
    Ok(Ready { setting, kind: FORM, on: None, body })
}

fn typed(
    world: &mut World,
    user: Snowflake,
    channel: Snowflake,
    name: &str,
    options: &[(&str, &str)],
    focused: Option<&str>,
    now_us: i64,
) -> Result<Ready, InteractionError> {
    check_sight(world, user, channel)?;
    let (application, command) = registered(world, channel, name)?;
    check_allowed(world, user, channel, &command)?;
    let known: Vec<Value> = command["options"].as_array().cloned().unwrap_or_default();
    let wrong = |why: String| Err(InteractionError::Command(why));
    if let Some((name, _)) = options.iter().find(|(name, _)| known.iter().all(|one| one["name"] != *name)) {
        return wrong(format!("it has no option {name}"));
    }
    let given = |option: &Value| options.iter().find(|(name, _)| option["name"] == *name);
    // A command that is not sent yet may lack anything.
    if focused.is_none()
        && let Some(missing) = known.iter().find(|option| option["required"] == true && given(option).is_none())
    {
        return wrong(format!("the option {} is missing", missing["name"]));
    }
    if let Some(focused) = focused {
        let suggested = known.iter().any(|option| option["name"] == focused && option["autocomplete"] == true);
        if !suggested {
            return wrong(format!("nothing is suggested for {focused}"));
        }
    }
    let sent: Vec<Value> = options
        .iter()
        .map(|(name, value)| match focused {
            Some(focused) if focused == *name => {
                json!({ "name": name, "type": TEXT, "value": value, "focused": true })
            }
            _ => json!({ "name": name, "type": TEXT, "value": value }),
        })
        .collect();
    let setting = Setting { user, channel, application };
    let data = json!({ "id": command["id"], "name": name, "type": 1, "options": sent });
    let kind = if focused.is_some() { AUTOCOMPLETE } else { COMMAND };
    let body = interaction(world, setting, kind, &data, None, now_us);
    Ok(Ready { setting, kind, on: None, body })
}

/// The command of this name, of an application whose bot is in the channel's guild.
fn registered(world: &World, channel: Snowflake, name: &str) -> Result<(Snowflake, Value), InteractionError> {
    let guild = world.channels.get(&channel).and_then(|channel| world.guilds.get(&channel.guild?));
    let members = guild.map(|guild| &guild.members).ok_or(unknown("channel", channel))?;
    let commands = world.interactions.commands.iter().filter(|(application, _)| members.contains_key(application));
    let mut all = commands.flat_map(|(application, commands)| commands.iter().map(move |one| (*application, one)));
    let found = all.find(|(_, command)| command["name"] == name);
    let found = found.ok_or_else(|| InteractionError::Command(format!("there is no /{name}")))?;
    Ok((found.0, found.1.clone()))
}

fn check_allowed(world: &World, user: Snowflake, channel: Snowflake, command: &Value) -> Result<(), InteractionError> {
    let needed = command["default_member_permissions"].as_str().and_then(|bits| bits.parse().ok());
    let Some(needed) = needed.map(Permissions::from_bits) else { return Ok(()) };
    let guild = world.channels.get(&channel).and_then(|channel| world.guilds.get(&channel.guild?));
    let has = guild.is_some_and(|guild| in_guild(guild, user).contains(needed));
    if has { Ok(()) } else { Err(InteractionError::NotAllowed) }
}
