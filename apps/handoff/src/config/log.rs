//! `[log]`: what is logged, and in which form.

use super::mistakes::Mistakes;
use super::settings::Settings;
use tracing_subscriber::EnvFilter;

/// Ours from info on, and of the database driver what is wrong.
const DEFAULT_FILTER: &str = "info,sqlx=warn,sea_orm_migration=warn";

/// `[log]`.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// `text` or `json`.
    pub format: String,
    /// What is logged: `info`, or `info,handoff_worker=debug`.
    pub filter: String,
}

impl LogConfig {
    pub(super) fn read(settings: &mut Settings) -> Self {
        Self {
            format: settings.take("log.format", "text".to_owned()),
            filter: settings.take("log.filter", DEFAULT_FILTER.to_owned()),
        }
    }

    /// Adds what is wrong with it.
    pub fn validate(&self, mistakes: &mut Mistakes) {
        let known = matches!(self.format.as_str(), "text" | "json");
        mistakes.check(known, "log.format", "must be \"text\" or \"json\"");
        let filter = EnvFilter::try_new(&self.filter);
        let problem = "must be a level (error, warn, info, debug, trace), or a list such as info,handoff_worker=debug";
        mistakes.check(filter.is_ok(), "log.filter", problem);
    }
}
