//! What an instance keeps its data in.

use handoff_domain::port::{Inbox, Outbox, Reader, Store};
use handoff_domain::testing::MemoryStore;
use std::sync::Arc;

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
}

impl Backing {
    /// A store that is all four in one.
    pub fn of<S: Store + Reader + Inbox + Outbox + 'static>(store: S) -> Self {
        let store = Arc::new(store);
        Self { store: store.clone(), reader: store.clone(), inbox: store.clone(), outbox: store }
    }

    /// In memory.
    #[must_use]
    pub fn memory() -> Self {
        Self::of(MemoryStore::new())
    }
}
