//! What the steps need between them: an installation, a guild with a route, an issue, a link.

use super::client::{rows, text};
use super::play::{Play, Prop};
use super::scene::PAT;
use super::steps::message::TITLE;
use anyhow::{Context, Result};
use serde_json::{Value, json};

impl Play {
    /// Installs the collection, and gives the project a route to the channel and an issue.
    pub(super) async fn furnish(&mut self) -> Result<()> {
        let install = json!({"base_url": self.scene.collection_url, "credential": PAT});
        let installation = self.api.post(&format!("{}/installations", self.at), &install).await?;
        let id = self.keep(Prop::Installation, &installation["id"])?;
        let toggles = json!({"toggles": {"inbound_assignee": true}});
        self.api.patch(&format!("{}/installations/{id}", self.at), &toggles).await?;
        self.api.post(&format!("{}/guilds", self.at), &json!({"id": self.scene.guild})).await?;
        self.add_issue(TITLE).await
    }

    /// A route of the project to the channel, and an issue with a card.
    async fn add_issue(&mut self, title: &str) -> Result<()> {
        let project = format!("{}/projects/{}", self.at, self.prop(Prop::Project)?);
        // Cards only until Assign: more than ten mentions a minute would be told in a summary instead.
        let route = json!({"channel_id": self.scene.channel, "mode": "card"});
        let route = self.api.post(&format!("{project}/routes"), &route).await?;
        self.keep(Prop::Route, &route["id"])?;
        let group = self.api.post(&format!("{project}/groups"), &json!({"title": title})).await?;
        self.keep(Prop::Group, &group["id"])?;
        Ok(())
    }

    /// Connects the Azure DevOps project; the answer is its hooks.
    pub(super) async fn connect(&self) -> Result<Vec<Value>> {
        let connect = format!("{}/installations/{}/projects", self.at, self.prop(Prop::Installation)?);
        let hooks = self.api.post(&connect, &json!({"azure_project": self.scene.azure_project})).await?;
        Ok(rows(&hooks).to_vec())
    }

    /// Makes a bug in Azure DevOps and links the issue with it.
    pub(super) async fn link_bug(&mut self, title: &str) -> Result<Value> {
        let bug = json!({"project": self.scene.azure_project, "work_item_type": "Bug", "title": title});
        let bug = self.azure.post("/_sim/work_items", &bug).await?;
        let number = bug["key"]["number"].clone();
        let link = json!({"installation": self.prop(Prop::Installation)?, "work_item": number});
        let link = self.api.post(&format!("{}/links", self.group_path()?), &link).await?;
        self.keep(Prop::WorkItem, &number)?;
        self.keep(Prop::Link, &link["id"])?;
        Ok(link)
    }

    /// After the play: the project that took the freed slug gets all of it once more, for people to click at.
    pub(super) async fn encore(&mut self) -> Result<()> {
        let project = self.api.get(&format!("{}/projects/backend", self.at)).await?;
        let project = self.keep(Prop::Project, &project["id"])?;
        let team = format!("{}/projects/{project}/teams/{}", self.at, text(&self.team)?);
        self.api.put(&team, &Value::Null).await?;
        self.connect().await.context("connecting again")?;
        self.add_issue("The mill squeaks").await?;
        self.link_bug("The mill squeaks").await.map(drop)
    }
}
