//! Says something at most once a minute for each cause, so that an outage does not fill the log.

use crate::time::Timestamp;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a cause is not named again.
const QUIET: Duration = Duration::from_secs(60);

/// When a cause was last named.
#[derive(Debug, Default)]
pub(super) struct Said(Mutex<Option<Timestamp>>);

impl Said {
    /// Whether it is time to say it; then it counts as said.
    pub(super) fn may_say(&self, now: Timestamp) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| now.since(last) >= QUIET);
        if due {
            *last = Some(now);
        }
        due
    }
}
