//! The snowflake sequence, shared through Redis: one script and one round trip, however far it looks back.

use super::Redis;
use crate::InProcessSequence;
use async_trait::async_trait;
use handoff_domain::port::{Clock, ReservedSequence, SequenceError, SequenceStore};
use handoff_domain::snowflake::{LOOK_BACK_SECONDS, Region, SEQUENCES_PER_SECOND, SnowflakeSecond};
use redis::Script;
use std::sync::{Arc, Mutex, PoisonError};

/// How long counters are kept: as long as anybody looks back, and what clocks may differ by.
const KEPT_SECONDS: u64 = LOOK_BACK_SECONDS + 60;

/// Counts for all replicas of a region. While Redis is away each counts for itself: a number may then be given out
/// twice, and saving, which meets a taken id, takes the next.
pub struct RedisSequence {
    redis: Arc<Redis>,
    clock: Arc<dyn Clock>,
    reserve: Script,
    /// Counts since Redis is away.
    alone: Mutex<Option<Arc<InProcessSequence>>>,
}

impl RedisSequence {
    /// Through this connection.
    #[must_use]
    pub fn new(redis: Arc<Redis>, clock: Arc<dyn Clock>) -> Self {
        Self { redis, clock, reserve: Script::new(include_str!("reserve.lua")), alone: Mutex::default() }
    }

    fn alone(&self) -> Arc<InProcessSequence> {
        let mut alone = self.alone.lock().unwrap_or_else(PoisonError::into_inner);
        alone.get_or_insert_with(|| Arc::new(InProcessSequence::new(self.clock.as_ref()))).clone()
    }

    fn together(&self) {
        *self.alone.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[async_trait]
impl SequenceStore for RedisSequence {
    async fn reserve(
        &self,
        model: &'static str,
        region: Region,
        second: SnowflakeSecond,
    ) -> Result<ReservedSequence, SequenceError> {
        let mut call = self.reserve.prepare_invoke();
        call.key(self.redis.key(format_args!("snowflake:{{{model}:{}}}", region.get())));
        call.arg(second.get()).arg(LOOK_BACK_SECONDS).arg(SEQUENCES_PER_SECOND).arg(KEPT_SECONDS);
        match self.redis.run::<Vec<u32>>(&call).await.as_deref() {
            Ok([at, sequence]) => {
                self.together();
                let sequence = u8::try_from(*sequence).unwrap_or(SEQUENCES_PER_SECOND);
                Ok(ReservedSequence { second: SnowflakeSecond::new(*at), sequence })
            }
            Ok(_) => Err(SequenceError::Exhausted { window_seconds: LOOK_BACK_SECONDS }),
            Err(_) => self.alone().reserve(model, region, second).await,
        }
    }
}
