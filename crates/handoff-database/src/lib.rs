//! The store of Handoff on SQLite and PostgreSQL.
//!
//! [`Database`] implements the domain's `Store`, `Reader`, `Inbox`, `Outbox` and `Singletons`. Where things are: each
//! noun's writes in the file of its name, its queries under `read`; rows become nouns in `row`, tables are
//! described in `table` and made in `migration`; what the database refuses gets its name in `error`.
//!
//! The two databases differ in few words (`migration`), in locks (`sql::locking`) and in connections
//! (`connect`): SQLite has one that writes and a few that read, PostgreSQL a pool.
//!
//! To add something that is stored: a migration, its table, its row, the methods in its noun's file, and a
//! rule in the contract suite, which runs on every store.

mod chat;
mod connect;
mod delivery;
mod error;
mod group;
mod group_commit;
mod lease;
mod migrate;
mod migration;
mod outbox;
mod outward;
mod project;
mod queue;
mod read;
mod row;
mod singleton;
mod sql;
mod table;
mod tenancy;
mod tracker;
mod tracking;
mod transaction;

pub use connect::{DatabaseOptions, PATIENCE};

use crate::connect::Place;
use crate::error::Stored;
use crate::group_commit::GroupCommit;
use crate::sql::Sql;
use handoff_domain::port::store::StoreResult;
use sea_orm::DatabaseConnection;

/// An open database. Clones share its connections.
#[derive(Clone)]
pub struct Database {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    place: Place,
    commits: GroupCommit,
}

impl Database {
    /// Opens the database; an SQLite file and its folder are made where there is none. Runs no migration.
    ///
    /// # Errors
    /// [`StoreError`](handoff_domain::port::StoreError) when the address is wrong, or nothing answers there
    /// within a second.
    pub async fn open(options: &DatabaseOptions) -> StoreResult<Self> {
        let place = Place::of(&options.url)?;
        let (writer, reader) = connect::connect(options, &place).await?;
        Ok(Self { writer, reader, place, commits: GroupCommit::default() })
    }

    /// Whether anything is stored that only the present sealing key opens.
    ///
    /// # Errors
    /// [`StoreError`](handoff_domain::port::StoreError).
    pub async fn holds_sealed_secrets(&self) -> StoreResult<bool> {
        let sealed = "SELECT 1 AS found FROM installations UNION ALL SELECT 1 AS found FROM hooks LIMIT 1";
        Sql::new(sealed).one(&self.reader).await.map(|row| row.is_some())
    }

    /// Closes the connections, once what is under way has ended.
    ///
    /// # Errors
    /// [`StoreError`](handoff_domain::port::StoreError) when the last of them did not end cleanly.
    pub async fn close(self) -> StoreResult<()> {
        self.reader.close_by_ref().await.stored()?;
        self.writer.close_by_ref().await.stored()
    }
}
