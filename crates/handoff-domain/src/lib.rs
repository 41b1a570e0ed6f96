//! The domain of Handoff: who is working on what, and how that stays the same everywhere.
//!
//! *What it is* lives in the nouns at the crate's root, *what we need from outside* in [`port`], *what
//! happens* in [`service`]. Nothing here does input or output, reads a clock or rolls a die: time,
//! randomness, storage and the outside world arrive through ports. The crate runs on any executor.
//!
//! `examples/assign.rs` embeds it in a page of code.

pub mod assignee;
pub mod chat;
pub mod credential;
pub mod delivery;
pub mod group;
pub mod hook;
pub mod id;
pub mod integration;
pub mod organization;
pub mod outbox;
pub mod page;
pub mod person;
pub mod port;
pub mod project;
pub mod secret;
pub mod service;
pub mod slug;
pub mod snowflake;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod text;
pub mod time;
pub mod token;
pub mod tracking;
pub mod work_item;
pub mod workflow;
