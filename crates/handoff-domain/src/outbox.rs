//! The outbox: what must be told or asked outside, written in the transaction that decided it.

use crate::assignee::{ActivityKind, ChangeSource};
use crate::id::{
    ActivityId, GroupId, HookId, InstallationId, IntegrationId, OrganizationId, OutboxId, ProjectId, RouteId,
    TrackingRuleId, UserId, WorkItemNumber,
};
use crate::organization::{ChannelId, MessageId};
use crate::route::RouteEvent;
use crate::time::Timestamp;
use crate::work_item::AzureProjectId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What is to be done outside.
///
/// *Converge* tasks are level-triggered: one pending row for each [`target`](OutboxTask::target), its
/// content read when it is carried out. *Event* tasks happen once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum OutboxTask {
    /// Converge: make the card of the group on the route show the present.
    Card {
        /// The group.
        group: GroupId,
        /// The route.
        route: RouteId,
    },
    /// Event: mention a new assignee in a short message.
    Ping {
        /// The group.
        group: GroupId,
        /// The route.
        route: RouteId,
        /// Whom.
        user: UserId,
        /// The history entry that it tells of.
        activity: ActivityId,
    },
    /// Event: tell a change in the thread of the group's card.
    ThreadPost {
        /// The group.
        group: GroupId,
        /// The route.
        route: RouteId,
        /// The history entry that it tells of.
        activity: ActivityId,
        /// What happened.
        change: ActivityKind,
        /// Whom to mention.
        mention: Option<UserId>,
    },
    /// Event: keep a change for the route's next summary, instead of telling it by itself.
    Gather {
        /// The group.
        group: GroupId,
        /// The route.
        route: RouteId,
        /// The history entry that it tells of.
        activity: ActivityId,
        /// What kind of change it is.
        event: RouteEvent,
    },
    /// Converge: tell in one message what was gathered for the route.
    Summary {
        /// The route.
        route: RouteId,
    },
    /// Event: the group of this card is gone; say so on it.
    CloseCard {
        /// Where the card is.
        channel: ChannelId,
        /// The card.
        message: MessageId,
        /// The group's short id, for example `BACKEND-42`.
        short_id: String,
        /// The group's title.
        title: String,
    },
    /// Converge: read the work item and apply the mirror again.
    RefreshWorkItem {
        /// The collection.
        integration: IntegrationId,
        /// Whose credential to read with.
        installation: InstallationId,
        /// The work item.
        work_item: WorkItemNumber,
    },
    /// Converge: read every linked work item of a connected project.
    ReconcileProject {
        /// Whose credential to read with.
        installation: InstallationId,
        /// The Azure DevOps project.
        azure_project: AzureProjectId,
    },
    /// Converge: make the work item say what the groups linked with it through this installation decided.
    ConvergeWorkItem {
        /// The collection.
        integration: IntegrationId,
        /// As whom to write.
        installation: InstallationId,
        /// The work item.
        work_item: WorkItemNumber,
    },
    /// Converge: learn the states of a type of work item, then read the project's work items again.
    LearnWorkflow {
        /// Whose credential to read with.
        installation: InstallationId,
        /// The Azure DevOps project.
        azure_project: AzureProjectId,
        /// The type.
        work_item_type: String,
    },
    /// Converge: give a work item its group in a project, where a tracking rule says so.
    TrackWorkItem {
        /// Whose credential to read with.
        installation: InstallationId,
        /// The project that gets the group.
        project: ProjectId,
        /// The work item.
        work_item: WorkItemNumber,
    },
    /// Converge: find the work items that a tracking rule is about.
    BackfillTracking {
        /// The rule.
        rule: TrackingRuleId,
    },
    /// Converge: make the hooks of a connected project that it is to have.
    EnsureSubscriptions {
        /// Whose credential to ask with.
        installation: InstallationId,
        /// The Azure DevOps project.
        azure_project: AzureProjectId,
    },
    /// Event: make a work item of a group, and link them.
    CreateWorkItem {
        /// The group.
        group: GroupId,
        /// As whom to write.
        installation: InstallationId,
        /// The Azure DevOps project.
        azure_project: AzureProjectId,
        /// The type of work item.
        work_item_type: String,
        /// What the work item is found by after an attempt of which nothing was heard.
        marker: String,
        /// Who wanted it.
        source: ChangeSource,
    },
    /// Event: say something in a work item's discussion.
    AddComment {
        /// The group that it is about.
        group: GroupId,
        /// As whom to write.
        installation: InstallationId,
        /// The work item's Azure DevOps project.
        azure_project: AzureProjectId,
        /// The work item.
        work_item: WorkItemNumber,
        /// What is said.
        text: String,
        /// What the comment is found by after an attempt of which nothing was heard.
        marker: String,
    },
    /// Converge: delete the subscription of a hook in Azure DevOps.
    DeleteSubscription {
        /// The hook.
        hook: HookId,
    },
}

