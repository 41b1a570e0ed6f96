//! Callers that are dropped while the database answers: a client hung up, a time limit ended.

use super::NOW;
use handoff_database::{Database, DatabaseOptions};
use handoff_domain::port::{Singletons, Store};
use handoff_tests::database::TestDatabase;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

handoff_tests::on_each_database![who_is_dropped_while_a_transaction_begins_leaves_none_open];

async fn who_is_dropped_while_a_transaction_begins_leaves_none_open(place: TestDatabase) {
    let one = DatabaseOptions { max_connections: 1, ..DatabaseOptions::new(place.url()) };
    let (database, other) = (Database::open(&one).await.unwrap(), place.open().await.unwrap());
    let until = NOW.plus(Duration::from_secs(60));
    for looks in 0..150 {
        let begins = async {
            let mut begins = pin!(database.begin());
            for _ in 0..looks {
                if poll_fn(|context| Poll::Ready(begins.as_mut().poll(context).is_ready())).await {
                    break;
                }
                tokio::task::yield_now().await;
            }
        };
        begins.await;
        // On the same connection; whoever asks on another one finds it taken, and waits for nobody.
        let lease = database.take("test", NOW, until).await.unwrap().unwrap();
        assert_eq!(other.take("test", NOW, until).await.unwrap(), None, "after {looks} looks");
        database.give_back(&lease).await.unwrap();
    }
    database.close().await.unwrap();
    other.close().await.unwrap();
}
