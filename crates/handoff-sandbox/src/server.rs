//! Serves a router on 127.0.0.1 until it is shut down or dropped, with the two answers that a plain
//! handler cannot give: none at all, and one that never ends.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// How long open connections may finish their request after a shutdown, in real time.
const GRACE: Duration = Duration::from_millis(500);

/// An HTTP/1.1 server on 127.0.0.1. Dropping it stops it.
#[derive(Debug)]
pub struct SimServer {
    addr: SocketAddr,
    stop: CancellationToken,
    accepting: Option<JoinHandle<()>>,
}

impl SimServer {
    /// Binds 127.0.0.1 at `port` (0: any free one) and serves `router`.
    ///
    /// # Errors
    /// When the port cannot be bound.
    pub async fn start(port: u16, router: Router) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let addr = listener.local_addr()?;
        let stop = CancellationToken::new();
        let accepting = tokio::spawn(accept(listener, router, stop.clone()));
        Ok(Self { addr, stop, accepting: Some(accepting) })
    }

    /// The address the server listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:{port}`, without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Stops accepting, lets open requests finish for a moment, and returns when all is closed.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        if let Some(accepting) = self.accepting.take()
            && let Err(error) = accepting.await
        {
            tracing::warn!(%error, "the simulator's server did not end cleanly");
        }
    }
}

impl Drop for SimServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// An answer that the server does not send: it closes the connection instead.
#[must_use]
pub fn hang_up() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(HangUp);
    response
}

/// An answer whose headers are sent and whose body never ends.
#[must_use]
pub fn stall() -> Response {
    Response::new(Body::new(NeverEnding))
}

/// Marks a response that must not be sent.
#[derive(Clone, Copy, Debug)]
struct HangUp;

/// A body that never yields a frame and never ends.
#[derive(Debug)]
struct NeverEnding;

impl HttpBody for NeverEnding {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

async fn accept(listener: TcpListener, router: Router, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(stream, router.clone(), stop.clone()));
                }
                Err(error) => tracing::warn!(%error, "the simulator could not accept a connection"),
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn serve_connection(stream: TcpStream, router: Router, stop: CancellationToken) {
    // A small answer must not wait for the peer's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the simulator could not set TCP_NODELAY");
    }
    let service = service_fn(move |request: http::Request<Incoming>| {
        let router = router.clone();
        async move {
            let response = match router.oneshot(request.map(Body::new)).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            if response.extensions().get::<HangUp>().is_some() {
                return Err(io::Error::other("hung up on demand"));
            }
            Ok(response.map(BodyExt::boxed_unsync))
        }
    });
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(GRACE, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the simulator ended early");
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;

    use super::*;
    use crate::client::plain_client;

    async fn server() -> SimServer {
        let router = Router::new()
            .route("/hello", get(async || "hello"))
            .route("/gone", get(async || hang_up()))
            .route("/slow", get(async || stall()));
        SimServer::start(0, router).await.unwrap()
    }

    #[tokio::test]
    async fn it_answers_and_after_shutdown_refuses() {
        let client = plain_client().unwrap();
        let server = server().await;
        let url = format!("{}/hello", server.base_url());
        let body = client.get(&url).send().await.unwrap().text().await.unwrap();
        assert_eq!(body, "hello");
        server.shutdown().await;
        assert!(client.get(&url).send().await.unwrap_err().is_connect());
    }

    #[tokio::test]
    async fn hanging_up_closes_the_connection_without_an_answer() {
        let client = plain_client().unwrap();
        let server = server().await;
        let answer = client.get(format!("{}/gone", server.base_url())).send().await;
        assert!(answer.unwrap_err().is_request());
    }

    #[tokio::test]
    async fn a_stalled_answer_has_headers_and_no_end() {
        let client = plain_client().unwrap();
        let server = server().await;
        let answer = client.get(format!("{}/slow", server.base_url())).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let body = tokio::time::timeout(Duration::from_millis(50), answer.bytes()).await;
        assert!(body.is_err());
        server.shutdown().await;
    }
}
