//! What is told to the trackers.

use super::Transaction;
use crate::assignee::Assignee;
use crate::id::{GroupId, InstallationId, IntegrationId, LinkId, OrganizationId, UserId};
use crate::port::store::{ItemThrough, KnownIdentities, OutwardTx, StoreResult, WorkflowKey};
use crate::time::Timestamp;
use crate::work_item::{AzureProjectId, GroupLink, OutwardLink};
use crate::workflow::{StateMap, Workflow};
use async_trait::async_trait;
use std::collections::{BTreeSet, HashMap};

#[async_trait]
impl OutwardTx for Transaction {
    async fn outward_links(&mut self, groups: &[GroupId]) -> StoreResult<Vec<OutwardLink>> {
        let state = &self.state;
        let links = state.links.values().filter(|link| groups.contains(&link.group));
        let outward = links.filter_map(|link| {
            let toggles = state.installations.get(&link.installation)?.toggles;
            let issue = state.issues.get(&link.external_issue).filter(|issue| !issue.deleted)?;
            let carries = state.organizations.get(&link.organization)?.issue_sync;
            (carries && (toggles.outbound_assignee || toggles.outbound_status)).then_some(OutwardLink {
                group: link.group,
                external_issue: issue.id,
                number: issue.number,
                integration: issue.integration,
                installation: link.installation,
                toggles,
            })
        });
        Ok(outward.collect())
    }

    async fn set_problems(&mut self, rows: &[(LinkId, Option<String>)]) -> StoreResult<()> {
        let state = self.write();
        for (id, problem) in rows {
            if let Some(link) = state.links.get_mut(id) {
                link.problem.clone_from(problem);
            }
        }
        Ok(())
    }

    async fn troubled_items(
        &mut self,
        organization: OrganizationId,
        users: &[UserId],
    ) -> StoreResult<Vec<ItemThrough>> {
        let state = &self.state;
        let is_known = |user: UserId| {
            let mapped = state.mappings.values().any(|one| one.organization == organization && one.user == user);
            mapped || state.emails.iter().any(|((of, _), verified)| *of == user && *verified)
        };
        let is_about = |link: &GroupLink| match state.decisions.get(&link.group).and_then(|decision| decision.value) {
            Some(Assignee::User(user)) => users.contains(&user) && is_known(user),
            _ => false,
        };
        let links = state.links_with_issues(organization);
        let troubled = links.filter(|(link, _)| link.problem.is_some() && is_about(link));
        let items: BTreeSet<ItemThrough> =
            troubled.map(|(link, issue)| (issue.integration, link.installation, issue.number)).collect();
        Ok(items.into_iter().collect())
    }

    async fn identities_of(
        &mut self,
        organization: OrganizationId,
        integration: IntegrationId,
        user: UserId,
    ) -> StoreResult<KnownIdentities> {
        let mapped = self.state.mappings_of(organization, integration).filter(|one| one.user == user);
        let verified = self.state.emails.iter().filter(|((of, _), verified)| *of == user && **verified);
        Ok(KnownIdentities {
            mapped: mapped.map(|one| (one.identity_id.clone(), one.unique_name.clone())).collect(),
            addresses: verified.map(|((_, address), _)| address.clone()).collect(),
        })
    }

    async fn put_workflow(&mut self, key: &WorkflowKey, workflow: &Workflow, learned_at: Timestamp) -> StoreResult<()> {
        self.write().workflows.insert(key.clone(), (workflow.clone(), learned_at));
        Ok(())
    }

    async fn workflows(&mut self, keys: &[WorkflowKey]) -> StoreResult<HashMap<WorkflowKey, (Workflow, Timestamp)>> {
        let known = keys.iter().filter_map(|key| self.state.workflows.get_key_value(key));
        Ok(known.map(|(key, known)| (key.clone(), known.clone())).collect())
    }

    async fn set_state_map(
        &mut self,
        installation: InstallationId,
        azure_project: &AzureProjectId,
        map: &StateMap,
    ) -> StoreResult<bool> {
        let found = self.write().connections.get_mut(&(installation, azure_project.clone()));
        Ok(found.map(|one| one.state_map = map.clone()).is_some())
    }

    async fn state_maps(
        &mut self,
        projects: &[(InstallationId, AzureProjectId)],
    ) -> StoreResult<HashMap<(InstallationId, AzureProjectId), StateMap>> {
        let known = projects.iter().filter_map(|key| self.state.connections.get_key_value(key));
        let said = known.filter(|(_, one)| !one.state_map.is_empty());
        Ok(said.map(|(key, one)| (key.clone(), one.state_map.clone())).collect())
    }
}
