//! Rate limits of an identity: the headers, also on good answers, and 429 on demand.

use http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};

use super::refusal::Refusal;

/// How the service slows its caller down (Azure DevOps docs, "Rate and usage limits").
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Throttle {
    /// `X-RateLimit-*` are sent with these values; none are sent without.
    pub usage: Option<Usage>,
    /// `Retry-After`, in seconds, on every answer, even a good one.
    pub retry_after_s: Option<u32>,
    /// So many of the next requests get 429.
    pub refuse_next: u32,
}

/// The values of `X-RateLimit-*`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Usage {
    /// Which resource, such as `Core`.
    pub resource: String,
    /// How long the request was delayed, in seconds.
    pub delay_s: f64,
    /// The allowance, in throughput units.
    pub limit: u32,
    /// What is left of it.
    pub remaining: u32,
    /// When the usage will be back at zero, in seconds from now.
    pub reset_in_s: i64,
}

/// The present state of the limits.
#[derive(Debug, Default)]
pub(crate) struct RateLimit {
    pub(crate) throttle: Throttle,
    /// Until when callers were told to wait, in microseconds since the Unix epoch.
    retry_at_us: i64,
    /// How many requests came before they should have.
    pub(crate) requests_during_cooldown: u64,
}

impl RateLimit {
    /// Counts one request; refuses it when that was asked for.
    pub(crate) fn admit(&mut self, now_us: i64) -> Result<(), Refusal> {
        if now_us < self.retry_at_us {
            self.requests_during_cooldown += 1;
        }
        if self.throttle.refuse_next > 0 {
            self.throttle.refuse_next -= 1;
            return Err(Refusal::new(
                StatusCode::TOO_MANY_REQUESTS,
                "RequestBlockedException",
                "TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource \
                 'Concurrency' in namespace 'User'.",
            ));
        }
        Ok(())
    }

    /// Adds the headers of the present state to an answer.
    pub(crate) fn write(&mut self, headers: &mut HeaderMap, now_us: i64) {
        if let Some(seconds) = self.throttle.retry_after_s {
            headers.insert("retry-after", seconds.into());
            self.retry_at_us = now_us + i64::from(seconds) * 1_000_000;
        }
        if let Some(usage) = &self.throttle.usage {
            let reset_at_s = now_us / 1_000_000 + usage.reset_in_s;
            if let Ok(resource) = HeaderValue::from_str(&usage.resource) {
                headers.insert("x-ratelimit-resource", resource);
            }
            if let Ok(delay) = HeaderValue::from_str(&usage.delay_s.to_string()) {
                headers.insert("x-ratelimit-delay", delay);
            }
            headers.insert("x-ratelimit-limit", usage.limit.into());
            headers.insert("x-ratelimit-remaining", usage.remaining.into());
            headers.insert("x-ratelimit-reset", reset_at_s.into());
        }
    }
}
