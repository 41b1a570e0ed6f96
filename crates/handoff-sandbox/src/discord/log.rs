//! What reached the simulator, and what was wrong with it.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use super::id::Snowflake;

/// At most so many requests are kept; the counts go on.
const MAX_REQUESTS: usize = 20_000;
/// At most so many violations of the description are kept.
const MAX_VIOLATIONS: usize = 1_000;

/// A request to the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoggedRequest {
    /// When it arrived, in microseconds since the Unix epoch.
    pub at_us: i64,
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The operation's name, as in fault plans; `None` for a path that is none.
    pub operation: Option<&'static str>,
    /// The bot whose token it bore, if that is valid.
    pub bot: Option<Snowflake>,
    /// The status that was answered; `None` if the connection was closed instead.
    pub status: Option<u16>,
}

/// The latest requests, counts of all, and violations of the description.
#[derive(Debug, Default)]
pub(super) struct RequestLog {
    pub(super) requests: VecDeque<LoggedRequest>,
    pub(super) counts: BTreeMap<&'static str, u64>,
    pub(super) violations: Vec<String>,
}

impl RequestLog {
    pub(super) fn record(&mut self, request: LoggedRequest) {
        if let Some(operation) = request.operation {
            *self.counts.entry(operation).or_default() += 1;
        }
        if self.requests.len() == MAX_REQUESTS {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
    }

    pub(super) fn record_violations(&mut self, violations: Vec<String>) {
        let left = MAX_VIOLATIONS.saturating_sub(self.violations.len());
        self.violations.extend(violations.into_iter().take(left));
    }
}
