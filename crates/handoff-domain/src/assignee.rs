//! Who a group is assigned to, and the decision that made it so.

use crate::id::{
    ActivityId, ExternalIssueId, GroupId, InstallationId, IntegrationId, OrganizationId, ProjectId, TeamId, UserId,
};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A user *or* a team: never both, never neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "type", content = "id", rename_all = "snake_case")]
pub enum Assignee {
    /// One person.
    User(UserId),
    /// Everyone of a team.
    Team(TeamId),
}

/// The row that says who a group is assigned to; at most one for each group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The group.
    pub group: GroupId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The group's project.
    pub project: ProjectId,
    /// Who.
    pub assignee: Assignee,
    /// Since when.
    pub assigned_at: Timestamp,
}

/// Where a change came from: for the history, for "no ping for one's own action", against loops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum ChangeSource {
    /// Through the API, by this user where the caller named one.
    Api {
        /// Who did it.
        by: Option<UserId>,
    },
    /// By a person in Discord.
    Discord {
        /// Who did it.
        by: UserId,
    },
    /// A change in a tracker.
    Tracker {
        /// The tracker's integration.
        integration: IntegrationId,
        /// The installation through which it applies.
        installation: InstallationId,
        /// The work item that changed.
        external_issue: ExternalIssueId,
        /// Who did it there, where they are one of our users.
        by: Option<UserId>,
    },
    /// What a tracker said when the group was first linked: nobody did anything just now.
    Baseline {
        /// The tracker's integration.
        integration: IntegrationId,
        /// The installation through which it applies.
        installation: InstallationId,
        /// The work item that was linked.
        external_issue: ExternalIssueId,
    },
}

impl ChangeSource {
    /// The user who did it, if it was one of ours.
    #[must_use]
    pub const fn actor(&self) -> Option<UserId> {
        match self {
            Self::Api { by } | Self::Tracker { by, .. } => *by,
            Self::Discord { by } => Some(*by),
            Self::Baseline { .. } => None,
        }
    }

    /// The tracker integration it came from. Nothing is written back there.
    #[must_use]
    pub const fn integration(&self) -> Option<IntegrationId> {
        match self {
            Self::Tracker { integration, .. } | Self::Baseline { integration, .. } => Some(*integration),
            Self::Api { .. } | Self::Discord { .. } => None,
        }
    }

    /// The work item that it came from.
    #[must_use]
    pub const fn external_issue(&self) -> Option<ExternalIssueId> {
        match self {
            Self::Tracker { external_issue, .. } | Self::Baseline { external_issue, .. } => Some(*external_issue),
            Self::Api { .. } | Self::Discord { .. } => None,
        }
    }

    /// Whether people may be mentioned for it.
    #[must_use]
    pub const fn may_mention(&self) -> bool {
        !matches!(self, Self::Baseline { .. })
    }
}

/// A group's last word about something: about its assignee (someone, or nobody) unless said otherwise,
/// or about its status. A foreign change that is older does not undo it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<T = Option<Assignee>> {
    /// What was decided.
    pub value: T,
    /// When, by our clock.
    pub at: Timestamp,
    /// By whom or what.
    pub source: ChangeSource,
}

impl<T> Decision<T> {
    /// How much later a decision of the group must be than a foreign change to win over it: what two
    /// clocks may honestly differ by.
    pub const TOLERANCE: std::time::Duration = std::time::Duration::from_secs(2);

    /// Whether a foreign change made at `at` is overruled by this decision.
    #[must_use]
    pub fn overrules(&self, at: Timestamp) -> bool {
        self.at > at.plus(Self::TOLERANCE)
    }

    /// When a decision that is made here, `now`, counts as made: after the one before it, whatever the
    /// clock says, since it was made in the knowledge of that.
    #[must_use]
    pub fn after(previous: Option<&Self>, now: Timestamp) -> Timestamp {
        previous.map_or(now, |previous| now.max(previous.at.offset_micros(1)))
    }
}

/// Someone who is told about a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follower {
    /// The group.
    pub group: GroupId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Who follows.
    pub who: Assignee,
    /// Why.
    pub reason: FollowReason,
    /// `false` when they left by themselves; an existing row always wins over a new one.
    pub following: bool,
}

crate::group::words!(
    /// Why somebody follows a group.
    FollowReason {
        /// It was assigned to them.
        Assigned => "assigned",
        /// They asked to.
        Subscribed => "subscribed",
    }
);

/// One entry of a group's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Its id.
    pub id: ActivityId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The group's project.
    pub project: ProjectId,
    /// The group.
    pub group: GroupId,
    /// What happened.
    pub kind: ActivityKind,
    /// Where it came from.
    pub source: Option<ChangeSource>,
    /// When.
    pub at: Timestamp,
}

/// What happened to a group. Stored and shown as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ActivityKind {
    /// The group was made.
    Created,
    /// It was assigned.
    Assigned {
        /// To whom.
        assignee: Assignee,
        /// Who had it before.
        previous: Option<Assignee>,
    },
    /// It is nobody's any more.
    Unassigned {
        /// Who had it before.
        previous: Assignee,
    },
    /// Its status changed.
    StatusChanged {
        /// Before.
        from: crate::group::GroupStatus,
        /// Now.
        to: crate::group::GroupStatus,
    },
    /// A work item was linked.
    Linked {
        /// The work item's number.
        work_item: i64,
    },
    /// Somebody said something, which the linked work items that take comments hear.
    Commented {
        /// What was said.
        text: String,
    },
    /// A link was removed.
    Unlinked {
        /// The work item's number.
        work_item: i64,
    },
    /// The tracker showed an older revision than it had told us (a server restored from a backup).
    MirrorRewound {
        /// The work item's number.
        work_item: i64,
        /// The revision we knew.
        from: i64,
        /// The revision it has.
        to: i64,
    },
}

impl ActivityKind {
    /// The word that names it, for filters.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Assigned { .. } => "assigned",
            Self::Unassigned { .. } => "unassigned",
            Self::StatusChanged { .. } => "status_changed",
            Self::Linked { .. } => "linked",
            Self::Commented { .. } => "commented",
            Self::Unlinked { .. } => "unlinked",
            Self::MirrorRewound { .. } => "mirror_rewound",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_overrules_a_foreign_change_only_when_it_is_more_than_two_seconds_later() {
        let decision: Decision =
            Decision { value: None, at: Timestamp::from_micros(10_000_000), source: ChangeSource::Api { by: None } };
        for (foreign, overruled) in [(7_999_999, true), (8_000_000, false), (10_000_000, false), (11_000_000, false)] {
            assert_eq!(decision.overrules(Timestamp::from_micros(foreign)), overruled, "{foreign}");
        }
    }

    #[test]
    fn an_assignee_reads_as_type_and_id() {
        let json = serde_json::to_string(&Assignee::Team(TeamId::new(7))).ok();
        assert_eq!(json.as_deref(), Some(r#"{"type":"team","id":7}"#));
    }
}
