//! What people see of a group: in the API, and in its channel.

use crate::scene::Group;
use crate::served::Served;
use handoff_sandbox::discord::{SimMessage, Snowflake};
use serde_json::Value;
use std::collections::BTreeSet;

/// A group's card in its channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The message.
    pub message: Snowflake,
    /// Short id and title.
    pub title: String,
    /// Who has the group.
    pub assignee: String,
    /// Where it stands.
    pub status: String,
    /// Its work items, one on a line; empty without any.
    pub work_items: String,
    /// How often it was edited.
    pub edits: u32,
}

/// A message that mentions somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ping {
    /// The message.
    pub message: Snowflake,
    /// What it says.
    pub content: String,
    /// Whom it mentions with effect.
    pub mentions: BTreeSet<Snowflake>,
    /// Whom it notified: by name, through roles, as everyone.
    pub notified: BTreeSet<Snowflake>,
}

/// An entry of a group's history about its assignee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Assigned to this user.
    Assigned {
        /// To whom.
        to: i64,
        /// Who had it.
        from: Option<i64>,
    },
    /// Nobody's any more.
    Unassigned {
        /// Who had it.
        from: i64,
    },
}

impl Change {
    /// Assigned to a user.
    #[must_use]
    pub const fn to(to: i64, from: Option<i64>) -> Self {
        Self::Assigned { to, from }
    }
}

fn field(message: &SimMessage, name: &str) -> String {
    let fields = message.embeds[0]["fields"].as_array().into_iter().flatten();
    let value = fields.into_iter().find(|field| field["name"] == name).and_then(|field| field["value"].as_str());
    value.unwrap_or_default().to_owned()
}

fn user(assignee: &Value) -> Option<i64> {
    if assignee.is_null() {
        return None;
    }
    assert_eq!(assignee["type"], "user", "{assignee}");
    assignee["id"].as_i64()
}

impl Served {
    /// The user who has a group.
    pub async fn assignee(&self, group: &Group) -> Option<i64> {
        user(&self.api.get(&group.at).await["assignee"])
    }

    /// A group's history, the oldest first, as the API shows it.
    pub async fn activities(&self, group: &Group) -> Vec<Value> {
        let mut entries = self.api.list(&format!("{}/activity", group.at)).await;
        entries.reverse();
        entries
    }

    /// What happened to a group's assignee, the oldest first.
    ///
    /// # Panics
    /// When an entry is none of the API's.
    pub async fn changes(&self, group: &Group) -> Vec<Change> {
        let entries = self.activities(group).await;
        let change = |entry: &Value| match entry["kind"].as_str() {
            Some("assigned") => {
                Some(Change::Assigned { to: user(&entry["assignee"]).unwrap(), from: user(&entry["previous"]) })
            }
            Some("unassigned") => Some(Change::Unassigned { from: user(&entry["previous"]).unwrap() }),
            _ => None,
        };
        entries.iter().filter_map(change).collect()
    }

    /// The group's card.
    ///
    /// # Panics
    /// Unless there is exactly one in the channel, not more.
    #[must_use]
    pub fn card(&self, group: &Group) -> Card {
        let mut cards = self.cards(group);
        assert_eq!(cards.len(), 1, "{} has so many cards: {cards:#?}", group.short_id);
        cards.remove(0)
    }

    /// Every card of the group that is in its channel.
    #[must_use]
    pub fn cards(&self, group: &Group) -> Vec<Card> {
        let of_group = |message: &SimMessage| {
            let footer = message.embeds.first().and_then(|embed| embed["footer"]["text"].as_str().map(str::to_owned));
            footer.is_some_and(|text| text.split(" · ").next() == Some(&group.short_id))
        };
        let found = self.discord.messages(group.channel).into_iter().filter(of_group);
        let card = |message: SimMessage| {
            assert!(message.pings.users.is_empty() && !message.pings.everyone, "a card notifies nobody: {message:?}");
            Card {
                message: message.id,
                title: message.embeds[0]["title"].as_str().unwrap_or_default().to_owned(),
                assignee: field(&message, "Assignee"),
                status: field(&message, "Status"),
                work_items: field(&message, "Work items"),
                edits: message.edits,
            }
        };
        found.map(card).collect()
    }

    /// The messages about the group that mention somebody, the oldest first.
    #[must_use]
    pub fn pings(&self, group: &Group) -> Vec<Ping> {
        let named = format!("**{}**", group.short_id.replace('-', "\\-"));
        let plain = format!("**{}**", group.short_id);
        let of_group = |message: &SimMessage| message.content.contains(&named) || message.content.contains(&plain);
        let found = self.discord.messages(group.channel).into_iter().filter(of_group);
        let ping = |message: SimMessage| {
            assert!(!message.mentions_everyone && message.pings.roles.is_empty(), "{message:?}");
            Ping {
                message: message.id,
                content: message.content,
                mentions: message.mentions,
                notified: message.pings.users,
            }
        };
        found.map(ping).collect()
    }

    /// Whether a summary was posted where the group is shown: what is read late, or is too much for a minute,
    /// is told there and not in mentions.
    #[must_use]
    pub fn is_summed_up(&self, group: &Group) -> bool {
        let messages = self.discord.messages(group.channel);
        messages.iter().any(|message| message.content.contains(" changed: "))
    }

    /// The accounts that were mentioned about the group, the oldest mention first; each alone in its
    /// message, by name.
    ///
    /// # Panics
    /// When a message mentions anybody else than the one it begins with.
    #[must_use]
    pub fn mentioned(&self, group: &Group) -> Vec<Snowflake> {
        let one = |ping: Ping| {
            assert_eq!(ping.mentions.len(), 1, "{ping:?}");
            assert_eq!(ping.mentions, ping.notified, "{ping:?}");
            let account = *ping.mentions.iter().next().unwrap();
            assert!(ping.content.starts_with(&format!("<@{account}> ")), "{ping:?}");
            account
        };
        self.pings(group).into_iter().map(one).collect()
    }
}
