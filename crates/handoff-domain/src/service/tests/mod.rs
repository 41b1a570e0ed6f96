//! The use cases with mocked ports: what must never be called, and what a failure leaves behind.

mod assignments;
mod observe;
mod post;
