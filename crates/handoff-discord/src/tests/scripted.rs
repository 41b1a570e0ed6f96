//! A server that gives prepared answers, one for each request: for what the simulator does not do.

use super::{START_US, messenger};
use crate::DiscordMessenger;
use handoff_sandbox::clock::SimClock;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A prepared answer.
pub(super) struct Reply {
    status: u16,
    headers: String,
    body: String,
}

impl Reply {
    pub(super) fn json(status: u16, body: &str) -> Self {
        Self { status, headers: "content-type: application/json\r\n".to_owned(), body: body.to_owned() }
    }

    pub(super) fn html(status: u16) -> Self {
        let body = "<!DOCTYPE html><html><body>no</body></html>".to_owned();
        Self { status, headers: "content-type: text/html\r\n".to_owned(), body }
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }
}

/// A request that was made.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// Method and path.
    pub(super) line: String,
    pub(super) head: String,
    pub(super) body: String,
}

/// The server. It stops with its runtime.
pub(super) struct Script {
    addr: SocketAddr,
    pub(super) clock: SimClock,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Script {
    pub(super) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let mut replies: VecDeque<Reply> = replies.into_iter().collect();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            // A request without a prepared answer finds nobody listening.
            while let Some(reply) = replies.pop_front() {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read(&mut stream).await;
                seen.lock().unwrap().push(request);
                write(&mut stream, &reply).await;
            }
        });
        Self { addr, clock: SimClock::manual(START_US), requests }
    }

    pub(super) fn chat(&self) -> DiscordMessenger {
        messenger(&format!("http://{}/api/v10", self.addr), &self.clock)
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

async fn read(stream: &mut TcpStream) -> Request {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the request broke off");
        bytes.extend_from_slice(&buffer[..read]);
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let total = head_end + 4 + length.unwrap_or(0_usize);
    while bytes.len() < total {
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the request broke off");
        bytes.extend_from_slice(&buffer[..read]);
    }
    let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
    Request { line, head, body: String::from_utf8(bytes[head_end + 4..].to_vec()).unwrap() }
}

async fn write(stream: &mut TcpStream, reply: &Reply) {
    let Reply { status, headers, body } = reply;
    let length = body.len();
    let head = format!("HTTP/1.1 {status} -\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n");
    // A client that has read enough may hang up.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(body.as_bytes()).await;
    let _ = stream.shutdown().await;
}
