//! What may happen to the world of the model: operations, when they may be done, and how they are drawn.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest_state_machine::ReferenceStateMachine;
use std::collections::BTreeSet;

/// How many groups, and how many work items, there are.
pub(super) const GROUPS: usize = 3;
pub(super) const ITEMS: usize = 3;
/// The states that a work item may be moved to.
pub(super) const STATES: [&str; 4] = ["New", "Active", "Resolved", "Closed"];
/// How many writes may go wrong in one case: fewer than make a sender give up.
const WRITE_FAULTS: usize = 4;
/// How many messages may go wrong in one case.
const MESSAGE_FAULTS: usize = 4;

/// Ada, Bob and Cleo are known from the beginning, Zoe once she is mapped, and a stranger never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Ada,
    Bob,
    Cleo,
    Zoe,
    Stranger,
}

/// How one call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It has no effect, and the answer is 503.
    Refused,
    /// It takes effect, and the answer is lost.
    AnswerLost,
    /// It takes effect, and the answer is an error.
    AnsweredWrongly,
}

/// One thing that somebody does, or that goes wrong.
#[derive(Debug, Clone)]
pub(super) enum Operation {
    AssignHere {
        group: usize,
        to: Who,
    },
    DeassignHere {
        group: usize,
    },
    StatusHere {
        group: usize,
        resolved: bool,
    },
    /// `by_themselves`: the assignee does it.
    AssignThere {
        item: usize,
        to: Who,
        by_themselves: bool,
    },
    UnassignThere {
        item: usize,
    },
    StateThere {
        item: usize,
        state: usize,
    },
    TitleThere {
        item: usize,
        title: u8,
    },
    Link {
        group: usize,
        item: usize,
    },
    MapZoe,
    Hold,
    /// Held deliveries go: as they came where there is no order; else each never, once or several times.
    Release {
        order: Option<Vec<Index>>,
    },
    DropNextDelivery,
    DuplicateNextDelivery,
    DelayNextDelivery,
    HookOnProbation,
    HookDisabled,
    ConnectAgain,
    Reconcile,
    Restart,
    WriteGoesWrong {
        trouble: Trouble,
    },
    MessageGoesWrong {
        edit: bool,
        trouble: Trouble,
    },
    /// Nothing but time, and work.
    Pass,
}

/// How much time goes by before an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// So little that two clocks may not agree on the order.
    Short,
    /// Clearly longer than that.
    Long,
    /// Longer than the first waits after failures.
    VeryLong,
}

/// What is worked on after an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// Deliveries wait in the inbox, tasks in the outbox.
    Nothing,
    /// What is due now.
    Work,
    /// Everything, however long it must wait.
    Settle,
}

/// An operation in its time.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) pause: Pause,
    pub(super) operation: Operation,
    pub(super) then: Then,
}

/// What of the world decides whether an operation may be done.
#[derive(Debug, Clone)]
pub(super) struct World {
    /// Which group is linked with which work item.
    pub(super) links: BTreeSet<(usize, usize)>,
    zoe_is_mapped: bool,
    held: bool,
    write_faults: usize,
    message_faults: usize,
}

impl ReferenceStateMachine for World {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        let linked = vec(proptest::bool::weighted(0.25), GROUPS * ITEMS);
        let home = vec(0..ITEMS, GROUPS);
        (linked, home)
            .prop_map(|(linked, home)| {
                let mut links: BTreeSet<(usize, usize)> = home.into_iter().enumerate().collect();
                links.extend((0..GROUPS * ITEMS).filter(|n| linked[*n]).map(|n| (n / ITEMS, n % ITEMS)));
                Self { links, zoe_is_mapped: false, held: false, write_faults: 0, message_faults: 0 }
            })
            .boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Step> {
        let pause = prop_oneof![2 => Just(Pause::Short), 12 => Just(Pause::Long), 1 => Just(Pause::VeryLong)];
        let then = prop_oneof![4 => Just(Then::Nothing), 6 => Just(Then::Work), 1 => Just(Then::Settle)];
        (pause, operations(), then).prop_map(|(pause, operation, then)| Step { pause, operation, then }).boxed()
    }

