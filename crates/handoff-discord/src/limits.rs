//! What Discord lets us send, and when: pure state, fed with the headers of every answer.
//!
//! Source: Discord's documentation, topics/rate-limits. Each route has a bucket, which routes may share;
//! its name is learnt from the answers, and its size is never guessed. Above the buckets stand the global
//! limit of a bot, refusals that concern a whole channel or guild (`shared`), and Cloudflare's ban of an
//! address that sends too many invalid requests.

use handoff_domain::organization::{ChannelId, GuildId};
use handoff_domain::time::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

/// Requests in any [`PACE_WINDOW`]. Discord allows 50 in a second, as it sees them arrive.
const REQUESTS_PER_WINDOW: usize = 45;
/// A second, and what requests may be delayed more or less than others on their way.
const PACE_WINDOW: Duration = Duration::from_millis(1100);
/// Invalid requests (401, 403, 429) in ten minutes after which we stop. Discord bans the address at
/// 10,000, for others behind the same address too.
const MAX_INVALID_REQUESTS: usize = 900;
/// The window in which invalid requests count.
const INVALID_WINDOW: Duration = Duration::from_secs(600);
/// How long nothing is sent after the token was refused; then one request finds out whether it still is.
pub(crate) const TOKEN_PAUSE: Duration = Duration::from_secs(15 * 60);
/// Beyond so many entries, what is over is swept out before an entry is added.
const SWEEP_AT: usize = 1024;

/// What a request does; each has a limit of its own unless the answers say that they share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    /// Post a message.
    CreateMessage,
    /// Edit a message.
    EditMessage,
    /// Begin a thread on a message.
    StartThread,
    /// Read a channel's history.
    ReadMessages,
    /// Read a channel.
    ReadChannel,
    /// Change a channel.
    UpdateChannel,
    /// Read a guild.
    ReadGuild,
    /// Read a guild's member.
    ReadMember,
    /// Read the bot's own account.
    ReadCurrentUser,
    /// Read the bot's own application.
    ReadApplication,
    /// Set the application's commands.
    SetCommands,
}

/// The "top-level resource" that limits are kept apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Major {
    /// A channel or thread.
    Channel(ChannelId),
    /// A guild.
    Guild(GuildId),
    /// None.
    None,
}

/// Requests that certainly share a limit, and so are sent one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Lane {
    /// What is done.
    pub(crate) operation: Operation,
    /// Where.
    pub(crate) major: Major,
}

/// Whether a request may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Now; it is counted.
    Go(Ticket),
    /// Not before so long from now.
    Wait {
        /// How long.
        left: Duration,
        /// For people.
        reason: &'static str,
    },
    /// Not now: the token was refused.
    Unauthorized,
}

/// A request that was admitted, to be handed back with what its answer told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request has to be settled"]
pub(crate) struct Ticket {
    lane: Lane,
    bucket: Option<BucketKey>,
    /// It is the one request that finds out whether the token is accepted again.
    is_probe: bool,
}

/// What an answer tells about the token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum TokenReport {
    /// Nothing.
    #[default]
    Unknown,
    /// Discord accepts it.
    Accepted,
    /// Discord refuses it.
    Refused,
}

/// What an answer's headers tell about its bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BucketReport {
    /// `X-RateLimit-Bucket`.
    pub(crate) name: String,
    /// `X-RateLimit-Remaining`.
    pub(crate) remaining: u32,
    /// `X-RateLimit-Reset-After`.
    pub(crate) reset_after: Duration,
}

/// Whom a 429 concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The route.
    Route,
    /// The channel or guild, for everybody. It is not our fault, and does not count as invalid.
    Shared,
    /// Everything we send: the bot's global limit, or Cloudflare's, which names no scope.
    Everything,
}

