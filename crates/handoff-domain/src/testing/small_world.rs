//! The smallest world in which a group can be assigned and somebody hears of it.

use crate::chat::{Route, RouteMode};
use crate::id::{OrganizationId, ProjectId, RouteId, TeamId, UserId};
use crate::organization::{ChannelId, DiscordUserId, GuildId, Organization, Team, User};
use crate::port::store::StoreResult;
use crate::port::{Store, StoreError};
use crate::project::Project;
use crate::route::RouteFilter;
use crate::slug::Slug;
use crate::text::Name;
use crate::time::Timestamp;
use uuid::Uuid;

/// An organization with one user, who is linked with Discord, in the team of its one project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmallWorld {
    /// The organization.
    pub organization: OrganizationId,
    /// Its user, Ada Lovelace.
    pub user: UserId,
    /// Her team.
    pub team: TeamId,
    /// The team's project, with a route that shows a card and mentions.
    pub project: ProjectId,
}

impl SmallWorld {
    /// Makes it in one transaction of an empty store that checks no foreign keys (the route's guild is
    /// nobody's).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn make(store: &dyn Store, created_at: Timestamp) -> StoreResult<Self> {
        let slug = |text| Slug::parse(text).map_err(unusable);
        let name = |text| Name::parse(text).map_err(unusable);
        let mut uow = store.begin().await?;
        let new = Organization {
            id: OrganizationId::new(0),
            slug: slug("engines")?,
            name: name("Engines")?,
            issue_sync: false,
            created_at,
        };
        let organization = uow.insert_organization(&new).await?;
        let discord = DiscordUserId::new(80_351_110_224_678_912);
        let new = User { id: UserId::new(0), name: name("Ada Lovelace")?, active: true, discord, created_at };
        let user = uow.insert_user(&new).await?;
        let new = Team { id: TeamId::new(0), organization, slug: slug("mill")?, name: name("Mill")?, created_at };
        let team = uow.insert_team(&new).await?;
        uow.add_team_member(team, user).await?;
        let new = Project { id: ProjectId::new(0), organization, slug: slug("mill")?, name: name("Mill")?, created_at };
        let project = uow.insert_project(&new).await?;
        uow.add_project_team(project, team).await?;
        uow.insert_route(&Route {
            id: RouteId::from_uuid(Uuid::from_u128(1)),
            organization,
            project,
            guild: GuildId::new(1).ok_or_else(|| unusable("guild"))?,
            channel: ChannelId::new(1).ok_or_else(|| unusable("channel"))?,
            mode: RouteMode::CardAndPing,
            ids_only: false,
            filter: RouteFilter::default(),
            quiet_hours: None,
            disabled: None,
            created_at,
        })
        .await?;
        uow.commit().await?;
        Ok(Self { organization, user, team, project })
    }
}

fn unusable(what: impl std::fmt::Display) -> StoreError {
    StoreError::Backend(what.to_string())
}
