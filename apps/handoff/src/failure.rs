//! Why a command failed, and the exit code that scripts see.

use crate::config::Mistakes;
use handoff_domain::port::StoreError;
use handoff_domain::service::UseCaseError;
use std::fmt;
use std::process::ExitCode;

/// How the program ended, for scripts. The command line's help lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// Something went wrong.
    Failed = 1,
    /// The command line or the configuration is wrong; the same again ends the same.
    Misconfigured = 2,
    /// The database waits for migrations.
    MigrationsPending = 3,
    /// The other side refuses the credential, or a right is missing.
    Refused = 4,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Why a command failed. Shown once, with its causes.
#[derive(Debug)]
pub struct Failure {
    code: Code,
    error: anyhow::Error,
}

impl Failure {
    /// The configuration, or what it names, is wrong.
    pub fn misconfigured(error: impl Into<anyhow::Error>) -> Self {
        Self { code: Code::Misconfigured, error: error.into() }
    }

    /// The other side refuses.
    pub fn refused(error: impl Into<anyhow::Error>) -> Self {
        Self { code: Code::Refused, error: error.into() }
    }

    /// Migrations are pending.
    #[must_use]
    pub fn migrations_pending(names: &[String]) -> Self {
        let error = anyhow::anyhow!(
            "the database waits for {} migration(s): {}\nRun them with `handoff migrate`, or set \
             database.migrate_on_start to let `handoff serve` run them.",
            names.len(),
            names.join(", ")
        );
        Self { code: Code::MigrationsPending, error }
    }

    /// The exit code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { code: Code::Failed, error }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self { code: Code::Failed, error: error.into() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self { code: Code::Failed, error: error.into() }
    }
}

impl From<UseCaseError> for Failure {
    fn from(error: UseCaseError) -> Self {
        Self { code: Code::Failed, error: error.into() }
    }
}

impl From<Mistakes> for Failure {
    fn from(mistakes: Mistakes) -> Self {
        Self::misconfigured(mistakes)
    }
}
