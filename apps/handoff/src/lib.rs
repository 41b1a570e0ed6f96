//! The wiring of Handoff: what is ambient (time, randomness, keys) meets the ports here.

pub mod environment;
pub mod key_file;
pub mod running;
pub mod secret_box;
pub mod wiring;
