//! Handle Assign To and Sync Group Assignee Inbound: what people do in Azure DevOps, seen through our API.

use super::delivery::newest_payload;
use super::{assign_there, assigned, hold, mirrored, release, see, unassign_there};
use crate::demo::client::{Look, eventually, rows, text};
use crate::demo::play::{Play, Prop};
use crate::demo::report::Seen;
use crate::demo::scene::Person;
use crate::environment::SystemClock;
use anyhow::Result;
use handoff_domain::assignee::Decision;
use handoff_domain::port::Clock;
use serde_json::{Value, json};

/// `Name <mail>` assigns, nothing deassigns, and whom we do not know, or who must not have it, is unresolved.
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
    let mapped = mapped(play).await?;
    let inactive = inactive(play).await?;
    unassign_there(play).await?;
    assigned(play, &Value::Null).await?;
    Ok(Seen {
        words: format!("{named} assigns, an absent one deassigns, {stranger} is nobody we know: unresolved"),
        evidence: json!({
            "assign": {"assigned_to": named, "group_assignee": assign},
            "deassign": {"assigned_to": absent, "group_assignee": deassign},
            "unresolved": {"assigned_to": stranger, "group_assignee": kept, "listed": unresolved},
            "outside_the_team_then_mapped": mapped,
            "inactive_then_active": inactive,
        }),
    })
}

/// Barbara is in no team of the project: unresolved. Mapped to Ada it is Ada's, whatever Barbara's address says.
async fn mapped(play: &Play) -> Result<Value> {
    let (ada, barbara) = (play.as_assignee(&play.scene.ada), play.scene.barbara.clone());
    assign_there(play, &barbara).await?;
    let listed = unresolved(play, &barbara, "outside_project").await?;
    let kept = play.group().await?["assignee"].clone();
    see!(kept.is_null(), "somebody outside the team got the group: {kept}");
    let installation = format!("{}/installations/{}", play.at, play.prop(Prop::Installation)?);
    let integration = play.api.get(&installation).await?["integration"]["id"].clone();
    let mapping = json!({"integration": integration, "unique_name": barbara.address, "user": ada["id"]});
    let mappings = format!("{}/identity-mappings", play.at);
    let mapping = play.api.post(&mappings, &mapping).await?;
    assigned(play, &ada).await?;
    play.api.delete(&format!("{mappings}/{}", text(&mapping["id"])?)).await?;
    Ok(json!({"listed": listed, "mapped_to": ada}))
}

/// Grace is inactive: unresolved, and the group keeps Ada; active again, she gets it.
async fn inactive(play: &Play) -> Result<Value> {
    let grace = play.scene.grace.clone();
    let user = format!("{}/users/{}", play.at, play.user(&grace));
    let had = play.group().await?["assignee"].clone();
    play.api.patch(&user, &json!({"active": false})).await?;
    assign_there(play, &grace).await?;
    let listed = unresolved(play, &grace, "inactive").await;
    let kept = play.group().await?["assignee"].clone();
    play.api.patch(&user, &json!({"active": true})).await?;
    let listed = listed?;
    see!(kept == had, "somebody inactive changed the assignee from {had} to {kept}");
    let then = assigned(play, &play.as_assignee(&grace)).await?["assignee"].clone();
    Ok(json!({"listed": listed, "kept": kept, "active_again": then}))
}

