//! The assignee-exists cache and the ownership debounce, shared through Redis.
//!
//! Lifetimes are Redis' own. Every change is stamped with the server's time: a ticket is such a time, an entry keeps
//! that of its writing, and what was forgotten leaves a mark for [`MARKED_FOR`]. A fill under a ticket that is not
//! younger than both, or older than any mark can be, or from before a flush, is void: the group is forgotten.

use super::Redis;
use async_trait::async_trait;
use handoff_domain::id::GroupId;
use handoff_domain::port::cache::{ASSIGNED_LIFETIME, OWNERSHIP_LIFETIME, UNASSIGNED_LIFETIME};
use handoff_domain::port::{AssigneeExistsCache, FillTicket, OwnershipDebounce};
use redis::Script;
use std::sync::Arc;
use std::time::Duration;

/// How long it is known that something was forgotten: longer than anything read before that is on its way.
const MARKED_FOR: Duration = Duration::from_secs(120);
/// How long it is known since when nothing was lost; longer than everything else.
const BORN_FOR: Duration = Duration::from_secs(2 * 86_400);

/// One kind of memory.
#[derive(Clone, Copy)]
enum Kind {
    Exists,
    Evaluated,
}

/// Remembers for all replicas whether groups are assigned, and whose ownership was evaluated.
pub struct RedisCache {
    redis: Arc<Redis>,
    begin_fill: Script,
    fill: Script,
    forget: Script,
    get: Script,
}

impl RedisCache {
    /// Through this connection.
    #[must_use]
    pub fn new(redis: Arc<Redis>) -> Self {
        Self {
            redis,
            begin_fill: Script::new(include_str!("begin_fill.lua")),
            fill: Script::new(include_str!("fill.lua")),
            forget: Script::new(include_str!("forget.lua")),
            get: Script::new("return redis.call('GET', KEYS[1])"),
        }
    }

    fn entry(&self, kind: Kind, group: GroupId) -> String {
        self.redis.key(format_args!("{}:{}", kind.name(), group.get().simple()))
    }

    fn mark(&self, kind: Kind, group: GroupId) -> String {
        self.redis.key(format_args!("{}:forgotten:{}", kind.name(), group.get().simple()))
    }

    fn born(&self) -> String {
        self.redis.key(format_args!("born"))
    }

    /// A ticket that nothing can be filled under where Redis is away.
    async fn ticket(&self) -> FillTicket {
        let mut call = self.begin_fill.prepare_invoke();
        call.key(self.born()).arg(millis(BORN_FOR));
        FillTicket { epoch: self.redis.run(&call).await.unwrap_or(0) }
    }

    async fn remember(&self, kind: Kind, ticket: FillTicket, rows: &[(GroupId, bool, Duration)]) {
        if rows.is_empty() || ticket.epoch == 0 {
            return;
        }
        let mut call = self.fill.prepare_invoke();
        call.key(self.born()).arg(ticket.epoch).arg(millis(MARKED_FOR));
        for (group, value, lifetime) in rows {
            call.key(self.entry(kind, *group))
                .key(self.mark(kind, *group))
                .arg(u8::from(*value))
                .arg(millis(*lifetime));
        }
        // Best effort: what is not remembered is read again.
        drop(self.redis.run::<()>(&call).await);
    }

    async fn recall(&self, kind: Kind, group: GroupId) -> Option<bool> {
        let mut call = self.get.prepare_invoke();
        call.key(self.entry(kind, group));
        let entry: Option<String> = self.redis.run(&call).await.ok()?;
        Some(entry?.starts_with('1'))
    }

    async fn drop_all(&self, kind: Kind, groups: &[GroupId]) {
        if groups.is_empty() {
            return;
        }
        let mut call = self.forget.prepare_invoke();
        call.arg(millis(MARKED_FOR));
        for group in groups {
            call.key(self.entry(kind, *group)).key(self.mark(kind, *group));
        }
        // Best effort: a lifetime repairs it.
        drop(self.redis.run::<()>(&call).await);
    }
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Exists => "exists",
            Self::Evaluated => "evaluated",
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[async_trait]
impl AssigneeExistsCache for RedisCache {
    async fn get(&self, group: GroupId) -> Option<bool> {
        self.recall(Kind::Exists, group).await
    }

    async fn begin_fill(&self) -> FillTicket {
        self.ticket().await
    }

    async fn fill(&self, ticket: FillTicket, rows: &[(GroupId, bool)]) {
        let lifetime = |exists| if exists { ASSIGNED_LIFETIME } else { UNASSIGNED_LIFETIME };
        let rows: Vec<_> = rows.iter().map(|(group, exists)| (*group, *exists, lifetime(*exists))).collect();
        self.remember(Kind::Exists, ticket, &rows).await;
    }

    async fn invalidate(&self, groups: &[GroupId]) {
        self.drop_all(Kind::Exists, groups).await;
    }
}

#[async_trait]
impl OwnershipDebounce for RedisCache {
    async fn was_evaluated(&self, group: GroupId) -> bool {
        self.recall(Kind::Evaluated, group).await.unwrap_or(false)
    }

    async fn begin_evaluation(&self) -> FillTicket {
        self.ticket().await
    }

    async fn mark_evaluated(&self, ticket: FillTicket, group: GroupId) {
        self.remember(Kind::Evaluated, ticket, &[(group, true, OWNERSHIP_LIFETIME)]).await;
    }

    async fn forget(&self, groups: &[GroupId]) {
        self.drop_all(Kind::Evaluated, groups).await;
    }
}
