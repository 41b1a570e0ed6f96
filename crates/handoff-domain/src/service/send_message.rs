//! Send Message: makes a group's card on a route show the present, or mentions somebody once.
//!
//! Delivery is at least once: the nonce and its time are recorded before Discord is asked; a retry
//! inside a minute reuses it, and Discord returns the first message; a later one looks into the
//! channel's history first. A sender that lost its lease records nothing.

use super::error::UseCaseError;
use super::tell_later::tells;
use crate::assignee::{Activity, ActivityKind, Assignee};
use crate::chat::{Card, CardAssignee, CardSource, CardWorkItem, Message, MessageKind, MessageRecord, Ping, Route};
use crate::group::Level;
use crate::id::{ActivityId, GroupId, MessageRecordId, RouteId, UserId};
use crate::organization::{ChannelId, DiscordUserId, MessageId};
use crate::outbox::ClaimedTask;
use crate::page::PageRequest;
use crate::person::Unresolved;
use crate::port::{ChatError, ChatMessenger, Clock, Entropy, Reader, Store, StoreError};
use crate::project::Project;
use crate::route::RouteEvent;
use crate::time::Timestamp;
use crate::work_item::ExternalIssue;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

/// How long Discord remembers a nonce, at the least. ("The past few minutes" in its documentation.)
pub const NONCE_LIFETIME: Duration = Duration::from_secs(60);

/// A card that was deleted is posted again; one that is deleted again within this time is not.
pub const REPOST_WINDOW: Duration = Duration::from_secs(3600);

/// Sends to Discord.
#[derive(Clone)]
pub struct SendMessage {
    /// Where messages are recorded.
    pub store: Arc<dyn Store>,
    /// Knows what happened to a group since.
    pub reader: Arc<dyn Reader>,
    /// Discord.
    pub chat: Arc<dyn ChatMessenger>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For ids and nonces.
    pub entropy: Arc<dyn Entropy>,
}

/// What sending came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// A new message.
    Created,
    /// The message says it now.
    Edited,
    /// The message said it already.
    Unchanged,
    /// An earlier attempt had arrived after all, and what it shows is of then: to be done again at once.
    Stale,
    /// Nothing to say any more: the group, the route or the assignment is gone.
    Obsolete,
    /// Kept for the route's next summary.
    Gathered,
    /// To be said later.
    NotYet {
        /// When.
        at: Timestamp,
    },
}

impl SendMessage {
    /// Makes the card of a group on a route show the present.
    ///
    /// # Errors
    /// [`UseCaseError::Chat`] as Discord answers; a channel that cannot be used has disabled the route.
    pub async fn send_card(&self, lease: &ClaimedTask, group: GroupId, route: RouteId) -> Result<Sent, UseCaseError> {
        let Some(source) = self.source(group, route).await? else { return Ok(Sent::Obsolete) };
        if source.route.disabled.is_some() {
            return Ok(Sent::Obsolete);
        }
        let message = Message::Card(card_of(&source));
        let digest = digest_of(&message);
        let record = source.record.clone();
        let is_quiet = self.quiet_until(&source.route).is_some();
        let done = match record {
            Some(record) if record.given_up => return Ok(Sent::Obsolete),
            Some(record) if record.message.is_some() => self.edit(lease, record, &message, digest, is_quiet).await,
            Some(started) => self.create(lease, started, &message, Some(digest), is_quiet).await,
            None if !self.is_wanted(&source).await? => return Ok(Sent::Obsolete),
            None => {
                let record = self.record(&source, MessageKind::Card, String::new());
                self.create(lease, record, &message, Some(digest), is_quiet).await
            }
        };
        self.disable_unusable(&source.route, done).await
    }

