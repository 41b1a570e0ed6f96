//! How fast an installation may ask: the waits that Azure DevOps asks for, refused credentials, and a
//! cap on calls at once. What one installation is told does not slow down another.

use handoff_domain::credential::Credential;
use handoff_domain::id::InstallationId;
use handoff_domain::port::Clock;
use handoff_domain::port::tracker::TrackerError;
use handoff_domain::time::Timestamp;
use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A wait up to this long is waited out before the call; for a longer one the call is not made.
pub(crate) const MAX_NAP: Duration = Duration::from_secs(5);
/// How long a refused credential is not tried again.
pub(crate) const REFUSED_PAUSE: Duration = Duration::from_secs(30);
/// The longest `Retry-After` believed.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// The longest wait derived from the usage alone: the window over which it is counted (Azure DevOps
/// docs, "Rate and usage limits").
const USAGE_WINDOW: Duration = Duration::from_secs(300);
/// The longest delay that Azure DevOps puts in front of an answer (same source).
const MAX_DELAY: Duration = Duration::from_secs(30);
/// The wait after a 429 that names none.
const UNNAMED_WAIT: Duration = MAX_NAP;
/// Calls of one installation at once.
const CALLS_AT_ONCE: usize = 4;
/// How often a caller naps before it gives up.
const MAX_NAPS: usize = 3;
/// Installations remembered; past this, those that nobody is using are forgotten.
const MAX_LANES: usize = 10_000;

/// One lane for each installation.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    lanes: Mutex<HashMap<InstallationId, Arc<Lane>>>,
}

impl Pace {
    pub(crate) fn lane(&self, installation: InstallationId) -> Arc<Lane> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if lanes.len() >= MAX_LANES {
            lanes.retain(|_, lane| Arc::strong_count(lane) > 1);
        }
        Arc::clone(lanes.entry(installation).or_default())
    }
}

/// What one installation was told.
#[derive(Debug)]
pub(crate) struct Lane {
    slots: Arc<Semaphore>,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    not_before: Option<Timestamp>,
    /// The credential's digest, until when it is not tried, and what was said about it.
    refused: Option<([u8; 32], Timestamp, TrackerError)>,
}

impl Default for Lane {
    fn default() -> Self {
        Self { slots: Arc::new(Semaphore::new(CALLS_AT_ONCE)), told: Mutex::default() }
    }
}

impl Lane {
    /// Waits for a turn; the call may be made while the permit is held.
    ///
    /// # Errors
    /// What was said while the credential is known to be refused, [`TrackerError::Throttled`] when
    /// the wait is longer than [`MAX_NAP`], `Unavailable` when `patience` ends before there is a turn.
    pub(crate) async fn enter(
        &self,
        credential: &Credential,
        clock: &dyn Clock,
        patience: Duration,
    ) -> Result<OwnedSemaphorePermit, TrackerError> {
        self.check(credential, clock.now())?;
        let turn = tokio::time::timeout(patience, Arc::clone(&self.slots).acquire_owned()).await;
        let Ok(Ok(permit)) = turn else {
            return Err(TrackerError::Unavailable { reason: "too many calls are waiting for an answer".to_owned() });
        };
        for _ in 0..MAX_NAPS {
            match self.check(credential, clock.now())? {
                Some(wait) => clock.sleep(wait).await,
                None => return Ok(permit),
            }
        }
        Err(TrackerError::Throttled { retry_after: Some(MAX_NAP) })
    }

    /// The nap to take before a call, if one is needed.
    fn check(&self, credential: &Credential, now: Timestamp) -> Result<Option<Duration>, TrackerError> {
        let told = self.told();
        if let Some((refused, until, said)) = &told.refused
            && now < *until
            && *refused == digest(credential)
        {
            return Err(said.clone());
        }
        let wait = told.not_before.map_or(Duration::ZERO, |at| at.since(now));
        match wait {
            Duration::ZERO => Ok(None),
            wait if wait <= MAX_NAP => Ok(Some(wait)),
            wait => Err(TrackerError::Throttled { retry_after: Some(wait) }),
        }
    }

