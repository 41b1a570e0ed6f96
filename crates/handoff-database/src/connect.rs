//! Opening the database: its address, its pools and the settings that make it durable.

use crate::error::Stored;
use handoff_domain::port::StoreError;
use handoff_domain::port::store::StoreResult;
use sea_orm::sqlx::Connection;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, DatabaseConnection};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a caller waits for a connection, and on SQLite for the one that writes, before the store counts
/// as unavailable.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// How long a caller waits for a row's lock on PostgreSQL: longer than `deadlock_timeout` (a second unless
/// the server says otherwise), so that two that wait for each other are told so, and run again.
const LOCK: Duration = Duration::from_millis(1500);
/// How long a transaction may sit idle before PostgreSQL ends it.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(10);
/// How long one statement may take.
const STATEMENT: Duration = Duration::from_secs(10);
/// How many connections read at once on SQLite, where one writes.
const SQLITE_READERS: u32 = 4;
/// A connection that rested longer is asked whether it still is one, before it is used.
const RESTED: Duration = Duration::from_secs(30);
/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 512;

/// Where the database is. Its address may hold a password, and is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseOptions {
    /// `sqlite:PATH`, `sqlite::memory:` (for tests), or `postgres://…`.
    pub url: String,
    /// Connections to PostgreSQL at most; SQLite has one that writes and a few that read.
    pub max_connections: u32,
    /// How long a caller waits for a connection: [`PATIENCE`], but in tests on a machine that is busy otherwise.
    pub patience: Duration,
}

impl DatabaseOptions {
    /// The usual number of connections to PostgreSQL.
    pub const MAX_CONNECTIONS: u32 = 16;

    /// The database at this address, with the usual limits.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), max_connections: Self::MAX_CONNECTIONS, patience: PATIENCE }
    }
}

impl fmt::Debug for DatabaseOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseOptions").field("max_connections", &self.max_connections).finish_non_exhaustive()
    }
}

/// What kind of place the data is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// An SQLite file.
    File(PathBuf),
    /// SQLite in memory; gone with the process.
    Memory,
    /// PostgreSQL.
    Server,
}

impl Place {
    /// Reads the address.
    pub(crate) fn of(url: &str) -> StoreResult<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Server);
        }
        let Some(path) = url.strip_prefix("sqlite:") else {
            return Err(StoreError::Unavailable(
                "the database address must begin with sqlite: or postgres://".to_owned(),
            ));
        };
        let path = path.strip_prefix("//").unwrap_or(path);
        let path = match path.split_once('?') {
            None => path,
            Some((path, "mode=rwc")) => path,
            Some(_) => {
                return Err(StoreError::Unavailable("sqlite: takes a path, and no options after it".to_owned()));
            }
        };
        match path {
            "" => Err(StoreError::Unavailable("the database address names no file after sqlite:".to_owned())),
            ":memory:" => Ok(Self::Memory),
            path => Ok(Self::File(PathBuf::from(path))),
        }
    }
}

/// The connections that write and those that read; the same pool except for an SQLite file.
pub(crate) async fn connect(
    options: &DatabaseOptions,
    place: &Place,
) -> StoreResult<(DatabaseConnection, DatabaseConnection)> {
    match place {
        Place::Server => {
            let pool = sea_orm::Database::connect(postgres(options)).await.stored()?;
            Ok((pool.clone(), pool))
        }
        Place::Memory => {
            let patience = options.patience;
            let mut pool = pooled("sqlite::memory:".to_owned(), 1, patience);
            pool.idle_timeout(None::<Duration>).max_lifetime(None::<Duration>);
            pool.map_sqlx_sqlite_opts(move |sqlite| sqlite.foreign_keys(true).busy_timeout(patience));
            let pool = sea_orm::Database::connect(pool).await.stored()?;
            Ok((pool.clone(), pool))
        }
        Place::File(path) => {
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                tokio::fs::create_dir_all(folder).await.map_err(|error| {
                    StoreError::Unavailable(format!("the folder {} cannot be made: {error}", folder.display()))
                })?;
            }
            let writer = sea_orm::Database::connect(sqlite_writer(path, options.patience)).await.stored()?;
            Ok((writer, sea_orm::Database::connect(sqlite_readers(path, options.patience)).await.stored()?))
        }
    }
}

fn pooled(url: String, connections: u32, patience: Duration) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(patience)
        .connect_timeout(patience)
        .test_before_acquire(false)
        .sqlx_logging(false);
    options
}

/// The file itself, whatever characters its path has: an address would be read as one of the web.
fn sqlite(path: &Path, patience: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(patience)
        .statement_cache_capacity(STATEMENTS)
}

/// A commit is on disk when it returns (`synchronous = FULL`), and readers do not wait for the writer.
fn sqlite_writer(path: &Path, patience: Duration) -> ConnectOptions {
    let file = sqlite(path, patience)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut options = pooled("sqlite::memory:".to_owned(), 1, patience);
    options.idle_timeout(None::<Duration>).max_lifetime(None::<Duration>);
    options.map_sqlx_sqlite_opts(move |_| file.clone());
    // A full disk ends a transaction behind the driver's back, which then counts one that is not there, and
    // would take every later one for a part of it. Such a connection is replaced.
    options.map_sqlx_sqlite_before_acquire(|connection, _| {
        let sound = !Connection::is_in_transaction(connection);
        Box::pin(async move { Ok(sound) })
    });
    options
}

fn sqlite_readers(path: &Path, patience: Duration) -> ConnectOptions {
    let file = sqlite(path, patience).read_only(true);
    let mut options = pooled("sqlite::memory:".to_owned(), SQLITE_READERS, patience);
    options.idle_timeout(None::<Duration>).max_lifetime(None::<Duration>);
    options.map_sqlx_sqlite_opts(move |_| file.clone());
    options
}

fn postgres(options: &DatabaseOptions) -> ConnectOptions {
    let mut pool = pooled(options.url.clone(), options.max_connections, options.patience);
    pool.test_before_acquire_if_idle_for(RESTED).map_sqlx_postgres_opts(|postgres| {
        postgres.application_name("handoff").statement_cache_capacity(STATEMENTS).options([
            ("lock_timeout", LOCK.as_millis().to_string()),
            ("statement_timeout", STATEMENT.as_millis().to_string()),
            ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION.as_millis().to_string()),
        ])
    });
    pool
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_password_is_not_shown() {
        let shown = format!("{:?}", DatabaseOptions::new("postgres://me:s3cret@h/x"));
        assert!(!shown.contains("s3cret"), "{shown}");
    }

    #[test]
    fn an_address_is_read_and_a_wrong_one_named() {
        assert_eq!(Place::of("sqlite::memory:"), Ok(Place::Memory));
        assert_eq!(Place::of("sqlite:data/handoff.db"), Ok(Place::File("data/handoff.db".into())));
        assert_eq!(Place::of("sqlite:///var/h.db?mode=rwc"), Ok(Place::File("/var/h.db".into())));
        assert_eq!(Place::of("postgres://h/x"), Ok(Place::Server));
        assert_eq!(Place::of("sqlite:a b/%41#.db"), Ok(Place::File("a b/%41#.db".into())));
        assert!(Place::of("sqlite:h.db?mode=ro").is_err());
        assert!(Place::of("mysql://h/x").is_err());
        assert!(Place::of("sqlite:").is_err());
    }
}
