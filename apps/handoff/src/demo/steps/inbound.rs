//! Handle Assign To and Sync Group Assignee Inbound: what people do in Azure DevOps, seen through our API.

use super::delivery::newest_payload;
use super::{assign_there, assigned, mirrored, see, unassign_there};
use crate::demo::client::{Look, eventually, rows};
use crate::demo::play::{Play, Prop};
use crate::demo::report::Seen;
use crate::demo::scene::Person;
use anyhow::Result;
use serde_json::{Value, json};

/// `Name <mail>` assigns, nothing deassigns, and a stranger is unresolved.
pub(in crate::demo) async fn handle_assign_to(play: &mut Play) -> Result<Seen> {
    let (ada, konrad) = (play.scene.ada.clone(), play.scene.konrad.clone());
    assign_there(play, &ada).await?;
    let assign = assigned(play, &play.as_assignee(&ada)).await?["assignee"].clone();
    let named = assigned_to(play).await?;
    see!(named == format!("{} <{}>", ada.name, ada.address), "the payload names Ada as {named}");
    unassign_there(play).await?;
    let deassign = assigned(play, &Value::Null).await?["assignee"].clone();
    let absent = assigned_to(play).await?;
    see!(absent.is_null(), "the payload of unassigning names {absent}");
    assign_there(play, &konrad).await?;
    let unresolved = unresolved(play, &konrad, "unknown").await?;
    let stranger = assigned_to(play).await?;
    let kept = play.group().await?["assignee"].clone();
    see!(kept.is_null(), "a stranger in Azure DevOps made the group {kept}");
    Ok(Seen {
        words: format!("{named} assigns, an absent one deassigns, {stranger} is nobody we know: unresolved"),
        evidence: json!({
            "assign": {"assigned_to": named, "group_assignee": assign},
            "deassign": {"assigned_to": absent, "group_assignee": deassign},
            "unresolved": {"assigned_to": stranger, "group_assignee": kept, "listed": unresolved},
        }),
    })
}

/// The linked group follows; somebody outside the team does not get it and is listed for review.
pub(in crate::demo) async fn sync_group_assignee_inbound(play: &mut Play) -> Result<Seen> {
    let (grace, barbara) = (play.scene.grace.clone(), play.scene.barbara.clone());
    let to_grace = play.as_assignee(&grace);
    assign_there(play, &grace).await?;
    let followed = assigned(play, &to_grace).await?;
    let source = play.history().await?.first().cloned().unwrap_or_default();
    see!(source["source"]["from"] == "tracker", "the history says that it came from {}", source["source"]);
    assign_there(play, &barbara).await?;
    let listed = unresolved(play, &barbara, "outside_project").await?;
    let revision = mirrored(play).await?;
    let kept = play.group().await?["assignee"].clone();
    see!(kept == to_grace, "somebody outside the team changed the assignee to {kept}");
    Ok(Seen {
        words: "the group followed Azure DevOps to Grace; Barbara, in no team of the project, is listed".to_owned(),
        evidence: json!({
            "followed": followed["assignee"],
            "activity": source,
            "outside_the_team": {"group_assignee": kept, "listed": listed, "mirror_revision": revision},
        }),
    })
}

/// The assignee as the newest stored payload has it.
async fn assigned_to(play: &Play) -> Result<Value> {
    Ok(newest_payload(play).await?["resource"]["revision"]["fields"]["System.AssignedTo"].clone())
}

/// Waits until our link is listed as unresolved for this person and reason, and says how.
async fn unresolved(play: &Play, person: &Person, reason: &str) -> Result<Value> {
    let link = play.prop(Prop::Link)?;
    eventually(play.patience, &format!("{} among the unresolved", person.name), async || {
        let list = play.api.get(&format!("{}/unresolved", play.at)).await?;
        let found = rows(&list).iter().find(|one| one["id"] == link).map(|one| one["unresolved"].clone());
        let right = |found: &Value| found["reason"] == reason && found["person"]["unique_name"] == person.address;
        Ok(Look::at(found.filter(right), list))
    })
    .await
}