impl OutboxTask {
    /// The word that names its kind, for filters and counters.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Card { .. } => "card",
            Self::Ping { .. } => "ping",
            Self::ThreadPost { .. } => "thread_post",
            Self::Gather { .. } => "gather",
            Self::Summary { .. } => "summary",
            Self::CloseCard { .. } => "close_card",
            Self::RefreshWorkItem { .. } => "refresh_work_item",
            Self::ReconcileProject { .. } => "reconcile_project",
            Self::ConvergeWorkItem { .. } => "converge_work_item",
            Self::LearnWorkflow { .. } => "learn_workflow",
            Self::TrackWorkItem { .. } => "track_work_item",
            Self::BackfillTracking { .. } => "backfill_tracking",
            Self::EnsureSubscriptions { .. } => "ensure_subscriptions",
            Self::CreateWorkItem { .. } => "create_work_item",
            Self::AddComment { .. } => "add_comment",
            Self::DeleteSubscription { .. } => "delete_subscription",
        }
    }

    /// Whom it asks, and so in which lane it waits.
    #[must_use]
    pub const fn lane(&self) -> Lane {
        match self {
            Self::Card { .. } | Self::Ping { .. } | Self::CloseCard { .. } => Lane::Messages,
            Self::ThreadPost { .. } | Self::Gather { .. } | Self::Summary { .. } => Lane::Messages,
            Self::RefreshWorkItem { .. }
            | Self::ConvergeWorkItem { .. }
            | Self::LearnWorkflow { .. }
            | Self::TrackWorkItem { .. }
            | Self::BackfillTracking { .. }
            | Self::EnsureSubscriptions { .. }
            | Self::CreateWorkItem { .. }
            | Self::AddComment { .. }
            | Self::DeleteSubscription { .. } => Lane::Tracker,
            Self::ReconcileProject { .. } => Lane::Reconcile,
        }
    }

    /// What a converge task converges on: at most one pending row has it. `None` for an event.
    #[must_use]
    pub fn target(&self) -> Option<String> {
        match self {
            Self::Card { group, route } => Some(format!("card:{group}:{route}")),
            Self::RefreshWorkItem { installation, work_item, .. } => {
                Some(format!("refresh:{installation}:{work_item}"))
            }
            Self::ReconcileProject { installation, azure_project } => {
                Some(format!("reconcile:{installation}:{}", azure_project.as_str()))
            }
            Self::ConvergeWorkItem { installation, work_item, .. } => {
                Some(format!("converge:{installation}:{work_item}"))
            }
            Self::LearnWorkflow { installation, azure_project, work_item_type } => {
                Some(format!("learn_workflow:{installation}:{}:{work_item_type}", azure_project.as_str()))
            }
            Self::TrackWorkItem { installation, project, work_item } => {
                Some(format!("track:{installation}:{project}:{work_item}"))
            }
            Self::BackfillTracking { rule } => Some(format!("backfill:{rule}")),
            Self::EnsureSubscriptions { installation, azure_project } => {
                Some(format!("subscriptions:{installation}:{}", azure_project.as_str()))
            }
            Self::DeleteSubscription { hook } => Some(format!("delete_subscription:{hook}")),
            Self::Summary { route } => Some(format!("summary:{route}")),
            Self::Ping { .. }
            | Self::ThreadPost { .. }
            | Self::Gather { .. }
            | Self::CloseCard { .. }
            | Self::CreateWorkItem { .. }
            | Self::AddComment { .. } => None,
        }
    }

    /// What its attempts depend on, so that mending that releases it. `None` where the task does not name it.
    #[must_use]
    pub const fn concern(&self) -> Option<Concern> {
        match self {
            Self::Card { route, .. }
            | Self::Ping { route, .. }
            | Self::ThreadPost { route, .. }
            | Self::Gather { route, .. }
            | Self::Summary { route } => Some(Concern::Route(*route)),
            Self::RefreshWorkItem { installation, .. }
            | Self::ReconcileProject { installation, .. }
            | Self::ConvergeWorkItem { installation, .. }
            | Self::LearnWorkflow { installation, .. }
            | Self::TrackWorkItem { installation, .. }
            | Self::EnsureSubscriptions { installation, .. }
            | Self::CreateWorkItem { installation, .. }
            | Self::AddComment { installation, .. } => Some(Concern::Installation(*installation)),
            Self::CloseCard { .. } | Self::BackfillTracking { .. } | Self::DeleteSubscription { .. } => None,
        }
    }

    /// The work item that it is about.
    #[must_use]
    pub const fn work_item(&self) -> Option<WorkItemNumber> {
        match self {
            Self::RefreshWorkItem { work_item, .. } | Self::TrackWorkItem { work_item, .. } => Some(*work_item),
            _ => None,
        }
    }

    /// The group that it is about, so that a deleted group takes its rows with it.
    #[must_use]
    pub const fn group(&self) -> Option<GroupId> {
        match self {
            Self::Card { group, .. }
            | Self::Ping { group, .. }
            | Self::CreateWorkItem { group, .. }
            | Self::AddComment { group, .. } => Some(*group),
            Self::ThreadPost { group, .. } | Self::Gather { group, .. } => Some(*group),
            _ => None,
        }
    }
}

