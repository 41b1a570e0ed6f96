//! Discord's ids: 64 bits that carry their own time, written as strings in JSON.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

/// 2015-01-01T00:00:00Z in milliseconds since the Unix epoch: where the time in a snowflake begins
/// (Discord docs, reference, snowflakes).
const EPOCH_MS: i64 = 1_420_070_400_000;

/// How far the time is shifted: worker, process and increment share the bits below.
const TIME_SHIFT: u32 = 22;

/// How Discord writes times: microseconds and a numeric offset.
const TIMESTAMP: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]+00:00");

/// The id of a user, guild, role, channel or message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Snowflake(u64);

impl Snowflake {
    /// The id with this number.
    #[must_use]
    pub const fn new(id: u64) -> Self {
        Self(id)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Snowflake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Snowflake {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl Serialize for Snowflake {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Snowflake {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Makes ids that grow, whether or not the clock moves.
#[derive(Debug, Default)]
pub(super) struct Ids {
    last: u64,
}

impl Ids {
    /// The next id, of the time `now_us` (microseconds since the Unix epoch).
    pub(super) fn next(&mut self, now_us: i64) -> Snowflake {
        let since_epoch_ms = u64::try_from(now_us / 1000 - EPOCH_MS).unwrap_or(0);
        self.last = (since_epoch_ms << TIME_SHIFT).max(self.last + 1);
        Snowflake(self.last)
    }
}

/// A time in microseconds since the Unix epoch as Discord writes it.
pub(super) fn timestamp(at_us: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_us) * 1000)
        .ok()
        .and_then(|time| time.format(TIMESTAMP).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_carry_the_time_and_grow_while_the_clock_stands_still() {
        let mut ids = Ids::default();
        let now_us = (EPOCH_MS + 5) * 1000;
        assert_eq!(ids.next(now_us).get(), 5 << 22);
        assert_eq!(ids.next(now_us).get(), (5 << 22) + 1);
        assert_eq!(ids.next(now_us + 1000).get(), 6 << 22);
    }

    #[test]
    fn timestamps_look_like_discords() {
        assert_eq!(timestamp(1_700_000_000_123_456), "2023-11-14T22:13:20.123456+00:00");
    }
}
