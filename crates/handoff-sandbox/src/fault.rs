//! Fault plans: what a simulator shall do wrong, and at which of the next calls.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Matches every operation that has no fault of its own.
pub const ANY_OPERATION: &str = "*";

/// One way in which a call goes wrong. Times are measured on the simulator's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A delivery is never sent; an API call takes effect and its connection is closed without an
    /// answer.
    Drop,
    /// The call has no effect and is answered with this status.
    RefuseBefore {
        /// The HTTP status of the answer.
        status: u16,
    },
    /// The call takes effect, but its answer is lost and this status is sent in its place.
    FailAfter {
        /// The HTTP status of the answer.
        status: u16,
    },
    /// The call is held back for so long, then goes on as usual.
    Delay(Duration),
    /// A delivery is sent so many times instead of once. Means nothing for an API call.
    Duplicate(u8),
    /// The call takes effect and the headers are sent; the body never ends.
    Stall,
    /// The call has no effect and is answered with status 203 and an HTML sign-in page, as Azure
    /// DevOps does when it takes the caller for a browser.
    Html,
}

/// The faults to come, shared by all clones: those queued for the next calls first, then the standing
/// ones; within each, those of the operation's own name before those of [`ANY_OPERATION`].
#[derive(Clone, Debug, Default)]
pub struct FaultPlan {
    inner: Arc<Mutex<Plan>>,
}

#[derive(Debug, Default)]
struct Plan {
    queued: HashMap<String, VecDeque<Fault>>,
    standing: HashMap<String, Fault>,
}

impl FaultPlan {
    /// Queues one fault for the next call of `operation` that no earlier one in the queue takes.
    pub fn push_next(&self, operation: &str, fault: Fault) {
        self.with(|plan| plan.queued.entry(operation.to_owned()).or_default().push_back(fault));
    }

    /// Lets every call of `operation` go wrong like this, until [`FaultPlan::clear`].
    pub fn always(&self, operation: &str, fault: Fault) {
        self.with(|plan| plan.standing.insert(operation.to_owned(), fault));
    }

    /// Forgets every fault, queued and standing.
    pub fn clear(&self) {
        self.with(|plan| *plan = Plan::default());
    }

    /// The fault that a call of `operation` meets now. A queued one is used up by this.
    #[must_use]
    pub fn take(&self, operation: &str) -> Option<Fault> {
        let names = [operation, ANY_OPERATION];
        self.with(|plan| {
            names
                .iter()
                .find_map(|name| plan.queued.get_mut(*name).and_then(VecDeque::pop_front))
                .or_else(|| names.iter().find_map(|name| plan.standing.get(*name).copied()))
        })
    }

    fn with<T>(&self, change: impl FnOnce(&mut Plan) -> T) -> T {
        // A panic elsewhere leaves the plan usable: every change to it is a single step.
        change(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queued_faults_are_used_once_and_in_order() {
        let plan = FaultPlan::default();
        plan.push_next("create_message", Fault::Drop);
        plan.push_next("create_message", Fault::Stall);
        assert_eq!(plan.take("edit_message"), None);
        assert_eq!(plan.take("create_message"), Some(Fault::Drop));
        assert_eq!(plan.take("create_message"), Some(Fault::Stall));
        assert_eq!(plan.take("create_message"), None);
    }

    #[test]
    fn a_fault_of_the_operation_goes_before_one_of_any_operation() {
        let plan = FaultPlan::default();
        plan.push_next(ANY_OPERATION, Fault::Html);
        plan.push_next("deliver", Fault::Duplicate(2));
        assert_eq!(plan.take("deliver"), Some(Fault::Duplicate(2)));
        assert_eq!(plan.take("deliver"), Some(Fault::Html));
    }

    #[test]
    fn a_standing_fault_stays_until_cleared() {
        let plan = FaultPlan::default();
        let fault = Fault::RefuseBefore { status: 503 };
        plan.clone().always("get_channel", fault);
        assert_eq!(plan.take("get_channel"), Some(fault));
        assert_eq!(plan.take("get_channel"), Some(fault));
        plan.clear();
        assert_eq!(plan.take("get_channel"), None);
    }
}