    /// Mentions a new assignee, once, unless somebody else has the group by now, or it was given to them
    /// anew meanwhile: then that is what they hear of.
    ///
    /// # Errors
    /// As [`SendMessage::send_card`].
    pub async fn send_ping(
        &self,
        lease: &ClaimedTask,
        group: GroupId,
        route: RouteId,
        user: UserId,
        activity: ActivityId,
    ) -> Result<Sent, UseCaseError> {
        let Some(source) = self.source(group, route).await? else { return Ok(Sent::Obsolete) };
        let still_theirs = source.assignee == Some(Assignee::User(user));
        let (Some(discord), true, None) = (source.assignee_discord, still_theirs, &source.route.disabled) else {
            return Ok(Sent::Obsolete);
        };
        if !tells(&source, RouteEvent::Assigned) || self.was_overtaken(&source, activity).await? {
            return Ok(Sent::Obsolete);
        }
        let record = match self.begin_telling(lease, &source, MessageKind::Ping, activity).await? {
            ControlFlow::Continue(record) => record,
            ControlFlow::Break(sent) => return Ok(sent),
        };
        let message = Message::Ping(Ping {
            user: discord,
            short_id: Project::short_id(&source.project_slug, source.group.number),
            title: (!source.route.ids_only).then(|| source.group.title.as_str().to_owned()),
            card: source.record.as_ref().and_then(|record| record.message),
        });
        let done = self.create(lease, record, &message, None, false).await;
        self.disable_unusable(&source.route, done).await
    }

    /// The record under which a change is told by itself; or what became of it otherwise: it was told before, or
    /// is kept for a summary.
    pub(super) async fn begin_telling(
        &self,
        lease: &ClaimedTask,
        source: &CardSource,
        kind: MessageKind,
        activity: ActivityId,
    ) -> Result<ControlFlow<Sent, MessageRecord>, UseCaseError> {
        let subject = activity.to_string();
        let mut uow = self.store.begin().await?;
        let known = uow.message_record(source.group.id, source.route.id, kind, &subject).await?;
        drop(uow);
        match known {
            Some(record) if record.message.is_some() => Ok(ControlFlow::Break(Sent::Unchanged)),
            // What was begun is finished: it may have arrived.
            Some(record) => Ok(ControlFlow::Continue(record)),
            None => match self.later(&source.route).await? {
                Some(due_at) => self.keep_for_summary(lease, source, activity, due_at).await.map(ControlFlow::Break),
                None => Ok(ControlFlow::Continue(self.record(source, kind, subject))),
            },
        }
    }

    /// Whether the assignee changed again after this entry of the history. Looks at the newest entries only:
    /// a mention that is late by more than a page of them is no harm.
    async fn was_overtaken(&self, source: &CardSource, activity: ActivityId) -> Result<bool, StoreError> {
        let page = PageRequest { after: None, limit: PageRequest::<ActivityId>::MAX };
        let newest = self.reader.activities(source.group.organization, source.group.id, page).await?;
        let about_assignee =
            |entry: &&Activity| matches!(entry.kind, ActivityKind::Assigned { .. } | ActivityKind::Unassigned { .. });
        Ok(newest.items.iter().find(about_assignee).is_some_and(|entry| entry.id != activity))
    }

    /// Says on the card of a group that is gone that it is closed.
    ///
    /// # Errors
    /// [`UseCaseError::Chat`] as Discord answers.
    pub async fn close_card(
        &self,
        channel: ChannelId,
        message: MessageId,
        short_id: &str,
        title: &str,
    ) -> Result<Sent, UseCaseError> {
        let card = Card {
            group: None,
            short_id: short_id.to_owned(),
            title: (!title.is_empty()).then(|| title.to_owned()),
            url: None,
            level: Level::Info,
            status: None,
            assignee: CardAssignee::Nobody,
            work_items: Vec::new(),
        };
        self.chat.edit(channel, message, &Message::Card(card)).await.map_err(UseCaseError::Chat)?;
        Ok(Sent::Edited)
    }

    /// Whether a group gets its first card on the route: the route is about it, and something that the
    /// route tells of has happened to it since there is the route. Looks at the newest entries of its
    /// history only.
    async fn is_wanted(&self, source: &CardSource) -> Result<bool, StoreError> {
        let (filter, group) = (&source.route.filter, &source.group);
        if !filter.is_about(source.work_items.iter().map(|(issue, _)| issue)) {
            return Ok(false);
        }
        if !filter.picks_events() {
            return Ok(true);
        }
        let page = PageRequest { after: None, limit: PageRequest::<ActivityId>::MAX };
        let newest = self.reader.activities(group.organization, group.id, page).await?;
        let is_told = |entry: &Activity| {
            entry.at >= source.route.created_at
                && RouteEvent::of(&entry.kind).is_some_and(|event| filter.tells_of(event))
        };
        Ok(newest.items.iter().any(is_told))
    }

    pub(super) async fn source(&self, group: GroupId, route: RouteId) -> Result<Option<CardSource>, StoreError> {
        let mut uow = self.store.begin().await?;
        uow.card_source(group, route).await
    }

