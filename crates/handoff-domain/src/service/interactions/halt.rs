//! Why an interaction goes no further, and what is said then.

use crate::interaction::Notice;
use crate::port::StoreError;
use crate::service::error::{LostRace, UseCaseError};

/// Why an interaction goes no further. Nothing of it was written.
#[derive(Debug)]
pub(super) enum Halt {
    /// A rule says so, in these words.
    Said(Notice),
    /// A use case says so.
    Failed(UseCaseError),
}

impl From<Notice> for Halt {
    fn from(notice: Notice) -> Self {
        Self::Said(notice)
    }
}

impl From<UseCaseError> for Halt {
    fn from(error: UseCaseError) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl LostRace for Halt {
    fn is_lost_race(&self) -> bool {
        matches!(self, Self::Failed(error) if error.is_lost_race())
    }
}

impl Halt {
    /// What is said. Logged here, once, where it is our side that failed.
    pub(super) fn notice(self) -> Notice {
        match self {
            Self::Said(notice) => notice,
            Self::Failed(UseCaseError::NotFound { .. }) => Notice::NoSuchIssue,
            Self::Failed(UseCaseError::Refused(why) | UseCaseError::Conflict(why)) => Notice::Refused(why),
            Self::Failed(UseCaseError::TryAgain(_)) => Notice::TryAgain,
            Self::Failed(UseCaseError::Store(error @ (StoreError::Retry | StoreError::Unavailable(_)))) => {
                tracing::warn!(%error, "an interaction could not be answered for now");
                Notice::TryAgain
            }
            Self::Failed(error) => {
                tracing::error!(%error, "an interaction failed");
                Notice::Failed
            }
        }
    }
}
