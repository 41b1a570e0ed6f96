//! Embeds the domain in a program of its own: a small world in memory, a group that is assigned and
//! taken back, and what that leaves in the outbox and in the group's history.
//!
//! `cargo run -p handoff-domain --example assign --features testing`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use handoff_domain::assignee::{Assignee, ChangeSource};
use handoff_domain::chat::{Route, RouteMode};
use handoff_domain::group::Level;
use handoff_domain::id::{OrganizationId, ProjectId, RouteId, TeamId, UserId};
use handoff_domain::organization::{Organization, Team, User};
use handoff_domain::page::PageRequest;
use handoff_domain::port::{Clock, Reader, Store};
use handoff_domain::project::Project;
use handoff_domain::service::Assignments;
use handoff_domain::service::groups::{Groups, NewGroup};
use handoff_domain::testing::{FixedClock, MemoryCache, MemoryStore, SequentialEntropy, SilentWake};
use handoff_domain::{slug::Slug, text::Name, time::Timestamp};
use std::{error::Error, sync::Arc, time::Duration};

type World = (OrganizationId, ProjectId, UserId);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // What a program brings along; a real one has a database, the system's clock and its randomness.
    let store = MemoryStore::new();
    let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(1_800_000_000)));
    let entropy = Arc::new(SequentialEntropy::default());
    let cache = Arc::new(MemoryCache::new(clock.clone()));
    let route = RouteId::generate(clock.now(), entropy.as_ref());
    let (organization, project, ada) = make_world(&store, clock.now(), route).await?;

    // The use cases work over ports.
    let (kept, debounce, wake) = (Arc::new(store.clone()), cache.clone(), Arc::new(SilentWake));
    let assignments = Assignments { store: kept, cache, debounce, wake, clock: clock.clone(), entropy };
    let groups = Groups { assignments: assignments.clone() };
    let by = ChangeSource::Api { by: None };
    let new = NewGroup { title: Name::parse("The mill stops")?, level: Level::Error };
    let group = groups.create(organization, project, &new, by).await?.group.id;
    for moment in ["assigned", "and again"] {
        clock.advance(Duration::from_secs(60));
        println!("{moment}: {:?}", assignments.assign(organization, group, Assignee::User(ada), by).await?);
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

/// Makes an organization, and Ada in the team of its project, whose changes go to a Discord channel: a
/// card for each group, and a mention of who is assigned. All in one transaction. The store gives an id
/// where there is a zero.
async fn make_world(store: &dyn Store, created_at: Timestamp, route: RouteId) -> Result<World, Box<dyn Error>> {
    let (slug, name) = (Slug::parse("engines")?, Name::parse("Engines")?);
    let mut uow = store.begin().await?;
    let id = OrganizationId::new(0);
    let new = Organization { id, slug: slug.clone(), name: name.clone(), issue_sync: false, created_at };
    let organization = uow.insert_organization(&new).await?;
    let (discord, named) = (Some("80351110224678912".parse()?), Name::parse("Ada Lovelace")?);
    let ada = uow.insert_user(&User { id: UserId::new(0), name: named, active: true, discord, created_at }).await?;
    let new = Team { id: TeamId::new(0), organization, slug: slug.clone(), name: name.clone(), created_at };
    let team = uow.insert_team(&new).await?;
    uow.add_team_member(team, ada).await?;
    let project = uow.insert_project(&Project { id: ProjectId::new(0), organization, slug, name, created_at }).await?;
    uow.add_project_team(project, team).await?;
    let (id, mode, ids_only, disabled) = (route, RouteMode::CardAndPing, false, None);
    let (guild, channel) = ("81384788765712384".parse()?, "381870553235193857".parse()?);
    let new = Route { id, organization, project, guild, channel, mode, ids_only, disabled, created_at };
    uow.insert_route(&new).await?;
    uow.commit().await?;
    Ok((organization, project, ada))
}
