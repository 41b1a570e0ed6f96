//! An organization as its people set it up through the API: members, a team, a project, the installation
//! of Azure DevOps, a channel in Discord.

use crate::scene::{Board, Group, PAT, Person};
use crate::served::Served;
use handoff_sandbox::azure::WorkItemKey;
use handoff_sandbox::discord::{ChannelKind, OverwriteTarget, Permissions, Snowflake};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A member of an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Our user.
    pub user: i64,
    /// Their account in Discord.
    pub discord: Snowflake,
}

/// An organization with all that an assignment needs.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its path: `/organizations/7`.
    pub at: String,
    /// Its id.
    pub id: i64,
    /// The team of the project.
    pub team: i64,
    /// The project.
    pub project: i64,
    /// The guild.
    pub guild: Snowflake,
    /// The role of those who read the channel.
    pub readers: Snowflake,
    /// The channel that shows the project, which not everybody reads.
    pub channel: Snowflake,
    /// The installation.
    pub installation: String,
    /// The integration that it is of.
    pub integration: String,
    /// The members, by their name.
    members: BTreeMap<String, Member>,
}

fn text(json: &Value, field: &str) -> String {
    json[field].as_str().unwrap_or_else(|| panic!("no {field} in {json}")).to_owned()
}

fn number(json: &Value, field: &str) -> i64 {
    json[field].as_i64().unwrap_or_else(|| panic!("no {field} in {json}"))
}

impl Tenant {
    /// Sets one up: the board's project connected, a route of cards and pings, nobody in it yet.
    pub async fn set_up(instance: &Served, board: &Board, name: &str) -> Self {
        let api = &instance.api;
        let id = number(&api.post("/organizations", json!({"name": name, "issue_sync": true})).await, "id");
        let at = format!("/organizations/{id}");
        let team = number(&api.post(&format!("{at}/teams"), json!({"name": "Engines"})).await, "id");
        let project = json!({"name": "Backend", "teams": [team]});
        let project = number(&api.post(&format!("{at}/projects"), project).await, "id");
        let installation = json!({"base_url": board.url, "credential": PAT});
        let installation = api.post(&format!("{at}/installations"), installation).await;
        let integration = text(&installation["integration"], "id");
        let installation = text(&installation, "id");
        let connected = json!({"azure_project": board.project.to_string()});
        api.post(&format!("{at}/installations/{installation}/projects"), connected).await;
        let (guild, readers, channel) = quiet_channel(instance, name);
        api.post(&format!("{at}/guilds"), json!({"id": guild.to_string()})).await;
        let route = json!({"channel_id": channel.to_string(), "mode": "card_and_ping"});
        api.post(&format!("{at}/projects/{project}/routes"), route).await;
        Self { at, id, team, project, guild, readers, channel, installation, integration, members: BTreeMap::new() }
    }

    /// A member of ours that this person is.
    ///
    /// # Panics
    /// When they are none.
    #[must_use]
    pub fn member(&self, person: &Person) -> Member {
        *self.members.get(&person.name).unwrap_or_else(|| panic!("{} is no member", person.name))
    }

    /// Makes them a user with their verified address and a Discord account; in no team yet.
    pub async fn add_user(&mut self, instance: &Served, person: &Person) -> Member {
        let emails = json!([{"address": person.address, "verified": true}]);
        self.add_user_with(instance, person, emails).await
    }

    /// Makes them a user of whom no address is known.
    pub async fn add_user_without_address(&mut self, instance: &Served, person: &Person) -> Member {
        self.add_user_with(instance, person, json!([])).await
    }

    async fn add_user_with(&mut self, instance: &Served, person: &Person, emails: Value) -> Member {
        let discord = instance.discord.add_user(&person.name);
        instance.discord.add_member(self.guild, discord).unwrap();
        instance.discord.give_role(self.guild, discord, self.readers).unwrap();
        let user = json!({"name": person.name, "emails": emails, "discord_id": discord.to_string()});
        let user = number(&instance.api.post(&format!("{}/users", self.at), user).await, "id");
        let member = Member { user, discord };
        self.members.insert(person.name.clone(), member);
        member
    }

