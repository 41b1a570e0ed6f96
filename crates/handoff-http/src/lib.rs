//! The HTTP surface of Handoff: webhooks, API, health.
