//! The unit of work: one database transaction. The families of its methods are in the files of their nouns.

use crate::Database;
use crate::error::Stored;
use async_trait::async_trait;
use handoff_domain::port::store::{StoreResult, UnitOfWork};
use handoff_domain::port::{Store, StoreError};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait,
};
use std::sync::OnceLock;

/// An open transaction. Dropping it rolls back.
pub(crate) struct Transaction(pub(crate) Watched);

/// A transaction that ends with its first failure: every later statement, and the commit, fails like it.
/// PostgreSQL would answer `COMMIT` by rolling back, and call that a success; SQLite may have ended the
/// transaction on its own (a full disk), and would make every later statement durable by itself.
pub(crate) struct Watched {
    open: DatabaseTransaction,
    failure: OnceLock<DbErr>,
}

impl Watched {
    fn sound(&self) -> Result<(), DbErr> {
        self.failure.get().map_or(Ok(()), |failure| Err(failure.clone()))
    }

    fn watch<T>(&self, done: Result<T, DbErr>) -> Result<T, DbErr> {
        done.inspect_err(|error| {
            self.failure.get_or_init(|| error.clone());
        })
    }
}

#[async_trait]
impl ConnectionTrait for Watched {
    fn get_database_backend(&self) -> DbBackend {
        self.open.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.sound()?;
        self.watch(self.open.execute_raw(statement).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.sound()?;
        self.watch(self.open.execute_unprepared(sql).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.sound()?;
        self.watch(self.open.query_one_raw(statement).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.sound()?;
        self.watch(self.open.query_all_raw(statement).await)
    }
}

impl Database {
    /// Begins a transaction that will write. On SQLite it takes the write lock at once: a transaction
    /// that reads first and writes later fails when another wrote in between.
    ///
    /// A task of its own begins it. A caller that is dropped meanwhile (a client hung up, a time limit ended)
    /// would otherwise leave behind a connection that is in a transaction without the driver's knowing (sqlx
    /// 0.9), and whatever is written with that next would wait for a commit that never comes.
    pub(crate) async fn begin_writing(&self) -> StoreResult<DatabaseTransaction> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let writer = self.writer.clone();
        let begun = tokio::spawn(async move { writer.begin_with_options(options).await }).await;
        begun.map_err(|_| StoreError::Unavailable("the process is stopping".to_owned()))?.stored()
    }
}

#[async_trait]
impl Store for Database {
    async fn begin(&self) -> StoreResult<Box<dyn UnitOfWork>> {
        let open = self.begin_writing().await?;
        Ok(Box::new(Transaction(Watched { open, failure: OnceLock::new() })))
    }
}

#[async_trait]
impl UnitOfWork for Transaction {
    async fn commit(self: Box<Self>) -> StoreResult<()> {
        self.0.sound().stored()?;
        self.0.open.commit().await.stored()
    }
}
