//! What a test must not leave behind: work that waits, hooks in trouble, events lost, requests that were
//! not as described or too early.

use crate::instance::Instance;
use handoff_domain::delivery::DeliveryState;
use handoff_domain::id::OrganizationId;
use handoff_domain::outbox::OutboxState;
use handoff_domain::page::PageRequest;
use handoff_domain::time::Timestamp;
use handoff_sandbox::azure::SubscriptionStatus;

/// What a test leaves behind on purpose.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// Dead rows of the outbox.
    pub dead_rows: usize,
    /// Answers to deliveries that Azure DevOps takes for failures, beside 410 and 503.
    pub refused_deliveries: bool,
    /// Hooks that do not deliver, and the events that were lost with them.
    pub hooks_in_trouble: bool,
}

/// What waits to be done.
#[derive(Debug, Default)]
pub struct Pending {
    /// Deliveries.
    pub deliveries: usize,
    /// When rows of the outbox are due.
    pub outbox_due: Vec<Timestamp>,
}

/// A page as large as it may be.
pub const fn whole_page<K>() -> PageRequest<K> {
    PageRequest { after: None, limit: PageRequest::<()>::MAX }
}

async fn organizations(instance: &Instance) -> Vec<OrganizationId> {
    let page = instance.ports.reader.organizations(whole_page()).await.unwrap();
    assert!(!page.more, "more organizations than the harness looks at");
    page.items.into_iter().map(|one| one.id).collect()
}

/// What waits, over all organizations; of each queue at most a page.
///
/// # Panics
/// When the store fails.
pub async fn pending(instance: &Instance) -> Pending {
    let reader = &instance.ports.reader;
    let mut pending = Pending::default();
    for organization in organizations(instance).await {
        let found = reader.deliveries(organization, Some(DeliveryState::Pending), whole_page()).await.unwrap();
        pending.deliveries += found.items.len();
        let found = reader.outbox(organization, Some(OutboxState::Pending), whole_page()).await.unwrap();
        pending.outbox_due.extend(found.items.iter().map(|row| row.due_at));
    }
    pending
}

/// Everything that is not as it should be at the end, in words.
///
/// # Panics
/// When the store fails.
pub async fn leftovers(instance: &Instance, expected: &Expected) -> Vec<String> {
    let mut left = Vec::new();
    queues(instance, expected, &mut left).await;
    hooks(instance, expected, &mut left);
    let (azure, discord) = (&instance.azure, &instance.discord);
    left.extend(azure.spec_violations().into_iter().map(|text| format!("Azure DevOps was asked wrongly: {text}")));
    left.extend(discord.spec_violations().into_iter().map(|text| format!("Discord was asked wrongly: {text}")));
    let early = [("Azure DevOps", azure.requests_during_cooldown()), ("Discord", discord.requests_during_cooldown())];
    left.extend(
        early.iter().filter(|(_, count)| *count > 0).map(|(who, n)| format!("{n} requests to {who} too early")),
    );
    left
}

async fn queues(instance: &Instance, expected: &Expected, left: &mut Vec<String>) {
    let reader = &instance.ports.reader;
    let mut dead_rows = Vec::new();
    for organization in organizations(instance).await {
        for state in [DeliveryState::Pending, DeliveryState::Dead] {
            let found = reader.deliveries(organization, Some(state), whole_page()).await.unwrap();
            left.extend(found.items.iter().map(|one| format!("a delivery is {}: {one:?}", state.as_str())));
        }
        let found = reader.outbox(organization, Some(OutboxState::Pending), whole_page()).await.unwrap();
        left.extend(found.items.iter().map(|row| format!("an outbox row is pending: {row:?}")));
        let found = reader.outbox(organization, Some(OutboxState::Dead), whole_page()).await.unwrap();
        dead_rows.extend(found.items.iter().map(|row| format!("an outbox row is dead: {row:?}")));
    }
    if dead_rows.len() != expected.dead_rows {
        left.push(format!("{} dead outbox rows, expected {}", dead_rows.len(), expected.dead_rows));
        left.extend(dead_rows);
    }
}

fn hooks(instance: &Instance, expected: &Expected, left: &mut Vec<String>) {
    let azure = &instance.azure;
    if azure.pending_deliveries() > 0 {
        left.push(format!("{} deliveries are still to come", azure.pending_deliveries()));
    }
    for hook in azure.subscriptions() {
        let in_trouble = hook.status != SubscriptionStatus::Enabled && !expected.hooks_in_trouble;
        if in_trouble {
            left.push(format!("a hook is {:?}: {hook:?}", hook.status));
        }
        for notification in azure.notifications(hook.id) {
            for attempt in &notification.attempts {
                // No answer, and answers that mean "come again" or "never again", are part of the rules.
                let fair = matches!(attempt.status, None | Some(200 | 410 | 503)) || expected.refused_deliveries;
                if !fair {
                    left.push(format!("a delivery was answered {:?}: {}", attempt.status, attempt.detail));
                }
            }
        }
    }
    if !expected.hooks_in_trouble {
        left.extend(azure.dropped_events().iter().map(|event| format!("an event was lost: {event:?}")));
    }
}
