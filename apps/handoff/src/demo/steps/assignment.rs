//! Assign, Deassign and Invalidate Assignee-Exists Cache, seen through our API.

use super::message::card_naming;
use super::{armed, assigned, see, sent, unassign_there};
use crate::demo::client::text;
use crate::demo::play::{Play, Prop};
use crate::demo::report::Seen;
use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};

/// The assignee is read back with one entry of history, and the card and one mention are due; the same again says
/// nothing. Nobody is mentioned who did it, or who does not want it, and nobody gets it who is in no team.
pub(in crate::demo) async fn assign(play: &mut Play) -> Result<Seen> {
    let route = format!("{}/routes/{}", play.at, play.prop(Prop::Route)?);
    play.api.patch(&route, &json!({"mode": "card_and_ping"})).await?;
    let path = format!("{}/assignee", play.group_path()?);
    let to = play.as_assignee(&play.scene.ada);
    let quietly = unmentioned(play, &path).await?;
    sent(play).await?;
    let before = play.history().await?;
    let due_before = due(play).await?;
    let before_was = play.group().await?["assignee"].clone();
    play.api.put(&path, &to).await?;
    let shown = play.group().await?["assignee"].clone();
    let remembered = play.api.get(&path).await?;
    let after = play.history().await?;
    see!(remembered["remembered"] == true, "that it is assigned is not remembered: {remembered}");
    see!(shown == to, "{to} was assigned, and the group shows {shown}");
    see!(
        after.len() == before.len() + 1,
        "assigning took the history from {} entries to {}",
        before.len(),
        after.len()
    );
    let entry = after.first().cloned().context("there is no history")?;
    let right = entry["kind"] == "assigned" && entry["assignee"] == to && entry["previous"] == before_was;
    see!(right, "the newest entry of history is {entry}");
    let due_after = due(play).await?;
    let added_due = (due_after.0 - due_before.0, due_after.1 - due_before.1);
    see!(added_due == (1, 1), "assigning made {} cards and {} mentions due", added_due.0, added_due.1);
    sent(play).await?;
    let (messages, edits) = said(play).await?;
    play.api.put(&path, &to).await?;
    sent(play).await?;
    let (more_messages, more_edits) = said(play).await?;
    let added = json!({
        "activities": play.history().await?.len() - after.len(),
        "messages": more_messages - messages,
        "edits": more_edits - edits,
    });
    let quiet = ["activities", "messages", "edits"].iter().all(|what| added[what] == 0);
    see!(quiet, "assigning the same again said something: {added}");
    Ok(Seen {
        words: "Ada has it; one entry of history, and the same again says nothing".to_owned(),
        evidence: json!({
            "assignee": shown,
            "activity": entry,
            "activities_added": after.len() - before.len(),
            "due": {"cards": added_due.0, "mentions": added_due.1},
            "added_by_the_same_again": added,
            "without_a_mention": quietly,
        }),
    })
}

/// How many cards and mentions of the group were ever due.
async fn due(play: &Play) -> Result<(usize, usize)> {
    Ok((armed(play, "card").await?.len(), armed(play, "ping").await?.len()))
}

/// Ada takes it herself, Grace does not want to hear of it, Barbara is in no team of the project.
async fn unmentioned(play: &Play, path: &str) -> Result<Value> {
    let (ada, grace) = (play.as_assignee(&play.scene.ada), play.as_assignee(&play.scene.grace));
    play.api.put(path, &grace).await?;
    sent(play).await?;
    let mentions = armed(play, "ping").await?.len();
    play.api.put(path, &json!({"type": "user", "id": ada["id"], "by": ada["id"]})).await?;
    let own = armed(play, "ping").await?.len() - mentions;
    see!(own == 0, "Ada is mentioned for her own action");
    let project = format!("{}/projects/{}", play.at, play.prop(Prop::Project)?);
    let setting = format!("{project}/notification-settings/{}", play.user(&play.scene.grace));
    play.api.put(&setting, &json!({"mention": false})).await?;
    play.api.put(path, &grace).await?;
    let muted = armed(play, "ping").await?.len() - mentions;
    play.api.put(&setting, &json!({"mention": true})).await?;
    see!(muted == 0, "Grace does not want to be mentioned, and is");
    let outsider = play.as_assignee(&play.scene.barbara);
    let refused = play.api.ask(Method::PUT, path, Some(&outsider)).await?.status;
    see!(refused == 422, "assigning somebody who is in no team of the project was answered {refused}");
    Ok(json!({"own_action": own, "muted": muted, "outsider_status": refused}))
}

