//! What an instance keeps its data in: SQLite in a folder of its own, unless a test says otherwise.

use handoff_database::{Database, DatabaseOptions};
use handoff_domain::port::{Inbox, Outbox, Reader, Store};
use handoff_domain::testing::MemoryStore;
use std::sync::Arc;
use tempfile::TempDir;

/// Which store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Kept {
    /// A file of SQLite.
    #[default]
    Sqlite,
    /// Nowhere but in memory.
    Memory,
    /// An empty database at this address, which the test looks after.
    At(String),
}

/// One store behind its four ports, and what must live as long as it.
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
    /// Where the file is, to look into it with SQL; empty in memory.
    pub url: String,
    /// Removed with the last clone.
    _folder: Option<Arc<TempDir>>,
}

impl Backing {
    /// Opens an empty store.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn open(kept: &Kept) -> Self {
        match kept {
            Kept::Memory => Self::of(MemoryStore::new(), String::new(), None),
            Kept::At(url) => Self::of(database(url).await, url.clone(), None),
            Kept::Sqlite => {
                let folder = TempDir::new().unwrap();
                let url = format!("sqlite:{}", folder.path().join("handoff.db").display());
                Self::of(database(&url).await, url, Some(Arc::new(folder)))
            }
        }
    }

    fn of<S: Store + Reader + Inbox + Outbox + 'static>(store: S, url: String, folder: Option<Arc<TempDir>>) -> Self {
        let store = Arc::new(store);
        let (reader, inbox, outbox) = (store.clone(), store.clone(), store.clone());
        Self { store, reader, inbox, outbox, url, _folder: folder }
    }
}

async fn database(url: &str) -> Database {
    let database = Database::open(&DatabaseOptions::new(url)).await.unwrap();
    database.migrate().await.unwrap();
    database
}
