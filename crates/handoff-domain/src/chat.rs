//! Discord as we use it: guilds, routes, the messages we sent, and what a message says.

use crate::assignee::Assignee;
use crate::group::{GroupStatus, Level};
use crate::id::{ActivityId, GroupId, MessageRecordId, OrganizationId, ProjectId, RouteId, WorkItemNumber};
use crate::organization::{ChannelId, DiscordUserId, GuildId, MessageId};
use crate::route::{QuietHours, RouteFilter};
use crate::text::Name;
use crate::time::Timestamp;

/// A guild that belongs to an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guild {
    /// Discord's id of it. A guild belongs to at most one organization.
    pub id: GuildId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Its name in Discord when it was added.
    pub name: Name,
    /// When it was added.
    pub created_at: Timestamp,
}

crate::group::words!(
    /// How a route tells of changes.
    RouteMode {
        /// One message for each group, edited in place.
        Card => "card",
        /// The card, and a short message that mentions a new assignee who is linked.
        CardAndPing => "card_and_ping",
        /// The card, and a thread on it in which changes are told.
        Thread => "thread",
    }
);

/// A route of a project's events to a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Its id.
    pub id: RouteId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Whose events.
    pub project: ProjectId,
    /// The guild of the channel.
    pub guild: GuildId,
    /// Where to.
    pub channel: ChannelId,
    /// How.
    pub mode: RouteMode,
    /// Show ids instead of titles and names; the default where @everyone sees the channel.
    pub ids_only: bool,
    /// What it is about. A card that is there shows the present, whatever this says.
    pub filter: RouteFilter,
    /// When nobody is notified.
    pub quiet_hours: Option<QuietHours>,
    /// Why it is disabled, for people; `None` while it works.
    pub disabled: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The part of a route that deciding needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteRef {
    /// Its id.
    pub id: RouteId,
    /// Whose events.
    pub project: ProjectId,
    /// How.
    pub mode: RouteMode,
}

crate::group::words!(
    /// What one of our messages is.
    MessageKind {
        /// A group's card on a route: at most one.
        Card => "card",
        /// A mention; one for each ping.
        Ping => "ping",
        /// A change told in the card's thread; one for each change.
        ThreadPost => "thread_post",
        /// What was gathered while nobody was to be notified; its group is the first of them.
        Summary => "summary",
    }
);

/// The longest nonce that Discord takes, in characters (documentation, Create Message).
pub const MAX_NONCE: usize = 25;

/// What we know of a message that we sent or tried to send. Written before Discord is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRecord {
    /// Its id.
    pub id: MessageRecordId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The group.
    pub group: GroupId,
    /// The route.
    pub route: RouteId,
    /// What it is.
    pub kind: MessageKind,
    /// Tells one ping of a group from another: the activity it tells of. Empty for a card; of a summary,
    /// its own id.
    pub subject: String,
    /// Where it is.
    pub channel: ChannelId,
    /// Discord's id, once it answered.
    pub message: Option<MessageId>,
    /// The nonce of the newest attempt to create it, at most [`MAX_NONCE`] characters.
    pub nonce: String,
    /// When that nonce was first used.
    pub nonce_at: Timestamp,
    /// A digest of what it shows, so that an edit that changes nothing is not sent.
    pub digest: Option<String>,
    /// When it was posted again because somebody had deleted it.
    pub reposted_at: Option<Timestamp>,
    /// Deleted again soon after that: it is not posted any more, until the route is switched on anew.
    pub given_up: bool,
}

/// A change that a route is to tell of in its next summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BacklogEntry {
    /// Whose it is.
    pub organization: OrganizationId,
    /// The route.
    pub route: RouteId,
    /// The group that changed.
    pub group: GroupId,
    /// The entry of its history.
    pub activity: ActivityId,
}

/// All that a summary needs, read in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummarySource {
    /// The route, enabled or not.
    pub route: Route,
    /// Its project's slug.
    pub project_slug: crate::slug::Slug,
    /// The changes that were taken for a summary which may have been sent: its id, and of each change the
    /// group and its number, in the order of the history.
    pub taken: Option<(MessageRecordId, Vec<(GroupId, i64)>)>,
}

