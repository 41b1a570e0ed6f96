//! Generate Snowflake Id: a 53-bit id of the present second, or of a free one shortly before.

use crate::port::{Clock, SequenceError, SequenceStore};
use crate::snowflake::{Region, Snowflake, SnowflakeSecond};
use std::sync::Arc;

/// Gives out the ids of one region.
#[derive(Clone)]
pub struct SnowflakeIds {
    region: Region,
    sequence: Arc<dyn SequenceStore>,
    clock: Arc<dyn Clock>,
}

impl SnowflakeIds {
    /// Ids of `region`, counted by `sequence`.
    #[must_use]
    pub fn new(region: Region, sequence: Arc<dyn SequenceStore>, clock: Arc<dyn Clock>) -> Self {
        Self { region, sequence, clock }
    }

    /// A new id for a row of `model` (the table's name).
    ///
    /// # Errors
    /// [`SequenceError::Exhausted`] after 4,800 ids of one model in five minutes; try again in a second.
    pub async fn generate_snowflake_id(&self, model: &'static str) -> Result<Snowflake, SequenceError> {
        let Some(second) = SnowflakeSecond::of(self.clock.now()) else {
            return Err(SequenceError::Unavailable("the clock is outside 2022 to 2158".to_owned()));
        };
        let reserved = self.sequence.reserve(model, self.region, second).await?;
        Snowflake::compose(reserved.second, self.region, reserved.sequence)
            .ok_or_else(|| SequenceError::Unavailable("the sequence gave a number past 15".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::ReservedSequence;
    use crate::snowflake::EPOCH_SECONDS;
    use crate::testing::FixedClock;
    use crate::time::Timestamp;
    use async_trait::async_trait;

    struct Scripted(Result<ReservedSequence, SequenceError>);

    #[async_trait]
    impl SequenceStore for Scripted {
        async fn reserve(
            &self,
            model: &'static str,
            region: Region,
            second: SnowflakeSecond,
        ) -> Result<ReservedSequence, SequenceError> {
            assert_eq!((model, region.get(), second.get()), ("project", 7, 100));
            self.0.clone()
        }
    }

    async fn generated(answer: Result<ReservedSequence, SequenceError>) -> Result<i64, SequenceError> {
        let clock = FixedClock::at(Timestamp::from_seconds(EPOCH_SECONDS + 100));
        let region = Region::new(7).ok_or(SequenceError::Unavailable(String::new()))?;
        let ids = SnowflakeIds::new(region, Arc::new(Scripted(answer)), Arc::new(clock));
        ids.generate_snowflake_id("project").await.map(Snowflake::get)
    }

    #[tokio::test]
    async fn an_id_carries_the_second_that_the_sequence_gave_and_the_region() {
        let reserved = ReservedSequence { second: SnowflakeSecond::new(99), sequence: 3 };
        assert_eq!(generated(Ok(reserved)).await, Ok(16 * (1 << 48) + 99 * (1 << 16) + 7 * 16 + 3));
    }

    #[tokio::test]
    async fn a_full_window_is_a_typed_error() {
        let full = SequenceError::Exhausted { window_seconds: 300 };
        assert_eq!(generated(Err(full.clone())).await, Err(full));
    }
}
