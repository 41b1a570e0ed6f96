//! One time for two processes: the simulators of a test and the program under test. It runs with the system's
//! clock, ahead of it by what the test says.

use async_trait::async_trait;
use handoff::environment::SystemClock;
use handoff_domain::port::Clock;
use handoff_domain::time::Timestamp;
use handoff_sandbox::clock::{SimClock, micros};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often somebody who waits looks whether their time has come.
const LOOK: Duration = Duration::from_millis(10);

/// The test's side: its simulators follow it, and so does whoever reads its file.
#[derive(Debug, Clone)]
pub struct SharedClock {
    sim: SimClock,
    file: Arc<File>,
    ahead: Arc<Mutex<Duration>>,
}

impl SharedClock {
    /// The system's time, until it is moved.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn in_file(path: &Path) -> io::Result<Self> {
        let file = File::create(path)?;
        file.write_all_at(&0_i64.to_le_bytes(), 0)?;
        Ok(Self { sim: SimClock::real(), file: Arc::new(file), ahead: Arc::default() })
    }

    /// The simulators' side of it.
    #[must_use]
    pub const fn sim(&self) -> &SimClock {
        &self.sim
    }

    /// Moves it ahead.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn advance(&self, by: Duration) {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        *ahead += by;
        // The simulators first: who keeps to what they said is never too early.
        self.sim.advance(by);
        self.file.write_all_at(&micros(*ahead).to_le_bytes(), 0).unwrap();
    }

    /// Runs so many times as fast as the system's clock, without end. A machine too busy for that slows it
    /// down.
    pub async fn run_fast(&self, times: u32) {
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            self.advance(LOOK * times.saturating_sub(1));
        }
    }
}

/// The side of the program under test.
#[derive(Debug)]
pub(super) struct FollowingClock(File);

impl FollowingClock {
    /// Follows the [`SharedClock`] of this file.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        File::open(path).map(Self)
    }
}

#[async_trait]
impl Clock for FollowingClock {
    fn now(&self) -> Timestamp {
        let mut ahead = [0; 8];
        self.0.read_exact_at(&mut ahead, 0).unwrap();
        let ahead = u64::try_from(i64::from_le_bytes(ahead)).unwrap();
        SystemClock.now().plus(Duration::from_micros(ahead))
    }

    async fn sleep(&self, duration: Duration) {
        let until = self.now().plus(duration);
        loop {
            let now = self.now();
            if now >= until {
                return;
            }
            SystemClock.sleep(until.since(now).min(LOOK)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_follows_sees_the_time_of_who_leads_and_wakes_when_it_is_moved() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clock");
        let leading = SharedClock::in_file(&path).unwrap();
        let following = FollowingClock::of(&path).unwrap();
        let begun = following.now();
        let sleeper = following.sleep(Duration::from_secs(3_600));
        // Asleep before the clock is moved: a future that nobody polls has not begun.
        let moved = async { leading.advance(Duration::from_secs(7_200)) };
        let both = async { tokio::join!(sleeper, moved) };
        tokio::time::timeout(Duration::from_secs(30), both).await.unwrap();
        assert!(following.now() >= begun.plus(Duration::from_secs(7_200)));
        assert!(leading.sim().now_us() >= following.now().as_micros() - 1_000_000);
    }
}
