//! Serves a router on a socket: bounded connections, headers and ages, and an end that finishes what is
//! under way.

use axum::Router;
use handoff_domain::port::Clock;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// How long to wait before accepting again after the system refused (too many open files).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often an idle HTTP/2 connection is asked whether it is alive.
const HTTP2_PING: Duration = Duration::from_secs(20);
/// How long the answer to that may take.
const HTTP2_PONG: Duration = Duration::from_secs(10);
/// Requests at once on one HTTP/2 connection.
const HTTP2_STREAMS: u32 = 100;

/// What a server allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; more wait to be accepted.
    pub connections: usize,
    /// To send the head of a request, from the opening of the connection or the request before.
    pub head: Duration,
    /// Bytes of a request's head, at least 8192.
    pub head_bytes: usize,
    /// The age at which a connection is asked to end, so that none is held for ever.
    pub age: Duration,
    /// To finish requests under way when a connection or the server is to end.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            head: Duration::from_secs(10),
            head_bytes: 32 * 1024,
            age: Duration::from_secs(600),
            drain: Duration::from_secs(20),
        }
    }
}

/// A bound listener that is not served yet.
pub struct Server {
    listener: TcpListener,
    local_addr: SocketAddr,
    limits: Limits,
    clock: Arc<dyn Clock>,
}

impl Server {
    /// Binds an address; port 0 takes any free one.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(addr: SocketAddr, limits: Limits, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let local_addr = listener.local_addr()?;
        Ok(Self { listener, local_addr, limits, clock })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `stop`, then accepts nobody, lets what is under way finish within
    /// [`Limits::drain`], cuts the rest, and returns when every connection is closed.
    pub async fn run(self, router: Router, stop: CancellationToken) {
        let connections = TaskTracker::new();
        let slots = Arc::new(Semaphore::new(self.limits.connections));
        let cut = CancellationToken::new();
        loop {
            let next = async {
                let slot = slots.clone().acquire_owned().await;
                (slot, self.listener.accept().await)
            };
            let (slot, accepted) = tokio::select! {
                () = stop.cancelled() => break,
                next = next => next,
            };
            match accepted {
                Ok((stream, _)) => {
                    let served = Connection {
                        router: router.clone(),
                        limits: self.limits,
                        stop: stop.clone(),
                        cut: cut.clone(),
                    };
                    connections.spawn(async move {
                        served.serve(stream).await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    self.clock.sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.listener);
        connections.close();
        if timeout(self.limits.drain, connections.wait()).await.is_err() {
            tracing::warn!(left = connections.len(), "connections did not end in time and are cut");
            cut.cancel();
            connections.wait().await;
        }
    }
}

struct Connection {
    router: Router,
    limits: Limits,
    stop: CancellationToken,
    cut: CancellationToken,
}

impl Connection {
    async fn serve(self, stream: TcpStream) {
        // Without it a small answer may wait for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let begun = CancellationToken::new();
        let (router, first) = (self.router, begun.clone());
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            first.cancel();
            router.clone().oneshot(request)
        });
        let builder = builder(&self.limits);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        // While it finds out which HTTP is spoken, hyper-util waits without limit.
        let silent = timeout(self.limits.head, begun.cancelled());
        let aged = timeout(self.limits.age, pending::<()>());
        tokio::select! {
            _ = connection.as_mut() => return,
            () = self.cut.cancelled() => return,
            Err(_) = silent => return,
            () = self.stop.cancelled() => {}
            _ = aged => {}
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            _ = timeout(self.limits.drain, connection.as_mut()) => {}
            () = self.cut.cancelled() => {}
        }
    }
}

fn builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.head).max_buf_size(limits.head_bytes.max(8192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(HTTP2_STREAMS)
        .keep_alive_interval(HTTP2_PING)
        .keep_alive_timeout(HTTP2_PONG);
    builder
}
