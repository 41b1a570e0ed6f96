//! The database as the program meets it: opened, looked at for pending migrations, and migrated.

use crate::config::{Config, DatabaseConfig};
use crate::failure::Failure;
use anyhow::Context;
use handoff_database::{Database, DatabaseOptions};
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Who may look into the folder of our files: its owner.
const FOLDER_MODE: u32 = 0o700;

/// Opens the database, making the folder of an SQLite file where there is none.
///
/// # Errors
/// When it cannot be reached.
pub async fn open(config: &DatabaseConfig) -> Result<Database, Failure> {
    if let Some(folder) = config.file().as_deref().and_then(Path::parent) {
        make_folder(folder)?;
    }
    let options =
        DatabaseOptions { max_connections: config.max_connections, ..DatabaseOptions::new(config.url.expose()) };
    Ok(Database::open(&options).await.context("the database cannot be opened")?)
}

/// Opens a database that must be of this version: pending migrations are run where that is allowed.
///
/// # Errors
/// [`Failure::migrations_pending`], and whatever the database says.
pub async fn open_current(config: &Config) -> Result<Database, Failure> {
    let database = open(&config.database).await?;
    let pending = database.pending_migrations().await?;
    if pending.is_empty() {
        return Ok(database);
    }
    if !config.database.migrate_on_start {
        return Err(Failure::migrations_pending(&pending));
    }
    let applied = database.migrate().await.context("a migration failed")?;
    if !applied.is_empty() {
        // None where another process did it meanwhile.
        tracing::info!(migrations = applied.join(", "), "the database was migrated");
    }
    Ok(database)
}

/// Makes a folder that only its owner can look into, where there is none.
///
/// # Errors
/// When the file system says no.
pub fn make_folder(folder: &Path) -> Result<(), Failure> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder);
    Ok(made.with_context(|| format!("the folder {} cannot be made", folder.display()))?)
}
