//! Converge Work Item: makes a work item say what the groups linked with it decided.
//!
//! Level-triggered: what is to be written is read when it is written, and what agrees already is not. Each
//! write is conditional on the revision that was looked at, and recorded before the tracker is asked, so that
//! its echo is recognised whatever brings it first: the answer, a webhook, a read. After a crash the row is
//! carried out again; a write that had arrived then finds the work item in agreement.
//!
//! What a rule there refuses keeps nothing else from being written, and is not tried again at the same
//! revision for a day.

use super::assignments::Assignments;
use super::connection::connection;
use super::error::{UseCaseError, rerun};
use super::observe::observe_affirmed;
use super::outward_plan::{Affirmed, Plan, Wanted, WantedUser, Wording, plan};
use super::refresh_work_item::RefreshWorkItem;
use super::send_message::Sent;
use super::waiting_links::reads_of_waiting;
use crate::id::{InstallationId, IntegrationId, MappingId, WorkItemNumber};
use crate::outbox::ClaimedTask;
use crate::person::{IdentityMapping, Person};
use crate::port::tracker::WorkItemChange;
use crate::port::{StoreError, TrackerConnection, TrackerError, UnitOfWork};
use crate::time::Timestamp;
use crate::work_item::{ExternalIssue, PendingValue, PendingWrite, Refusal};

/// How often it looks again at a work item that changes under its hands, before it waits.
const MAX_ROUNDS: u32 = 5;

/// Makes work items agree.
pub struct ConvergeWorkItem<'a> {
    /// Reads work items, with the ports that go with it.
    pub refresh: &'a RefreshWorkItem,
}

/// What to write, in the tracker's own words.
#[derive(Debug, Default)]
struct Words {
    assignee: Option<PendingValue<Option<Person>>>,
    state: Option<PendingValue<String>>,
    /// Why not everything can be written, for people.
    problem: Option<String>,
}

/// What became of preparing a write.
enum Prepared {
    /// Recorded: it may be sent.
    Ready,
    /// Something changed since it was planned.
    Changed,
}

/// What became of a write.
enum Written {
    /// The mirror shows it.
    Known,
    /// A rule there forbids it.
    Refused(String),
}

/// What a leased row asks for.
struct Errand<'a> {
    claimed: &'a ClaimedTask,
    integration: IntegrationId,
    installation: InstallationId,
    number: WorkItemNumber,
}

