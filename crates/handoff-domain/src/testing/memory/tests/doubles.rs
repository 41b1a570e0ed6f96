//! The small ports in memory.

use super::{GROUP, NOW};
use crate::port::{AssigneeExistsCache, OwnershipDebounce, SecretBox, SecretBoxError};
use crate::secret::{Sealed, Secret};
use crate::testing::{ContextBox, FixedClock, MemoryCache};
use std::sync::Arc;
use std::time::Duration;

fn cache() -> (Arc<FixedClock>, MemoryCache) {
    let clock = Arc::new(FixedClock::at(NOW));
    (clock.clone(), MemoryCache::new(clock))
}

#[tokio::test]
async fn an_assigned_group_is_believed_for_a_day_and_an_unassigned_one_for_a_minute() {
    for (exists, lifetime) in [(true, 86_400), (false, 60)] {
        let (clock, cache) = cache();
        let ticket = cache.begin_fill().await;
        cache.fill(ticket, &[(GROUP, exists)]).await;
        clock.advance(Duration::from_secs(lifetime - 1));
        assert_eq!(cache.get(GROUP).await, Some(exists));
        clock.advance(Duration::from_secs(1));
        assert_eq!(cache.get(GROUP).await, None);
    }
}

#[tokio::test]
async fn a_fill_that_something_came_in_between_of_is_forgotten() {
    let (_, cache) = cache();
    let late = cache.begin_fill().await;
    cache.invalidate(&[GROUP]).await;
    cache.fill(late, &[(GROUP, true)]).await;
    assert_eq!(cache.get(GROUP).await, None);
    let late = cache.begin_fill().await;
    cache.fill(cache.begin_fill().await, &[(GROUP, true)]).await;
    assert_eq!(cache.get(GROUP).await, Some(true));
    cache.fill(late, &[(GROUP, false)]).await;
    assert_eq!(cache.get(GROUP).await, None);
}

#[tokio::test]
async fn an_evaluation_is_not_repeated_for_a_day_unless_it_was_forgotten_meanwhile() {
    let (clock, cache) = cache();
    let late = cache.begin_evaluation().await;
    cache.forget(&[GROUP]).await;
    cache.mark_evaluated(late, GROUP).await;
    assert!(!cache.was_evaluated(GROUP).await);
    let ticket = cache.begin_evaluation().await;
    cache.mark_evaluated(ticket, GROUP).await;
    assert!(cache.was_evaluated(GROUP).await);
    clock.advance(Duration::from_secs(86_400));
    assert!(!cache.was_evaluated(GROUP).await);
}

#[test]
fn a_sealed_secret_opens_in_its_own_context_only_and_does_not_show() {
    let sealed = ContextBox.seal(&Secret::new("hunter2"), b"row 1").unwrap();
    assert_eq!(ContextBox.open(&sealed, b"row 1"), Ok(Secret::new("hunter2")));
    for other in [&b"row 2"[..], b"row", b"row 11", b""] {
        assert_eq!(ContextBox.open(&sealed, other), Err(SecretBoxError::Invalid));
    }
    assert_eq!(ContextBox.open(&Sealed(vec![1]), b""), Err(SecretBoxError::Invalid));
    assert!(!sealed.0.windows(7).any(|bytes| bytes == b"hunter2"));
}
