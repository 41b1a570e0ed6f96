//! Integrations, hooks, mirrored work items, links and identities.

use super::Transaction;
use super::state::{State, unless};
use crate::hook::{Hook, HookStatus};
use crate::id::{
    ExternalIssueId, InstallationId, IntegrationId, LinkId, MappingId, OrganizationId, UserId, WorkItemNumber,
};
use crate::integration::{ConnectedProject, Installation, Integration, Toggles};
use crate::person::{IdentityMapping, Person, Unresolved};
use crate::port::store::{ItemThrough, MatchedBy, PersonMatch, StoreResult, TrackerTx};
use crate::secret::Sealed;
use crate::time::Timestamp;
use crate::work_item::{AzureProjectId, ExternalIssue, GroupLink, LinkedGroup};
use async_trait::async_trait;
use std::collections::BTreeSet;

/// Whether both are known and equal.
fn same(a: Option<&String>, b: Option<&String>) -> bool {
    a.is_some() && a == b
}

/// Whether two mappings are about one identity: by its id, or, where neither tells it, by the sign-in name.
fn same_identity(a: &IdentityMapping, b: &IdentityMapping) -> bool {
    match (&a.identity_id, &b.identity_id) {
        (None, None) => same(a.unique_name.as_ref(), b.unique_name.as_ref()),
        (a, b) => a == b,
    }
}

/// What the mapping says about the person. Where both tell the identity's id, nothing else counts.
fn matched_by(mapping: &IdentityMapping, person: &Person) -> Option<MatchedBy> {
    match (&mapping.identity_id, &person.identity_id) {
        (Some(mapped), Some(asked)) => (mapped == asked).then_some(MatchedBy::IdentityId),
        _ => same(mapping.unique_name.as_ref(), person.unique_name.as_ref()).then_some(MatchedBy::UniqueName),
    }
}

impl State {
    pub(super) fn mappings_of(
        &self,
        organization: OrganizationId,
        integration: IntegrationId,
    ) -> impl Iterator<Item = &IdentityMapping> {
        let mappings = self.mappings.values();
        mappings.filter(move |one| one.organization == organization && one.integration == integration)
    }

    /// Who one person may be.
    fn matches(&self, question: usize, asked: &(OrganizationId, IntegrationId, Person)) -> Vec<PersonMatch> {
        let (organization, integration, person) = asked;
        let mapped = self
            .mappings_of(*organization, *integration)
            .filter_map(|one| matched_by(one, person).map(|by| PersonMatch { question, user: one.user, by }));
        let owner = person.address().and_then(|address| self.owner_of(&address));
        let member = owner.filter(|user| self.memberships.contains_key(&(*organization, *user)));
        mapped.chain(member.map(|user| PersonMatch { question, user, by: MatchedBy::Address })).collect()
    }

    /// The organization's links on which somebody is unresolved, with that somebody and the work item.
    fn waiting(&self, organization: OrganizationId) -> impl Iterator<Item = (&GroupLink, &Person, &ExternalIssue)> {
        self.links_with_issues(organization)
            .filter_map(|(link, issue)| link.unresolved.as_ref().map(|who| (link, &who.person, issue)))
    }

    fn is_needed(&self, connection: &ConnectedProject) -> bool {
        let own = self.links.values().filter(|link| link.organization == connection.organization);
        let is_linked =
            own.filter_map(|link| self.issues.get(&link.external_issue)).any(|issue| is_in(issue, connection));
        is_linked || self.rules_of(connection.installation, &connection.azure_project).next().is_some()
    }
}

fn is_in(issue: &ExternalIssue, connection: &ConnectedProject) -> bool {
    issue.integration == connection.integration && issue.azure_project == connection.azure_project
}

#[async_trait]
impl TrackerTx for Transaction {
    async fn put_integration(&mut self, new: &Integration) -> StoreResult<Integration> {
        let mut known = self.state.integrations.values();
        if let Some(one) = known.find(|one| one.collection_id == new.collection_id) {
            return Ok(one.clone());
        }
        unless(self.state.integrations.contains_key(&new.id), "integration_pkey")?;
        self.write().integrations.insert(new.id, new.clone());
        Ok(new.clone())
    }

