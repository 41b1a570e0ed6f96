//! `[redis]`: what several replicas share beside the database, where there is one.

use super::mistakes::Mistakes;
use super::settings::Settings;
use handoff_cache::Redis;
use handoff_domain::secret::Secret;

/// `[redis]`.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// `redis://…`, `rediss://…` or `unix://…`, which may hold a password; without one each replica has caches and
    /// snowflake sequences of its own.
    pub url: Option<Secret>,
    /// What every key begins with: other programs, or another Handoff, may use the same server.
    pub namespace: String,
}

impl RedisConfig {
    pub(super) fn read(settings: &mut Settings) -> Self {
        let url =
            settings.take_secret("redis.url", "redis.url_file", "none: caches and sequences are each replica's own");
        Self { url, namespace: settings.take("redis.namespace", "handoff".to_owned()) }
    }

    /// Adds what is wrong with it.
    pub fn validate(&self, mistakes: &mut Mistakes) {
        let known = self.url.as_ref().is_none_or(|url| Redis::is_address(url.expose()));
        let problem = "must be redis://HOST:PORT, rediss://USER:PASSWORD@HOST:PORT or unix:///PATH";
        mistakes.check(known, "redis.url", problem);
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | ':');
        let fits = (1..=64).contains(&self.namespace.len()) && self.namespace.chars().all(plain);
        mistakes.check(fits, "redis.namespace", "must be 1 to 64 letters, digits, or one of - _ . :");
    }
}
