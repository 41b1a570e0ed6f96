//! Handle Updated Workitem: applies deliveries from the inbox: decode, observe, finish, in one unit of
//! work for a whole batch. A batch that fails is rerun one by one, so that one bad delivery holds none.

use super::assignments::Assignments;
use super::change_set::ChangeSet;
use super::error::rerun;
use super::essentials::due_now;
use super::observe::{Observation, Observed, Origin, observe_against};
use super::outage_wait::outage_wait;
use super::track_work_item::{WorkItemKey, tracking_arms};
use crate::delivery::{ClaimedDelivery, DeliveryState, FinishedDelivery};
use crate::hook::Hook;
use crate::id::{ExternalIssueId, InstallationId, IntegrationId, OrganizationId, WorkItemNumber};
use crate::outbox::{OutboxArm, OutboxTask};
use crate::port::tracker::TrackerEvent;
use crate::port::{Inbox, Reader, StoreError, TrackerInbound, UnitOfWork, WorkItemTracker};
use crate::work_item::ExternalIssue;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// How often a delivery is tried before it is dead.
pub const MAX_ATTEMPTS: u32 = 8;
/// The wait after the first failure; it doubles each time.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Applies deliveries.
#[derive(Clone)]
pub struct HandleUpdatedWorkitem {
    /// What it shares with assigning.
    pub assignments: Assignments,
    /// Where deliveries wait.
    pub inbox: Arc<dyn Inbox>,
    /// Decodes them.
    pub inbound: Arc<dyn TrackerInbound>,
    /// Knows how far apart the clocks are.
    pub tracker: Arc<dyn WorkItemTracker>,
    /// Knows whose a hook is.
    pub reader: Arc<dyn Reader>,
}

/// What a delivery asks for, before the store is looked at.
enum Work {
    Observe(Box<Observation>),
    Settle,
    Finished(DeliveryState, String),
}

/// A work item that is to be read, since a delivery of it does not say enough.
struct Doubt {
    integration: IntegrationId,
    work_item: WorkItemNumber,
    /// Which brought the delivery, unless it is gone.
    hook: Option<Hook>,
}

impl Doubt {
    const fn key(&self) -> WorkItemKey {
        (self.integration, self.work_item)
    }
}

impl HandleUpdatedWorkitem {
    /// Applies a batch of leased deliveries of different work items. Those that fail are given back to
    /// the inbox with a growing wait, and are dead after [`MAX_ATTEMPTS`].
    ///
    /// # Errors
    /// [`StoreError`] when even giving back fails: the leases then run out by themselves.
    pub async fn handle_updated_workitem(&self, batch: &[ClaimedDelivery]) -> Result<(), StoreError> {
        let ticket = self.assignments.ticket().await;
        match rerun(|| self.apply(batch)).await {
            Ok(changes) => self.assignments.tell(ticket, &changes).await,
            Err(error) if batch.len() == 1 => self.give_back(&batch[0], &error).await?,
            Err(_) => {
                for one in batch.chunks(1) {
                    let ticket = self.assignments.ticket().await;
                    match rerun(|| self.apply(one)).await {
                        Ok(changes) => self.assignments.tell(ticket, &changes).await,
                        Err(error) => self.give_back(&one[0], &error).await?,
                    }
                }
            }
        }
        Ok(())
    }

    async fn apply(&self, batch: &[ClaimedDelivery]) -> Result<ChangeSet, StoreError> {
        let clock = self.assignments.clock.as_ref();
        let entropy = self.assignments.entropy.as_ref();
        let mut finished = Vec::new();
        let mut heard = Vec::new();
        let mut doubts = Vec::new();
        for delivery in batch {
            match self.work_of(delivery) {
                Work::Observe(observation) => heard.push((delivery, *observation)),
                Work::Settle => {
                    doubts.push(self.doubt(delivery).await?);
                    finished.push(ended(delivery, DeliveryState::Applied, None, clock.now()));
                }
                Work::Finished(state, reason) => {
                    doubts.push(self.doubt(delivery).await?);
                    finished.push(ended(delivery, state, Some(reason), clock.now()));
                }
            }
        }
        let (heard, observations): (Vec<&ClaimedDelivery>, Vec<Observation>) = heard.into_iter().unzip();
        let keys = observations.iter().map(Observation::key).chain(doubts.iter().map(Doubt::key));
        let keys: Vec<WorkItemKey> = keys.collect();
        let mut uow = self.assignments.store.begin().await?;
        let mirrors = uow.lock_external_issues(&keys).await?;
        let readings = self.readings(uow.as_mut(), &doubts, &mirrors).await?;
        let (outcomes, mut changes) = observe_against(uow.as_mut(), &observations, mirrors, clock, entropy).await?;
        let seen = observations.iter().zip(&heard);
        let seen: Vec<_> =
            seen.map(|(one, delivery)| (one.integration, &one.snapshot, Some(&delivery.azure_project))).collect();
        let tracking = tracking_arms(uow.as_mut(), &seen, clock, entropy).await?;
        for ((delivery, observation), outcome) in heard.into_iter().zip(&observations).zip(outcomes) {
            let is_tracked = tracking.iter().any(|(key, _)| *key == observation.key());
            let state = match outcome {
                Observed::NotLinked if is_tracked => DeliveryState::Applied,
                Observed::Applied | Observed::Rewound => DeliveryState::Applied,
                Observed::Superseded | Observed::SecondLook => DeliveryState::Superseded,
                Observed::NotLinked => DeliveryState::Ignored,
            };
            let reason = (state == DeliveryState::Ignored).then(|| "no group is linked with the work item".to_owned());
            finished.push(ended(delivery, state, reason, clock.now()));
        }
        changes.arm_rows(readings);
        changes.arm_rows(tracking.into_iter().map(|(_, row)| row).collect());
        changes.write(uow.as_mut()).await?;
        uow.finish_deliveries(&finished).await?;
        uow.commit().await?;
        Ok(changes)
    }

