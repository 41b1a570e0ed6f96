//! What a use case says when it cannot do what was asked.

use crate::port::{ChatError, SecretBoxError, SequenceError, StoreError, TrackerError};
use std::future::Future;

/// Why a use case did not happen. Nothing of it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UseCaseError {
    /// There is no such thing in this organization.
    #[error("there is no such {what}")]
    NotFound {
        /// What was asked for.
        what: &'static str,
    },
    /// A rule forbids it, whoever asks and whenever.
    #[error("{0}")]
    Refused(String),
    /// It clashes with what is there.
    #[error("{0}")]
    Conflict(String),
    /// The same may work in a moment.
    #[error("{0}")]
    TryAgain(String),
    /// Azure DevOps did not do its part.
    #[error(transparent)]
    Tracker(TrackerError),
    /// Discord did not do its part.
    #[error(transparent)]
    Chat(ChatError),
    /// The store did not do its part.
    #[error(transparent)]
    Store(StoreError),
    /// A secret that is kept here cannot be opened, or none can be sealed: the operator must help.
    #[error(
        "a secret that is kept here cannot be used ({0}); restore the key file that it was sealed with, and restart"
    )]
    Secret(SecretBoxError),
}

impl UseCaseError {
    /// The word that names what kind of failure it is, for logs: unlike the text, it holds nothing that people
    /// or other services said.
    #[must_use]
    pub const fn class(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Refused(_) => "refused",
            Self::Conflict(_) => "conflict",
            Self::TryAgain(_) => "try_again",
            Self::Tracker(TrackerError::Unauthorized) => "tracker_unauthorized",
            Self::Tracker(TrackerError::NotSignedIn { .. }) => "tracker_not_signed_in",
            Self::Tracker(TrackerError::Forbidden { .. }) => "tracker_forbidden",
            Self::Tracker(TrackerError::NotFound { .. }) => "tracker_not_found",
            Self::Tracker(TrackerError::Throttled { .. }) => "tracker_throttled",
            Self::Tracker(TrackerError::Unavailable { .. }) => "tracker_unavailable",
            Self::Tracker(TrackerError::Rejected { .. }) => "tracker_rejected",
            Self::Tracker(TrackerError::Stale) => "tracker_stale",
            Self::Tracker(TrackerError::UnsafeAddress { .. }) => "unsafe_address",
            Self::Chat(ChatError::Retry { .. }) => "chat_unavailable",
            Self::Chat(ChatError::ChannelUnusable { .. }) => "chat_channel_unusable",
            Self::Chat(ChatError::MessageGone) => "chat_message_gone",
            Self::Chat(ChatError::Rejected { .. }) => "chat_rejected",
            Self::Chat(ChatError::Unauthorized) => "chat_unauthorized",
            Self::Store(_) => "store",
            Self::Secret(_) => "secret",
        }
    }
}

impl From<StoreError> for UseCaseError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<TrackerError> for UseCaseError {
    fn from(error: TrackerError) -> Self {
        Self::Tracker(error)
    }
}

impl From<SequenceError> for UseCaseError {
    fn from(error: SequenceError) -> Self {
        Self::TryAgain(error.to_string())
    }
}

impl From<SecretBoxError> for UseCaseError {
    fn from(error: SecretBoxError) -> Self {
        Self::Secret(error)
    }
}

/// How often a use case is run when it loses against another transaction.
pub const MAX_RUNS: u32 = 3;

/// Runs a whole use case again when it lost against another transaction, at most [`MAX_RUNS`] times in
/// all.
///
/// # Errors
/// What the last run said.
pub async fn rerun<T, E, F, Fut>(mut use_case: F) -> Result<T, E>
where
    F: FnMut() -> Fut + Send,
    Fut: Future<Output = Result<T, E>> + Send,
    E: LostRace,
{
    for _ in 1..MAX_RUNS {
        match use_case().await {
            Err(error) if error.is_lost_race() => {}
            done => return done,
        }
    }
    use_case().await
}

/// An error that may mean "run it again".
pub trait LostRace {
    /// Whether running the whole use case again may work at once.
    fn is_lost_race(&self) -> bool;
}

impl LostRace for StoreError {
    fn is_lost_race(&self) -> bool {
        *self == Self::Retry
    }
}

impl LostRace for UseCaseError {
    fn is_lost_race(&self) -> bool {
        *self == Self::Store(StoreError::Retry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    async fn runs_until_given_up(error: StoreError) -> (u32, Result<(), StoreError>) {
        let runs = AtomicU32::new(0);
        let result = rerun(|| {
            runs.fetch_add(1, Ordering::SeqCst);
            let error = error.clone();
            async move { Err::<(), _>(error) }
        })
        .await;
        (runs.load(Ordering::SeqCst), result)
    }

    #[tokio::test]
    async fn a_lost_race_is_run_three_times_and_any_other_error_once() {
        assert_eq!(runs_until_given_up(StoreError::Retry).await, (3, Err(StoreError::Retry)));
        let other = StoreError::Unavailable("x".to_owned());
        assert_eq!(runs_until_given_up(other.clone()).await, (1, Err(other)));
    }
}
