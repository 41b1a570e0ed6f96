//! What an Azure DevOps simulator is started with.

use std::path::PathBuf;
use std::time::Duration;

use crate::clock::SimClock;

/// How a simulator is started. Begin with [`AzureOptions::new`] and change what matters.
#[derive(Clone, Debug)]
pub struct AzureOptions {
    /// The clock of revisions, deliveries and retries.
    pub clock: SimClock,
    /// The port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// A folder with the official descriptions (`azure-devops/*.json`), to check every request
    /// against them.
    pub specs: Option<PathBuf>,
    /// Makes the GUIDs of this simulator differ from those of another.
    pub seed: u64,
    /// How long a receiver may take to answer a delivery, in real time on every clock. Azure DevOps
    /// does not document it; 20 s has been observed.
    pub delivery_timeout: Duration,
    /// How many deliveries of one subscription may be under way at once. With one, deliveries without
    /// faults arrive in the order of their events, which Azure DevOps itself does not promise.
    pub concurrent_deliveries: usize,
    /// How many users one page of the Graph API holds.
    pub graph_page_size: usize,
}

impl AzureOptions {
    /// The defaults: any port, no description, one delivery at a time.
    #[must_use]
    pub fn new(clock: SimClock) -> Self {
        Self {
            clock,
            port: 0,
            specs: None,
            seed: 0,
            delivery_timeout: Duration::from_secs(20),
            concurrent_deliveries: 1,
            graph_page_size: 100,
        }
    }
}
