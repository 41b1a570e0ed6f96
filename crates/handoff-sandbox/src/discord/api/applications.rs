//! Endpoints about applications and their commands. A bot's application has the bot's id.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Context, Outcome, ok};
use crate::discord::error::ApiError;
use crate::discord::id::Snowflake;
use crate::discord::interactions::COMMAND_NAME_MAX;
use crate::discord::render;
use crate::discord::validate::ErrorTree;

/// Commands of one application that are typed (Discord docs, application commands).
const MAX_COMMANDS: usize = 100;
const MAX_OPTIONS: usize = 25;
const MAX_DESCRIPTION: usize = 100;
/// Characters of a command's names and descriptions, those of its options included.
const MAX_CHARACTERS: usize = 8000;
/// The option types of text, whole numbers and numbers: the only ones that can be suggested for.
const SUGGESTED: [u64; 3] = [3, 4, 10];

impl Context<'_> {
    pub(super) fn get_current_application(&self) -> Outcome {
        let bot = self.world.users.get(&self.bot).ok_or(ApiError::UNAUTHORIZED)?;
        let interactions = &self.world.interactions;
        ok(json!({
            "id": bot.id,
            "name": bot.name,
            "icon": null,
            "description": "",
            "type": null,
            "bot": render::user(bot),
            "verify_key": interactions.public_key(),
            "flags": 0,
            "flags_new": "0",
            "redirect_uris": [],
            "interactions_endpoint_url": interactions.endpoint,
            "role_connections_verification_url": null,
            "owner": render::user(bot),
            "approximate_guild_count": self.world.guilds.len(),
            "approximate_user_install_count": 0,
            "approximate_user_authorization_count": 0,
            "explicit_content_filter": 0,
            "team": null,
            "eligible_oauth2_scopes": [],
        }))
    }

    /// Overwrites all commands of the application.
    pub(super) fn put_commands(&mut self, application: Snowflake) -> Outcome {
        if application != self.bot {
            return Err(ApiError::MISSING_ACCESS.into());
        }
        let is_json = self.call.content_type.as_deref().is_some_and(|text| text.starts_with("application/json"));
        if !is_json {
            return Err(ApiError::UNSUPPORTED_MEDIA_TYPE.into());
        }
        let body = self.call.body.as_ref().ok_or(ApiError::TOO_LARGE)?;
        let commands: Vec<Value> = serde_json::from_slice(body).map_err(|_| ApiError::INVALID_JSON)?;
        check(&commands)?;
        let registered: Vec<Value> = commands.iter().map(|command| self.registered(application, command)).collect();
        self.world.interactions.commands.insert(application, registered.clone());
        ok(Value::Array(registered))
    }

    /// The command as the API answers it.
    fn registered(&mut self, application: Snowflake, command: &Value) -> Value {
        let (id, version) = (self.world.ids.next(self.now_us), self.world.ids.next(self.now_us));
        let permissions = match &command["default_member_permissions"] {
            Value::Number(bits) => json!(bits.to_string()),
            other => other.clone(),
        };
        json!({
            "id": id,
            "application_id": application,
            "version": version,
            "default_member_permissions": permissions,
            "type": command["type"].as_u64().unwrap_or(1),
            "name": command["name"],
            "description": command["description"],
            "options": command["options"].as_array().cloned().unwrap_or_default(),
            "contexts": command["contexts"],
            "integration_types": command["integration_types"].as_array().cloned().unwrap_or_else(|| vec![json!(0)]),
            "nsfw": false,
        })
    }
}

fn check(commands: &[Value]) -> Result<(), ApiError> {
    let mut errors = ErrorTree::default();
    if commands.len() > MAX_COMMANDS {
        errors.add("commands", "BASE_TYPE_MAX_LENGTH", format!("Must be {MAX_COMMANDS} or fewer in length."));
    }
    let mut names = BTreeSet::new();
    for (index, command) in commands.iter().enumerate() {
        let at = index.to_string();
        check_named(&at, command, &mut errors);
        if !names.insert(command["name"].as_str().unwrap_or_default()) {
            errors.add(&at, "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique");
        }
        check_options(&at, &command["options"], &mut errors);
        if characters(command) > MAX_CHARACTERS {
            errors.add(&at, "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size");
        }
    }
    errors.finish()
}

fn check_options(at: &str, options: &Value, errors: &mut ErrorTree) {
    let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
    if options.len() > MAX_OPTIONS {
        errors.add(&format!("{at}/options"), "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.");
    }
    let mut optional_seen = false;
    for (index, option) in options.iter().enumerate() {
        let at = format!("{at}/options/{index}");
        check_named(&at, option, errors);
        let required = option["required"] == true;
        if required && optional_seen {
            let message = "Required options must be placed before non-required options";
            errors.add(&at, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message);
        }
        optional_seen |= !required;
        let kind = option["type"].as_u64().unwrap_or(0);
        if !(1..=11).contains(&kind) {
            errors.add(&format!("{at}/type"), "BASE_TYPE_CHOICES", "Value must be one of (1, …, 11).");
        }
        if option["autocomplete"] == true && !SUGGESTED.contains(&kind) {
            errors.add(&at, "APPLICATION_COMMAND_AUTOCOMPLETE_INVALID", "This type takes no autocomplete");
        }
    }
}

fn check_named(at: &str, of: &Value, errors: &mut ErrorTree) {
    let name = of["name"].as_str().unwrap_or_default();
    let fits = (1..=COMMAND_NAME_MAX).contains(&name.chars().count());
    let is_plain = name.chars().all(|c| (c.is_alphanumeric() || matches!(c, '-' | '_' | '\'')) && !c.is_uppercase());
    if !fits || !is_plain {
        errors.add(&format!("{at}/name"), "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid");
    }
    let description = of["description"].as_str().unwrap_or_default();
    if !(1..=MAX_DESCRIPTION).contains(&description.chars().count()) {
        errors.add(&format!("{at}/description"), "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.");
    }
}

fn characters(command: &Value) -> usize {
    let own = |of: &Value| ["name", "description"].iter().filter_map(|key| of[*key].as_str()).map(count).sum::<usize>();
    own(command) + command["options"].as_array().into_iter().flatten().map(own).sum::<usize>()
}

fn count(text: &str) -> usize {
    text.chars().count()
}
