//! `config check`: every setting, its value, and where it comes from.

use crate::config::ShownSetting;
use crate::failure::Failure;
use crate::output::Output;
use serde_json::{Value, json};

/// Shows a configuration without mistakes. Secrets are not shown.
pub(super) fn check(settings: Vec<ShownSetting>, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        let shown: serde_json::Map<String, Value> = settings
            .iter()
            .map(|one| (one.key.to_owned(), json!({"value": one.value, "from": one.origin.to_string()})))
            .collect();
        return Ok(output.line(&json!({"ok": true, "settings": shown}).to_string())?);
    }
    let longest = settings.iter().map(|one| one.key.len()).max().unwrap_or(0);
    for ShownSetting { key, value, origin } in &settings {
        output.line(&format!("{key:longest$} = {value}  # {origin}"))?;
    }
    Ok(output.line("The configuration can be used.")?)
}