/// What the attempts of a task depend on, and a person can mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concern {
    /// The credential that Azure DevOps is asked with, and what the installation lets through.
    Installation(InstallationId),
    /// The route that a message goes on.
    Route(RouteId),
}

impl Concern {
    /// Its id, whichever it is: no two have the same.
    #[must_use]
    pub const fn id(self) -> Uuid {
        match self {
            Self::Installation(id) => id.get(),
            Self::Route(id) => id.get(),
        }
    }
}

/// Which waiting rows of an organization are released, because what they waited for is mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Released {
    /// What was mended. With an installation go the rows of Azure DevOps that do not name theirs.
    pub concern: Concern,
    /// The lanes that the rows are in.
    pub lanes: &'static [Lane],
}

impl Released {
    /// Everything that is asked with an installation's credential.
    #[must_use]
    pub const fn by_credential(installation: InstallationId) -> Self {
        Self { concern: Concern::Installation(installation), lanes: &[Lane::Tracker, Lane::Reconcile] }
    }

    /// The reading of an installation's projects.
    #[must_use]
    pub const fn reading(installation: InstallationId) -> Self {
        Self { concern: Concern::Installation(installation), lanes: &[Lane::Reconcile] }
    }

    /// What is to be told on a route.
    #[must_use]
    pub const fn telling(route: RouteId) -> Self {
        Self { concern: Concern::Route(route), lanes: &[Lane::Messages] }
    }

    /// The kinds of task that are released though they do not name what they depend on.
    #[must_use]
    pub fn unnamed_kinds(self) -> &'static [&'static str] {
        let asks = matches!(self.concern, Concern::Installation(_)) && self.lanes.contains(&Lane::Tracker);
        if asks { &["backfill_tracking", "delete_subscription"] } else { &[] }
    }

    /// Whether a task is among them.
    #[must_use]
    pub fn is_about(self, task: &OutboxTask) -> bool {
        match task.concern() {
            Some(concern) => concern == self.concern && self.lanes.contains(&task.lane()),
            None => self.unnamed_kinds().contains(&task.kind()),
        }
    }
}

/// The kind of task that goes after the rest of its lane: a deleted project may arm thousands of it, and
/// nobody waits for them.
pub const LAST_OF_LANE: &str = "close_card";

/// A queue of its own in the outbox: what one side is slow at holds up nothing that the other side is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// What is said in Discord.
    Messages,
    /// What is read and made in Azure DevOps.
    Tracker,
    /// What reads whole projects in Azure DevOps: no such row holds up the work of today.
    Reconcile,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 3] = [Self::Messages, Self::Tracker, Self::Reconcile];

    /// The word that names it, for logs and counters.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Tracker => "tracker",
            Self::Reconcile => "reconcile",
        }
    }

    /// The kinds of task in it, as [`OutboxTask::kind`] names them.
    #[must_use]
    pub const fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Messages => &["card", "ping", "thread_post", "gather", "summary", LAST_OF_LANE],
            Self::Tracker => &[
                "refresh_work_item",
                "converge_work_item",
                "learn_workflow",
                "track_work_item",
                "backfill_tracking",
                "ensure_subscriptions",
                "create_work_item",
                "add_comment",
                "delete_subscription",
            ],
            Self::Reconcile => &["reconcile_project"],
        }
    }
}

/// A row to be armed: inserted, or, where its target is pending already, given a new generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxArm {
    /// The id of the row if a new one is needed.
    pub id: OutboxId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The project it is about; its rows end obsolete with it.
    pub project: Option<ProjectId>,
    /// What is to be done.
    pub task: OutboxTask,
    /// Not before.
    pub due_at: Timestamp,
}

