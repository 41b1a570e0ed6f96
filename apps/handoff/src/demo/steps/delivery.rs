//! Post and Handle Updated Workitem, seen in what Azure DevOps says of its delivery and what we stored of it.

use super::{mirrored, see};
use crate::demo::client::{Look, eventually, rows, text};
use crate::demo::play::{Play, Prop};
use crate::demo::report::Seen;
use anyhow::{Context, Result};
use serde_json::{Value, json};

/// The title that the work item gets.
const TITLE: &str = "The mill stops at noon";

/// A change is delivered, answered 200, and stored; a wrong secret and none are answered 401.
pub(in crate::demo) async fn post(play: &mut Play) -> Result<Seen> {
    let url = play.prop(Prop::WebhookUrl)?.to_owned();
    play.link_bug("The mill stops").await?;
    play.change_work_item(&json!({"fields": {"System.Title": TITLE}})).await?;
    let notification = delivered(play).await?;
    let event = text(&notification["event_id"])?;
    let (delivery, payload) = stored(play, &event).await?;
    let title = &payload["resource"]["revision"]["fields"]["System.Title"];
    see!(*title == TITLE, "the stored payload says the title {title}");
    let wrong = play.api.deliver(&url, Some("wrong"), &payload.to_string()).await?;
    let none = play.api.deliver(&url, None, &payload.to_string()).await?;
    see!((wrong, none) == (401, 401), "a wrong secret was answered {wrong}, and none {none}");
    play.keep(Prop::Delivery, &delivery["id"])?;
    Ok(Seen {
        words: "Azure DevOps delivered, was answered 200, and it is stored; a wrong secret is answered 401".to_owned(),
        evidence: json!({
            "notification": {
                "id": notification["id"],
                "event_id": event,
                "result": notification["result"],
                "status": notification["attempts"][0]["status"],
            },
            "delivery": without_payload(&delivery),
            "wrong_secret_status": wrong,
            "no_secret_status": none,
        }),
    })
}

/// The delivery is applied, and our mirror is where Azure DevOps is.
pub(in crate::demo) async fn handle_updated_workitem(play: &mut Play) -> Result<Seen> {
    let path = format!("{}/deliveries/{}", play.at, play.prop(Prop::Delivery)?);
    let delivery = eventually(play.patience, "the delivery applied", async || {
        let delivery = play.api.get(&path).await?;
        let state = delivery["state"].clone();
        Ok(Look::at((state == "applied").then_some(delivery), state))
    })
    .await?;
    let revision = mirrored(play).await?;
    let mirror = play.link().await?["work_item"].clone();
    see!(mirror["title"] == TITLE, "the mirror has the title {}", mirror["title"]);
    Ok(Seen {
        words: format!("the delivery is applied; revision {revision} of #{} here and there", mirror["number"]),
        evidence: json!({
            "delivery": without_payload(&delivery),
            "mirror_revision": revision,
            "azure_revision": play.work_item().await?["rev"],
            "mirror": mirror,
        }),
    })
}

/// The latest notification of our subscription, once Azure DevOps has its answer.
async fn delivered(play: &Play) -> Result<Value> {
    let path = format!("/_sim/subscriptions/{}/notifications", play.prop(Prop::Subscription)?);
    let last = eventually(play.patience, "a finished notification in Azure DevOps", async || {
        let list = play.azure.get(&path).await?;
        let last = rows(&list).last().cloned().unwrap_or_default();
        let finished = last["status"] == "completed";
        Ok(Look::at(finished.then(|| last.clone()), last))
    })
    .await?;
    let status = &last["attempts"][0]["status"];
    see!(last["result"] == "succeeded" && *status == 200, "the delivery {}: it was answered {status}", last["result"]);
    Ok(last)
}

/// Our delivery of this event, with its payload.
async fn stored(play: &Play, event: &str) -> Result<(Value, Value)> {
    let list = play.api.get(&format!("{}/deliveries", play.at)).await?;
    for one in rows(&list).iter().filter(|one| one["hook"] == play.prop(Prop::Hook).unwrap_or_default()) {
        let shown = play.api.get(&format!("{}/deliveries/{}", play.at, text(&one["id"])?)).await?;
        let payload: Value = serde_json::from_str(&text(&shown["payload"])?).context("a stored payload is no JSON")?;
        if payload["id"] == event {
            return Ok((shown, payload));
        }
    }
    anyhow::bail!("the event {event} was answered 200 and is not among our deliveries")
}

/// The payload of the newest delivery of the work item.
pub(super) async fn newest_payload(play: &Play) -> Result<Value> {
    let list = play.api.get(&format!("{}/deliveries", play.at)).await?;
    let newest = rows(&list).first().context("there is no delivery")?;
    let shown = play.api.get(&format!("{}/deliveries/{}", play.at, text(&newest["id"])?)).await?;
    serde_json::from_str(&text(&shown["payload"])?).context("a stored payload is no JSON")
}

fn without_payload(delivery: &Value) -> Value {
    let mut shown = delivery.clone();
    if let Some(shown) = shown.as_object_mut() {
        shown.remove("payload");
    }
    shown
}