/// A card that exists, or is about to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CardPlace {
    /// The group.
    pub group: GroupId,
    /// The route.
    pub route: RouteId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The group's project.
    pub project: ProjectId,
}

/// A card: everything a message shows about a group, before it is dressed for Discord.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Card {
    /// The group, for the buttons; `None` when the card is closed.
    pub group: Option<GroupId>,
    /// For example `BACKEND-42`.
    pub short_id: String,
    /// What it is about; absent on a route that shows ids only.
    pub title: Option<String>,
    /// Its page, where we have one.
    pub url: Option<String>,
    /// Gives the colour.
    pub level: Level,
    /// Where it stands; `None` when the group is gone and the card is closed.
    pub status: Option<GroupStatus>,
    /// Who has it.
    pub assignee: CardAssignee,
    /// The work items it is linked with.
    pub work_items: Vec<CardWorkItem>,
}

/// Who has a group, as a card shows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CardAssignee {
    /// Nobody.
    Nobody,
    /// A person, with their Discord account where they linked one. A card mentions, but never pings.
    User {
        /// Absent on a route that shows ids only.
        name: Option<String>,
        /// Their account.
        discord: Option<DiscordUserId>,
    },
    /// A team.
    Team {
        /// Its name.
        name: String,
    },
}

/// A linked work item, as a card shows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CardWorkItem {
    /// Its number.
    pub number: WorkItemNumber,
    /// Its page for people.
    pub url: Option<String>,
    /// Its title; absent on a route that shows ids only.
    pub title: Option<String>,
    /// Its state in the tracker's words.
    pub state: String,
    /// Set when the tracker's assignee is nobody we know: their name there, or an empty text on a
    /// route that shows ids only.
    pub not_mapped: Option<String>,
    /// Deleted in the tracker.
    pub deleted: bool,
}

/// A short message that mentions a new assignee.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ping {
    /// Whom.
    pub user: DiscordUserId,
    /// For example `BACKEND-42`.
    pub short_id: String,
    /// What it is about; absent on a route that shows ids only.
    pub title: Option<String>,
    /// The card it belongs to, which the message then replies to.
    pub card: Option<MessageId>,
}

/// A change of a group, told in the thread on its card.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ThreadPost {
    /// The card. Its thread has the same id.
    pub card: MessageId,
    /// For example `BACKEND-42`; names the thread.
    pub short_id: String,
    /// What the group is about; absent on a route that shows ids only.
    pub title: Option<String>,
    /// What happened.
    pub change: ThreadChange,
    /// Who is notified by it.
    pub mention: Option<DiscordUserId>,
}

/// What happened to a group, as its thread tells it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ThreadChange {
    /// Somebody has it now; nobody where it was taken back.
    Assignee(CardAssignee),
    /// Its status changed.
    Status(GroupStatus),
    /// A work item was linked.
    Linked(WorkItemNumber),
    /// A link was removed.
    Unlinked(WorkItemNumber),
}

/// What changed while nobody was to be notified. Mentions nobody.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Summary {
    /// The short ids of the groups that changed, at most [`Summary::MAX_SHOWN`] of them.
    pub short_ids: Vec<String>,
    /// How many groups changed.
    pub groups: usize,
}

impl Summary {
    /// How many groups are named; the rest are counted.
    pub const MAX_SHOWN: usize = 20;
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Message {
    /// A group's card.
    Card(Card),
    /// A mention.
    Ping(Ping),
    /// A change, for the card's thread.
    ThreadPost(ThreadPost),
    /// What was gathered.
    Summary(Summary),
}

/// All that rendering a group's card on a route needs, read in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardSource {
    /// The group.
    pub group: crate::group::Group,
    /// Its project's slug.
    pub project_slug: crate::slug::Slug,
    /// The route, enabled or not.
    pub route: Route,
    /// Who has the group.
    pub assignee: Option<Assignee>,
    /// Their name.
    pub assignee_name: Option<String>,
    /// Their Discord account.
    pub assignee_discord: Option<DiscordUserId>,
    /// The linked work items with what is unresolved on each, by number.
    pub work_items: Vec<(crate::work_item::ExternalIssue, Option<crate::person::Unresolved>)>,
    /// The card's record, where one was made.
    pub record: Option<MessageRecord>,
}