    /// Remembers what an answer says about the next call.
    pub(crate) fn learn(
        &self,
        outcome: Option<&TrackerError>,
        wait: Option<Duration>,
        credential: &Credential,
        now: Timestamp,
    ) {
        let throttled = matches!(outcome, Some(TrackerError::Throttled { .. }));
        let mut told = self.told();
        if let Some(wait) = wait.or_else(|| throttled.then_some(UNNAMED_WAIT)) {
            told.not_before = told.not_before.max(Some(now.plus(wait)));
        }
        match outcome {
            Some(said @ (TrackerError::Unauthorized | TrackerError::NotSignedIn { .. })) => {
                told.refused = Some((digest(credential), now.plus(REFUSED_PAUSE), said.clone()));
            }
            None => told.refused = None,
            Some(_) => {}
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn digest(credential: &Credential) -> [u8; 32] {
    Sha256::digest(credential.to_stored().expose().as_bytes()).into()
}

/// The moment that a `Date` header names.
pub(crate) fn date_of(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

/// A date of RFC 9110, 5.6.7, in the one form that may still be sent.
fn http_date(text: &str) -> Option<Timestamp> {
    OffsetDateTime::parse(text, &Rfc2822).ok().map(|at| Timestamp::from_seconds(at.unix_timestamp()))
}

/// How long the headers of an answer ask the next call to wait, even where the answer is good.
/// `Retry-After` counts if there is one; else a used-up allowance waits until its reset, and a delayed
/// answer as long as it was delayed. Points in time are compared with the answer's own `Date`.
pub(crate) fn asked_wait(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |name: &str| text(name).and_then(|text| text.parse::<f64>().ok()).filter(|number| number.is_finite());
    let their_now = date_of(headers).unwrap_or(now);
    let wait = if let Some(retry_after) = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()) {
        retry_after_of(retry_after.trim(), their_now)?.min(MAX_RETRY_AFTER)
    } else if number("x-ratelimit-remaining").is_some_and(|left| left <= 0.0)
        && let Some(reset) = text("x-ratelimit-reset").and_then(|text| text.parse().ok())
    {
        Timestamp::from_seconds(reset).since(their_now).min(USAGE_WINDOW)
    } else {
        seconds(number("x-ratelimit-delay")?, MAX_DELAY)
    };
    (!wait.is_zero()).then_some(wait)
}

fn retry_after_of(text: &str, their_now: Timestamp) -> Option<Duration> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Some(seconds(number, MAX_RETRY_AFTER)),
        _ => http_date(text).map(|at| at.since(their_now)),
    }
}

fn seconds(number: f64, most: Duration) -> Duration {
    Duration::try_from_secs_f64(number.max(0.0)).unwrap_or(most).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use handoff_domain::secret::Secret;
    use handoff_domain::testing::FixedClock;
    use http::{HeaderName, HeaderValue};

    /// Sun, 01 Mar 2026 08:00:00 GMT.
    const NOW: Timestamp = Timestamp::from_seconds(1_772_352_000);

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn a_date_header_is_read() {
        assert_eq!(date_of(&headers(&[("date", "Sun, 01 Mar 2026 08:00:00 GMT")])), Some(NOW));
        assert_eq!(date_of(&headers(&[("date", "yesterday")])), None);
    }

    #[test]
    fn every_form_of_slow_down_becomes_a_wait() {
        let secs = |n| Some(Duration::from_secs(n));
        for (pairs, expected) in [
            (vec![], None),
            (vec![("retry-after", "30")], secs(30)),
            (vec![("retry-after", "0")], None),
            (vec![("retry-after", "1.5")], Some(Duration::from_millis(1500))),
            (vec![("retry-after", "-4")], None),
            (vec![("retry-after", "nonsense")], None),
            (vec![("retry-after", "99999999999999999999")], Some(MAX_RETRY_AFTER)),
            (vec![("retry-after", "Sun, 01 Mar 2026 08:00:07 GMT")], secs(7)),
            (
                vec![("date", "Sun, 01 Mar 2026 08:00:05 GMT"), ("retry-after", "Sun, 01 Mar 2026 08:00:07 GMT")],
                secs(2),
            ),
            (vec![("x-ratelimit-remaining", "5"), ("x-ratelimit-reset", "1772352060")], None),
            (vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1772352060")], secs(60)),
            (vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1872352060")], Some(USAGE_WINDOW)),
            (vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1")], None),
            (vec![("x-ratelimit-delay", "1.5")], Some(Duration::from_millis(1500))),
            (vec![("x-ratelimit-delay", "NaN")], None),
            (vec![("x-ratelimit-delay", "1e300")], Some(MAX_DELAY)),
        ] {
            assert_eq!(asked_wait(&headers(&pairs), NOW), expected, "{pairs:?}");
        }
    }

    #[tokio::test]
    async fn a_short_wait_is_slept_and_a_long_one_is_told_at_once() {
        let (lane, clock, pat) = (Lane::default(), FixedClock::at(NOW), Credential::from(Secret::new("pat")));
        lane.learn(None, Some(Duration::from_secs(5)), &pat, clock.now());
        drop(lane.enter(&pat, &clock, MAX_NAP).await.unwrap());
        assert_eq!(clock.now().since(NOW), Duration::from_secs(5));
        lane.learn(None, Some(Duration::from_secs(6)), &pat, clock.now());
        let told = lane.enter(&pat, &clock, MAX_NAP).await.unwrap_err();
        assert_eq!(told, TrackerError::Throttled { retry_after: Some(Duration::from_secs(6)) });
        assert_eq!(clock.now().since(NOW), Duration::from_secs(5));
    }

    #[tokio::test]
    async fn a_refused_credential_pauses_only_itself_and_only_for_a_while() {
        let (lane, clock) = (Lane::default(), FixedClock::at(NOW));
        let (old, new) = (Credential::from(Secret::new("old")), Credential::from(Secret::new("new")));
        lane.learn(Some(&TrackerError::Unauthorized), None, &old, clock.now());
        assert_eq!(lane.enter(&old, &clock, MAX_NAP).await.unwrap_err(), TrackerError::Unauthorized);
        assert!(lane.enter(&new, &clock, MAX_NAP).await.is_ok());
        clock.advance(REFUSED_PAUSE);
        assert!(lane.enter(&old, &clock, MAX_NAP).await.is_ok());
    }

    #[tokio::test]
    async fn so_many_calls_at_once_and_no_more() {
        let (lane, clock, pat) = (Lane::default(), FixedClock::at(NOW), Credential::from(Secret::new("pat")));
        let mut held = Vec::new();
        for _ in 0..CALLS_AT_ONCE {
            held.push(lane.enter(&pat, &clock, MAX_NAP).await.unwrap());
        }
        let refused = lane.enter(&pat, &clock, Duration::from_millis(10)).await;
        assert!(matches!(refused, Err(TrackerError::Unavailable { .. })));
        held.pop();
        assert!(lane.enter(&pat, &clock, MAX_NAP).await.is_ok());
    }

    #[test]
    fn lanes_that_nobody_uses_are_forgotten_when_there_are_too_many() {
        let pace = Pace::default();
        let id = |n: u128| InstallationId::from_uuid(uuid::Uuid::from_u128(n));
        let kept = pace.lane(id(0));
        for n in 1..=MAX_LANES as u128 {
            pace.lane(id(n));
        }
        assert!(pace.lanes.lock().unwrap().len() <= MAX_LANES);
        assert!(Arc::ptr_eq(&kept, &pace.lane(id(0))));
    }
}
