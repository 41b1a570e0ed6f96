//! The log of API requests, so that a test can say "must never be called".

use std::collections::VecDeque;

use serde::Serialize;

/// Older requests are forgotten past this many.
const MAX_REQUESTS: usize = 100_000;
/// Later violations of the API description are not kept past this many.
const MAX_VIOLATIONS: usize = 1_000;

/// One API request.
#[derive(Clone, Debug, Serialize)]
pub struct LoggedRequest {
    /// When, on the simulator's clock, in microseconds since the Unix epoch.
    pub at_us: i64,
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The operation's name, such as `get_work_item`; `unknown` where there is none.
    pub operation: &'static str,
    /// The status sent; none when the connection was closed instead.
    pub status: Option<u16>,
    /// The caller's display name, when the credentials were good.
    pub identity: Option<String>,
}

/// Requests and violations so far.
#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    pub(crate) requests: VecDeque<LoggedRequest>,
    pub(crate) violations: Vec<String>,
}

impl RequestLog {
    pub(crate) fn add(&mut self, request: LoggedRequest) {
        if self.requests.len() == MAX_REQUESTS {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
    }

    pub(crate) fn add_violations(&mut self, violations: Vec<String>) {
        let room = MAX_VIOLATIONS.saturating_sub(self.violations.len());
        self.violations.extend(violations.into_iter().take(room));
    }
}
