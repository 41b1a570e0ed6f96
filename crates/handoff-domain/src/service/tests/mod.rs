//! The use cases with mocked ports: what must never be called, and what a failure leaves behind.

mod assignments;
mod create_subscription;
pub(crate) mod fixtures;
mod observe;
mod post;
mod send_message;
