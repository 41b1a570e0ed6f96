//! Posts over HTTP/1.1, from a number of connections that stay open: as fast as they are answered, or at a fixed
//! rate (open loop), where an answer's time counts from when its request was meant to be sent.

use crate::process::now;
use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What is posted where.
pub(crate) struct Post {
    pub(crate) to: SocketAddr,
    pub(crate) path: String,
    /// The `Authorization` header, where there is one.
    pub(crate) authorization: Option<String>,
    pub(crate) bodies: Bodies,
}

/// One body, with a number in it that is another one each time.
pub(crate) struct Bodies {
    template: Vec<u8>,
    /// Where the number stands.
    at: Vec<usize>,
    next: AtomicU64,
}

/// The number in a template: of ten digits, as the numbers that take its place.
pub(crate) const NUMBER: u64 = 7_777_777_777;
const DIGITS: usize = 10;
const FIRST: u64 = 1_000_000_000;

impl Bodies {
    /// Finds [`NUMBER`] in a template.
    pub(crate) fn of(template: Vec<u8>) -> Self {
        let number = NUMBER.to_string();
        let holds = |at: &usize| template[*at..].starts_with(number.as_bytes());
        let at = (0..template.len().saturating_sub(DIGITS - 1)).filter(holds).collect();
        Self { template, at, next: AtomicU64::new(FIRST) }
    }

    fn next(&self) -> Bytes {
        let number = self.next.fetch_add(1, Ordering::Relaxed).to_string();
        let mut body = self.template.clone();
        for at in &self.at {
            body[*at..at + DIGITS].copy_from_slice(&number.as_bytes()[..DIGITS]);
        }
        body.into()
    }
}

/// How fast.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Speed {
    Full,
    /// So many a second.
    Rate(u32),
}

/// What came of it.
pub(crate) struct Answered {
    /// How long each took, in milliseconds.
    pub(crate) took: Vec<f64>,
    /// How long all of it took.
    pub(crate) lasted: Duration,
}

impl Answered {
    /// How many a second.
    pub(crate) fn rate(&self) -> f64 {
        let count = u32::try_from(self.took.len()).unwrap_or(u32::MAX);
        f64::from(count) / self.lasted.as_secs_f64()
    }
}

/// Posts from so many connections for so long. Every answer must be 200.
pub(crate) async fn post(
    post: &Arc<Post>,
    connections: u32,
    speed: Speed,
    duration: Duration,
) -> anyhow::Result<Answered> {
    let begun = now();
    let mut loads = JoinSet::new();
    for n in 0..connections {
        let (post, turn) = (post.clone(), Turn { n, connections, speed, begun });
        loads.spawn(async move { one(&post, turn, begun + duration).await });
    }
    let mut took = Vec::new();
    while let Some(part) = loads.join_next().await {
        took.extend(part??);
    }
    Ok(Answered { took, lasted: begun.elapsed() })
}

/// When a connection sends: each in its turn.
struct Turn {
    n: u32,
    connections: u32,
    speed: Speed,
    begun: Instant,
}

impl Turn {
    /// When its request number `k` is meant to be sent; `None` for at once.
    fn at(&self, k: u32) -> Option<Instant> {
        match self.speed {
            Speed::Full => None,
            Speed::Rate(rate) => {
                let number = f64::from(self.n) + f64::from(k) * f64::from(self.connections);
                Some(self.begun + Duration::from_secs_f64(number / f64::from(rate)))
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench sends at real times")]
async fn wait_until(at: Instant) {
    tokio::time::sleep_until(at.into()).await;
}

async fn one(post: &Post, turn: Turn, end: Instant) -> anyhow::Result<Vec<f64>> {
    let stream = TcpStream::connect(post.to).await.context("connecting")?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut took = Vec::new();
    for k in 0.. {
        let meant = turn.at(k);
        if let Some(at) = meant {
            wait_until(at).await;
        }
        let from = meant.unwrap_or_else(now);
        if from >= end {
            break;
        }
        let mut request = Request::post(&post.path).header("host", "bench").header("content-type", "application/json");
        if let Some(authorization) = &post.authorization {
            request = request.header("authorization", authorization);
        }
        sender.ready().await?;
        let answer = sender.send_request(request.body(Full::new(post.bodies.next()))?).await?;
        let status = answer.status();
        answer.into_body().collect().await?;
        ensure!(status == 200, "answered {status}");
        took.push(from.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(took)
}
