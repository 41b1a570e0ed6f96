//! A day of bad input by the clock of Azure DevOps.

use super::{good, useless};
use handoff_sandbox::azure::SubscriptionStatus;
use handoff_tests::scene::Scene;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn after_a_day_of_bad_input_every_hook_delivers_and_no_event_was_dropped() {
    let scene = Scene::new().await;
    let body = good(&scene).await;
    let useless = useless(&body);
    let (item, group) = scene.linked("The mill stops").await;
    let before = scene.tenant.delivery_states(&scene).await;
    let mut sent = 0;
    for hour in 0..24 {
        for hook in scene.azure.subscriptions() {
            // The large one once is enough: it costs 16 MiB each time.
            for (what, bytes, _) in useless.iter().filter(|(what, ..)| hour == 12 || *what != "too large") {
                scene.azure.deliver_raw(hook.id, bytes.clone()).unwrap_or_else(|refusal| panic!("{what}: {refusal:?}"));
                sent += 1;
            }
        }
        let who = if hour % 2 == 0 { &scene.ada } else { &scene.bob };
        scene.assign_in_azure(item, who);
        scene.settle().await;
        assert_eq!(scene.assignee(&group).await, Some(scene.member(who).user), "hour {hour}");
        scene.advance(HOUR).await;
    }
    assert!(scene.azure.subscriptions().iter().all(|hook| hook.status == SubscriptionStatus::Enabled));
    assert!(scene.azure.dropped_events().is_empty());
    let after = scene.tenant.delivery_states(&scene).await;
    let count = |states: &std::collections::BTreeMap<String, usize>| -> usize { states.values().sum() };
    assert_eq!(count(&after) - count(&before), sent + 24);
    assert_eq!(scene.changes(&group).await.len(), 24);
    scene.finish().await;
}
