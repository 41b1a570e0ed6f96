//! The backends that hold the contract, and how a rule becomes a test of each.

use handoff_database::Database;
use handoff_domain::port::{Inbox, Outbox, Reader, Singletons, Store};
use handoff_domain::testing::MemoryStore;
use handoff_tests::database::{Kind, TEST_PATIENCE, on};
use std::sync::Arc;

/// All that a store is.
pub(crate) trait AnyStore: Store + Reader + Inbox + Outbox + Singletons {}

impl<T: Store + Reader + Inbox + Outbox + Singletons> AnyStore for T {}

/// A store that several tasks use at once.
pub(crate) type Shared = Arc<dyn AnyStore>;

/// Tells a rule of an empty store in memory.
pub(super) async fn told_of_memory(rule: impl AsyncFnOnce(Shared)) {
    let told = rule(Arc::new(MemoryStore::new()));
    tokio::time::timeout(TEST_PATIENCE, told).await.unwrap();
}

/// Tells a rule of an empty store on a database; skips it where there is none.
pub(super) async fn told_of(kind: Kind, rule: impl AsyncFnOnce(Shared)) {
    let told = on(kind, async |place| {
        let database: Database = place.open().await.unwrap();
        rule(Arc::new(database.clone())).await;
        database.close().await.unwrap();
    });
    told.await.unwrap();
}

/// Makes tests of the rules of a theme, one for each backend.
macro_rules! on_every_backend {
    ($($rule:ident),+ $(,)?) => {
        mod memory {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    $crate::store_contract::backend::told_of_memory(super::$rule).await;
                }
            )+
        }
        $crate::store_contract::backend::on_databases!($($rule),+);
    };
}

/// Makes tests of rules about the limits of databases, one for each.
macro_rules! on_databases {
    ($($rule:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    let kind = handoff_tests::database::Kind::Sqlite;
                    $crate::store_contract::backend::told_of(kind, super::$rule).await;
                }
            )+
        }
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    let kind = handoff_tests::database::Kind::Postgres;
                    $crate::store_contract::backend::told_of(kind, super::$rule).await;
                }
            )+
        }
    };
}
pub(super) use {on_databases, on_every_backend};
