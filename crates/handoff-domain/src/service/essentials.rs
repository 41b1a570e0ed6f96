//! What the small services behind the API share: ports, rows of the outbox, new ids and free slugs.

use super::error::{UseCaseError, rerun};
use super::generate_snowflake_id::SnowflakeIds;
use super::save_with_snowflake_id::{SnowflakeModel, save_with_snowflake_id};
use crate::chat::CardPlace;
use crate::id::{OrganizationId, OutboxId, UserId};
use crate::outbox::{OutboxArm, OutboxTask};
use crate::port::{Clock, Entropy, Reader, Store, StoreError, UnitOfWork, Wake};
use crate::slug::Slug;
use crate::text::Name;
use std::future::Future;
use std::sync::Arc;

/// How many cards are armed in one statement.
const CARDS_AT_ONCE: u16 = 200;

/// The ports that every small service needs.
#[derive(Clone)]
pub struct Essentials {
    /// Where things are kept.
    pub store: Arc<dyn Store>,
    /// Finds what is there.
    pub reader: Arc<dyn Reader>,
    /// Wakes the workers.
    pub wake: Arc<dyn Wake>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For ids, secrets and slugs.
    pub entropy: Arc<dyn Entropy>,
    /// Gives out ids; without it the database counts.
    pub snowflakes: Option<SnowflakeIds>,
}

impl Essentials {
    /// A row of the outbox that is due now and belongs to no project.
    pub(super) fn armed(&self, organization: OrganizationId, task: OutboxTask) -> OutboxArm {
        due_now(organization, task, self.clock.as_ref(), self.entropy.as_ref())
    }

    /// Saves under a snowflake id where those are on, else under zero, for which the store gives one.
    /// `save` opens a transaction of its own each time.
    ///
    /// # Errors
    /// As [`save_with_snowflake_id`], and whatever `save` says.
    pub(super) async fn save_with_new_id<M, T, F, Fut>(&self, save: F) -> Result<T, UseCaseError>
    where
        M: SnowflakeModel,
        F: Fn(i64) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T, StoreError>> + Send,
        T: Send,
    {
        let save = &save;
        match &self.snowflakes {
            Some(ids) => save_with_snowflake_id::<M, _, _, _>(ids, None, |id| rerun(move || save(id.get()))).await,
            None => rerun(move || save(0)).await.map_err(UseCaseError::from),
        }
    }

    /// The slugs to try, in order: the chosen one alone, or what the name suggests and alternatives.
    pub(super) fn slug_candidates(&self, chosen: Option<&Slug>, name: &Name) -> Vec<Slug> {
        if let Some(chosen) = chosen {
            return vec![chosen.clone()];
        }
        slugs_for(name, self.entropy.as_ref())
    }

    /// What to say when every candidate was taken.
    pub(super) fn no_slug_left(chosen: Option<&Slug>, what: &str) -> UseCaseError {
        match chosen {
            Some(_) => UseCaseError::Conflict(format!("a {what} of this slug exists already")),
            None => UseCaseError::TryAgain(format!("no free slug was found for the {what}; try again, or choose one")),
        }
    }
}

/// A row of the outbox that is due now and belongs to no project.
pub(super) fn due_now(
    organization: OrganizationId,
    task: OutboxTask,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> OutboxArm {
    let now = clock.now();
    OutboxArm { id: OutboxId::generate(now, entropy), organization, project: None, task, due_at: now }
}

/// The slugs to try for a name, in order: what it suggests, then alternatives.
pub(super) fn slugs_for(name: &Name, entropy: &dyn Entropy) -> Vec<Slug> {
    let suggested = Slug::suggested(name.as_str(), entropy);
    let mut candidates = suggested.alternatives(entropy);
    candidates.insert(0, suggested);
    candidates
}

/// Arms the cards of the groups that a user has, of every organization: they show the user otherwise from now
/// on.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn arm_cards_of(
    uow: &mut dyn UnitOfWork,
    user: UserId,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let cards = uow.cards_of_user(user, after, CARDS_AT_ONCE).await?;
        let Some(last) = cards.last().copied() else { return Ok(()) };
        let card = |place: &CardPlace| {
            let task = OutboxTask::Card { group: place.group, route: place.route };
            OutboxArm { project: Some(place.project), ..due_now(place.organization, task, clock, entropy) }
        };
        let rows: Vec<OutboxArm> = cards.iter().map(card).collect();
        uow.arm(&rows).await?;
        if cards.len() < usize::from(CARDS_AT_ONCE) {
            return Ok(());
        }
        after = Some(last);
    }
}