    fn work_of(&self, delivery: &ClaimedDelivery) -> Work {
        match self.inbound.decode(delivery.event_type, &delivery.payload) {
            Ok(TrackerEvent::Updated { snapshot: Some(snapshot) }) => Work::Observe(Box::new(Observation {
                integration: delivery.integration,
                snapshot: *snapshot,
                origin: Origin::Delivery,
                clock_offset_micros: self.tracker.clock_offset_micros(delivery.integration).unwrap_or(0),
            })),
            Ok(TrackerEvent::Updated { snapshot: None } | TrackerEvent::Settle) => Work::Settle,
            Err(error) => Work::Finished(DeliveryState::Quarantined, error.to_string()),
        }
    }

    async fn doubt(&self, delivery: &ClaimedDelivery) -> Result<Doubt, StoreError> {
        let hook = self.reader.hook(delivery.hook).await?.map(|(hook, _)| hook);
        Ok(Doubt { integration: delivery.integration, work_item: delivery.work_item, hook })
    }

    /// What reads these work items instead of believing a delivery: once for everybody whose group is linked with
    /// one. Of all their deliveries of an event only the first is taken in, and the credential of the organization
    /// whose it is may be the one that does not work. Where nobody's is, whose hook it was may track it.
    async fn readings(
        &self,
        uow: &mut dyn UnitOfWork,
        doubts: &[Doubt],
        mirrors: &[ExternalIssue],
    ) -> Result<Vec<OutboxArm>, StoreError> {
        let (clock, entropy) = (self.assignments.clock.as_ref(), self.assignments.entropy.as_ref());
        let known = |doubt: &Doubt| {
            let same = |mirror: &&ExternalIssue| (mirror.integration, mirror.number) == doubt.key();
            mirrors.iter().find(same).map(|mirror| mirror.id)
        };
        let issues: Vec<ExternalIssueId> = doubts.iter().filter_map(known).collect();
        let links = if issues.is_empty() { Vec::new() } else { uow.links_of(&issues).await? };
        let mut rows = Vec::new();
        for doubt in doubts {
            let theirs = links.iter().filter(|one| Some(one.link.external_issue) == known(doubt));
            let mut readers: BTreeSet<(OrganizationId, InstallationId)> =
                theirs.map(|one| (one.link.organization, one.link.installation)).collect();
            if readers.is_empty() {
                readers.extend(doubt.hook.iter().map(|hook| (hook.organization, hook.installation)));
            }
            rows.extend(readers.into_iter().map(|(organization, installation)| {
                let (integration, work_item) = doubt.key();
                let task = OutboxTask::RefreshWorkItem { integration, installation, work_item };
                due_now(organization, task, clock, entropy)
            }));
        }
        Ok(rows)
    }

    async fn give_back(&self, delivery: &ClaimedDelivery, error: &StoreError) -> Result<(), StoreError> {
        if *error == StoreError::LeaseLost {
            return Ok(());
        }
        let now = self.assignments.clock.now();
        // An outage of the store is nobody's fault: it does not count towards giving up.
        let counts = !matches!(error, StoreError::Unavailable(_) | StoreError::Retry);
        if counts && delivery.attempts + 1 >= MAX_ATTEMPTS {
            let mut uow = self.assignments.store.begin().await?;
            let dead = ended(delivery, DeliveryState::Dead, Some(error.to_string()), now);
            uow.finish_deliveries(&[dead]).await?;
            uow.commit().await?;
            tracing::warn!(
                delivery = %delivery.id,
                hook = %delivery.hook,
                attempts = delivery.attempts + 1,
                reason = %error,
                "a delivery was given up on; its replay tries it again"
            );
            return Ok(());
        }
        let wait = if counts {
            FIRST_WAIT * 2_u32.pow(delivery.attempts.min(MAX_ATTEMPTS))
        } else {
            outage_wait(now.since(delivery.received_at), FIRST_WAIT)
        };
        self.inbox.fail(delivery.id, delivery.token, now.plus(wait), &error.to_string(), counts).await
    }
}

fn ended(
    delivery: &ClaimedDelivery,
    state: DeliveryState,
    reason: Option<String>,
    at: crate::time::Timestamp,
) -> FinishedDelivery {
    FinishedDelivery { id: delivery.id, token: delivery.token, state, reason, at }
}