crate::group::words!(
    /// Where a row stands.
    OutboxState {
        /// Waiting, or leased.
        Pending => "pending",
        /// Done.
        Done => "done",
        /// Its subject is gone, or it was overtaken.
        Obsolete => "obsolete",
        /// Given up on, with the reason.
        Dead => "dead",
    }
);

/// A row leased for carrying out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedTask {
    /// Its id.
    pub id: OutboxId,
    /// The fencing token of this lease: larger than that of any lease before it.
    pub token: i64,
    /// The generation that was read; a later one means that it must be done again.
    pub generation: i64,
    /// Whose it is.
    pub organization: OrganizationId,
    /// What is to be done.
    pub task: OutboxTask,
    /// How often it was tried before.
    pub attempts: u32,
}

/// A row as shown to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRecord {
    /// Its id.
    pub id: OutboxId,
    /// What is to be done.
    pub task: OutboxTask,
    /// Where it stands.
    pub state: OutboxState,
    /// How often it was tried.
    pub attempts: u32,
    /// Not before.
    pub due_at: Timestamp,
    /// Why it failed last, or ended.
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SequentialEntropy;

    #[test]
    fn the_kinds_of_a_lane_are_those_whose_tasks_are_in_it() {
        let (entropy, now) = (SequentialEntropy::default(), Timestamp::from_seconds(1));
        let (group, route) = (GroupId::generate(now, &entropy), RouteId::generate(now, &entropy));
        let installation = InstallationId::generate(now, &entropy);
        let close = |channel, message| OutboxTask::CloseCard {
            channel,
            message,
            short_id: "SHOP-1".to_owned(),
            title: "It breaks".to_owned(),
        };
        let tasks = [
            OutboxTask::Card { group, route },
            OutboxTask::Ping { group, route, user: UserId::new(1), activity: ActivityId::generate(now, &entropy) },
            OutboxTask::ThreadPost {
                group,
                route,
                activity: ActivityId::generate(now, &entropy),
                change: ActivityKind::Linked { work_item: 7 },
                mention: None,
            },
            OutboxTask::Gather {
                group,
                route,
                activity: ActivityId::generate(now, &entropy),
                event: RouteEvent::Linked,
            },
            OutboxTask::Summary { route },
            close(ChannelId::new(1).unwrap(), MessageId::new(2).unwrap()),
            OutboxTask::RefreshWorkItem {
                integration: IntegrationId::generate(now, &entropy),
                installation,
                work_item: WorkItemNumber::new(1),
            },
            OutboxTask::ReconcileProject {
                installation,
                azure_project: AzureProjectId::parse("00000000-0000-0000-0000-000000000001").unwrap(),
            },
            OutboxTask::ConvergeWorkItem {
                integration: IntegrationId::generate(now, &entropy),
                installation,
                work_item: WorkItemNumber::new(1),
            },
            OutboxTask::LearnWorkflow {
                installation,
                azure_project: AzureProjectId::parse("00000000-0000-0000-0000-000000000001").unwrap(),
                work_item_type: "Bug".to_owned(),
            },
            OutboxTask::TrackWorkItem { installation, project: ProjectId::new(1), work_item: WorkItemNumber::new(1) },
            OutboxTask::BackfillTracking { rule: TrackingRuleId::generate(now, &entropy) },
            OutboxTask::EnsureSubscriptions {
                installation,
                azure_project: AzureProjectId::parse("00000000-0000-0000-0000-000000000001").unwrap(),
            },
            OutboxTask::CreateWorkItem {
                group,
                installation,
                azure_project: AzureProjectId::parse("00000000-0000-0000-0000-000000000001").unwrap(),
                work_item_type: "Bug".to_owned(),
                marker: "handoff-1".to_owned(),
                source: ChangeSource::Api { by: None },
            },
            OutboxTask::AddComment {
                group,
                installation,
                azure_project: AzureProjectId::parse("00000000-0000-0000-0000-000000000001").unwrap(),
                work_item: WorkItemNumber::new(1),
                text: "It hurts".to_owned(),
                marker: "handoff-2".to_owned(),
            },
            OutboxTask::DeleteSubscription { hook: HookId::generate(now, &entropy) },
        ];
        for task in &tasks {
            for lane in Lane::ALL {
                assert_eq!(lane.kinds().contains(&task.kind()), task.lane() == lane, "{task:?}");
            }
        }
        assert_eq!(Lane::ALL.iter().map(|lane| lane.kinds().len()).sum::<usize>(), tasks.len());
    }
}
