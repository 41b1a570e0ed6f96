//! Routes of a project's events to Discord channels, each checked with Discord before it is saved.

use super::error::{UseCaseError, rerun};
use super::essentials::Essentials;
use crate::chat::{Route, RouteMode};
use crate::id::{OrganizationId, ProjectId, RouteId};
use crate::organization::ChannelId;
use crate::outbox::{OutboxArm, OutboxTask, Released};
use crate::port::chat::ChannelDescription;
use crate::port::{ChatMessenger, StoreError, UnitOfWork};
use crate::route::{QuietHours, RouteFilter};
use std::sync::Arc;

/// What a route that a person switched off says for itself.
pub const DISABLED_BY_A_PERSON: &str = "switched off by a person";

/// How many cards are armed in one statement.
const CARDS_AT_ONCE: u16 = 200;

/// A route to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRoute {
    /// Whose events.
    pub project: ProjectId,
    /// Where to.
    pub channel: ChannelId,
    /// How.
    pub mode: RouteMode,
    /// Show ids only; `None`: only where @everyone sees the channel.
    pub ids_only: Option<bool>,
    /// What it is about.
    pub filter: RouteFilter,
    /// When nobody is notified.
    pub quiet_hours: Option<QuietHours>,
}

/// What is to be changed of a route; `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteChange {
    /// Switches it on or off.
    pub enabled: Option<bool>,
    /// How.
    pub mode: Option<RouteMode>,
    /// Show ids only.
    pub ids_only: Option<bool>,
    /// What it is about.
    pub filter: Option<RouteFilter>,
    /// When nobody is notified, or that there is no such time.
    pub quiet_hours: Option<Option<QuietHours>>,
}

impl RouteChange {
    fn applied(&self, mut route: Route) -> Route {
        match self.enabled {
            Some(true) => route.disabled = None,
            // Why it is off already stays to be read.
            Some(false) => drop(route.disabled.get_or_insert_with(|| DISABLED_BY_A_PERSON.to_owned())),
            None => {}
        }
        route.mode = self.mode.unwrap_or(route.mode);
        route.ids_only = self.ids_only.unwrap_or(route.ids_only);
        route.filter = self.filter.clone().unwrap_or(route.filter);
        route.quiet_hours = self.quiet_hours.clone().unwrap_or(route.quiet_hours);
        route
    }
}

/// A route that was made or changed, and what to know about its channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedRoute {
    /// The route.
    pub route: Route,
    /// Whether @everyone can read what is sent there, where that was looked at.
    pub visible_to_everyone: bool,
}

/// Makes and changes routes.
#[derive(Clone)]
pub struct Routes {
    /// The shared ports.
    pub base: Essentials,
    /// Discord.
    pub chat: Arc<dyn ChatMessenger>,
}

impl Routes {
    /// Makes a route to a channel of one of the organization's guilds.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a project, [`UseCaseError::Refused`] for a channel that
    /// cannot be used, with the reason, [`UseCaseError::Conflict`] when the project has a route there,
    /// [`UseCaseError::Chat`] as Discord answers.
    pub async fn create(&self, organization: OrganizationId, new: &NewRoute) -> Result<SavedRoute, UseCaseError> {
        let channel = self.usable(organization, new.channel, new.mode).await?;
        let now = self.base.clock.now();
        let route = Route {
            id: RouteId::generate(now, self.base.entropy.as_ref()),
            organization,
            project: new.project,
            guild: channel.guild,
            channel: new.channel,
            mode: new.mode,
            ids_only: new.ids_only.unwrap_or(channel.visible_to_everyone),
            filter: new.filter.clone(),
            quiet_hours: new.quiet_hours.clone(),
            disabled: None,
            created_at: now,
        };
        rerun(|| self.insert(&route)).await.map_err(|error| match error {
            UseCaseError::Store(error) if error.is_conflict_with("route_channel") => {
                UseCaseError::Conflict("the project has a route to this channel already".to_owned())
            }
            other => other,
        })?;
        Ok(SavedRoute { route, visible_to_everyone: channel.visible_to_everyone })
    }

    async fn insert(&self, route: &Route) -> Result<(), UseCaseError> {
        let mut uow = self.base.store.begin().await?;
        let held = uow.hold_project(route.organization, route.project).await?;
        held.ok_or(UseCaseError::NotFound { what: "project" })?;
        uow.insert_route(route).await?;
        Ok(uow.commit().await?)
    }

