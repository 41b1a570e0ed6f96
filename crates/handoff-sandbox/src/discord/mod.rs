//! Simulator of the Discord API: guilds, channels, permissions, messages, nonces, rate limits, commands and
//! interactions.
//!
//! The API lives under `/api/v10`, on the simulator's clock. Where Discord's documentation is silent,
//! the stricter reading is simulated. Not simulated: components version 2, attachments, direct messages
//! beyond their refusal, threads that archive themselves, the gateway. Interactions are signed and sent to the
//! endpoint that was registered, as the clicks, choices and commands of people; answers that everybody sees, and
//! answers that come later than at once, are not simulated.
//!
//! A [`DiscordSim`] is driven from Rust through its [`Control`], or by another process under `/_sim`:
//! `POST /_sim/commands` with a [`Command`], `POST /_sim/interactions` with a [`Deed`], `GET /_sim/stats`, `/_sim/requests`,
//! `/_sim/channels/{id}/messages`; and the pages `/_sim` and `/_sim/channels/{id}` for people.

mod api;
mod command;
mod control;
mod error;
mod id;
mod interactions;
mod log;
mod mentions;
mod message;
mod nonce;
mod options;
mod page;
mod permissions;
mod rate_limit;
mod render;
mod state;
mod validate;

#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::routing::{any, get, post};

pub use self::command::Command;
pub use self::control::{Control, ControlError, Stats};
pub use self::id::Snowflake;
pub use self::interactions::{
    Answered, Deed, EndpointRefused, InteractionError, PrivateMessage, RawAnswer, RawRequest,
};
pub use self::log::LoggedRequest;
pub use self::mentions::Pings;
pub use self::message::SimMessage;
pub use self::options::{DiscordOptions, Limit, Limits};
pub use self::permissions::{OverwriteTarget, Permissions};
pub use self::state::ChannelKind;
use self::state::World;
use crate::clock::SimClock;
use crate::fault::FaultPlan;
use crate::server::SimServer;
use crate::spec::{SpecCheck, SpecError};

/// Why a simulator could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port cannot be bound.
    #[error("cannot listen on 127.0.0.1")]
    Listen(#[source] io::Error),
    /// The official description cannot be loaded.
    #[error("cannot load the API description")]
    Spec(#[source] SpecError),
}

/// A running simulator. Dropping it stops it; everything else is done through its [`Control`], which it
/// dereferences to.
#[derive(Debug)]
pub struct DiscordSim {
    control: Control,
    server: SimServer,
}

/// What the endpoints, the control and the pages share.
#[derive(Debug)]
struct Shared {
    clock: SimClock,
    faults: FaultPlan,
    spec: Option<SpecCheck>,
    world: Mutex<World>,
}

impl Shared {
    /// The state. It is held for the length of one request and never across an await.
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DiscordSim {
    /// Starts an empty Discord on 127.0.0.1.
    ///
    /// # Errors
    /// When the port cannot be bound, or a description is asked for and cannot be loaded.
    pub async fn start(options: DiscordOptions) -> Result<Self, StartError> {
        let spec = options.specs.as_deref().map(SpecCheck::load_discord).transpose().map_err(StartError::Spec)?;
        let shared = Arc::new(Shared {
            clock: options.clock,
            faults: FaultPlan::default(),
            spec,
            world: Mutex::new(World::new(options.limits)),
        });
        let server = SimServer::start(options.port, router(&shared)).await.map_err(StartError::Listen)?;
        Ok(Self { control: Control::new(shared), server })
    }

    /// The address it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// `http://127.0.0.1:{port}`: what stands for `https://discord.com`.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.server.base_url()
    }

    /// Stops it, letting open requests finish for a moment.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}

impl Deref for DiscordSim {
    type Target = Control;

    fn deref(&self) -> &Control {
        &self.control
    }
}

fn router(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/_sim", get(page::index))
        .route("/_sim/", get(page::index))
        .route("/_sim/channels/{channel}", get(page::channel))
        .route("/_sim/channels/{channel}/messages", get(command::messages))
        .route("/_sim/commands", post(command::run))
        .route("/_sim/interactions", post(interactions::run))
        .route("/_sim/requests", get(command::requests))
        .route("/_sim/stats", get(command::stats))
        .fallback(any(api::serve))
        .with_state(Arc::clone(shared))
}
