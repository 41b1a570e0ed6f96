//! Invalidate Assignee-Exists Cache: for one group, or in batches for every group of a project whose
//! last event is inside the cache's lifetime. Others keep their entry: it has expired anyway.

use crate::id::{GroupId, ProjectId};
use crate::port::cache::ASSIGNED_LIFETIME;
use crate::port::{AssigneeExistsCache, Clock, Store, StoreError};

/// How many groups are read and forgotten at a time.
pub const BATCH: u16 = 1000;

/// What to forget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forget {
    /// One group.
    Group(GroupId),
    /// Every group of a project that may still have an entry.
    Project(ProjectId),
}

/// Forgets what the cache remembers; says of how many groups.
///
/// # Errors
/// [`StoreError`]; some batches may have been forgotten already, which does no harm.
pub async fn invalidate_assignee_exists_cache(
    what: Forget,
    store: &dyn Store,
    cache: &dyn AssigneeExistsCache,
    clock: &dyn Clock,
) -> Result<u64, StoreError> {
    let project = match what {
        Forget::Group(group) => {
            cache.invalidate(&[group]).await;
            return Ok(1);
        }
        Forget::Project(project) => project,
    };
    let since = clock.now().minus(ASSIGNED_LIFETIME);
    let (mut after, mut forgotten) = (None, 0);
    loop {
        let mut uow = store.begin().await?;
        let groups = uow.groups_seen_since(project, since, after, BATCH).await?;
        drop(uow);
        let Some(last) = groups.last() else { return Ok(forgotten) };
        after = Some(*last);
        forgotten += u64::try_from(groups.len()).unwrap_or(u64::MAX);
        cache.invalidate(&groups).await;
        if groups.len() < usize::from(BATCH) {
            return Ok(forgotten);
        }
    }
}
