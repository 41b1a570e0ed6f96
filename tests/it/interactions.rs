//! What people do in Discord: signed by the simulator, over real HTTP, with what they see afterwards.

mod accounts;
mod bad_input;
mod buttons;
mod choosing;
mod commands;
mod endpoint;
mod guilds;
