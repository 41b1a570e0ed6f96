//! Generated histories of one work item, delivered in disorder to workers that die, against a model that
//! sees the deliveries one by one.

use bytes::Bytes;
use handoff_sandbox::azure::{Changes, ReleaseOrder, SubscriptionId, WorkItemKey};
use handoff_sandbox::discord::Snowflake;
use handoff_tests::instance::Setup;
use handoff_tests::requirements::cases;
use handoff_tests::scene::{Group, Person, Scene};
use handoff_tests::sight::Change;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

/// How many histories are tried on SQLite, at the least.
const CASES: u32 = 256;

/// What somebody does to the work item.
#[derive(Debug, Clone)]
enum Step {
    Assign(usize),
    Unassign,
    Title(u8),
    State(usize),
}

/// What becomes of the worker once deliveries have come.
#[derive(Debug, Clone)]
enum Worker {
    IsSlow,
    Works,
    DiesWithDeliveries,
    DiesWithTasks,
    DiesAfter(usize),
}

/// Steps, and the order in which their deliveries come: each may come never, once or several times.
#[derive(Debug, Clone)]
struct Phase {
    steps: Vec<Step>,
    arrivals: Vec<Index>,
    /// Deliveries of any phase so far that come (again) after them.
    late: Vec<Index>,
    worker: Worker,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..3_usize).prop_map(Step::Assign),
        2 => Just(Step::Unassign),
        1 => (0..3_u8).prop_map(Step::Title),
        1 => (0..3_usize).prop_map(Step::State),
    ];
    vec(step, 1..5)
}

fn worker() -> impl Strategy<Value = Worker> {
    prop_oneof![
        2 => Just(Worker::IsSlow),
        3 => Just(Worker::Works),
        1 => Just(Worker::DiesWithDeliveries),
        1 => Just(Worker::DiesWithTasks),
        3 => (0..60_usize).prop_map(Worker::DiesAfter),
    ]
}

fn phases() -> impl Strategy<Value = Vec<Phase>> {
    let phase = (steps(), vec(any::<Index>(), 0..8), vec(any::<Index>(), 0..3), worker())
        .prop_map(|(steps, arrivals, late, worker)| Phase { steps, arrivals, late, worker });
    vec(phase, 1..4)
}

/// The work item at a revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Seen {
    assignee: Option<i64>,
    title: String,
    state: String,
}

/// One history under way.
struct Play<'a> {
    scene: &'a Scene,
    hook: SubscriptionId,
    item: WorkItemKey,
    group: Group,
    /// What each revision says.
    revisions: BTreeMap<i64, Seen>,
    /// The revision and the body of each delivery to be.
    notified: Vec<(i64, Bytes)>,
    /// Revisions as they arrived.
    arrived: Vec<i64>,
}

impl<'a> Play<'a> {
    async fn new(scene: &'a Scene) -> Self {
        let hook = scene.hook("workitem.updated");
        let (item, group) = scene.linked("Zero").await;
        let mut play =
            Self { scene, hook, item, group, revisions: BTreeMap::new(), notified: Vec::new(), arrived: Vec::new() };
        play.look();
        play
    }

    fn people(&self) -> [&'a Person; 3] {
        [&self.scene.ada, &self.scene.bob, &self.scene.cleo]
    }

    /// Keeps what the work item is now.
    fn look(&mut self) -> i64 {
        let now = self.scene.azure.work_item(self.item).unwrap();
        let people = self.people();
        let user = |identity| people.iter().find(|one| one.identity == identity).map(|one| self.scene.member(one).user);
        let seen = Seen { assignee: now.assigned_to.and_then(user), title: now.title, state: now.state };
        self.revisions.insert(now.rev, seen);
        now.rev
    }

    /// Does a step. One that changes nothing makes no revision.
    fn step(&mut self, step: &Step) {
        self.scene.clock.sim().advance(Duration::from_secs(1));
        let people = self.people();
        let change = |changes: &mut Changes| {
            match step {
                Step::Assign(who) => changes.assign(people[*who].identity),
                Step::Unassign => changes.unassign(),
                Step::Title(n) => changes.title(["Zero", "One", "Two", "Healed"][usize::from(*n)]),
                Step::State(n) => changes.state(["New", "Active", "Resolved"][*n]),
            };
        };
        if self.scene.azure.update_work_item(self.item, change).unwrap() {
            let rev = self.look();
            let notification = self.scene.azure.last_notification(self.hook).unwrap();
            self.notified.push((rev, notification.body));
        }
    }

    async fn phase(&mut self, phase: &Phase) {
        let azure = &self.scene.azure;
        azure.hold_deliveries();
        let first = self.notified.len();
        for step in &phase.steps {
            self.step(step);
        }
        let held = self.notified.len() - first;
        let arrivals = phase.arrivals.iter().filter(|_| held > 0);
        let order: Vec<usize> = arrivals.map(|index| index.index(held)).collect();
        self.arrived.extend(order.iter().map(|position| self.notified[first + position].0));
        self.scene.azure.release_deliveries(&ReleaseOrder::Permutation(order));
        self.scene.azure.settle().await;
        let late = if self.notified.is_empty() { &[] } else { phase.late.as_slice() };
        for index in late {
            self.deliver_again(index.index(self.notified.len())).await;
        }
        match phase.worker {
            Worker::IsSlow => {}
            Worker::Works => drop(self.scene.work().await),
            Worker::DiesWithDeliveries => drop(self.scene.die_with_deliveries().await),
            Worker::DiesWithTasks => drop(self.scene.die_with_tasks().await),
            Worker::DiesAfter(waits) => self.scene.work_and_die(waits).await,
        }
    }

