//! Reads the body of a message and says everything that is wrong with it, as Discord does: in a tree
//! with the shape of the body (Discord docs, reference, error messages).

mod components;
mod embeds;

use serde_json::{Map, Value, json};

use super::error::ApiError;
use super::id::Snowflake;
use super::mentions::Allowed;
use super::message::{IS_COMPONENTS_V2, SUPPRESS_EMBEDS, SUPPRESS_NOTIFICATIONS};

/// Characters of a message's content. The official description says 4000; the documentation wins.
const MAX_CONTENT: usize = 2000;
/// Characters of a nonce given as text.
const MAX_NONCE: usize = 25;
/// Ids in each list of `allowed_mentions`.
const MAX_ALLOWED: usize = 100;
/// Characters of a thread's name.
const MAX_THREAD_NAME: usize = 100;
/// How long a thread may stay idle before it is archived, in minutes.
const ARCHIVE_MINUTES: [u64; 4] = [60, 1440, 4320, 10080];
/// What `allowed_mentions.parse` may list.
const PARSE: [&str; 3] = ["users", "roles", "everyone"];

/// The fields of a message's body. `None`: not given. The lists are as the API answers them.
#[derive(Debug, Default)]
pub(super) struct MessageBody {
    pub(super) content: Option<String>,
    pub(super) embeds: Option<Vec<Value>>,
    pub(super) components: Option<Vec<Value>>,
    pub(super) flags: Option<u64>,
    pub(super) allowed_mentions: Option<Allowed>,
    pub(super) nonce: Option<Value>,
    pub(super) enforce_nonce: bool,
    pub(super) reply: Option<Reply>,
}

/// The message to reply to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    pub(super) message: Snowflake,
    pub(super) fail_if_not_exists: bool,
}

/// The body of a new thread.
#[derive(Debug)]
pub(super) struct ThreadBody {
    pub(super) name: String,
    pub(super) auto_archive_minutes: u64,
}

/// What is wrong, by place.
#[derive(Debug, Default)]
pub(super) struct ErrorTree {
    root: Map<String, Value>,
}

impl ErrorTree {
    /// Adds an error at a path such as `embeds/0/title`.
    pub(super) fn add(&mut self, path: &str, code: &str, message: impl Into<String>) {
        let mut node = &mut self.root;
        for key in path.split('/') {
            let slot = node.entry(key).or_insert_with(|| json!({}));
            if !slot.is_object() {
                *slot = json!({});
            }
            let Value::Object(inner) = slot else { return };
            node = inner;
        }
        let errors = node.entry("_errors").or_insert_with(|| json!([]));
        if let Value::Array(errors) = errors {
            errors.push(json!({ "code": code, "message": message.into() }));
        }
    }

    /// An error if anything was added.
    pub(super) fn finish(self) -> Result<(), ApiError> {
        if self.root.is_empty() { Ok(()) } else { Err(ApiError::invalid_form(Value::Object(self.root))) }
    }

    fn too_long(&mut self, path: &str, max: usize) {
        self.add(path, "BASE_TYPE_MAX_LENGTH", format!("Must be {max} or fewer in length."));
    }

    fn required(&mut self, path: &str) {
        self.add(path, "BASE_TYPE_REQUIRED", "This field is required");
    }

    fn wrong_type(&mut self, path: &str, wanted: &str) {
        self.add(path, "BASE_TYPE_BAD_TYPE", format!("Must be {wanted}."));
    }

    /// The text at `value`, if one is given and it fits.
    fn text<'a>(&mut self, path: &str, value: &'a Value, max: usize) -> Option<&'a str> {
        match value {
            Value::Null => None,
            Value::String(text) => {
                if text.chars().count() > max {
                    self.too_long(path, max);
                }
                Some(text)
            }
            _ => {
                self.wrong_type(path, "text");
                None
            }
        }
    }

    /// The web address at `value`, if one is given and it is one.
    fn address(&mut self, path: &str, value: &Value, max: usize) {
        if let Some(text) = self.text(path, value, max) {
            match url::Url::parse(text) {
                Ok(url) if matches!(url.scheme(), "http" | "https") => {}
                Ok(url) => self.add(
                    path,
                    "URL_TYPE_INVALID_SCHEME",
                    format!("Scheme \"{}\" must be one of ('http', 'https').", url.scheme()),
                ),
                Err(_) => self.add(path, "URL_TYPE_INVALID_URL", "Not a well formed URL."),
            }
        }
    }

    /// The flag at `value`; false if none is given.
    fn boolean(&mut self, path: &str, value: &Value) -> bool {
        if !(value.is_null() || value.is_boolean()) {
            self.wrong_type(path, "true or false");
        }
        value == true
    }

    /// The list at `value`, if one is given and it fits.
    fn list<'a>(&mut self, path: &str, value: &'a Value, max: usize) -> Option<&'a [Value]> {
        match value {
            Value::Null => None,
            Value::Array(list) => {
                if list.len() > max {
                    self.too_long(path, max);
                    return None;
                }
                Some(list)
            }
            _ => {
                self.wrong_type(path, "a list");
                None
            }
        }
    }

    /// The id at `value`, if it is one.
    fn id(&mut self, path: &str, value: &Value) -> Option<Snowflake> {
        let id = value.as_str().and_then(|text| text.parse().ok());
        if id.is_none() {
            self.add(path, "NUMBER_TYPE_COERCE", "Value is not snowflake.");
        }
        id
    }
}

