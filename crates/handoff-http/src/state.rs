//! What the handlers share: the services, and where the process stands in its life.

use crate::webhook::Webhooks;
use handoff_domain::port::{Clock, Entropy, Reader};
use handoff_domain::service::delete_project::DeleteProject;
use handoff_domain::service::groups::Groups;
use handoff_domain::service::guilds::Guilds;
use handoff_domain::service::import_people::ImportPeople;
use handoff_domain::service::installations::Installations;
use handoff_domain::service::link_work_item::LinkWorkItem;
use handoff_domain::service::mappings::Mappings;
use handoff_domain::service::organizations::Organizations;
use handoff_domain::service::projects::Projects;
use handoff_domain::service::replay::Replay;
use handoff_domain::service::routes::Routes;
use handoff_domain::service::teams::Teams;
use handoff_domain::service::tokens::Tokens;
use handoff_domain::service::tracking_rules::TrackingRules;
use handoff_domain::service::users::Users;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_util::sync::CancellationToken;

/// Everything that the handlers need. The binary builds it once.
pub struct ApiState {
    /// Where the process stands.
    pub lifecycle: Lifecycle,
    /// The time, for durations.
    pub clock: Arc<dyn Clock>,
    /// For request ids.
    pub entropy: Arc<dyn Entropy>,
    /// Queries.
    pub reader: Arc<dyn Reader>,
    /// Receives deliveries.
    pub webhooks: Webhooks,
    /// Recognises callers.
    pub tokens: Tokens,
    /// Makes organizations.
    pub organizations: Organizations,
    /// Makes and changes users.
    pub users: Users,
    /// Makes and changes teams.
    pub teams: Teams,
    /// Makes and changes projects.
    pub projects: Projects,
    /// Deletes projects.
    pub delete_project: DeleteProject,
    /// Makes groups; its assignments assign them.
    pub groups: Groups,
    /// Links groups with work items.
    pub links: LinkWorkItem,
    /// Makes and changes installations.
    pub installations: Installations,
    /// Makes people of those who are in Azure DevOps' teams.
    pub import_people: ImportPeople,
    /// Makes and changes tracking rules.
    pub tracking_rules: TrackingRules,
    /// Makes and removes identity mappings.
    pub mappings: Mappings,
    /// Adds guilds.
    pub guilds: Guilds,
    /// Makes and changes routes.
    pub routes: Routes,
    /// Does deliveries and outbox rows again.
    pub replay: Replay,
}

/// Where the process stands: starting, serving, or draining. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    started: Arc<AtomicBool>,
    broken: Arc<AtomicBool>,
    drain: CancellationToken,
}

impl Lifecycle {
    /// Starting: alive, not ready.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The migrations are done and the workers run: ready from now on.
    pub fn mark_started(&self) {
        self.started.store(true, Ordering::SeqCst);
    }

    /// Whether [`mark_started`](Self::mark_started) was called.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.started.load(Ordering::SeqCst)
    }

    /// The background work is gone for good: never ready again, though what arrives is kept.
    pub fn mark_broken(&self) {
        self.broken.store(true, Ordering::SeqCst);
    }

    /// Whether [`mark_broken`](Self::mark_broken) was called.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::SeqCst)
    }

    /// No longer ready, and webhooks are asked to come again, while requests under way are finished.
    pub fn drain(&self) {
        self.drain.cancel();
    }

    /// Whether [`drain`](Self::drain) was called.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }
}
