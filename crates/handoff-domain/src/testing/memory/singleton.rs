//! Leases by name, and the schedule of the connected projects.

use super::state::{Lease, Schedule, State};
use super::{MemoryStore, Transaction};
use crate::id::InstallationId;
use crate::integration::{Chore, DueProject};
use crate::port::StoreError;
use crate::port::singleton::{SingletonLease, Singletons, WatchTx};
use crate::port::store::StoreResult;
use crate::time::Timestamp;
use crate::work_item::AzureProjectId;
use async_trait::async_trait;

impl State {
    /// The connected projects of which the chore is due, the longest due first.
    pub(super) fn due_projects(&self, chore: Chore, now: Timestamp) -> Vec<DueProject> {
        let mut due = Vec::new();
        for (key, project) in &self.connections {
            let schedule = self.schedule.get(key).copied().unwrap_or_default();
            let at = match chore {
                Chore::LookAtHooks => schedule.look_at,
                Chore::Reconcile => schedule.reconcile_at,
            };
            let at = at.unwrap_or(project.created_at);
            if at <= now {
                due.push((at, key, project, schedule.new_credential));
            }
        }
        due.sort_by_key(|(at, key, ..)| (*at, *key));
        let found = due.into_iter();
        found.map(|(.., project, new_credential)| DueProject { project: project.clone(), new_credential }).collect()
    }

    fn is_held(&self, lease: &SingletonLease) -> bool {
        self.singletons.get(lease.name).is_some_and(|held| held.token == lease.token)
    }

    fn schedule_of(&mut self, installation: InstallationId, azure_project: &AzureProjectId) -> Option<&mut Schedule> {
        let key = (installation, azure_project.clone());
        self.connections.contains_key(&key).then(|| self.schedule.entry(key).or_default())
    }
}

#[async_trait]
impl Singletons for MemoryStore {
    async fn take(&self, name: &'static str, now: Timestamp, until: Timestamp) -> StoreResult<Option<SingletonLease>> {
        let mut tx = self.transaction().await;
        let held = tx.state.singletons.get(name).copied();
        if held.is_some_and(|held| held.until > now) {
            return Ok(None);
        }
        let token = held.map_or(0, |held| held.token) + 1;
        tx.write().singletons.insert(name, Lease { token, until });
        tx.publish();
        Ok(Some(SingletonLease { name, token }))
    }

    async fn extend(&self, lease: &SingletonLease, until: Timestamp) -> StoreResult<bool> {
        let mut tx = self.transaction().await;
        let is_held = tx.state.is_held(lease);
        if is_held {
            tx.write().singletons.insert(lease.name, Lease { token: lease.token, until });
            tx.publish();
        }
        Ok(is_held)
    }

    async fn give_back(&self, lease: &SingletonLease) -> StoreResult<()> {
        self.extend(lease, Timestamp::from_micros(0)).await.map(|_| ())
    }
}

#[async_trait]
impl WatchTx for Transaction {
    async fn hold_singleton(&mut self, lease: &SingletonLease) -> StoreResult<()> {
        if self.state.is_held(lease) { Ok(()) } else { Err(StoreError::LeaseLost) }
    }

    async fn schedule(
        &mut self,
        installation: InstallationId,
        azure_project: &AzureProjectId,
        chore: Chore,
        due_at: Timestamp,
    ) -> StoreResult<()> {
        if let Some(schedule) = self.write().schedule_of(installation, azure_project) {
            match chore {
                Chore::LookAtHooks => schedule.look_at = Some(due_at),
                Chore::Reconcile => schedule.reconcile_at = Some(due_at),
            }
        }
        Ok(())
    }

    async fn look_with_new_credential(&mut self, installation: InstallationId, due_at: Timestamp) -> StoreResult<()> {
        let state = self.write();
        for key in state.connections.keys().filter(|(of, _)| *of == installation) {
            let schedule = state.schedule.entry(key.clone()).or_default();
            schedule.look_at = Some(due_at);
            schedule.new_credential = true;
        }
        Ok(())
    }

    async fn looked_with_credential(
        &mut self,
        installation: InstallationId,
        azure_project: &AzureProjectId,
    ) -> StoreResult<()> {
        if let Some(schedule) = self.write().schedule_of(installation, azure_project) {
            schedule.new_credential = false;
        }
        Ok(())
    }
}