    async fn insert_installation(&mut self, new: &Installation) -> StoreResult<()> {
        let known = &self.state.installations;
        unless(known.contains_key(&new.id), "installation_pkey")?;
        let same = |one: &Installation| one.organization == new.organization && one.integration == new.integration;
        unless(known.values().any(same), "installation_integration")?;
        self.write().installations.insert(new.id, new.clone());
        Ok(())
    }

    async fn set_toggles(
        &mut self,
        organization: OrganizationId,
        id: InstallationId,
        toggles: &Toggles,
    ) -> StoreResult<bool> {
        let found = self.write().installations.get_mut(&id).filter(|one| one.organization == organization);
        Ok(found.map(|one| one.toggles = *toggles).is_some())
    }

    async fn set_credential(
        &mut self,
        organization: OrganizationId,
        id: InstallationId,
        credential: &Sealed,
    ) -> StoreResult<bool> {
        let found = self.write().installations.get_mut(&id).filter(|one| one.organization == organization);
        Ok(found.map(|one| one.credential = credential.clone()).is_some())
    }

    async fn set_credential_expiry(
        &mut self,
        organization: OrganizationId,
        id: InstallationId,
        at: Option<Timestamp>,
    ) -> StoreResult<bool> {
        let found = self.write().installations.get_mut(&id).filter(|one| one.organization == organization);
        Ok(found.map(|one| one.credential_expires_at = at).is_some())
    }

    async fn put_connected_project(&mut self, new: &ConnectedProject) -> StoreResult<()> {
        let key = (new.installation, new.azure_project.clone());
        self.write().connections.entry(key).or_insert_with(|| new.clone());
        Ok(())
    }

    async fn delete_connected_project(
        &mut self,
        installation: InstallationId,
        azure_project: &AzureProjectId,
    ) -> StoreResult<bool> {
        let key = (installation, azure_project.clone());
        let state = self.write();
        state
            .tracking_rules
            .retain(|_, rule| rule.installation != installation || rule.azure_project != *azure_project);
        state.schedule.remove(&key);
        Ok(state.connections.remove(&key).is_some())
    }

    async fn hold_connected_project(
        &mut self,
        installation: InstallationId,
        azure_project: &AzureProjectId,
    ) -> StoreResult<bool> {
        Ok(self.state.connections.contains_key(&(installation, azure_project.clone())))
    }

    async fn unneeded_connections(
        &mut self,
        organization: OrganizationId,
        issues: &[ExternalIssueId],
    ) -> StoreResult<Vec<ConnectedProject>> {
        let issues: Vec<&ExternalIssue> = issues.iter().filter_map(|id| self.state.issues.get(id)).collect();
        let own = self.state.connections.values().filter(|one| one.organization == organization);
        let concerned = own.filter(|one| issues.iter().any(|issue| is_in(issue, one)));
        Ok(concerned.filter(|one| !self.state.is_needed(one)).cloned().collect())
    }

    async fn put_hook(&mut self, hook: &Hook) -> StoreResult<()> {
        self.write().hooks.insert(hook.id, hook.clone());
        Ok(())
    }

    async fn lock_hooks(
        &mut self,
        installation: InstallationId,
        azure_project: &AzureProjectId,
    ) -> StoreResult<Vec<Hook>> {
        let alive = self.state.hooks.values().filter(|hook| hook.status != HookStatus::Deleted);
        let own = alive.filter(|hook| hook.installation == installation && hook.azure_project == *azure_project);
        Ok(own.cloned().collect())
    }

    async fn put_external_issues(&mut self, rows: &[ExternalIssue]) -> StoreResult<()> {
        let state = self.write();
        for row in rows {
            let same = |one: &ExternalIssue| (one.integration, one.number) == (row.integration, row.number);
            let double = state.issues.values().any(|one| same(one) && one.id != row.id);
            unless(double, "external_issue_number")?;
            state.issues.insert(row.id, row.clone());
        }
        Ok(())
    }

