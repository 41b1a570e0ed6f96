//! Everything the simulator knows, behind one lock, and the look-ups in it.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use http::HeaderMap;
use uuid::Uuid;

use super::auth::{Caller, Tokens, UnauthorizedForm, bearer};
use super::changes::Moment;
use super::entra::Entra;
use super::ids::{CollectionId, IdSource, IdentityId, ProjectId, SubscriptionId, TeamId, WorkItemKey};
use super::notification::{DroppedEvent, NotificationResult, NotificationStatus, SimNotification};
use super::payload::{self, EventContext};
use super::people::{Directory, NewIdentity, SimIdentity};
use super::projects::{Collection, Project, Team};
use super::queue::{Parcel, Queue};
use super::refusal::Refusal;
use super::render::{PersonForm, Renderer};
use super::request_log::RequestLog;
use super::retry::Phase;
use super::subscription::{Subscription, SubscriptionStatus};
use super::throttle::RateLimit;
use super::work_item::{Update, WorkItem};

/// Completed notifications of a subscription are forgotten past this many.
const MAX_NOTIFICATIONS: i64 = 10_000;
/// Dropped events are forgotten past this many.
const MAX_DROPPED: usize = 100_000;

/// Everything the simulator knows.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) ids: IdSource,
    /// Without a trailing slash.
    pub(crate) server_url: String,
    /// Who acts where no one else is named.
    pub(crate) administrator: IdentityId,
    pub(crate) people: Directory,
    pub(crate) collections: BTreeMap<CollectionId, Collection>,
    pub(crate) projects: BTreeMap<ProjectId, Project>,
    pub(crate) teams: BTreeMap<TeamId, Team>,
    pub(crate) items: BTreeMap<WorkItemKey, WorkItem>,
    pub(crate) subscriptions: BTreeMap<SubscriptionId, Subscription>,
    pub(crate) notifications: BTreeMap<(SubscriptionId, i64), SimNotification>,
    pub(crate) queue: Queue,
    pub(crate) dropped: VecDeque<DroppedEvent>,
    pub(crate) tokens: Tokens,
    pub(crate) entra: Entra,
    pub(crate) unauthorized_form: UnauthorizedForm,
    pub(crate) rate_limit: RateLimit,
    pub(crate) log: RequestLog,
    /// How far the `Date` header is ahead of the clock, in microseconds.
    pub(crate) date_skew_us: i64,
    watermark: i64,
}

impl State {
    pub(crate) fn new(seed: u64) -> Self {
        let mut ids = IdSource::new(seed);
        let administrator = IdentityId(ids.next());
        let mut people = Directory::default();
        people.add(SimIdentity::new(
            administrator,
            NewIdentity::person("Project Administrator", "admin@sandbox.invalid"),
        ));
        Self {
            ids,
            server_url: String::new(),
            administrator,
            people,
            collections: BTreeMap::new(),
            projects: BTreeMap::new(),
            teams: BTreeMap::new(),
            items: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            notifications: BTreeMap::new(),
            queue: Queue::default(),
            dropped: VecDeque::new(),
            tokens: Tokens::default(),
            entra: Entra::default(),
            unauthorized_form: UnauthorizedForm::default(),
            rate_limit: RateLimit::default(),
            log: RequestLog::default(),
            date_skew_us: 0,
            watermark: 0,
        }
    }

    /// The URL of a collection, with a trailing slash.
    pub(crate) fn base_url(&self, collection: &Collection) -> String {
        format!("{}/{}/", self.server_url, collection.name)
    }

    pub(crate) fn collection(&self, id: CollectionId) -> Result<&Collection, Refusal> {
        self.collections.get(&id).ok_or_else(Refusal::unknown_collection)
    }

    /// The collection that a path names.
    pub(crate) fn find_collection(&self, name: &str) -> Result<CollectionId, Refusal> {
        self.collections
            .values()
            .find(|collection| collection.name.eq_ignore_ascii_case(name))
            .map(|collection| collection.id)
            .ok_or_else(Refusal::unknown_collection)
    }

    pub(crate) fn project(&self, id: ProjectId) -> Result<&Project, Refusal> {
        self.projects.get(&id).ok_or_else(|| Refusal::unknown_project(&id.to_string()))
    }

    /// The project that a path names, by name or by id.
    pub(crate) fn find_project(&self, collection: CollectionId, name: &str) -> Result<ProjectId, Refusal> {
        self.projects
            .values()
            .find(|project| {
                project.collection == collection
                    && (project.name.eq_ignore_ascii_case(name) || project.id.0.to_string().eq_ignore_ascii_case(name))
            })
            .map(|project| project.id)
            .ok_or_else(|| Refusal::unknown_project(name))
    }

