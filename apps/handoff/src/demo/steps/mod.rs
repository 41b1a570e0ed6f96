//! The steps: each does something from outside, looks at both sides, and fails unless what it saw is right.

pub(super) mod assignment;
pub(super) mod delivery;
pub(super) mod inbound;
pub(super) mod message;
pub(super) mod project;
pub(super) mod snowflake;
pub(super) mod subscription;

use super::client::{Look, eventually};
use super::play::{Play, Prop};
use super::scene::Person;
use anyhow::Result;
use serde_json::{Value, json};

/// Fails the step unless it holds.
macro_rules! see {
    ($holds:expr, $($words:tt)+) => {
        if !$holds {
            anyhow::bail!($($words)+);
        }
    };
}
pub(super) use see;

/// Waits until our API shows the group with this assignee.
async fn assigned(play: &Play, to: &Value) -> Result<Value> {
    let what = format!("the group with the assignee {to}");
    eventually(play.patience, &what, async || {
        let group = play.group().await?;
        let found = group["assignee"].clone();
        Ok(Look::at((found == *to).then_some(group), format!("assignee {found}")))
    })
    .await
}

/// Waits until our mirror has the revision that Azure DevOps has, and says which.
async fn mirrored(play: &Play) -> Result<i64> {
    eventually(play.patience, "the mirror at the revision of Azure DevOps", async || {
        let theirs = play.work_item().await?["rev"].clone();
        let ours = play.link().await?["work_item"]["revision"].clone();
        let same = (theirs == ours).then(|| theirs.as_i64()).flatten();
        Ok(Look::at(same, format!("revision {ours} here, {theirs} there")))
    })
    .await
}

/// Lets Azure DevOps keep its deliveries back until [`release`].
async fn hold(play: &Play) -> Result<()> {
    play.azure.post("/_sim/deliveries/hold", &Value::Null).await.map(drop)
}

/// Lets the kept deliveries go in this order.
async fn release(play: &Play, order: &Value) -> Result<()> {
    play.azure.post("/_sim/deliveries/release", &json!({"order": order})).await.map(drop)
}

/// Assigns the work item in Azure DevOps.
async fn assign_there(play: &Play, person: &Person) -> Result<Value> {
    play.change_work_item(&json!({"assigned_to": person.identity})).await
}

/// Leaves the work item in Azure DevOps to nobody.
async fn unassign_there(play: &Play) -> Result<Value> {
    play.change_work_item(&json!({"assigned_to": null})).await
}

/// The rows of the outbox that were armed for the group, of this kind.
async fn armed(play: &Play, task: &str) -> Result<Vec<Value>> {
    let group = play.prop(Prop::Group)?;
    let list = play.api.get(&format!("{}/outbox?limit=100", play.at)).await?;
    let mut found = super::client::rows(&list).to_vec();
    found.retain(|row| row["task"] == task && row["group"] == group);
    Ok(found)
}

/// Waits until nothing of the organization waits in the outbox.
async fn sent(play: &Play) -> Result<()> {
    eventually(play.patience, "an empty outbox", async || {
        let waiting = play.api.get(&format!("{}/outbox?state=pending", play.at)).await?;
        let waiting = super::client::rows(&waiting).to_vec();
        Ok(Look::at(waiting.is_empty().then_some(()), json!(waiting)))
    })
    .await
}
