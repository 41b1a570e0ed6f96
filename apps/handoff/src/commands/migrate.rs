//! `migrate`: brings the database to this version, and names what was done.

use crate::config::Config;
use crate::database::{self, IfMissing};
use crate::failure::Failure;
use crate::output::Output;
use anyhow::Context;
use serde_json::json;

/// Runs pending migrations; with `check` only says which there are.
pub(super) async fn migrate(config: &Config, check: bool, output: Output) -> Result<(), Failure> {
    let if_missing = if check { IfMissing::Refuse } else { IfMissing::Make };
    let database = database::open(&config.database, if_missing).await?;
    if check {
        let pending = database.pending_migrations().await?;
        database.close().await?;
        if !pending.is_empty() {
            return Err(Failure::migrations_pending(&pending));
        }
        return Ok(output.say("No migration is pending.", &json!({"pending": pending}))?);
    }
    let applied = database.migrate().await.context("a migration failed")?;
    database.close().await?;
    let words = match applied.as_slice() {
        [] => "The database is up to date.".to_owned(),
        names => format!("Done: {}", names.join(", ")),
    };
    Ok(output.say(&words, &json!({"applied": applied}))?)
}
