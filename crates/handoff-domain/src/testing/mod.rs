//! What tests and examples put in the place of the world: mocks of every port, a store in memory, a clock
//! under control, repeatable "randomness".

mod echo_address;
mod log;
mod memory;
mod mock_outside;
mod mock_store;
mod small_world;
mod world;

pub use echo_address::EchoAddress;
pub use log::KeptLog;
pub use memory::{ContextBox, MemoryCache, MemoryStore, SilentWake};
pub use mock_outside::{
    MockAssigneeExistsCache, MockChatMessenger, MockOwnershipDebounce, MockSecretBox, MockSequenceStore,
    MockTrackerInbound, MockWake, MockWorkItemTracker,
};
pub use mock_store::{MockInbox, MockOutbox, MockReader, MockSingletons, MockStore, MockUnitOfWork};
pub use small_world::SmallWorld;
pub use world::{FixedClock, SequentialEntropy};