/// What an answer tells about limits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The bucket, where it is told.
    pub(crate) bucket: Option<BucketReport>,
    /// Of a 429: whom it concerns and for how long.
    pub(crate) limited: Option<(Scope, Duration)>,
    /// What becomes of the token.
    pub(crate) token: TokenReport,
}

type BucketKey = (String, Major);

#[derive(Debug)]
struct Bucket {
    /// Requests that may still be sent; those in flight are taken off already.
    available: u32,
    in_flight: u32,
    reset_at: Timestamp,
}

/// The state of all limits of one bot.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    /// The token was refused: nothing is sent until then, and then one request.
    unauthorized_until: Option<Timestamp>,
    everything_until: Option<Timestamp>,
    majors_until: HashMap<Major, Timestamp>,
    lanes_until: HashMap<Lane, Timestamp>,
    names: HashMap<Operation, String>,
    buckets: HashMap<BucketKey, Bucket>,
    sent: VecDeque<Timestamp>,
    invalid: VecDeque<Timestamp>,
}

impl Limits {
    /// Admits a request, or says how long to wait at least.
    pub(crate) fn admit(&mut self, lane: Lane, now: Timestamp) -> Admission {
        if self.unauthorized_until.is_some_and(|until| now < until && until.since(now) <= TOKEN_PAUSE) {
            return Admission::Unauthorized;
        }
        let waits = [
            (self.everything_until, "Discord asked for a pause of everything"),
            (self.until_invalid(now), "too many requests were refused lately; stopped before Discord bans the address"),
            (self.majors_until.get(&lane.major).copied(), "the channel or guild is limited for everybody"),
            (self.lanes_until.get(&lane).copied(), "Discord asked for a pause in this channel"),
            (self.until_bucket(lane, now), "the channel's limit is used up"),
            (self.until_pace(now), "the bot's requests per second are used up"),
        ];
        let longest = waits.into_iter().filter_map(|(until, reason)| Some((until?.since(now), reason))).max();
        if let Some((left, reason)) = longest
            && !left.is_zero()
        {
            return Admission::Wait { left, reason };
        }
        self.sent.push_back(now);
        let is_probe = self.unauthorized_until.is_some();
        if is_probe {
            self.unauthorized_until = Some(now.plus(TOKEN_PAUSE));
        }
        let bucket = self.take(lane, now);
        Admission::Go(Ticket { lane, bucket, is_probe })
    }

    /// Learns from an answer; without a report, that there was none.
    pub(crate) fn settle(&mut self, ticket: Ticket, now: Timestamp, report: Option<&Report>) {
        if let Some(bucket) = ticket.bucket.and_then(|key| self.buckets.get_mut(&key)) {
            bucket.in_flight = bucket.in_flight.saturating_sub(1);
        }
        self.learn_of_token(ticket.is_probe, report.map_or(TokenReport::Unknown, |report| report.token), now);
        let Some(report) = report else { return };
        if let Some(bucket) = &report.bucket {
            self.learn(ticket.lane, bucket, now);
        }
        if let Some((scope, left)) = report.limited {
            self.pause(ticket.lane, scope, now.plus(left), now);
        }
        let is_shared = matches!(report.limited, Some((Scope::Shared, _)));
        if matches!(report.status, 401 | 403) || (report.status == 429 && !is_shared) {
            self.count_invalid(now);
        }
    }

    /// What was sent before the token was refused, and is answered after it, changes nothing.
    fn learn_of_token(&mut self, is_probe: bool, told: TokenReport, now: Timestamp) {
        match told {
            TokenReport::Refused => self.unauthorized_until = Some(now.plus(TOKEN_PAUSE)),
            TokenReport::Accepted if is_probe => self.unauthorized_until = None,
            // Another one may find out at once.
            TokenReport::Unknown if is_probe => self.unauthorized_until = Some(now),
            TokenReport::Accepted | TokenReport::Unknown => {}
        }
    }

