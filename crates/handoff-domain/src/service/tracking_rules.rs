//! Tracking rules: making, changing and removing them. With the first rule of a connected project it gets a hook
//! for new work items; with the last one that hook goes.

use super::error::{UseCaseError, rerun};
use super::essentials::{Essentials, due_now};
use crate::hook::{EventType, HookStatus};
use crate::id::{InstallationId, OrganizationId, ProjectId, TrackingRuleId};
use crate::integration::ConnectedProject;
use crate::outbox::{OutboxArm, OutboxTask};
use crate::port::{Clock, Entropy, StoreError, UnitOfWork};
use crate::tracking::{TrackingFilter, TrackingRule};
use crate::work_item::AzureProjectId;

/// The most rules of one connected project.
pub const MAX_RULES: usize = 100;

/// A rule to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRule {
    /// Through which installation.
    pub installation: InstallationId,
    /// In which Azure DevOps project; it must be connected.
    pub azure_project: AzureProjectId,
    /// The project that gets the groups.
    pub project: ProjectId,
    /// Which work items.
    pub filter: TrackingFilter,
}

/// Makes, changes and removes tracking rules.
#[derive(Clone)]
pub struct TrackingRules {
    /// The shared ports.
    pub base: Essentials,
}

fn no_rule() -> UseCaseError {
    UseCaseError::NotFound { what: "tracking rule" }
}

impl TrackingRules {
    /// Makes a rule. The work items that it is about are looked for at once.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a project, [`UseCaseError::Refused`] for an Azure DevOps project
    /// that is not connected or has [`MAX_RULES`] rules, [`UseCaseError::Conflict`] when there is such a rule.
    pub async fn create(&self, organization: OrganizationId, new: &NewRule) -> Result<TrackingRule, UseCaseError> {
        let connected = self.base.reader.connected_projects(organization, new.installation).await?;
        let connected = connected.into_iter().find(|one| one.azure_project == new.azure_project);
        let connected = connected.ok_or_else(not_connected)?;
        let rule = rerun(|| self.try_create(organization, new, &connected)).await?;
        self.base.wake.outbox();
        Ok(rule)
    }

    async fn try_create(
        &self,
        organization: OrganizationId,
        new: &NewRule,
        connected: &ConnectedProject,
    ) -> Result<TrackingRule, UseCaseError> {
        let now = self.base.clock.now();
        let mut uow = self.base.store.begin().await?;
        // With the connection's row locked, nobody makes or removes another rule of it meanwhile.
        uow.lock_hooks(new.installation, &new.azure_project).await?;
        if !uow.hold_connected_project(new.installation, &new.azure_project).await? {
            return Err(not_connected());
        }
        let project = uow.hold_project(organization, new.project).await?;
        project.ok_or(UseCaseError::NotFound { what: "project" })?;
        let known = uow.tracking_rules_of(new.installation, &new.azure_project).await?;
        if known.len() >= MAX_RULES {
            return Err(UseCaseError::Refused(format!("a connected project has at most {MAX_RULES} tracking rules")));
        }
        if known.iter().any(|rule| rule.project == new.project && rule.filter == new.filter) {
            return Err(UseCaseError::Conflict("there is such a tracking rule already".to_owned()));
        }
        let rule = TrackingRule {
            id: TrackingRuleId::generate(now, self.base.entropy.as_ref()),
            organization,
            installation: new.installation,
            integration: connected.integration,
            azure_project: new.azure_project.clone(),
            project: new.project,
            filter: new.filter.clone(),
            created_at: now,
        };
        uow.put_tracking_rule(&rule).await?;
        let mut rows = vec![self.backfill(&rule)];
        if known.is_empty() {
            let (installation, azure_project) = (new.installation, new.azure_project.clone());
            rows.push(self.base.armed(organization, OutboxTask::EnsureSubscriptions { installation, azure_project }));
        }
        uow.arm(&rows).await?;
        uow.commit().await?;
        Ok(rule)
    }

    fn backfill(&self, rule: &TrackingRule) -> OutboxArm {
        let row = self.base.armed(rule.organization, OutboxTask::BackfillTracking { rule: rule.id });
        OutboxArm { project: Some(rule.project), ..row }
    }

    /// Changes which work items a rule is about. Groups that it gave stay.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a rule in the organization.
    pub async fn change(
        &self,
        organization: OrganizationId,
        id: TrackingRuleId,
        filter: &TrackingFilter,
    ) -> Result<TrackingRule, UseCaseError> {
        let found = self.base.reader.tracking_rule(organization, id).await?;
        let rule = TrackingRule { filter: filter.clone(), ..found.ok_or_else(no_rule)? };
        rerun(|| self.try_change(&rule)).await?;
        self.base.wake.outbox();
        Ok(rule)
    }

    async fn try_change(&self, rule: &TrackingRule) -> Result<(), UseCaseError> {
        let mut uow = self.base.store.begin().await?;
        uow.lock_hooks(rule.installation, &rule.azure_project).await?;
        let known = uow.tracking_rules_of(rule.installation, &rule.azure_project).await?;
        if !known.iter().any(|one| one.id == rule.id) {
            return Err(no_rule());
        }
        uow.put_tracking_rule(rule).await?;
        uow.arm(&[self.backfill(rule)]).await?;
        uow.commit().await?;
        Ok(())
    }

    /// Removes a rule. Groups that it gave stay.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a rule in the organization.
    pub async fn delete(&self, organization: OrganizationId, id: TrackingRuleId) -> Result<(), UseCaseError> {
        let found = self.base.reader.tracking_rule(organization, id).await?;
        let rule = found.ok_or_else(no_rule)?;
        let removed = rerun(|| self.try_delete(&rule)).await?;
        self.base.wake.outbox();
        if removed { Ok(()) } else { Err(no_rule()) }
    }

    async fn try_delete(&self, rule: &TrackingRule) -> Result<bool, StoreError> {
        let mut uow = self.base.store.begin().await?;
        uow.lock_hooks(rule.installation, &rule.azure_project).await?;
        if uow.delete_tracking_rule(rule.organization, rule.id).await?.is_none() {
            return Ok(false);
        }
        let (clock, entropy) = (self.base.clock.as_ref(), self.base.entropy.as_ref());
        drop_unneeded_created_hooks(uow.as_mut(), rule, clock, entropy).await?;
        uow.commit().await.map(|()| true)
    }
}

fn not_connected() -> UseCaseError {
    UseCaseError::Refused("the Azure DevOps project is not connected; connect it first".to_owned())
}

/// Lets the hook for new work items go where this rule, which is gone, was the last of its connected project.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn drop_unneeded_created_hooks(
    uow: &mut dyn UnitOfWork,
    gone: &TrackingRule,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<(), StoreError> {
    let hooks = uow.lock_hooks(gone.installation, &gone.azure_project).await?;
    if !uow.tracking_rules_of(gone.installation, &gone.azure_project).await?.is_empty() {
        return Ok(());
    }
    let unneeded = hooks.into_iter().filter(|hook| hook.event_type == EventType::WorkItemCreated);
    for mut hook in unneeded.filter(|hook| hook.status != HookStatus::Deleting) {
        hook.status = HookStatus::Deleting;
        hook.updated_at = clock.now();
        uow.put_hook(&hook).await?;
        let task = OutboxTask::DeleteSubscription { hook: hook.id };
        uow.arm(&[due_now(gone.organization, task, clock, entropy)]).await?;
    }
    Ok(())
}
