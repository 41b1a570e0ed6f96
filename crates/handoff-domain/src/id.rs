//! Identifiers: a newtype for each, so that one cannot be passed for another.

use crate::port::Entropy;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use uuid::Uuid;

/// The text is not an identifier of the expected form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {what}")]
pub struct InvalidId {
    /// Which kind of identifier was expected.
    pub what: &'static str,
}

macro_rules! integer_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Wraps a stored number.
            #[must_use]
            pub const fn new(value: i64) -> Self {
                Self(value)
            }

            /// The number itself.
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                match text.parse::<i64>() {
                    Ok(value) if value > 0 => Ok(Self(value)),
                    _ => Err(InvalidId { what: $what }),
                }
            }
        }
    };
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a stored identifier.
            #[must_use]
            pub const fn from_uuid(value: Uuid) -> Self {
                Self(value)
            }

            /// A new time-ordered identifier (`UUIDv7`).
            #[must_use]
            pub fn generate(now: Timestamp, entropy: &dyn Entropy) -> Self {
                Self(uuid_v7(now, entropy))
            }

            /// The identifier itself.
            #[must_use]
            pub const fn get(self) -> Uuid {
                self.0
            }

            /// When it was made, to the millisecond; `None` where it does not tell.
            #[must_use]
            pub fn made_at(self) -> Option<Timestamp> {
                let (seconds, nanos) = self.0.get_timestamp()?.to_unix();
                Some(Timestamp::from_seconds(i64::try_from(seconds).ok()?).plus(Duration::from_nanos(nanos.into())))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId { what: $what })
            }
        }
    };
}

integer_id!(/// An organization, the tenant. A snowflake where those are enabled.
    OrganizationId, "organization id");
integer_id!(/// A user of the instance. A snowflake where those are enabled.
    UserId, "user id");
integer_id!(/// A team of an organization. A snowflake where those are enabled.
    TeamId, "team id");
integer_id!(/// A project of an organization. A snowflake where those are enabled.
    ProjectId, "project id");
integer_id!(/// The number of a work item in its Azure DevOps collection: positive, below 2^53.
    WorkItemNumber, "work item number");
integer_id!(/// The revision of a work item (`System.Rev`): grows by one with each change of its fields.
    Revision, "revision");
uuid_id!(/// An issue group.
    GroupId, "group id");
uuid_id!(/// One entry of a group's history.
    ActivityId, "activity id");
uuid_id!(/// An Azure DevOps collection that this instance knows, shared by the organizations that installed it.
    IntegrationId, "integration id");
uuid_id!(/// One organization's installation of an integration, with its own credential.
    InstallationId, "installation id");
uuid_id!(/// A service hook of ours, part of its webhook address.
    HookId, "hook id");
uuid_id!(/// A work item as mirrored here.
    ExternalIssueId, "external issue id");
uuid_id!(/// The link of a group with an external issue.
    LinkId, "link id");
uuid_id!(/// The mapping of a tracker's identity to a user.
    MappingId, "identity mapping id");
uuid_id!(/// A tracking rule.
    TrackingRuleId, "tracking rule id");
uuid_id!(/// A delivery received by a webhook.
    DeliveryId, "delivery id");
uuid_id!(/// A row of the outbox.
    OutboxId, "outbox id");
uuid_id!(/// A route of a project's events to a channel.
    RouteId, "route id");
uuid_id!(/// A message that we sent, or are about to send.
    MessageRecordId, "message record id");
uuid_id!(/// An API token.
    TokenId, "token id");

/// A time-ordered identifier (RFC 9562 `UUIDv7`): milliseconds, then the microseconds of that
/// millisecond in `rand_a`, then randomness, so that ids of one process sort by their making.
#[must_use]
pub fn uuid_v7(now: Timestamp, entropy: &dyn Entropy) -> Uuid {
    let micros = u64::try_from(now.as_micros()).unwrap_or(0);
    let mut random = [0_u8; 10];
    entropy.fill(&mut random);
    let sub_millisecond = u16::try_from((micros % 1000) * 4096 / 1000).unwrap_or(0);
    let [high, low] = sub_millisecond.to_be_bytes();
    random[0] = high;
    random[1] = low;
    uuid::Builder::from_unix_timestamp_millis(micros / 1000, &random).into_uuid()
}

/// The largest whole number that a JavaScript program reads exactly (2^53 - 1).
pub const MAX_SAFE_INTEGER: i64 = 9_007_199_254_740_991;

impl WorkItemNumber {
    /// A number as a tracker sent it: `None` unless it is positive and at most 2^53 - 1.
    #[must_use]
    pub fn from_wire(value: i64) -> Option<Self> {
        (1..=MAX_SAFE_INTEGER).contains(&value).then_some(Self(value))
    }
}

impl Revision {
    /// A revision as a tracker sent it: `None` unless it is positive and at most 2^53 - 1.
    #[must_use]
    pub fn from_wire(value: i64) -> Option<Self> {
        (1..=MAX_SAFE_INTEGER).contains(&value).then_some(Self(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SequentialEntropy;

    #[test]
    fn ids_made_later_sort_later_even_inside_one_millisecond() {
        let entropy = SequentialEntropy::default();
        let ids: Vec<Uuid> =
            (0..1000).map(|n| uuid_v7(Timestamp::from_micros(1_700_000_000_000_000 + n), &entropy)).collect();
        let mut sorted = ids.clone();
        sorted.sort();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        assert_eq!(sorted, ids);
    }

    #[test]
    fn an_id_tells_when_it_was_made_unless_it_is_of_another_kind() {
        let made = Timestamp::from_micros(1_700_000_000_123_000);
        assert_eq!(OutboxId::generate(made, &SequentialEntropy::default()).made_at(), Some(made));
        assert_eq!(OutboxId::from_uuid(Uuid::from_u128(7)).made_at(), None);
    }

    #[test]
    fn a_work_item_number_from_outside_is_positive_and_exact_in_json() {
        assert_eq!(WorkItemNumber::from_wire(0), None);
        assert_eq!(WorkItemNumber::from_wire(-1), None);
        assert_eq!(WorkItemNumber::from_wire(MAX_SAFE_INTEGER + 1), None);
        assert_eq!(WorkItemNumber::from_wire(7), Some(WorkItemNumber::new(7)));
    }
}
