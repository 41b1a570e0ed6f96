//! The handle: everything a test or the control API can do with a running simulator.

mod deliveries;
mod hooks;
mod revisions;
mod setup;
mod work_items;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Client;
use tokio::sync::watch;

use super::options::AzureOptions;
use super::refusal::Refusal;
use super::request_log::LoggedRequest;
use super::state::State;
use super::throttle::Throttle;
use crate::client::plain_client;
use crate::clock::{SimClock, micros};
use crate::fault::FaultPlan;
use crate::spec::SpecCheck;

pub use hooks::SimSubscription;
pub use revisions::SimRevision;
pub use work_items::{NewWorkItem, SimWorkItem};

/// A running simulator, to be driven and looked into. Clones drive the same one.
#[derive(Clone, Debug)]
pub struct AzureHandle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: AzureOptions,
    state: Mutex<State>,
    faults: FaultPlan,
    specs: Option<SpecCheck>,
    client: Client,
    /// Counts what may have made a delivery due or done.
    nudges: watch::Sender<u64>,
}

impl AzureHandle {
    pub(crate) fn new(options: AzureOptions) -> io::Result<Self> {
        let specs = options.specs.as_deref().map(SpecCheck::load_azure).transpose().map_err(io::Error::other)?;
        Ok(Self {
            shared: Arc::new(Shared {
                state: Mutex::new(State::new(options.seed)),
                faults: FaultPlan::default(),
                specs,
                client: plain_client()?,
                nudges: watch::Sender::new(0),
                options,
            }),
        })
    }

    /// The simulator's clock.
    #[must_use]
    pub fn clock(&self) -> &SimClock {
        &self.shared.options.clock
    }

    /// What shall go wrong. Operations have the names of the request log; deliveries are `deliver`.
    #[must_use]
    pub fn faults(&self) -> &FaultPlan {
        &self.shared.faults
    }

    /// The API requests so far, the oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.with(|state, _| state.log.requests.iter().cloned().collect())
    }

    /// How often an operation was asked for, such as `create_subscription`.
    #[must_use]
    pub fn request_count(&self, operation: &str) -> usize {
        self.with(|state, _| state.log.requests.iter().filter(|request| request.operation == operation).count())
    }

    /// Where requests departed from the official description. Empty also without a description.
    #[must_use]
    pub fn spec_violations(&self) -> Vec<String> {
        self.with(|state, _| state.log.violations.clone())
    }

    /// Slows callers down.
    pub fn set_throttle(&self, throttle: Throttle) {
        self.with(|state, _| state.rate_limit.throttle = throttle);
    }

    /// How many requests came while `Retry-After` told their caller to wait.
    #[must_use]
    pub fn requests_during_cooldown(&self) -> u64 {
        self.with(|state, _| state.rate_limit.requests_during_cooldown)
    }

    /// Lets the service's own clock run ahead: its `Date` header and the times of its revisions.
    pub fn set_date_skew(&self, ahead: Duration) {
        self.with(|state, _| state.date_skew_us = micros(ahead));
    }

    pub(crate) fn options(&self) -> &AzureOptions {
        &self.shared.options
    }

    pub(crate) fn client(&self) -> &Client {
        &self.shared.client
    }

    pub(crate) fn specs(&self) -> Option<&SpecCheck> {
        self.shared.specs.as_ref()
    }

    /// Looks at or changes the state, at the present time. Never held across an await.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut State, i64) -> T) -> T {
        let now_us = self.clock().now_us();
        // After a panic elsewhere the state is still worth looking at, at least by the failing test.
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut state, now_us)
    }

    /// As [`AzureHandle::with`], for work that may make deliveries due.
    pub(crate) fn act<T>(&self, work: impl FnOnce(&mut State, i64) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let result = self.with(work);
        self.nudge();
        result
    }

    pub(crate) fn nudge(&self) {
        self.shared.nudges.send_modify(|count| *count += 1);
    }

    pub(crate) fn nudges(&self) -> watch::Receiver<u64> {
        self.shared.nudges.subscribe()
    }
}
