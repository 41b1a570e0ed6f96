//! The real program is killed at random moments under load, again and again, and nobody notices afterwards:
//! every delivery that was acknowledged is applied once, nothing is told twice, nothing is lost.
//!
//! `HANDOFF_TEST_SEED` plays the deaths of an earlier run again, as far as two processes and a network play
//! anything again; `HANDOFF_TEST_LONG` makes them fifty.

use super::theatre::{Theatre, eventually, nap};
use handoff_sandbox::azure::{NotificationResult, Process, ProjectId, SubscriptionStatus, WorkItemKey};
use handoff_tests::database::Kind;
use handoff_tests::requirements::{long, number};
use handoff_tests::scene::{Group, Person};
use handoff_tests::sight::Change;
use handoff_tests::tenant::Member;
use reqwest::Method;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::task::JoinSet;

/// What a connected project has, and after which time each is looked at again.
const HOOKS: [&str; 3] = ["workitem.deleted", "workitem.restored", "workitem.updated"];
const BETWEEN_LOOKS_AT_HOOKS: Duration = Duration::from_secs(660);
/// Deaths, usually and where there is time.
const DEATHS: usize = 12;
const MANY_DEATHS: usize = 50;
/// Groups of each kind.
const GROUPS: usize = 5;
/// Requests at the simulators that are waited for at the most before a death, and for how long.
const REQUESTS: u64 = 12;
const LOOKS: usize = 150;
const LOOK: Duration = Duration::from_millis(10);
/// How long the process may be away: not at all, past an inbox's lease, past those of both lanes.
const AWAY: [Duration; 4] =
    [Duration::ZERO, Duration::from_secs(35), Duration::from_secs(130), Duration::from_secs(620)];

/// Numbers that look random, the same ones for the same seed (SplitMix64).
struct Random(u64);

impl Random {
    /// Of the seed in the environment, or of one that this run alone has; told either way.
    fn seeded() -> Self {
        let fresh = || u64::from_le_bytes(*uuid_bytes().first_chunk().unwrap());
        let seed = number("HANDOFF_TEST_SEED").unwrap_or_else(fresh);
        println!("HANDOFF_TEST_SEED={seed}");
        Self(seed)
    }

    /// Below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(limit).unwrap()).unwrap()
    }
}

#[expect(clippy::disallowed_methods, reason = "a run has deaths of its own unless it is told which")]
fn uuid_bytes() -> [u8; 16] {
    *uuid::Uuid::new_v4().as_bytes()
}

/// Who gives a group away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// People at the board.
    There,
    /// Callers of our API.
    Here,
    /// Both, as they like.
    Both,
}

/// A group under load.
struct Case {
    by: By,
    group: Group,
    item: WorkItemKey,
    /// To whom it was given, one after another; nobody gets it twice, unless both sides give it.
    given: Vec<usize>,
}

/// The program under load.
struct Load {
    theatre: Theatre,
    cases: Vec<Case>,
    /// Projects that were connected under load.
    projects: Vec<ProjectId>,
    calls: JoinSet<()>,
    random: Random,
}

impl Load {
    async fn open(kind: Kind, deaths: usize) -> Option<Self> {
        let random = Random::seeded();
        let theatre = Theatre::open(kind, deaths + 1).await?;
        let mut cases = Vec::new();
        for by in [By::There, By::Here, By::Both] {
            for n in 0..GROUPS {
                let (item, group) = theatre.linked(&format!("{by:?} {n}")).await;
                cases.push(Case { by, group, item, given: Vec::new() });
            }
        }
        theatre.settle().await;
        // Links come first: for what is linked later, Azure DevOps' word is the beginning.
        theatre.clock.advance(Duration::from_secs(5));
        let projects = vec![theatre.board.project];
        Some(Self { theatre, cases, projects, calls: JoinSet::new(), random })
    }

