//! What a route tells of, and when it keeps quiet.

use crate::assignee::ActivityKind;
use crate::text::{InvalidText, single_line};
use crate::time::Timestamp;
use crate::work_item::{ExternalIssue, Snapshot};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::time::Duration;

crate::group::words!(
    /// A change that a route may tell of.
    RouteEvent {
        /// A group was made.
        Created => "created",
        /// It was assigned.
        Assigned => "assigned",
        /// It is nobody's any more.
        Unassigned => "unassigned",
        /// Its status changed.
        StatusChanged => "status_changed",
        /// A work item was linked.
        Linked => "linked",
        /// A link was removed.
        Unlinked => "unlinked",
    }
);

impl RouteEvent {
    /// What an entry of a group's history is for a route; `None` for what no route tells of.
    #[must_use]
    pub fn of(kind: &ActivityKind) -> Option<Self> {
        Self::from_stored(kind.as_str())
    }
}

/// What a route is about. An empty list leaves everything through; of a list that is not, one entry has to
/// fit. Type, area path and tag have to fit one and the same work item, so a group without a work item is
/// about nothing that they ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "FilterForm")]
pub struct RouteFilter {
    events: Vec<RouteEvent>,
    work_item_types: Vec<String>,
    area_paths: Vec<String>,
    tags: Vec<String>,
}

/// A filter before it is checked.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct FilterForm {
    events: Vec<RouteEvent>,
    work_item_types: Vec<String>,
    area_paths: Vec<String>,
    tags: Vec<String>,
}

/// Why a filter or quiet hours were refused. The message is fit to be shown to the person who sent them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRule {
    /// A list of a filter is too long.
    #[error("{list}: must have at most {max} entries", max = RouteFilter::MAX_ENTRIES)]
    TooMany {
        /// Which.
        list: &'static str,
    },
    /// An entry of a filter is no text that a work item could have.
    #[error("{list}: {reason}")]
    Entry {
        /// Which list.
        list: &'static str,
        /// What is wrong with it.
        reason: InvalidText,
    },
    /// Not a time of day.
    #[error("{field}: must be a time of day such as 22:00")]
    Time {
        /// Which.
        field: &'static str,
    },
    /// Quiet hours that begin when they end.
    #[error("from and to must differ; to say nothing at all, switch the route off")]
    Empty,
    /// No time zone of this name.
    #[error("time_zone: must be the name of an IANA time zone such as Europe/Berlin")]
    Zone,
}

impl TryFrom<FilterForm> for RouteFilter {
    type Error = InvalidRule;

    fn try_from(form: FilterForm) -> Result<Self, InvalidRule> {
        let mut events = form.events;
        events.sort_unstable_by_key(|event| event.as_str());
        events.dedup();
        Ok(Self {
            events,
            work_item_types: entries("work_item_types", &form.work_item_types, Snapshot::MAX_WORD)?,
            area_paths: entries("area_paths", &form.area_paths, Snapshot::MAX_AREA_PATH)?,
            tags: entries("tags", &form.tags, Snapshot::MAX_TAG)?,
        })
    }
}

fn entries(list: &'static str, given: &[String], max: usize) -> Result<Vec<String>, InvalidRule> {
    if given.len() > RouteFilter::MAX_ENTRIES {
        return Err(InvalidRule::TooMany { list });
    }
    let checked = given.iter().map(|entry| single_line(entry, max));
    checked.collect::<Result<_, _>>().map_err(|reason| InvalidRule::Entry { list, reason })
}

impl RouteFilter {
    /// Most entries of each list.
    pub const MAX_ENTRIES: usize = 50;

    /// Whether changes of this kind are told of.
    #[must_use]
    pub fn tells_of(&self, event: RouteEvent) -> bool {
        self.events.is_empty() || self.events.contains(&event)
    }

    /// Whether only some kinds of change are told of.
    #[must_use]
    pub const fn picks_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Whether a group with these work items is one that the route is about. Names are compared without
    /// regard to case, as Azure DevOps does; an area path stands for everything below it too.
    pub fn is_about<'a>(&self, work_items: impl IntoIterator<Item = &'a ExternalIssue>) -> bool {
        let asks_nothing = self.work_item_types.is_empty() && self.area_paths.is_empty() && self.tags.is_empty();
        asks_nothing || work_items.into_iter().any(|issue| !issue.deleted && self.fits(issue))
    }

    fn fits(&self, issue: &ExternalIssue) -> bool {
        let area = issue.area_path.as_deref().map(str::to_lowercase);
        let has_type = |wanted: &String| same(wanted, &issue.work_item_type);
        let is_in = |wanted: &String| area.as_deref().is_some_and(|area| is_below(area, &wanted.to_lowercase()));
        let has_tag = |wanted: &String| issue.tags.iter().any(|tag| same(wanted, tag));
        let any = |list: &[String], fits: &dyn Fn(&String) -> bool| list.is_empty() || list.iter().any(fits);
        any(&self.work_item_types, &has_type) && any(&self.area_paths, &is_in) && any(&self.tags, &has_tag)
    }
}

fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

fn is_below(area: &str, wanted: &str) -> bool {
    let wanted = wanted.trim_end_matches('\\');
    area.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('\\'))
}

/// When a route keeps quiet, every day, by the clocks of a time zone. Past midnight where `to` is earlier
/// than `from`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "QuietForm", into = "QuietForm")]
pub struct QuietHours {
    /// In minutes since midnight.
    from: u16,
    to: u16,
    zone: TimeZone,
    zone_name: String,
}

/// Quiet hours as they are written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuietForm {
    from: String,
    to: String,
    time_zone: String,
}

impl TryFrom<QuietForm> for QuietHours {
    type Error = InvalidRule;

    fn try_from(form: QuietForm) -> Result<Self, InvalidRule> {
        let from = minute_of(&form.from).ok_or(InvalidRule::Time { field: "from" })?;
        let to = minute_of(&form.to).ok_or(InvalidRule::Time { field: "to" })?;
        if from == to {
            return Err(InvalidRule::Empty);
        }
        let zone = TimeZone::get(&form.time_zone).map_err(|_| InvalidRule::Zone)?;
        let zone_name = zone.iana_name().ok_or(InvalidRule::Zone)?.to_owned();
        Ok(Self { from, to, zone, zone_name })
    }
}

impl From<QuietHours> for QuietForm {
    fn from(hours: QuietHours) -> Self {
        let shown = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        Self { from: shown(hours.from), to: shown(hours.to), time_zone: hours.zone_name }
    }
}

/// The minute of `HH:MM`.
fn minute_of(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit())).then_some(());
    digits(hour)?;
    digits(minute)?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

