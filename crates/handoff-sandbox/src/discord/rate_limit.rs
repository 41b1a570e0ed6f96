//! Rate limits: a bucket for each route family and channel or guild, a global one for each bot, the one
//! on edits of old messages, and the ban of a client that keeps sending invalid requests (Discord docs,
//! rate limits). All on the simulator's clock.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::id::Snowflake;
use super::options::{Limit, Limits};
use crate::clock::micros;

/// Whose limit it is, as the `X-RateLimit-Scope` header of a 429 says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The bot's own, on this route.
    User,
    /// The bot's own, on all routes.
    Global,
    /// The channel's or guild's, shared by everyone in it; does not count as an invalid request.
    Shared,
}

impl Scope {
    /// The header's value.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Global => "global",
            Self::Shared => "shared",
        }
    }
}

/// A route family and the channel or guild in its path: what a limit is kept for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct BucketKey {
    pub(super) family: Family,
    pub(super) major: Option<Snowflake>,
}

/// Routes that share a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Family {
    CreateMessage,
    EditMessage,
    DeleteMessage,
    /// Any other operation, by its name.
    Other(&'static str),
}

/// The state of a bucket after a request, for the answer's headers.
#[derive(Clone, Debug)]
pub(super) struct BucketState {
    pub(super) limit: u32,
    pub(super) remaining: u32,
    pub(super) reset_us: i64,
    pub(super) reset_after_us: i64,
    pub(super) hash: String,
}

/// A 429.
#[derive(Clone, Debug)]
pub(super) struct Limited {
    pub(super) retry_after_us: i64,
    pub(super) scope: Scope,
    /// Discord's code, where the limit has one of its own.
    pub(super) code: Option<u32>,
    pub(super) message: &'static str,
    pub(super) bucket: Option<BucketState>,
}

impl Limited {
    fn new(scope: Scope, retry_after_us: i64, bucket: Option<BucketState>) -> Self {
        Self { retry_after_us, scope, code: None, message: "You are being rate limited.", bucket }
    }
}

/// Requests counted from the first one on, until the window is over.
#[derive(Clone, Copy, Debug)]
struct Window {
    ends_us: i64,
    used: u32,
}

impl Window {
    /// The present window: `old`, or a new one once that is over.
    fn at(old: Option<&Self>, limit: Limit, now_us: i64) -> Self {
        match old {
            Some(window) if window.ends_us > now_us => *window,
            _ => Self { ends_us: now_us + micros(limit.per), used: 0 },
        }
    }
}

/// The state of every limit.
#[derive(Debug)]
pub(super) struct Limiter {
    limits: Limits,
    buckets: HashMap<(Snowflake, BucketKey), Window>,
    global: HashMap<Snowflake, Window>,
    /// Until when each bot was told to send nothing at all.
    global_until_us: HashMap<Snowflake, i64>,
    /// Until when a channel or guild refuses everybody, by a test's wish, and whether it has said so.
    shared: HashMap<Snowflake, (i64, bool)>,
    old_edits: HashMap<Snowflake, Window>,
    /// Until when a bot was told not to edit old messages of a channel.
    old_edits_until_us: HashMap<Snowflake, i64>,
    /// When invalid requests were answered; at most as many as the limit counts.
    invalid_us: VecDeque<i64>,
    banned_until_us: i64,
    during_cooldown: u64,
}

