//! A line to a server that can be cut, or left hanging, and mended.

use std::io;
use std::net::SocketAddr;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What becomes of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// They work.
    Up,
    /// They are closed, new ones at once.
    Cut,
    /// They stay open, and nothing comes through.
    Dead,
}

/// A line to one server.
#[derive(Debug)]
pub struct Proxy {
    addr: SocketAddr,
    line: watch::Sender<Line>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// A line that is up, to a server at `target` (`host:port`).
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn to(target: String) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let (line, seen) = watch::channel(Line::Up);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(carry(stream, target.clone(), seen.clone()));
            }
        });
        Ok(Self { addr, line, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Changes what becomes of all connections.
    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// One connection. One that was dead is closed when the line changes: its bytes are lost.
async fn carry(mut stream: TcpStream, target: String, mut line: watch::Receiver<Line>) {
    let found = *line.borrow_and_update();
    if found == Line::Up {
        let Ok(mut server) = TcpStream::connect(target).await else { return };
        tokio::select! {
            // However it ended, it ended.
            _ = copy_bidirectional(&mut stream, &mut server) => return,
            _ = line.changed() => {}
        }
    }
    if *line.borrow() == Line::Dead {
        let _ = line.changed().await;
    }
}