    fn take(&mut self, lane: Lane, now: Timestamp) -> Option<BucketKey> {
        let key = self.names.get(&lane.operation).map(|name| (name.clone(), lane.major));
        key.filter(|key| match self.buckets.get_mut(key) {
            Some(bucket) if bucket.reset_at > now => {
                bucket.available = bucket.available.saturating_sub(1);
                bucket.in_flight += 1;
                true
            }
            Some(_) => {
                self.buckets.remove(key);
                false
            }
            None => false,
        })
    }

    fn learn(&mut self, lane: Lane, report: &BucketReport, now: Timestamp) {
        if self.buckets.len() >= SWEEP_AT {
            self.buckets.retain(|_, bucket| bucket.reset_at > now);
        }
        self.names.insert(lane.operation, report.name.clone());
        let reset_at = now.plus(report.reset_after);
        let bucket = self.buckets.entry((report.name.clone(), lane.major)).or_insert(Bucket {
            available: 0,
            in_flight: 0,
            reset_at,
        });
        // Discord may not have counted what is still under way.
        bucket.available = report.remaining.saturating_sub(bucket.in_flight);
        bucket.reset_at = reset_at;
    }

    fn pause(&mut self, lane: Lane, scope: Scope, until: Timestamp, now: Timestamp) {
        match scope {
            Scope::Everything => self.everything_until = self.everything_until.max(Some(until)),
            Scope::Shared => put_later(&mut self.majors_until, lane.major, until, now),
            Scope::Route => put_later(&mut self.lanes_until, lane, until, now),
        }
    }

    fn count_invalid(&mut self, now: Timestamp) {
        self.invalid.push_back(now);
        if self.invalid.len() > MAX_INVALID_REQUESTS {
            self.invalid.pop_front();
        }
    }

    fn until_invalid(&mut self, now: Timestamp) -> Option<Timestamp> {
        keep_window(&mut self.invalid, INVALID_WINDOW, now);
        full_until(&self.invalid, MAX_INVALID_REQUESTS, INVALID_WINDOW)
    }

    fn until_pace(&mut self, now: Timestamp) -> Option<Timestamp> {
        keep_window(&mut self.sent, PACE_WINDOW, now);
        full_until(&self.sent, REQUESTS_PER_WINDOW, PACE_WINDOW)
    }

    /// Until the lane's bucket is filled again. Where its name is not known yet, it may be any bucket of
    /// the channel or guild.
    fn until_bucket(&self, lane: Lane, now: Timestamp) -> Option<Timestamp> {
        let is_empty = |bucket: &&Bucket| bucket.available == 0 && bucket.reset_at > now;
        match self.names.get(&lane.operation) {
            Some(name) => self.buckets.get(&(name.clone(), lane.major)).filter(is_empty).map(|bucket| bucket.reset_at),
            None => {
                let of_major = self.buckets.iter().filter(|((_, major), _)| *major == lane.major);
                of_major.map(|(_, bucket)| bucket).filter(is_empty).map(|bucket| bucket.reset_at).max()
            }
        }
    }
}

fn put_later<K: Eq + Hash>(map: &mut HashMap<K, Timestamp>, key: K, until: Timestamp, now: Timestamp) {
    if map.len() >= SWEEP_AT {
        map.retain(|_, at| *at > now);
    }
    let at = map.entry(key).or_insert(until);
    *at = until.max(*at);
}

/// Drops what the window has left behind, and what a clock that was set back would keep for too long.
fn keep_window(times: &mut VecDeque<Timestamp>, window: Duration, now: Timestamp) {
    while times.back().is_some_and(|at| *at > now) {
        times.pop_back();
    }
    let before = now.minus(window);
    while times.front().is_some_and(|at| *at <= before) {
        times.pop_front();
    }
}

