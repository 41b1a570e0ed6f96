//! How long to wait after a failure that is nobody's fault and no attempt: such failures are not counted,
//! so the wait grows with how long the work has waited already.

use std::time::Duration;

/// The longest such wait: so soon after an outage everything goes on.
pub(super) const LONGEST_OUTAGE_WAIT: Duration = Duration::from_secs(60);

/// Half of the time that it waited already, at least `first`, at most [`LONGEST_OUTAGE_WAIT`].
pub(super) fn outage_wait(waited: Duration, first: Duration) -> Duration {
    (waited / 2).clamp(first, LONGEST_OUTAGE_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_with_the_outage_up_to_a_minute() {
        let after = |seconds| outage_wait(Duration::from_secs(seconds), Duration::from_secs(2)).as_secs();
        assert_eq!([0, 3, 10, 100, 120, 86_400].map(after), [2, 2, 5, 50, 60, 60]);
    }
}
