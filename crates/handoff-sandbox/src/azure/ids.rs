//! The ids of the simulator: newtypes over GUIDs, and where fresh ones come from.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Declares a GUID newtype.
macro_rules! guid {
    ($(#[$doc:meta] $name:ident),+ $(,)?) => {$(
        #[$doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    )+};
}

guid! {
    /// A project collection (an organization, in the cloud).
    CollectionId,
    /// A project.
    ProjectId,
    /// A team of a project.
    TeamId,
    /// A person or a group.
    IdentityId,
    /// A service hook subscription.
    SubscriptionId,
}

/// A work item: its number is unique in its collection only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkItemKey {
    /// The collection that holds it.
    pub collection: CollectionId,
    /// Its number, from 1.
    pub number: i64,
}

/// Makes GUIDs that differ within a simulator, and between simulators of different seeds.
#[derive(Debug)]
pub(crate) struct IdSource {
    seed: u64,
    used: u64,
}

impl IdSource {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, used: 0 }
    }

    pub(crate) fn next(&mut self) -> Uuid {
        self.used += 1;
        let high = mix(self.seed ^ mix(self.used));
        let low = mix(high ^ self.used);
        uuid::Builder::from_u128((u128::from(high) << 64) | u128::from(low))
            .with_variant(uuid::Variant::RFC4122)
            .with_version(uuid::Version::Random)
            .into_uuid()
    }
}

/// The finaliser of SplitMix64: neighbouring inputs give unrelated outputs.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_differ_within_a_simulator_and_between_seeds() {
        let (mut first, mut second) = (IdSource::new(1), IdSource::new(2));
        let ids: BTreeSet<Uuid> = (0..1_000).flat_map(|_| [first.next(), second.next()]).collect();
        assert_eq!(ids.len(), 2_000);
    }
}