/// When one of `max` places in the window becomes free, if none is.
fn full_until(times: &VecDeque<Timestamp>, max: usize, window: Duration) -> Option<Timestamp> {
    let blocking = times.len().checked_sub(max)?;
    times.get(blocking).map(|at| at.plus(window))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn at(ms: u64) -> Timestamp {
        START.plus(Duration::from_millis(ms))
    }

    fn lane(operation: Operation, channel: u64) -> Lane {
        Lane { operation, major: Major::Channel(ChannelId::new(channel).unwrap()) }
    }

    fn create(channel: u64) -> Lane {
        lane(Operation::CreateMessage, channel)
    }

    fn go(limits: &mut Limits, lane: Lane, now: Timestamp) -> Ticket {
        match limits.admit(lane, now) {
            Admission::Go(ticket) => ticket,
            other => panic!("{other:?}"),
        }
    }

    fn wait(limits: &mut Limits, lane: Lane, now: Timestamp) -> u128 {
        match limits.admit(lane, now) {
            Admission::Wait { left, .. } => left.as_millis(),
            other => panic!("{other:?}"),
        }
    }

    fn bucket(name: &str, remaining: u32, reset_after_ms: u64) -> Report {
        let reset_after = Duration::from_millis(reset_after_ms);
        Report {
            status: 200,
            bucket: Some(BucketReport { name: name.to_owned(), remaining, reset_after }),
            ..Report::default()
        }
    }

    fn limited(scope: Scope, ms: u64) -> Report {
        Report { status: 429, limited: Some((scope, Duration::from_millis(ms))), ..Report::default() }
    }

    #[test]
    fn an_empty_bucket_waits_for_its_reset_and_no_other_channel_does() {
        let mut limits = Limits::default();
        let ticket = go(&mut limits, create(1), at(0));
        limits.settle(ticket, at(100), Some(&bucket("b", 0, 5000)));
        assert_eq!(wait(&mut limits, create(1), at(100)), 5000);
        assert_eq!(wait(&mut limits, create(1), at(5000)), 100);
        let _other = go(&mut limits, create(2), at(100));
        let _reset = go(&mut limits, create(1), at(5100));
    }

    #[test]
    fn what_is_in_flight_is_taken_off_what_remains() {
        let mut limits = Limits::default();
        let ticket = go(&mut limits, create(1), at(0));
        limits.settle(ticket, at(0), Some(&bucket("b", 2, 5000)));
        let first = go(&mut limits, create(1), at(1));
        let _second = go(&mut limits, create(1), at(2));
        assert_eq!(wait(&mut limits, create(1), at(3)), 4997);
        // Its answer does not know of the second request yet.
        limits.settle(first, at(4), Some(&bucket("b", 1, 4996)));
        assert_eq!(wait(&mut limits, create(1), at(4)), 4996);
    }

    #[test]
    fn routes_that_share_a_bucket_share_what_remains() {
        let edit = lane(Operation::EditMessage, 1);
        let mut limits = Limits::default();
        let ticket = go(&mut limits, create(1), at(0));
        limits.settle(ticket, at(0), Some(&bucket("b", 0, 5000)));
        // Which bucket edits use is not known: it may be this one.
        assert_eq!(wait(&mut limits, edit, at(1)), 4999);
        let ticket = go(&mut limits, lane(Operation::EditMessage, 2), at(1));
        limits.settle(ticket, at(1), Some(&bucket("e", 4, 5000)));
        let ticket = go(&mut limits, edit, at(2));
        limits.settle(ticket, at(2), Some(&bucket("b", 0, 4998)));
        assert_eq!(wait(&mut limits, edit, at(2)), 4998);
    }

    #[test]
    fn a_429_pauses_what_it_concerns() {
        let edit = lane(Operation::EditMessage, 1);
        for (scope, paused, free) in [
            (Scope::Route, vec![create(1)], vec![edit, create(2)]),
            (Scope::Shared, vec![create(1), edit], vec![create(2)]),
            (Scope::Everything, vec![create(1), edit, create(2)], vec![]),
        ] {
            let mut limits = Limits::default();
            let ticket = go(&mut limits, create(1), at(0));
            limits.settle(ticket, at(0), Some(&limited(scope, 3000)));
            for lane in paused {
                assert_eq!(wait(&mut limits, lane, at(1000)), 2000, "{scope:?} {lane:?}");
            }
            for lane in free {
                let _ticket = go(&mut limits, lane, at(1000));
            }
            let _over = go(&mut limits, create(1), at(3000));
        }
    }

    #[test]
    fn no_second_holds_more_requests_than_allowed() {
        let mut limits = Limits::default();
        for n in 0..REQUESTS_PER_WINDOW {
            let _ticket = go(&mut limits, create(u64::try_from(n).unwrap() + 1), at(10));
        }
        assert_eq!(wait(&mut limits, create(99), at(500)), 610);
        let _ticket = go(&mut limits, create(99), at(1110));
    }

    #[test]
    fn invalid_requests_stop_everything_well_before_the_ban() {
        let mut limits = Limits::default();
        let forbidden = Report { status: 403, ..Report::default() };
        for n in 0..MAX_INVALID_REQUESTS {
            let now = at(u64::try_from(n).unwrap() * 100);
            let ticket = go(&mut limits, create(1), now);
            limits.settle(ticket, now, Some(&forbidden));
        }
        assert_eq!(wait(&mut limits, create(2), at(100_000)), 500_000);
        let _ticket = go(&mut limits, create(2), at(600_000));
    }

    #[test]
    fn a_shared_429_is_no_invalid_request() {
        let mut limits = Limits::default();
        for n in 0..=MAX_INVALID_REQUESTS {
            let now = at(u64::try_from(n).unwrap() * 100);
            let ticket = go(&mut limits, create(1), now);
            limits.settle(ticket, now, Some(&limited(Scope::Shared, 1)));
        }
        assert!(limits.invalid.is_empty());
    }

    fn told(token: TokenReport) -> Report {
        Report { token, ..Report::default() }
    }

    #[test]
    fn after_a_refused_token_one_request_at_a_time_finds_out_whether_it_is_accepted_again() {
        const PAUSE_MS: u64 = 15 * 60 * 1000;
        let mut limits = Limits::default();
        let (refused, before) = (go(&mut limits, create(1), at(0)), go(&mut limits, create(2), at(0)));
        limits.settle(refused, at(0), Some(&told(TokenReport::Refused)));
        // What was under way already proves nothing.
        limits.settle(before, at(1), Some(&told(TokenReport::Accepted)));
        assert_eq!(limits.admit(create(1), at(PAUSE_MS - 1)), Admission::Unauthorized);
        let probe = go(&mut limits, create(1), at(PAUSE_MS));
        assert_eq!(limits.admit(create(2), at(PAUSE_MS)), Admission::Unauthorized);
        limits.settle(probe, at(PAUSE_MS), Some(&told(TokenReport::Refused)));
        assert_eq!(limits.admit(create(2), at(2 * PAUSE_MS - 1)), Admission::Unauthorized);
        let unanswered = go(&mut limits, create(1), at(2 * PAUSE_MS));
        limits.settle(unanswered, at(2 * PAUSE_MS), None);
        let probe = go(&mut limits, create(1), at(2 * PAUSE_MS));
        limits.settle(probe, at(2 * PAUSE_MS), Some(&told(TokenReport::Accepted)));
        let _both = (go(&mut limits, create(1), at(2 * PAUSE_MS)), go(&mut limits, create(2), at(2 * PAUSE_MS)));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_stop_sending() {
        let mut limits = Limits::default();
        for _ in 0..REQUESTS_PER_WINDOW {
            let _ticket = go(&mut limits, create(1), at(3_600_000));
        }
        let refused = go(&mut limits, create(1), at(0));
        limits.settle(refused, at(3_600_000), Some(&told(TokenReport::Refused)));
        let _ticket = go(&mut limits, create(1), at(0));
    }
}
