//! Simulators of Azure DevOps and Discord that behave like the real ones.
//!
//! Each is a real HTTP server on 127.0.0.1: nothing in the product knows that it talks to a
//! simulator. Integration tests start many at once, on a [`clock::SimClock`] under their control;
//! `handoff demo` starts one of each on the real clock and shows their pages.
//!
//! - [`azure`]: collections, projects, people, work items with revisions, and service hooks that
//!   deliver, retry, go on probation and get disabled.
//! - [`discord`]: guilds, channels, permissions, messages and rate limits.
//! - [`fault`]: what shall go wrong, and when.
//! - [`spec`]: checks requests against the official API descriptions.
//! - [`client`]: an HTTP client for plain HTTP on this machine.
//! - [`server`]: serves a router, with the answers that only a misbehaving server gives.

pub mod azure;
pub mod client;
pub mod clock;
pub mod discord;
pub mod fault;
pub mod server;
pub mod spec;
