//! Judges an answer as Discord does, and lets it take effect.

use serde_json::{Value, json};

use super::body::Setting;
use super::wire::RawAnswer;
use super::{Answered, Form, InteractionError, PrivateMessage};
use crate::discord::id::Snowflake;
use crate::discord::state::World;
use crate::discord::validate;

/// The flag of a message that only one person sees.
pub(super) const EPHEMERAL: u64 = 1 << 6;

/// Types of interactions.
pub(super) const COMMAND: u8 = 2;
pub(super) const COMPONENT: u8 = 3;
pub(super) const AUTOCOMPLETE: u8 = 4;
pub(super) const FORM: u8 = 5;

/// Kinds of answers that a type of interaction can be given, of those that are simulated.
const fn allowed(kind: u8) -> &'static [u64] {
    match kind {
        COMMAND => &[4, 9],
        COMPONENT => &[4, 6, 7, 9],
        AUTOCOMPLETE => &[8],
        _ => &[4],
    }
}

/// The message that a component is on.
#[derive(Clone, Copy, Debug)]
pub(super) enum On {
    Shared(Snowflake),
    Private(Snowflake),
}

/// Takes the answer to an interaction of this type.
pub(super) fn take(
    world: &mut World,
    setting: Setting,
    kind: u8,
    on: Option<On>,
    request: &Value,
    answer: RawAnswer,
    now_us: i64,
) -> Result<Answered, InteractionError> {
    let failed = |why: String| InteractionError::Failed(why);
    if answer.status != 200 || !answer.is_json {
        return Err(failed(format!("answered {} {}", answer.status, answer.json)));
    }
    let given = answer.json["type"].as_u64().unwrap_or(0);
    if !allowed(kind).contains(&given) {
        return Err(failed(format!("an answer of type {given} to an interaction of type {kind}")));
    }
    let data = answer.json["data"].clone();
    let message = match given {
        4 => Some(show(world, setting, &data, now_us).map_err(failed)?),
        7 => {
            update(world, setting, on, &data, now_us).map_err(failed)?;
            None
        }
        8 => {
            check_suggestions(&data).map_err(failed)?;
            None
        }
        9 => {
            open(world, setting, &data).map_err(failed)?;
            None
        }
        _ => None,
    };
    Ok(Answered { kind: given, data, message, request: request.to_string() })
}

/// A message that only that person sees.
fn show(world: &mut World, setting: Setting, data: &Value, now_us: i64) -> Result<Snowflake, String> {
    if data["flags"].as_u64().unwrap_or(0) & EPHEMERAL == 0 {
        return Err("answers that everybody sees are not simulated".to_owned());
    }
    let read = validate::message(data).map_err(|error| error.body().to_string())?;
    let (content, embeds) = (read.content.unwrap_or_default(), read.embeds.unwrap_or_default());
    let components = read.components.unwrap_or_default();
    if content.is_empty() && embeds.is_empty() {
        return Err("Cannot send an empty message".to_owned());
    }
    let id = world.ids.next(now_us);
    let Setting { user, channel, application } = setting;
    let message = PrivateMessage { id, user, application, channel, content, embeds, components };
    world.interactions.private.insert(id, message);
    Ok(id)
}

/// Changes the message that the component is on.
fn update(world: &mut World, setting: Setting, on: Option<On>, data: &Value, now_us: i64) -> Result<(), String> {
    let read = validate::message(data).map_err(|error| error.body().to_string())?;
    match on {
        Some(On::Private(id)) => {
            let message = world.interactions.private.get_mut(&id).ok_or("the message is gone")?;
            message.content = read.content.unwrap_or_else(|| message.content.clone());
            message.embeds = read.embeds.unwrap_or_else(|| message.embeds.clone());
            message.components = read.components.unwrap_or_else(|| message.components.clone());
        }
        Some(On::Shared(id)) => {
            let channel = world.channels.get_mut(&setting.channel).ok_or("the channel is gone")?;
            let message = channel.messages.get_mut(&id).ok_or("the message is gone")?;
            message.content = read.content.unwrap_or_else(|| message.content.clone());
            message.embeds = read.embeds.unwrap_or_else(|| message.embeds.clone());
            message.components = read.components.unwrap_or_else(|| message.components.clone());
            (message.edits, message.edited_us) = (message.edits + 1, Some(now_us));
        }
        None => return Err("there is no message to update".to_owned()),
    }
    Ok(())
}

fn check_suggestions(data: &Value) -> Result<(), String> {
    let choices = data["choices"].as_array().ok_or("no choices")?;
    if choices.len() > 25 {
        return Err(format!("{} choices", choices.len()));
    }
    for choice in choices {
        for key in ["name", "value"] {
            fits(&choice[key], 1, 100).map_err(|why| format!("a choice's {key} {why}"))?;
        }
    }
    Ok(())
}

/// Opens a form before that person.
fn open(world: &mut World, setting: Setting, data: &Value) -> Result<(), String> {
    let custom_id = fits(&data["custom_id"], 1, 100).map_err(|why| format!("the form's custom_id {why}"))?;
    fits(&data["title"], 1, 45).map_err(|why| format!("the form's title {why}"))?;
    let rows = data["components"].as_array().ok_or("no components")?;
    if !(1..=5).contains(&rows.len()) {
        return Err(format!("{} components in a form", rows.len()));
    }
    let inputs = rows.iter().map(input).collect::<Result<Vec<Value>, String>>()?;
    let form = Form { application: setting.application, channel: setting.channel, custom_id, inputs };
    world.interactions.forms.insert(setting.user, form);
    Ok(())
}

/// The text input in a label, or in a row of its own with its label in it, as it was before.
fn input(row: &Value) -> Result<Value, String> {
    let input = match row["type"].as_u64() {
        Some(18) => {
            fits(&row["label"], 1, 45).map_err(|why| format!("a label {why}"))?;
            row["component"].clone()
        }
        Some(1) => {
            let input = row["components"][0].clone();
            fits(&input["label"], 1, 45).map_err(|why| format!("a label {why}"))?;
            input
        }
        kind => return Err(format!("a component of type {kind:?} in a form")),
    };
    fits(&input["custom_id"], 1, 100).map_err(|why| format!("a field's custom_id {why}"))?;
    if input["type"] != json!(4) || !matches!(input["style"].as_u64(), Some(1 | 2)) {
        return Err("only text inputs of style 1 or 2 are simulated in forms".to_owned());
    }
    Ok(input)
}

fn fits(text: &Value, least: usize, most: usize) -> Result<String, String> {
    let text = text.as_str().ok_or("is no text")?;
    let length = text.chars().count();
    if (least..=most).contains(&length) { Ok(text.to_owned()) } else { Err(format!("has {length} characters")) }
}
