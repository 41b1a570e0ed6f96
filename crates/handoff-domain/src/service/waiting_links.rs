//! Links that wait for a person: whatever may make that person known (a mapping, a verified address, a
//! team, being active again) arms a read of their work items, in the transaction that made it so.

use super::essentials::Essentials;
use crate::id::{InstallationId, IntegrationId, OrganizationId, UserId, WorkItemNumber};
use crate::outbox::{OutboxArm, OutboxTask};
use crate::page;
use crate::person::{IdentityMapping, Person};
use crate::port::{StoreError, UnitOfWork};
use crate::text::EmailAddress;
use std::collections::BTreeSet;

/// All that trackers may know some users by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct KnownAs {
    /// Their verified addresses.
    pub(super) addresses: Vec<EmailAddress>,
    /// Their mapped identities.
    pub(super) identities: Vec<(IntegrationId, Person)>,
}

/// The person that a mapping speaks of.
pub(super) fn mapped_person(mapping: &IdentityMapping) -> Person {
    let shown = mapping.unique_name.as_ref().or(mapping.identity_id.as_ref());
    Person {
        identity_id: mapping.identity_id.clone(),
        unique_name: mapping.unique_name.clone(),
        display_name: shown.cloned().unwrap_or_default(),
        is_container: false,
    }
}

impl Essentials {
    /// What trackers know these members by. Read before a unit of work opens.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn known_as(&self, organization: OrganizationId, users: &[UserId]) -> Result<KnownAs, StoreError> {
        let mut known = KnownAs::default();
        for user in users {
            let member = self.reader.member(organization, *user).await?;
            let emails = member.into_iter().flat_map(|member| member.emails);
            known.addresses.extend(emails.filter(|email| email.verified).map(|email| email.address));
        }
        let mappings =
            page::all(|one: &IdentityMapping| one.id, |page| self.reader.mappings(organization, page)).await?;
        let theirs = mappings.iter().filter(|mapping| users.contains(&mapping.user));
        known.identities.extend(theirs.map(|mapping| (mapping.integration, mapped_person(mapping))));
        Ok(known)
    }

    /// Arms a read of every work item that waits for one of these people, and another try of what could not
    /// be written.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn arm_waiting(
        &self,
        uow: &mut dyn UnitOfWork,
        organization: OrganizationId,
        known: &KnownAs,
    ) -> Result<(), StoreError> {
        let mut waiting: BTreeSet<(IntegrationId, InstallationId, WorkItemNumber)> = BTreeSet::new();
        for address in &known.addresses {
            let found = uow.links_waiting_for_address(organization, address).await?;
            waiting.extend(found.into_iter().map(|(link, of, number)| (of, link.installation, number)));
        }
        for (of, person) in &known.identities {
            let found = uow.links_waiting_for(organization, *of, person).await?;
            waiting.extend(found.into_iter().map(|(link, number)| (*of, link.installation, number)));
        }
        let task = |(integration, installation, work_item)| OutboxTask::RefreshWorkItem {
            integration,
            installation,
            work_item,
        };
        let mut rows: Vec<OutboxArm> = waiting.into_iter().map(|key| self.armed(organization, task(key))).collect();
        // Whoever could not be told to a tracker before may be known there now.
        let troubled = uow.troubled_links(organization).await?;
        let troubled: BTreeSet<_> =
            troubled.into_iter().map(|(link, of, number)| (of, link.installation, number)).collect();
        let task = |(integration, installation, work_item)| OutboxTask::ConvergeWorkItem {
            integration,
            installation,
            work_item,
        };
        rows.extend(troubled.into_iter().map(|key| self.armed(organization, task(key))));
        if rows.is_empty() { Ok(()) } else { uow.arm(&rows).await }
    }
}
