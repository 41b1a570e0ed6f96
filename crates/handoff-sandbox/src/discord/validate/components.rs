//! The action rows of a message: buttons and selects (Discord docs, component reference). Components of
//! version 2 are not simulated.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde_json::{Value, json};

use super::ErrorTree;
use super::embeds::without_nulls;

const MAX_ROWS: usize = 5;
const MAX_BUTTONS: usize = 5;
const MAX_CUSTOM_ID: usize = 100;
const MAX_LABEL: usize = 80;
const MAX_BUTTON_URL: usize = 512;
const MAX_OPTIONS: usize = 25;
const MAX_OPTION_TEXT: usize = 100;
const MAX_PLACEHOLDER: usize = 150;

const ACTION_ROW: u64 = 1;
const BUTTON: u64 = 2;
const STRING_SELECT: u64 = 3;
/// String, user, role, mentionable and channel selects; 4 is a text input, for modals only.
const SELECTS: [u64; 5] = [STRING_SELECT, 5, 6, 7, 8];
/// Primary, secondary, success and danger.
const STYLES_WITH_CUSTOM_ID: RangeInclusive<u64> = 1..=4;
const STYLE_LINK: u64 = 5;

/// Reads `components` into the form that the API answers.
pub(super) fn read(value: &Value, errors: &mut ErrorTree) -> Vec<Value> {
    let rows = errors.list("components", value, MAX_ROWS).unwrap_or_default();
    let mut custom_ids = BTreeSet::new();
    for (index, row) in rows.iter().enumerate() {
        check_row(&format!("components/{index}"), row, &mut custom_ids, errors);
    }
    let mut next_id = 1;
    rows.iter().map(|row| answered(row, &mut next_id)).collect()
}

fn check_row(path: &str, row: &Value, custom_ids: &mut BTreeSet<String>, errors: &mut ErrorTree) {
    if row["type"].as_u64() != Some(ACTION_ROW) {
        let message = format!("Value of field \"type\" must be one of ({ACTION_ROW},).");
        errors.add(&format!("{path}/type"), "UNION_TYPE_CHOICES", message);
        return;
    }
    let path = format!("{path}/components");
    let Some(inner) = row["components"].as_array() else {
        errors.required(&path);
        return;
    };
    if inner.is_empty() || inner.len() > MAX_BUTTONS {
        let message = format!("Must be between 1 and {MAX_BUTTONS} in length.");
        errors.add(&path, "BASE_TYPE_BAD_LENGTH", message);
        return;
    }
    let kinds: Vec<u64> = inner.iter().map(|component| component["type"].as_u64().unwrap_or(0)).collect();
    if inner.len() > 1 && kinds.iter().any(|kind| SELECTS.contains(kind)) {
        let message = "The specified component exceeds the maximum width";
        errors.add(&path, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", message);
    }
    for (index, (component, kind)) in inner.iter().zip(kinds).enumerate() {
        let path = format!("{path}/{index}");
        match kind {
            BUTTON => check_button(&path, component, errors),
            kind if SELECTS.contains(&kind) => check_select(&path, component, kind, errors),
            _ => errors.add(
                &format!("{path}/type"),
                "UNION_TYPE_CHOICES",
                "Value of field \"type\" must be one of (2, 3, 5, 6, 7, 8).",
            ),
        }
        if let Some(custom_id) = component["custom_id"].as_str()
            && !custom_ids.insert(custom_id.to_owned())
        {
            let message = "Component custom id cannot be duplicated";
            errors.add(&format!("{path}/custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", message);
        }
    }
}

fn check_button(path: &str, button: &Value, errors: &mut ErrorTree) {
    let at = |key: &str| format!("{path}/{key}");
    errors.text(&at("label"), &button["label"], MAX_LABEL);
    errors.boolean(&at("disabled"), &button["disabled"]);
    let shows_nothing = button["emoji"].is_null() && button["label"].as_str().is_none_or(str::is_empty);
    if shows_nothing {
        errors.required(&at("label"));
    }
    match button["style"].as_u64() {
        Some(style) if STYLES_WITH_CUSTOM_ID.contains(&style) => {
            custom_id(&at("custom_id"), &button["custom_id"], errors);
            if !button["url"].is_null() {
                let message = "A custom id and url cannot both be specified";
                errors.add(path, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", message);
            }
        }
        Some(STYLE_LINK) => {
            if button["url"].is_null() {
                errors.required(&at("url"));
            }
            errors.address(&at("url"), &button["url"], MAX_BUTTON_URL);
            if !button["custom_id"].is_null() {
                let message = "A custom id and url cannot both be specified";
                errors.add(path, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", message);
            }
        }
        _ => errors.add(&at("style"), "BASE_TYPE_CHOICES", "Value must be one of (1, 2, 3, 4, 5)."),
    }
}

fn check_select(path: &str, select: &Value, kind: u64, errors: &mut ErrorTree) {
    let at = |key: &str| format!("{path}/{key}");
    custom_id(&at("custom_id"), &select["custom_id"], errors);
    errors.text(&at("placeholder"), &select["placeholder"], MAX_PLACEHOLDER);
    for key in ["min_values", "max_values"] {
        let fits = select[key].as_u64().is_some_and(|count| count <= MAX_OPTIONS as u64);
        if !select[key].is_null() && !fits {
            let message = format!("int value should be between 0 and {MAX_OPTIONS}.");
            errors.add(&at(key), "NUMBER_TYPE_MAX", message);
        }
    }
    if kind != STRING_SELECT {
        return;
    }
    let options = errors.list(&at("options"), &select["options"], MAX_OPTIONS).unwrap_or_default();
    if options.is_empty() {
        errors.required(&at("options"));
    }
    for (index, option) in options.iter().enumerate() {
        for key in ["label", "value"] {
            let path = format!("{path}/options/{index}/{key}");
            if errors.text(&path, &option[key], MAX_OPTION_TEXT).is_none_or(str::is_empty) {
                errors.required(&path);
            }
        }
    }
}

fn custom_id(path: &str, value: &Value, errors: &mut ErrorTree) {
    if errors.text(path, value, MAX_CUSTOM_ID).is_none_or(str::is_empty) {
        errors.required(path);
    }
}

/// Without what is null, with ids and defaults filled in.
fn answered(row: &Value, next_id: &mut u64) -> Value {
    let mut row = without_nulls(row);
    number(&mut row, next_id);
    if let Some(inner) = row.get_mut("components").and_then(Value::as_array_mut) {
        for component in inner {
            number(component, next_id);
            if component["type"].as_u64().is_some_and(|kind| SELECTS.contains(&kind)) {
                for key in ["min_values", "max_values"] {
                    if component[key].is_null() {
                        component[key] = json!(1);
                    }
                }
            }
        }
    }
    row
}

fn number(component: &mut Value, next_id: &mut u64) {
    if component.is_object() {
        component["id"] = json!(*next_id);
        *next_id += 1;
    }
}
