//! `[database]`: where everything is kept.

use super::mistakes::Mistakes;
use super::settings::Settings;
use handoff_database::DatabaseOptions;
use handoff_domain::secret::Secret;
use std::path::{Path, PathBuf};

/// The most connections that may be asked for.
const MAX_CONNECTIONS: u64 = 1000;

/// `[database]`.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// `sqlite:PATH` or `postgres://…`, which may hold a password.
    pub url: Secret,
    /// Connections to PostgreSQL at once; SQLite has one that writes and a few that read.
    pub max_connections: u32,
    /// Whether `serve` runs pending migrations; unless said, it does on SQLite.
    pub migrate_on_start: bool,
}

impl DatabaseConfig {
    pub(super) fn read(settings: &mut Settings, data_dir: &Path) -> Self {
        let default = format!("sqlite:{}", data_dir.join("handoff.db").display());
        let url = settings.take_secret("database.url", "database.url_file", &default);
        let url = url.unwrap_or_else(|| Secret::new(default));
        let is_sqlite = is_sqlite(url.expose());
        let max_connections =
            settings.take_number("database.max_connections", DatabaseOptions::MAX_CONNECTIONS, 1, MAX_CONNECTIONS);
        let migrate_on_start = settings.take("database.migrate_on_start", is_sqlite);
        Self { url, max_connections, migrate_on_start }
    }

    /// Adds what is wrong with it.
    pub fn validate(&self, mistakes: &mut Mistakes) {
        let url = self.url.expose();
        let known = self.file().is_some() || url.starts_with("postgres://") || url.starts_with("postgresql://");
        let problem = "must be sqlite:PATH, such as sqlite:data/handoff.db, or postgres://USER:PASSWORD@HOST/DATABASE";
        mistakes.check(known, "database.url", problem);
    }

    /// Whether it is SQLite, and so this instance's alone.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        is_sqlite(self.url.expose())
    }

    /// The file of an SQLite database; `None` for another, or for one that is no file.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        let path = self.url.expose().strip_prefix("sqlite:")?;
        let path = path.strip_prefix("//").unwrap_or(path);
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        (!path.is_empty() && !path.starts_with(':')).then(|| PathBuf::from(path))
    }
}

fn is_sqlite(url: &str) -> bool {
    url.starts_with("sqlite:")
}