impl Limiter {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            buckets: HashMap::new(),
            global: HashMap::new(),
            global_until_us: HashMap::new(),
            shared: HashMap::new(),
            old_edits: HashMap::new(),
            old_edits_until_us: HashMap::new(),
            invalid_us: VecDeque::new(),
            banned_until_us: i64::MIN,
            during_cooldown: 0,
        }
    }

    /// How many requests were sent although an earlier answer said to wait.
    pub(super) fn during_cooldown(&self) -> u64 {
        self.during_cooldown
    }

    /// How long the client's address stays banned, if it is.
    pub(super) fn banned(&self, now_us: i64) -> Option<i64> {
        (self.banned_until_us > now_us).then(|| self.banned_until_us - now_us)
    }

    /// The same, for a request: one sent during a ban was sent against the limit.
    pub(super) fn admit_address(&mut self, now_us: i64) -> Result<(), i64> {
        match self.banned(now_us) {
            None => Ok(()),
            Some(left_us) => {
                self.during_cooldown += 1;
                Err(left_us)
            }
        }
    }

    /// Counts a request of `bot` and says whether it may go on.
    pub(super) fn admit(&mut self, bot: Snowflake, key: BucketKey, now_us: i64) -> Result<BucketState, Limited> {
        if let Some(left_us) = left(self.global_until_us.get(&bot), now_us) {
            self.during_cooldown += 1;
            return Err(Limited::new(Scope::Global, left_us, None));
        }
        let mut window = Window::at(self.global.get(&bot), self.limits.global, now_us);
        window.used = window.used.saturating_add(1);
        self.global.insert(bot, window);
        if window.used > self.limits.global.requests {
            // Nothing had announced it: from here on the bot has been told.
            self.global_until_us.insert(bot, window.ends_us);
            return Err(Limited::new(Scope::Global, window.ends_us - now_us, None));
        }
        let key = self.effective(key);
        let limit = self.limit_of(key.family);
        let mut window = Window::at(self.buckets.get(&(bot, key)), limit, now_us);
        let refused = window.used >= limit.requests;
        if !refused {
            window.used += 1;
        }
        self.buckets.insert((bot, key), window);
        let state = BucketState {
            limit: limit.requests,
            remaining: limit.requests - window.used,
            reset_us: window.ends_us,
            reset_after_us: window.ends_us - now_us,
            hash: hash_of(key.family),
        };
        if refused {
            // The answer before this one said that none remained.
            self.during_cooldown += 1;
            return Err(Limited::new(Scope::User, state.reset_after_us, Some(state)));
        }
        if let Some((until_us, told)) = key.major.and_then(|major| self.shared.get_mut(&major))
            && let Some(left_us) = left(Some(until_us), now_us)
        {
            self.during_cooldown += u64::from(*told);
            *told = true;
            return Err(Limited::new(Scope::Shared, left_us, Some(state)));
        }
        Ok(state)
    }

    /// Counts an edit of a message created at `created_us` and says whether it may go on.
    pub(super) fn admit_edit(&mut self, channel: Snowflake, created_us: i64, now_us: i64) -> Result<(), Limited> {
        if now_us - created_us <= micros(self.limits.old_after) {
            return Ok(());
        }
        let limit = self.limits.old_edits;
        let mut window = Window::at(self.old_edits.get(&channel), limit, now_us);
        if window.used < limit.requests {
            window.used += 1;
            self.old_edits.insert(channel, window);
            return Ok(());
        }
        if left(self.old_edits_until_us.get(&channel), now_us).is_some() {
            self.during_cooldown += 1;
        }
        self.old_edits_until_us.insert(channel, window.ends_us);
        Err(Limited {
            code: Some(30046),
            message: "Maximum number of edits to messages older than 1 hour reached. Try again later",
            ..Limited::new(Scope::User, window.ends_us - now_us, None)
        })
    }

    /// Counts an answer that Discord calls invalid: 401, 403, or 429 unless of shared scope.
    pub(super) fn count_invalid(&mut self, now_us: i64) {
        let limit = self.limits.invalid_requests;
        let since_us = now_us - micros(limit.per);
        while self.invalid_us.front().is_some_and(|at_us| *at_us <= since_us) {
            self.invalid_us.pop_front();
        }
        self.invalid_us.push_back(now_us);
        if self.invalid_us.len() > usize::try_from(limit.requests).unwrap_or(usize::MAX) {
            self.banned_until_us = now_us + micros(self.limits.ban);
            self.invalid_us.clear();
        }
    }

    /// How many invalid requests count at present.
    pub(super) fn invalid_requests(&self, now_us: i64) -> usize {
        let since_us = now_us - micros(self.limits.invalid_requests.per);
        self.invalid_us.iter().filter(|at_us| **at_us > since_us).count()
    }

    /// Uses up the global limit of `bot` for so long. It learns of it by its next answer.
    pub(super) fn exhaust_global(&mut self, bot: Snowflake, duration: Duration, now_us: i64) {
        let ends_us = now_us + micros(duration);
        let used = self.limits.global.requests;
        self.global.insert(bot, Window { ends_us, used });
    }

    /// Lets a channel or guild refuse everybody for so long, with a limit of shared scope.
    pub(super) fn exhaust_shared(&mut self, major: Snowflake, duration: Duration, now_us: i64) {
        self.shared.insert(major, (now_us + micros(duration), false));
    }

    fn effective(&self, key: BucketKey) -> BucketKey {
        match key.family {
            Family::EditMessage if self.limits.edits_share_create_bucket => {
                BucketKey { family: Family::CreateMessage, ..key }
            }
            _ => key,
        }
    }

    fn limit_of(&self, family: Family) -> Limit {
        match family {
            Family::CreateMessage => self.limits.create_message,
            Family::EditMessage => self.limits.edit_message,
            Family::DeleteMessage => self.limits.delete_message,
            Family::Other(_) => self.limits.other,
        }
    }
}

fn left(until_us: Option<&i64>, now_us: i64) -> Option<i64> {
    until_us.map(|until_us| until_us - now_us).filter(|left_us| *left_us > 0)
}

/// A bucket's name: opaque, the same for every channel.
fn hash_of(family: Family) -> String {
    let name = match family {
        Family::CreateMessage => "create_message",
        Family::EditMessage => "edit_message",
        Family::DeleteMessage => "delete_message",
        Family::Other(name) => name,
    };
    // FNV-1a, 64 bits.
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}{:016x}", hash.rotate_left(29))
}
