//! In-process caches and snowflake sequences: bounded, forgetful, and right under races.

mod ownership;
mod sequence;

pub use ownership::InProcessCache;
pub use sequence::InProcessSequence;
