//! `[http]`: what callers may take of the process.

use super::settings::Settings;
use handoff_http::{Limits, WebhookLimits};
use std::time::Duration;

const MIB: u64 = 1024 * 1024;

/// `[http]`.
#[derive(Debug, Clone, Copy)]
pub struct HttpConfig {
    /// Of the listener.
    pub limits: Limits,
    /// Of webhooks.
    pub webhooks: WebhookLimits,
}

impl HttpConfig {
    pub(super) fn read(settings: &mut Settings) -> Self {
        let (limits, webhooks) = (Limits::default(), WebhookLimits::default());
        let mut seconds =
            |key, default: Duration, most| Duration::from_secs(settings.take_number(key, default.as_secs(), 1, most));
        let head = seconds("http.head_seconds", limits.head, 60);
        let age = seconds("http.connection_age_seconds", limits.age, 86_400);
        let drain = seconds("http.drain_seconds", limits.drain, 600);
        let body = seconds("http.webhook_body_seconds", webhooks.body, 600);
        let connections = settings.take_number("http.connections", limits.connections, 1, 100_000);
        let head_bytes = settings.take_number("http.head_bytes", limits.head_bytes, 8192, MIB);
        let memory = settings.take_number("http.webhook_memory_mib", webhooks.memory as u64 / MIB, 32, 65_536);
        let memory = usize::try_from(memory * MIB).unwrap_or(webhooks.memory);
        Self {
            limits: Limits { connections, head, head_bytes, age, drain },
            webhooks: WebhookLimits { body, memory, ..webhooks },
        }
    }
}
