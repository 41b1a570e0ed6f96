//! A simulator of Azure DevOps: work items with their history, people, and service hooks that deliver,
//! retry, go on probation, lose events meanwhile and get disabled, as the real ones do.
//!
//! ```no_run
//! use handoff_sandbox::azure::{AzureOptions, AzureSim, Hosting, NewIdentity, NewWorkItem, PatRights, Process};
//! use handoff_sandbox::clock::SimClock;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let azure = AzureSim::start(AzureOptions::new(SimClock::manual(1_772_352_000_000_000))).await?;
//! let fabrikam = azure.add_collection("fabrikam", Hosting::Cloud);
//! let payments = azure.add_project(fabrikam, "Payments", Process::Agile)?;
//! let ada = azure.add_identity(NewIdentity::person("Ada", "ada@example.org"));
//! azure.set_pat("a token", ada, PatRights::full());
//! let bug = azure.add_work_item(payments, &NewWorkItem::new("Bug", "It hurts"))?;
//! azure.assign_work_item(bug, ada)?;
//! azure.settle().await; // every subscription that asked has been told
//! # Ok(()) }
//! ```

mod api;
mod auth;
mod board;
mod changes;
mod control;
mod dates;
mod delivery;
mod entra;
mod handle;
mod ids;
mod notification;
mod options;
mod patch;
mod payload;
mod people;
mod projects;
mod queue;
mod refusal;
mod render;
mod request_log;
mod retry;
mod state;
mod subscription;
mod test_event;
mod throttle;
mod transitions;
mod work_item;

use std::io;
use std::net::SocketAddr;
use std::ops::Deref;

use axum::Router;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::server::SimServer;

pub use auth::{PatRights, UnauthorizedForm};
pub use changes::Changes;
pub use entra::NewServicePrincipal;
pub use handle::{AzureHandle, NewWorkItem, SimRevision, SimSubscription, SimWorkItem};
pub use ids::{CollectionId, IdentityId, ProjectId, SubscriptionId, TeamId, WorkItemKey};
pub use notification::{Attempt, DroppedEvent, NotificationResult, NotificationStatus, SimNotification};
pub use options::AzureOptions;
pub use people::{NewIdentity, SimIdentity};
pub use projects::{Hosting, Process};
pub use queue::ReleaseOrder;
pub use refusal::Refusal;
pub use request_log::LoggedRequest;
pub use subscription::SubscriptionStatus;
pub use throttle::{Throttle, Usage};

/// A running simulator. Dropping it stops it; everything else is done through its [`AzureHandle`].
#[derive(Debug)]
pub struct AzureSim {
    handle: AzureHandle,
    server: SimServer,
    /// Stops the deliveries.
    _stop: DropGuard,
}

impl AzureSim {
    /// Starts an empty simulator: no collection, no token, one administrator.
    ///
    /// # Errors
    /// When the port cannot be bound, or the API description cannot be read.
    pub async fn start(options: AzureOptions) -> io::Result<Self> {
        let port = options.port;
        let handle = AzureHandle::new(options)?;
        let router = Router::new()
            .merge(control::router())
            .merge(board::router())
            .fallback(api::serve)
            .with_state(handle.clone());
        let server = SimServer::start(port, router).await?;
        let server_url = server.base_url();
        handle.with(|state, _| state.server_url = server_url);
        let stop = CancellationToken::new();
        tokio::spawn(delivery::run(handle.clone(), stop.clone()));
        Ok(Self { handle, server, _stop: stop.drop_guard() })
    }

    /// The handle, which may outlive the simulator.
    #[must_use]
    pub fn handle(&self) -> &AzureHandle {
        &self.handle
    }

    /// The address the simulator listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// `http://127.0.0.1:{port}`, without a trailing slash. Collections are below it.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.server.base_url()
    }

    /// Stops deliveries and the server, and returns when its connections are closed.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}

impl Deref for AzureSim {
    type Target = AzureHandle;

    fn deref(&self) -> &AzureHandle {
        &self.handle
    }
}

#[cfg(test)]
mod tests;