    /// Makes them a user in the team of the project.
    pub async fn add_member(&mut self, instance: &Served, person: &Person) -> Member {
        let member = self.add_user(instance, person).await;
        self.join_team(instance, member).await;
        member
    }

    /// Puts a user into the team of the project.
    pub async fn join_team(&self, instance: &Served, member: Member) {
        let path = format!("{}/teams/{}/members/{}", self.at, self.team, member.user);
        instance.api.change(Method::PUT, &path, Value::Null).await;
    }

    /// Activates or deactivates a user.
    pub async fn set_active(&self, instance: &Served, member: Member, active: bool) {
        let path = format!("{}/users/{}", self.at, member.user);
        instance.api.change(Method::PATCH, &path, json!({"active": active})).await;
    }

    /// Says which of our users an identity in Azure DevOps is: by `identity_id` or `unique_name`.
    pub async fn map(&self, instance: &Served, by: &str, identity: &str, member: Member) {
        let mapping = json!({"integration": self.integration, by: identity, "user": member.user});
        instance.api.post(&format!("{}/identity-mappings", self.at), mapping).await;
    }

    /// Changes a toggle of the installation.
    pub async fn toggle(&self, instance: &Served, toggle: &str, on: bool) {
        let path = format!("{}/installations/{}", self.at, self.installation);
        instance.api.change(Method::PATCH, &path, json!({"toggles": {toggle: on}})).await;
    }

    /// Switches a toggle off, and on again: then every work item is read.
    pub async fn toggle_again(&self, instance: &Served, toggle: &str) {
        for on in [false, true] {
            self.toggle(instance, toggle, on).await;
        }
    }

    /// A group in the project.
    pub async fn group(&self, instance: &Served, title: &str) -> Group {
        let path = format!("{}/projects/{}/groups", self.at, self.project);
        let made = instance.api.post(&path, json!({"title": title})).await;
        let id = text(&made, "id");
        let short_id = text(&made, "short_id");
        Group { at: format!("{}/groups/{id}", self.at), id, short_id, channel: self.channel }
    }

    /// Links a group with a work item.
    pub async fn link(&self, instance: &Served, group: &Group, item: WorkItemKey) -> Value {
        let link = json!({"installation": self.installation, "work_item": item.number});
        instance.api.post(&format!("{}/links", group.at), link).await
    }

    /// The deliveries that ended so, as the API shows them.
    pub async fn deliveries(&self, instance: &Served, state: &str) -> Vec<Value> {
        instance.api.list(&format!("{}/deliveries?state={state}", self.at)).await
    }

    /// All deliveries, counted by their state.
    pub async fn delivery_states(&self, instance: &Served) -> BTreeMap<String, usize> {
        let mut states = BTreeMap::new();
        for one in instance.api.list(&format!("{}/deliveries", self.at)).await {
            *states.entry(text(&one, "state")).or_default() += 1;
        }
        states
    }

    /// The links on which somebody is unresolved.
    pub async fn unresolved(&self, instance: &Served) -> Vec<Value> {
        instance.api.list(&format!("{}/unresolved", self.at)).await
    }
}

/// A guild with a channel that only the bot and those with a role read.
fn quiet_channel(instance: &Served, name: &str) -> (Snowflake, Snowflake, Snowflake) {
    let discord = &instance.discord;
    let guild = discord.add_guild(name);
    let readers = discord.add_role(guild, "Readers", Permissions::NONE, false).unwrap();
    let channel = discord.add_channel(guild, ChannelKind::Text, "issues").unwrap();
    let permit = |target, allow, deny| discord.set_permissions(channel, target, allow, deny).unwrap();
    permit(OverwriteTarget::Everyone, Permissions::NONE, Permissions::VIEW_CHANNEL);
    permit(OverwriteTarget::Role(readers), Permissions::VIEW_CHANNEL, Permissions::NONE);
    permit(OverwriteTarget::Member(instance.bot), Permissions::DEFAULT, Permissions::NONE);
    (guild, readers, channel)
}
