//! The queue of deliveries: what is due when, what is under way, what a test holds back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ids::SubscriptionId;

/// One notification to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parcel {
    pub(crate) subscription: SubscriptionId,
    pub(crate) notification: i64,
    /// It was held back by a fault, which must not happen twice.
    pub(crate) delayed: bool,
}

/// The order in which held deliveries are let go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseOrder {
    /// As they came.
    InOrder,
    /// The last first.
    Reversed,
    /// By these positions among the held; each may come never, once or several times.
    Permutation(Vec<usize>),
}

/// Deliveries to come, in the order of their time.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// By due time in microseconds, then in the order of arrival.
    due: BTreeMap<(i64, u64), Parcel>,
    under_way: BTreeMap<SubscriptionId, usize>,
    held: Option<Vec<Parcel>>,
    arrivals: u64,
}

impl Queue {
    /// A new notification, which a test may be holding back.
    pub(crate) fn send(&mut self, now_us: i64, parcel: Parcel) {
        match &mut self.held {
            Some(held) => held.push(parcel),
            None => self.send_at(now_us, parcel),
        }
    }

    /// A retry, or a delayed delivery.
    pub(crate) fn send_at(&mut self, due_us: i64, parcel: Parcel) {
        self.arrivals += 1;
        self.due.insert((due_us, self.arrivals), parcel);
    }

    pub(crate) fn hold(&mut self) {
        self.held.get_or_insert_default();
    }

    /// Lets the held deliveries go and returns how many.
    pub(crate) fn release(&mut self, now_us: i64, order: &ReleaseOrder) -> usize {
        let held = self.held.take().unwrap_or_default();
        let chosen: Vec<Parcel> = match order {
            ReleaseOrder::InOrder => held,
            ReleaseOrder::Reversed => held.into_iter().rev().collect(),
            ReleaseOrder::Permutation(positions) => {
                positions.iter().filter_map(|position| held.get(*position).copied()).collect()
            }
        };
        for parcel in &chosen {
            self.send_at(now_us, *parcel);
        }
        chosen.len()
    }

    pub(crate) fn held(&self) -> usize {
        self.held.as_ref().map_or(0, Vec::len)
    }

    /// What is due now or later, under way, or held back.
    pub(crate) fn pending(&self) -> usize {
        self.due.len() + self.under_way.values().sum::<usize>() + self.held()
    }

    /// Takes what is due now, at most so many at a time for one subscription, and marks it under way.
    pub(crate) fn take_due(&mut self, now_us: i64, concurrent: usize) -> Vec<(i64, Parcel)> {
        let due: Vec<((i64, u64), Parcel)> =
            self.due.range(..=(now_us, u64::MAX)).map(|(key, parcel)| (*key, *parcel)).collect();
        let mut taken = Vec::new();
        for (key, parcel) in due {
            let under_way = self.under_way.entry(parcel.subscription).or_default();
            if *under_way < concurrent {
                *under_way += 1;
                self.due.remove(&key);
                taken.push((key.0, parcel));
            }
        }
        taken
    }

    pub(crate) fn done(&mut self, subscription: SubscriptionId) {
        if let Some(count) = self.under_way.get_mut(&subscription) {
            *count -= 1;
            if *count == 0 {
                self.under_way.remove(&subscription);
            }
        }
    }

    /// Nothing is under way and nothing is due now.
    pub(crate) fn is_settled(&self, now_us: i64) -> bool {
        self.under_way.is_empty() && self.next_due_us().is_none_or(|due_us| due_us > now_us)
    }

    pub(crate) fn next_due_us(&self) -> Option<i64> {
        self.due.keys().next().map(|(due_us, _)| *due_us)
    }

    /// When the next delivery is due, of those that nothing but the clock holds back.
    pub(crate) fn next_wake_us(&self, concurrent: usize) -> Option<i64> {
        self.due
            .iter()
            .find(|(_, parcel)| self.under_way.get(&parcel.subscription).is_none_or(|count| *count < concurrent))
            .map(|((due_us, _), _)| *due_us)
    }
}
