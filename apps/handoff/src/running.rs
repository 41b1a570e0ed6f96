//! An instance at work: its listener and its loops, and an end that finishes what is under way.

use crate::wiring::Wired;
use handoff_domain::port::Clock;
use handoff_http::{ApiState, Limits, Server, router};
use handoff_worker::Workers;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A served instance. Stop it with [`Running::stop`]; dropping it only asks it to end.
pub struct Running {
    addr: SocketAddr,
    api: Arc<ApiState>,
    workers: Workers,
    accepting: DropGuard,
    working: DropGuard,
    server: JoinHandle<()>,
    loops: Option<JoinHandle<()>>,
}

/// Whether the loops run beside the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loops {
    /// They do.
    Run,
    /// They do not: whoever holds [`Running::workers`] runs them.
    ByHand,
}

impl Running {
    /// Binds the address (port 0 takes any free one), serves, and starts the loops.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(
        wired: Wired,
        listen: SocketAddr,
        limits: Limits,
        clock: Arc<dyn Clock>,
        loops: Loops,
    ) -> io::Result<Self> {
        Ok(Self::serve(wired, Server::bind(listen, limits, clock).await?, loops))
    }

    /// Serves on a listener that is bound already, and starts the loops.
    #[must_use]
    pub fn serve(wired: Wired, server: Server, loops: Loops) -> Self {
        let Wired { api, workers } = wired;
        let addr = server.local_addr();
        let (accepting, working) = (CancellationToken::new(), CancellationToken::new());
        let server = tokio::spawn(server.run(router(api.clone()), accepting.clone()));
        let loops = (loops == Loops::Run).then(|| {
            let (workers, stop) = (workers.clone(), working.clone());
            tokio::spawn(async move { workers.run(stop).await })
        });
        api.lifecycle.mark_started();
        let (accepting, working) = (accepting.drop_guard(), working.drop_guard());
        Self { addr, api, workers, accepting, working, server, loops }
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What is served.
    #[must_use]
    pub fn api(&self) -> &Arc<ApiState> {
        &self.api
    }

    /// The loops.
    #[must_use]
    pub const fn workers(&self) -> &Workers {
        &self.workers
    }

    /// Stops in the order that loses nothing: webhooks are asked to come again, requests under way are
    /// answered, then the loops finish what they have in hand. What is left is in the store.
    pub async fn stop(self) {
        self.api.lifecycle.drain();
        drop(self.accepting);
        if let Err(error) = self.server.await {
            tracing::error!(%error, "the listener did not end cleanly");
        }
        drop(self.working);
        if let Some(loops) = self.loops
            && let Err(error) = loops.await
        {
            tracing::error!(%error, "the loops did not end cleanly");
        }
    }
}
