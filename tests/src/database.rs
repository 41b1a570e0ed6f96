//! A database for each test, its own and empty, that goes when the test does.
//!
//! SQLite: a file in a folder of its own. PostgreSQL: a database `handoff_test_SECONDS_RANDOM` on the server
//! of `HANDOFF_TEST_POSTGRES`, by default the one on this machine. The schema is made once, in a template that the
//! others are copied from. Whatever a killed run leaves behind, and that template, is swept by the next run that
//! finds it older than an hour.

use crate::requirements::{Need, need, variable};
use anyhow::{Context as _, Result};
use handoff_database::{Database, DatabaseOptions};
use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// The server that is used where the environment names none.
const DEFAULT_SERVER: &str = "postgres://postgres@127.0.0.1:5432/postgres";
/// What the names of all our databases begin with.
const PREFIX: &str = "handoff_test_";
/// How old a database is that no test uses any more, in seconds.
const LEFT_BEHIND: u64 = 60 * 60;
/// How long the server may take for something.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it may take to answer at all, before it counts as missing.
const CONNECT: Duration = Duration::from_secs(2);

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

/// A database that one test has to itself. Dropping it deletes it, whoever is still connected.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    File(TempDir),
    Server(String),
}

impl TestDatabase {
    /// A database with the present schema and nothing in it; `None`, and the test skipped, where there is
    /// no server.
    ///
    /// # Errors
    /// When the database cannot be made.
    ///
    /// # Panics
    /// Where there is no server and there must be one, see [`need`].
    pub async fn migrated(kind: Kind) -> Result<Option<Self>> {
        match kind {
            Kind::Sqlite => {
                let made = Self::sqlite()?;
                if let Place::File(folder) = &made.place {
                    tokio::fs::write(folder.path().join("handoff.db"), sqlite_template().await?).await?;
                }
                Ok(Some(made))
            }
            Kind::Postgres if need(Need::Postgres) => {
                let template = postgres_template().await?;
                Self::postgres(Some(template)).await.map(Some)
            }
            Kind::Postgres => Ok(None),
        }
    }

    /// A database without a schema; `None`, and the test skipped, where there is no server.
    ///
    /// # Errors
    /// When the database cannot be made.
    ///
    /// # Panics
    /// Where there is no server and there must be one, see [`need`].
    pub async fn bare(kind: Kind) -> Result<Option<Self>> {
        match kind {
            Kind::Sqlite => Self::sqlite().map(Some),
            Kind::Postgres if need(Need::Postgres) => Self::postgres(None).await.map(Some),
            Kind::Postgres => Ok(None),
        }
    }

    /// Which it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self.place {
            Place::File(_) => Kind::Sqlite,
            Place::Server(_) => Kind::Postgres,
        }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Opens it.
    ///
    /// # Errors
    /// When that fails.
    pub async fn open(&self) -> Result<Database> {
        Ok(Database::open(&DatabaseOptions::new(&self.url)).await?)
    }

    /// Opens it to be waited for, also on a busy machine.
    ///
    /// # Errors
    /// When that fails.
    pub async fn open_patiently(&self) -> Result<Database> {
        let options = DatabaseOptions { patience: Duration::from_secs(20), ..DatabaseOptions::new(&self.url) };
        Ok(Database::open(&options).await?)
    }

    fn sqlite() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
        let url = format!("sqlite:{}", folder.path().join("handoff.db").display());
        Ok(Self { url, place: Place::File(folder) })
    }

    async fn postgres(template: Option<&str>) -> Result<Self> {
        let name = new_name();
        let create = format!("CREATE DATABASE {name} TEMPLATE {}", template.unwrap_or("template0"));
        on_server(async |server| {
            if template.is_some() {
                return run(server, &create).await;
            }
            // In a language's own order, where the server knows one: nothing may depend on the byte order that
            // many a server has by chance.
            let unkind = format!("{create} ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'");
            match run(server, &unkind).await {
                Ok(()) => Ok(()),
                Err(_) => run(server, &create).await,
            }
        })
        .await?;
        Ok(Self { url: url_of(&name)?, place: Place::Server(name) })
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Place::Server(name) = &self.place {
            let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            // Best effort: what stays is swept by a later run.
            let _ = apart(async move { on_server(async |server| run(server, &drop).await).await });
        }
    }
}

