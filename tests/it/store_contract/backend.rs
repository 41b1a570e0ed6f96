//! The backends that hold the contract, and how a rule becomes a test of each.

use handoff_domain::port::{Inbox, Outbox, Reader, Store};
use handoff_domain::testing::MemoryStore;
use std::sync::Arc;
use std::time::Duration;

/// All that a store is.
pub(super) trait AnyStore: Store + Reader + Inbox + Outbox {}

impl<T: Store + Reader + Inbox + Outbox> AnyStore for T {}

/// A store that several tasks use at once.
pub(super) type Shared = Arc<dyn AnyStore>;

/// Where the store keeps what it is given.
#[derive(Debug, Clone, Copy)]
pub(super) enum Backend {
    /// In the domain's own store for tests.
    Memory,
}

/// How long a rule may take: one that waits for itself fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tells a rule of an empty store of this backend; skips it where there is none.
pub(super) async fn told_of(backend: Backend, rule: impl AsyncFnOnce(Shared)) {
    let store: Shared = match backend {
        Backend::Memory => Arc::new(MemoryStore::new()),
    };
    tokio::time::timeout(PATIENCE, rule(store)).await.unwrap();
}

/// Makes tests of the rules of a theme, one for each backend.
macro_rules! on_every_backend {
    ($($rule:ident),+ $(,)?) => {
        mod memory {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    super::super::told_of(super::super::Backend::Memory, super::$rule).await;
                }
            )+
        }
    };
}
pub(super) use on_every_backend;
