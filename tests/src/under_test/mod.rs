//! What the program under test has besides the usual: the clock of the tests, and points where it stops. Both
//! only where variables of its environment say so.

mod clock;
mod hold;

pub use clock::SharedClock;
pub use hold::HoldPoint;

use crate::requirements::variable;
use clock::FollowingClock;
use handoff::parts::Parts;
use hold::Hold;
use std::path::PathBuf;
use std::sync::Arc;

/// Names the file of a [`SharedClock`].
pub const CLOCK: &str = "UNDER_TEST_CLOCK";
/// Names the point at which it stops.
pub const HOLD: &str = "UNDER_TEST_HOLD";
/// Names the file that it makes when it has stopped there.
pub const REACHED: &str = "UNDER_TEST_REACHED";

/// The parts of the program under test, as its environment says.
///
/// # Panics
/// When a variable makes no sense.
#[must_use]
pub fn parts() -> Parts {
    let mut parts = Parts::default();
    if let Some(file) = variable(CLOCK) {
        parts.clock = Arc::new(FollowingClock::of(file.as_ref()).unwrap());
    }
    if let Some(name) = variable(HOLD) {
        let point = HoldPoint::ALL.into_iter().find(|point| point.name() == name).unwrap();
        let hold = Hold { point, reached: PathBuf::from(variable(REACHED).unwrap()) };
        parts.adapt = Box::new(move |ports| hold.around(ports));
    }
    parts
}