    /// About half of the groups are given to somebody else; now and then a project is connected.
    fn give(&mut self, round: usize) {
        let Self { theatre, cases, random, calls, .. } = self;
        for case in cases {
            if random.below(2) == 0 {
                continue;
            }
            let next = if case.by == By::Both { random.below(theatre.people.len()) } else { case.given.len() };
            let there = case.by == By::There || case.by == By::Both && random.below(2) == 0;
            case.given.push(next);
            let to = &theatre.people[next];
            if there {
                theatre.assign_there(case.item, to);
            } else {
                let (patient, path) = (theatre.patient(), format!("{}/assignee", case.group.at));
                let to = json!({"type": "user", "id": theatre.tenant.member(to).user});
                calls.spawn(async move { patient.change(Method::PUT, &path, &to).await });
            }
        }
        if round.is_multiple_of(3) {
            let name = format!("Project {round}");
            let project = theatre.served.azure.add_project(theatre.board.collection, &name, Process::Agile).unwrap();
            self.projects.push(project);
        }
        let again = self.projects[self.random.below(self.projects.len())];
        for project in [self.projects[self.projects.len() - 1], again] {
            let (patient, path) = (self.theatre.patient(), self.theatre.connecting());
            let project = json!({"azure_project": project.to_string()});
            self.calls.spawn(async move { patient.change(Method::POST, &path, &project).await });
        }
    }

    /// Requests of the program to the simulators.
    fn requests(&self) -> u64 {
        let served = &self.theatre.served;
        let azure = ["get_work_item", "patch_work_item", "create_subscription"];
        let azure: usize = azure.iter().map(|operation| served.azure.request_count(operation)).sum();
        let discord = ["create_message", "edit_message"];
        let discord: u64 = discord.iter().map(|operation| served.discord.request_count(operation)).sum();
        discord + u64::try_from(azure).unwrap()
    }

    /// A moment in the middle of the work.
    async fn some_moment(&mut self) {
        let until = self.requests() + u64::try_from(self.random.below(usize::try_from(REQUESTS).unwrap())).unwrap();
        for _ in 0..LOOKS {
            if self.requests() >= until {
                break;
            }
            nap(LOOK).await;
        }
        nap(Duration::from_micros(u64::try_from(self.random.below(40_000)).unwrap())).await;
    }

    async fn die(&mut self, deaths: usize) {
        for round in 0..deaths {
            self.give(round);
            self.some_moment().await;
            self.theatre.kill();
            self.theatre.start().await;
            let away = AWAY[self.random.below(AWAY.len())];
            self.theatre.clock.advance(away);
            // A group's next owner is named when the last one is known.
            while let Some(called) = self.calls.join_next().await {
                called.unwrap();
            }
        }
        self.theatre.settle().await;
        // A hook that was asked for just before a death may be made after the next one has looked: the next
        // look finds it.
        self.theatre.clock.advance(BETWEEN_LOOKS_AT_HOOKS);
        let has_each_once = |project: &ProjectId| self.theatre.hooks_of(*project) == HOOKS;
        eventually("each hook is there once", || self.projects.iter().all(has_each_once)).await;
        self.theatre.settle().await;
    }

    fn member(&self, person: usize) -> Member {
        self.theatre.tenant.member(&self.theatre.people[person])
    }

    /// The history of a group is what happened: each entry begins where the one before it ended.
    async fn assert_history(&self, case: &Case) -> Vec<i64> {
        let changes = self.theatre.served.changes(&case.group).await;
        let mut owner = None;
        let mut owners = Vec::new();
        for change in &changes {
            let Change::Assigned { to, from } = *change else { panic!("nobody gave it back: {changes:?}") };
            assert!(from == owner && Some(to) != owner, "{} {changes:?}", case.group.short_id);
            owner = Some(to);
            owners.push(to);
        }
        let given: Vec<i64> = case.given.iter().map(|person| self.member(*person).user).collect();
        match case.by {
            By::Here => assert_eq!(owners, given, "{}", case.group.short_id),
            By::There => {
                // What came after a newer revision is superseded; what was applied was applied once, in order.
                let mut rest = given.iter();
                assert!(owners.iter().all(|owner| rest.any(|one| one == owner)), "{owners:?} of {given:?}");
                assert_eq!(owners.last(), given.last(), "{}", case.group.short_id);
            }
            By::Both => assert!(owners.iter().all(|owner| given.contains(owner)), "{owners:?} of {given:?}"),
        }
        owners
    }

