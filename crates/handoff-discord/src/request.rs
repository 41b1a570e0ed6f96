//! The requests that we make of Discord: routes by twilight, bodies of our own, checked by twilight.
//!
//! The bodies are ours because twilight 0.18 knows no `enforce_nonce`, and takes a nonce only as a number.

use crate::limits::{Lane, Major, Operation};
use crate::{buttons, card, commands, marker, ping, summary, thread};
use handoff_domain::chat::{MAX_NONCE, Message, ThreadPost};
use handoff_domain::organization::{ApplicationId, ChannelId, DiscordUserId, GuildId, MessageId};
use handoff_domain::port::ChatError;
use serde::Serialize;
use serde_json::Value;
use twilight_http::request::Request;
use twilight_http::routing::Route;
use twilight_model::channel::message::{AllowedMentions, Embed, MessageFlags};
use twilight_model::id::Id;

/// How many messages of a history are asked for at once: the most that Discord gives (documentation, Get
/// Channel Messages).
pub(crate) const HISTORY_PAGE: u16 = 100;

/// A request, and the lane in which it waits its turn.
#[derive(Debug)]
pub(crate) struct Call {
    /// Method, path and body.
    pub(crate) request: Request,
    /// Which limits it meets.
    pub(crate) lane: Lane,
}

#[derive(Serialize)]
struct CreateBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    embeds: Vec<Embed>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    components: Vec<Value>,
    allowed_mentions: AllowedMentions,
    nonce: &'a str,
    enforce_nonce: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_reference: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flags: Option<MessageFlags>,
}

#[derive(Serialize)]
struct Reference {
    message_id: MessageId,
    /// A card that somebody deleted is no reason to keep a ping back.
    fail_if_not_exists: bool,
}

/// Every field is always sent, as null or empty where there is nothing, so that nothing of what the
/// message said before stays.
#[derive(Serialize)]
struct EditBody {
    content: Option<String>,
    embeds: Vec<Embed>,
    components: Vec<Value>,
    allowed_mentions: AllowedMentions,
}

#[derive(Serialize)]
struct ThreadBody {
    name: String,
}

#[derive(Serialize)]
struct UnarchiveBody {
    archived: bool,
}

/// How a message is posted, beside what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As usual.
    Aloud,
    /// Nobody's device is told.
    Silently,
}

/// Whether a message is to reply to its card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Where it has one.
    ToCard,
    /// Not at all: the bot may not.
    Never,
}

/// Whether cards have buttons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Buttons {
    /// They have.
    Shown,
    /// They have none: nobody would hear of a click.
    None,
}

/// Posts a message under a nonce, which Discord is told to enforce.
pub(crate) fn create(
    channel: ChannelId,
    message: &Message,
    nonce: &str,
    (reply, manner): (Reply, Manner),
    buttons: Buttons,
) -> Result<Call, ChatError> {
    if nonce.chars().count() > MAX_NONCE {
        return Err(rejected(&format!("a nonce has at most {MAX_NONCE} characters")));
    }
    let (content, embeds) = said(message, Some(&marker::of(nonce)));
    let (mention, card) = match message {
        Message::Card(_) | Message::Summary(_) => (None, None),
        Message::Ping(ping) => (Some(ping.user), ping.card),
        Message::ThreadPost(post) => (post.mention, Some(post.card)),
    };
    let (allowed_mentions, message_reference) = (mention_of(mention), reference(card, reply));
    // Addresses in a text that slipped through shall not unfold into a preview.
    let is_card = matches!(message, Message::Card(_));
    let mut flags = if is_card { MessageFlags::empty() } else { MessageFlags::SUPPRESS_EMBEDS };
    if manner == Manner::Silently {
        flags |= MessageFlags::SUPPRESS_NOTIFICATIONS;
    }
    let flags = (!flags.is_empty()).then_some(flags);
    check(content.as_deref(), &embeds)?;
    let components = components(message, buttons);
    let body = CreateBody {
        content,
        embeds,
        components,
        allowed_mentions,
        nonce,
        enforce_nonce: true,
        message_reference,
        flags,
    };
    with_body(&Route::CreateMessage { channel_id: channel.get() }, Operation::CreateMessage, channel, &body)
}

