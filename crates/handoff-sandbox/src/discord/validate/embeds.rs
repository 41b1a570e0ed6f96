//! The embeds of a message and their limits (Discord docs, embed limits).

use serde_json::{Map, Value, json};

use super::ErrorTree;

const MAX_EMBEDS: usize = 10;
const MAX_TITLE: usize = 256;
const MAX_DESCRIPTION: usize = 4096;
const MAX_FIELDS: usize = 25;
const MAX_FIELD_NAME: usize = 256;
const MAX_FIELD_VALUE: usize = 1024;
const MAX_FOOTER: usize = 2048;
const MAX_AUTHOR: usize = 256;
const MAX_URL: usize = 2048;
const MAX_COLOR: u64 = 0xff_ffff;
/// Characters of titles, descriptions, fields, footers and authors over all embeds of the message.
const MAX_TOTAL: usize = 6000;

/// Reads `embeds` into the form that the API answers.
pub(super) fn read(value: &Value, errors: &mut ErrorTree) -> Vec<Value> {
    let embeds = errors.list("embeds", value, MAX_EMBEDS).unwrap_or_default();
    for (index, embed) in embeds.iter().enumerate() {
        check(&format!("embeds/{index}"), embed, errors);
    }
    if embeds.iter().map(size).sum::<usize>() > MAX_TOTAL {
        let message = format!("Embed size exceeds maximum size of {MAX_TOTAL}");
        errors.add("embeds", "MAX_EMBED_SIZE_EXCEEDED", message);
    }
    embeds.iter().map(answered).collect()
}

fn check(path: &str, embed: &Value, errors: &mut ErrorTree) {
    if !embed.is_object() {
        errors.wrong_type(path, "an object");
        return;
    }
    let at = |key: &str| format!("{path}/{key}");
    errors.text(&at("title"), &embed["title"], MAX_TITLE);
    errors.text(&at("description"), &embed["description"], MAX_DESCRIPTION);
    errors.address(&at("url"), &embed["url"], MAX_URL);
    if !embed["color"].is_null() && embed["color"].as_u64().is_none_or(|color| color > MAX_COLOR) {
        let message = format!("int value should be between 0 and {MAX_COLOR}.");
        errors.add(&at("color"), "NUMBER_TYPE_MAX", message);
    }
    named(&at("footer"), &embed["footer"], "text", MAX_FOOTER, errors);
    named(&at("author"), &embed["author"], "name", MAX_AUTHOR, errors);
    for key in ["image", "thumbnail"] {
        if !embed[key].is_null() {
            errors.address(&format!("{path}/{key}/url"), &embed[key]["url"], MAX_URL);
        }
    }
    let fields = errors.list(&at("fields"), &embed["fields"], MAX_FIELDS).unwrap_or_default();
    for (index, field) in fields.iter().enumerate() {
        let path = format!("{path}/fields/{index}");
        required_text(&format!("{path}/name"), &field["name"], MAX_FIELD_NAME, errors);
        required_text(&format!("{path}/value"), &field["value"], MAX_FIELD_VALUE, errors);
        errors.boolean(&format!("{path}/inline"), &field["inline"]);
    }
    let shows_something = ["title", "description", "footer", "author", "fields", "image", "thumbnail"]
        .iter()
        .any(|key| !matches!(&embed[*key], Value::Null) && embed[*key] != "" && embed[*key] != json!([]));
    if !shows_something {
        errors.required(&at("description"));
    }
}

fn named(path: &str, value: &Value, key: &str, max: usize, errors: &mut ErrorTree) {
    if !value.is_null() {
        required_text(&format!("{path}/{key}"), &value[key], max, errors);
    }
}

fn required_text(path: &str, value: &Value, max: usize, errors: &mut ErrorTree) {
    if value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()) {
        errors.required(path);
    } else {
        errors.text(path, value, max);
    }
}

fn size(embed: &Value) -> usize {
    let length = |value: &Value| value.as_str().map_or(0, |text| text.trim().chars().count());
    let fields = embed["fields"].as_array().into_iter().flatten();
    length(&embed["title"])
        + length(&embed["description"])
        + length(&embed["footer"]["text"])
        + length(&embed["author"]["name"])
        + fields.map(|field| length(&field["name"]) + length(&field["value"])).sum::<usize>()
}

/// Without what is null, with the defaults filled in.
fn answered(embed: &Value) -> Value {
    let mut answered = without_nulls(embed);
    answered["type"] = json!("rich");
    if let Some(fields) = answered.get_mut("fields").and_then(Value::as_array_mut) {
        for field in fields {
            field["inline"] = json!(field["inline"] == true);
        }
    }
    answered
}

/// The value without the keys that hold null, at every depth.
pub(super) fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), without_nulls(value)))
                .collect::<Map<_, _>>(),
        ),
        Value::Array(list) => list.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}
