//! What is done and seen on both sides of a work item: here, and in Azure DevOps.

use crate::scene::{Group, Person, Scene};
use handoff_sandbox::azure::{SimWorkItem, WorkItemKey};
use reqwest::Method;
use serde_json::{Value, json};

impl Scene {
    /// The usual scene, whose installation lets these through too.
    pub async fn letting_through(toggles: &[&str]) -> Self {
        let scene = Self::new().await;
        for toggle in toggles {
            scene.tenant.toggle(&scene, toggle, true).await;
        }
        scene.settle().await;
        scene
    }

    /// Assigns a group through our API.
    pub async fn assign_here(&self, group: &Group, to: &Person) {
        let to = json!({"type": "user", "id": self.member(to).user});
        self.api.change(Method::PUT, &format!("{}/assignee", group.at), to).await;
    }

    /// Takes a group from whoever has it, through our API.
    pub async fn deassign_here(&self, group: &Group) {
        self.api.change(Method::DELETE, &format!("{}/assignee", group.at), Value::Null).await;
    }

    /// Gives a group a status through our API.
    pub async fn set_status_here(&self, group: &Group, status: &str) {
        self.api.change(Method::PATCH, &group.at, json!({"status": status})).await;
    }

    /// The status of a group.
    ///
    /// # Panics
    /// When the API shows none.
    pub async fn status_here(&self, group: &Group) -> String {
        let shown = self.api.get(&group.at).await;
        shown["status"].as_str().unwrap_or_else(|| panic!("no status in {shown}")).to_owned()
    }

    /// A work item as it is in Azure DevOps.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn item(&self, item: WorkItemKey) -> SimWorkItem {
        self.azure.work_item(item).unwrap()
    }

    /// The sign-in name of whoever has the work item in Azure DevOps.
    ///
    /// # Panics
    /// When there is no such work item.
    #[must_use]
    pub fn assignee_there(&self, item: WorkItemKey) -> Option<String> {
        let identity = self.item(item).assigned_to?;
        Some(self.azure.identity(identity).unwrap().details.unique_name)
    }

    /// Sets a field of a work item, as somebody at the board does.
    ///
    /// # Panics
    /// When the simulator refuses it.
    pub fn set_there(&self, item: WorkItemKey, field: &str, value: &str) {
        let change = |changes: &mut handoff_sandbox::azure::Changes| {
            changes.set(field, value);
        };
        self.azure.update_work_item(item, change).unwrap();
    }

    /// Takes a work item back to an older revision, as a Server does that was restored from a backup.
    ///
    /// # Panics
    /// When there is no such work item.
    pub fn restore_there(&self, item: WorkItemKey, revision: i64) {
        self.azure.restore_work_item_to_older_revision(item, revision).unwrap();
    }

    /// The first of a group's links, as the API shows it.
    pub async fn link_of(&self, group: &Group) -> Value {
        self.api.list(&format!("{}/links", group.at)).await.remove(0)
    }

    /// Why what was decided here is not in Azure DevOps, as the group's first link says.
    pub async fn problem_of(&self, group: &Group) -> Option<String> {
        self.link_of(group).await["problem"].as_str().map(str::to_owned)
    }
}