    fn preconditions(state: &Self, step: &Step) -> bool {
        match &step.operation {
            Operation::AssignHere { to, .. } => *to != Who::Zoe || state.zoe_is_mapped,
            Operation::MapZoe => !state.zoe_is_mapped,
            Operation::Link { group, item } => !state.links.contains(&(*group, *item)),
            Operation::Hold => !state.held,
            Operation::Release { .. } => state.held,
            Operation::WriteGoesWrong { .. } => state.write_faults < WRITE_FAULTS,
            Operation::MessageGoesWrong { .. } => state.message_faults < MESSAGE_FAULTS,
            _ => true,
        }
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        match &step.operation {
            Operation::MapZoe => state.zoe_is_mapped = true,
            Operation::Link { group, item } => drop(state.links.insert((*group, *item))),
            Operation::Hold => state.held = true,
            Operation::Release { .. } => state.held = false,
            Operation::WriteGoesWrong { .. } => state.write_faults += 1,
            Operation::MessageGoesWrong { .. } => state.message_faults += 1,
            _ => {}
        }
        state
    }
}

fn operations() -> impl Strategy<Value = Operation> {
    prop_oneof![6 => decisions_here(), 7 => changes_there(), 5 => surroundings(), 2 => Just(Operation::Pass)]
}

fn decisions_here() -> impl Strategy<Value = Operation> {
    let known = prop_oneof![3 => Just(Who::Ada), 3 => Just(Who::Bob), 3 => Just(Who::Cleo), 1 => Just(Who::Zoe)];
    let group = 0..GROUPS;
    prop_oneof![
        4 => (group.clone(), known).prop_map(|(group, to)| Operation::AssignHere { group, to }),
        1 => group.clone().prop_map(|group| Operation::DeassignHere { group }),
        2 => (group, any::<bool>()).prop_map(|(group, resolved)| Operation::StatusHere { group, resolved }),
    ]
}

fn changes_there() -> impl Strategy<Value = Operation> {
    let anybody = prop_oneof![
        3 => Just(Who::Ada),
        3 => Just(Who::Bob),
        3 => Just(Who::Cleo),
        1 => Just(Who::Zoe),
        1 => Just(Who::Stranger),
    ];
    let item = 0..ITEMS;
    prop_oneof![
        5 => (item.clone(), anybody, any::<bool>())
            .prop_map(|(item, to, by_themselves)| Operation::AssignThere { item, to, by_themselves }),
        2 => item.clone().prop_map(|item| Operation::UnassignThere { item }),
        3 => (item.clone(), 0..STATES.len()).prop_map(|(item, state)| Operation::StateThere { item, state }),
        2 => (item, 0..4_u8).prop_map(|(item, title)| Operation::TitleThere { item, title }),
    ]
}

fn surroundings() -> impl Strategy<Value = Operation> {
    let trouble = || prop_oneof![Just(Trouble::Refused), Just(Trouble::AnswerLost), Just(Trouble::AnsweredWrongly)];
    let order = proptest::option::of(vec(any::<Index>(), 0..8));
    prop_oneof![
        2 => (0..GROUPS, 0..ITEMS).prop_map(|(group, item)| Operation::Link { group, item }),
        1 => Just(Operation::MapZoe),
        2 => Just(Operation::Hold),
        4 => order.prop_map(|order| Operation::Release { order }),
        1 => Just(Operation::DropNextDelivery),
        1 => Just(Operation::DuplicateNextDelivery),
        1 => Just(Operation::DelayNextDelivery),
        1 => Just(Operation::HookOnProbation),
        1 => Just(Operation::HookDisabled),
        1 => Just(Operation::ConnectAgain),
        1 => Just(Operation::Reconcile),
        1 => Just(Operation::Restart),
        3 => trouble().prop_map(|trouble| Operation::WriteGoesWrong { trouble }),
        2 => (any::<bool>(), trouble()).prop_map(|(edit, trouble)| Operation::MessageGoesWrong { edit, trouble }),
    ]
}
