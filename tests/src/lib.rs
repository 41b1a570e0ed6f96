//! What the integration tests share: what they need from the machine, and a database for each.

pub mod database;
pub mod requirements;
