//! Carry Out: does one leased outbox task and records how it ended.
//!
//! Delivery is at least once. A record is made only under the lease; a sender that lost it arms a
//! converge task again, so that whatever it did meanwhile is looked at once more.

use super::connection::connected_project;
use super::converge_work_item::ConvergeWorkItem;
use super::create_subscription::Subscriptions;
use super::create_work_item::{Errand, WantedWorkItem};
use super::error::UseCaseError;
use super::essentials::due_now;
use super::outage_wait::outage_wait;
use super::refresh_work_item::RefreshWorkItem;
use super::send_message::{SendMessage, Sent};
use super::track_work_item::TrackWorkItem;
use crate::id::{InstallationId, OrganizationId};
use crate::outbox::{ClaimedTask, OutboxState, OutboxTask};
use crate::port::{ChatError, Clock, Entropy, Outbox, Store, StoreError, TrackerError};
use crate::time::Timestamp;
use crate::work_item::AzureProjectId;
use std::sync::Arc;
use std::time::Duration;

/// How often a task is tried before it is dead: about nine hours of trying.
pub const MAX_ATTEMPTS: u32 = 20;
/// The wait after the first failure; it doubles each time.
pub const FIRST_WAIT: Duration = Duration::from_secs(2);
/// The longest wait between two tries, unless the other side asks for more.
pub const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// How long a row may go on being asked to wait: from then on, to be asked is an attempt like any other.
pub const PATIENCE: Duration = Duration::from_secs(3 * 86_400);
/// The wait after a credential was refused, which only a person mends.
const REFUSED_WAIT: Duration = Duration::from_secs(300);
/// How much longer than asked a row waits at most, so that not all come at once.
const LONGEST_JITTER: Duration = Duration::from_secs(60);

/// Carries out outbox tasks.
#[derive(Clone)]
pub struct CarryOut {
    /// For cards and mentions.
    pub messages: SendMessage,
    /// For reading the tracker, and writing to it.
    pub refresh: RefreshWorkItem,
    /// For work items that get their group by themselves.
    pub tracking: TrackWorkItem,
    /// For hooks.
    pub subscriptions: Subscriptions,
    /// Where tasks end.
    pub store: Arc<dyn Store>,
    /// Where tasks wait.
    pub outbox: Arc<dyn Outbox>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For jitter.
    pub entropy: Arc<dyn Entropy>,
}

/// What became of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ending {
    Over(OutboxState, Option<String>),
    Again(Pause, String),
    AtOnce,
    At(Timestamp),
    LeaseLost,
}

/// How long until the next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pause {
    /// It failed: longer each time, and at least so long. Only so often.
    Failed { at_least: Duration },
    /// As long as the other side, or our own keeping to its limits, asked for: no failure.
    Asked(Duration),
    /// What we lack ourselves, for which no row is to blame: longer the older it is, and at least so long.
    Outage { at_least: Duration },
}

impl CarryOut {
    /// Does a leased task and records how it ended.
    ///
    /// # Errors
    /// [`StoreError`] when the ending cannot be recorded: the lease then runs out, and the task is done
    /// again.
    pub async fn carry_out(&self, claimed: &ClaimedTask) -> Result<(), StoreError> {
        let done = self.attempt(claimed).await;
        let class = done.as_ref().err().map_or("none", UseCaseError::class);
        let ending = ending_of(done);
        let now = self.clock.now();
        let (state, reason) = match ending {
            Ending::Over(state, reason) => (state, reason),
            Ending::LeaseLost => return self.arm_again(claimed).await,
            Ending::AtOnce => {
                let reason = "an earlier attempt had arrived after all";
                return self.outbox.fail(claimed.id, claimed.token, now, reason, false).await;
            }
            Ending::At(at) => {
                return self.outbox.fail(claimed.id, claimed.token, at, "the route keeps quiet", false).await;
            }
            Ending::Again(pause, reason) => {
                let age = age(claimed, now);
                let counts = pause.counts(age);
                if !counts || claimed.attempts + 1 < MAX_ATTEMPTS {
                    let wait = self.wait(pause, claimed.attempts, age);
                    return self.outbox.fail(claimed.id, claimed.token, now.plus(wait), &reason, counts).await;
                }
                (OutboxState::Dead, Some(reason))
            }
        };
        let mut uow = self.store.begin().await?;
        match uow.finish_outbox(claimed.id, claimed.token, claimed.generation, state, reason, now).await {
            Ok(()) => {
                uow.commit().await?;
                if state == OutboxState::Dead {
                    tell_dead(claimed, class);
                }
                Ok(())
            }
            Err(StoreError::LeaseLost) => {
                drop(uow);
                self.arm_again(claimed).await
            }
            Err(error) => Err(error),
        }
    }

