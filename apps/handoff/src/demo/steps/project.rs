//! Save Project and Delete Project, seen through our API, the hooks in Azure DevOps and the card in Discord.

use super::message::card;
use super::see;
use crate::demo::client::{Look, eventually, rows, text};
use crate::demo::play::{Play, Prop};
use crate::demo::report::Seen;
use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};

/// The slug is found from the name; a second project of the name gets another.
pub(in crate::demo) async fn save_project(play: &mut Play) -> Result<Seen> {
    let projects = format!("{}/projects", play.at);
    let first = play.api.post(&projects, &json!({"name": "Backend", "teams": [play.team]})).await?;
    let second = play.api.post(&projects, &json!({"name": "Backend"})).await?;
    let listed = play.api.get(&projects).await?;
    let slugs: Vec<&Value> = rows(&listed).iter().map(|one| &one["slug"]).collect();
    see!(first["slug"] == "backend", "the name Backend became the slug {}", first["slug"]);
    see!(second["slug"] != first["slug"], "two projects have the slug {}", first["slug"]);
    see!(slugs.contains(&&first["slug"]) && slugs.contains(&&second["slug"]), "the list shows {slugs:?} only");
    play.keep(Prop::Project, &first["id"])?;
    Ok(Seen {
        words: format!("two projects named Backend got the slugs {} and {}", first["slug"], second["slug"]),
        evidence: json!({"project": first, "second_of_the_same_name": second}),
    })
}

/// Hidden at once and its slug free; later hooks, rows and cards are gone too.
pub(in crate::demo) async fn delete_project(play: &mut Play) -> Result<Seen> {
    let project = format!("{}/projects/{}", play.at, play.prop(Prop::Project)?);
    let before = play.api.get(&project).await?;
    let deleted = play.api.ask(Method::DELETE, &project, None).await?.status;
    let after = play.api.ask(Method::GET, &project, None).await?.status;
    see!(deleted == 202 && after == 404, "deleting was answered {deleted}, and then showing it {after}");
    let heir = play.api.post(&format!("{}/projects", play.at), &json!({"name": before["name"]})).await?;
    see!(heir["slug"] == before["slug"], "the slug {} is not free: the next got {}", before["slug"], heir["slug"]);
    let things = gone(play).await?;
    let hooks = hooks_gone(play).await?;
    let closed = closed_card(play).await?;
    Ok(Seen {
        words: format!("404 at once, {} free again; hooks deleted in Azure DevOps, card closed", before["slug"]),
        evidence: json!({
            "deleted": before["id"],
            "delete_status": deleted,
            "status_at_once": after,
            "slug_taken_by": heir,
            "gone": things,
            "subscriptions_left": hooks,
            "card": closed,
        }),
    })
}

/// Group, link and route answer 404.
async fn gone(play: &Play) -> Result<Value> {
    let mut statuses = serde_json::Map::new();
    for (what, path, prop) in
        [("group", "groups", Prop::Group), ("link", "links", Prop::Link), ("route", "routes", Prop::Route)]
    {
        let path = format!("{}/{path}/{}", play.at, play.prop(prop)?);
        let status = eventually(play.patience, &format!("no {what}"), async || {
            let status = play.api.ask(Method::GET, &path, None).await?.status;
            Ok(Look::at((status == 404).then_some(status), format!("status {status}")))
        })
        .await?;
        statuses.insert(what.to_owned(), status.into());
    }
    Ok(statuses.into())
}

/// The simulator holds no subscription of ours, and we no hook of the installation.
async fn hooks_gone(play: &Play) -> Result<usize> {
    let hooks = format!("{}/installations/{}/hooks", play.at, play.prop(Prop::Installation)?);
    eventually(play.patience, "no subscription in Azure DevOps and no hook of ours", async || {
        let theirs = play.azure.get("/_sim/subscriptions").await?;
        let ours = play.api.get(&hooks).await?;
        let none = rows(&theirs).is_empty() && rows(&ours).is_empty();
        Ok(Look::at(none.then_some(0), json!({"theirs": theirs, "ours": ours})))
    })
    .await
}

/// The card is the same message and says that it is closed.
async fn closed_card(play: &Play) -> Result<Value> {
    let id = play.prop(Prop::Card)?;
    eventually(play.patience, "a closed card", async || {
        let shown = card(play).await?;
        let Some(shown) = shown else { return Ok(Look::NotYet("no card".to_owned())) };
        let closed = shown["status"] == "Closed" && text(&shown["id"])? == id;
        Ok(Look::at(closed.then(|| shown.clone()), &shown))
    })
    .await
}