impl ConvergeWorkItem<'_> {
    /// Makes a work item agree with the latest decision of the groups linked with it through this
    /// installation. Who or what cannot be said there is reported on the links, never guessed.
    ///
    /// # Errors
    /// [`UseCaseError`]; what could be written before stays.
    pub async fn converge_work_item(
        &self,
        claimed: &ClaimedTask,
        integration: IntegrationId,
        installation: InstallationId,
        number: WorkItemNumber,
    ) -> Result<Sent, UseCaseError> {
        let errand = Errand { claimed, integration, installation, number };
        let (reader, secrets) = (self.refresh.reader.as_ref(), self.refresh.secrets.as_ref());
        let at = connection(reader, secrets, claimed.organization, installation).await?;
        let (mut apart, mut refused) = (false, None);
        for _ in 0..MAX_ROUNDS {
            let Some(plan) = rerun(|| self.plan(&errand)).await? else { return Ok(Sent::Obsolete) };
            if plan.is_agreed() {
                if plan.affirmed != Affirmed::default() {
                    rerun(|| self.affirm(&errand, &plan)).await?;
                }
                return self.report(&errand, &plan, None).await;
            }
            if !plan.connected {
                let problem = "the work item is in a project that is not connected";
                return self.report(&errand, &plan, Some(problem)).await;
            }
            if let Some(Wanted { value: Wording::Unknown, .. }) = &plan.state {
                let (project, kind) = (&plan.issue.azure_project, &plan.issue.work_item_type);
                self.refresh.learn_workflow(&at, project, kind).await?;
                continue;
            }
            let mut words = self.words(&at, &plan).await?;
            words.leave_out_what_was_refused(&plan.issue, self.assignments().clock.now());
            if apart && words.assignee.is_some() {
                words.state = None;
            }
            if words.is_empty() {
                let reported = self.report(&errand, &plan, words.problem.as_deref()).await?;
                return refused.map_or(Ok(reported), |reason| Err(TrackerError::Rejected { reason }.into()));
            }
            if matches!(rerun(|| self.prepare(&errand, &plan, &words)).await?, Prepared::Changed) {
                continue;
            }
            match self.write(&errand, &at, &plan, &words).await? {
                Written::Known => {}
                // Which of them is refused shows when each is written alone.
                Written::Refused(_) if words.assignee.is_some() && words.state.is_some() => apart = true,
                Written::Refused(reason) => {
                    rerun(|| self.keep_refusal(&errand, &plan, &words, &reason)).await?;
                    refused = Some(reason);
                }
            }
        }
        Err(UseCaseError::TryAgain("the work item changes faster than it can be written".to_owned()))
    }

    fn assignments(&self) -> &Assignments {
        &self.refresh.assignments
    }

    async fn plan(&self, errand: &Errand<'_>) -> Result<Option<Plan>, StoreError> {
        let mut uow = self.assignments().store.begin().await?;
        plan(uow.as_mut(), errand.integration, errand.installation, errand.number).await
    }

    /// Lets everybody hear that the work item agrees with what was decided last, as they would if that had
    /// been written: who decided otherwise before follows. If anything changed since it was planned, that has
    /// armed a row of its own.
    async fn affirm(&self, errand: &Errand<'_>, planned: &Plan) -> Result<(), StoreError> {
        let ticket = self.assignments().ticket().await;
        let Some((mut uow, Plan { issue, affirmed, .. })) = self.begin_as_planned(errand, planned).await? else {
            return Ok(());
        };
        let (clock, entropy) = (self.assignments().clock.as_ref(), self.assignments().entropy.as_ref());
        let organization = errand.claimed.organization;
        let changes = observe_affirmed(uow.as_mut(), issue, organization, affirmed, clock, entropy).await?;
        changes.write(uow.as_mut()).await?;
        uow.commit().await?;
        self.assignments().tell(ticket, &changes).await;
        Ok(())
    }

    async fn words(&self, at: &TrackerConnection, plan: &Plan) -> Result<Words, UseCaseError> {
        let mut words = Words::default();
        if let Some(wanted) = &plan.assignee {
            match self.identity(at, wanted.value.as_ref()).await? {
                Ok(person) => words.assignee = Some(pending(wanted, person)),
                Err(problem) => words.problem = Some(problem),
            }
        }
        match &plan.state {
            Some(wanted @ Wanted { value: Wording::State(state), .. }) => {
                words.state = Some(pending(wanted, state.clone()));
            }
            Some(Wanted { value: Wording::None(status), .. }) => {
                let kind = &plan.issue.work_item_type;
                let problem = format!("no state of \"{kind}\" says {}; name one in the state map", status.as_str());
                words.problem.get_or_insert(problem);
            }
            Some(Wanted { value: Wording::Unknown, .. }) | None => {}
        }
        Ok(words)
    }

    /// Who a user is in the tracker: as mapped, else the one person of the directory with an address that is
    /// verified here. The inner error says, for people, why that is nobody in particular.
    async fn identity(
        &self,
        at: &TrackerConnection,
        wanted: Option<&WantedUser>,
    ) -> Result<Result<Option<Person>, String>, UseCaseError> {
        let Some(wanted) = wanted else { return Ok(Ok(None)) };
        let name = &wanted.name;
        let mut mapped =
            wanted.identities.mapped.iter().filter_map(|(id, unique_name)| {
                Person::from_identity(id.as_deref(), unique_name.as_deref(), None, false)
            });
        match (mapped.next(), mapped.next()) {
            (Some(person), None) => return Ok(Ok(Some(person))),
            (Some(_), Some(_)) => {
                return Ok(Err(format!("{name} is mapped to more than one identity; remove all mappings but one")));
            }
            (None, _) => {}
        }
        if wanted.identities.addresses.is_empty() {
            return Ok(Err(format!("{name} has no verified address and no identity mapping")));
        }
        let mut found: Vec<Person> = Vec::new();
        for address in &wanted.identities.addresses {
            for person in self.refresh.tracker.find_people(at, address).await? {
                if !found.iter().any(|known| known.is_same(&person)) {
                    found.push(person);
                }
            }
        }
        match found.as_slice() {
            [one] => Ok(Ok(Some(one.clone()))),
            [] => Ok(Err(format!("Azure DevOps knows nobody with an address of {name}; map an identity"))),
            _ => Ok(Err(format!("Azure DevOps knows several people with an address of {name}; map an identity"))),
        }
    }

    /// Records what is about to be written, under the lease, if everything is still as it was planned.
    async fn prepare(&self, errand: &Errand<'_>, planned: &Plan, words: &Words) -> Result<Prepared, UseCaseError> {
        let now = self.assignments().clock.now();
        let Some((mut uow, again)) = self.begin_as_planned(errand, planned).await? else {
            return Ok(Prepared::Changed);
        };
        if let Some((person, wanted)) = learned(planned, words) {
            let mapping = IdentityMapping {
                id: MappingId::generate(now, self.assignments().entropy.as_ref()),
                organization: errand.claimed.organization,
                integration: errand.integration,
                identity_id: person.identity_id.clone(),
                unique_name: person.unique_name.clone(),
                user: wanted.user,
                created_at: now,
            };
            match uow.insert_mapping(&mapping).await {
                Err(error) if error.is_conflict_with("identity_mapping_identity") => {
                    drop(uow);
                    let problem =
                        format!("the identity with the address of {} is mapped to somebody else", wanted.name);
                    self.report(errand, planned, Some(&problem)).await?;
                    return Err(UseCaseError::Refused(problem));
                }
                done => done?,
            }
            // Others of their work items wait for just this.
            let (clock, entropy) = (self.assignments().clock.as_ref(), self.assignments().entropy.as_ref());
            let organization = errand.claimed.organization;
            let reads = reads_of_waiting(uow.as_mut(), organization, &[mapping.user], clock, entropy).await?;
            uow.arm(&reads).await?;
        }
        let mut issue = again.issue;
        let (assignee, state) = (words.assignee.clone(), words.state.clone());
        let mut ours =
            PendingWrite { base: issue.revision, organization: errand.claimed.organization, assignee, state };
        ours.keep_refusals_of(issue.pending.as_ref());
        issue.pending = Some(ours);
        uow.put_external_issues(&[issue]).await?;
        uow.commit().await?;
        Ok(Prepared::Ready)
    }

    /// Begins a unit of work under the lease, in which everything is still as it was planned, and stays so.
    /// The row is held last, as whoever arms it does.
    async fn begin_as_planned(
        &self,
        errand: &Errand<'_>,
        planned: &Plan,
    ) -> Result<Option<(Box<dyn UnitOfWork>, Plan)>, StoreError> {
        let mut uow = self.assignments().store.begin().await?;
        let again = plan(uow.as_mut(), errand.integration, errand.installation, errand.number).await?;
        let Some(again) = again.filter(|again| again == planned) else { return Ok(None) };
        uow.hold_outbox(errand.claimed.id, errand.claimed.token).await?;
        Ok(Some((uow, again)))
    }

    /// Keeps that the one value of this write was refused, where the mirror still shows that it was sent.
    async fn keep_refusal(
        &self,
        errand: &Errand<'_>,
        plan: &Plan,
        words: &Words,
        reason: &str,
    ) -> Result<(), StoreError> {
        let refusal = Refusal { at: self.assignments().clock.now(), reason: reason.to_owned() };
        let mut uow = self.assignments().store.begin().await?;
        let found = uow.lock_external_issues(&[(errand.integration, errand.number)]).await?.into_iter().next();
        let Some(mut issue) = found else { return Ok(()) };
        let Some(ours) = issue.pending.as_mut().filter(|ours| ours.base == plan.issue.revision) else {
            return Ok(());
        };
        if words.assignee.is_some() {
            ours.assignee.iter_mut().for_each(|one| one.refused = Some(refusal.clone()));
        } else {
            ours.state.iter_mut().for_each(|one| one.refused = Some(refusal.clone()));
        }
        uow.hold_outbox(errand.claimed.id, errand.claimed.token).await?;
        uow.put_external_issues(&[issue]).await?;
        uow.commit().await
    }

    /// Writes, or hears why that is not to be: unless it was refused, the mirror shows what came of it.
    async fn write(
        &self,
        errand: &Errand<'_>,
        at: &TrackerConnection,
        plan: &Plan,
        words: &Words,
    ) -> Result<Written, UseCaseError> {
        let change = WorkItemChange {
            assignee: words.assignee.as_ref().map(|one| one.value.clone()),
            state: words.state.as_ref().map(|one| one.value.clone()),
        };
        let begun_at = self.assignments().clock.now();
        let base = plan.issue.revision;
        match self.refresh.tracker.update_work_item(at, errand.number, base, &change).await {
            // A rule there may have changed it at once: that is their word, and is heard just now.
            Ok(snapshot) => self.refresh.observe_answer(at.integration, snapshot, begun_at).await?,
            Err(TrackerError::Stale | TrackerError::NotFound { .. }) => {
                self.refresh.read_and_observe(at, &[errand.number]).await?;
            }
            Err(TrackerError::Rejected { reason }) => return Ok(Written::Refused(reason)),
            Err(error) => {
                // Whether it arrived is not known: where reading works, that tells, and the next try starts there.
                drop(self.refresh.read_and_observe(at, &[errand.number]).await);
                return Err(error.into());
            }
        }
        Ok(Written::Known)
    }

    /// Says on the links what keeps them from agreeing, or that nothing does any more.
    async fn report(&self, errand: &Errand<'_>, plan: &Plan, problem: Option<&str>) -> Result<Sent, UseCaseError> {
        let rows = plan.problems(problem);
        if !rows.is_empty() {
            rerun(|| async {
                let mut uow = self.assignments().store.begin().await?;
                uow.set_problems(&rows).await?;
                uow.hold_outbox(errand.claimed.id, errand.claimed.token).await?;
                uow.commit().await
            })
            .await?;
        }
        Ok(Sent::Edited)
    }
}

