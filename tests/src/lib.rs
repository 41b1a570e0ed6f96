//! What the integration tests share: what they need from the machine, a database for each, and a whole
//! instance between two simulators with a scene in it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "the harness is part of the tests: it fails by panicking")]

pub mod adapters;
pub mod api;
pub mod backing;
pub mod both_sides;
pub mod clock;
pub mod crash;
pub mod database;
pub mod instance;
pub mod interactive;
pub mod leftovers;
pub mod proxy;
pub mod requirements;
pub mod scene;
pub mod served;
pub mod sight;
pub mod sql;
pub mod tenant;
pub mod under_test;
pub mod webhook;
