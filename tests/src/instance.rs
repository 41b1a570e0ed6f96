//! A whole instance over real HTTP on loopback, between the two simulators, everything on one clock that
//! stands still until the test moves it.
//!
//! Everything is real but the other side: adapters, services, loops, listener. A test ends with
//! [`Instance::finish`], which fails when it left work behind (see [`crate::leftovers`]).

use crate::adapters::{BOT_TOKEN, CALL_TIMEOUT, ports};
use crate::api::Api;
use crate::backing::{Backing, Kept};
use crate::clock::{START_US, TestClock};
use crate::database::{Kind, TestDatabase};
use crate::leftovers::{Expected, leftovers};
use crate::served::Served;
use handoff::running::{Loops, Running};
use handoff::wiring::{Choices, Ports, wire};
use handoff_domain::port::Clock;
use handoff_domain::service::watch::Periods;
use handoff_domain::snowflake::Region;
use handoff_domain::text::Name;
use handoff_http::{InteractionLimits, Limits, WebhookLimits};
use handoff_sandbox::azure::{AzureOptions, AzureSim};
use handoff_sandbox::client::plain_client;
use handoff_sandbox::clock::SimClock;
use handoff_sandbox::discord::{DiscordOptions, DiscordSim};
use handoff_worker::{RETENTION, Workers};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Rounds of work after which it is taken to be endless.
const MAX_ROUNDS: usize = 500;
/// How long to wait first for work whose time is not told (a delivery that failed, a lease that must run
/// out), and at the most.
const NAP: Duration = Duration::from_secs(1);
const LONGEST_NAP: Duration = Duration::from_secs(32);

/// How often to look whether running loops have done something, and how long to look away in between, in
/// real time.
const MAX_LOOKS: usize = 2_000;
const LOOK_AWAY: Duration = Duration::from_millis(5);

/// How an instance is started.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Whether its loops run; otherwise [`Instance::settle`] does their work.
    pub loops: Loops,
    /// How many deliveries of one hook are under way at once.
    pub concurrent_deliveries: usize,
    /// Where its data is.
    pub kept: Kept,
    /// Whether Azure DevOps can reach us; else there are no hooks.
    pub is_reachable: bool,
    /// How long a call to Discord may take, in real time.
    pub patience: Duration,
    /// Whether Discord shows the nonce of a message to who reads it later, which it does not promise.
    pub reads_show_nonce: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            loops: Loops::ByHand,
            concurrent_deliveries: 1,
            kept: Kept::default(),
            is_reachable: true,
            patience: CALL_TIMEOUT,
            reads_show_nonce: true,
        }
    }
}

/// A served instance and the world around it.
pub struct Instance {
    /// Everybody's clock.
    pub clock: TestClock,
    /// What its users meet.
    served: Served,
    /// The adapters, to look behind the API where nothing else can.
    pub ports: Ports,
    /// What the data is kept in.
    pub backing: Backing,
    setup: Setup,
    /// `None` once it was stopped.
    running: Option<Running>,
    finished: bool,
}

/// Where the official descriptions are, to check requests against.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "where the official descriptions are is a setting of the test run")]
pub fn specs() -> Option<PathBuf> {
    std::env::var_os("HANDOFF_API_SPECS").map(PathBuf::from)
}

impl Setup {
    /// The usual one on PostgreSQL; `None`, and the test skipped, where there is no server.
    ///
    /// # Panics
    /// When the database cannot be made, or where there must be a server and is none.
    pub async fn on_postgres() -> Option<Self> {
        let database = TestDatabase::migrated(Kind::Postgres).await.unwrap()?;
        Some(Self { kept: Kept::In(Arc::new(database)), ..Self::default() })
    }
}

impl Instance {
    /// An empty instance, its loops by hand.
    pub async fn start() -> Self {
        Self::start_with(Setup::default(), |_| {}).await
    }

    /// An empty instance; `change` may put other adapters in place.
    ///
    /// # Panics
    /// When anything of it cannot be started.
    pub async fn start_with(setup: Setup, change: impl FnOnce(&mut Ports)) -> Self {
        // Tests share a process: only the first of them installs it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock = TestClock::new(SimClock::manual(START_US));
        let mut azure = AzureOptions::new(clock.sim().clone());
        azure.specs = specs();
        azure.concurrent_deliveries = setup.concurrent_deliveries;
        let azure = AzureSim::start(azure).await.unwrap();
        let mut discord = DiscordOptions::new(clock.sim().clone());
        discord.specs = specs();
        discord.limits.reads_show_nonce = setup.reads_show_nonce;
        let discord = DiscordSim::start(discord).await.unwrap();
        let bot = discord.add_bot(BOT_TOKEN, "Handoff");
        let backing = Backing::open(&setup.kept).await;
        let mut ports = ports(&clock, &azure, &discord, bot, &backing, setup.patience);
        change(&mut ports);
        let running = serve(&ports, &setup).await;
        let (_, token) = running.api().tokens.create(Name::parse("tests").unwrap(), None, None).await.unwrap();
        let moved = (setup.loops == Loops::ByHand).then(|| clock.clone());
        let base_url = format!("http://{}", running.addr());
        let api = Api::new(plain_client().unwrap(), base_url, token.expose().to_owned(), moved);
        let served = Served { azure, discord, bot, api };
        Self { clock, served, ports, backing, setup, running: Some(running), finished: false }
    }

    /// What is served.
    ///
    /// # Panics
    /// After it was stopped.
    #[must_use]
    pub fn running(&self) -> &Running {
        self.running.as_ref().unwrap_or_else(|| panic!("the instance was stopped"))
    }

