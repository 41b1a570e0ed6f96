//! Where and as whom the tracker is asked: an installation's credential, opened, and the projects it connected.

use super::error::UseCaseError;
use crate::credential::Credential;
use crate::id::{InstallationId, OrganizationId};
use crate::integration::ConnectedProject;
use crate::port::{Reader, SecretBox, SecretBoxError, TrackerConnection};
use crate::work_item::AzureProjectId;

/// Where and as whom to ask the tracker for this installation.
///
/// # Errors
/// [`UseCaseError::NotFound`] without such an installation in the organization, [`UseCaseError::Secret`]
/// when its credential cannot be opened.
pub async fn connection(
    reader: &dyn Reader,
    secrets: &dyn SecretBox,
    organization: OrganizationId,
    id: InstallationId,
) -> Result<TrackerConnection, UseCaseError> {
    let found = reader.installation(organization, id).await?;
    let (installation, integration) = found.ok_or(UseCaseError::NotFound { what: "installation" })?;
    let stored = secrets.open(&installation.credential, installation.id.get().as_bytes())?;
    Ok(TrackerConnection {
        integration: integration.id,
        installation: installation.id,
        base_url: integration.base_url,
        credential: Credential::from_stored(&stored).ok_or(SecretBoxError::Invalid)?,
    })
}

/// The Azure DevOps project, where the installation connected it.
///
/// # Errors
/// [`UseCaseError::NotFound`] otherwise.
pub(super) async fn connected_project(
    reader: &dyn Reader,
    organization: OrganizationId,
    installation: InstallationId,
    azure_project: &AzureProjectId,
) -> Result<ConnectedProject, UseCaseError> {
    let connected = reader.connected_projects(organization, installation).await?;
    let found = connected.into_iter().find(|one| one.azure_project == *azure_project);
    found.ok_or(UseCaseError::NotFound { what: "connected project" })
}
