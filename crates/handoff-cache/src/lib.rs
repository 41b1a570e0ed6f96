//! Caches and snowflake sequences, in process or shared through Redis: bounded, forgetful, and right under races.

mod ownership;
mod redis;
mod sequence;

pub use ownership::InProcessCache;
pub use redis::{Redis, RedisCache, RedisError, RedisSequence};
pub use sequence::InProcessSequence;
