//! What a simulator has seen, and the limits that a test uses up on purpose.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::Control;
use crate::discord::id::Snowflake;
use crate::discord::log::LoggedRequest;
use crate::discord::message::{Message, SimMessage};

/// What a simulator has counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Requests to each operation.
    pub requests: BTreeMap<&'static str, u64>,
    /// Requests that were sent although an earlier answer said to wait.
    pub requests_during_cooldown: u64,
    /// Answers of the last minutes that count towards a ban.
    pub invalid_requests: usize,
    /// Whether the client is banned at present.
    pub is_banned: bool,
    /// Where requests, or the simulator's answers, were not as described.
    pub spec_violations: Vec<String>,
}

impl Control {
    /// The messages of a channel, oldest first; none of a channel that is not there.
    #[must_use]
    pub fn messages(&self, channel: Snowflake) -> Vec<SimMessage> {
        self.with(|world, _| {
            let channel = world.channels.get(&channel).into_iter();
            channel.flat_map(|channel| channel.messages.values()).map(Message::to_sim).collect()
        })
    }

    /// The latest requests to the API, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.with(|world, _| world.log.requests.iter().cloned().collect())
    }

    /// How many requests were made to an operation, by its name in [`Control::faults`].
    #[must_use]
    pub fn request_count(&self, operation: &str) -> u64 {
        self.with(|world, _| world.log.counts.get(operation).copied().unwrap_or(0))
    }

    /// How many requests were sent although an earlier answer said to wait: its bucket was empty, or a
    /// 429 gave a time. A client that keeps to the limits leaves it at 0.
    #[must_use]
    pub fn requests_during_cooldown(&self) -> u64 {
        self.with(|world, _| world.limiter.during_cooldown())
    }

    /// Where requests, or the simulator's answers, were not as described. Empty without a description.
    #[must_use]
    pub fn spec_violations(&self) -> Vec<String> {
        self.with(|world, _| world.log.violations.clone())
    }

    /// All that was counted.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.with(|world, now_us| Stats {
            requests: world.log.counts.clone(),
            requests_during_cooldown: world.limiter.during_cooldown(),
            invalid_requests: world.limiter.invalid_requests(now_us),
            is_banned: world.limiter.banned(now_us).is_some(),
            spec_violations: world.log.violations.clone(),
        })
    }

    /// Uses up the global limit of a bot for so long: its next request learns of it by a 429.
    pub fn exhaust_global(&self, bot: Snowflake, duration: Duration) {
        self.with(|world, now_us| world.limiter.exhaust_global(bot, duration, now_us));
    }

    /// Lets a channel or guild refuse everybody for so long, with a 429 of shared scope.
    pub fn exhaust_shared(&self, channel_or_guild: Snowflake, duration: Duration) {
        self.with(|world, now_us| world.limiter.exhaust_shared(channel_or_guild, duration, now_us));
    }
}
