//! Post and Handle Updated Workitem, seen in what Azure DevOps says of its delivery and what we stored of it.

use super::{hold, mirrored, release, see};
use crate::demo::client::{Look, eventually, rows, text};
use crate::demo::play::{Play, Prop};
use crate::demo::report::Seen;
use anyhow::{Context, Result};
use serde_json::{Value, json};

/// The title that the work item gets.
const TITLE: &str = "The mill stops at noon";
/// The title that it gets after that.
const LATER_TITLE: &str = "The mill stops at two";

/// A change is delivered twice, answered 200, and stored once; a wrong secret and none are answered 401; what is
/// of another collection is stored aside.
pub(in crate::demo) async fn post(play: &mut Play) -> Result<Seen> {
    let url = play.prop(Prop::WebhookUrl)?.to_owned();
    play.link_bug("The mill stops").await?;
    hold(play).await?;
    play.change_work_item(&json!({"fields": {"System.Title": TITLE}})).await?;
    release(play, &json!({"permutation": [0, 0]})).await?;
    let notification = delivered(play).await?;
    let event = text(&notification["event_id"])?;
    let (delivery, payload) = stored(play, &event).await?;
    see!(delivery["state"] != "quarantined", "the delivery is quarantined: {}", delivery["reason"]);
    let title = &payload["resource"]["revision"]["fields"]["System.Title"];
    see!(*title == TITLE, "the stored payload says the title {title}");
    let wrong = play.api.deliver(&url, Some("wrong"), &payload.to_string()).await?;
    let none = play.api.deliver(&url, None, &payload.to_string()).await?;
    see!((wrong, none) == (401, 401), "a wrong secret was answered {wrong}, and none {none}");
    let repeated = repeated(play, &delivery["id"]).await?;
    let foreign = foreign(play, &payload).await?;
    play.keep(Prop::Delivery, &delivery["id"])?;
    Ok(Seen {
        words: "Azure DevOps delivered, was answered 200, and it is stored once; a wrong secret is answered 401"
            .to_owned(),
        evidence: json!({
            "notification": {
                "id": notification["id"],
                "event_id": event,
                "result": notification["result"],
                "status": notification["attempts"][0]["status"],
            },
            "delivery": without_payload(&delivery),
            "after_it_came_again": repeated,
            "of_another_collection": foreign,
            "wrong_secret_status": wrong,
            "no_secret_status": none,
        }),
    })
}

/// The delivery, once it came a second time: it counts that, and there is no other of the work item.
async fn repeated(play: &Play, id: &Value) -> Result<Value> {
    let path = format!("{}/deliveries/{}", play.at, text(id)?);
    let shown = eventually(play.patience, "the same delivery a second time", async || {
        let shown = without_payload(&play.api.get(&path).await?);
        let list = play.api.get(&format!("{}/deliveries", play.at)).await?;
        let rows = rows(&list).iter().filter(|one| one["work_item"] == shown["work_item"]).count();
        let once = shown["duplicates"] == 1 && rows == 1;
        Ok(Look::at(once.then(|| shown.clone()), format!("{rows} deliveries of the work item, one of them {shown}")))
    })
    .await?;
    Ok(shown)
}

/// A delivery with a collection that is not the hook's is answered 200 and never applied.
async fn foreign(play: &Play, payload: &Value) -> Result<Value> {
    let mut foreign = payload.clone();
    foreign["id"] = json!("ffffffff-0000-4000-8000-000000000000");
    foreign["resourceContainers"]["collection"]["id"] = json!("ffffffff-0000-4000-8000-000000000001");
    play.azure.post(&format!("/_sim/deliveries/raw/{}", play.prop(Prop::Subscription)?), &foreign).await?;
    let (stored, _) = eventually(play.patience, "the delivery of another collection", async || {
        Ok(Look::at(find_stored(play, &foreign["id"]).await?, "not stored"))
    })
    .await?;
    see!(stored["state"] == "quarantined", "a delivery of another collection is {}", stored["state"]);
    Ok(without_payload(&stored))
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
    let late = reversed(play).await?;
    let unlinked = unlinked(play).await?;
    Ok(Seen {
        words: format!(
            "the delivery is applied; revision {revision} of #{} here and there; a late one is superseded",
            mirror["number"]
        ),
        evidence: json!({
            "delivery": without_payload(&delivery),
            "mirror_revision": revision,
            "azure_revision": play.work_item().await?["rev"],
            "mirror": mirror,
            "reversed": late,
            "unlinked": unlinked,
        }),
    })
}

/// Two changes whose deliveries arrive in the wrong order: the mirror stays at the later one.
async fn reversed(play: &Play) -> Result<Value> {
    hold(play).await?;
    play.change_work_item(&json!({"fields": {"System.Title": "The mill stops at one"}})).await?;
    play.change_work_item(&json!({"fields": {"System.Title": LATER_TITLE, "System.State": "Resolved"}})).await?;
    release(play, &json!("reversed")).await?;
    let late = eventually(play.patience, "the late delivery superseded", async || {
        let list = play.api.get(&format!("{}/deliveries", play.at)).await?;
        let newest = rows(&list).first().cloned().unwrap_or_default();
        let before = rows(&list).get(1).cloned().unwrap_or_default();
        let ended = newest["state"] == "superseded" && before["state"] == "applied";
        Ok(Look::at(ended.then(|| newest.clone()), json!([newest["state"], before["state"]])))
    })
    .await?;
    mirrored(play).await?;
    let mirror = play.link().await?["work_item"].clone();
    let later = mirror["title"] == LATER_TITLE && mirror["state"] == "Resolved";
    see!(later, "after a late delivery the mirror is {mirror}");
    Ok(json!({"late_delivery": late, "mirror": mirror}))
}

/// A change of a work item that no group is linked with is stored and ignored.
async fn unlinked(play: &Play) -> Result<Value> {
    let bug = json!({"project": play.scene.azure_project, "work_item_type": "Bug", "title": "The sieve leaks"});
    let number = play.azure.post("/_sim/work_items", &bug).await?["key"]["number"].clone();
    let path = format!("/_sim/work_items/{}/{number}", play.scene.collection);
    play.azure.patch(&path, &json!({"fields": {"System.Title": "The sieve leaks flour"}})).await?;
    eventually(play.patience, "the delivery of an unlinked work item ignored", async || {
        let list = play.api.get(&format!("{}/deliveries", play.at)).await?;
        let found = rows(&list).iter().find(|one| one["work_item"] == number).cloned().unwrap_or_default();
        Ok(Look::at((found["state"] == "ignored").then(|| found.clone()), &found))
    })
    .await
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
    let found = find_stored(play, &json!(event)).await?;
    found.with_context(|| format!("the event {event} was answered 200 and is not among our deliveries"))
}

async fn find_stored(play: &Play, event: &Value) -> Result<Option<(Value, Value)>> {
    let list = play.api.get(&format!("{}/deliveries", play.at)).await?;
    for one in rows(&list).iter().filter(|one| one["hook"] == play.prop(Prop::Hook).unwrap_or_default()) {
        let shown = play.api.get(&format!("{}/deliveries/{}", play.at, text(&one["id"])?)).await?;
        let payload: Value = serde_json::from_str(&text(&shown["payload"])?).context("a stored payload is no JSON")?;
        if payload["id"] == *event {
            return Ok(Some((shown, payload)));
        }
    }
    Ok(None)
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
