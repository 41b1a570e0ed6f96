//! Save Project and Delete Project, seen through our API, the hooks in Azure DevOps and the card in Discord.

use super::message::card;
use super::see;
use crate::demo::client::{Look, eventually, rows, text};
use crate::demo::play::{Play, Prop};
use crate::demo::report::Seen;
use anyhow::Result;
use handoff_domain::snowflake::Snowflake;
use reqwest::Method;
use serde_json::{Value, json};

/// The slug is found from the name; a second project of the name gets another; a chosen one is kept.
pub(in crate::demo) async fn save_project(play: &mut Play) -> Result<Seen> {
    let projects = format!("{}/projects", play.at);
    let first = play.api.post(&projects, &json!({"name": "Backend", "teams": [play.team]})).await?;
    let snowflake = first["id"].as_i64().and_then(Snowflake::parse);
    let second = play.api.post(&projects, &json!({"name": "Backend"})).await?;
    let listed = play.api.get(&projects).await?;
    let slugs: Vec<&Value> = rows(&listed).iter().map(|one| &one["slug"]).collect();
    see!(first["name"] == "Backend", "the project Backend was saved as {}", first["name"]);
    see!(snowflake.is_some(), "the project got the id {}, which is no snowflake id", first["id"]);
    see!(first["slug"] == "backend", "the name Backend became the slug {}", first["slug"]);
    see!(second["slug"] != first["slug"], "two projects have the slug {}", first["slug"]);
    see!(slugs.contains(&&first["slug"]) && slugs.contains(&&second["slug"]), "the list shows {slugs:?} only");
    let chosen = chosen_slug(play, &projects).await?;
    play.keep(Prop::Project, &first["id"])?;
    Ok(Seen {
        words: format!("two projects named Backend got the slugs {} and {}", first["slug"], second["slug"]),
        evidence: json!({"project": first, "second_of_the_same_name": second, "with_a_chosen_slug": chosen}),
    })
}

/// A project with a slug of its own choice; the same slug again is a conflict.
async fn chosen_slug(play: &Play, projects: &str) -> Result<Value> {
    let wanted = json!({"name": "Backend", "slug": "engine-room"});
    let made = play.api.post(projects, &wanted).await?;
    see!(made["slug"] == wanted["slug"], "the chosen slug {} became {}", wanted["slug"], made["slug"]);
    let again = play.api.ask(Method::POST, projects, Some(&wanted)).await?.status;
    see!(again == 409, "a second project of the slug {} was answered {again}", wanted["slug"]);
    Ok(made)
}

/// Hidden at once and its slug free; later hooks, rows and cards are gone too, and at last the id is free.
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
    let id_free = id_free(play, &before["id"]).await?;
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
            "giving_its_id_again": id_free,
        }),
    })
}

/// Nothing of the project is left: an import may have its id.
async fn id_free(play: &Play, id: &Value) -> Result<u16> {
    let import = json!({"name": "Imported again", "id": id});
    eventually(play.patience, "the id of the deleted project free", async || {
        let status = play.api.ask(Method::POST, &format!("{}/projects", play.at), Some(&import)).await?.status;
        Ok(Look::at((status == 201).then_some(status), format!("status {status}")))
    })
    .await
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
