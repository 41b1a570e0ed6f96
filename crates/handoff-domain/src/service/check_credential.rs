//! Check Credential: whether an address answers, and what a credential may do there, each told apart, before
//! anything is saved. Making hooks is not tried: whoever connects a project makes them, and hears then.

use super::error::UseCaseError;
use crate::credential::Credential;
use crate::id::{InstallationId, IntegrationId};
use crate::port::tracker::{RemoteCollection, RemoteProject};
use crate::port::{Clock, Entropy, TrackerConnection, TrackerError, WorkItemTracker};
use crate::tracking::TrackingFilter;
use std::sync::Arc;

/// Checks credentials.
#[derive(Clone)]
pub struct CheckCredential {
    /// Azure DevOps.
    pub tracker: Arc<dyn WorkItemTracker>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For ids that nothing has.
    pub entropy: Arc<dyn Entropy>,
}

/// What a credential is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// See projects.
    Projects,
    /// Read work items.
    WorkItems,
    /// See service hooks.
    ViewHooks,
}

impl Right {
    /// For people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Projects => "see projects and their teams",
            Self::WorkItems => "read work items",
            Self::ViewHooks => "see service hooks",
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Who answers.
    pub collection: RemoteCollection,
    /// The projects that it sees.
    pub projects: Vec<RemoteProject>,
    /// Each right that was tried, and why it is missing where it is.
    pub rights: Vec<(Right, Result<(), TrackerError>)>,
}

impl Checked {
    /// The first right that is missing, and why.
    #[must_use]
    pub fn missing(&self) -> Option<(Right, &TrackerError)> {
        self.rights.iter().find_map(|(right, tried)| tried.as_ref().err().map(|error| (*right, error)))
    }
}

impl CheckCredential {
    /// Asks who answers, and tries each right. `hook_url` is an address of ours that no hook has.
    ///
    /// # Errors
    /// [`UseCaseError::Tracker`] when nobody answers, the credential is refused, or Azure DevOps is out of reach:
    /// then nothing can be said about rights.
    pub async fn check(
        &self,
        base_url: &str,
        credential: &Credential,
        hook_url: &str,
    ) -> Result<Checked, UseCaseError> {
        let collection = self.tracker.collection(base_url, credential).await?;
        let (now, entropy) = (self.clock.now(), self.entropy.as_ref());
        let at = TrackerConnection {
            integration: IntegrationId::generate(now, entropy),
            installation: InstallationId::generate(now, entropy),
            base_url: collection.base_url.clone(),
            credential: credential.clone(),
        };
        let projects = told(self.tracker.projects(&at).await)?;
        let mut rights = vec![(Right::Projects, projects.as_ref().map(|_| ()).map_err(Clone::clone))];
        let projects = projects.unwrap_or_default();
        if let Some(project) = projects.first() {
            let any = TrackingFilter::default();
            let found = self.tracker.find_work_items(&at, &project.id, &any, None, 1).await;
            rights.push((Right::WorkItems, told(found)?.map(|_| ())));
        }
        let found = self.tracker.find_subscriptions(&at, hook_url).await;
        rights.push((Right::ViewHooks, told(found)?.map(|_| ())));
        Ok(Checked { collection, projects, rights })
    }
}

/// A missing right is an answer; anything else that went wrong is not.
fn told<T>(answer: Result<T, TrackerError>) -> Result<Result<T, TrackerError>, TrackerError> {
    match answer {
        Err(error) if error.is_transient() => Err(error),
        answer => Ok(answer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use crate::testing::{FixedClock, MockWorkItemTracker, SequentialEntropy};
    use crate::text::Name;
    use crate::time::Timestamp;
    use crate::work_item::AzureProjectId;

    fn forbidden() -> TrackerError {
        TrackerError::Forbidden { needed: "the right".to_owned() }
    }

    async fn checked(
        projects: Result<(), TrackerError>,
        items: Result<(), TrackerError>,
        hooks: Result<(), TrackerError>,
    ) -> Result<Checked, UseCaseError> {
        let mut tracker = MockWorkItemTracker::new();
        tracker.expect_collection().returning(|base_url, _| {
            let name = Name::parse("contoso").unwrap();
            Ok(RemoteCollection { id: String::new(), name, base_url: base_url.to_owned() })
        });
        tracker.expect_projects().returning(move |_| {
            let id = AzureProjectId::parse("11111111-1111-1111-1111-111111111111").unwrap();
            projects.clone().map(|()| vec![RemoteProject { id, name: Name::parse("Shop").unwrap() }])
        });
        tracker.expect_find_work_items().returning(move |_, _, _, _, _| items.clone().map(|()| Vec::new()));
        tracker.expect_find_subscriptions().returning(move |_, _| hooks.clone().map(|()| Vec::new()));
        let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(1)));
        let check =
            CheckCredential { tracker: Arc::new(tracker), clock, entropy: Arc::new(SequentialEntropy::default()) };
        check.check("https://dev.azure.com/contoso/", &Secret::new("t").into(), "https://h/x").await
    }

    #[tokio::test]
    async fn each_right_is_told_apart_and_an_outage_is_no_missing_right() {
        let outage = || TrackerError::Unavailable { reason: String::new() };
        for (projects, items, hooks, missing) in [
            (Ok(()), Ok(()), Ok(()), None),
            (Err(forbidden()), Ok(()), Ok(()), Some(Right::Projects)),
            (Ok(()), Err(forbidden()), Ok(()), Some(Right::WorkItems)),
            (Ok(()), Ok(()), Err(forbidden()), Some(Right::ViewHooks)),
        ] {
            let checked = checked(projects, items, hooks).await.unwrap();
            assert_eq!(checked.missing().map(|(right, _)| right), missing);
        }
        for (projects, items, hooks) in
            [(Err(outage()), Ok(()), Ok(())), (Ok(()), Err(outage()), Ok(())), (Ok(()), Ok(()), Err(outage()))]
        {
            assert_eq!(checked(projects, items, hooks).await, Err(UseCaseError::Tracker(outage())));
        }
    }
}