/// How long a test of a database may take: one that waits for itself fails instead of hanging.
pub const TEST_PATIENCE: Duration = Duration::from_secs(60);

/// Runs a test on an empty database of this kind, or skips it.
///
/// # Errors
/// When there is no such database although there should be, or the test takes longer than [`TEST_PATIENCE`].
///
/// # Panics
/// When the test does.
pub async fn on(kind: Kind, test: impl AsyncFnOnce(TestDatabase)) -> Result<()> {
    let Some(database) = TestDatabase::migrated(kind).await? else { return Ok(()) };
    Ok(tokio::time::timeout(TEST_PATIENCE, test(database)).await?)
}

/// Makes of functions that take a [`TestDatabase`] the tests `sqlite::NAME` and `postgres::NAME`.
#[macro_export]
macro_rules! on_each_database {
    ($($test:ident),+ $(,)?) => {
        $crate::on_sqlite!($($test),+);
        $crate::on_postgres!($($test),+);
    };
}

/// Makes of functions that take a [`TestDatabase`] the tests `sqlite::NAME`.
#[macro_export]
macro_rules! on_sqlite {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    $crate::database::on($crate::database::Kind::Sqlite, super::$test).await.unwrap();
                }
            )+
        }
    };
}

/// Makes of functions that take a [`TestDatabase`] the tests `postgres::NAME`.
#[macro_export]
macro_rules! on_postgres {
    ($($test:ident),+ $(,)?) => {
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    $crate::database::on($crate::database::Kind::Postgres, super::$test).await.unwrap();
                }
            )+
        }
    };
}

/// Whether a server is there. It is swept of what earlier runs left behind.
pub(crate) fn server_answers() -> bool {
    apart(within(CONNECT, async |server| sweep(server).await)).is_ok()
}

/// Runs to the end on a thread and a runtime of its own, so that it may be waited for anywhere.
fn apart<F>(work: F) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async { tokio::time::timeout(PATIENCE, work).await? })
    });
    thread.join().map_err(|_| anyhow::anyhow!("the thread panicked"))?
}

/// Does something with a connection to the server.
async fn on_server<T>(work: impl AsyncFnOnce(&DatabaseConnection) -> Result<T>) -> Result<T> {
    within(PATIENCE, work).await
}

/// Does something with a connection to the server, if it answers soon enough.
async fn within<T>(patience: Duration, work: impl AsyncFnOnce(&DatabaseConnection) -> Result<T>) -> Result<T> {
    let mut options = ConnectOptions::new(server());
    options.max_connections(1).acquire_timeout(patience).sqlx_logging(false);
    let server = sea_orm::Database::connect(options).await?;
    let done = work(&server).await;
    server.close().await?;
    done
}

async fn run(server: &DatabaseConnection, statement: &str) -> Result<()> {
    Ok(server.execute_unprepared(statement).await.map(drop)?)
}

/// The names of all databases of tests.
async fn ours(server: &DatabaseConnection) -> Result<Vec<String>> {
    let query = format!("SELECT datname FROM pg_database WHERE starts_with(datname, '{PREFIX}')");
    let rows = server.query_all_raw(Statement::from_string(DbBackend::Postgres, query)).await?;
    Ok(rows.iter().map(|row| row.try_get("", "datname")).collect::<Result<_, _>>()?)
}