    pub(crate) fn find_team(&self, project: ProjectId, name: &str) -> Result<&Team, Refusal> {
        self.teams
            .values()
            .find(|team| {
                team.project == project
                    && (team.name.eq_ignore_ascii_case(name) || team.id.0.to_string().eq_ignore_ascii_case(name))
            })
            .ok_or_else(|| Refusal::unknown_team(name))
    }

    pub(crate) fn item(&self, key: WorkItemKey) -> Result<&WorkItem, Refusal> {
        self.items.get(&key).ok_or_else(|| Refusal::unknown_work_item(key.number))
    }

    pub(crate) fn item_mut(&mut self, key: WorkItemKey) -> Result<&mut WorkItem, Refusal> {
        self.items.get_mut(&key).ok_or_else(|| Refusal::unknown_work_item(key.number))
    }

    pub(crate) fn subscription(&self, id: SubscriptionId) -> Result<&Subscription, Refusal> {
        self.subscriptions.get(&id).ok_or_else(Refusal::unknown_subscription)
    }

    /// Who sends these headers: by a personal access token, or by an access token of Entra.
    pub(crate) fn caller(&self, headers: &HeaderMap, now_us: i64) -> Option<Caller> {
        match bearer(headers) {
            Some(token) => self.entra.caller(token, now_us),
            None => self.tokens.caller(headers),
        }
    }

    pub(crate) fn moment(&mut self, by: Option<IdentityId>, at_us: i64) -> Moment {
        self.watermark += 1;
        let at_us = at_us.saturating_add(self.date_skew_us);
        Moment { by: by.unwrap_or(self.administrator), at_us, watermark: self.watermark }
    }

    pub(crate) fn renderer<'a>(&'a self, project: &'a Project, base_url: &'a str, form: PersonForm) -> Renderer<'a> {
        Renderer { people: &self.people, project, base_url, form }
    }

    /// Tells the subscriptions of an event. One that is not enabled loses it.
    pub(crate) fn emit(
        &mut self,
        event_type: &str,
        key: WorkItemKey,
        update: Option<&Update>,
        at_us: i64,
    ) -> Result<(), Refusal> {
        let event_id = self.ids.next();
        let item = self.item(key)?;
        let matching: Vec<SubscriptionId> = self
            .subscriptions
            .values()
            .filter(|subscription| {
                subscription.collection == key.collection && subscription.request.matches(event_type, item, update)
            })
            .map(|subscription| subscription.id)
            .collect();
        for id in matching {
            let subscription = self.subscription(id)?;
            if subscription.status != SubscriptionStatus::Enabled {
                let dropped = DroppedEvent {
                    subscription: id,
                    status: subscription.status,
                    event_type: event_type.to_owned(),
                    work_item: key.number,
                    at_us,
                };
                if self.dropped.len() == MAX_DROPPED {
                    self.dropped.pop_front();
                }
                self.dropped.push_back(dropped);
                continue;
            }
            let body = self.write_event(event_type, event_id, key, update, subscription, at_us)?;
            self.notify(id, event_id, event_type, body, at_us)?;
        }
        Ok(())
    }

    fn write_event(
        &self,
        event_type: &str,
        event_id: Uuid,
        key: WorkItemKey,
        update: Option<&Update>,
        subscription: &Subscription,
        at_us: i64,
    ) -> Result<Bytes, Refusal> {
        let item = self.item(key)?;
        let collection = self.collection(key.collection)?;
        let project = self.project(item.project)?;
        let base_url = self.base_url(collection);
        let form = payload::person_form(subscription.request.version());
        let context = EventContext {
            renderer: self.renderer(project, &base_url, form),
            collection,
            server_url: &self.server_url,
            item,
            update,
            event_type,
            event_id,
            at_us,
        };
        let payload = payload::write(&context, subscription, subscription.last_notification + 1);
        Ok(payload.to_string().into())
    }

    /// Makes a notification of a subscription and queues it.
    pub(crate) fn notify(
        &mut self,
        subscription: SubscriptionId,
        event_id: Uuid,
        event_type: &str,
        body: Bytes,
        at_us: i64,
    ) -> Result<i64, Refusal> {
        let id = {
            let subscription = self.subscriptions.get_mut(&subscription).ok_or_else(Refusal::unknown_subscription)?;
            subscription.last_notification += 1;
            subscription.last_notification
        };
        let oldest = (subscription, id - MAX_NOTIFICATIONS);
        if self
            .notifications
            .get(&oldest)
            .is_some_and(|notification| notification.status == NotificationStatus::Completed)
        {
            self.notifications.remove(&oldest);
        }
        self.notifications.insert(
            (subscription, id),
            SimNotification {
                subscription,
                id,
                event_id,
                event_type: event_type.to_owned(),
                created_us: at_us,
                status: NotificationStatus::Queued,
                result: NotificationResult::Pending,
                attempts: Vec::new(),
                body,
                phase: Phase::Normal { failures: 0 },
            },
        );
        self.queue.send(at_us, Parcel { subscription, notification: id, delayed: false });
        Ok(id)
    }
}
