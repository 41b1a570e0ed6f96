//! One instance for one SQLite file: a lock beside it, held for the life of the process.

use crate::config::DatabaseConfig;
use crate::database::make_folder;
use crate::failure::Failure;
use anyhow::{Context, anyhow};
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;

/// Who may open the lock file: its owner.
const MODE: u32 = 0o600;

/// The lock. The system lets go of it when the process ends, however it ends; the file stays.
#[derive(Debug)]
pub struct DatabaseLock {
    _file: File,
}

impl DatabaseLock {
    /// Takes it; `None` for a database that is no file of ours.
    ///
    /// # Errors
    /// When another instance has it, or the file system says no.
    pub fn take(config: &DatabaseConfig) -> Result<Option<Self>, Failure> {
        let Some(database) = config.file() else { return Ok(None) };
        if let Some(folder) = database.parent() {
            make_folder(folder)?;
        }
        let mut path = database.clone().into_os_string();
        path.push(".lock");
        let options = OpenOptions::new().write(true).create(true).truncate(false).mode(MODE).open(&path);
        let file = options.with_context(|| format!("the lock file {} cannot be opened", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Err(anyhow!(
                "another `handoff serve` runs on {}: one SQLite file is for one instance. Stop the other, or use \
                 PostgreSQL for several.",
                database.display()
            )
            .into()),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("{} cannot be locked", path.display()))?
            }
        }
    }
}
