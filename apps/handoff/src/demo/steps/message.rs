//! Send Message, seen in the channel: the card, the ping, and the same card after a change.

use super::{assign_there, assigned, see, sent};
use crate::demo::client::{Look, eventually, text};
use crate::demo::play::{Play, Prop};
use crate::demo::report::Seen;
use crate::demo::scene::Person;
use anyhow::{Context, Result};
use serde_json::{Value, json};

/// The title of the issue.
pub(in crate::demo) const TITLE: &str = "The mill stops";

/// The card names the assignee and one ping mentions them; after a change the same card names another, and whom
/// we do not know.
pub(in crate::demo) async fn send_message(play: &mut Play) -> Result<Seen> {
    let (ada, grace) = (play.scene.ada.clone(), play.scene.grace.clone());
    let first = card_naming(play, ada.name).await?;
    let pinged = ping(play, &ada, 0).await?;
    let said = play.messages().await?.len();
    assign_there(play, &grace).await?;
    assigned(play, &play.as_assignee(&grace)).await?;
    let second = card_naming(play, grace.name).await?;
    let pinged_again = ping(play, &grace, said).await?;
    sent(play).await?;
    let added = play.messages().await?.len() - said;
    see!(added == 1, "reassigning added {added} messages instead of one mention");
    see!(first["id"] == second["id"], "the card became another message: {first}, then {second}");
    see!(second["edits"].as_i64() > first["edits"].as_i64(), "the card was not edited: {second}");
    see!(second["title"].as_str().is_some_and(|title| title.ends_with(TITLE)), "the card has no title: {second}");
    let not_mapped = not_mapped(play).await?;
    play.keep(Prop::Card, &first["id"])?;
    Ok(Seen {
        words: "the card names Ada and a ping mentions her; reassigned, the same card names Grace".to_owned(),
        evidence: json!({
            "channel": play.scene.channel,
            "card": first,
            "ping": pinged,
            "card_after_reassign": second,
            "ping_after_reassign": pinged_again,
            "card_with_a_stranger": not_mapped,
            "same_message": first["id"] == second["id"],
        }),
    })
}

/// A stranger has the work item: the card's line of it says so, with its title and state.
async fn not_mapped(play: &Play) -> Result<Value> {
    let konrad = play.scene.konrad.clone();
    let there = assign_there(play, &konrad).await?;
    let field = |name: &str| there["fields"][name].as_str().unwrap_or_default().to_owned();
    let parts = [field("System.Title"), field("System.State"), format!("Azure: {} (not mapped)", konrad.name)];
    eventually(play.patience, &format!("the card with {parts:?}"), async || {
        let Some(card) = card(play).await? else { return Ok(Look::NotYet("no card".to_owned())) };
        let line = card["work_items"].as_str().unwrap_or_default();
        let all = parts.iter().all(|part| !part.is_empty() && line.contains(part.as_str()));
        Ok(Look::at(all.then(|| card.clone()), &card))
    })
    .await
}

/// The group's card, or that of the group that was: id, title, assignee, status, and how often it was edited.
pub(super) async fn card(play: &Play) -> Result<Option<Value>> {
    let messages = play.messages().await?;
    let title = |one: &Value| one["embeds"][0]["title"].as_str().unwrap_or_default().to_owned();
    let found = messages.iter().find(|one| title(one).starts_with("BACKEND-1"));
    Ok(found.map(|one| {
        let value = |name: &str| {
            let fields = one["embeds"][0]["fields"].as_array().into_iter().flatten();
            fields.clone().find(|field| field["name"] == name).map(|field| field["value"].clone()).unwrap_or_default()
        };
        json!({
            "id": one["id"],
            "title": title(one),
            "assignee": value("Assignee"),
            "status": value("Status"),
            "work_items": value("Work items"),
            "edits": one["edits"],
        })
    }))
}

/// Waits until the card names them.
pub(super) async fn card_naming(play: &Play, name: &str) -> Result<Value> {
    eventually(play.patience, &format!("the card naming {name}"), async || {
        let Some(card) = card(play).await? else { return Ok(Look::NotYet("no card".to_owned())) };
        let names = card["assignee"].as_str().is_some_and(|assignee| assignee.starts_with(name));
        Ok(Look::at(names.then(|| card.clone()), &card))
    })
    .await
}

/// Waits for a message after the first so many that mentions this person, explicitly and nobody else.
async fn ping(play: &Play, person: &Person, after: usize) -> Result<Value> {
    let mention = format!("<@{}>", person.discord);
    let found = eventually(play.patience, &format!("a ping of {}", person.name), async || {
        let messages = play.messages().await?;
        let later = messages.get(after..).unwrap_or_default();
        let says = |one: &&Value| one["content"].as_str().is_some_and(|content| content.contains(&mention));
        Ok(Look::at(later.iter().rev().find(says).cloned(), json!(later)))
    })
    .await?;
    let notified = found["pings"]["users"].as_array().context("no pings")?;
    let only = notified.len() == 1 && text(&notified[0])? == person.discord && found["pings"]["everyone"] == false;
    see!(only, "the ping of {} notified {}", person.name, found["pings"]);
    Ok(json!({"id": found["id"], "content": found["content"], "mentions": found["mentions"], "notified": notified}))
}
