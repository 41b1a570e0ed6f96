//! One instance for one SQLite file: a lock beside it, held for the life of the process.

use crate::config::DatabaseConfig;
use crate::database::make_folder;
use crate::failure::Failure;
use anyhow::{Context, anyhow};
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// Who may open the lock file: its owner.
const MODE: u32 = 0o600;

/// The lock. The system lets go of it when the process ends, however it ends; the file stays.
#[derive(Debug)]
pub struct DatabaseLock {
    _file: File,
}

/// What came of trying to take it.
#[derive(Debug)]
pub enum Attempt {
    /// It is ours.
    Taken(DatabaseLock),
    /// The database is no file of ours: it needs none.
    NotNeeded,
    /// Another process has it, on this file.
    Held(PathBuf),
}

impl DatabaseLock {
    /// Takes it; `None` for a database that is no file of ours.
    ///
    /// # Errors
    /// When another instance has it, or the file system says no.
    pub fn take(config: &DatabaseConfig) -> Result<Option<Self>, Failure> {
        match Self::attempt(config)? {
            Attempt::Taken(lock) => Ok(Some(lock)),
            Attempt::NotNeeded => Ok(None),
            Attempt::Held(database) => Err(anyhow!(
                "another `handoff serve` runs on {}: one SQLite file is for one instance. Stop the other, or use \
                 PostgreSQL for several.",
                database.display()
            )
            .into()),
        }
    }

    /// Takes it if it is free.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn attempt(config: &DatabaseConfig) -> Result<Attempt, Failure> {
        let Some(database) = config.file() else { return Ok(Attempt::NotNeeded) };
        if let Some(folder) = database.parent() {
            make_folder(folder)?;
        }
        let mut path = database.clone().into_os_string();
        path.push(".lock");
        let options = OpenOptions::new().write(true).create(true).truncate(false).mode(MODE).open(&path);
        let file = options.with_context(|| format!("the lock file {} cannot be opened", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Attempt::Taken(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(Attempt::Held(database)),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("{} cannot be locked", path.display()))?
            }
        }
    }
}