    async fn lock_external_issues(
        &mut self,
        keys: &[(IntegrationId, WorkItemNumber)],
    ) -> StoreResult<Vec<ExternalIssue>> {
        let keys: BTreeSet<&(IntegrationId, WorkItemNumber)> = keys.iter().collect();
        let asked = |issue: &&ExternalIssue| keys.contains(&(issue.integration, issue.number));
        Ok(self.state.issues.values().filter(asked).cloned().collect())
    }

    async fn insert_link(&mut self, new: &GroupLink) -> StoreResult<()> {
        let known = &self.state.links;
        unless(known.contains_key(&new.id), "group_link_pkey")?;
        let same = |link: &GroupLink| link.group == new.group && link.external_issue == new.external_issue;
        unless(known.values().any(same), "group_link_pair")?;
        self.write().links.insert(new.id, new.clone());
        Ok(())
    }

    async fn delete_link(&mut self, organization: OrganizationId, id: LinkId) -> StoreResult<Option<GroupLink>> {
        if self.state.links.get(&id).is_none_or(|link| link.organization != organization) {
            return Ok(None);
        }
        Ok(self.write().links.remove(&id))
    }

    async fn links_of(&mut self, issues: &[ExternalIssueId]) -> StoreResult<Vec<LinkedGroup>> {
        let state = &self.state;
        let links = state.links.values().filter(|link| issues.contains(&link.external_issue));
        let visible = links.filter(|link| state.visible_group(link.group).is_some());
        let with_toggle = visible.map(|link| {
            let toggles = state.installations.get(&link.installation)?.toggles;
            Some(LinkedGroup { link: link.clone(), toggles })
        });
        Ok(with_toggle.flatten().collect())
    }

    async fn set_unresolved(&mut self, rows: &[(LinkId, Option<Unresolved>)]) -> StoreResult<()> {
        let state = self.write();
        for (id, unresolved) in rows {
            if let Some(link) = state.links.get_mut(id) {
                link.unresolved.clone_from(unresolved);
            }
        }
        Ok(())
    }

    async fn insert_mapping(&mut self, new: &IdentityMapping) -> StoreResult<()> {
        unless(self.state.mappings.contains_key(&new.id), "identity_mapping_pkey")?;
        let taken = self.state.mappings_of(new.organization, new.integration).any(|one| same_identity(one, new));
        unless(taken, "identity_mapping_identity")?;
        self.write().mappings.insert(new.id, new.clone());
        Ok(())
    }

    async fn delete_mapping(&mut self, organization: OrganizationId, id: MappingId) -> StoreResult<bool> {
        let found = self.state.mappings.get(&id).is_some_and(|one| one.organization == organization);
        Ok(found && self.write().mappings.remove(&id).is_some())
    }

    async fn match_people(
        &mut self,
        questions: &[(OrganizationId, IntegrationId, Person)],
    ) -> StoreResult<Vec<PersonMatch>> {
        Ok(questions.iter().enumerate().flat_map(|(n, asked)| self.state.matches(n, asked)).collect())
    }

    async fn items_waiting_for(
        &mut self,
        organization: OrganizationId,
        users: &[UserId],
    ) -> StoreResult<Vec<ItemThrough>> {
        let state = &self.state;
        let is_mapped = |who: &Person, integration: IntegrationId| {
            let own = state.mappings_of(organization, integration).filter(|one| users.contains(&one.user));
            own.map(|one| (&one.identity_id, &one.unique_name)).any(|(id, name)| match (id, &who.identity_id) {
                (Some(mapped), Some(asked)) => mapped == asked,
                _ => name.is_some() && *name == who.unique_name,
            })
        };
        let has_address = |who: &Person| {
            let own = state.emails.iter().filter(|((user, _), verified)| **verified && users.contains(user));
            own.map(|((_, address), _)| address.as_str()).any(|own| who.unique_name.as_deref() == Some(own))
        };
        let waiting = state.waiting(organization);
        let theirs = waiting.filter(|(_, who, issue)| is_mapped(who, issue.integration) || has_address(who));
        let items: BTreeSet<ItemThrough> =
            theirs.map(|(link, _, issue)| (issue.integration, link.installation, issue.number)).collect();
        Ok(items.into_iter().collect())
    }
}
