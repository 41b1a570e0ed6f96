//! Assign, Deassign and Invalidate Assignee-Exists Cache, seen through our API.

use super::message::card_naming;
use super::{assigned, see, sent, unassign_there};
use crate::demo::client::text;
use crate::demo::play::{Play, Prop};
use crate::demo::report::Seen;
use anyhow::{Context, Result};
use serde_json::{Value, json};

/// The assignee is read back with one entry of history; the same again says nothing.
pub(in crate::demo) async fn assign(play: &mut Play) -> Result<Seen> {
    let path = format!("{}/assignee", play.group_path()?);
    let to = play.as_assignee(&play.scene.ada);
    let before = play.history().await?;
    play.api.put(&path, &to).await?;
    let shown = play.group().await?["assignee"].clone();
    let after = play.history().await?;
    see!(shown == to, "{to} was assigned, and the group shows {shown}");
    see!(
        after.len() == before.len() + 1,
        "assigning took the history from {} entries to {}",
        before.len(),
        after.len()
    );
    let entry = after.first().cloned().context("there is no history")?;
    see!(entry["kind"] == "assigned", "the newest entry of history is {entry}");
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
            "added_by_the_same_again": added,
        }),
    })
}

/// How many messages there are, and how often they were edited.
async fn said(play: &Play) -> Result<(i64, i64)> {
    let messages = play.messages().await?;
    Ok((i64::try_from(messages.len())?, messages.iter().filter_map(|one| one["edits"].as_i64()).sum()))
}

/// Unassigned in Azure DevOps: the assignee is gone, the history says so, and the card shows nobody.
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
    Ok(Seen {
        words: "nobody has it; the history says so, and so does the card".to_owned(),
        evidence: json!({"had": had, "assignee": null, "activity": entry, "card": shown}),
    })
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
