//! The server on a real socket: who says nothing is cut, and stopping finishes what is under way.

use crate::server::{Limits, Server};
use axum::Router;
use axum::routing::get;
use handoff_domain::testing::FixedClock;
use handoff_domain::time::Timestamp;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(10);

async fn serve(router: Router, limits: Limits) -> (SocketAddr, CancellationToken, JoinHandle<()>) {
    let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(0)));
    let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into(), limits, clock).await.unwrap();
    let (addr, stop) = (server.local_addr(), CancellationToken::new());
    (addr, stop.clone(), tokio::spawn(server.run(router, stop)))
}

async fn everything(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let done = timeout(LONG, stream.read_to_end(&mut read)).await;
    assert!(done.is_ok(), "the connection was never closed");
    String::from_utf8_lossy(&read).into_owned()
}

#[tokio::test]
async fn whoever_sends_no_whole_head_is_cut() {
    let limits = Limits { head: SHORT, ..Limits::default() };
    let (addr, stop, running) = serve(Router::new(), limits).await;
    for begun in ["", "P", "PRI * HT", "GET / HTTP/1.1\r\nHost: x\r\n"] {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        let answer = everything(&mut stream).await;
        assert!(!answer.contains(" 200 "), "{begun}: {answer}");
    }
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let (addr, stop, running) = serve(Router::new(), Limits::default()).await;
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let head = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(64 * 1024));
    // The server may close before it took everything.
    let _ = stream.write_all(head.as_bytes()).await;
    let mut first = vec![0; 64];
    let read = timeout(LONG, stream.read(&mut first)).await.unwrap().unwrap_or(0);
    assert!(read == 0 || String::from_utf8_lossy(&first).contains(" 431 "), "{}", String::from_utf8_lossy(&first));
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn stopping_finishes_what_is_under_way_accepts_nobody_and_closes_the_idle() {
    let (reached, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (at, wait) = (reached.clone(), go.clone());
    let slow = move || async move {
        at.notify_one();
        wait.notified().await;
        "finished"
    };
    let (addr, stop, running) = serve(Router::new().route("/slow", get(slow)), Limits::default()).await;
    let mut busy = TcpStream::connect(addr).await.unwrap();
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    reached.notified().await;
    stop.cancel();
    while TcpStream::connect(addr).await.is_ok() {
        tokio::task::yield_now().await;
    }
    go.notify_one();
    assert!(everything(&mut busy).await.ends_with("finished"));
    timeout(LONG, running).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_cut() {
    let reached = Arc::new(Notify::new());
    let at = reached.clone();
    let never = move || async move {
        at.notify_one();
        std::future::pending::<()>().await;
    };
    let limits = Limits { drain: SHORT, ..Limits::default() };
    let (addr, stop, running) = serve(Router::new().route("/never", get(never)), limits).await;
    let mut busy = TcpStream::connect(addr).await.unwrap();
    busy.write_all(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    reached.notified().await;
    stop.cancel();
    timeout(LONG, running).await.unwrap().unwrap();
    assert_eq!(everything(&mut busy).await, "");
}

#[tokio::test]
async fn more_connections_than_allowed_wait_for_their_turn() {
    let limits = Limits { connections: 1, head: SHORT, ..Limits::default() };
    let (addr, stop, running) = serve(Router::new().route("/", get(|| async { "here" })), limits).await;
    let _idle = TcpStream::connect(addr).await.unwrap();
    let mut next = TcpStream::connect(addr).await.unwrap();
    next.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(everything(&mut next).await.ends_with("here"));
    stop.cancel();
    running.await.unwrap();
}