/// Reads the JSON of a body.
pub(super) fn parse(content_type: Option<&str>, body: &[u8]) -> Result<Value, ApiError> {
    let is_json = content_type.is_some_and(|content_type| content_type.starts_with("application/json"));
    if !is_json {
        return Err(ApiError::UNSUPPORTED_MEDIA_TYPE);
    }
    let value: Value = serde_json::from_slice(body).map_err(|_| ApiError::INVALID_JSON)?;
    if value.is_object() { Ok(value) } else { Err(ApiError::INVALID_JSON) }
}

/// Reads the body of a new message or of an edit.
pub(super) fn message(body: &Value) -> Result<MessageBody, ApiError> {
    let mut errors = ErrorTree::default();
    let read = MessageBody {
        // An edit takes null as "none": it empties the field.
        content: body.get("content").map(|content| {
            let text = errors.text("content", content, MAX_CONTENT);
            text.unwrap_or_default().to_owned()
        }),
        embeds: body.get("embeds").map(|embeds| embeds::read(embeds, &mut errors)),
        components: body.get("components").map(|components| components::read(components, &mut errors)),
        flags: flags(&body["flags"], &mut errors),
        allowed_mentions: allowed_mentions(&body["allowed_mentions"], &mut errors),
        nonce: nonce(&body["nonce"], &mut errors),
        enforce_nonce: errors.boolean("enforce_nonce", &body["enforce_nonce"]),
        reply: reply(&body["message_reference"], &mut errors),
    };
    errors.finish()?;
    Ok(read)
}

/// Reads the body of a new thread.
pub(super) fn thread(body: &Value) -> Result<ThreadBody, ApiError> {
    let mut errors = ErrorTree::default();
    let name = errors.text("name", &body["name"], MAX_THREAD_NAME).unwrap_or_default();
    if name.is_empty() {
        errors.required("name");
    }
    let auto_archive_minutes = match &body["auto_archive_duration"] {
        Value::Null => ARCHIVE_MINUTES[1],
        value => value.as_u64().unwrap_or(0),
    };
    if !ARCHIVE_MINUTES.contains(&auto_archive_minutes) {
        let message = "Value must be one of (60, 1440, 4320, 10080).";
        errors.add("auto_archive_duration", "BASE_TYPE_CHOICES", message);
    }
    errors.finish()?;
    Ok(ThreadBody { name: name.to_owned(), auto_archive_minutes })
}

fn flags(value: &Value, errors: &mut ErrorTree) -> Option<u64> {
    if value.is_null() {
        return None;
    }
    let Some(flags) = value.as_u64() else {
        errors.wrong_type("flags", "a whole number");
        return None;
    };
    if flags & IS_COMPONENTS_V2 != 0 {
        errors.add("flags", "NOT_SIMULATED", "Components version 2 are not simulated.");
    }
    // Discord ignores flags that a bot may not set.
    Some(flags & (SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS))
}

fn nonce(value: &Value, errors: &mut ErrorTree) -> Option<Value> {
    match value {
        Value::Null => return None,
        Value::String(_) => {
            errors.text("nonce", value, MAX_NONCE);
        }
        Value::Number(number) if number.is_i64() => {}
        _ => errors.wrong_type("nonce", "text or a whole number"),
    }
    Some(value.clone())
}

fn reply(value: &Value, errors: &mut ErrorTree) -> Option<Reply> {
    if value.is_null() {
        return None;
    }
    Some(Reply {
        message: errors.id("message_reference/message_id", &value["message_id"])?,
        fail_if_not_exists: value["fail_if_not_exists"] != false,
    })
}

fn allowed_mentions(value: &Value, errors: &mut ErrorTree) -> Option<Allowed> {
    if value.is_null() {
        return None;
    }
    if !value.is_object() {
        errors.wrong_type("allowed_mentions", "an object");
        return None;
    }
    let parse = errors.list("allowed_mentions/parse", &value["parse"], PARSE.len());
    for (index, kind) in parse.unwrap_or_default().iter().enumerate() {
        if !kind.as_str().is_some_and(|kind| PARSE.contains(&kind)) {
            let message = "Value must be one of ('users', 'roles', 'everyone').";
            errors.add(&format!("allowed_mentions/parse/{index}"), "BASE_TYPE_CHOICES", message);
        }
    }
    for kind in ["users", "roles"] {
        let path = format!("allowed_mentions/{kind}");
        let ids = errors.list(&path, &value[kind], MAX_ALLOWED).unwrap_or_default();
        for (index, id) in ids.iter().enumerate() {
            errors.id(&format!("{path}/{index}"), id);
        }
        if !ids.is_empty() && parse.unwrap_or_default().iter().any(|parsed| parsed == kind) {
            errors.add(
                "allowed_mentions",
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                format!("parse:[\"{kind}\"] and {kind}: [ids...] are mutually exclusive."),
            );
        }
    }
    errors.boolean("allowed_mentions/replied_user", &value["replied_user"]);
    Some(Allowed::from_json(value))
}
