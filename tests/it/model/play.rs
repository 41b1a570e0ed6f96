//! The real service under the model's operations: it does them, and keeps a journal of what it saw happen.

use super::operations::{GROUPS, ITEMS, Operation, Pause, STATES, Step, Then, Trouble, Who, World};
use super::reference::{Linked, Local};
use handoff_sandbox::azure::{Changes, ReleaseOrder, SubscriptionId, SubscriptionStatus, WorkItemKey};
use handoff_sandbox::fault::Fault;
use handoff_tests::scene::{Group, Person, Scene};
use proptest::sample::Index;
use serde_json::{Value, json};
use std::time::Duration;

const UPDATED: &str = "workitem.updated";
/// How late a late delivery is.
const LATE: Duration = Duration::from_secs(45);

/// What was decided here, and what was known, as it went.
#[derive(Debug, Default)]
pub(super) struct Journal {
    pub(super) assignees: Vec<Local<Option<Who>>>,
    pub(super) statuses: Vec<Local<bool>>,
    pub(super) links: Vec<Linked>,
    /// For each work item, the newest revision known here after each operation.
    pub(super) known: [Vec<i64>; ITEMS],
}

/// One case under way.
pub(super) struct Play {
    pub(super) scene: Scene,
    pub(super) groups: Vec<Group>,
    pub(super) items: Vec<WorkItemKey>,
    /// Somebody in the team of whom nothing else is known.
    pub(super) zoe: Person,
    pub(super) zoe_is_mapped: bool,
    pub(super) journal: Journal,
}

fn changes(make: impl FnOnce(&mut Changes) -> &mut Changes) -> Changes {
    let mut changes = Changes::default();
    make(&mut changes);
    changes
}

impl Pause {
    const fn length(self) -> Duration {
        match self {
            Self::Short => Duration::from_millis(300),
            Self::Long => Duration::from_secs(10),
            Self::VeryLong => Duration::from_secs(120),
        }
    }
}

impl Trouble {
    const fn fault(self) -> Fault {
        match self {
            Self::Refused => Fault::RefuseBefore { status: 503 },
            Self::AnswerLost => Fault::Drop,
            Self::AnsweredWrongly => Fault::FailAfter { status: 500 },
        }
    }
}

impl Play {
    /// Groups and work items of this case's own in a scene that other cases were in.
    pub(super) async fn begin(mut scene: Scene, world: &World) -> Self {
        let number = scene.azure.work_items().len();
        let zoe = handoff_tests::scene::person(&scene, &format!("Zoe Number {number}"));
        scene.add_user_without_address(&zoe).await;
        let mut groups = Vec::new();
        for n in 0..GROUPS {
            groups.push(scene.tenant.group(&scene, &format!("Group {n}")).await);
        }
        let items = (0..ITEMS).map(|n| scene.work_item(&format!("Item {n}"))).collect();
        let journal = Journal::default();
        let mut play = Self { scene, groups, items, zoe, zoe_is_mapped: false, journal };
        for (group, item) in &world.links {
            play.link(*group, *item).await;
        }
        play.scene.settle().await;
        play.look().await;
        play
    }

    pub(super) fn person(&self, who: Who) -> &Person {
        match who {
            Who::Ada => &self.scene.ada,
            Who::Bob => &self.scene.bob,
            Who::Cleo => &self.scene.cleo,
            Who::Zoe => &self.zoe,
            Who::Stranger => &self.scene.zoe,
        }
    }

    /// Who of the cast that user of ours is.
    pub(super) fn who(&self, user: i64) -> Who {
        let cast = [Who::Ada, Who::Bob, Who::Cleo, Who::Zoe];
        cast.into_iter().find(|who| self.scene.member(self.person(*who)).user == user).unwrap()
    }

    pub(super) async fn assignee(&self, group: usize) -> Option<Who> {
        self.scene.assignee(&self.groups[group]).await.map(|user| self.who(user))
    }

    pub(super) async fn is_resolved(&self, group: usize) -> bool {
        self.scene.status_here(&self.groups[group]).await == "resolved"
    }

    fn now_us(&self) -> i64 {
        self.scene.clock.sim().now_us()
    }

    pub(super) async fn step(&mut self, step: &Step) {
        self.scene.advance(step.pause.length()).await;
        self.operate(&step.operation).await;
        self.scene.azure.settle().await;
        match step.then {
            Then::Nothing => {}
            Then::Work => drop(self.scene.work().await),
            Then::Settle => self.scene.settle().await,
        }
        self.look().await;
    }

    async fn operate(&mut self, operation: &Operation) {
        match operation {
            Operation::AssignHere { group, to } => self.assign_here(*group, Some(*to)).await,
            Operation::DeassignHere { group } => self.assign_here(*group, None).await,
            Operation::StatusHere { group, resolved } => self.status_here(*group, *resolved).await,
            Operation::AssignThere { .. }
            | Operation::UnassignThere { .. }
            | Operation::StateThere { .. }
            | Operation::TitleThere { .. } => self.change_there(operation),
            Operation::Link { group, item } => self.link(*group, *item).await,
            Operation::MapZoe => self.map_zoe().await,
            Operation::Restart => self.scene.instance_mut().restart().await,
            Operation::ConnectAgain => self.connect_again().await,
            Operation::Reconcile => self.reconcile().await,
            Operation::Pass => {}
            other => self.disturb(other),
        }
    }

    async fn assign_here(&mut self, group: usize, to: Option<Who>) {
        let before = self.assignee(group).await;
        match to {
            Some(who) => self.scene.assign_here(&self.groups[group], self.person(who)).await,
            None => self.scene.deassign_here(&self.groups[group]).await,
        }
        if before != to {
            self.journal.assignees.push(Local { group, value: to, at_us: self.now_us() });
        }
    }

