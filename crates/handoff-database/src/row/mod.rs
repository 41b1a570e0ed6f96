//! Rows as nouns and nouns as rows, in files by what they are about.

mod chat;
mod project;
mod queue;
mod tenancy;
mod tracker;

pub(crate) use chat::{guild, message, message_row, route, route_row};
pub(crate) use project::{
    activity, activity_row, assignment_row, decision, decision_row, follower_row, group, group_row, project,
    status_decision,
};
pub(crate) use queue::{DeliverySummary, claimed_delivery, claimed_task, delivery, outbox_record};
pub(crate) use tenancy::{api_token, organization, team, user, user_email};
pub(crate) use tracker::{
    connected_project, external_issue, external_issue_row, group_link, group_link_row, hook, hook_row, installation,
    installation_row, integration, mapping, toggles_in, tracking_rule, tracking_rule_row, unresolved_columns,
};

use crate::error::damaged;
use handoff_domain::assignee::Assignee;
use handoff_domain::id::{TeamId, UserId};
use handoff_domain::port::store::StoreResult;
use handoff_domain::slug::Slug;
use handoff_domain::text::Name;
use handoff_domain::time::Timestamp;
use handoff_domain::work_item::AzureProjectId;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

pub(crate) fn name(text: &str) -> StoreResult<Name> {
    Name::parse(text).map_err(|_| damaged("name"))
}

pub(crate) fn slug(text: &str) -> StoreResult<Slug> {
    Slug::parse(text).map_err(|_| damaged("slug"))
}

pub(crate) fn azure_project(text: &str) -> StoreResult<AzureProjectId> {
    AzureProjectId::parse(text).ok_or_else(|| damaged("Azure DevOps project id"))
}

pub(crate) fn json<T: Serialize>(value: &T) -> StoreResult<String> {
    serde_json::to_string(value).map_err(|_| damaged("value to be written"))
}

pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> StoreResult<T> {
    serde_json::from_str(text).map_err(|_| damaged("value"))
}

/// Discord's ids are below 2^63 (their type sees to it).
pub(crate) fn signed(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

pub(crate) fn discord<T>(make: fn(u64) -> Option<T>, stored: i64) -> StoreResult<T> {
    u64::try_from(stored).ok().and_then(make).ok_or_else(|| damaged("Discord id"))
}

/// The columns of an assignee: user, team.
pub(crate) fn columns_of(assignee: Option<Assignee>) -> (Option<i64>, Option<i64>) {
    match assignee {
        Some(Assignee::User(id)) => (Some(id.get()), None),
        Some(Assignee::Team(id)) => (None, Some(id.get())),
        None => (None, None),
    }
}

pub(crate) fn assignee_of(user: Option<i64>, team: Option<i64>) -> Option<Assignee> {
    user.map(|id| Assignee::User(UserId::new(id))).or_else(|| team.map(|id| Assignee::Team(TeamId::new(id))))
}

/// The columns of a follower: kind, id.
pub(crate) fn who_of(assignee: Assignee) -> (&'static str, i64) {
    match assignee {
        Assignee::User(id) => ("user", id.get()),
        Assignee::Team(id) => ("team", id.get()),
    }
}