    /// The group, its work item and its one card name the same person.
    async fn assert_agreement(&self, case: &Case, owners: &[i64]) {
        let Theatre { served, people, .. } = &self.theatre;
        let owner = served.assignee(&case.group).await;
        assert_eq!(owner, owners.last().copied(), "{}", case.group.short_id);
        let is_owner = |person: &&Person| Some(self.theatre.tenant.member(person).user) == owner;
        let person = people.iter().find(is_owner);
        let there = served.azure.work_item(case.item).unwrap().assigned_to;
        assert_eq!(there, person.map(|person| person.identity), "{} {:?}", case.group.short_id, case.by);
        let shown = served.card(&case.group).assignee;
        let named = person.map_or("Nobody".to_owned(), |person| format!("{} · ", person.name));
        assert!(shown.starts_with(&named), "{} shows {shown}, not {named}", case.group.short_id);
    }

    /// Nobody is told more often than it was given to them, and the last one was told.
    fn assert_told(&self, case: &Case, owners: &[i64]) {
        let count = |all: Vec<u64>| {
            all.into_iter().fold(BTreeMap::<u64, usize>::new(), |mut counts, one| {
                *counts.entry(one).or_default() += 1;
                counts
            })
        };
        let account = |user: &i64| {
            let person = self.theatre.people.iter().map(|person| self.theatre.tenant.member(person));
            person.filter(|member| member.user == *user).map(|member| member.discord.get()).next().unwrap()
        };
        let told = count(self.theatre.served.mentioned(&case.group).iter().map(|one| one.get()).collect());
        let due = count(owners.iter().map(account).collect());
        for (account, times) in &told {
            assert!(due.get(account) >= Some(times), "{} told {told:?}, due {due:?}", case.group.short_id);
        }
        let last = owners.last().map(account);
        let summed_up = self.theatre.served.is_summed_up(&case.group);
        let heard = last.is_none_or(|last| told.contains_key(&last) || summed_up);
        assert!(heard, "{} {told:?} {last:?}", case.group.short_id);
    }

    /// What was acknowledged is there, once, and done; and no hook is lost or doubled.
    async fn assert_nothing_is_lost(&self) {
        let Theatre { served, tenant, .. } = &self.theatre;
        let hooks = served.azure.subscriptions();
        let mut acknowledged = 0;
        for hook in &hooks {
            assert_eq!(hook.status, SubscriptionStatus::Enabled, "{hook:?}");
            for one in served.azure.notifications(hook.id) {
                assert_eq!(one.result, NotificationResult::Succeeded, "{one:?}");
                acknowledged += 1;
            }
        }
        assert!(served.azure.dropped_events().is_empty());
        let states = tenant.delivery_states(served).await;
        assert_eq!(states.values().sum::<usize>(), acknowledged, "{states:?}");
        let ended = ["applied", "superseded", "ignored"];
        assert!(states.keys().all(|state| ended.contains(&state.as_str())), "{states:?}");
        for project in &self.projects {
            assert_eq!(self.theatre.hooks_of(*project), HOOKS);
        }
        assert_eq!(hooks.len(), HOOKS.len() * self.projects.len());
        let dead = served.api.list(&format!("{}/outbox?state=dead", tenant.at)).await;
        assert!(dead.is_empty(), "{dead:#?}");
        let groups = served.api.list(&format!("{}/projects/{}/groups", tenant.at, tenant.project)).await;
        assert_eq!(groups.len(), self.cases.len());
        let asked = [served.azure.spec_violations(), served.discord.spec_violations()].concat();
        assert!(asked.is_empty(), "{asked:?}");
    }

    async fn assert_all_is_well(&self) {
        for case in &self.cases {
            let owners = self.assert_history(case).await;
            self.assert_agreement(case, &owners).await;
            self.assert_told(case, &owners);
            assert_eq!(self.theatre.served.api.list(&format!("{}/links", case.group.at)).await.len(), 1);
        }
        self.assert_nothing_is_lost().await;
        let cards: BTreeSet<_> = self.cases.iter().map(|case| self.theatre.served.card(&case.group).message).collect();
        assert_eq!(cards.len(), self.cases.len());
    }
}

async fn killed(kind: Kind, deaths: usize) {
    if let Some(mut load) = Load::open(kind, deaths).await {
        load.die(deaths).await;
        load.assert_all_is_well().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_moments_under_load_the_program_loses_and_doubles_nothing() {
    killed(Kind::Sqlite, if long() { MANY_DEATHS } else { DEATHS }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_moments_on_postgresql_the_program_loses_and_doubles_nothing() {
    killed(Kind::Postgres, if long() { DEATHS } else { DEATHS / 3 }).await;
}