    pub(super) fn record(&self, source: &CardSource, kind: MessageKind, subject: String) -> MessageRecord {
        let now = self.clock.now();
        MessageRecord {
            id: MessageRecordId::generate(now, self.entropy.as_ref()),
            organization: source.group.organization,
            group: source.group.id,
            route: source.route.id,
            kind,
            subject,
            channel: source.route.channel,
            message: None,
            nonce: String::new(),
            nonce_at: now,
            digest: None,
            reposted_at: None,
            given_up: false,
        }
    }

    pub(super) async fn create(
        &self,
        lease: &ClaimedTask,
        mut record: MessageRecord,
        message: &Message,
        digest: Option<String>,
        is_silent: bool,
    ) -> Result<Sent, UseCaseError> {
        let tried = !record.nonce.is_empty();
        let remembered = self.clock.now().since(record.nonce_at) < NONCE_LIFETIME;
        if tried && !remembered {
            let since = record.nonce_at.minus(NONCE_LIFETIME);
            let found = self.find(&record, message, since).await;
            record.message = found.map_err(UseCaseError::Chat)?;
            if record.message.is_some() {
                return self.arrived_earlier(lease, record).await;
            }
        }
        let reused = tried && remembered;
        if !reused {
            self.renew_nonce(lease, &mut record).await?;
        }
        let mut fresh = !reused;
        let mut created = self.post(&record, message, is_silent).await;
        if created == Err(ChatError::MessageGone) {
            // What an earlier attempt under this nonce made was deleted by somebody. Once more, as new.
            self.renew_nonce(lease, &mut record).await?;
            fresh = true;
            created = self.post(&record, message, is_silent).await;
        }
        let created = created.map_err(|error| match error {
            // A nonce of now cannot be remembered as deleted: whatever this is, it is not the end.
            ChatError::MessageGone => ChatError::Retry { reason: error.to_string(), after: None },
            other => other,
        });
        record.message = Some(created.map_err(UseCaseError::Chat)?);
        if !fresh {
            return self.arrived_earlier(lease, record).await;
        }
        record.digest = digest;
        self.put(lease, &record).await?;
        Ok(Sent::Created)
    }

    async fn post(&self, record: &MessageRecord, message: &Message, is_silent: bool) -> Result<MessageId, ChatError> {
        let (channel, nonce) = (record.channel, record.nonce.as_str());
        match message {
            Message::ThreadPost(post) => self.chat.create_in_thread(channel, post, nonce).await,
            _ if is_silent => self.chat.create_silently(channel, message, nonce).await,
            _ => self.chat.create(channel, message, nonce).await,
        }
    }

    async fn find(
        &self,
        record: &MessageRecord,
        message: &Message,
        since: Timestamp,
    ) -> Result<Option<MessageId>, ChatError> {
        match message {
            Message::ThreadPost(post) => {
                self.chat.find_in_thread(record.channel, post.card, &record.nonce, since).await
            }
            _ => self.chat.find_by_nonce(record.channel, &record.nonce, since).await,
        }
    }

    /// Records a nonce that was never used, before it is.
    async fn renew_nonce(&self, lease: &ClaimedTask, record: &mut MessageRecord) -> Result<(), StoreError> {
        record.nonce = self.nonce();
        record.nonce_at = self.clock.now();
        self.put(lease, record).await
    }

    /// The message of an attempt whose answer was lost. A mention says what it must; a card may show the
    /// past.
    async fn arrived_earlier(&self, lease: &ClaimedTask, mut record: MessageRecord) -> Result<Sent, UseCaseError> {
        record.digest = None;
        self.put(lease, &record).await?;
        Ok(if record.kind == MessageKind::Card { Sent::Stale } else { Sent::Created })
    }

    async fn edit(
        &self,
        lease: &ClaimedTask,
        mut record: MessageRecord,
        message: &Message,
        digest: String,
        is_silent: bool,
    ) -> Result<Sent, UseCaseError> {
        let Some(id) = record.message else { return Ok(Sent::Obsolete) };
        if record.digest.as_deref() == Some(digest.as_str()) {
            return Ok(Sent::Unchanged);
        }
        if record.digest.take().is_some() {
            // Whether an edit took effect may never be known: nothing is known from here on.
            self.put(lease, &record).await?;
        }
        match self.chat.edit(record.channel, id, message).await {
            Ok(()) => {
                record.digest = Some(digest);
                self.put(lease, &record).await?;
                Ok(Sent::Edited)
            }
            Err(ChatError::MessageGone) => {
                // Somebody deleted it: a new one, under a new nonce, since Discord would answer the old
                // one with the deleted message.
                record.message = None;
                record.nonce = String::new();
                let now = self.clock.now();
                if record.reposted_at.is_some_and(|at| now.since(at) < REPOST_WINDOW) {
                    return self.give_up(lease, record).await;
                }
                record.reposted_at = Some(now);
                self.create(lease, record, message, Some(digest), is_silent).await
            }
            Err(error) => Err(UseCaseError::Chat(error)),
        }
    }

