//! Save With Snowflake Id: saves any model under a new id, choosing another when an id is taken.

use super::error::UseCaseError;
use super::generate_snowflake_id::SnowflakeIds;
use crate::port::StoreError;
use crate::snowflake::Snowflake;
use std::future::Future;

/// How many ids are tried before the caller is asked to come again.
pub const MAX_ATTEMPTS: u32 = 5;

/// A table whose ids are snowflakes.
pub trait SnowflakeModel {
    /// The table's name; it keeps its own sequence.
    const TABLE: &'static str;
    /// The name of the constraint that a taken id violates.
    const PRIMARY_KEY: &'static str;
}

impl SnowflakeModel for crate::project::Project {
    const TABLE: &'static str = "project";
    const PRIMARY_KEY: &'static str = "project_pkey";
}

impl SnowflakeModel for crate::organization::Organization {
    const TABLE: &'static str = "organization";
    const PRIMARY_KEY: &'static str = "organization_pkey";
}

impl SnowflakeModel for crate::organization::Team {
    const TABLE: &'static str = "team";
    const PRIMARY_KEY: &'static str = "team_pkey";
}

impl SnowflakeModel for crate::organization::User {
    const TABLE: &'static str = "user";
    const PRIMARY_KEY: &'static str = "user_pkey";
}

/// Saves through `save`, which opens a transaction of its own each time and inserts under the id that
/// it is handed. Each candidate is reserved before that transaction opens.
///
/// A `given` id is kept. Without one, a new candidate follows on each collision of *ids*; any other
/// conflict is the caller's at once.
///
/// # Errors
/// [`UseCaseError::Conflict`] for a given id that is taken, [`UseCaseError::TryAgain`] after
/// [`MAX_ATTEMPTS`] taken candidates or an exhausted sequence, and whatever else `save` says.
pub async fn save_with_snowflake_id<M, T, F, Fut>(
    ids: &SnowflakeIds,
    given: Option<Snowflake>,
    mut save: F,
) -> Result<T, UseCaseError>
where
    M: SnowflakeModel,
    F: FnMut(Snowflake) -> Fut + Send,
    Fut: Future<Output = Result<T, StoreError>> + Send,
{
    if let Some(id) = given {
        return save(id).await.map_err(|error| {
            if error.is_conflict_with(M::PRIMARY_KEY) {
                UseCaseError::Conflict(format!("the id {} is taken", id.get()))
            } else {
                error.into()
            }
        });
    }
    for _ in 0..MAX_ATTEMPTS {
        let candidate = ids.generate_snowflake_id(M::TABLE).await?;
        match save(candidate).await {
            Err(error) if error.is_conflict_with(M::PRIMARY_KEY) => {}
            done => return done.map_err(UseCaseError::from),
        }
    }
    Err(UseCaseError::TryAgain(format!("{MAX_ATTEMPTS} ids in a row were taken; try again in a second")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::{ReservedSequence, SequenceError, SequenceStore};
    use crate::project::Project;
    use crate::snowflake::{EPOCH_SECONDS, Region, SnowflakeSecond};
    use crate::testing::FixedClock;
    use crate::time::Timestamp;
    use async_trait::async_trait;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU8, Ordering};

    #[derive(Default)]
    struct Counting(AtomicU8);

    #[async_trait]
    impl SequenceStore for Counting {
        async fn reserve(
            &self,
            _: &'static str,
            _: Region,
            second: SnowflakeSecond,
        ) -> Result<ReservedSequence, SequenceError> {
            Ok(ReservedSequence { second, sequence: self.0.fetch_add(1, Ordering::SeqCst) })
        }
    }

    fn conflict(constraint: &str) -> StoreError {
        StoreError::Conflict { constraint: constraint.to_owned() }
    }

    /// Saves where the first `taken` tries fail with `error`; says what came of it and how many tries.
    async fn saved(
        given: Option<Snowflake>,
        taken: usize,
        error: StoreError,
    ) -> (Result<Snowflake, UseCaseError>, Vec<Snowflake>) {
        let clock = FixedClock::at(Timestamp::from_seconds(EPOCH_SECONDS + 1));
        let region = Region::new(0).unwrap();
        let ids = SnowflakeIds::new(region, Arc::new(Counting::default()), Arc::new(clock));
        let mut tried = Vec::new();
        let result = save_with_snowflake_id::<Project, _, _, _>(&ids, given, |id| {
            tried.push(id);
            let answer = if tried.len() <= taken { Err(error.clone()) } else { Ok(id) };
            async move { answer }
        })
        .await;
        (result, tried)
    }

    #[tokio::test]
    async fn each_collision_of_ids_is_followed_by_a_new_candidate() {
        let (result, tried) = saved(None, 4, conflict("project_pkey")).await;
        assert_eq!(result, Ok(tried[4]));
        let distinct: std::collections::HashSet<_> = tried.iter().collect();
        assert_eq!(distinct.len(), 5);
    }

    #[tokio::test]
    async fn after_five_collisions_the_caller_is_asked_to_try_again() {
        let (result, tried) = saved(None, 99, conflict("project_pkey")).await;
        assert!(matches!(result, Err(UseCaseError::TryAgain(_))), "{result:?}");
        assert_eq!(tried.len(), 5);
    }

    #[tokio::test]
    async fn a_collision_of_slugs_is_not_a_collision_of_ids() {
        let (result, tried) = saved(None, 99, conflict("project_slug")).await;
        assert_eq!(result, Err(UseCaseError::Store(conflict("project_slug"))));
        assert_eq!(tried.len(), 1);
    }

    #[tokio::test]
    async fn a_given_id_is_kept_and_its_collision_is_a_conflict() {
        let id = Snowflake::compose(SnowflakeSecond::new(9), Region::new(0).unwrap(), 9);
        assert_eq!(saved(id, 0, conflict("project_pkey")).await, (Ok(id.unwrap()), vec![id.unwrap()]));
        let (result, tried) = saved(id, 99, conflict("project_pkey")).await;
        assert!(matches!(result, Err(UseCaseError::Conflict(_))), "{result:?}");
        assert_eq!(tried.len(), 1);
    }
}
