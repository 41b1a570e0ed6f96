//! What follows from a receiver's answer: the delivery rules of service hooks (Azure DevOps docs,
//! "Troubleshoot service hooks").

use std::time::Duration;

/// Waits between the attempts after transient failures.
pub(crate) const TRANSIENT_WAITS: [Duration; 8] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    Duration::from_secs(32),
    Duration::from_secs(60),
    Duration::from_secs(60),
];

/// Waits between the attempts on probation; after the last of them the subscription is disabled.
pub(crate) const PROBATION_WAITS: [Duration; 7] = [
    Duration::from_secs(20 * 60),
    Duration::from_secs(40 * 60),
    Duration::from_secs(80 * 60),
    Duration::from_secs(160 * 60),
    Duration::from_secs(320 * 60),
    Duration::from_secs(640 * 60),
    Duration::from_secs(900 * 60),
];

/// What a receiver's answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Success,
    /// The receiver is gone for good.
    Terminal,
    Transient,
    Enduring,
}

impl Verdict {
    /// `None` is no answer: no connection, or none in time.
    pub(crate) fn of(status: Option<u16>) -> Self {
        match status {
            Some(200..=299) => Self::Success,
            Some(410) => Self::Terminal,
            None | Some(408 | 502 | 503 | 504) => Self::Transient,
            Some(_) => Self::Enduring,
        }
    }
}

/// How far a notification has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// So many transient failures so far.
    Normal { failures: usize },
    /// It put its subscription on probation and was retried so many times since.
    Probation { retries: usize },
}

/// What happens next to the notification and its subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Delivered,
    /// Another attempt, the subscription stays as it is.
    Retry {
        after: Duration,
        phase: Phase,
    },
    /// The notification failed for good while another one holds the probation.
    Failed,
    /// The subscription is disabled.
    Disable,
}

/// Decides. `on_probation`: whether the subscription is on probation already.
pub(crate) fn next(phase: Phase, verdict: Verdict, on_probation: bool) -> Next {
    let retry_on_probation = |retries: usize| match PROBATION_WAITS.get(retries) {
        Some(after) => Next::Retry { after: *after, phase: Phase::Probation { retries } },
        None => Next::Disable,
    };
    match (verdict, phase) {
        (Verdict::Success, _) => Next::Delivered,
        (Verdict::Terminal, _) => Next::Disable,
        (_, Phase::Probation { retries }) => retry_on_probation(retries + 1),
        (Verdict::Transient, Phase::Normal { failures }) if failures < TRANSIENT_WAITS.len() => {
            Next::Retry { after: TRANSIENT_WAITS[failures], phase: Phase::Normal { failures: failures + 1 } }
        }
        (_, Phase::Normal { .. }) if on_probation => Next::Failed,
        (_, Phase::Normal { .. }) => retry_on_probation(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_classed_as_documented() {
        for (status, verdict) in [
            (Some(200), Verdict::Success),
            (Some(204), Verdict::Success),
            (Some(410), Verdict::Terminal),
            (Some(408), Verdict::Transient),
            (Some(502), Verdict::Transient),
            (Some(503), Verdict::Transient),
            (Some(504), Verdict::Transient),
            (None, Verdict::Transient),
            (Some(302), Verdict::Enduring),
            (Some(400), Verdict::Enduring),
            (Some(401), Verdict::Enduring),
            (Some(404), Verdict::Enduring),
            (Some(429), Verdict::Enduring),
            (Some(500), Verdict::Enduring),
        ] {
            assert_eq!(Verdict::of(status), verdict, "{status:?}");
        }
    }

    #[test]
    fn eight_transient_retries_take_183_seconds_and_seven_on_probation_36_hours() {
        assert_eq!(TRANSIENT_WAITS.iter().sum::<Duration>().as_secs(), 183);
        assert_eq!(PROBATION_WAITS.iter().sum::<Duration>().as_secs() / 3_600, 36);
    }

    #[test]
    fn a_notification_that_always_fails_ends_with_its_subscription_disabled() {
        let mut phase = Phase::Normal { failures: 0 };
        let mut attempts = 0;
        loop {
            attempts += 1;
            match next(phase, Verdict::Transient, false) {
                Next::Retry { phase: later, .. } => phase = later,
                ended => {
                    assert_eq!(ended, Next::Disable);
                    break;
                }
            }
        }
        assert_eq!(attempts, 1 + TRANSIENT_WAITS.len() + PROBATION_WAITS.len());
    }
}