    /// Looks at the channel: there, in one of the organization's guilds, and open to the bot for
    /// what the mode needs. A channel of a foreign guild is refused in the same words as none at all.
    async fn usable(
        &self,
        organization: OrganizationId,
        channel: ChannelId,
        mode: RouteMode,
    ) -> Result<ChannelDescription, UseCaseError> {
        let refused = || {
            UseCaseError::Refused(
                "there is no such channel in the organization's guilds, or the bot cannot see it".to_owned(),
            )
        };
        let found = self.chat.describe_channel(channel).await.map_err(UseCaseError::Chat)?.ok_or_else(refused)?;
        let guilds = self.base.reader.guilds(organization).await?;
        if guilds.iter().all(|guild| guild.id != found.guild) {
            return Err(refused());
        }
        let no_threads = found.no_threads.as_ref().filter(|_| mode == RouteMode::Thread);
        match found.unusable.as_ref().or(no_threads) {
            Some(reason) => Err(UseCaseError::Refused(format!("the channel cannot be used: {reason}"))),
            None => Ok(found),
        }
    }

    /// Changes a route. Where it is on afterwards, its channel is looked at again if it was off before, or
    /// is to be told otherwise. Switched on, the cards that it has come to show the present, and those that
    /// were given up on are posted again. What waits to be told on it is looked at anew: its quiet hours may be
    /// over, or what was refused be allowed.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a route; where the channel is looked at, as
    /// [`Routes::create`].
    pub async fn change(
        &self,
        organization: OrganizationId,
        id: RouteId,
        change: &RouteChange,
    ) -> Result<SavedRoute, UseCaseError> {
        let before = self.base.reader.route(organization, id).await?.ok_or(UseCaseError::NotFound { what: "route" })?;
        let route = change.applied(before.clone());
        if route == before {
            return Ok(SavedRoute { route, visible_to_everyone: false });
        }
        let switched_on = before.disabled.is_some() && route.disabled.is_none();
        let shown_otherwise = (route.mode, route.ids_only) != (before.mode, before.ids_only);
        let mut visible_to_everyone = false;
        if route.disabled.is_none() && (switched_on || shown_otherwise) {
            visible_to_everyone = self.usable(organization, route.channel, route.mode).await?.visible_to_everyone;
        }
        let refreshes = route.disabled.is_none() && (switched_on || shown_otherwise);
        let saved = rerun(|| async {
            let mut uow = self.base.store.begin().await?;
            if !uow.update_route(&route).await? {
                return Ok(false);
            }
            uow.release(organization, Released::telling(route.id), self.base.clock.now()).await?;
            if switched_on {
                uow.forget_given_up(route.id).await?;
                let task = OutboxTask::Summary { route: route.id };
                let row = OutboxArm { project: Some(route.project), ..self.base.armed(organization, task) };
                uow.arm(&[row]).await?;
            }
            if refreshes {
                self.arm_cards(uow.as_mut(), &route).await?;
            }
            uow.commit().await.map(|()| true)
        })
        .await?;
        if !saved {
            return Err(UseCaseError::NotFound { what: "route" });
        }
        self.base.wake.outbox();
        Ok(SavedRoute { route, visible_to_everyone })
    }

    /// Arms the cards that the route has: they show what was when it was switched off.
    async fn arm_cards(&self, uow: &mut dyn UnitOfWork, route: &Route) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let groups = uow.groups_with_card(route.id, after, CARDS_AT_ONCE).await?;
            let Some(last) = groups.last().copied() else { return Ok(()) };
            let card = |group| OutboxArm {
                project: Some(route.project),
                ..self.base.armed(route.organization, OutboxTask::Card { group, route: route.id })
            };
            let rows: Vec<OutboxArm> = groups.iter().copied().map(card).collect();
            uow.arm(&rows).await?;
            if groups.len() < usize::from(CARDS_AT_ONCE) {
                return Ok(());
            }
            after = Some(last);
        }
    }

    /// Removes a route. Its messages stay in Discord as they are.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a route in the organization.
    pub async fn delete(&self, organization: OrganizationId, id: RouteId) -> Result<(), UseCaseError> {
        let removed = rerun(|| async {
            let mut uow = self.base.store.begin().await?;
            let removed = uow.delete_route(organization, id).await?;
            uow.commit().await.map(|()| removed)
        })
        .await?;
        if removed { Ok(()) } else { Err(UseCaseError::NotFound { what: "route" }) }
    }
}
