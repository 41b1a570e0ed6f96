//! We are out of order: Azure DevOps is asked to come again, in time, and nothing is lost.

use super::good;
use async_trait::async_trait;
use handoff_domain::delivery::{ClaimedDelivery, NewDelivery};
use handoff_domain::id::DeliveryId;
use handoff_domain::port::{Appended, Inbox, InboxError, StoreError};
use handoff_domain::time::Timestamp;
use handoff_sandbox::azure::SubscriptionStatus;
use handoff_tests::instance::Setup;
use handoff_tests::scene::Scene;
use handoff_tests::webhook::{Caller, IN_TIME};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

pub(crate) const WORKS: u8 = 0;
pub(crate) const REFUSES: u8 = 1;
const HANGS: u8 = 2;

/// An inbox that does not store when it is told not to.
struct Flaky {
    inner: Arc<dyn Inbox>,
    mood: Arc<AtomicU8>,
}

#[async_trait]
impl Inbox for Flaky {
    async fn append(&self, delivery: NewDelivery) -> Result<Appended, InboxError> {
        match self.mood.load(Ordering::SeqCst) {
            REFUSES => Err(InboxError::Unavailable(StoreError::Unavailable("switched off".to_owned()))),
            HANGS => std::future::pending().await,
            _ => self.inner.append(delivery).await,
        }
    }

    async fn claim(&self, now: Timestamp, until: Timestamp, limit: u16) -> Result<Vec<ClaimedDelivery>, StoreError> {
        self.inner.claim(now, until, limit).await
    }

    async fn fail(
        &self,
        id: DeliveryId,
        token: i64,
        retry_at: Timestamp,
        reason: &str,
        counts: bool,
    ) -> Result<(), StoreError> {
        self.inner.fail(id, token, retry_at, reason, counts).await
    }

    async fn purge(&self, before: Timestamp, limit: u16) -> Result<u64, StoreError> {
        self.inner.purge(before, limit).await
    }
}

/// A scene whose inbox does as it is told.
pub(crate) async fn flaky_scene() -> (Scene, Arc<AtomicU8>) {
    let mood = Arc::new(AtomicU8::new(WORKS));
    let switch = mood.clone();
    let scene = Scene::with(Setup::default(), move |ports| {
        ports.inbox = Arc::new(Flaky { inner: ports.inbox.clone(), mood });
    });
    (scene.await, switch)
}

#[tokio::test]
async fn a_store_that_refuses_or_hangs_is_answered_503_with_a_time_to_come_again() {
    let (scene, mood) = flaky_scene().await;
    let caller = Caller::of(&scene, scene.hook("workitem.updated"));
    let body = good(&scene).await.to_string();
    for state in [REFUSES, HANGS] {
        mood.store(state, Ordering::SeqCst);
        let answer = tokio::time::timeout(IN_TIME, caller.post(body.clone())).await.unwrap();
        assert_eq!(answer.status, 503);
        assert!(answer.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0));
    }
    mood.store(WORKS, Ordering::SeqCst);
    scene.finish().await;
}

#[tokio::test]
async fn what_happens_during_an_outage_of_two_minutes_arrives_after_it() {
    let (scene, mood) = flaky_scene().await;
    let (item, group) = scene.linked("The mill stops").await;
    mood.store(REFUSES, Ordering::SeqCst);
    scene.assign_in_azure(item, &scene.ada);
    scene.advance(Duration::from_secs(60)).await;
    scene.assign_in_azure(item, &scene.bob);
    scene.advance(Duration::from_secs(60)).await;
    assert_eq!(scene.assignee(&group).await, None);
    mood.store(WORKS, Ordering::SeqCst);
    // The last of Azure DevOps' own retries is 183 seconds after the event.
    scene.advance(Duration::from_secs(200)).await;
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.bob).user));
    assert!(scene.azure.subscriptions().iter().all(|hook| hook.status == SubscriptionStatus::Enabled));
    scene.finish().await;
}

#[tokio::test]
async fn a_draining_instance_sends_deliveries_away_and_the_next_one_takes_them() {
    let mut scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    let caller = Caller::of(&scene, scene.hook("workitem.updated"));
    scene.running().api().lifecycle.drain();
    let answer = caller.post("{}").await;
    assert_eq!(answer.status, 503);
    assert!(!answer.header("retry-after").is_empty());
    scene.assign_in_azure(item, &scene.ada);
    scene.azure.settle().await;
    assert_eq!(scene.assignee(&group).await, None);

    scene.instance_mut().restart().await;
    scene.advance(Duration::from_secs(60)).await;
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user));
    scene.finish().await;
}
