//! Observe: everything learned about work items goes through here, whatever brought it. The mirror
//! advances by revision, and only a change against it reaches the linked groups.

use super::assignments::{About, look_around};
use super::change_set::{ChangeSet, Surroundings};
use super::handle_assign_to::{KnownPeople, best_match};
use super::outward_plan::{Affirmed, Decided};
use super::precedence::{Heard, How};
use super::sync_group_assignee_inbound::{Foreign, Synced, sync_group_assignee_inbound};
use super::sync_group_status_inbound::sync_group_status_inbound;
use super::workflows::{Workflows, workflows_of};
use crate::assignee::{ActivityKind, Assignee, ChangeSource};
use crate::id::{ExternalIssueId, GroupId, IntegrationId, OrganizationId, ProjectId, UserId, WorkItemNumber};
use crate::integration::Toggles;
use crate::outbox::OutboxTask;
use crate::person::{Person, UnresolvedReason, same_person};
use crate::port::store::{GroupState, PersonMatch};
use crate::port::{Clock, Entropy, StoreError, UnitOfWork};
use crate::time::Timestamp;
use crate::work_item::{ExternalIssue, LinkedGroup, Snapshot, same_state};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What brought a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A webhook: may be late, repeated or out of order.
    Delivery,
    /// We asked, at `begun_at`: authoritative. Seen twice, even an older revision is the truth.
    Read {
        /// When we asked, by our clock.
        begun_at: Timestamp,
        /// Whether it is the second answer in a row that shows a lower revision.
        second_look: bool,
    },
}

impl Origin {
    /// Whether it is a read that began at or after this time.
    fn is_read_since(&self, at: Timestamp) -> bool {
        matches!(self, Self::Read { begun_at, .. } if *begun_at >= at)
    }
}

/// A snapshot and what brought it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The collection.
    pub integration: IntegrationId,
    /// The work item at one revision.
    pub snapshot: Snapshot,
    /// What brought it.
    pub origin: Origin,
    /// How far our clock is ahead of the tracker's, in microseconds.
    pub clock_offset_micros: i64,
}

impl Observation {
    /// Which work item it is of.
    pub(super) const fn key(&self) -> (IntegrationId, WorkItemNumber) {
        (self.integration, self.snapshot.number)
    }
}

/// What became of an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    /// News: the mirror advanced, and the groups heard of what changed.
    Applied,
    /// Known already, or older than what is known.
    Superseded,
    /// No group is linked with the work item.
    NotLinked,
    /// A read shows a lower revision than the mirror: read once more to believe it.
    SecondLook,
    /// The mirror went back to an older revision, since the tracker did.
    Rewound,
}

