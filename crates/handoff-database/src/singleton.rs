//! Leases by name, and the schedule of the connected projects.

use crate::Database;
use crate::error::Stored;
use crate::row;
use crate::sql::{Sql, locking};
use crate::table::connected_projects;
use crate::transaction::Transaction;
use async_trait::async_trait;
use handoff_domain::id::InstallationId;
use handoff_domain::integration::{Chore, DueProject};
use handoff_domain::port::StoreError;
use handoff_domain::port::singleton::{SingletonLease, Singletons, WatchTx};
use handoff_domain::port::store::StoreResult;
use handoff_domain::time::Timestamp;
use handoff_domain::work_item::AzureProjectId;
use sea_orm::ConnectionTrait;

/// The column that says when a chore is due.
const fn due_column(chore: Chore) -> &'static str {
    match chore {
        Chore::LookAtHooks => "hooks_due_at",
        Chore::Reconcile => "reconcile_due_at",
    }
}

/// ` WHERE` the lease is this one, run out or not.
fn held(sql: Sql, lease: &SingletonLease) -> Sql {
    sql.text(" WHERE name = ").bind(lease.name).text(" AND token = ").bind(lease.token)
}

/// ` WHERE` it is this connected project.
fn of_project(sql: Sql, installation: InstallationId, azure_project: &AzureProjectId) -> Sql {
    let sql = sql.text(" WHERE installation_id = ").bind(installation.get());
    sql.text(" AND azure_project = ").bind(azure_project.as_str())
}

/// The connected projects of which the chore is due, the longest due first.
pub(crate) async fn due_projects(
    on: &impl ConnectionTrait,
    chore: Chore,
    now: Timestamp,
    limit: u16,
) -> StoreResult<Vec<DueProject>> {
    let column = due_column(chore);
    let due = Sql::new("SELECT * FROM connected_projects WHERE ").text(column).text(" <= ").bind(now.as_micros());
    let due = due.text(" ORDER BY ").text(column).text(", installation_id, azure_project LIMIT ");
    let found = due.bind(i64::from(limit)).models::<connected_projects::Model>(on).await?;
    let read = |one: &connected_projects::Model| {
        Ok(DueProject { project: row::connected_project(one)?, new_credential: one.new_credential })
    };
    found.iter().map(read).collect()
}

#[async_trait]
impl Singletons for Database {
    async fn take(&self, name: &'static str, now: Timestamp, until: Timestamp) -> StoreResult<Option<SingletonLease>> {
        let take = Sql::new("INSERT INTO singletons (name, token, lease_until) VALUES (").bind(name).text(", 1, ");
        let take = take.bind(until.as_micros()).text(
            ") ON CONFLICT (name) DO UPDATE SET token = singletons.token + 1, lease_until = excluded.lease_until \
             WHERE singletons.lease_until <= ",
        );
        let taken = take.bind(now.as_micros()).text(" RETURNING token").one(&self.writer).await?;
        let read = |token| SingletonLease { name, token };
        taken.map(|row| row.try_get("", "token").stored().map(read)).transpose()
    }

    async fn extend(&self, lease: &SingletonLease, until: Timestamp) -> StoreResult<bool> {
        let extend = Sql::new("UPDATE singletons SET lease_until = ").bind(until.as_micros());
        held(extend, lease).count(&self.writer).await.map(|changed| changed > 0)
    }

    async fn give_back(&self, lease: &SingletonLease) -> StoreResult<()> {
        let free = Sql::new("UPDATE singletons SET lease_until = 0");
        held(free, lease).count(&self.writer).await.map(|_| ())
    }
}

#[async_trait]
impl WatchTx for Transaction {
    async fn hold_singleton(&mut self, lease: &SingletonLease) -> StoreResult<()> {
        let held = held(Sql::new("SELECT 1 FROM singletons"), lease).text(locking(&self.0, " FOR SHARE"));
        match held.one(&self.0).await? {
            Some(_) => Ok(()),
            None => Err(StoreError::LeaseLost),
        }
    }

    async fn schedule(
        &mut self,
        installation: InstallationId,
        azure_project: &AzureProjectId,
        chore: Chore,
        due_at: Timestamp,
    ) -> StoreResult<()> {
        let set =
            Sql::new("UPDATE connected_projects SET ").text(due_column(chore)).text(" = ").bind(due_at.as_micros());
        of_project(set, installation, azure_project).count(&self.0).await.map(|_| ())
    }

    async fn look_with_new_credential(&mut self, installation: InstallationId, due_at: Timestamp) -> StoreResult<()> {
        let set = Sql::new("UPDATE connected_projects SET new_credential = ").bind(true).text(", hooks_due_at = ");
        let set = set.bind(due_at.as_micros()).text(" WHERE installation_id = ").bind(installation.get());
        set.count(&self.0).await.map(|_| ())
    }

    async fn looked_with_credential(
        &mut self,
        installation: InstallationId,
        azure_project: &AzureProjectId,
    ) -> StoreResult<()> {
        let set = Sql::new("UPDATE connected_projects SET new_credential = ").bind(false);
        of_project(set, installation, azure_project).count(&self.0).await.map(|_| ())
    }
}
