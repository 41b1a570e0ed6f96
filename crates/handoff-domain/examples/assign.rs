//! Embeds the domain in a program of its own: a small world in memory, a group that is assigned and
//! taken back, and what that leaves in the outbox and in the group's history.
//!
//! `cargo run -p handoff-domain --example assign --features testing`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use handoff_domain::assignee::{Assignee, ChangeSource};
use handoff_domain::group::Level;
use handoff_domain::page::PageRequest;
use handoff_domain::port::{Clock, Reader};
use handoff_domain::service::Assignments;
use handoff_domain::service::groups::{Groups, NewGroup};
use handoff_domain::testing::{FixedClock, MemoryCache, MemoryStore, SequentialEntropy, SilentWake, SmallWorld};
use handoff_domain::{text::Name, time::Timestamp};
use std::{error::Error, sync::Arc, time::Duration};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // What a program brings along; a real one has a database, the system's clock and its randomness.
    let store = MemoryStore::new();
    let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(1_800_000_000)));
    let cache = Arc::new(MemoryCache::new(clock.clone()));
    let world = SmallWorld::make(&store, clock.now()).await?;

    // The use cases work over ports.
    let assignments = Assignments {
        store: Arc::new(store.clone()),
        cache: cache.clone(),
        debounce: cache,
        wake: Arc::new(SilentWake),
        clock: clock.clone(),
        entropy: Arc::new(SequentialEntropy::default()),
    };
    let (organization, by) = (world.organization, ChangeSource::Api { by: None });
    let new = NewGroup { title: Name::parse("The mill stops")?, level: Level::Error };
    let groups = Groups { assignments: assignments.clone() };
    let group = groups.create(organization, world.project, &new, by).await?.group.id;
    for moment in ["assigned", "and again"] {
        clock.advance(Duration::from_secs(60));
        println!("{moment}: {:?}", assignments.assign(organization, group, Assignee::User(world.user), by).await?);
    }
    clock.advance(Duration::from_secs(60));
    println!("taken back: {}", assignments.deassign(organization, group, by).await?);

    // One card, however often the group changed, and one mention; the history, newest first.
    for row in store.outbox(organization, None, PageRequest::first()).await?.items {
        println!("outbox: {} ({})", row.task.kind(), row.state.as_str());
    }
    for entry in store.activities(organization, group, PageRequest::first()).await?.items {
        println!("activity: {} at {}", entry.kind.as_str(), entry.at);
    }
    Ok(())
}
