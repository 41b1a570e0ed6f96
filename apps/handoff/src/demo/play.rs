//! The play: an outside client walks through the flow over HTTP, and looks at what both sides show.

use super::client::{Http, rows, text};
use super::report::{Ended, Report, Seen, Step};
use super::scene::{Person, Scene};
use super::stage::Stage;
use super::steps;
use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// What an earlier part of the play made that a later one needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Prop {
    Project,
    Group,
    Installation,
    Route,
    Link,
    WorkItem,
    Hook,
    WebhookUrl,
    Subscription,
    Delivery,
    Card,
}

/// One performance.
pub(super) struct Play {
    pub(super) azure: Http,
    pub(super) discord: Http,
    /// Our API, below `/api/v1`.
    pub(super) api: Http,
    /// Where the instance is.
    pub(super) url: String,
    pub(super) scene: Scene,
    pub(super) patience: Duration,
    /// The path of our organization.
    pub(super) at: String,
    pub(super) team: Value,
    /// Our users, by the address of the person.
    users: BTreeMap<&'static str, Value>,
    props: BTreeMap<Prop, String>,
    /// Why something between the steps could not be made.
    trouble: Option<String>,
}

/// Plays every step on the stage; `tell` hears how each ended, as it ends. Waits at most `patience` for
/// anything.
///
/// # Errors
/// When the play could not even begin.
pub async fn play(stage: &Stage, patience: Duration, tell: impl FnMut(Step, &Ended)) -> Result<Report> {
    Ok(Play::begin(stage, patience).await?.perform_all(tell).await)
}

impl Play {
    /// Sets the scene, and makes an organization with its people and a team.
    pub(super) async fn begin(stage: &Stage, patience: Duration) -> Result<Self> {
        Self::set(stage, patience).await.context("the scene could not be set")
    }

    async fn set(stage: &Stage, patience: Duration) -> Result<Self> {
        let azure = Http::new(stage.azure.base_url(), None)?;
        let discord = Http::new(stage.discord.base_url(), None)?;
        let api = Http::new(format!("{}/api/v1", stage.url()), Some(stage.token.expose()))?;
        let scene = Scene::set(&azure, &discord).await?;
        let organization = api.post("/organizations", &json!({"name": "Contoso", "issue_sync": true})).await?;
        let at = format!("/organizations/{}", text(&organization["id"])?);
        let team = api.post(&format!("{at}/teams"), &json!({"name": "Engines"})).await?["id"].clone();
        let (users, props) = (BTreeMap::new(), BTreeMap::new());
        let mut play =
            Self { azure, discord, api, url: stage.url(), scene, patience, at, team, users, props, trouble: None };
        for (person, in_team) in
            [(play.scene.ada.clone(), true), (play.scene.grace.clone(), true), (play.scene.barbara.clone(), false)]
        {
            play.invite(&person, in_team).await?;
        }
        Ok(play)
    }

    async fn invite(&mut self, person: &Person, in_team: bool) -> Result<()> {
        let emails = json!([{"address": person.address, "verified": true}]);
        let user = json!({"name": person.name, "emails": emails, "discord_id": person.discord});
        let id = self.api.post(&format!("{}/users", self.at), &user).await?["id"].clone();
        if in_team {
            let member = format!("{}/teams/{}/members/{id}", self.at, self.team);
            self.api.put(&member, &Value::Null).await?;
        }
        self.users.insert(person.address, id);
        Ok(())
    }

    /// Plays every step; a step that fails stops none of those that can do without it.
    pub(super) async fn perform_all(&mut self, mut tell: impl FnMut(Step, &Ended)) -> Report {
        let mut report = Report::default();
        for step in Step::PLAYED {
            if step == Step::CreateSubscription
                && let Err(error) = self.furnish().await
            {
                self.trouble = Some(format!("{error:#}"));
            }
            let ended = self.perform(step).await.map_err(|error| format!("{error:#}"));
            tell(step, &ended);
            report.add(step, ended);
        }
        report
    }

    async fn perform(&mut self, step: Step) -> Result<Seen> {
        match step {
            Step::SaveProject => steps::project::save_project(self).await,
            Step::SaveWithSnowflakeId => steps::snowflake::save_with_snowflake_id(self).await,
            Step::GenerateSnowflakeId => steps::snowflake::generate_snowflake_id(self).await,
            Step::CreateSubscription => steps::subscription::create_subscription(self).await,
            Step::Post => steps::delivery::post(self).await,
            Step::HandleUpdatedWorkitem => steps::delivery::handle_updated_workitem(self).await,
            Step::HandleAssignTo => steps::inbound::handle_assign_to(self).await,
            Step::SyncGroupAssigneeInbound => steps::inbound::sync_group_assignee_inbound(self).await,
            Step::Assign => steps::assignment::assign(self).await,
            Step::SendMessage => steps::message::send_message(self).await,
            Step::Deassign => steps::assignment::deassign(self).await,
            Step::InvalidateAssigneeExistsCache => steps::assignment::invalidate_assignee_exists_cache(self).await,
            Step::DeleteProject => steps::project::delete_project(self).await,
        }
    }

    /// What an earlier step made.
    pub(super) fn prop(&self, prop: Prop) -> Result<&str> {
        let found = self.props.get(&prop).map(String::as_str);
        let trouble = self.trouble.as_ref().map(|trouble| format!(" ({trouble})")).unwrap_or_default();
        found.ok_or_else(|| anyhow!("what it needs was not made before: {prop:?}{trouble}"))
    }

    pub(super) fn keep(&mut self, prop: Prop, value: &Value) -> Result<String> {
        let value = text(value).with_context(|| format!("{prop:?}"))?;
        self.props.insert(prop, value.clone());
        Ok(value)
    }

    /// Our user who is this person.
    pub(super) fn user(&self, person: &Person) -> Value {
        self.users.get(person.address).cloned().unwrap_or_default()
    }

    /// `{"type": "user", "id": …}`
    pub(super) fn as_assignee(&self, person: &Person) -> Value {
        json!({"type": "user", "id": self.user(person)})
    }

    pub(super) fn group_path(&self) -> Result<String> {
        Ok(format!("{}/groups/{}", self.at, self.prop(Prop::Group)?))
    }

    /// The group as our API shows it.
    pub(super) async fn group(&self) -> Result<Value> {
        self.api.get(&self.group_path()?).await
    }

    /// The link as our API shows it.
    pub(super) async fn link(&self) -> Result<Value> {
        self.api.get(&format!("{}/links/{}", self.at, self.prop(Prop::Link)?)).await
    }

    /// The group's history, newest first.
    pub(super) async fn history(&self) -> Result<Vec<Value>> {
        let list = self.api.get(&format!("{}/activity?limit=100", self.group_path()?)).await?;
        Ok(rows(&list).to_vec())
    }

    fn work_item_path(&self) -> Result<String> {
        Ok(format!("/_sim/work_items/{}/{}", self.scene.collection, self.prop(Prop::WorkItem)?))
    }

    /// The work item as Azure DevOps has it.
    pub(super) async fn work_item(&self) -> Result<Value> {
        self.azure.get(&self.work_item_path()?).await
    }

    /// Changes the work item in Azure DevOps, and says how it is then.
    pub(super) async fn change_work_item(&self, change: &Value) -> Result<Value> {
        self.azure.patch(&self.work_item_path()?, change).await
    }

    /// Everything in the channel, oldest first.
    pub(super) async fn messages(&self) -> Result<Vec<Value>> {
        let list = self.discord.get(&format!("/_sim/channels/{}/messages", self.scene.channel)).await?;
        Ok(rows(&list).to_vec())
    }
}
