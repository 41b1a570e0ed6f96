//! Snowflake ids: 53 bits of version, seconds, region and sequence, safe in a JavaScript number.

use crate::time::Timestamp;

/// 2022-08-08T00:00:00Z, from which the seconds of a snowflake count.
pub const EPOCH_SECONDS: i64 = 1_659_916_800;

/// How far back an unused sequence number may be looked for, in seconds.
pub const LOOK_BACK_SECONDS: u64 = 300;

/// Ids of one region in one second.
pub const SEQUENCES_PER_SECOND: u8 = 16;

const SECONDS_BITS: u32 = 32;
const REGION_BITS: u32 = 12;
const SEQUENCE_BITS: u32 = 4;
/// Version 1 in five bits, stored with its bits reversed, as the reference does: 16.
const VERSION_REVERSED: i64 = 16;

/// Which of up to 4,096 places gives out the ids. Two regions never give the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(u16);

impl Region {
    /// A region between 0 and 4,095; `None` for another number.
    #[must_use]
    pub const fn new(value: u16) -> Option<Self> {
        if value < 1 << REGION_BITS { Some(Self(value)) } else { None }
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// A second counted from [`EPOCH_SECONDS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SnowflakeSecond(u32);

impl SnowflakeSecond {
    /// The second of a point in time; `None` before the epoch or 136 years after it.
    #[must_use]
    pub fn of(at: Timestamp) -> Option<Self> {
        u32::try_from(at.as_seconds() - EPOCH_SECONDS).ok().map(Self)
    }

    /// Wraps a number of seconds since the epoch.
    #[must_use]
    pub const fn new(value: u32) -> Self {
        Self(value)
    }

    /// The number of seconds since the epoch.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// An id made of a second, a region and a sequence number; always positive and below 2^53.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Snowflake(i64);

impl Snowflake {
    /// Composes an id; `None` when the sequence number is 16 or more.
    #[must_use]
    pub fn compose(second: SnowflakeSecond, region: Region, sequence: u8) -> Option<Self> {
        (sequence < SEQUENCES_PER_SECOND).then(|| {
            let mut id = VERSION_REVERSED;
            id = (id << SECONDS_BITS) | i64::from(second.0);
            id = (id << REGION_BITS) | i64::from(region.0);
            id = (id << SEQUENCE_BITS) | i64::from(sequence);
            Self(id)
        })
    }

    /// Reads a number that may be an id; `None` when its version is another, and so for every number past
    /// 2^53.
    #[must_use]
    pub const fn parse(value: i64) -> Option<Self> {
        if value >> (SECONDS_BITS + REGION_BITS + SEQUENCE_BITS) == VERSION_REVERSED { Some(Self(value)) } else { None }
    }

    /// The second it was given out for.
    #[must_use]
    pub fn second(self) -> SnowflakeSecond {
        let second = self.0 >> (REGION_BITS + SEQUENCE_BITS) & i64::from(u32::MAX);
        SnowflakeSecond(u32::try_from(second).unwrap_or(u32::MAX))
    }

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_id_of_a_second_in_region_zero_is_the_version_and_the_seconds() {
        let id = Snowflake::compose(SnowflakeSecond::new(5), Region(0), 0).map(Snowflake::get);
        assert_eq!(id, Some(16 * (1 << 48) + 5 * (1 << 16)));
    }

    #[test]
    fn the_largest_id_is_exact_in_a_javascript_number() {
        let id = Snowflake::compose(SnowflakeSecond::new(u32::MAX), Region(4095), 15).map(Snowflake::get);
        assert!(id.is_some_and(|id| id > 0 && id <= crate::id::MAX_SAFE_INTEGER));
    }

    #[test]
    fn an_id_is_read_back_and_a_number_of_another_version_is_none() {
        let id = Snowflake::compose(SnowflakeSecond::new(u32::MAX), Region(4095), 15);
        assert_eq!(id.and_then(|id| Snowflake::parse(id.get())), id);
        assert_eq!(id.map(Snowflake::second), Some(SnowflakeSecond::new(u32::MAX)));
        for odd in [0, 7, -1, 15 * (1 << 48), 17 * (1 << 48), i64::MAX, i64::MIN] {
            assert_eq!(Snowflake::parse(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_seventeenth_sequence_number_and_a_region_past_4095_do_not_exist() {
        assert_eq!(Snowflake::compose(SnowflakeSecond::new(5), Region(0), 16), None);
        assert_eq!(Region::new(4096), None);
    }

    #[test]
    fn seconds_count_from_the_eighth_of_august_2022() {
        let start = Timestamp::parse_rfc3339("2022-08-08T00:00:00Z");
        assert_eq!(start.and_then(SnowflakeSecond::of), Some(SnowflakeSecond::new(0)));
        assert_eq!(SnowflakeSecond::of(Timestamp::from_seconds(EPOCH_SECONDS - 1)), None);
    }
}