/// Every linked group follows; somebody outside the team does not get it and is listed for review; a later
/// decision of ours stands, and so does the toggle.
pub(in crate::demo) async fn sync_group_assignee_inbound(play: &mut Play) -> Result<Seen> {
    let (grace, barbara) = (play.scene.grace.clone(), play.scene.barbara.clone());
    let to_grace = play.as_assignee(&grace);
    assign_there(play, &grace).await?;
    let followed = assigned(play, &to_grace).await?;
    nobody_waits(play).await?;
    let also = also_followed(play).await?;
    let source = play.history().await?.first().cloned().unwrap_or_default();
    see!(source["source"]["from"] == "tracker", "the history says that it came from {}", source["source"]);
    assign_there(play, &barbara).await?;
    let listed = unresolved(play, &barbara, "outside_project").await?;
    let revision = mirrored(play).await?;
    let kept = play.group().await?["assignee"].clone();
    see!(kept == to_grace, "somebody outside the team changed the assignee to {kept}");
    let overruled = overruled(play).await?;
    let toggled_off = toggled_off(play).await?;
    Ok(Seen {
        words: "the group followed Azure DevOps to Grace; Barbara, in no team of the project, is listed".to_owned(),
        evidence: json!({
            "followed": followed["assignee"],
            "followed_too": also,
            "our_later_decision": overruled,
            "toggled_off": toggled_off,
            "activity": source,
            "outside_the_team": {"group_assignee": kept, "listed": listed, "mirror_revision": revision},
        }),
    })
}

/// Another group of the work item follows at every change, to nobody too, like the first.
async fn also_followed(play: &Play) -> Result<Value> {
    let groups = format!("{}/projects/{}/groups", play.at, play.prop(Prop::Project)?);
    let other = play.api.post(&groups, &json!({"title": "The flour is late"})).await?;
    let other = format!("{}/groups/{}", play.at, text(&other["id"])?);
    let work_item: i64 = play.prop(Prop::WorkItem)?.parse()?;
    let link = json!({"installation": play.prop(Prop::Installation)?, "work_item": work_item});
    let link = play.api.post(&format!("{other}/links"), &link).await?;
    for person in [None, Some(play.scene.ada.clone()), Some(play.scene.grace.clone())] {
        let to = person.as_ref().map_or(Value::Null, |person| play.as_assignee(person));
        match &person {
            Some(person) => assign_there(play, person).await?,
            None => unassign_there(play).await?,
        };
        assigned(play, &to).await?;
        let shown = play.api.get(&other).await?["assignee"].clone();
        see!(shown == to, "the first linked group followed to {to}, the second has {shown}");
    }
    let last = play.api.get(&other).await?;
    play.api.delete(&format!("{}/links/{}", play.at, text(&link["id"])?)).await?;
    Ok(last)
}

/// What we decided later than Azure DevOps stands, though its delivery comes after.
async fn overruled(play: &Play) -> Result<Value> {
    let (ada, grace) = (play.scene.ada.clone(), play.scene.grace.clone());
    hold(play).await?;
    assign_there(play, &ada).await?;
    SystemClock.sleep(2 * <Decision>::TOLERANCE).await;
    let assignee = format!("{}/assignee", play.group_path()?);
    play.api.delete(&assignee).await?;
    play.api.put(&assignee, &play.as_assignee(&grace)).await?;
    release(play, &json!("in_order")).await?;
    mirrored(play).await?;
    let stands = play.group().await?["assignee"].clone();
    see!(stands == play.as_assignee(&grace), "an earlier change in Azure DevOps overruled ours: {stands}");
    Ok(json!({"azure": ada.name, "ours_later": stands}))
}

/// Where the installation does not let assignees in, the group keeps its own.
async fn toggled_off(play: &Play) -> Result<Value> {
    let installation = format!("{}/installations/{}", play.at, play.prop(Prop::Installation)?);
    let toggle = async |on: bool| play.api.patch(&installation, &json!({"toggles": {"inbound_assignee": on}})).await;
    let had = play.group().await?["assignee"].clone();
    toggle(false).await?;
    unassign_there(play).await?;
    let revision = mirrored(play).await;
    let kept = play.group().await?["assignee"].clone();
    toggle(true).await?;
    see!(kept == had, "the toggle is off, and the group followed from {had} to {kept}");
    Ok(json!({"kept": kept, "mirror_revision": revision?}))
}

/// Nobody is listed as unresolved for our link.
async fn nobody_waits(play: &Play) -> Result<()> {
    let list = play.api.get(&format!("{}/unresolved", play.at)).await?;
    let waiting = rows(&list).len();
    see!(waiting == 0, "everybody is known, and {waiting} links are listed as unresolved");
    Ok(())
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
