//! The configuration: a TOML file, `HANDOFF_…` variables over it, and defaults below that just run.

mod azure;
mod database;
mod discord;
mod http;
mod log;
mod mistakes;
mod public_url;
mod redis;
mod setting;
mod settings;
mod snowflake;
#[cfg(test)]
mod tests;

pub use azure::AzureConfig;
pub use database::DatabaseConfig;
pub use discord::DiscordConfig;
pub use http::HttpConfig;
pub use log::LogConfig;
pub use mistakes::{Mistake, Mistakes};
pub use redis::RedisConfig;
pub use settings::{Origin, ShownSetting};
pub use snowflake::SnowflakeConfig;

use settings::Settings;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file that is read where none is named, if it is there.
pub const DEFAULT_FILE: &str = "handoff.toml";

const DAY: Duration = Duration::from_secs(86_400);
/// How many days deliveries and ended rows of the outbox are kept, unless said, and at most.
const DEFAULT_DAYS: u32 = 30;
const MAX_DAYS: u64 = 3650;

/// Everything that an operator chooses.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where files of ours are kept.
    pub data_dir: PathBuf,
    /// Where the sealing key is kept.
    pub key_file: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where others reach us, without a slash at the end; `None`: nowhere, so that there are no hooks.
    pub public_url: Option<String>,
    /// `[database]`
    pub database: DatabaseConfig,
    /// `[redis]`
    pub redis: RedisConfig,
    /// `[snowflake]`
    pub snowflake: SnowflakeConfig,
    /// `[azure]`
    pub azure: AzureConfig,
    /// `[discord]`
    pub discord: DiscordConfig,
    /// `[log]`
    pub log: LogConfig,
    /// `[http]`
    pub http: HttpConfig,
    /// `[retention]`: how long deliveries and ended rows of the outbox are kept.
    pub retention: Duration,
}

impl Config {
    /// Reads the file (or [`DEFAULT_FILE`], if it is there) and the process's environment.
    ///
    /// # Errors
    /// Every mistake that was found.
    pub fn load(file: Option<&Path>) -> Result<(Self, Vec<ShownSetting>), Mistakes> {
        let path = file.unwrap_or(Path::new(DEFAULT_FILE));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) if file.is_none() && error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                let mut mistakes = Mistakes::default();
                mistakes.add("--config", format!("{} cannot be read: {error}", path.display()));
                return Err(mistakes);
            }
        };
        Self::from_layers(text.as_deref().map(|text| (path, text)), &variables())
    }

    /// The defaults, with everything below this folder.
    ///
    /// # Errors
    /// None; the defaults are right.
    pub fn in_folder(folder: &Path) -> Result<Self, Mistakes> {
        let environment = [("HANDOFF_DATA_DIR".to_owned(), folder.display().to_string())].into();
        Self::from_layers(None, &environment).map(|(config, _)| config)
    }

    /// Lays the variables over the file's text.
    ///
    /// # Errors
    /// Every mistake that was found.
    pub fn from_layers(
        file: Option<(&Path, &str)>,
        environment: &BTreeMap<String, String>,
    ) -> Result<(Self, Vec<ShownSetting>), Mistakes> {
        let mut settings = Settings::layered(file, environment);
        let data_dir = settings.take("data_dir", PathBuf::from("data"));
        let config = Self {
            key_file: settings.take("key_file", data_dir.join("handoff.key")),
            listen: settings.take("listen", SocketAddr::from(([127, 0, 0, 1], 8080))),
            public_url: settings.take_optional("public_url", "none: no hooks, work items are read every minute"),
            database: DatabaseConfig::read(&mut settings, &data_dir),
            redis: RedisConfig::read(&mut settings),
            snowflake: SnowflakeConfig::read(&mut settings),
            azure: AzureConfig::read(&mut settings),
            discord: DiscordConfig::read(&mut settings),
            log: LogConfig::read(&mut settings),
            http: HttpConfig::read(&mut settings),
            retention: DAY * settings.take_number("retention.days", DEFAULT_DAYS, 1, MAX_DAYS),
            data_dir,
        };
        config.validate(&mut settings.mistakes);
        let (shown, mistakes) = settings.finish();
        if mistakes.0.is_empty() { Ok((config, shown)) } else { Err(mistakes) }
    }

    /// Adds what is wrong with it.
    pub fn validate(&self, mistakes: &mut Mistakes) {
        public_url::validate(self.public_url.as_deref(), mistakes);
        self.database.validate(mistakes);
        self.redis.validate(mistakes);
        self.azure.validate(mistakes);
        self.discord.validate(mistakes);
        self.log.validate(mistakes);
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the process reads its environment")]
fn variables() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
