//! What a Discord simulator is started with.

use std::path::PathBuf;
use std::time::Duration;

use crate::clock::SimClock;

/// How a simulator is started. Begin with [`DiscordOptions::new`] and change what matters.
#[derive(Clone, Debug)]
pub struct DiscordOptions {
    /// The clock of ids, timestamps, rate limits and nonces.
    pub clock: SimClock,
    /// The port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// A folder with the official description (`discord/openapi.json`), to check every request and
    /// answer against it.
    pub specs: Option<PathBuf>,
    /// Rate limits and other sizes.
    pub limits: Limits,
}

impl DiscordOptions {
    /// The defaults: any port, no description, limits like the real ones.
    #[must_use]
    pub fn new(clock: SimClock) -> Self {
        Self { clock, port: 0, specs: None, limits: Limits::default() }
    }
}

/// So many requests in so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many requests fit in one window.
    pub requests: u32,
    /// The length of the window, which begins with its first request.
    pub per: Duration,
}

impl Limit {
    /// So many requests in so much time.
    #[must_use]
    pub const fn new(requests: u32, per: Duration) -> Self {
        Self { requests, per }
    }
}

/// The limits. Discord publishes the global one and the one on invalid requests (docs, rate limits);
/// the others are what bots report, and a client must not rely on them.
#[derive(Clone, Debug)]
pub struct Limits {
    /// New messages, by channel.
    pub create_message: Limit,
    /// Edits, by channel.
    pub edit_message: Limit,
    /// Deletions, by channel.
    pub delete_message: Limit,
    /// Everything else, by route and channel or guild.
    pub other: Limit,
    /// Edits use the bucket of new messages, and with it its limit.
    pub edits_share_create_bucket: bool,
    /// All requests of one bot.
    pub global: Limit,
    /// Edits of messages older than [`Limits::old_after`], by channel (error 30046).
    pub old_edits: Limit,
    /// When a message counts as old.
    pub old_after: Duration,
    /// Answers 401, 403 and 429, apart from 429 of shared scope, before the sender is banned.
    pub invalid_requests: Limit,
    /// How long a ban lasts.
    pub ban: Duration,
    /// How long a nonce stays unique for its author.
    pub nonce_window: Duration,
    /// Whether a message that is read, not just created, still shows its nonce. Discord does not promise
    /// it.
    pub reads_show_nonce: bool,
}

impl Default for Limits {
    fn default() -> Self {
        const MINUTE: Duration = Duration::from_secs(60);
        let five_in_five_seconds = Limit::new(5, Duration::from_secs(5));
        Self {
            create_message: five_in_five_seconds,
            edit_message: five_in_five_seconds,
            delete_message: five_in_five_seconds,
            other: Limit::new(30, Duration::from_secs(5)),
            edits_share_create_bucket: false,
            global: Limit::new(50, Duration::from_secs(1)),
            old_edits: Limit::new(3, Duration::from_secs(6)),
            old_after: 60 * MINUTE,
            invalid_requests: Limit::new(10_000, 10 * MINUTE),
            ban: 60 * MINUTE,
            nonce_window: 5 * MINUTE,
            reads_show_nonce: true,
        }
    }
}