impl QuietHours {
    /// When the quiet that is at this moment ends; `None` where there is none.
    #[must_use]
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        let local = jiff::Timestamp::from_microsecond(now.as_micros()).ok()?.to_zoned(self.zone.clone());
        let minute = u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).ok()?;
        let is_quiet = if self.from < self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        };
        if !is_quiet {
            return None;
        }
        let day = if minute < self.to { local.date() } else { local.date().tomorrow().ok()? };
        let (hour, minute) = (i8::try_from(self.to / 60).ok()?, i8::try_from(self.to % 60).ok()?);
        let end = self.zone.to_timestamp(day.at(hour, minute, 0, 0)).ok()?;
        // Where clocks are set back, an hour comes twice: then it is looked at again soon.
        let end = Timestamp::from_micros(end.as_microsecond());
        Some(if end > now { end } else { now.plus(Duration::from_secs(60)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ExternalIssueId, IntegrationId, Revision, WorkItemNumber};
    use crate::work_item::AzureProjectId;
    use uuid::Uuid;

    fn filter(json: &str) -> Result<RouteFilter, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    fn item(of: &str, area: &str, tags: &[&str]) -> ExternalIssue {
        let epoch = Timestamp::from_seconds(0);
        ExternalIssue {
            id: ExternalIssueId::from_uuid(Uuid::nil()),
            integration: IntegrationId::from_uuid(Uuid::nil()),
            number: WorkItemNumber::new(1),
            azure_project: AzureProjectId::parse("00000000-0000-0000-0000-000000000001").unwrap(),
            revision: Revision::new(1),
            title: "It breaks".to_owned(),
            work_item_type: of.to_owned(),
            state: "New".to_owned(),
            assignee: None,
            area_path: (!area.is_empty()).then(|| area.to_owned()),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            url: None,
            changed_at: epoch,
            observed_at: epoch,
            assignee_changed_at: epoch,
            state_changed_at: epoch,
            pending: None,
            deleted: false,
        }
    }

    #[test]
    fn a_filter_asks_one_work_item_for_all_that_it_asks_for() {
        let all = r#"{"work_item_types":["bug","Task"],"area_paths":["Shop\\Web"],"tags":["Urgent"]}"#;
        let area = r#"{"area_paths":["shop\\web\\"]}"#;
        for (rule, items, expected) in [
            ("{}", vec![], true),
            (area, vec![], false),
            (area, vec![item("Bug", "", &[])], false),
            (area, vec![item("Bug", r"Shop\Web", &[])], true),
            (area, vec![item("Bug", r"SHOP\WEB\Cart", &[])], true),
            (area, vec![item("Bug", r"Shop\Website", &[])], false),
            (r#"{"tags":["a"]}"#, vec![item("Bug", "Shop", &["b", "A"])], true),
            (r#"{"tags":["a"]}"#, vec![item("Bug", "Shop", &["ab"])], false),
            (all, vec![item("Bug", r"Shop\Web", &["urgent"])], true),
            (all, vec![item("Bug", r"Shop\Web", &[]), item("Epic", r"Shop\Web", &["urgent"])], false),
            (all, vec![item("Epic", "", &[]), item("Task", r"Shop\Web\X", &["urgent", "b"])], true),
        ] {
            assert_eq!(filter(rule).unwrap().is_about(&items), expected, "{rule} {items:?}");
        }
        let deleted = ExternalIssue { deleted: true, ..item("Bug", r"Shop\Web", &[]) };
        assert!(!filter(area).unwrap().is_about(&[deleted]));
    }

    #[test]
    fn a_filter_without_events_tells_of_every_one() {
        let some = filter(r#"{"events":["assigned","assigned","created"]}"#).unwrap();
        assert!(some.tells_of(RouteEvent::Assigned) && !some.tells_of(RouteEvent::Linked));
        assert!(RouteFilter::default().tells_of(RouteEvent::Linked));
        let again = serde_json::to_string(&some).unwrap();
        assert_eq!(filter(&again), Ok(some));
    }

    #[test]
    fn a_filter_that_can_fit_nothing_is_refused_with_the_reason() {
        let many = format!(r#"{{"tags":[{}]}}"#, vec![r#""a""#; 51].join(","));
        for (json, part) in [
            (r#"{"events":["closed"]}"#, "unknown variant"),
            (r#"{"colours":[]}"#, "unknown field"),
            (r#"{"tags":[" "]}"#, "tags: must not be empty"),
            ("{\"area_paths\":[\"a\\u0000\"]}", "area_paths: must not contain control characters"),
            (many.as_str(), "tags: must have at most 50 entries"),
        ] {
            assert!(filter(json).is_err_and(|error| error.contains(part)), "{json}");
        }
    }

    fn quiet(from: &str, to: &str, zone: &str) -> Result<QuietHours, String> {
        let json = format!(r#"{{"from":"{from}","to":"{to}","time_zone":"{zone}"}}"#);
        serde_json::from_str(&json).map_err(|error| error.to_string())
    }

    #[test]
    fn quiet_hours_go_by_the_clocks_of_their_time_zone() {
        let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap();
        let night = ("22:00", "07:00", "Europe/Berlin");
        for ((from, to, zone), now, end) in [
            // Winter is an hour ahead of UTC, summer two.
            (night, "2026-01-15T20:59:59Z", None),
            (night, "2026-01-15T21:00:00Z", Some("2026-01-16T06:00:00Z")),
            (night, "2026-01-16T05:59:59Z", Some("2026-01-16T06:00:00Z")),
            (night, "2026-01-16T05:30:00Z", Some("2026-01-16T06:00:00Z")),
            (night, "2026-01-16T06:00:00Z", None),
            (night, "2026-07-15T20:30:00Z", Some("2026-07-16T05:00:00Z")),
            // The night in which clocks go forward: 02:30 is 03:30 then.
            (("22:00", "02:30", "Europe/Berlin"), "2026-03-28T23:00:00Z", Some("2026-03-29T01:30:00Z")),
            // The night in which they go back, first and second time round.
            (("22:00", "02:30", "Europe/Berlin"), "2026-10-24T23:00:00Z", Some("2026-10-25T00:30:00Z")),
            (("22:00", "02:30", "Europe/Berlin"), "2026-10-25T00:30:00Z", None),
            (("22:00", "02:30", "Europe/Berlin"), "2026-10-25T01:10:00Z", Some("2026-10-25T01:11:00Z")),
            (("09:00", "17:00", "Asia/Kolkata"), "2026-01-15T03:29:00Z", None),
            (("09:00", "17:00", "Asia/Kolkata"), "2026-01-15T03:30:00Z", Some("2026-01-15T11:30:00Z")),
        ] {
            let found = quiet(from, to, zone).unwrap().until(at(now));
            assert_eq!(found, end.map(at), "{from}-{to} {zone} at {now}");
        }
    }

    #[test]
    fn quiet_hours_that_make_no_sense_are_refused_with_the_reason() {
        for (from, to, zone, part) in [
            ("24:00", "07:00", "UTC", "from: must be a time of day"),
            ("22:00", "7:00", "UTC", "to: must be a time of day"),
            ("22:00", "+7:00", "UTC", "to: must be a time of day"),
            ("22:00", "22:00", "UTC", "must differ"),
            ("22:00", "07:00", "Europe/Atlantis", "time_zone: must be the name"),
            ("22:00", "07:00", "", "time_zone: must be the name"),
        ] {
            assert!(quiet(from, to, zone).is_err_and(|error| error.contains(part)), "{from} {to} {zone}");
        }
        let written = serde_json::to_string(&quiet("22:00", "07:05", "europe/berlin").unwrap()).unwrap();
        assert_eq!(written, r#"{"from":"22:00","to":"07:05","time_zone":"Europe/Berlin"}"#);
    }
}