    /// Somebody wants the card to be gone.
    async fn give_up(&self, lease: &ClaimedTask, mut record: MessageRecord) -> Result<Sent, UseCaseError> {
        record.given_up = true;
        self.put(lease, &record).await?;
        let (group, route) = (record.group, record.route);
        tracing::warn!(%group, %route, "a card was deleted again soon after it was posted again; it is not any more");
        Err(UseCaseError::Conflict(
            "the card was deleted in Discord, posted again, and deleted again; switching the route off and on posts it \
             once more"
                .to_owned(),
        ))
    }

    /// Records, unless the lease was lost meanwhile.
    async fn put(&self, lease: &ClaimedTask, record: &MessageRecord) -> Result<(), StoreError> {
        let mut uow = self.store.begin().await?;
        uow.hold_outbox(lease.id, lease.token).await?;
        uow.put_message_record(record).await?;
        uow.commit().await
    }

    /// Twenty-four random letters: below Discord's 25.
    fn nonce(&self) -> String {
        let mut bytes = [0_u8; 12];
        self.entropy.fill(&mut bytes);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(super) async fn disable_unusable(
        &self,
        route: &Route,
        done: Result<Sent, UseCaseError>,
    ) -> Result<Sent, UseCaseError> {
        if let Err(UseCaseError::Chat(ChatError::ChannelUnusable { reason })) = &done {
            let mut uow = self.store.begin().await?;
            uow.set_route_disabled(route.id, Some(reason.clone())).await?;
            uow.commit().await?;
            tracing::warn!(
                route = %route.id,
                organization = %route.organization,
                reason,
                "a route was switched off: its channel cannot be used"
            );
        }
        done
    }
}

/// What a card says. Pure.
#[must_use]
pub fn card_of(source: &CardSource) -> Card {
    let shown = !source.route.ids_only;
    let (name, discord) = (source.assignee_name.clone(), source.assignee_discord);
    let assignee = source.assignee.map(|who| shown_as(who, name, discord, source.route.ids_only));
    Card {
        group: Some(source.group.id),
        short_id: Project::short_id(&source.project_slug, source.group.number),
        title: shown.then(|| source.group.title.as_str().to_owned()),
        url: None,
        level: source.group.level,
        status: Some(source.group.status),
        assignee: assignee.unwrap_or(CardAssignee::Nobody),
        work_items: source.work_items.iter().map(|(issue, who)| work_item_of(issue, who.as_ref(), shown)).collect(),
    }
}

/// Somebody who has a group, or had it.
pub(super) fn shown_as(
    who: Assignee,
    name: Option<String>,
    discord: Option<DiscordUserId>,
    ids_only: bool,
) -> CardAssignee {
    match who {
        Assignee::User(_) => CardAssignee::User { name: name.filter(|_| !ids_only), discord },
        Assignee::Team(_) => CardAssignee::Team { name: name.unwrap_or_default() },
    }
}

pub(super) fn work_item_of(issue: &ExternalIssue, unresolved: Option<&Unresolved>, shown: bool) -> CardWorkItem {
    let name = |who: &Unresolved| if shown { who.person.display_name.clone() } else { String::new() };
    CardWorkItem {
        number: issue.number,
        url: issue.url.clone(),
        title: shown.then(|| issue.title.clone()),
        state: issue.state.clone(),
        not_mapped: unresolved.map(name),
        deleted: issue.deleted,
    }
}

/// A digest by which an edit that changes nothing is not sent: FNV-1a, 128 bits, of the message's form.
/// It guards no secret, so it need not be cryptographic, but it must be the same on every replica.
fn digest_of(message: &Message) -> String {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013B;
    let form = format!("{message:?}");
    let hash = form.bytes().fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    format!("{hash:032x}")
}