/// Makes a message say this instead. Without `allowed_mentions` Discord would read the content again
/// with the defaults, whatever the message allowed when it was made.
pub(crate) fn edit(channel: ChannelId, id: MessageId, message: &Message, buttons: Buttons) -> Result<Call, ChatError> {
    let (content, embeds) = said(message, None);
    check(content.as_deref(), &embeds)?;
    let components = components(message, buttons);
    let body = EditBody { content, embeds, components, allowed_mentions: AllowedMentions::default() };
    let route = Route::UpdateMessage { channel_id: channel.get(), message_id: id.get() };
    with_body(&route, Operation::EditMessage, channel, &body)
}

/// Begins the thread of a card, which then has the card's id.
pub(crate) fn start_thread(channel: ChannelId, post: &ThreadPost) -> Result<Call, ChatError> {
    let route = Route::CreateThreadFromMessage { channel_id: channel.get(), message_id: post.card.get() };
    with_body(&route, Operation::StartThread, channel, &ThreadBody { name: thread::name(post) })
}

/// Takes a thread out of the archive.
pub(crate) fn unarchive(thread: ChannelId) -> Result<Call, ChatError> {
    let route = Route::UpdateChannel { channel_id: thread.get() };
    with_body(&route, Operation::UpdateChannel, thread, &UnarchiveBody { archived: false })
}

/// The messages of a channel that came after `after`, the oldest of them.
pub(crate) fn history(channel: ChannelId, after: u64) -> Call {
    let route = Route::GetMessages {
        channel_id: channel.get(),
        after: Some(after),
        around: None,
        before: None,
        limit: Some(HISTORY_PAGE),
    };
    without_body(&route, Operation::ReadMessages, Major::Channel(channel))
}

/// A channel.
pub(crate) fn channel(id: ChannelId) -> Call {
    without_body(&Route::GetChannel { channel_id: id.get() }, Operation::ReadChannel, Major::Channel(id))
}

/// A guild with its roles.
pub(crate) fn guild(id: GuildId) -> Call {
    let route = Route::GetGuild { guild_id: id.get(), with_counts: false };
    without_body(&route, Operation::ReadGuild, Major::Guild(id))
}

/// A member of a guild.
pub(crate) fn member(guild: GuildId, user: u64) -> Call {
    let route = Route::GetMember { guild_id: guild.get(), user_id: user };
    without_body(&route, Operation::ReadMember, Major::Guild(guild))
}

/// The bot's own account.
pub(crate) fn current_user() -> Call {
    without_body(&Route::GetCurrentUser, Operation::ReadCurrentUser, Major::None)
}

/// The application of the bot's token.
pub(crate) fn current_application() -> Call {
    without_body(&Route::GetCurrentUserApplicationInfo, Operation::ReadApplication, Major::None)
}

/// Makes our commands the only ones of the application, in every guild.
pub(crate) fn set_commands(application: ApplicationId) -> Result<Call, ChatError> {
    let route = Route::SetGlobalCommands { application_id: application.get() };
    let request = Request::builder(&route).json(&commands::definitions()).build();
    let request = request.map_err(|_| rejected("the commands cannot be written as JSON"))?;
    Ok(Call { request, lane: Lane { operation: Operation::SetCommands, major: Major::None } })
}

fn said(message: &Message, marker: Option<&str>) -> (Option<String>, Vec<Embed>) {
    match message {
        Message::Card(card) => (None, vec![card::embed(card, marker)]),
        Message::Ping(ping) => (Some(ping::content(ping, marker)), Vec::new()),
        Message::ThreadPost(post) => (Some(thread::content(post, marker)), Vec::new()),
        Message::Summary(summary) => (Some(summary::content(summary, marker)), Vec::new()),
    }
}

fn components(message: &Message, buttons: Buttons) -> Vec<Value> {
    match message {
        Message::Card(card) if buttons == Buttons::Shown => buttons::of_card(card),
        Message::Card(_) | Message::Ping(_) | Message::Summary(_) | Message::ThreadPost(_) => Vec::new(),
    }
}

/// Only the assignee is notified: not even the bot, by the reply to its own card.
fn mention_of(user: Option<DiscordUserId>) -> AllowedMentions {
    let users = user.and_then(|user| Id::new_checked(user.get())).into_iter().collect();
    AllowedMentions { users, ..AllowedMentions::default() }
}

