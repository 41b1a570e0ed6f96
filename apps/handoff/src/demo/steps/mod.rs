//! The steps: each does something from outside, looks at both sides, and fails unless what it saw is right.

pub(super) mod assignment;
pub(super) mod delivery;
pub(super) mod inbound;
pub(super) mod message;
pub(super) mod project;
pub(super) mod snowflake;
pub(super) mod subscription;

use super::client::{Look, eventually};
use super::play::Play;
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

/// Assigns the work item in Azure DevOps.
async fn assign_there(play: &Play, person: &Person) -> Result<Value> {
    play.change_work_item(&json!({"assigned_to": person.identity})).await
}

/// Leaves the work item in Azure DevOps to nobody.
async fn unassign_there(play: &Play) -> Result<Value> {
    play.change_work_item(&json!({"assigned_to": null})).await
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
