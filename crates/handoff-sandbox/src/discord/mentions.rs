//! Which mentions of a message count, and whom they ping.
//!
//! Only `content` pings; mentions in embeds never do. Where Discord's reading of markdown around a
//! mention is undocumented (code spans, escapes), the mention counts: the simulator errs on the side
//! of a ping.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::id::Snowflake;

/// What a message may mention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Allowed {
    pub(super) all_users: bool,
    pub(super) all_roles: bool,
    pub(super) everyone: bool,
    pub(super) users: BTreeSet<Snowflake>,
    pub(super) roles: BTreeSet<Snowflake>,
    pub(super) replied_user: bool,
}

impl Allowed {
    /// What counts where a message does not say: users, roles *and* everyone.
    pub(super) fn default_of_messages() -> Self {
        Self {
            all_users: true,
            all_roles: true,
            everyone: true,
            users: BTreeSet::new(),
            roles: BTreeSet::new(),
            replied_user: true,
        }
    }

    /// Reads a valid `allowed_mentions` object.
    pub(super) fn from_json(value: &Value) -> Self {
        let parses =
            |kind: &str| value["parse"].as_array().is_some_and(|parse| parse.iter().any(|entry| entry == kind));
        Self {
            all_users: parses("users"),
            all_roles: parses("roles"),
            everyone: parses("everyone"),
            users: ids(&value["users"]),
            roles: ids(&value["roles"]),
            replied_user: value["replied_user"] == true,
        }
    }

    fn user(&self, id: Snowflake) -> bool {
        self.all_users || self.users.contains(&id)
    }

    fn role(&self, id: Snowflake) -> bool {
        self.all_roles || self.roles.contains(&id)
    }
}

fn ids(value: &Value) -> BTreeSet<Snowflake> {
    value.as_array().into_iter().flatten().filter_map(|id| id.as_str()?.parse().ok()).collect()
}

/// What a text mentions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mentions {
    pub(super) users: BTreeSet<Snowflake>,
    pub(super) roles: BTreeSet<Snowflake>,
    pub(super) everyone: bool,
}

impl Mentions {
    /// Everything that `content` mentions and `allowed` lets through.
    pub(super) fn read(content: &str, allowed: &Allowed) -> Self {
        let mut mentions = Self {
            everyone: allowed.everyone && (content.contains("@everyone") || content.contains("@here")),
            ..Self::default()
        };
        for (mark, id) in marks(content) {
            match mark {
                Mark::User if allowed.user(id) => mentions.users.insert(id),
                Mark::Role if allowed.role(id) => mentions.roles.insert(id),
                Mark::User | Mark::Role => false,
            };
        }
        mentions
    }
}

/// What a mention in a text points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    User,
    Role,
}

/// Every `<@id>`, `<@!id>` and `<@&id>` of a text, in order.
pub(super) fn marks(content: &str) -> impl Iterator<Item = (Mark, Snowflake)> {
    content.split("<@").skip(1).filter_map(|rest| {
        let (inside, _) = rest.split_once('>')?;
        let (mark, digits) = match inside.strip_prefix('&') {
            Some(digits) => (Mark::Role, digits),
            None => (Mark::User, inside.strip_prefix('!').unwrap_or(inside)),
        };
        Some((mark, digits.parse().ok()?))
    })
}

/// Whom a message notified when it was created. Edits never add to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pings {
    /// Everyone who was notified: by name, through a role, through `@everyone` or by a reply.
    pub users: BTreeSet<Snowflake>,
    /// The roles that were mentioned with effect.
    pub roles: BTreeSet<Snowflake>,
    /// Whether `@everyone` or `@here` took effect.
    pub everyone: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(ids: &[u64]) -> BTreeSet<Snowflake> {
        ids.iter().copied().map(Snowflake::new).collect()
    }

    #[test]
    fn every_form_of_a_mention_is_read() {
        let content = "<@1> <@!2> <@&3> @everyone <@x> <@4";
        let mentions = Mentions::read(content, &Allowed::default_of_messages());
        assert_eq!(mentions.users, set(&[1, 2]));
        assert_eq!(mentions.roles, set(&[3]));
        assert!(mentions.everyone);
    }

    #[test]
    fn an_empty_parse_lets_nothing_through() {
        let allowed = Allowed::from_json(&json!({"parse": []}));
        assert_eq!(Mentions::read("<@1> <@&3> @here", &allowed), Mentions::default());
    }

    #[test]
    fn listed_users_alone_are_let_through() {
        let allowed = Allowed::from_json(&json!({"users": ["2"]}));
        assert_eq!(Mentions::read("<@1> <@2> @everyone", &allowed).users, set(&[2]));
    }
}