fn reference(card: Option<MessageId>, reply: Reply) -> Option<Reference> {
    let card = card.filter(|_| reply == Reply::ToCard);
    card.map(|message_id| Reference { message_id, fail_if_not_exists: false })
}

/// Cards and pings are made to fit; what does not is our mistake, and is not sent.
fn check(content: Option<&str>, embeds: &[Embed]) -> Result<(), ChatError> {
    let refused = |error: twilight_validate::message::MessageValidationError| rejected(&error.to_string());
    content.map_or(Ok(()), twilight_validate::message::content).map_err(refused)?;
    twilight_validate::message::embeds(embeds).map_err(refused)
}

fn with_body(
    route: &Route<'_>,
    operation: Operation,
    channel: ChannelId,
    body: &impl Serialize,
) -> Result<Call, ChatError> {
    let request = Request::builder(route).json(body).build();
    let request = request.map_err(|_| rejected("the message cannot be written as JSON"))?;
    Ok(Call { request, lane: Lane { operation, major: Major::Channel(channel) } })
}

fn without_body(route: &Route<'_>, operation: Operation, major: Major) -> Call {
    Call { request: Request::from_route(route), lane: Lane { operation, major } }
}

fn rejected(reason: &str) -> ChatError {
    ChatError::Rejected { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use handoff_domain::chat::{Card, CardAssignee, Ping};
    use handoff_domain::group::Level;
    use serde_json::json;

    fn body(call: &Call) -> Value {
        serde_json::from_slice(call.request.body().unwrap()).unwrap()
    }

    fn ping() -> Message {
        Message::Ping(Ping {
            user: DiscordUserId::new(7).unwrap(),
            short_id: "BACKEND-42".to_owned(),
            title: None,
            card: MessageId::new(9),
        })
    }

    fn card() -> Message {
        Message::Card(Card {
            group: None,
            short_id: "BACKEND-42".to_owned(),
            title: None,
            url: None,
            level: Level::Info,
            status: None,
            assignee: CardAssignee::Nobody,
            work_items: Vec::new(),
        })
    }

    fn channel() -> ChannelId {
        ChannelId::new(5).unwrap()
    }

    #[test]
    fn a_new_ping_mentions_one_person_and_replies_to_the_card() {
        let call = create(channel(), &ping(), "n-1", (Reply::ToCard, Manner::Aloud), Buttons::None).unwrap();
        assert_eq!(call.request.path(), "channels/5/messages");
        let sent = body(&call);
        assert_eq!(sent["allowed_mentions"], json!({"parse": [], "users": ["7"]}));
        assert_eq!(sent["message_reference"], json!({"message_id": "9", "fail_if_not_exists": false}));
        assert_eq!((&sent["nonce"], &sent["enforce_nonce"]), (&json!("n-1"), &json!(true)));
        assert_eq!(sent["flags"], 4);
        let alone = body(&create(channel(), &ping(), "n-1", (Reply::Never, Manner::Aloud), Buttons::None).unwrap());
        assert_eq!(alone.get("message_reference"), None);
    }

    #[test]
    fn an_edit_says_everything_and_mentions_nobody() {
        let id = MessageId::new(9).unwrap();
        let of_card = body(&edit(channel(), id, &card(), Buttons::None).unwrap());
        assert_eq!(of_card.get("content"), Some(&Value::Null));
        assert_eq!(of_card["allowed_mentions"], json!({"parse": []}));
        assert_eq!(of_card["embeds"].as_array().map(Vec::len), Some(1));
        let of_ping = body(&edit(channel(), id, &ping(), Buttons::None).unwrap());
        assert_eq!(of_ping["embeds"], json!([]));
        assert_eq!(of_ping["allowed_mentions"], json!({"parse": []}));
    }

    #[test]
    fn a_nonce_that_discord_would_refuse_is_not_sent() {
        let refused =
            create(channel(), &card(), &"n".repeat(26), (Reply::ToCard, Manner::Aloud), Buttons::None).unwrap_err();
        assert!(matches!(refused, ChatError::Rejected { .. }));
    }

    #[test]
    fn histories_are_read_from_a_message_on() {
        assert_eq!(history(channel(), 17).request.path(), "channels/5/messages?after=17&limit=100");
    }
}
