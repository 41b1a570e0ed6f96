//! The database as the program meets it: opened, looked at for pending migrations, and migrated.

use crate::config::{Config, DatabaseConfig};
use crate::failure::Failure;
use anyhow::{Context, anyhow};
use handoff_database::{Database, DatabaseOptions};
use std::fs::{DirBuilder, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Who may look into the folder of our files: its owner.
const FOLDER_MODE: u32 = 0o700;

/// Who may look into a database file of ours: its owner.
const FILE_MODE: u32 = 0o600;

/// What to do where there is no SQLite file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfMissing {
    /// Make it.
    Make,
    /// Say so: whoever asked meant one that is there.
    Refuse,
}

/// Opens the database, making an SQLite file and its folder where there are none and that is wanted.
///
/// # Errors
/// When it cannot be reached, or is missing.
pub async fn open(config: &DatabaseConfig, if_missing: IfMissing) -> Result<Database, Failure> {
    if let Some(file) = config.file().filter(|file| !file.exists()) {
        match if_missing {
            IfMissing::Make => make_file(&file)?,
            IfMissing::Refuse => return Err(missing(&file)),
        }
    }
    let options =
        DatabaseOptions { max_connections: config.max_connections, ..DatabaseOptions::new(config.url.expose()) };
    Ok(Database::open(&options).await.context("the database cannot be opened")?)
}

/// Opens a database that must be of this version: pending migrations are run where that is allowed.
///
/// # Errors
/// [`Failure::migrations_pending`], and whatever the database says.
pub async fn open_current(config: &Config, if_missing: IfMissing) -> Result<Database, Failure> {
    let database = open(&config.database, if_missing).await?;
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

fn missing(file: &Path) -> Failure {
    let looked_at = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let problem = format!(
        "there is no database at {}\nRun `handoff migrate` or `handoff serve` to make one there, or set data_dir or \
         database.url to where it is.",
        looked_at.display()
    );
    anyhow!(problem).into()
}

/// Makes an empty file that only its owner can read; SQLite takes it for a new database, and gives the files
/// beside it the same mode.
fn make_file(file: &Path) -> Result<(), Failure> {
    if let Some(folder) = file.parent() {
        make_folder(folder)?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(file) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(error).with_context(|| format!("the database {} cannot be made", file.display()))?
        }
        _ => Ok(()),
    }
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
