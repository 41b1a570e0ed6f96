//! Whether a group has an assignee, as the cache remembers it; filled from the store where it does not.

use super::error::UseCaseError;
use crate::assignee::Assignee;
use crate::id::{GroupId, OrganizationId};
use crate::port::{AssigneeExistsCache, Reader};

/// What is known about a group's assignee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssigneeExists {
    /// Whether there is one: what the cache remembers, or else what the store says.
    pub assigned: bool,
    /// Whether the cache remembered it.
    pub remembered: bool,
    /// Who, read from the store.
    pub assignee: Option<Assignee>,
}

/// Asks the cache, and fills it where it remembers nothing. The group is read in any case, since only the
/// store knows whose it is.
///
/// # Errors
/// [`UseCaseError::NotFound`] without such a group in the organization.
pub async fn assignee_exists(
    organization: OrganizationId,
    group: GroupId,
    reader: &dyn Reader,
    cache: &dyn AssigneeExistsCache,
) -> Result<AssigneeExists, UseCaseError> {
    let ticket = cache.begin_fill().await;
    let view = reader.group(organization, group).await?.ok_or(UseCaseError::NotFound { what: "group" })?;
    let assignee = view.assignee;
    if let Some(assigned) = cache.get(group).await {
        return Ok(AssigneeExists { assigned, remembered: true, assignee });
    }
    cache.fill(ticket, &[(group, assignee.is_some())]).await;
    Ok(AssigneeExists { assigned: assignee.is_some(), remembered: false, assignee })
}
