//! What people do in Discord: signed by the simulator, over real HTTP, with what they see afterwards.

#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

mod accounts;
mod bad_input;
mod buttons;
mod choosing;
mod commands;
mod endpoint;
mod guilds;