/// What a snapshot means against the mirror. Pure.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Nothing(Observed),
    News(Box<News>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct News {
    outcome: Observed,
    issue: ExternalIssue,
    rewound_from: Option<i64>,
    /// What is said about the assignee, where that is news or may not have arrived everywhere.
    assignee: Option<Heard>,
    /// The same of the state.
    state: Option<Heard>,
    card_changed: bool,
    /// Whether it was deleted, and is there again.
    restored: bool,
    changed_by: Option<Person>,
    from_delivery: bool,
}

/// Observes a set of snapshots of different work items; answers one outcome for each, in their order,
/// and what is to be written. The caller writes it in the same unit of work.
///
/// # Errors
/// [`StoreError`].
pub async fn observe(
    uow: &mut dyn UnitOfWork,
    observations: &[Observation],
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<(Vec<Observed>, ChangeSet), StoreError> {
    if observations.is_empty() {
        return Ok((Vec::new(), ChangeSet::default()));
    }
    let keys: Vec<(IntegrationId, WorkItemNumber)> = observations.iter().map(Observation::key).collect();
    let mirrors = uow.lock_external_issues(&keys).await?;
    observe_against(uow, observations, mirrors, clock, entropy).await
}

/// Observes against mirrors that are locked already.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn observe_against(
    uow: &mut dyn UnitOfWork,
    observations: &[Observation],
    mirrors: Vec<ExternalIssue>,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<(Vec<Observed>, ChangeSet), StoreError> {
    let mirrors: HashMap<(IntegrationId, WorkItemNumber), ExternalIssue> =
        mirrors.into_iter().map(|issue| ((issue.integration, issue.number), issue)).collect();
    let mut outcomes = Vec::with_capacity(observations.len());
    let mut news = Vec::new();
    for seen in observations {
        match judge(seen, mirrors.get(&seen.key()), clock.now()) {
            Verdict::Nothing(outcome) => outcomes.push(outcome),
            Verdict::News(one) => {
                outcomes.push(one.outcome);
                news.push(*one);
            }
        }
    }
    let mut changes = ChangeSet::default();
    if !news.is_empty() {
        tell_groups(uow, &news, clock, entropy, &mut changes).await?;
    }
    Ok((outcomes, changes))
}

/// Observes that a work item says already what was decided last, in this organization: everybody hears of it
/// as of the echo that a write would have had.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn observe_affirmed(
    uow: &mut dyn UnitOfWork,
    mut issue: ExternalIssue,
    organization: OrganizationId,
    affirmed: Affirmed,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<ChangeSet, StoreError> {
    let echo = |decided: Decided| Heard { at: decided.at, how: How::Echo { organization, by: decided.by } };
    issue.assignee_changed_at = affirmed.assignee.map_or(issue.assignee_changed_at, |decided| decided.at);
    issue.state_changed_at = affirmed.state.map_or(issue.state_changed_at, |decided| decided.at);
    let news = News {
        outcome: Observed::Applied,
        issue,
        rewound_from: None,
        assignee: affirmed.assignee.map(echo),
        state: affirmed.state.map(echo),
        card_changed: false,
        restored: false,
        changed_by: None,
        from_delivery: false,
    };
    let mut changes = ChangeSet::default();
    tell_groups(uow, &[news], clock, entropy, &mut changes).await?;
    Ok(changes)
}

fn judge(seen: &Observation, mirror: Option<&ExternalIssue>, now: Timestamp) -> Verdict {
    let Some(mirror) = mirror else {
        return Verdict::Nothing(Observed::NotLinked);
    };
    let snapshot = &seen.snapshot;
    let (newer, same) = (snapshot.revision > mirror.revision, snapshot.revision == mirror.revision);
    let outcome = match seen.origin {
        _ if newer => Observed::Applied,
        Origin::Delivery => return Verdict::Nothing(Observed::Superseded),
        Origin::Read { .. } if same => Observed::Applied,
        Origin::Read { begun_at, .. } if begun_at <= mirror.observed_at => {
            return Verdict::Nothing(Observed::Superseded);
        }
        Origin::Read { second_look: false, .. } => return Verdict::Nothing(Observed::SecondLook),
        Origin::Read { .. } => Observed::Rewound,
    };
    let rewound = outcome == Observed::Rewound;
    let heard_at = snapshot.changed_at.map_or(now, |at| at.offset_micros(seen.clock_offset_micros).min(now));
    let at = if same { mirror.changed_at } else { heard_at };
    let how = if rewound { How::Rewound } else { How::News };
    let changed = |differs: bool, known_at: Timestamp, echo: Option<Heard>| match echo {
        Some(echo) => (echo.at, Some(echo)),
        None if differs => (heard_at, Some(Heard { at: heard_at, how })),
        None => (known_at, (same || rewound).then_some(Heard { at: known_at, how: How::Known })),
    };
    let (echoed_assignee, echoed_state) = echoes(mirror, snapshot);
    // That it is there again is believed only of a read that began after we heard that it was gone.
    let deleted = mirror.deleted && !seen.origin.is_read_since(mirror.observed_at);
    let assignee = snapshot.assignee.clone().map(|person| person.enriched_by(mirror.assignee.as_ref()));
    let differs = !same_person(assignee.as_ref(), mirror.assignee.as_ref());
    let (assignee_changed_at, assignee_heard) = changed(differs, mirror.assignee_changed_at, echoed_assignee);
    let differs = !same_state(&snapshot.state, &mirror.state) || snapshot.work_item_type != mirror.work_item_type;
    let (state_changed_at, state_heard) = changed(differs, mirror.state_changed_at, echoed_state);
    let issue = ExternalIssue {
        azure_project: snapshot.azure_project.clone().unwrap_or_else(|| mirror.azure_project.clone()),
        revision: snapshot.revision,
        title: snapshot.title.clone(),
        work_item_type: snapshot.work_item_type.clone(),
        state: snapshot.state.clone(),
        area_path: snapshot.area_path.clone(),
        tags: snapshot.tags.clone(),
        url: snapshot.url.clone().or_else(|| mirror.url.clone()),
        changed_at: at,
        observed_at: now,
        deleted,
        assignee,
        assignee_changed_at,
        state_changed_at,
        // Whatever became of a write that was conditional on an older revision is known now.
        pending: mirror.pending.clone().filter(|ours| !rewound && ours.base >= snapshot.revision),
        ..mirror.clone()
    };
    let card_changed = (&issue.title, &issue.state, issue.deleted) != (&mirror.title, &mirror.state, mirror.deleted)
        || issue.url != mirror.url
        // A route may be about the group now, and want its first card.
        || (&issue.work_item_type, &issue.area_path, &issue.tags)
            != (&mirror.work_item_type, &mirror.area_path, &mirror.tags);
    Verdict::News(Box::new(News {
        outcome,
        rewound_from: rewound.then(|| mirror.revision.get()),
        assignee: assignee_heard,
        state: state_heard,
        card_changed,
        restored: mirror.deleted && !deleted,
        changed_by: snapshot.changed_by.clone(),
        from_delivery: seen.origin == Origin::Delivery,
        issue,
    }))
}

/// What a snapshot shows of what we wrote ourselves: the assignee and the state.
fn echoes(mirror: &ExternalIssue, snapshot: &Snapshot) -> (Option<Heard>, Option<Heard>) {
    let Some(organization) = mirror.pending.as_ref().map(|ours| ours.organization) else { return (None, None) };
    let echo = |at, by| Heard { at, how: How::Echo { organization, by } };
    let assignee = mirror.echoed_assignee(snapshot).map(|ours| echo(ours.decided_at, ours.by));
    let state = mirror.echoed_state(snapshot).map(|ours| echo(ours.decided_at, ours.by));
    (assignee, state)
}

/// Everyone and everything that a set of news is about.
struct Audience {
    links: BTreeMap<ExternalIssueId, Vec<LinkedGroup>>,
    states: HashMap<GroupId, GroupState>,
    questions: Vec<(OrganizationId, IntegrationId, Person)>,
    matches: Vec<PersonMatch>,
    known: KnownPeople,
    workflows: Workflows,
}

async fn tell_groups(
    uow: &mut dyn UnitOfWork,
    news: &[News],
    clock: &dyn Clock,
    entropy: &dyn Entropy,
    changes: &mut ChangeSet,
) -> Result<(), StoreError> {
    let mut audience = audience_of(uow, news).await?;
    let around = surroundings_of(uow, &audience, clock, entropy).await?;
    for one in news {
        changes.mirror(one.issue.clone());
        for linked in audience.links.remove(&one.issue.id).unwrap_or_default() {
            let Some(mut state) = audience.states.get(&linked.link.group).cloned() else { continue };
            changes.overlay(&mut state);
            tell_group(one, &linked, &state, &audience, &around, changes);
        }
    }
    Ok(())
}

fn tell_group(
    one: &News,
    linked: &LinkedGroup,
    state: &GroupState,
    audience: &Audience,
    around: &Surroundings<'_>,
    changes: &mut ChangeSet,
) {
    let organization = linked.link.organization;
    if one.card_changed {
        changes.refresh_cards(state, around);
    }
    if one.from_delivery && one.issue.deleted {
        // News of what is deleted: late, or it was restored. A read settles it.
        read_again(one, linked, around, changes);
    }
    if one.restored && (linked.toggles.outbound_assignee || linked.toggles.outbound_status) {
        // What was decided while it was gone was told to nobody.
        let task = OutboxTask::ConvergeWorkItem {
            integration: one.issue.integration,
            installation: linked.link.installation,
            work_item: one.issue.number,
        };
        changes.arm(organization, None, task, around);
    }
    if let Some(from) = one.rewound_from {
        let kind =
            ActivityKind::MirrorRewound { work_item: one.issue.number.get(), from, to: one.issue.revision.get() };
        changes.record(state, kind, tracker_source(one, linked), around);
    }
    let changed_by = best_match(&audience.matches_of(organization, &one.issue, one.changed_by.as_ref())).ok();
    let linked_at = linked.link.created_at;
    if let Some(heard) = one.state.map(|heard| heard.since(linked_at)) {
        let foreign = Foreign { issue: &one.issue, heard, changed_by };
        tell_status(linked, state, &foreign, &audience.workflows, around, changes);
    }
    let Some(heard) = one.assignee.map(|heard| heard.since(linked_at)) else { return };
    let foreign = Foreign { issue: &one.issue, heard, changed_by };
    let matches = audience.matches_of(organization, &one.issue, one.issue.assignee.as_ref());
    let synced = sync_group_assignee_inbound(linked, state, &foreign, &matches, &audience.known, around, changes);
    if let Synced::Unresolved(unresolved) = synced
        && one.from_delivery
        && unresolved.reason == UnresolvedReason::Unknown
        && unresolved.person.identity_id.is_none()
    {
        // The text form tells no identity id; a read does, and a mapping may know that.
        read_again(one, linked, around, changes);
    }
}

/// Tells a group what the state means; where nobody knows that yet, it is asked, and nothing changes.
pub(super) fn tell_status(
    linked: &LinkedGroup,
    state: &GroupState,
    foreign: &Foreign<'_>,
    workflows: &Workflows,
    around: &Surroundings<'_>,
    changes: &mut ChangeSet,
) {
    let Toggles { inbound_status, outbound_status, .. } = linked.toggles;
    if !inbound_status && !outbound_status {
        return;
    }
    match workflows.meaning_of(foreign.issue, linked.link.installation) {
        Some(means) => drop(sync_group_status_inbound(linked, state, foreign, means, around, changes)),
        None => {
            if let Some(task) = workflows.to_learn(foreign.issue, linked.link.installation, around.now) {
                changes.arm(linked.link.organization, None, task, around);
            }
        }
    }
}

fn read_again(one: &News, linked: &LinkedGroup, around: &Surroundings<'_>, changes: &mut ChangeSet) {
    let task = OutboxTask::RefreshWorkItem {
        integration: one.issue.integration,
        installation: linked.link.installation,
        work_item: one.issue.number,
    };
    changes.arm(linked.link.organization, None, task, around);
}

fn tracker_source(one: &News, linked: &LinkedGroup) -> ChangeSource {
    ChangeSource::Tracker {
        integration: one.issue.integration,
        installation: linked.link.installation,
        external_issue: one.issue.id,
        by: None,
    }
}

impl Audience {
    fn matches_of(
        &self,
        organization: OrganizationId,
        issue: &ExternalIssue,
        person: Option<&Person>,
    ) -> Vec<&PersonMatch> {
        let Some(person) = person else { return Vec::new() };
        let asked = |(of, at, who): &(OrganizationId, IntegrationId, Person)| {
            *of == organization && *at == issue.integration && who == person
        };
        match self.questions.iter().position(asked) {
            Some(question) => self.matches.iter().filter(|m| m.question == question).collect(),
            None => Vec::new(),
        }
    }
}

/// The links of these work items, and their groups, locked.
async fn lock_linked(
    uow: &mut dyn UnitOfWork,
    issues: &[ExternalIssueId],
) -> Result<(Vec<LinkedGroup>, Vec<GroupState>), StoreError> {
    let linked = uow.links_of(issues).await?;
    let groups: BTreeSet<GroupId> = linked.iter().map(|one| one.link.group).collect();
    let groups: Vec<GroupId> = groups.into_iter().collect();
    let states = if groups.is_empty() { Vec::new() } else { uow.lock_groups(&groups).await? };
    Ok((linked, states))
}

async fn audience_of(uow: &mut dyn UnitOfWork, news: &[News]) -> Result<Audience, StoreError> {
    let ids: Vec<ExternalIssueId> = news.iter().map(|one| one.issue.id).collect();
    let (linked, states) = lock_linked(uow, &ids).await?;
    let states: HashMap<GroupId, GroupState> = states.into_iter().map(|s| (s.group.id, s)).collect();
    let mut links: BTreeMap<ExternalIssueId, Vec<LinkedGroup>> = BTreeMap::new();
    for one in linked {
        links.entry(one.link.external_issue).or_default().push(one);
    }
    let told: Vec<(&ExternalIssue, &LinkedGroup)> = news
        .iter()
        .filter(|one| one.state.is_some())
        .flat_map(|one| links.get(&one.issue.id).into_iter().flatten().map(|linked| (&one.issue, linked)))
        .collect();
    let workflows = workflows_of(uow, &told).await?;
    let questions = questions_of(news, &links);
    let matches = if questions.is_empty() { Vec::new() } else { uow.match_people(&questions).await? };
    let projects = states.values().map(|state| state.group.project).collect();
    let known = known_people(uow, &matches, &projects).await?;
    Ok(Audience { links, states, questions, matches, known, workflows })
}

fn questions_of(
    news: &[News],
    links: &BTreeMap<ExternalIssueId, Vec<LinkedGroup>>,
) -> Vec<(OrganizationId, IntegrationId, Person)> {
    let mut asked = HashSet::new();
    let mut questions = Vec::new();
    for one in news.iter().filter(|one| one.assignee.is_some() || one.state.is_some()) {
        for linked in links.get(&one.issue.id).into_iter().flatten() {
            for person in [&one.issue.assignee, &one.changed_by].into_iter().flatten() {
                let question = (linked.link.organization, one.issue.integration, person.clone());
                if asked.insert(question.clone()) {
                    questions.push(question);
                }
            }
        }
    }
    questions
}

/// The users that these matches may mean, and which of them are in teams of these projects.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn known_people(
    uow: &mut dyn UnitOfWork,
    matches: &[PersonMatch],
    projects: &HashSet<ProjectId>,
) -> Result<KnownPeople, StoreError> {
    let users: HashSet<UserId> = matches.iter().map(|m| m.user).collect();
    if users.is_empty() {
        return Ok(KnownPeople::default());
    }
    let users: Vec<UserId> = users.into_iter().collect();
    let pairs: Vec<(UserId, ProjectId)> =
        users.iter().flat_map(|user| projects.iter().map(move |project| (*user, *project))).collect();
    let found = uow.users(&users).await?;
    Ok(KnownPeople {
        users: found.into_iter().map(|user| (user.id, user)).collect(),
        members: uow.project_members(&pairs).await?,
    })
}

async fn surroundings_of<'a>(
    uow: &mut dyn UnitOfWork,
    audience: &Audience,
    clock: &dyn Clock,
    entropy: &'a dyn Entropy,
) -> Result<Surroundings<'a>, StoreError> {
    let projects: HashSet<ProjectId> = audience.states.values().map(|s| s.group.project).collect();
    let projects: Vec<ProjectId> = projects.into_iter().collect();
    let mut concerned: Vec<(ProjectId, Assignee)> = Vec::new();
    for state in audience.states.values() {
        concerned.extend(state.assignee.map(|who| (state.group.project, who)));
    }
    for user in audience.known.users.keys() {
        concerned.extend(projects.iter().map(|project| (*project, Assignee::User(*user))));
    }
    let groups: Vec<GroupId> = audience.states.keys().copied().collect();
    let about = About { projects: &projects, groups: &groups, people: &concerned };
    look_around(uow, &about, clock, entropy).await
}

/// Mirrors that changed without news of a revision: they are kept, and the cards of their groups shown
/// anew.
///
/// # Errors
/// [`StoreError`].
pub async fn broken_links(
    uow: &mut dyn UnitOfWork,
    issues: Vec<ExternalIssue>,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<ChangeSet, StoreError> {
    let mut changes = ChangeSet::default();
    let ids: Vec<ExternalIssueId> = issues.iter().map(|issue| issue.id).collect();
    if ids.is_empty() {
        return Ok(changes);
    }
    let (_, states) = lock_linked(uow, &ids).await?;
    let projects: HashSet<ProjectId> = states.iter().map(|state| state.group.project).collect();
    let projects: Vec<ProjectId> = projects.into_iter().collect();
    let around = look_around(uow, &About { projects: &projects, ..About::default() }, clock, entropy).await?;
    for state in &states {
        changes.refresh_cards(state, &around);
    }
    for issue in issues {
        changes.mirror(issue);
    }
    Ok(changes)
}
