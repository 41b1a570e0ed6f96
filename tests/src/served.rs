//! An instance as its users meet it: its API, and the simulators on both sides. Whether it runs in this
//! process or in another is no difference.

use crate::api::Api;
use handoff_sandbox::azure::AzureSim;
use handoff_sandbox::discord::{DiscordSim, Snowflake};

/// What the users of an instance meet.
pub struct Served {
    /// Azure DevOps.
    pub azure: AzureSim,
    /// Discord.
    pub discord: DiscordSim,
    /// The bot in Discord.
    pub bot: Snowflake,
    /// Our API, with a token of the instance.
    pub api: Api,
}
