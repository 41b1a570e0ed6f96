//! What an instance keeps its data in: SQLite in a folder of its own, unless a test says otherwise.

use crate::database::{Kind, TestDatabase};
use handoff_domain::port::{Inbox, Outbox, Reader, Singletons, Store};
use handoff_domain::testing::MemoryStore;
use std::sync::Arc;

/// Which store.
#[derive(Debug, Clone, Default)]
pub enum Kept {
    /// A file of SQLite.
    #[default]
    Sqlite,
    /// Nowhere but in memory.
    Memory,
    /// This database, which has the schema and nothing in it.
    In(Arc<TestDatabase>),
}

/// One store behind its ports, and what must live as long as it.
#[derive(Clone)]
pub struct Backing {
    /// Opens units of work.
    pub store: Arc<dyn Store>,
    /// Answers queries.
    pub reader: Arc<dyn Reader>,
    /// Where deliveries wait.
    pub inbox: Arc<dyn Inbox>,
    /// Where tasks wait.
    pub outbox: Arc<dyn Outbox>,
    /// What one replica does at a time.
    pub singletons: Arc<dyn Singletons>,
    /// Where the file is, to look into it with SQL; empty in memory.
    pub url: String,
    /// Removed with the last clone.
    _database: Option<Arc<TestDatabase>>,
}

impl Backing {
    /// Opens an empty store.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn open(kept: &Kept) -> Self {
        let database = match kept {
            Kept::Memory => return Self::of(MemoryStore::new(), None),
            Kept::In(database) => database.clone(),
            Kept::Sqlite => Arc::new(TestDatabase::migrated(Kind::Sqlite).await.unwrap().unwrap()),
        };
        Self::of(database.open_patiently().await.unwrap(), Some(database))
    }

    fn of<S: Store + Reader + Inbox + Outbox + Singletons + 'static>(
        store: S,
        database: Option<Arc<TestDatabase>>,
    ) -> Self {
        let store = Arc::new(store);
        let (reader, inbox, outbox, singletons) = (store.clone(), store.clone(), store.clone(), store.clone());
        let url = database.as_ref().map(|database| database.url().to_owned()).unwrap_or_default();
        Self { store, reader, inbox, outbox, singletons, url, _database: database }
    }
}