/// How many messages there are, and how often they were edited.
async fn said(play: &Play) -> Result<(i64, i64)> {
    let messages = play.messages().await?;
    Ok((i64::try_from(messages.len())?, messages.iter().filter_map(|one| one["edits"].as_i64()).sum()))
}

/// Unassigned in Azure DevOps: the assignee is gone, the history says so, and the card shows nobody. So it is
/// through our API.
pub(in crate::demo) async fn deassign(play: &mut Play) -> Result<Seen> {
    let before = play.history().await?;
    let had = play.group().await?["assignee"].clone();
    see!(!had.is_null(), "the group has no assignee to take away");
    unassign_there(play).await?;
    assigned(play, &Value::Null).await?;
    let after = play.history().await?;
    let entry = after.first().cloned().unwrap_or_default();
    see!(after.len() == before.len() + 1 && entry["kind"] == "unassigned", "the newest entry of history is {entry}");
    let shown = card_naming(play, "Nobody").await?;
    let same = text(&shown["id"])? == play.prop(Prop::Card)?;
    see!(same, "the card became another message: {shown}");
    let here = deassigned_here(play).await?;
    Ok(Seen {
        words: "nobody has it; the history says so, and so does the card".to_owned(),
        evidence: json!({"had": had, "assignee": null, "activity": entry, "card": shown, "through_our_api": here}),
    })
}

/// Taken away through our API: one entry of history, and a second time says nothing.
async fn deassigned_here(play: &Play) -> Result<Value> {
    let path = format!("{}/assignee", play.group_path()?);
    play.api.put(&path, &play.as_assignee(&play.scene.grace)).await?;
    card_naming(play, play.scene.grace.name).await?;
    let before = play.history().await?.len();
    for time in ["once", "a second time"] {
        play.api.delete(&path).await?;
        let (shown, history) = (play.group().await?["assignee"].clone(), play.history().await?);
        see!(shown.is_null(), "taken away {time}, the group shows {shown}");
        let right = history.len() == before + 1 && history[0]["kind"] == "unassigned";
        see!(right, "taken away {time}, {} entries of history were added", history.len() - before);
    }
    let card = card_naming(play, "Nobody").await?;
    Ok(json!({"activity": play.history().await?[0], "card": card}))
}

/// The cache remembers for 24 h that there is an assignee, and forgets it with the change.
pub(in crate::demo) async fn invalidate_assignee_exists_cache(play: &mut Play) -> Result<Seen> {
    let path = format!("{}/assignee", play.group_path()?);
    let to = play.as_assignee(&play.scene.grace);
    play.api.put(&path, &to).await?;
    let before = play.api.get(&path).await?;
    play.api.delete(&path).await?;
    let at_once = play.api.get(&path).await?;
    let again = play.api.get(&path).await?;
    let is = |answer: &Value, assigned: bool, remembered: bool| {
        answer["assigned"] == assigned && answer["remembered"] == remembered
    };
    see!(is(&before, true, true), "the cache did not remember the assignee: {before}");
    see!(is(&at_once, false, false), "the cache was not forgotten at once: {at_once}");
    see!(is(&again, false, true), "the cache was not filled again: {again}");
    Ok(Seen {
        words: "remembered as assigned; forgotten at once when taken away, and filled anew".to_owned(),
        evidence: json!({"while_assigned": before, "at_once_after": at_once, "asked_again": again}),
    })
}
