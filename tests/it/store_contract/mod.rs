//! The contract of the store: each rule written once, and held by every backend.
//!
//! A rule is a function that takes an empty store. [`on_every_backend!`] makes it the tests
//! `memory::RULE`, `sqlite::RULE` and `postgres::RULE` of its theme; a rule that is not listed there is
//! dead code, and does not compile. Foreign keys are checked by the databases and not in memory, so
//! fixtures insert parents first.
#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

mod backend;
mod bulk;
mod concurrency;
mod fidelity;
pub(crate) mod fixtures;
mod pages;
mod people;
mod project;
mod queue;
mod sets;
mod singleton;
mod tenancy;
mod tenant;
mod transaction;

pub(crate) use backend::Shared;
use backend::{on_databases, on_every_backend};
