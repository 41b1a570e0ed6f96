//! Running migrations: one process at a time, whichever starts first.

use crate::Database;
use crate::connect::Place;
use crate::error::Stored;
use crate::migration::Migrator;
use handoff_domain::port::StoreError;
use handoff_domain::port::store::StoreResult;
use sea_orm::{ConnectionTrait, TransactionTrait};
use sea_orm_migration::MigratorTrait;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a process waits for another one's migrations.
const TURN: Duration = Duration::from_secs(120);
/// How long between two looks at the lock file.
const BETWEEN_TRIES: Duration = Duration::from_millis(100);
/// As many looks as fit.
const TRIES: u32 = 1200;
/// The advisory lock that a process holds on PostgreSQL while it migrates ("handoff" in ASCII).
const ADVISORY_LOCK: i64 = 0x68_61_6e_64_6f_66_66;

impl Database {
    /// The names of the migrations that have not run yet, oldest first. Writes nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pending_migrations(&self) -> StoreResult<Vec<String>> {
        let pending = Migrator::get_pending_migrations_read_only(&self.reader).await.stored()?;
        Ok(pending.iter().map(|migration| migration.name().to_owned()).collect())
    }

    /// Runs the pending migrations in one transaction and names them. Of several processes one runs
    /// them while the others wait, at most two minutes: on PostgreSQL at an advisory lock, on SQLite at
    /// a lock file beside the database.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was changed.
    pub async fn migrate(&self) -> StoreResult<Vec<String>> {
        let _held = match &self.place {
            Place::File(path) => Some(hold_lock_file(path).await?),
            Place::Memory | Place::Server => None,
        };
        let tx = self.begin_writing().await?;
        if matches!(self.place, Place::Server) {
            let wait = format!("SET LOCAL lock_timeout = {}; SET LOCAL statement_timeout = 0", TURN.as_millis());
            tx.execute_unprepared(&wait).await.stored()?;
            tx.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")).await.stored()?;
        }
        let pending = Migrator::get_pending_migrations(&tx).await.stored()?;
        let names: Vec<String> = pending.iter().map(|migration| migration.name().to_owned()).collect();
        if !names.is_empty() {
            let inner = tx.begin().await.stored()?;
            Migrator::up(&inner, None).await.stored()?;
            inner.commit().await.stored()?;
        }
        tx.commit().await.stored()?;
        Ok(names)
    }
}

/// Locks a file beside the database; closing it frees the lock, a killed process included.
async fn hold_lock_file(database: &Path) -> StoreResult<File> {
    let mut path = PathBuf::from(database).into_os_string();
    path.push(".migrating");
    let locked = tokio::task::spawn_blocking(move || {
        let file = File::options().create(true).truncate(false).write(true).open(path)?;
        for _ in 0..TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(Some(file)),
                Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_TRIES),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(None)
    });
    let failed = |error: &dyn std::fmt::Display| StoreError::Unavailable(format!("the migration lock: {error}"));
    match locked.await {
        Ok(Ok(Some(file))) => Ok(file),
        Ok(Ok(None)) => Err(failed(&"another process has been migrating for two minutes")),
        Ok(Err(error)) => Err(failed(&error)),
        Err(error) => Err(failed(&error)),
    }
}