    async fn attempt(&self, claimed: &ClaimedTask) -> Result<Sent, UseCaseError> {
        match &claimed.task {
            OutboxTask::Card { group, route } => self.messages.send_card(claimed, *group, *route).await,
            OutboxTask::Ping { group, route, user, activity } => {
                self.messages.send_ping(claimed, *group, *route, *user, *activity).await
            }
            OutboxTask::ThreadPost { group, route, activity, change, mention } => {
                self.messages.post_in_thread(claimed, (*group, *route), *activity, change, *mention).await
            }
            OutboxTask::Gather { group, route, activity, event } => {
                self.messages.gather(claimed, *group, *route, *activity, *event).await
            }
            OutboxTask::Summary { route } => self.messages.send_summary(claimed, *route).await,
            OutboxTask::CloseCard { channel, message, short_id, title } => {
                self.messages.close_card(*channel, *message, short_id, title).await
            }
            OutboxTask::RefreshWorkItem { installation, work_item, .. } => {
                let refreshed = self.refresh.refresh_work_item(claimed.organization, *installation, *work_item);
                refreshed.await.map(|()| Sent::Edited)
            }
            OutboxTask::ReconcileProject { installation, azure_project } => {
                self.reconcile(claimed.organization, *installation, azure_project).await.map(|()| Sent::Edited)
            }
            OutboxTask::ConvergeWorkItem { integration, installation, work_item } => {
                let converge = ConvergeWorkItem { refresh: &self.refresh };
                converge.converge_work_item(claimed, *integration, *installation, *work_item).await
            }
            OutboxTask::LearnWorkflow { installation, azure_project, work_item_type } => {
                let (organization, kind) = (claimed.organization, work_item_type.as_str());
                let learned =
                    self.refresh.learn_workflow_and_reconcile(organization, *installation, azure_project, kind);
                learned.await.map(|()| Sent::Edited)
            }
            OutboxTask::TrackWorkItem { installation, project, work_item } => {
                let tracked = self.tracking.track_work_item(claimed.organization, *installation, *project, *work_item);
                tracked.await.map(|()| Sent::Edited)
            }
            OutboxTask::BackfillTracking { rule } => {
                self.tracking.backfill(claimed.organization, *rule).await.map(|()| Sent::Edited)
            }
            OutboxTask::EnsureSubscriptions { installation, azure_project } => {
                self.ensure_subscriptions(claimed, *installation, azure_project).await.map(|()| Sent::Edited)
            }
            OutboxTask::CreateWorkItem { group, installation, azure_project, work_item_type, marker, source } => {
                let wanted = WantedWorkItem {
                    installation: *installation,
                    azure_project: azure_project.clone(),
                    work_item_type: work_item_type.clone(),
                };
                let errand = Errand { claimed, group: *group, wanted, marker, source: *source };
                self.tracking.links.create_work_item(&errand).await
            }
            OutboxTask::AddComment { installation, azure_project, work_item, text, marker, .. } => {
                let organization = claimed.organization;
                let links = &self.tracking.links;
                links.add_comment(organization, *installation, azure_project, *work_item, text, marker).await
            }
            OutboxTask::DeleteSubscription { hook } => {
                self.subscriptions.delete_subscription(*hook).await.map(|()| Sent::Edited)
            }
        }
    }

    /// A project that was disconnected meanwhile is not connected anew.
    async fn ensure_subscriptions(
        &self,
        claimed: &ClaimedTask,
        installation: InstallationId,
        azure_project: &AzureProjectId,
    ) -> Result<(), UseCaseError> {
        let organization = claimed.organization;
        connected_project(self.subscriptions.reader.as_ref(), organization, installation, azure_project).await?;
        let ensured = self.subscriptions.create_subscription(organization, installation, azure_project);
        ensured.await.map(drop)
    }

