//! What the domain needs from outside: one trait for each thing, implemented by the adapter crates.

pub mod cache;
pub mod chat;
pub mod chat_inbound;
pub mod environment;
pub mod queue;
pub mod read;
pub mod sequence;
pub mod store;
pub mod tracker;

pub use cache::{AssigneeExistsCache, FillTicket, OwnershipDebounce};
pub use chat::{ChannelDescription, ChatError, ChatMessenger};
pub use chat_inbound::{ChatInbound, InboundRefusal, Received};
pub use environment::{Clock, Entropy, SecretBox, SecretBoxError, Wake};
pub use queue::{Appended, Inbox, InboxError, Outbox};
pub use read::Reader;
pub use sequence::{ReservedSequence, SequenceError, SequenceStore};
pub use store::{Store, StoreError, UnitOfWork};
pub use tracker::{
    Classified, InboundHeaders, RemoteSubscription, TrackerConnection, TrackerError, TrackerInbound, WorkItemTracker,
};
