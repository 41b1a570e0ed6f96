//! The small ports, in memory: the ownership caches, wake-ups that wake nobody, sealing without a key.

use crate::id::GroupId;
use crate::port::cache::{ASSIGNED_LIFETIME, OWNERSHIP_LIFETIME, UNASSIGNED_LIFETIME};
use crate::port::{AssigneeExistsCache, Clock, FillTicket, OwnershipDebounce, SecretBox, SecretBoxError, Wake};
use crate::secret::{Sealed, Secret};
use crate::time::Timestamp;
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Both ownership caches, unbounded, with the lifetimes of their ports.
pub struct MemoryCache {
    clock: Arc<dyn Clock>,
    exists: Mutex<Remembered<bool>>,
    evaluated: Mutex<Remembered<()>>,
}

/// What is remembered of groups until when, and when each was last touched, by a count of all touches.
struct Remembered<T> {
    epoch: u64,
    touched: HashMap<GroupId, u64>,
    entries: HashMap<GroupId, (T, Timestamp)>,
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self { epoch: 0, touched: HashMap::new(), entries: HashMap::new() }
    }
}

impl<T: Copy> Remembered<T> {
    fn get(&self, group: GroupId, now: Timestamp) -> Option<T> {
        self.entries.get(&group).filter(|(_, until)| *until > now).map(|(value, _)| *value)
    }

    fn ticket(&self) -> FillTicket {
        FillTicket { epoch: self.epoch }
    }

    fn is_void(&self, ticket: FillTicket, group: GroupId) -> bool {
        self.touched.get(&group).is_some_and(|at| *at > ticket.epoch)
    }

    fn touch(&mut self, group: GroupId) {
        self.epoch += 1;
        self.touched.insert(group, self.epoch);
    }

    fn forget(&mut self, groups: &[GroupId]) {
        for group in groups {
            self.touch(*group);
            self.entries.remove(group);
        }
    }
}

fn locked<T>(remembered: &Mutex<Remembered<T>>) -> MutexGuard<'_, Remembered<T>> {
    remembered.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryCache {
    /// Nothing is remembered yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, exists: Mutex::default(), evaluated: Mutex::default() }
    }
}

#[async_trait]
impl AssigneeExistsCache for MemoryCache {
    async fn get(&self, group: GroupId) -> Option<bool> {
        locked(&self.exists).get(group, self.clock.now())
    }

    async fn begin_fill(&self) -> FillTicket {
        locked(&self.exists).ticket()
    }

    async fn fill(&self, ticket: FillTicket, rows: &[(GroupId, bool)]) {
        let now = self.clock.now();
        let mut known = locked(&self.exists);
        for (group, exists) in rows {
            if known.is_void(ticket, *group) {
                known.forget(&[*group]);
            } else {
                let lifetime = if *exists { ASSIGNED_LIFETIME } else { UNASSIGNED_LIFETIME };
                known.touch(*group);
                known.entries.insert(*group, (*exists, now.plus(lifetime)));
            }
        }
    }

    async fn invalidate(&self, groups: &[GroupId]) {
        locked(&self.exists).forget(groups);
    }
}

#[async_trait]
impl OwnershipDebounce for MemoryCache {
    async fn was_evaluated(&self, group: GroupId) -> bool {
        locked(&self.evaluated).get(group, self.clock.now()).is_some()
    }

    async fn begin_evaluation(&self) -> FillTicket {
        locked(&self.evaluated).ticket()
    }

    async fn mark_evaluated(&self, ticket: FillTicket, group: GroupId) {
        let until = self.clock.now().plus(OWNERSHIP_LIFETIME);
        let mut known = locked(&self.evaluated);
        if !known.is_void(ticket, group) {
            known.entries.insert(group, ((), until));
        }
    }

    async fn forget(&self, groups: &[GroupId]) {
        locked(&self.evaluated).forget(groups);
    }
}

/// Wakes nobody: for a program that asks the queues by itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct SilentWake;

impl Wake for SilentWake {
    fn inbox(&self) {}
    fn outbox(&self) {}
    fn purge(&self) {}
}

/// Binds a secret to its context and hides it from a casual look. It has no key and protects nothing:
/// for tests and examples only.
#[derive(Debug, Clone, Copy, Default)]
pub struct ContextBox;

impl SecretBox for ContextBox {
    fn seal(&self, secret: &Secret, context: &[u8]) -> Result<Sealed, SecretBoxError> {
        let length = u32::try_from(context.len()).map_err(|_| SecretBoxError::Invalid)?;
        let hidden = secret.expose().bytes().map(|byte| !byte);
        Ok(Sealed(length.to_be_bytes().into_iter().chain(context.iter().copied()).chain(hidden).collect()))
    }

    fn open(&self, sealed: &Sealed, context: &[u8]) -> Result<Secret, SecretBoxError> {
        let (length, rest) = sealed.0.split_first_chunk().ok_or(SecretBoxError::Invalid)?;
        let hidden = rest.strip_prefix(context).ok_or(SecretBoxError::Invalid)?;
        if usize::try_from(u32::from_be_bytes(*length)) != Ok(context.len()) {
            return Err(SecretBoxError::Invalid);
        }
        let text = String::from_utf8(hidden.iter().map(|byte| !byte).collect());
        text.map(Secret::new).map_err(|_| SecretBoxError::Invalid)
    }
}
