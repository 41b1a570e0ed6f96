//! The counter behind snowflake ids.

use crate::snowflake::{Region, SnowflakeSecond};
use async_trait::async_trait;

/// A sequence number that nobody else has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReservedSequence {
    /// The second it belongs to: the one asked for, or an earlier one.
    pub second: SnowflakeSecond,
    /// Below [`crate::snowflake::SEQUENCES_PER_SECOND`].
    pub sequence: u8,
}

/// Why no sequence number could be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SequenceError {
    /// Every number of the window is taken: more than 4,800 ids in five minutes. Try again in a second.
    #[error("no snowflake id is left in the last {window_seconds} seconds; try again in a second")]
    Exhausted {
        /// How far back was looked.
        window_seconds: u64,
    },
    /// The counter is out of reach.
    #[error("the snowflake sequence is unavailable: {0}")]
    Unavailable(String),
}

/// Gives out sequence numbers, each at most once for (model, region, second).
#[async_trait]
pub trait SequenceStore: Send + Sync {
    /// Reserves a number of `second` or, where that is full, of the latest second before it that is
    /// not, at most [`crate::snowflake::LOOK_BACK_SECONDS`] back. A store that forgets on restart never
    /// looks further back than its own start.
    ///
    /// `model` names the table, so that models do not use up each other's numbers.
    ///
    /// # Errors
    /// [`SequenceError`].
    async fn reserve(
        &self,
        model: &'static str,
        region: Region,
        second: SnowflakeSecond,
    ) -> Result<ReservedSequence, SequenceError>;
}