    async fn reconcile(
        &self,
        organization: OrganizationId,
        installation: InstallationId,
        azure_project: &AzureProjectId,
    ) -> Result<(), UseCaseError> {
        let read = self.refresh.reconcile_project(organization, installation, azure_project);
        let report = read.await?;
        if !report.differed.is_empty() {
            let (looked_at, differed) = (report.looked_at, report.differed.len());
            tracing::info!(%organization, %installation, looked_at, differed, "a reconcile found what was missed");
        }
        Ok(())
    }

    async fn arm_again(&self, claimed: &ClaimedTask) -> Result<(), StoreError> {
        if claimed.task.target().is_none() {
            return Ok(());
        }
        let row = due_now(claimed.organization, claimed.task.clone(), self.clock.as_ref(), self.entropy.as_ref());
        let mut uow = self.store.begin().await?;
        uow.arm(&[row]).await?;
        uow.commit().await
    }

    /// Between half and the whole of a wait of ours; never less than what was asked for, and a little more.
    fn wait(&self, pause: Pause, attempts: u32, age: Duration) -> Duration {
        let halved = |whole: Duration| whole / 2 + self.part_of(whole / 2);
        match pause {
            Pause::Failed { at_least } => halved(doubled(attempts)).max(at_least),
            Pause::Asked(asked) => asked + self.part_of((asked / 10).clamp(FIRST_WAIT, LONGEST_JITTER)),
            Pause::Outage { at_least } => halved(outage_wait(age, FIRST_WAIT)).max(at_least),
        }
    }

    fn part_of(&self, whole: Duration) -> Duration {
        let mut byte = [0_u8; 1];
        self.entropy.fill(&mut byte);
        whole.mul_f64(f64::from(byte[0]) / 256.0)
    }
}

/// What was said, which may name people, is in the row.
fn tell_dead(claimed: &ClaimedTask, class: &'static str) {
    tracing::warn!(
        row = %claimed.id,
        organization = %claimed.organization,
        task = claimed.task.kind(),
        attempts = claimed.attempts + 1,
        class,
        "a task was given up on; why is in its row, and its replay tries it again"
    );
}

impl Pause {
    /// Whether it is one of the attempts of a row of this age.
    fn counts(self, age: Duration) -> bool {
        match self {
            Self::Failed { .. } => true,
            Self::Asked(_) => age >= PATIENCE,
            Self::Outage { .. } => false,
        }
    }
}

/// The wait after so many failures that count, without jitter.
#[must_use]
pub fn doubled(attempts: u32) -> Duration {
    FIRST_WAIT.saturating_mul(2_u32.saturating_pow(attempts)).min(LONGEST_WAIT)
}

/// How long ago the row was made.
fn age(claimed: &ClaimedTask, now: Timestamp) -> Duration {
    claimed.id.made_at().map_or(Duration::ZERO, |made| now.since(made))
}