fn pending<W, T>(wanted: &Wanted<W>, value: T) -> PendingValue<T> {
    PendingValue { value, decided_at: wanted.decided.at, by: wanted.decided.by, refused: None }
}

impl Words {
    const fn is_empty(&self) -> bool {
        self.assignee.is_none() && self.state.is_none()
    }

    /// What was refused at this revision lately would be again.
    fn leave_out_what_was_refused(&mut self, issue: &ExternalIssue, now: Timestamp) {
        let Some(before) = issue.pending.as_ref().filter(|before| before.base == issue.revision) else { return };
        let problem = leave_out_refused(&mut self.assignee, before.assignee.as_ref(), now);
        let problem = problem.or(leave_out_refused(&mut self.state, before.state.as_ref(), now));
        self.problem = self.problem.take().or(problem);
    }
}

fn leave_out_refused<T: PartialEq>(
    wanted: &mut Option<PendingValue<T>>,
    before: Option<&PendingValue<T>>,
    now: Timestamp,
) -> Option<String> {
    let refusal = before?.refusal_of(&wanted.as_ref()?.value, now)?;
    *wanted = None;
    Some(format!("Azure DevOps refused it: {}", refusal.reason))
}

/// Whom the directory told, where only a mapping lets what the tracker will say of them be known as the user.
fn learned<'a>(planned: &'a Plan, words: &'a Words) -> Option<(&'a Person, &'a WantedUser)> {
    let wanted = planned.assignee.as_ref()?.value.as_ref()?;
    let person = words.assignee.as_ref()?.value.as_ref()?;
    let by_address = person.address().is_some_and(|address| wanted.identities.addresses.contains(&address));
    (wanted.identities.mapped.is_empty() && !by_address).then_some((person, wanted))
}
