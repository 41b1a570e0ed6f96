//! A line to a server that can be cut, or left hanging, and mended, and counts how often it is asked.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
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
    round_trips: Arc<AtomicUsize>,
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
        let round_trips = Arc::new(AtomicUsize::new(0));
        let counted = round_trips.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(carry(stream, target.clone(), seen.clone(), counted.clone()));
            }
        });
        Ok(Self { addr, line, round_trips, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How often the server spoke after it was asked something.
    #[must_use]
    pub fn round_trips(&self) -> usize {
        self.round_trips.load(Ordering::SeqCst)
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
async fn carry(mut stream: TcpStream, target: String, mut line: watch::Receiver<Line>, round_trips: Arc<AtomicUsize>) {
    let found = *line.borrow_and_update();
    if found == Line::Up {
        let Ok(mut server) = TcpStream::connect(target).await else { return };
        tokio::select! {
            // However it ended, it ended.
            _ = converse(&mut stream, &mut server, &round_trips) => return,
            _ = line.changed() => {}
        }
    }
    if *line.borrow() == Line::Dead {
        let _ = line.changed().await;
    }
}

async fn converse(client: &mut TcpStream, server: &mut TcpStream, round_trips: &AtomicUsize) -> io::Result<()> {
    let (mut asked, mut answered) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    let mut is_asked = false;
    loop {
        tokio::select! {
            length = client.read(&mut asked) => match length? {
                0 => return server.shutdown().await,
                length => {
                    is_asked = true;
                    server.write_all(&asked[..length]).await?;
                }
            },
            length = server.read(&mut answered) => match length? {
                0 => return client.shutdown().await,
                length => {
                    round_trips.fetch_add(usize::from(is_asked), Ordering::SeqCst);
                    is_asked = false;
                    client.write_all(&answered[..length]).await?;
                }
            },
        }
    }
}