fn ending_of(done: Result<Sent, UseCaseError>) -> Ending {
    let dead = |reason: String| Ending::Over(OutboxState::Dead, Some(reason));
    let error = match done {
        Ok(Sent::Stale) => return Ending::AtOnce,
        Ok(Sent::NotYet { at }) => return Ending::At(at),
        Ok(Sent::Obsolete) => return Ending::Over(OutboxState::Obsolete, None),
        Ok(_) => return Ending::Over(OutboxState::Done, None),
        Err(error) => error,
    };
    let reason = error.to_string();
    let failed = Pause::Failed { at_least: Duration::ZERO };
    match error {
        UseCaseError::Store(StoreError::LeaseLost) => Ending::LeaseLost,
        UseCaseError::Store(StoreError::Unavailable(_) | StoreError::Retry) => {
            Ending::Again(Pause::Outage { at_least: Duration::ZERO }, reason)
        }
        // What only a change of ours or of the operator mends must not be tried for ever.
        UseCaseError::Store(StoreError::Backend(_) | StoreError::Conflict { .. })
        | UseCaseError::Secret(_)
        | UseCaseError::TryAgain(_) => Ending::Again(failed, reason),
        UseCaseError::NotFound { .. } => Ending::Over(OutboxState::Obsolete, Some(reason)),
        UseCaseError::Refused(_) | UseCaseError::Conflict(_) => dead(reason),
        UseCaseError::Chat(ChatError::Retry { after: asked, .. })
        | UseCaseError::Tracker(TrackerError::Throttled { retry_after: asked }) => {
            Ending::Again(asked.map_or(failed, Pause::Asked), reason)
        }
        UseCaseError::Chat(ChatError::MessageGone) => Ending::Over(OutboxState::Obsolete, Some(reason)),
        UseCaseError::Chat(ChatError::Unauthorized) => Ending::Again(Pause::Outage { at_least: REFUSED_WAIT }, reason),
        UseCaseError::Chat(ChatError::ChannelUnusable { .. } | ChatError::Rejected { .. }) => dead(reason),
        UseCaseError::Tracker(TrackerError::Unavailable { .. } | TrackerError::Stale) => Ending::Again(failed, reason),
        UseCaseError::Tracker(
            TrackerError::Unauthorized | TrackerError::NotSignedIn { .. } | TrackerError::Forbidden { .. },
        ) => Ending::Again(Pause::Failed { at_least: REFUSED_WAIT }, reason),
        UseCaseError::Tracker(TrackerError::NotFound { .. }) => Ending::Over(OutboxState::Obsolete, Some(reason)),
        UseCaseError::Tracker(TrackerError::Rejected { .. } | TrackerError::UnsafeAddress { .. }) => dead(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::SecretBoxError;

    #[test]
    fn every_class_of_failure_ends_as_it_should() {
        let chat = |error| ending_of(Err(UseCaseError::Chat(error)));
        let tracker = |error| ending_of(Err(UseCaseError::Tracker(error)));
        let pause = |ending: Ending| match ending {
            Ending::Again(pause, _) => pause,
            other => panic!("{other:?}"),
        };
        let state = |ending: &Ending| match ending {
            Ending::Over(state, _) => Some(*state),
            _ => None,
        };
        let failed = Pause::Failed { at_least: Duration::ZERO };
        let seven = Duration::from_secs(7);
        for (asked, expected) in [(None, failed), (Some(seven), Pause::Asked(seven))] {
            assert_eq!(pause(chat(ChatError::Retry { reason: String::new(), after: asked })), expected);
            assert_eq!(pause(tracker(TrackerError::Throttled { retry_after: asked })), expected);
        }
        assert_eq!(state(&chat(ChatError::Rejected { reason: String::new() })), Some(OutboxState::Dead));
        assert_eq!(state(&chat(ChatError::MessageGone)), Some(OutboxState::Obsolete));
        assert_eq!(pause(chat(ChatError::Unauthorized)), Pause::Outage { at_least: REFUSED_WAIT });
        assert_eq!(pause(tracker(TrackerError::Unauthorized)), Pause::Failed { at_least: REFUSED_WAIT });
        assert_eq!(pause(tracker(TrackerError::Unavailable { reason: String::new() })), failed);
        assert_eq!(state(&tracker(TrackerError::NotFound { what: "work item" })), Some(OutboxState::Obsolete));
        assert_eq!(ending_of(Err(UseCaseError::Store(StoreError::LeaseLost))), Ending::LeaseLost);
        for outage in [StoreError::Unavailable(String::new()), StoreError::Retry] {
            let expected = Pause::Outage { at_least: Duration::ZERO };
            assert_eq!(pause(ending_of(Err(UseCaseError::Store(outage)))), expected);
        }
        for ours in [
            UseCaseError::Store(StoreError::Backend(String::new())),
            UseCaseError::Store(StoreError::Conflict { constraint: String::new() }),
            UseCaseError::Secret(SecretBoxError::UnknownKey),
        ] {
            assert_eq!(pause(ending_of(Err(ours.clone()))), failed, "{ours:?}");
        }
        let gone = ending_of(Err(UseCaseError::NotFound { what: "installation" }));
        assert_eq!(state(&gone), Some(OutboxState::Obsolete));
        assert_eq!(state(&ending_of(Ok(Sent::Edited))), Some(OutboxState::Done));
        assert_eq!(ending_of(Ok(Sent::Stale)), Ending::AtOnce);
    }
}
