//! What the domain needs from outside: one trait for each thing, implemented by the adapter crates.

pub mod cache;
pub mod chat;
pub mod environment;
pub mod public_address;
pub mod queue;
pub mod read;
pub mod sequence;
pub mod singleton;
pub mod store;
pub mod tracker;
pub mod tracking;

pub use cache::{AssigneeExistsCache, FillTicket, OwnershipDebounce};
pub use chat::{ChannelDescription, ChatError, ChatMessenger};
pub use environment::{Clock, Entropy, SecretBox, SecretBoxError, Wake};
pub use public_address::{OwnAnswer, PublicAddress};
pub use queue::{Appended, Inbox, InboxError, Outbox};
pub use read::Reader;
pub use sequence::{ReservedSequence, SequenceError, SequenceStore};
pub use singleton::{SingletonLease, Singletons, WatchTx};
pub use store::{Store, StoreError, UnitOfWork};
pub use tracker::{
    Classified, InboundHeaders, RemoteSubscription, TrackerConnection, TrackerError, TrackerInbound, WorkItemTracker,
};
pub use tracking::TrackingTx;
