//! The limits of intake: a server that does nothing but read a body, and a database that does nothing but keep rows.

use crate::process::{command, now};
use anyhow::{Context, ensure};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{self, Connection, SqliteConnection};
use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpListener;

/// Reads bodies and answers 200, until it is killed; says first where it listens.
#[expect(clippy::print_stdout, reason = "whoever started it reads there where it listens")]
pub(crate) fn serve() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{{\"ready\":true,\"listen\":\"{}\"}}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)));
        }
    })
}

async fn answer(request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    // One that breaks off gets no answer anyway.
    drop(request.into_body().collect().await);
    Ok(Response::new(Empty::new()))
}

/// Rows of the inbox, in an SQLite database of its own with the schema of the migrations.
pub(crate) struct Storage {
    connection: SqliteConnection,
    number: i64,
}

impl Storage {
    /// In this folder, where the binary makes it; on disk when a commit returns.
    pub(crate) async fn open(binary: &Path, folder: &Path) -> anyhow::Result<Self> {
        ensure!(command(binary, folder, &["migrate"]).output()?.status.success(), "the database could not be made");
        let options = SqliteConnectOptions::new()
            .filename(folder.join("handoff.db"))
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        Ok(Self { connection: SqliteConnection::connect_with(&options).await?, number: 0 })
    }

    /// Writes rows with a payload of so many bytes, so many in a commit, for so long; says how many a second.
    pub(crate) async fn write(&mut self, bytes: usize, batch: u32, duration: Duration) -> anyhow::Result<f64> {
        let payload = vec![b'x'; bytes];
        let (begun, from) = (now(), self.number);
        while begun.elapsed() < duration {
            let mut transaction = self.connection.begin().await?;
            for _ in 0..batch {
                self.number += 1;
                let id = self.number.to_be_bytes().repeat(2);
                sqlx::query(
                    "INSERT INTO deliveries (id, hook_id, integration_id, azure_project, event_type, work_item, \
                     idempotency_key, payload, state, attempts, duplicates, received_at, due_at) VALUES (?, ?, ?, \
                     '11111111-1111-1111-1111-111111111111', 'workitem.updated', ?, ?, ?, 'pending', 0, 0, ?, ?)",
                )
                .bind(&id)
                .bind(&id[..])
                .bind(&id[..])
                .bind(self.number % 1000)
                .bind(format!("integration:workitem.updated:{}:event", self.number))
                .bind(&payload)
                .bind(self.number)
                .bind(self.number)
                .execute(&mut *transaction)
                .await?;
            }
            transaction.commit().await?;
        }
        let written = u32::try_from(self.number - from).context("too many rows")?;
        Ok(f64::from(written) / begun.elapsed().as_secs_f64())
    }
}