    /// `http://127.0.0.1:…`
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.running().addr())
    }

    /// Workers of another replica over the same store, to be run by hand.
    #[must_use]
    pub fn another_replica(&self) -> Workers {
        wire(self.ports.clone(), &self.setup.choices(self.running().addr().port())).workers
    }

    /// Stops it as an operator does; what is left is in the store.
    ///
    /// # Panics
    /// When it was stopped before.
    pub async fn stop(&mut self) {
        let running = self.running.take().unwrap_or_else(|| panic!("the instance was stopped"));
        running.stop().await;
    }

    /// Stops it and serves again at the same address, as the next version does: what was known only to
    /// the process is forgotten.
    ///
    /// # Panics
    /// When the address was taken meanwhile.
    pub async fn restart(&mut self) {
        let listen = self.running().addr();
        self.stop().await;
        let wired = wire(self.ports.clone(), &self.setup.choices(listen.port()));
        let running = Running::start(wired, listen, Limits::default(), self.ports.clock.clone(), self.setup.loops);
        self.running = Some(running.await.unwrap());
    }

    /// Does the work that is due now and what follows from it; says how much that was. Waits for limits
    /// of Discord on the way, by moving the clock.
    ///
    /// # Panics
    /// When the store fails.
    pub async fn work(&self) -> usize {
        self.clock.moving(self.running().workers().run_until_idle()).await.unwrap()
    }

    /// Looks after hooks and the schedule of reading, as is due now, and lets what follows come to rest. Says
    /// how many chores that was.
    ///
    /// # Panics
    /// When the store fails.
    pub async fn watch(&self) -> usize {
        let done = self.clock.moving(self.running().workers().watch_once()).await.unwrap();
        self.settle().await;
        done
    }

    /// Lets everything come to rest: what Azure DevOps delivers, what we do with it, and what must wait
    /// for its time, until nothing is left. The clock moves as far as that needs.
    ///
    /// # Panics
    /// When it does not come to rest.
    pub async fn settle(&self) {
        assert_eq!(self.setup.loops, Loops::ByHand, "the loops do the work");
        let mut nap = NAP;
        for _ in 0..MAX_ROUNDS {
            self.azure.settle().await;
            if self.work().await > 0 {
                nap = NAP;
                continue;
            }
            match self.next_due(nap).await {
                Some(wait) => self.azure.advance(wait).await,
                None => return,
            }
            nap = (nap * 2).min(LONGEST_NAP);
        }
        panic!("the work does not end: {:#?}", leftovers(self, &Expected::default()).await);
    }

    /// Moves the clock; what Azure DevOps has to deliver on the way is delivered at its own time.
    pub async fn advance(&self, by: Duration) {
        self.azure.advance(by).await;
    }

    /// Waits, in real time and not for long, until loops that run have done it. The clock stands still
    /// meanwhile: they must be nudged.
    ///
    /// # Panics
    /// When it does not come to pass.
    pub async fn eventually(&self, what: &str, holds: impl Fn() -> bool) {
        for _ in 0..MAX_LOOKS {
            if holds() {
                return;
            }
            look_away().await;
        }
        panic!("not in time: {what}");
    }

    /// Waits like [`Instance::eventually`] until loops that run have nothing left to do.
    ///
    /// # Panics
    /// When there is always something left.
    pub async fn eventually_at_rest(&self) {
        for _ in 0..MAX_LOOKS {
            self.azure.settle().await;
            let left = crate::leftovers::pending(self).await;
            if left.deliveries == 0 && left.outbox_due.is_empty() {
                return;
            }
            look_away().await;
        }
        panic!("the loops do not come to rest");
    }

    /// How long until there may be work again, `nap` where nothing tells; `None` when nothing is left.
    async fn next_due(&self, nap: Duration) -> Option<Duration> {
        let left = crate::leftovers::pending(self).await;
        let now = self.clock.now();
        let first = left.outbox_due.into_iter().min();
        match first {
            Some(at) if at > now => Some(at.since(now)),
            Some(_) => Some(nap),
            None => (left.deliveries > 0).then_some(nap),
        }
    }

    /// Ends the test: everything must be at rest and nobody may have done what they must not.
    pub async fn finish(self) {
        self.finish_expecting(&Expected::default()).await;
    }

    /// As [`Instance::finish`], where the test left behind on purpose what `expected` names.
    ///
    /// # Panics
    /// When there is anything else.
    pub async fn finish_expecting(mut self, expected: &Expected) {
        let left = leftovers(&self, expected).await;
        self.finished = true;
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
        assert!(left.is_empty(), "the test left behind: {left:#?}");
    }
}

impl Deref for Instance {
    type Target = Served;

    fn deref(&self) -> &Served {
        &self.served
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if !self.finished && !std::thread::panicking() {
            panic!("a test ends with Instance::finish");
        }
    }
}

async fn look_away() {
    let _ = tokio::time::timeout(LOOK_AWAY, std::future::pending::<()>()).await;
}

impl Setup {
    fn choices(&self, port: u16) -> Choices {
        Choices {
            public_url: self.is_reachable.then(|| format!("http://127.0.0.1:{port}")),
            periods: Periods::default(),
            snowflakes: Region::new(1),
            webhooks: WebhookLimits::default(),
            interactions: InteractionLimits::default(),
            retention: RETENTION,
        }
    }
}

/// Serves on a free port. The address is needed before it is bound, since hooks are made with it; so
/// somebody may take the port in between, and then it is another.
async fn serve(ports: &Ports, setup: &Setup) -> Running {
    loop {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, free));
        let wired = wire(ports.clone(), &setup.choices(free));
        if let Ok(running) = Running::start(wired, listen, Limits::default(), ports.clock.clone(), setup.loops).await {
            return running;
        }
    }
}
