//! Whose word counts: what a tracker says against what a group decided. Pure.

use crate::assignee::Decision;
use crate::id::{ExternalIssueId, IntegrationId, OrganizationId, UserId};
use crate::time::Timestamp;

/// How something that a tracker says came to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It changed there, and nobody here knew when they decided.
    News,
    /// It was known before: whoever decided since then knew of it.
    Known,
    /// It is what we wrote ourselves.
    Echo {
        /// In which organization it was decided.
        organization: OrganizationId,
        /// Who decided it, where that was one of our users.
        by: Option<UserId>,
    },
    /// The tracker went back to it: a Server was restored from a backup.
    Rewound,
    /// It is what a work item said when it was linked: the tracker wins, nobody is mentioned, and nothing
    /// is written there.
    Baseline,
}

/// Something that a tracker says, as far as it may be overruled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// When it was said, by our clock; of an echo, when it was decided.
    pub at: Timestamp,
    /// How it came to be known.
    pub how: How,
}

impl Heard {
    /// Whether a group's own decision stands against it, said by this work item. Two clocks are compared with
    /// tolerance, one clock strictly. What came from the work item itself does not stand against what it says
    /// next, and what its tracker said before it was restored does not stand either.
    #[must_use]
    pub fn yields_to<T>(
        &self,
        decision: Option<&Decision<T>>,
        integration: IntegrationId,
        item: ExternalIssueId,
    ) -> bool {
        let others = decision.filter(|decision| decision.source.external_issue() != Some(item));
        others.is_some_and(|decision| match self.how {
            How::News => decision.overrules(self.at),
            How::Known | How::Echo { .. } => decision.at > self.at,
            How::Rewound => decision.source.integration() != Some(integration) && decision.overrules(self.at),
            How::Baseline => false,
        })
    }

    /// The same as a group hears it that was linked at this time: what was known then was said to it then.
    #[must_use]
    pub fn since(self, linked_at: Timestamp) -> Self {
        let at = if self.how == How::Known { self.at.max(linked_at) } else { self.at };
        Self { at, ..self }
    }

    /// Whether it is the first word about a work item.
    #[must_use]
    pub fn is_baseline(&self) -> bool {
        self.how == How::Baseline
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assignee::ChangeSource;
    use crate::id::InstallationId;
    use uuid::Uuid;

    const HERE: ChangeSource = ChangeSource::Api { by: None };

    const ECHO: How = How::Echo { organization: OrganizationId::new(1), by: None };

    fn integration(n: u128) -> IntegrationId {
        IntegrationId::from_uuid(Uuid::from_u128(n))
    }

    fn item(n: u128) -> ExternalIssueId {
        ExternalIssueId::from_uuid(Uuid::from_u128(n))
    }

    fn there(n: u128, from: u128) -> ChangeSource {
        let installation = InstallationId::from_uuid(Uuid::from_u128(1));
        ChangeSource::Tracker { integration: integration(n), installation, external_issue: item(from), by: None }
    }

    #[test]
    fn a_decision_stands_against_what_was_said_before_it_by_the_clocks_concerned() {
        let echo = ECHO;
        for (how, later_by_micros, source, stands) in [
            (How::News, 2_000_001, HERE, true),
            (How::News, 2_000_000, HERE, false),
            (How::News, -1, HERE, false),
            (How::Known, 1, HERE, true),
            (How::Known, 0, HERE, false),
            (echo, 1, HERE, true),
            (echo, 0, HERE, false),
            (How::Rewound, 2_000_001, HERE, true),
            (How::News, 9_000_000, there(1, 2), true),
            (How::News, 9_000_000, there(1, 1), false),
            (echo, 1, there(1, 2), true),
            (echo, 1, there(1, 1), false),
            (How::Rewound, 2_000_001, there(2, 2), true),
            (How::Rewound, 2_000_001, there(1, 2), false),
            (How::Rewound, 1, HERE, false),
            (How::Baseline, 9_000_000, HERE, false),
        ] {
            let heard = Heard { at: Timestamp::from_seconds(100), how };
            let decision = Decision { value: (), at: heard.at.offset_micros(later_by_micros), source };
            let said = format!("{how:?}, {later_by_micros} later, {source:?}");
            assert_eq!(heard.yields_to(Some(&decision), integration(1), item(1)), stands, "{said}");
        }
        let heard = Heard { at: Timestamp::from_seconds(100), how: How::News };
        assert!(!heard.yields_to::<()>(None, integration(1), item(1)));
    }

    #[test]
    fn what_was_known_when_a_group_was_linked_was_said_to_it_then() {
        for (how, at) in [(How::Known, 100), (How::News, 50), (ECHO, 50)] {
            let heard = Heard { at: Timestamp::from_seconds(50), how };
            assert_eq!(heard.since(Timestamp::from_seconds(100)).at, Timestamp::from_seconds(at), "{how:?}");
            assert_eq!(heard.since(Timestamp::from_seconds(10)), heard);
        }
    }
}
