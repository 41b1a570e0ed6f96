//! Wires the ports to the services. Nothing here decides anything: whoever calls chose the adapters.

use handoff_domain::port::{
    AssigneeExistsCache, ChatInbound, ChatMessenger, Clock, Entropy, Inbox, Outbox, OwnershipDebounce, PublicAddress,
    Reader, SecretBox, SequenceStore, Singletons, Store, TrackerInbound, WorkItemTracker,
};
use handoff_domain::service::Assignments;
use handoff_domain::service::access_codes::AccessCodes;
use handoff_domain::service::carry_out::CarryOut;
use handoff_domain::service::create_subscription::Subscriptions;
use handoff_domain::service::delete_project::DeleteProject;
use handoff_domain::service::essentials::Essentials;
use handoff_domain::service::generate_snowflake_id::SnowflakeIds;
use handoff_domain::service::groups::Groups;
use handoff_domain::service::guilds::Guilds;
use handoff_domain::service::handle_updated_workitem::HandleUpdatedWorkitem;
use handoff_domain::service::import_people::ImportPeople;
use handoff_domain::service::installations::Installations;
use handoff_domain::service::interactions::Interactions;
use handoff_domain::service::link_work_item::LinkWorkItem;
use handoff_domain::service::mappings::Mappings;
use handoff_domain::service::organizations::Organizations;
use handoff_domain::service::post::Post;
use handoff_domain::service::projects::Projects;
use handoff_domain::service::prove_public_url::ProvePublicUrl;
use handoff_domain::service::refresh_work_item::RefreshWorkItem;
use handoff_domain::service::replay::Replay;
use handoff_domain::service::routes::Routes;
use handoff_domain::service::save_project::SaveProject;
use handoff_domain::service::send_message::SendMessage;
use handoff_domain::service::teams::Teams;
use handoff_domain::service::tokens::Tokens;
use handoff_domain::service::track_work_item::TrackWorkItem;
use handoff_domain::service::tracking_rules::TrackingRules;
use handoff_domain::service::users::Users;
use handoff_domain::service::watch::{Periods, Watch};
use handoff_domain::snowflake::Region;
use handoff_http::{ApiState, InteractionLimits, InteractionWebhook, Lifecycle, WebhookLimits, Webhooks};
use handoff_worker::{WakeSignals, Workers};
use std::sync::Arc;
use std::time::Duration;

