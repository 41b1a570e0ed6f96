//! Opens an installation's credential, so that the tracker can be asked with it.

use super::error::UseCaseError;
use crate::credential::Credential;
use crate::id::{InstallationId, OrganizationId};
use crate::port::{Reader, SecretBox, SecretBoxError, TrackerConnection};

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
