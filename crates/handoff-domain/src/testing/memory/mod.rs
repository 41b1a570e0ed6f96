//! A store in memory: the whole of the store's contract, for tests, for examples and for trying out an
//! embedding. Nothing is durable.
//!
//! [`MemoryStore`] is a [`Store`], a [`Reader`](crate::port::Reader), an [`Inbox`](crate::port::Inbox),
//! an [`Outbox`](crate::port::Outbox) and [`Singletons`](crate::port::Singletons) in one; its clones share what is stored. Transactions are
//! serial: [`begin`](Store::begin) waits, without a limit, until no other is open, so that locks are
//! free and [`StoreError::Retry`](crate::port::StoreError::Retry) never happens. Whoever begins a second
//! one while holding a first waits for ever.
//!
//! Foreign keys are not checked: a row may name another that does not exist.

mod chat;
mod doubles;
mod group;
mod outward;
mod project;
mod queue;
mod read;
mod singleton;
mod state;
mod tenancy;
#[cfg(test)]
mod tests;
mod tracker;
mod tracking;

pub use doubles::{ContextBox, MemoryCache, SilentWake};

use crate::port::store::StoreResult;
use crate::port::{Store, UnitOfWork};
use async_trait::async_trait;
use futures::lock::OwnedMutexGuard;
use state::State;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A store in memory. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    committed: Arc<Mutex<Arc<State>>>,
    turn: Arc<futures::lock::Mutex<()>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was last committed. Reading it waits for nobody.
    fn snapshot(&self) -> Arc<State> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Arc<State>> {
        self.committed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn transaction(&self) -> Transaction {
        let turn = self.turn.clone().lock_owned().await;
        Transaction { state: self.snapshot(), store: self.clone(), _turn: turn }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn begin(&self) -> StoreResult<Box<dyn UnitOfWork>> {
        Ok(Box::new(self.transaction().await))
    }
}

/// An open transaction: a view of the state that becomes a copy at the first write.
struct Transaction {
    state: Arc<State>,
    store: MemoryStore,
    _turn: OwnedMutexGuard<()>,
}

impl Transaction {
    /// The state, to be written.
    fn write(&mut self) -> &mut State {
        Arc::make_mut(&mut self.state)
    }

    fn publish(self) {
        *self.store.lock() = self.state;
    }
}

#[async_trait]
impl UnitOfWork for Transaction {
    async fn commit(self: Box<Self>) -> StoreResult<()> {
        self.publish();
        Ok(())
    }
}