    async fn deliver_again(&mut self, position: usize) {
        let (rev, body) = self.notified[position].clone();
        self.scene.azure.deliver_raw(self.hook, body).unwrap();
        self.scene.azure.settle().await;
        self.arrived.push(rev);
    }

    /// A later event heals what was lost at the end.
    async fn heal(&mut self) {
        let last = self.revisions.keys().next_back().copied();
        if last != Some(1) && self.arrived.iter().max().copied() != last {
            self.step(&Step::Title(3));
            self.scene.azure.settle().await;
            self.arrived.push(self.notified[self.notified.len() - 1].0);
        }
    }

    /// Changes of the assignee that the arrivals make: of each delivery its first arrival counts, and
    /// only what is newer than everything before.
    fn expected_changes(&self) -> Vec<Change> {
        let (mut mirror, mut assignee) = (1, None);
        let mut changes = Vec::new();
        for rev in &self.arrived {
            if *rev <= mirror {
                continue;
            }
            mirror = *rev;
            let now = self.revisions[rev].assignee;
            if now != assignee {
                changes.push(match (now, assignee) {
                    (Some(to), from) => Change::Assigned { to, from },
                    (None, Some(from)) => Change::Unassigned { from },
                    (None, None) => continue,
                });
            }
            assignee = now;
        }
        changes
    }
}

/// The changes of a group fit together; each that gave it to somebody was told them once at the most, in
/// their order; and whoever has it in the end by a change was told.
pub(super) async fn assert_told_once(scene: &Scene, group: &Group) {
    let changes = scene.changes(group).await;
    let chained = changes.iter().scan(None, |before, change| {
        let (from, to) = match change {
            Change::Assigned { to, from } => (*from, Some(*to)),
            Change::Unassigned { from } => (Some(*from), None),
        };
        let fits = from == *before && to != *before;
        *before = to;
        Some(fits)
    });
    assert!(chained.into_iter().all(|fits| fits), "{changes:?}");
    let account = |user: i64| {
        let people = [&scene.ada, &scene.bob, &scene.cleo].map(|one| scene.member(one));
        people.into_iter().find(|one| one.user == user).unwrap().discord
    };
    // From the last on: it must have been told.
    let mut told = scene.mentioned(group).into_iter().rev().peekable();
    let mut newest = true;
    for change in changes.iter().rev() {
        if let Change::Assigned { to, .. } = change {
            let was_told = told.next_if_eq(&account(*to)).is_some();
            let heard = was_told || scene.is_summed_up(group);
            assert!(heard || !newest, "{changes:?}, {:?}", scene.pings(group));
        }
        newest = false;
    }
    let left: Vec<Snowflake> = told.collect();
    assert_eq!(left, [], "mentioned without a change: {changes:?}, {:?}", scene.pings(group));
}

/// What the group shows at the end is what the work item is, and each change was told once.
async fn assert_right(play: &Play<'_>, card: Snowflake) {
    let (scene, group) = (play.scene, &play.group);
    let (_, end) = play.revisions.last_key_value().unwrap();
    assert_eq!(scene.assignee(group).await, end.assignee);
    assert_eq!(scene.changes(group).await, play.expected_changes());
    assert_told_once(scene, group).await;
    let shown = scene.card(group);
    assert_eq!(shown.message, card);
    assert!(shown.work_items.ends_with(&format!(") {} · {}", end.title, end.state)), "{shown:?} {end:?}");
    let people = play.people().into_iter().find(|one| Some(scene.member(one).user) == end.assignee);
    let expected = people.map(|one| format!("{} · <@{}>", one.name, scene.member(one).discord));
    assert_eq!(shown.assignee, expected.unwrap_or_else(|| "Nobody".to_owned()));
}

async fn try_history(scene: &Scene, phases: &[Phase]) {
    let mut play = Play::new(scene).await;
    let card = scene.card(&play.group).message;
    for phase in phases {
        play.phase(phase).await;
    }
    play.heal().await;
    scene.settle().await;
    assert_right(&play, card).await;
}

fn try_histories(cases: u32, setup: impl Future<Output = Option<Setup>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let Some(setup) = runtime.block_on(setup) else { return };
    let scene = runtime.block_on(Scene::with(setup, |_| {}));
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let tried = TestRunner::new(config).run(&phases(), |phases| {
        runtime.block_on(try_history(&scene, &phases));
        Ok(())
    });
    tried.unwrap();
    runtime.block_on(scene.finish());
}

#[test]
fn whatever_comes_in_whatever_order_to_workers_that_die_ends_right_and_is_told_once() {
    try_histories(cases(CASES), async { Some(Setup::default()) });
}

#[test]
fn whatever_comes_in_whatever_order_to_workers_that_die_ends_right_on_postgresql_too() {
    try_histories(cases(CASES / 8), Setup::on_postgres());
}
