//! `[snowflake]`: whether ids are snowflakes, and whose region they carry.

use super::settings::Settings;
use handoff_domain::snowflake::Region;

/// The largest region.
const MAX_REGION: u64 = 4095;

/// `[snowflake]`.
#[derive(Debug, Clone, Copy)]
pub struct SnowflakeConfig {
    /// Whether organizations, users, teams and projects get snowflake ids; without, the database counts.
    pub enabled: bool,
    /// The region in the ids. Instances that share a database must not share a region.
    pub region: u16,
}

impl SnowflakeConfig {
    pub(super) fn read(settings: &mut Settings) -> Self {
        let enabled = settings.take("snowflake.enabled", false);
        Self { enabled, region: settings.take_number("snowflake.region", 0_u16, 0, MAX_REGION) }
    }

    /// The region of new ids, where they are snowflakes.
    #[must_use]
    pub fn region(&self) -> Option<Region> {
        Region::new(self.region).filter(|_| self.enabled)
    }
}
