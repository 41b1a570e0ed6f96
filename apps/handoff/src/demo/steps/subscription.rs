//! Create Subscription, seen in what Azure DevOps holds.

use super::see;
use crate::demo::client::{Look, eventually, rows, text};
use crate::demo::play::{Play, Prop};
use crate::demo::report::Seen;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The events of which there is one subscription each.
const EVENTS: [&str; 3] = ["workitem.deleted", "workitem.restored", "workitem.updated"];

/// One subscription of each event, enabled and pointing at us; asking again makes no second.
pub(in crate::demo) async fn create_subscription(play: &mut Play) -> Result<Seen> {
    let hooks = play.connect().await?;
    let held = subscriptions(play).await?;
    check(play, &held)?;
    play.connect().await.context("connecting again")?;
    let again = subscriptions(play).await?;
    let ids = |list: &[Value]| -> BTreeSet<String> { list.iter().map(|one| one["id"].to_string()).collect() };
    see!(ids(&held) == ids(&again), "asking again changed the subscriptions: {:?}, then {:?}", ids(&held), ids(&again));
    let ours: BTreeSet<String> = hooks.iter().map(|hook| hook["subscription_id"].to_string()).collect();
    see!(ours == ids(&held), "our hooks name the subscriptions {ours:?}, Azure DevOps holds {:?}", ids(&held));
    let of_updates = |list: &[Value]| list.iter().find(|one| one["event_type"] == "workitem.updated").cloned();
    let updates = of_updates(&held).context("no subscription of workitem.updated")?;
    let hook = of_updates(&hooks).context("no hook of workitem.updated")?;
    play.keep(Prop::Subscription, &updates["id"])?;
    play.keep(Prop::WebhookUrl, &updates["consumer_inputs"]["url"])?;
    play.keep(Prop::Hook, &hook["id"])?;
    let answered = delivers(play, &updates["id"]).await?;
    Ok(Seen {
        words: format!("Azure DevOps holds {} subscriptions that deliver to {}", held.len(), play.url),
        evidence: json!({
            "id": updates["id"],
            "status": updates["status"],
            "url": updates["consumer_inputs"]["url"],
            "event_types": held.iter().map(|one| &one["event_type"]).collect::<Vec<_>>(),
            "subscriptions": held.iter().map(|one| &one["id"]).collect::<Vec<_>>(),
            "subscriptions_after_asking_again": again.len(),
            "delivery_answered": answered,
        }),
    })
}

/// What Azure DevOps brings through the subscription, with the secret that it was given, is let in.
async fn delivers(play: &Play, subscription: &Value) -> Result<Value> {
    let subscription = text(subscription)?;
    let unused = json!({"id": subscription, "eventType": "build.complete", "resource": {}});
    play.azure.post(&format!("/_sim/deliveries/raw/{subscription}"), &unused).await?;
    let path = format!("/_sim/subscriptions/{subscription}/notifications");
    eventually(play.patience, "a delivery through the subscription answered 200", async || {
        let list = play.azure.get(&path).await?;
        let status = rows(&list).last().map(|one| one["attempts"][0]["status"].clone()).unwrap_or_default();
        Ok(Look::at((status == 200).then(|| status.clone()), format!("answered {status}")))
    })
    .await
}

/// What the simulator holds for the project, by event.
async fn subscriptions(play: &Play) -> Result<Vec<Value>> {
    let list = play.azure.get("/_sim/subscriptions").await?;
    let of_project = |one: &&Value| one["publisher_inputs"]["projectId"] == play.scene.azure_project.as_str();
    let mut held: Vec<Value> = rows(&list).iter().filter(of_project).cloned().collect();
    held.sort_by_key(|one| one["event_type"].to_string());
    Ok(held)
}

fn check(play: &Play, held: &[Value]) -> Result<()> {
    let events: Vec<&str> = held.iter().filter_map(|one| one["event_type"].as_str()).collect();
    see!(events == EVENTS, "there are subscriptions of {events:?} instead of one of each of {EVENTS:?}");
    for one in held {
        let url = text(&one["consumer_inputs"]["url"])?;
        see!(one["status"] == "enabled", "a subscription is {}", one["status"]);
        see!(url.starts_with(&format!("{}/webhooks/vsts/", play.url)), "a subscription delivers to {url}");
    }
    Ok(())
}