    async fn status_here(&mut self, group: usize, resolved: bool) {
        let before = self.is_resolved(group).await;
        let status = if resolved { "resolved" } else { "unresolved" };
        self.scene.set_status_here(&self.groups[group], status).await;
        if before != resolved {
            self.journal.statuses.push(Local { group, value: resolved, at_us: self.now_us() });
        }
    }

    fn change_there(&self, operation: &Operation) {
        let (item, change): (usize, Changes) = match operation {
            Operation::AssignThere { item, to, by_themselves } => {
                let identity = self.person(*to).identity;
                let mut change = Changes::default();
                change.assign(identity);
                if *by_themselves {
                    change.by(identity);
                }
                (*item, change)
            }
            Operation::UnassignThere { item } => (*item, changes(|one| one.unassign())),
            Operation::StateThere { item, state } => (*item, changes(|one| one.state(STATES[*state]))),
            Operation::TitleThere { item, title } => (*item, changes(|one| one.title(&format!("Title {title}")))),
            _ => return,
        };
        self.scene.azure.update_work_item(self.items[item], |changes| *changes = change).unwrap();
    }

    async fn link(&mut self, group: usize, item: usize) {
        self.scene.tenant.link(&self.scene, &self.groups[group], self.items[item]).await;
        let rev = self.scene.item(self.items[item]).rev;
        self.journal.links.push(Linked { group, item, at_us: self.now_us(), rev });
    }

    async fn map_zoe(&mut self) {
        let member = self.scene.member(&self.zoe);
        self.scene.tenant.map(&self.scene, "identity_id", &self.zoe.identity.to_string(), member).await;
        self.zoe_is_mapped = true;
    }

    async fn connect_again(&self) {
        let tenant = &self.scene.tenant;
        let project = json!({"azure_project": self.scene.board.project.to_string()});
        self.scene.api.post(&format!("{}/installations/{}/projects", tenant.at, tenant.installation), project).await;
    }

    /// A toggle that is switched on has every work item read.
    async fn reconcile(&self) {
        self.scene.tenant.toggle_again(&self.scene, "inbound_assignee").await;
    }

    fn hooks(&self) -> Vec<SubscriptionId> {
        let hooks = self.scene.azure.subscriptions().into_iter();
        hooks.filter(|hook| hook.event_type == UPDATED).map(|hook| hook.id).collect()
    }

    fn set_hooks(&self, status: SubscriptionStatus) {
        for hook in self.hooks() {
            self.scene.azure.set_subscription_status(hook, status).unwrap();
        }
    }

    fn disturb(&self, operation: &Operation) {
        let (azure, discord) = (&self.scene.azure, &self.scene.discord);
        match operation {
            Operation::Hold => azure.hold_deliveries(),
            Operation::Release { order } => self.release(order.as_deref()),
            Operation::DropNextDelivery => azure.faults().push_next("deliver", Fault::Drop),
            Operation::DuplicateNextDelivery => azure.faults().push_next("deliver", Fault::Duplicate(3)),
            Operation::DelayNextDelivery => azure.faults().push_next("deliver", Fault::Delay(LATE)),
            Operation::HookOnProbation => self.set_hooks(SubscriptionStatus::OnProbation),
            Operation::HookDisabled => self.set_hooks(SubscriptionStatus::DisabledBySystem),
            Operation::WriteGoesWrong { trouble } => azure.faults().push_next("patch_work_item", trouble.fault()),
            Operation::MessageGoesWrong { edit, trouble } => {
                let name = if *edit { "edit_message" } else { "create_message" };
                discord.faults().push_next(name, trouble.fault());
            }
            _ => {}
        }
    }

    fn release(&self, order: Option<&[Index]>) {
        let held = self.scene.azure.held_deliveries();
        let order = match order {
            Some(order) if held > 0 => {
                ReleaseOrder::Permutation(order.iter().map(|position| position.index(held)).collect())
            }
            _ => ReleaseOrder::InOrder,
        };
        self.scene.azure.release_deliveries(&order);
    }

    /// Keeps which revisions are known.
    async fn look(&mut self) {
        for n in 0..GROUPS {
            for (item, link) in self.links(n).await {
                let revision = link["work_item"]["revision"].as_i64().unwrap();
                let known = &mut self.journal.known[item];
                if known.last() != Some(&revision) {
                    known.push(revision);
                }
            }
        }
    }

    /// A group's links, as the API shows them, with the work items' places in the cast.
    pub(super) async fn links(&self, group: usize) -> Vec<(usize, Value)> {
        let links = self.scene.api.list(&format!("{}/links", self.groups[group].at)).await;
        let place = |link: &Value| self.items.iter().position(|item| link["work_item"]["number"] == item.number);
        links.into_iter().map(|link| (place(&link).unwrap(), link)).collect()
    }

    /// Everything comes to rest: nothing goes wrong any more, what was held comes, hooks deliver again, and
    /// what was missed is read.
    pub(super) async fn come_to_rest(&mut self) {
        self.scene.azure.faults().clear();
        self.scene.discord.faults().clear();
        self.scene.azure.release_deliveries(&ReleaseOrder::InOrder);
        self.scene.advance(LATE).await;
        self.scene.settle().await;
        self.look().await;
        self.connect_again().await;
        self.scene.settle().await;
        self.set_hooks(SubscriptionStatus::Enabled);
        self.reconcile().await;
        self.scene.settle().await;
        self.look().await;
    }
}
