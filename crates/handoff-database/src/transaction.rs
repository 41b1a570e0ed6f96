//! The unit of work: one database transaction. The families of its methods are in the files of their nouns.

use crate::Database;
use crate::error::Stored;
use async_trait::async_trait;
use handoff_domain::port::Store;
use handoff_domain::port::store::{StoreResult, UnitOfWork};
use sea_orm::{DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait};

/// An open transaction. Dropping it rolls back.
pub(crate) struct Transaction(pub(crate) DatabaseTransaction);

impl Database {
    /// Begins a transaction that will write. On SQLite it takes the write lock at once: a transaction
    /// that reads first and writes later fails when another wrote in between.
    pub(crate) async fn begin_writing(&self) -> StoreResult<DatabaseTransaction> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.writer.begin_with_options(options).await.stored()
    }
}

#[async_trait]
impl Store for Database {
    async fn begin(&self) -> StoreResult<Box<dyn UnitOfWork>> {
        Ok(Box::new(Transaction(self.begin_writing().await?)))
    }
}

#[async_trait]
impl UnitOfWork for Transaction {
    async fn commit(self: Box<Self>) -> StoreResult<()> {
        self.0.commit().await.stored()
    }
}
