//! What is told to the trackers.

use super::Transaction;
use crate::id::{GroupId, InstallationId, IntegrationId, LinkId, OrganizationId, UserId, WorkItemNumber};
use crate::port::store::{KnownIdentities, OutwardTx, StoreResult, WorkflowKey};
use crate::time::Timestamp;
use crate::work_item::{AzureProjectId, GroupLink, OutwardLink};
use crate::workflow::{StateMap, Workflow};
use async_trait::async_trait;
use std::collections::HashMap;

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

    async fn troubled_links(
        &mut self,
        organization: OrganizationId,
    ) -> StoreResult<Vec<(GroupLink, IntegrationId, WorkItemNumber)>> {
        let troubled = self.state.links_with_issues(organization).filter(|(link, _)| link.problem.is_some());
        Ok(troubled.map(|(link, issue)| (link.clone(), issue.integration, issue.number)).collect())
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
