//! What a program that is built on this library may bring along: a clock, and adapters of its own.

use crate::environment::SystemClock;
use crate::wiring::Ports;
use handoff_domain::port::Clock;
use std::net::SocketAddr;
use std::sync::Arc;

/// The parts that the configuration does not choose. The binary has the usual ones.
pub struct Parts {
    /// The time of everything.
    pub clock: Arc<dyn Clock>,
    /// Puts other adapters in place of those that were made from the configuration, or around them.
    pub adapt: Box<dyn FnOnce(&mut Ports) + Send>,
    /// Where others reach it, told where it listens, instead of where the configuration says.
    pub reached_at: Option<fn(SocketAddr) -> String>,
}

impl Default for Parts {
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), adapt: Box::new(|_| {}), reached_at: None }
    }
}
