//! What replicas share through Redis: nothing that is not known elsewhere, so that everything goes on without it.
//!
//! Each call is one script and one round trip. A server that does not answer in time is left alone for [`PAUSE`]. Every key begins with the namespace and expires. One primary is expected, not a cluster: a script
//! touches keys of several groups.

mod ownership;
mod sequence;

pub use ownership::RedisCache;
pub use sequence::RedisSequence;

use handoff_domain::port::Clock;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{FromRedisValue, ScriptInvocation};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::time::timeout;

/// How long nothing is asked of a server that failed.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest wait between two attempts to connect.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Why nothing came of a call; without the address, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedisError {
    /// The address cannot be one.
    #[error("not an address of Redis: {0}")]
    Address(String),
    /// It is away, refuses us, or is too slow.
    #[error("Redis is unavailable: {0}")]
    Unavailable(String),
}

/// A connection that everybody shares, made when it is first needed, and again when it broke.
pub struct Redis {
    manager: ConnectionManager,
    namespace: String,
    clock: Arc<dyn Clock>,
    patience: Duration,
    /// Until when nothing is asked, in microseconds since 1970.
    quiet_until: AtomicI64,
}

impl Redis {
    /// How long a call may take, usually.
    pub const PATIENCE: Duration = Duration::from_millis(100);

    /// `url` is `redis://`, `rediss://` or `unix://`; every key will begin with `namespace`, and no call takes
    /// longer than `patience`. To be called in a runtime; does not connect yet.
    ///
    /// # Errors
    /// [`RedisError::Address`].
    pub fn new(url: &str, namespace: &str, patience: Duration, clock: Arc<dyn Clock>) -> Result<Self, RedisError> {
        let address = |error: redis::RedisError| RedisError::Address(error.kind_and_detail());
        let client = redis::Client::open(url).map_err(address)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PAUSE))
            .set_response_timeout(Some(patience))
            .set_max_delay(LONGEST_WAIT);
        let manager = ConnectionManager::new_lazy_with_config(client, config).map_err(address)?;
        Ok(Self { manager, namespace: namespace.to_owned(), clock, patience, quiet_until: AtomicI64::new(0) })
    }

    /// Whether it can be an address of Redis.
    #[must_use]
    pub fn is_address(url: &str) -> bool {
        redis::Client::open(url).is_ok()
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// [`RedisError::Unavailable`].
    pub async fn ping(&self) -> Result<(), RedisError> {
        let mut manager = self.manager.clone();
        let asked = timeout(PAUSE, redis::cmd("PING").query_async::<()>(&mut manager)).await;
        asked.map_err(|_| too_slow())?.map_err(|error| unavailable(&error))
    }

    fn key(&self, rest: std::fmt::Arguments<'_>) -> String {
        format!("{}:{rest}", self.namespace)
    }

    async fn run<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, RedisError> {
        let now = self.clock.now();
        if now.as_micros() < self.quiet_until.load(Ordering::Relaxed) {
            return Err(RedisError::Unavailable("it failed a moment ago".to_owned()));
        }
        let mut manager = self.manager.clone();
        let answer = match timeout(self.patience, script.invoke_async(&mut manager)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => unavailable(&error),
            Err(_) => too_slow(),
        };
        let quiet_until = now.plus(PAUSE).as_micros();
        if self.quiet_until.swap(quiet_until, Ordering::Relaxed) <= now.as_micros() {
            tracing::warn!(error = %answer, "Redis does not answer; going on without it");
        }
        Err(answer)
    }
}

fn too_slow() -> RedisError {
    RedisError::Unavailable("no answer in time".to_owned())
}

fn unavailable(error: &redis::RedisError) -> RedisError {
    RedisError::Unavailable(error.kind_and_detail())
}

/// What the driver says, without addresses.
trait KindAndDetail {
    fn kind_and_detail(&self) -> String;
}

impl KindAndDetail for redis::RedisError {
    fn kind_and_detail(&self) -> String {
        match self.detail() {
            Some(detail) if !self.is_io_error() => format!("{}: {detail}", self.category()),
            _ => self.category().to_owned(),
        }
    }
}