async fn sweep(server: &DatabaseConnection) -> Result<()> {
    for name in ours(server).await? {
        if made_at(&name).is_some_and(|at| at + LEFT_BEHIND < seconds_now()) {
            // Another run may be sweeping too.
            let _ = run(server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    }
    Ok(())
}

fn server() -> String {
    static SERVER: LazyLock<String> =
        LazyLock::new(|| variable("HANDOFF_TEST_POSTGRES").unwrap_or_else(|| DEFAULT_SERVER.to_owned()));
    SERVER.clone()
}

fn url_of(database: &str) -> Result<String> {
    let mut url = url::Url::parse(&server()).context("HANDOFF_TEST_POSTGRES is no address")?;
    url.set_path(database);
    Ok(url.into())
}

#[expect(clippy::disallowed_methods, reason = "databases outlive the process: their names carry the real time")]
fn seconds_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[expect(clippy::disallowed_methods, reason = "a name that no other run on this server has")]
fn new_name() -> String {
    format!("{PREFIX}{}_{}", seconds_now(), &uuid::Uuid::new_v4().simple().to_string()[..16])
}

/// When the database of this name was made, in seconds of the Unix epoch.
fn made_at(name: &str) -> Option<u64> {
    name.strip_prefix(PREFIX)?.split_once('_')?.0.parse().ok()
}

/// A file with the schema, made once for each process.
async fn sqlite_template() -> Result<&'static [u8]> {
    static TEMPLATE: OnceCell<Vec<u8>> = OnceCell::const_new();
    let made = TEMPLATE.get_or_try_init(async || {
        let template = TestDatabase::sqlite()?;
        migrate(&template).await?;
        let path = template.url.trim_start_matches("sqlite:");
        tokio::fs::read(path).await.context("the template cannot be read")
    });
    made.await.map(Vec::as_slice)
}

/// The name of a database with the schema, made once for each build of the tests and swept by a later one.
async fn postgres_template() -> Result<&'static str> {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    let found = TEMPLATE.get_or_try_init(async || {
        let build = build()?;
        if let Some(name) = made_template(&build).await? {
            return Ok(name);
        }
        let template = TestDatabase::postgres(None).await?;
        migrate(&template).await?;
        let Place::Server(unnamed) = &template.place else { anyhow::bail!("a template that is no server's") };
        let name = format!("{PREFIX}{}_{build}", seconds_now());
        let rename = format!("ALTER DATABASE {unnamed} RENAME TO {name}");
        match on_server(async |server| run(server, &rename).await).await {
            Ok(()) => Ok(name),
            // Another process of the same build was as fast.
            Err(error) => made_template(&build).await?.ok_or(error),
        }
    });
    found.await.map(String::as_str)
}

/// The template of this build, unless it is so old that it may be swept while we use it.
async fn made_template(build: &str) -> Result<Option<String>> {
    let known = on_server(async |server| ours(server).await).await?;
    let is_young = |name: &String| made_at(name).is_some_and(|at| at + LEFT_BEHIND / 2 > seconds_now());
    Ok(known.into_iter().filter(|name| name.ends_with(build)).find(is_young))
}

/// Tells this build of the tests from every other one, whose schema may differ.
fn build() -> Result<String> {
    let program = std::env::current_exe()?;
    let mut hasher = DefaultHasher::new();
    (std::fs::metadata(&program)?.modified()?, program).hash(&mut hasher);
    Ok(format!("template_{:016x}", hasher.finish()))
}

async fn migrate(template: &TestDatabase) -> Result<()> {
    let database = template.open().await?;
    database.migrate().await?;
    Ok(database.close().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_databases_name_tells_when_it_was_made() {
        let at = made_at(&new_name()).unwrap();
        assert!(at.abs_diff(seconds_now()) < 60);
        assert_eq!(made_at("handoff_test_of_somebody_else"), None);
        assert_eq!(made_at("handoff"), None);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn each_test_has_a_database_of_its_own_that_goes_with_it() {
        let Some(one) = TestDatabase::migrated(Kind::Postgres).await.unwrap() else { return };
        let other = TestDatabase::migrated(Kind::Postgres).await.unwrap().unwrap();
        assert_ne!(one.url(), other.url());
        let database = one.open().await.unwrap();
        assert!(database.pending_migrations().await.unwrap().is_empty());
        let url = one.url().to_owned();
        drop(one);
        assert!(Database::open(&DatabaseOptions::new(url)).await.is_err());
        assert!(other.open().await.is_ok());
    }
}