/// The adapters, as the services see them.
#[derive(Clone)]
pub struct Ports {
    /// Opens units of work.
    pub store: Arc<dyn Store>,
    /// Answers queries.
    pub reader: Arc<dyn Reader>,
    /// Where deliveries wait.
    pub inbox: Arc<dyn Inbox>,
    /// Where tasks wait.
    pub outbox: Arc<dyn Outbox>,
    /// What one replica does at a time.
    pub singletons: Arc<dyn Singletons>,
    /// Azure DevOps, asked.
    pub tracker: Arc<dyn WorkItemTracker>,
    /// Azure DevOps, heard.
    pub inbound: Arc<dyn TrackerInbound>,
    /// Ourselves, from outside.
    pub own_address: Arc<dyn PublicAddress>,
    /// Discord.
    pub chat: Arc<dyn ChatMessenger>,
    /// Who has an assignee.
    pub cache: Arc<dyn AssigneeExistsCache>,
    /// Whose ownership was evaluated lately.
    pub debounce: Arc<dyn OwnershipDebounce>,
    /// The counter behind snowflake ids.
    pub sequence: Arc<dyn SequenceStore>,
    /// Seals credentials and the passwords of hooks.
    pub secrets: Arc<dyn SecretBox>,
    /// Discord, heard; `None` where its interactions are not set up.
    pub chat_inbound: Option<Arc<dyn ChatInbound>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// What an operator chooses that the services need to know.
#[derive(Debug, Clone)]
pub struct Choices {
    /// Where Azure DevOps reaches us, without a slash at the end; without one there are no hooks, and work
    /// items are read every minute instead.
    pub public_url: Option<String>,
    /// How often hooks are looked at, and work items read.
    pub periods: Periods,
    /// The region of snowflake ids; without one the database counts.
    pub snowflakes: Option<Region>,
    /// How long and how much a delivery may take.
    pub webhooks: WebhookLimits,
    /// How long and how much an interaction may take.
    pub interactions: InteractionLimits,
    /// How long deliveries and ended rows of the outbox are kept.
    pub retention: Duration,
}

/// Everything that runs: what is served, and what works in the background.
pub struct Wired {
    /// For the HTTP surface.
    pub api: Arc<ApiState>,
    /// For the loops.
    pub workers: Workers,
}

/// Connects the ports with the services.
#[must_use]
pub fn wire(ports: Ports, choices: &Choices) -> Wired {
    let wake = Arc::new(WakeSignals::default());
    let snowflakes =
        choices.snowflakes.map(|region| SnowflakeIds::new(region, ports.sequence.clone(), ports.clock.clone()));
    let base = Essentials {
        store: ports.store.clone(),
        reader: ports.reader.clone(),
        wake: wake.clone(),
        clock: ports.clock.clone(),
        entropy: ports.entropy.clone(),
        snowflakes: snowflakes.clone(),
    };
    let assignments = Assignments {
        store: ports.store.clone(),
        cache: ports.cache.clone(),
        debounce: ports.debounce.clone(),
        wake: wake.clone(),
        clock: ports.clock.clone(),
        entropy: ports.entropy.clone(),
    };
    let subscriptions = Subscriptions {
        store: ports.store.clone(),
        reader: ports.reader.clone(),
        tracker: ports.tracker.clone(),
        secrets: ports.secrets.clone(),
        clock: ports.clock.clone(),
        entropy: ports.entropy.clone(),
        public_url: choices.public_url.clone(),
    };
    let proof = ProvePublicUrl {
        address: ports.own_address.clone(),
        secrets: ports.secrets.clone(),
        entropy: ports.entropy.clone(),
        public_url: choices.public_url.clone(),
    };
    let delete_project = DeleteProject {
        store: ports.store.clone(),
        reader: ports.reader.clone(),
        cache: ports.cache.clone(),
        debounce: ports.debounce.clone(),
        wake: wake.clone(),
        clock: ports.clock.clone(),
        entropy: ports.entropy.clone(),
    };
    let interactions = interactions(&ports, &assignments);
    let workers = workers(&ports, &assignments, &subscriptions, delete_project.clone(), wake.clone(), choices);
    let post = Post::new(
        ports.reader.clone(),
        ports.inbox.clone(),
        ports.inbound.clone(),
        ports.secrets.clone(),
        wake,
        ports.clock.clone(),
        ports.entropy.clone(),
    );
    let save = SaveProject::new(ports.store.clone(), ports.clock.clone(), ports.entropy.clone(), snowflakes);
    let api = Arc::new(ApiState {
        lifecycle: Lifecycle::new(),
        clock: ports.clock.clone(),
        entropy: ports.entropy.clone(),
        reader: ports.reader.clone(),
        webhooks: Webhooks::new(Arc::new(post), choices.webhooks),
        interactions: ports
            .chat_inbound
            .clone()
            .map(|inbound| InteractionWebhook::new(inbound, interactions, choices.interactions)),
        access_codes: AccessCodes { base: base.clone() },
        tokens: Tokens { base: base.clone() },
        organizations: Organizations { base: base.clone() },
        users: Users { base: base.clone() },
        teams: Teams { base: base.clone() },
        projects: Projects { base: base.clone(), save: Arc::new(save) },
        delete_project,
        groups: Groups { assignments: assignments.clone() },
        links: LinkWorkItem {
            assignments,
            reader: ports.reader.clone(),
            secrets: ports.secrets.clone(),
            tracker: ports.tracker.clone(),
        },
        installations: Installations {
            base: base.clone(),
            tracker: ports.tracker.clone(),
            secrets: ports.secrets.clone(),
            subscriptions,
            proof,
        },
        import_people: ImportPeople {
            base: base.clone(),
            tracker: ports.tracker.clone(),
            secrets: ports.secrets.clone(),
        },
        tracking_rules: TrackingRules { base: base.clone() },
        mappings: Mappings { base: base.clone() },
        guilds: Guilds { base: base.clone(), chat: ports.chat.clone() },
        routes: Routes { base: base.clone(), chat: ports.chat.clone() },
        replay: Replay { base, outbox: ports.outbox.clone() },
    });
    Wired { api, workers }
}

fn interactions(ports: &Ports, assignments: &Assignments) -> Interactions {
    Interactions { assignments: assignments.clone(), reader: ports.reader.clone(), chat: ports.chat.clone() }
}

fn workers(
    ports: &Ports,
    assignments: &Assignments,
    subscriptions: &Subscriptions,
    delete_project: DeleteProject,
    wake: Arc<WakeSignals>,
    choices: &Choices,
) -> Workers {
    let apply = HandleUpdatedWorkitem {
        assignments: assignments.clone(),
        inbox: ports.inbox.clone(),
        inbound: ports.inbound.clone(),
        tracker: ports.tracker.clone(),
        reader: ports.reader.clone(),
    };
    let messages = SendMessage {
        store: ports.store.clone(),
        reader: ports.reader.clone(),
        chat: ports.chat.clone(),
        clock: ports.clock.clone(),
        entropy: ports.entropy.clone(),
    };
    let refresh = RefreshWorkItem {
        assignments: assignments.clone(),
        reader: ports.reader.clone(),
        secrets: ports.secrets.clone(),
        tracker: ports.tracker.clone(),
    };
    let carry_out = CarryOut {
        messages,
        refresh,
        tracking: TrackWorkItem {
            links: LinkWorkItem {
                assignments: assignments.clone(),
                reader: ports.reader.clone(),
                secrets: ports.secrets.clone(),
                tracker: ports.tracker.clone(),
            },
        },
        subscriptions: subscriptions.clone(),
        store: ports.store.clone(),
        outbox: ports.outbox.clone(),
        clock: ports.clock.clone(),
        entropy: ports.entropy.clone(),
    };
    let watch = Watch {
        store: ports.store.clone(),
        reader: ports.reader.clone(),
        singletons: ports.singletons.clone(),
        subscriptions: subscriptions.clone(),
        wake: wake.clone(),
        clock: ports.clock.clone(),
        entropy: ports.entropy.clone(),
        periods: choices.periods,
    };
    Workers {
        inbox: ports.inbox.clone(),
        apply,
        outbox: ports.outbox.clone(),
        singletons: ports.singletons.clone(),
        carry_out,
        interactions: interactions(ports, assignments),
        delete_project,
        watch,
        clock: ports.clock.clone(),
        wake,
        retention: choices.retention,
    }
}
