//! What only one replica does at a time, and what it does it to: leases by name, and the schedule of the
//! connected projects.

use super::store::StoreResult;
use crate::id::InstallationId;
use crate::integration::Chore;
use crate::time::Timestamp;
use crate::work_item::AzureProjectId;
use async_trait::async_trait;

/// A lease by name. It is a row, not a session: whoever dies with it gives it back when it runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SingletonLease {
    /// What it is for.
    pub name: &'static str,
    /// The fencing token: larger than that of any lease of this name before it.
    pub token: i64,
}

/// Leases by name.
#[async_trait]
pub trait Singletons: Send + Sync {
    /// Takes the lease until then; `None` while somebody else has it.
    async fn take(&self, name: &'static str, now: Timestamp, until: Timestamp) -> StoreResult<Option<SingletonLease>>;
    /// Keeps it for longer; `false` if somebody took it meanwhile.
    async fn extend(&self, lease: &SingletonLease, until: Timestamp) -> StoreResult<bool>;
    /// Lets go of it; nothing happens if somebody took it meanwhile.
    async fn give_back(&self, lease: &SingletonLease) -> StoreResult<()>;
}

/// The schedule of the connected projects, and writing under a lease.
#[async_trait]
pub trait WatchTx {
    /// Checks that nobody took the lease meanwhile, and keeps it so until the end.
    /// [`StoreError::LeaseLost`](super::StoreError::LeaseLost) otherwise.
    async fn hold_singleton(&mut self, lease: &SingletonLease) -> StoreResult<()>;
    /// Says when a chore of a connected project is due next.
    async fn schedule(
        &mut self,
        installation: InstallationId,
        azure_project: &AzureProjectId,
        chore: Chore,
        due_at: Timestamp,
    ) -> StoreResult<()>;
    /// Has the hooks of an installation's projects looked at from then on, as with a credential that is new.
    async fn look_with_new_credential(&mut self, installation: InstallationId, due_at: Timestamp) -> StoreResult<()>;
    /// The hooks of a connected project were looked at with the credential of now.
    async fn looked_with_credential(
        &mut self,
        installation: InstallationId,
        azure_project: &AzureProjectId,
    ) -> StoreResult<()>;
}
