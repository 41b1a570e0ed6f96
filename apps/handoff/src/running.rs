//! An instance at work: its listener and its loops, and an end that finishes what is under way.

use crate::wiring::Wired;
use handoff_domain::port::Clock;
use handoff_http::{ApiState, Limits, Server, router};
use handoff_worker::Workers;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long the loops may take to finish what they have in hand. What is not finished then is done again
/// when its lease runs out.
const FINISH: Duration = Duration::from_secs(25);

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
            let (workers, stop, api) = (workers.clone(), working.clone(), api.clone());
            tokio::spawn(async move {
                let ended = Ended(api, stop.clone());
                workers.run(stop).await;
                drop(ended);
            })
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

    /// Returns when the listener ends although nobody asked it to.
    pub async fn listener_ended(&mut self) {
        let ended = (&mut self.server).await;
        tracing::error!(panicked = ended.is_err(), "the listener ended by itself");
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
        if let Some(loops) = self.loops {
            finish(loops, FINISH).await;
        }
    }
}

/// Waits for the loops, but not for ever: then they end where they stand.
async fn finish(mut loops: JoinHandle<()>, limit: Duration) {
    match timeout(limit, &mut loops).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "the loops did not end cleanly"),
        Err(_) => {
            let limit_seconds = limit.as_secs();
            tracing::warn!(limit_seconds, "the loops did not end in time; what they had in hand is done again later");
            loops.abort();
        }
    }
}

/// Says, when it is dropped, that the loops are gone: whether they returned or panicked.
struct Ended(Arc<ApiState>, CancellationToken);

impl Drop for Ended {
    fn drop(&mut self) {
        if !self.1.is_cancelled() {
            tracing::error!("the loops are gone for good: this instance must be started again");
            self.0.lifecycle.mark_broken();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn loops_that_do_not_end_are_waited_for_no_longer_than_the_limit() {
        let held = Arc::new(());
        let inside = held.clone();
        let loops = tokio::spawn(async move {
            let _inside = inside;
            std::future::pending::<()>().await;
        });
        let finished = finish(loops, Duration::from_millis(20));
        timeout(Duration::from_secs(10), finished).await.unwrap();
        while Arc::strong_count(&held) > 1 {
            tokio::task::yield_now().await;
        }
    }
}
