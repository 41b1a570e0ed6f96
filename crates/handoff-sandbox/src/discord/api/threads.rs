//! Threads that start from a message.

use http::StatusCode;
use std::collections::BTreeMap;

use super::{Context, Outcome};
use crate::discord::error::ApiError;
use crate::discord::id::Snowflake;
use crate::discord::message::HAS_THREAD;
use crate::discord::permissions::Permissions;
use crate::discord::state::{Channel, ChannelKind, Thread};
use crate::discord::{render, validate};

/// How many threads of a server may be active at a time.
const MAX_ACTIVE_THREADS: usize = 1_000;

impl Context<'_> {
    /// The thread's id is the message's.
    pub(super) fn start_thread(&mut self, channel: Snowflake, message: Snowflake) -> Outcome {
        let body = self.call.json()?;
        let (parent, permissions) = self.visible(channel)?;
        let kind = match parent.kind {
            ChannelKind::Text => ChannelKind::PublicThread,
            ChannelKind::Announcement => ChannelKind::AnnouncementThread,
            _ => return Err(ApiError::WRONG_CHANNEL_TYPE.into()),
        };
        if !permissions.contains(Permissions::CREATE_PUBLIC_THREADS) {
            return Err(ApiError::MISSING_PERMISSIONS.into());
        }
        if !parent.messages.contains_key(&message) {
            return Err(ApiError::UNKNOWN_MESSAGE.into());
        }
        if self.world.channels.contains_key(&message) {
            return Err(ApiError::THREAD_EXISTS.into());
        }
        let (guild, is_active) = (parent.guild, |thread: &Thread| !thread.archived);
        let active = self.world.channels.values().filter(|place| place.guild == guild);
        if active.filter(|place| place.thread.as_ref().is_some_and(is_active)).count() >= MAX_ACTIVE_THREADS {
            return Err(ApiError::TOO_MANY_THREADS.into());
        }
        let wanted = validate::thread(&body)?;
        let thread = Channel {
            id: message,
            guild: parent.guild,
            kind,
            name: wanted.name,
            overwrites: Vec::new(),
            thread: Some(Thread {
                parent: channel,
                owner: self.bot,
                archived: false,
                locked: false,
                auto_archive_minutes: wanted.auto_archive_minutes,
                created_us: self.now_us,
                archive_changed_us: self.now_us,
                sent: 0,
            }),
            recipient: None,
            messages: BTreeMap::new(),
        };
        let json = render::channel(self.world, &thread);
        self.world.channels.insert(message, thread);
        if let Some(message) =
            self.world.channels.get_mut(&channel).and_then(|parent| parent.messages.get_mut(&message))
        {
            message.flags |= HAS_THREAD;
        }
        Ok((StatusCode::CREATED, Some(json)))
    }
}
